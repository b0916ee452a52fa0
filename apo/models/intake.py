"""What becomes of a completion where it enters: thinking and marks apart, usage believed or not.

All that comes after (journal, scorers, writers, judges) sees the answer alone.
"""

from apo.model import Completion, Message, Request
from apo.models.body import whole
from apo.models.dialect import Dialect
from apo.models.marks import before_end
from apo.models.thinking import part
from apo.usage import Usage

MARKUP = 8
"""Tokens that a chat's markup takes for each turn, at most."""
HIDDEN = 10_000_000
"""Tokens that a server may put before a chat of its own accord, and bill; more no model reads."""
UNSEEN = 1_000_000
"""Tokens that a model may think unseen; more no answer has."""
BYTES_A_TOKEN = 2
"""Of a text whose tokens nobody counted: about twice as many tokens as English has."""


def settle(
    request: Request, completion: Completion, dialect: Dialect | None = None
) -> tuple[Completion, str]:
    """Tell thinking from the answer, and put estimates for counts that cannot be true.

    For half a character, which can be neither kept nor sent on, stands �.

    Args:
        request: what was asked.
        completion: what the model returned.
        dialect: how the model was asked; stop texts that it was not told of are applied here.

    Returns:
        The completion, and what is wrong with the usage, in words; "" for nothing.
    """
    if request.continuation:
        return completion, ""
    completion = completion._replace(
        text=whole(completion.text), thinking=whole(completion.thinking)
    )
    sent = [message.content for message in request.messages]
    thinking, answer, ended = part(completion.text, sent, cut=completion.truncated)
    answer = before_end(answer, sent)
    if dialect is not None:
        answer = dialect.cut(answer, request.decoding)
    # Thinking that came in a field of its own, and then an end, is an answer of nothing.
    ended = ended and not (thinking and not answer)
    thinking = "\n".join(filter(None, (completion.thinking, thinking)))
    found = completion._replace(
        text=answer, thinking=thinking, truncated=completion.truncated or not ended
    )
    usage, problem = believed(request.messages, found)
    if thinking and not usage.thinking_tokens and usage.output_tokens:
        share = len(thinking) / (len(thinking) + len(answer))
        usage = usage._replace(thinking_tokens=round(share * usage.output_tokens))
    return found._replace(usage=usage), problem


def believed(messages: tuple[Message, ...], completion: Completion) -> tuple[Usage, str]:
    """The usage that can be true, and what is wrong with the one given, in words.

    Counts that are missing stay so: for them stands the most that the call can take.
    """
    usage = completion.usage
    asked = sum(len(m.content.encode("utf-8", "replace")) for m in messages)
    said = len(f"{completion.thinking}{completion.text}".encode("utf-8", "replace"))
    read, written = usage.input_tokens, usage.output_tokens
    problems: list[str] = []
    if read is not None and not bool(asked) <= read <= 2 * asked + HIDDEN:
        problems.append(f"{_shown(read)} in for {asked:,} bytes of text")
        read = estimate(asked) + MARKUP * len(messages)
    if written is not None and not bool(said) <= written <= max(2 * said, UNSEEN):
        problems.append(f"{_shown(written)} out for {said:,} bytes of text")
        written = estimate(said)
    most = written if written is not None else 0
    return usage._replace(
        input_tokens=read,
        output_tokens=written,
        cached_tokens=max(0, min(usage.cached_tokens, read or 0)),
        thinking_tokens=max(0, min(usage.thinking_tokens, most)),
    ), " and ".join(problems)


def estimate(size: int) -> int:
    """Tokens of a text of so many bytes, rather too many than too few."""
    return -(-size // BYTES_A_TOKEN)


def _shown(tokens: int) -> str:
    return "no number of tokens" if tokens == -1 else f"{tokens:,} tokens"
