"""What is noticed of the answers of a run beside their scores: refusals, thinking, cuts."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from apo.calls.call import Call
from apo.models.dialect import dialect_of
from apo.storage.rows import Entry
from apo.storage.servers import Server

WHOSE = {"task": "answers", "judge": "judgements"}
REFUSED = {
    "ContextLengthError": "more than the model takes",
    "ContentFilterError": "a content filter",
}
SHOWN = 200
"""Characters of a server's words that are told."""
NEARLY = 0.9
"""The share of a limit from which on an answer that was cut was cut by it."""
EMPTY_SHARE = 0.1
"""Share of answers without a character from which on it is told; a few may well be right."""

BROKEN = "\ufffd"
"""Stands for a character that a server, or apo, could not tell."""


@dataclass
class _Of:
    """The answers of one model in one role."""

    answers: int = 0
    thought: int = 0
    thinking_tokens: int = 0
    unseen: int = 0
    unseen_tokens: int = 0
    cut: int = 0
    empty: int = 0
    full: int = 0
    silent: int = 0
    pondered: int = 0
    uncounted: int = 0
    broken: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    words: dict[str, str] = field(default_factory=dict[str, str])
    limit: int | None = None
    own: bool = False
    limit_field: str = "max_tokens"


class Tally:
    """Counts answers once each, whether they are new or from the journal."""

    def __init__(self) -> None:
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
        self._count(found, call, entry, 1)
        if entry.truncated:
            endpoint = call.answered_by(entry.model)
            found.limit, found.own = _limit(entry), call.stated is None
            found.limit_field = dialect_of(endpoint.model).limit_field

    def take_back(self, call: Call, entry: Entry) -> None:
        """Count an answer no more: another one to the same takes its place."""
        self._count(self._of[entry.role, entry.model], call, entry, -1)

    def _count(self, found: _Of, call: Call, entry: Entry, n: int) -> None:
        found.answers += n
        silent = not entry.truncated and not (entry.reply or "").strip()
        thought = bool(entry.thinking or entry.usage.thinking_tokens)
        found.silent += n * silent
        found.pondered += n * (silent and thought)
        found.uncounted += n * (None in (entry.usage.input_tokens, entry.usage.output_tokens))
        if BROKEN in (entry.reply or ""):  # From a text that holds it, it may be copied.
            found.broken += n * all(BROKEN not in m.content for m in call.request.messages)
        if entry.thinking:
            found.thought += n
            found.thinking_tokens += n * entry.usage.thinking_tokens
        elif thought:
            found.unseen += n
            found.unseen_tokens += n * entry.usage.thinking_tokens
        if entry.truncated:
            found.cut += n
            found.empty += n * (not entry.reply)
            nothing = not entry.reply and not entry.thinking and entry.usage.output_tokens == 0
            found.full += n * nothing

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
        cuts += [_unseen(role, model, of) for (role, model), of in found if of.unseen]
        cuts += [_uncounted(role, model, of) for (role, model), of in found if of.uncounted]
        cuts += [_broken(role, model, of) for (role, model), of in found if of.broken]
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
    told = f"{of.silent:,} of {of.answers:,} {WHOSE.get(role, 'replies')} of {model} were empty."
    if not of.pondered:
        return told
    if of.pondered < of.answers:
        return (
            f"{told} Of {of.pondered:,} of them all that came was thinking, which seems to have "
            "used up its room: --max-answer and --max-thinking give more."
        )
    return (
        f"{told} All that came was thinking: a server whose reasoning parser is none of this "
        "model's takes answers for it. Switch it off there (vLLM: --reasoning-parser)."
    )


def _thought(role: str, model: str, of: _Of) -> str:
    mean = of.thinking_tokens / of.thought
    return (
        f"{of.thought:,} of {of.answers:,} {WHOSE.get(role, 'replies')} of {model} began with "
        f"thinking, {mean:,.0f} tokens on average. It is kept and paid for, and not judged."
    )


def _unseen(role: str, model: str, of: _Of) -> str:
    mean = of.unseen_tokens / of.unseen
    return (
        f"{of.unseen:,} of {of.answers:,} {WHOSE.get(role, 'replies')} of {model} took {mean:,.0f} "
        "tokens on average that are in no text: thinking that the server keeps to itself, or what "
        "it does not explain. They are paid for."
    )


def _uncounted(role: str, model: str, of: _Of) -> str:
    whose = WHOSE.get(role, "replies")
    if of.uncounted < of.answers:
        whose = f"{of.uncounted:,} of {of.answers:,} {whose}"
    return (
        f"{model} did not count the tokens of {whose}: for them stands the most that they can "
        "have taken, so less was spent than is told."
    )


def _broken(role: str, model: str, of: _Of) -> str:
    return (
        f"{of.broken:,} of {of.answers:,} {WHOSE.get(role, 'replies')} of {model} hold {BROKEN}, "
        "which stands for a character that came in part."
    )


def _limit(entry: Entry) -> int | None:
    """The limit that cut an answer; None where it is the server's own, below the one sent."""
    written = entry.usage.output_tokens
    below = entry.bound is not None and written is not None and written < NEARLY * entry.bound
    return None if below else entry.bound


def _cut(role: str, model: str, of: _Of) -> str:
    whose = WHOSE.get(role, "replies")
    if of.full == of.cut:
        return (
            f"{of.cut:,} of {of.answers:,} {whose} of {model} were cut before the first token: the "
            "request alone fills the server's context. Raise it there, or shorten the inputs."
        )
    if of.limit is None and of.thought and of.empty == of.cut:
        return (
            f"{of.cut:,} of {of.answers:,} {whose} of {model} ended before the first word, in "
            "thinking, well below the limit that was sent. Where they were cut at the server's own "
            "limit, raise it there: its context, or its length of output. Else what opens the "
            "thinking (<think>) is not closed, and nothing after it passes for an answer."
        )
    empty = f", {of.empty:,} of them before the first word" if of.empty else ""
    limit = "the server's own limit" if of.limit is None else f"{of.limit:,} tokens"
    thought = of.thought or of.unseen or of.empty > of.full
    thinking = " What a model thinks counts toward it." if thought else ""
    sent = "" if of.limit_field == "max_tokens" else f" (sent as {of.limit_field})"
    if of.limit is None:
        mend = "Raise it there: its context, or its length of output."
    elif role != "task":
        mend = "They have room for what they are asked for; a model that runs on needs another."
    elif of.own:
        mend = f"Where the answers need more, give --max-answer{sent}."
    else:
        mend = f"Raise --max-answer, or decoding.max_tokens in task.yaml{sent}."
    if of.own and thought and of.limit is not None:
        mend = "Where the thinking needs more, give --max-thinking."
    text = f"{of.cut:,} of {of.answers:,} {whose} of {model} were cut at {limit}{empty}."
    return f"{text}{thinking} {mend}"
