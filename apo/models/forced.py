"""How likely a given text is as the answer, of llama.cpp: a grammar has it write that text.

Its server echoes no prompt, so that the way of `apo.models.likelihood` is closed. But a grammar
leaves one answer alone, and the log-probabilities that it states are those before the grammar.
Tokens that the text is usually written in are preferred: else it begins with whichever letters are
the likeliest, and goes on badly.
Beside the echo this has the model's own chat template, so that they are those of an answer.
"""

import json
from collections.abc import Sequence
from typing import Any

from apo.errors import LikelihoodError
from apo.model import Completion, Decoding, Request
from apo.models.address import Address
from apo.models.body import as_dict, as_list, as_text, read_body
from apo.models.likelihood import figures
from apo.models.replies import Reply, parse_reply
from apo.models.stated import read_usage
from apo.models.within import first_choice

PREFERENCE = 100.0
"""What is added to the logits of the text's own tokens; it is not in what is stated of them."""


def forced_body(address: Address, request: Request, tokens: Sequence[int]) -> dict[str, Any]:
    """Write a request that has a continuation as JSON values for llama.cpp's chat completions.

    Args:
        address: of the model.
        request: with the continuation.
        tokens: of the continuation.
    """
    most = len(request.continuation.encode()) + 1  # No token is shorter than a byte.
    body = address.body(
        Request(messages=request.messages, decoding=Decoding(temperature=0.0, max_tokens=most))
    )
    grammar = f"root ::= {json.dumps(request.continuation, ensure_ascii=False)}"
    bias = {str(token): PREFERENCE for token in tokens}
    return {**body, "grammar": grammar, "logit_bias": bias, "logprobs": True, "top_logprobs": 1}


def read_forced(address: Address, request: Request, reply: Reply) -> Completion:
    """Read the reply to such a request: the log-probability of each token, in nats.

    Raises:
        LikelihoodError: a token has no value, such as one that is a part of a character.
        ModelError: it is no answer; the subclass says why.
    """
    status, headers, data = reply
    body = as_dict(parse_reply(address, status, headers, read_body(data)))
    choice = first_choice(body)
    tokens = [as_dict(t) for t in as_list(as_dict(choice.get("logprobs")).get("content"))]
    usage, stated = read_usage(body.get("usage")), len(tokens)
    if tokens and not as_list(tokens[-1].get("bytes")):  # The mark of the end is not of the text.
        tokens.pop()
    found = figures([token.get("logprob") for token in tokens])
    written = as_text(as_dict(choice.get("message")).get("content"))
    if written != request.continuation:
        raise LikelihoodError(address.name, f"it wrote {written!r} for {request.continuation!r}.")
    if stated != usage.output_tokens or len(found) != len(tokens):
        raise LikelihoodError(
            address.name,
            f"of {request.continuation!r} it states some tokens alone. It leaves out those that "
            "are a part of a character.",
        )
    return Completion(text="", usage=usage, logprobs=found)
