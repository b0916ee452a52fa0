"""What one model refuses of a request: known of its family, or learnt from its server's errors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from apo.model import Decoding, Message, Model

DECODED = (
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "max_tokens",
    "max_completion_tokens",
    "stop",
)
"""What a request says of how its answer is decoded."""
LIMITS = frozenset(("max_tokens", "max_completion_tokens"))
"""The two names of the limit of an answer."""
EXTRA = ("response_format", "reasoning_effort", "logprobs", "top_logprobs")
"""Further fields that an answer can do without."""
REFUSABLE = (*DECODED, "seed", "system", *EXTRA)
"""What a server may refuse by name and be asked without; "system" is the role of a turn."""

_SAMPLING = frozenset(("temperature", "top_p", "frequency_penalty", "presence_penalty"))
_FAMILIES: tuple[tuple[re.Pattern[str], frozenset[str], bool], ...] = (
    # OpenAI's models that always reason; the chat models of the same number take all.
    (re.compile(r"o1-(mini|preview)"), _SAMPLING | {"stop", "system"}, True),
    (re.compile(r"o[134](-mini|-pro)?(-\d{4}|$)"), _SAMPLING | {"stop"}, True),
    (re.compile(r"gpt-5(-mini|-nano|-pro|-codex)?(-\d{4}|$)"), _SAMPLING | {"stop"}, True),
    # xAI's.
    (
        re.compile(r"grok-(3-mini|4)(?!.*non-reasoning)"),
        frozenset(("frequency_penalty", "presence_penalty", "stop")),
        False,
    ),
)
"""Published families by the start of a model's name: what they refuse, and whether the limit of
an answer must be called max_completion_tokens. All of them think before they answer."""
_THINKS = re.compile(
    r"deepseek-r|reasoner|qwq|qwen3(?!.*(instruct|coder))|magistral|gpt-oss|exaone-deep|"
    r"gemini-(2\.5|3)|glm-4\.[5-9]|minimax-m|thinking|(?<!non-)reasoning"
)
"""Others that do, by a part of the name; those not listed show it in their first answers."""

_CONSEQUENCES = {
    "max_tokens": "the limit of an answer is sent as max_completion_tokens.",
    "max_completion_tokens": "the limit of an answer is sent as max_tokens.",
    "temperature": "its own holds, so that equal questions may get unequal answers.",
    "seed": "sampled answers cannot be drawn again.",
    "system": "the system turn is sent at the head of the first user turn.",
    "stop": "apo cuts the answers there itself.",
    "response_format": "the form of answers is left to the prompt's words.",
    "reasoning_effort": "it thinks as long as it does on its own.",
    "logprobs": "its answers are kept without their log-probabilities.",
    "top_logprobs": "none but the log-probabilities of its own tokens are asked for.",
    "a limit of its answers": "they end where the model ends them.",
}


@dataclass
class Dialect:
    """How one model is asked; all who ask it share one.

    Attributes:
        refused: names from `REFUSABLE` that are not sent.
        newer_limit: whether the limit of an answer is called max_completion_tokens.
        thinks: whether it is known to think before it answers.
    """

    refused: set[str] = field(default_factory=set[str])
    newer_limit: bool = False
    thinks: bool = False

    @classmethod
    def of(cls, model: str, *, newer_limit: bool = False) -> Self:
        """What is known of a model from its name; a part before a slash is a provider's."""
        name = model.rpartition("/")[2].casefold()
        for family, refused, renamed in _FAMILIES:
            if family.match(name):
                return cls(set(refused), renamed or newer_limit, thinks=True)
        return cls(newer_limit=newer_limit, thinks=bool(_THINKS.search(name)))

    def learn(self, option: str) -> bool:
        """Ask without an option from now on; False when it cannot be done without.

        Of the two names of the limit of an answer, one must be taken.
        """
        if option in LIMITS and LIMITS - {option} <= self.refused:
            return False
        self.refused.add(option)
        return True

    @property
    def limit_field(self) -> str:
        """What the limit of an answer is called in a request."""
        newer = self.newer_limit or "max_tokens" in self.refused
        refused = "max_completion_tokens" in self.refused
        return "max_completion_tokens" if newer and not refused else "max_tokens"

    def options(self, decoding: Decoding, seed: int, seed_field: str) -> dict[str, Any]:
        """The options of a request that are set, and not refused, by their names on the wire."""
        options = {
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            "frequency_penalty": decoding.frequency_penalty,
            "presence_penalty": decoding.presence_penalty,
            # OpenAI's reasoning models refuse max_tokens; most other servers know nothing else.
            self.limit_field: decoding.max_tokens,
            "stop": list(decoding.stop) or None,
        }
        kept = {k: v for k, v in options.items() if v is not None and k not in self.refused}
        # Without a draw a seed means nothing, and some servers refuse it.
        if seed_field and decoding.temperature != 0 and "seed" not in self.refused:
            kept[seed_field] = seed
        return kept

    def further(self, extra: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fields in the provider's own words, without what it refuses."""
        if not self.refused.intersection(extra):
            return extra
        return {name: value for name, value in extra.items() if name not in self.refused}

    def turns(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The turns of a chat; of a model without system turns, those go to the user's."""
        if "system" not in self.refused:
            return messages
        said = [m.content for m in messages if m.role == "system"]
        others = [m for m in messages if m.role != "system"]
        if not said:
            return messages
        if not others or others[0].role != "user":
            return [Message("user", "\n\n".join(said)), *others]
        first = others[0]._replace(content="\n\n".join([*said, others[0].content]))
        return [first, *others[1:]]

    def cut(self, text: str, decoding: Decoding) -> str:
        """An answer up to the first stop text, where the server was not told of it."""
        if "stop" not in self.refused:
            return text
        ends = [at for stop in decoding.stop if stop and (at := text.find(stop)) >= 0]
        return text[: min(ends, default=len(text))]


def dialect_of(model: Model) -> Dialect:
    """The dialect of a model that has one; one of its own, which changes nothing, otherwise."""
    found: object = getattr(model, "dialect", None)
    return found if isinstance(found, Dialect) else Dialect()


def told(model: str, option: str) -> str:
    """Say that a model refuses an option, and what is done instead; or that it thinks."""
    if option == "thinking":
        return (
            f"{model} thinks before it answers: its answers got room for that, beside their own "
            "(--max-thinking)."
        )
    name = "a system turn" if option == "system" else option
    consequence = _CONSEQUENCES.get(option, "its own holds.")
    return f"{model} refuses {name}: {consequence}"
