"""How likely a given text is as the answer: the prompt echoed by a completions server.

The legacy /completions format returns the log-probabilities of the tokens that it was sent, when
it is asked to echo them; /chat/completions has no such thing. So the chat is sent as plain text,
without the model's own chat template, as APE does (Zhou et al., 2022, §3).
"""

import re
from collections.abc import Sequence
from typing import Any

from apo.errors import BadRequestError, LikelihoodError, MalformedReplyError, TransportError
from apo.model import Completion, Message, Request
from apo.models.address import Address
from apo.models.body import as_dict, as_list, as_text, read_body
from apo.models.replies import Reply, parse_reply
from apo.models.stated import read_usage
from apo.models.within import first_choice

MOST, ROUNDED = 1e5, 0.01
"""No log-probability is further from 0, or above it by more than rounding."""
_NAMED = re.compile(r"\becho\b|logprob", re.IGNORECASE)
"""What a server's refusal names that answers every failure of its own with a 500."""


def plain_text(messages: Sequence[Message]) -> str:
    """Write a chat as text that its answer can follow: after a colon on the same line."""
    text = "\n\n".join(message.content for message in messages)
    return text + (" " if text.endswith((":", "：")) else "\n\n")


def scoring_endpoint(address: Address) -> str:
    """The URL that requests with a continuation are posted to."""
    return address.endpoint.replace("/chat/completions", "/completions")


def scored_body(address: Address, request: Request) -> dict[str, Any]:
    """Write a request that has a continuation as JSON values for /completions."""
    whole = Message("user", plain_text(request.messages) + request.continuation)
    body = address.body(Request(messages=(whole,)))
    # One token is written, and dropped: not every server takes 0.
    options = {"max_tokens": 1, "temperature": 0, "echo": True, "logprobs": 1}
    return {"model": body["model"], "prompt": body["messages"][0]["content"], **options}


def read_scored(address: Address, request: Request, reply: Reply) -> Completion:
    """Read the reply to a request that has a continuation.

    Raises:
        LikelihoodError: the server knows no echo, or no log-probabilities.
        ModelError: it is no answer; the subclass says why.
    """
    status, headers, data = reply
    try:
        body = parse_reply(address, status, headers, read_body(data))
    except (BadRequestError, TransportError) as error:
        said = str(error).removeprefix(f"{address.name}: ")
        if isinstance(error, BadRequestError) or status == 501 or _NAMED.search(said):
            raise LikelihoodError(address.name, said) from None
        raise
    choices = as_list(as_dict(body).get("choices"))
    if not choices:
        raise MalformedReplyError(f"{address.name}: the server answered 200 without any text.")
    choice = first_choice(body)
    found = as_dict(choice.get("logprobs"))
    tokens, values = as_list(found.get("tokens")), as_list(found.get("token_logprobs"))
    before = plain_text(request.messages)
    logprobs = answer_logprobs(
        [as_text(token) for token in tokens], values, before, request.continuation
    )
    if not logprobs or max(logprobs) > ROUNDED:
        raise LikelihoodError(
            address.name, "the server did not echo the prompt with its log-probabilities."
        )
    return Completion(text="", usage=read_usage(as_dict(body).get("usage")), logprobs=logprobs)


def answer_logprobs(
    tokens: Sequence[str], values: Sequence[object], before: str, answer: str
) -> tuple[float, ...]:
    """Pick the log-probabilities of the answer's tokens.

    A token that takes the space before the answer along is the answer's; one that ends where the
    answer starts, or starts where it ends, is not.

    Args:
        tokens: all tokens of the text, in order, as the server writes them.
        values: the log-probability of each; null where there is none.
        before: the text before the answer.
        answer: the answer.

    Returns:
        () when the tokens do not cover the answer, or one of them has no value.
    """
    start, end = len(before), len(before) + len(answer)
    places = spans(tokens, before + answer)
    of_answer = [i for i, (first, last) in enumerate(places) if first < end and last > start]
    known = [values[i] for i in of_answer if i < len(values)]
    found = figures(known)
    whole = of_answer and places[of_answer[0]][0] <= start and places[of_answer[-1]][1] >= end
    return found if whole and len(found) == len(of_answer) else ()


def figures(values: Sequence[object]) -> tuple[float, ...]:
    """The values that can be log-probabilities."""
    numbers = (v for v in values if isinstance(v, int | float) and not isinstance(v, bool))
    return tuple(float(v) for v in numbers if abs(v) <= MOST)


def spans(tokens: Sequence[str], text: str) -> list[tuple[int, int]]:
    r"""Find where in the text each token stands.

    Tokens are not always written as the text is: a start mark such as <s>; a part of a character,
    as "", "�" or "bytes:\xed"; what was written after the text. Such a one gets what lies before
    the next that is found or, when nothing does, shares the place of that one.

    Returns:
        For each token its start and end, in characters; equal where nothing is left for it.
    """
    found: list[tuple[int, int]] = []
    at, reach, unknown = 0, 0, 0
    for token in tokens:
        # Unknown tokens stand for no more characters than they are written with.
        start = text.find(token, at, at + reach + len(token)) if token else -1
        if start < 0:
            reach, unknown = reach + len(token), unknown + 1
            continue
        end = start + len(token)
        found += [(at, start if start > at else end)] * unknown + [(start, end)]
        at, reach, unknown = end, 0, 0
    stop = min(len(text), at + reach)
    rest = [(at, stop)] * unknown
    # Of several the last is what was written after the text.
    return [*found, *rest[:-1], (stop, stop)] if unknown > 1 else found + rest
