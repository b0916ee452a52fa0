"""What is noticed of the answers of a run beside their scores: thinking, and cuts."""

from collections import defaultdict
from dataclasses import dataclass

from apo.calls import Call
from apo.journal_rows import Entry
from apo.models.dialect import dialect_of

WHOSE = {"task": "answers", "judge": "judgements"}
OPTION = "decoding.max_tokens in task.yaml"


@dataclass
class _Of:
    """The answers of one model in one role."""

    answers: int = 0
    thought: int = 0
    thinking_tokens: int = 0
    cut: int = 0
    empty: int = 0
    limit: int | None = None
    limit_field: str = "max_tokens"


class Tally:
    """Counts answers once each, whether they are new or from the journal.

    Args:
        metered: whether calls without a limit of their own are sent their endpoint's.
    """

    def __init__(self, *, metered: bool) -> None:
        self._metered = metered
        self._of: defaultdict[tuple[str, str], _Of] = defaultdict(_Of)

    def add(self, call: Call, entry: Entry) -> None:
        """Count an answer; a refusal is none."""
        if entry.error:
            return
        found = self._of[entry.role, entry.model]
        found.answers += 1
        if entry.thinking or entry.usage.thinking_tokens:
            found.thought += 1
            found.thinking_tokens += entry.usage.thinking_tokens
        if entry.truncated:
            endpoint = call.answered_by(entry.model)
            found.cut += 1
            found.empty += not entry.reply
            found.limit = call.limit(endpoint, metered=self._metered)
            found.limit_field = dialect_of(endpoint.model).limit_field

    def notes(self) -> list[str]:
        """Say what was noticed; nothing when no answer was cut or thought about."""
        found = sorted(self._of.items())
        cuts = [_cut(role, model, of) for (role, model), of in found if of.cut]
        return cuts + [_thought(role, model, of) for (role, model), of in found if of.thought]


def _thought(role: str, model: str, of: _Of) -> str:
    mean = of.thinking_tokens / of.thought
    return (
        f"{of.thought:,} of {of.answers:,} {WHOSE.get(role, 'replies')} of {model} began with "
        f"thinking, {mean:,.0f} tokens on average. It is kept and paid for, and not judged."
    )


def _cut(role: str, model: str, of: _Of) -> str:
    whose = WHOSE.get(role, "replies")
    empty = f", {of.empty:,} of them before the first word" if of.empty else ""
    limit = "the server's own limit" if of.limit is None else f"{of.limit:,} tokens"
    thinking = " What a model thinks counts toward it." if of.thought or of.empty else ""
    sent = "" if of.limit_field == "max_tokens" else f" (sent as {of.limit_field})"
    if of.limit is None:
        mend = f"Raise it there: its context, or its length of output. Or set {OPTION}{sent}."
    elif role == "task":
        mend = f"Raise {OPTION}{sent}."
    else:
        mend = "None is sent when --max-calls or --max-minutes alone limits the run."
    text = f"{of.cut:,} of {of.answers:,} {whose} of {model} were cut at {limit}{empty}."
    return f"{text}{thinking} {mend}"
