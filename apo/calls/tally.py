"""What is noticed of the answers of a run beside their scores: refusals, thinking, cuts."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from apo.calls.call import Call
from apo.models.dialect import dialect_of
from apo.storage.rows import Entry
from apo.storage.servers import Server

WHOSE = {"task": "answers", "judge": "judgements"}
OPTION = "decoding.max_tokens in task.yaml"
REFUSED = {
    "ContextLengthError": "more than the model takes",
    "ContentFilterError": "a content filter",
}
SHOWN = 200
"""Characters of a server's words that are told."""
EMPTY_SHARE = 0.1
"""Share of answers without a character from which on it is told; a few may well be right."""


@dataclass
class _Of:
    """The answers of one model in one role."""

    answers: int = 0
    thought: int = 0
    thinking_tokens: int = 0
    cut: int = 0
    empty: int = 0
    silent: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    words: dict[str, str] = field(default_factory=dict[str, str])
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
        self._servers: defaultdict[str, Server] = defaultdict(Server)

    def add(self, call: Call, entry: Entry) -> None:
        """Count an answer, or a refusal with its reason."""
        found = self._of[entry.role, entry.model]
        if entry.error:
            kind, _, said = entry.error.partition(": ")
            found.refused[kind] += 1
            found.words.setdefault(kind, said)
            return
        self._servers[entry.model].add(call.request, entry)
        found.answers += 1
        found.silent += not entry.truncated and not (entry.reply or "").strip()
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
        """Say what was noticed; nothing when every call got an answer that is none of these."""
        found = sorted(self._of.items())
        cuts = [_refused(role, model, of) for (role, model), of in found if of.refused]
        cuts += [
            _silent(role, model, of)
            for (role, model), of in found
            if of.silent and of.silent >= EMPTY_SHARE * of.answers
        ]
        cuts += [_cut(role, model, of) for (role, model), of in found if of.cut]
        cuts += [_thought(role, model, of) for (role, model), of in found if of.thought]
        return cuts + [
            n for name, server in sorted(self._servers.items()) for n in server.notes(name)
        ]


def _refused(role: str, model: str, of: _Of) -> str:
    n, asked = of.refused.total(), of.answers + of.refused.total()
    reasons: list[str] = []
    for kind, times in of.refused.most_common():
        said = shorten(of.words[kind].removeprefix(f"{model}: "))
        reasons.append(f"{times:,} for {REFUSED.get(kind, kind)} ({said})")
    scored = " Each scores 0." if role == "task" else ""
    calls = "requests" if role == "task" else f"calls for {WHOSE.get(role, 'replies')}"
    return f"{n:,} of {asked:,} {calls} to {model} were refused: {'; '.join(reasons)}.{scored}"


def shorten(said: str) -> str:
    """The beginning of foreign words, to be told in a sentence."""
    said = " ".join(said.split())
    return said.rstrip(".") if len(said) <= SHOWN else f"{said[:SHOWN]}…"


def _silent(role: str, model: str, of: _Of) -> str:
    return f"{of.silent:,} of {of.answers:,} {WHOSE.get(role, 'replies')} of {model} were empty."


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
