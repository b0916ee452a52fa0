"""What an instruction states, in a form that can be followed, merged and written again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Work = Literal["classify", "extract", "compute", "chat"]
Kind = Literal["integer", "date", "name", "text"]

OPERATIONS = ("add", "subtract", "multiply", "divide", "ignore")


@dataclass(frozen=True)
class Form:
    """How the answer is to be written.

    Attributes:
        bare: the answer alone, without a sentence around it.
        case: "upper" or "lower" when the prompt asks for it.
        json_key: the key of a JSON object that holds the answer.
        tag: the tag that the answer stands in.
        marker: text such as "Answer:" or "####" that the answer follows.
    """

    bare: bool = False
    case: str = ""
    json_key: str = ""
    tag: str = ""
    marker: str = ""


@dataclass(frozen=True, eq=False)
class Rules:
    """What an instruction states, as far as the embedded model can read it.

    Rules are compared by identity, which makes them cheap keys of caches.

    Attributes:
        work: the kind of work asked for.
        names: allowed answers, keys to extract, or operations, in order.
        cues: words tied to each name, the most telling first.
        against: words that speak against a value of a key.
        kinds: the type of each key's value.
        otherwise: the answer when nothing points to any.
        form: how the answer is to be written.
        negation: a negation near a cue turns it round.
        iso_dates: dates are to be written YYYY-MM-DD.
        nulls: keys whose value may be missing, and is null then.
        precedence: multiply and divide before adding and subtracting.
    """

    work: Work = "chat"
    names: tuple[str, ...] = ()
    cues: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    against: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    kinds: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    otherwise: str = ""
    form: Form = Form()
    negation: bool = False
    iso_dates: bool = False
    nulls: frozenset[str] = frozenset()
    precedence: bool = False
