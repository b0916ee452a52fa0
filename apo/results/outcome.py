"""How a run came out, in one word and with its reason: the same wherever it is told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from apo.evaluation.evaluation import Evaluation
from apo.evaluation.must_pass import broken
from apo.language.catalogue import message
from apo.results.words import is_worse, sentence
from apo.storage.refusals import told

Kind = Literal[
    "favourable",
    "no better than a constant",
    "broke must-pass",
    "not proven",
    "worse",
    "nothing gained",
    "nothing better",
    "vetoed",
    "refused",
    "no verdict",
]
FEW_WRONG = 2.01
"""Validation examples that a seed prompt gets wrong, up to which hardly a gain can be seen."""
MAX_SHOWN = 3
"""Candidates and examples that a reason names."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run came out.

    Attributes:
        kind: in a word or two; "favourable" alone means that the best prompt is the one to use.
        reason: the same in a sentence or more.
    """

    kind: Kind
    reason: str

    @property
    def favourable(self) -> bool:
        """Whether the best prompt is the one to use."""
        return self.kind == "favourable"

    def to_dict(self) -> dict[str, str]:
        """Give it as JSON values."""
        return asdict(self)


def outcome(result: Mapping[str, Any]) -> Outcome:
    """Say how a run came out.

    Args:
        result: as `Result.to_dict` gives it, or the result of an earlier version.
    """
    verdict: Mapping[str, Any] | None = result["verdict"]
    procedure: Mapping[str, Any] = result.get("procedure") or {}
    folds: int | None = procedure.get("folds")
    if not folds and result["best_prompt"] == result["seed_prompt"]:
        return _nothing_found(result)
    if verdict is None:
        told = "No verdict: no test example has a score under both prompts, so nothing is proven."
        return Outcome(kind="no verdict", reason=told)
    if not folds and verdict["wins"] == verdict["losses"] == 0 and not verdict["difference"]:
        told = "Nothing gained: the best prompt scores like the seed on every test example."
        return Outcome(kind="nothing gained", reason=told)
    told = sentence(verdict, *(("rows", f" in {folds} folds") if folds else ()))
    return Outcome(kind=judged(verdict), reason=told)


def judged(verdict: Mapping[str, Any]) -> Kind:
    """The word for a verdict alone, where seed and best prompt differ."""
    constant: Mapping[str, Any] = verdict.get("constant") or {"beaten": True}
    if verdict.get("broken"):  # Results of earlier versions have no such keys.
        return "broke must-pass"
    if not verdict.get("proven", verdict["favourable"]):
        return "worse" if is_worse(verdict) else "not proven"
    return "favourable" if constant["beaten"] else "no better than a constant"


def _nothing_found(result: Mapping[str, Any]) -> Outcome:
    refused: Mapping[str, Any] = result.get("refused") or {}
    vetoed: Mapping[str, Any] = result.get("vetoed") or {}
    if vetoed.get("n"):
        return Outcome(kind="vetoed", reason=vetoed_line(vetoed, result.get("run_id") or "RUN"))
    if refused.get("n") and refused["n"] == refused["of"]:
        reason = f"Nothing found: the search had no candidate to try. {told(refused)}"
        return Outcome(kind="refused", reason=reason)
    validation: Mapping[str, Any] = result.get("validation") or {}
    tried = message(f"Nothing found: {_tried(result, validation)}")
    return Outcome(kind="nothing better", reason=f"{tried}{_little_room(validation)}")


def _tried(result: Mapping[str, Any], validation: Mapping[str, Any]) -> str:
    """Say what a search without a better prompt had to go by."""
    if validation.get("seed") == 1:
        n = validation.get("n")  # Results of earlier versions do not say.
        where = message(f"on all {n} validation examples" if n else "on every validation example")
        if n == 1:
            where = message("on its one validation example")
        return (
            f"the seed prompt is right {where}, so none can be seen to be better. Rows that it "
            "gets wrong would show more."
        )
    few = "The budget was too small for this optimizer: raise it, or take another one."
    measured = result.get("measured")
    if measured is None:  # A result of an earlier version.
        few = f"If hardly any was measured (apo show tells): {few}"
        return f"no candidate did better than the seed prompt on the validation examples. {few}"
    if measured == 0:
        return (
            "no candidate was measured on all validation examples: none looked better than the "
            "seed prompt on those that it was tried on, or the budget ended before. Raise it, or "
            "take another optimizer."
        )
    return (
        f"none of the {measured} candidates measured on all validation examples did better "
        "than the seed prompt."
        if measured > 1
        else "the one candidate measured on all validation examples did no better than the "
        "seed prompt."
    )


def _little_room(validation: Mapping[str, Any]) -> str:
    """Say that a seed prompt that is right on nearly all examples leaves hardly a gain to see."""
    n, left = validation.get("n", 0), 1 - validation.get("seed", 0.0)
    if not 0 < n * left <= FEW_WRONG:
        return ""
    more = message(
        f"On {n} validation examples the seed prompt leaves {100 * left:.1f} points to gain: more "
        "of them, or such as it gets wrong, would show more."
    )
    return f" {more}"


def vetoes(seed: Evaluation, ranked: Sequence[Evaluation], best: Evaluation) -> dict[str, Any]:
    """Count the candidates that did better than the seed prompt, and than the best one.

    Args:
        seed: the seed prompt on the validation split.
        ranked: all candidates on it.
        best: the one that goes into the verdict.

    Returns:
        As JSON values: `n`, how many were vetoed, `ids` of some, their highest score and that of
        the `seed`, how many break which of the `examples` that must pass, and how many the audit
        passed over (`audited`). Empty where none was.
    """
    ahead = [e for e in ranked if e.at_least > max(seed.at_least, best.at_least)]
    found = {e: [example.id for example in broken(seed, e)] for e in ahead}
    if not found:
        return {}
    lost = Counter(example for examples in found.values() for example in examples)
    return {
        "n": len(found),
        "ids": [e.prompt.id for e in ahead][:MAX_SHOWN],
        "highest": max(e.value for e in ahead),
        "seed": seed.value,
        "examples": dict(lost.most_common()),
        "audited": sum(not examples for examples in found.values()),
    }


def vetoed_line(vetoed: Mapping[str, Any], run: str) -> str:
    """Say which candidates of a run were vetoed, and for what, as `vetoes` found it."""
    n, examples = vetoed["n"], list(vetoed["examples"].items())
    many = n > 1
    who = message(f"{n} candidate{'s' * many}")
    high, seed = 100 * vetoed["highest"], 100 * vetoed["seed"]
    scores = message(f"{high:.1f} %, the seed {seed:.1f} %")
    if many:
        scores = message(f"up to {high:.1f} %, the seed {seed:.1f} %")
    line = f"Vetoed: {who} did better on validation ({scores})"
    named = ", ".join(f"{example} ({times})" for example, times in examples[:MAX_SHOWN])
    if (left := len(examples) - MAX_SHOWN) > 0:
        named = message(f"{named} and {left} more")
    reasons: list[str] = []
    if examples:
        breaking = n - vetoed["audited"]
        told = f"breaks examples that must pass: {named}"
        if breaking == n > 1:
            told = f"each breaks examples that must pass: {named}"
        elif breaking != 1:
            told = f"{breaking} of them break examples that must pass: {named}"
        reasons.append(told)
    if vetoed["audited"]:
        reasons.append(f"the audit before the verdict passed over {vetoed['audited']}")
    ids = ", ".join(name[:6] for name in vetoed["ids"])
    others = ", …" if n > len(vetoed["ids"]) else ""
    return (
        f"{line}, and {'; '.join(reasons)}. More budget does not mend that: look at them (apo show "
        f"{run}:ID, with the ids {ids}{others}), or mend the marks of must_pass."
    )
