"""What servers make of the body of a right answer."""

from collections.abc import Callable
from typing import Any

THOUGHT = "The user wants one answer. Answer: login? No, I would rather say something else."
DECLINED = "I'm sorry, I can't help with that."
UNSEEN = 895
"""Tokens of thoughts that are paid, and in no text."""
_COUNTED = ("prompt_tokens", "completion_tokens")
Body = dict[str, Any]
"""Of a reply, as JSON gives it."""


def as_it_is(_: Body, __: str) -> None:
    """Leave it as it is."""


def said(form: str) -> Callable[[Body, str], None]:
    """Have the text of the answer in a form, with THOUGHT and ANSWER in it."""

    def change(body: Body, text: str) -> None:
        content = form.replace("THOUGHT", THOUGHT).replace("ANSWER", text)
        body["choices"][0]["message"]["content"] = content

    return change


def beside(field: str) -> Callable[[Body, str], None]:
    """Have thoughts in a field beside the content."""

    def change(body: Body, _: str) -> None:
        body["choices"][0]["message"][field] = THOUGHT

    return change


def all_beside(body: Body, text: str) -> None:
    """Take the answer for thoughts, as a reasoning parser does that is of another model."""
    body["choices"][0]["message"] |= {"content": None, "reasoning_content": text}


def in_parts(body: Body, text: str) -> None:
    """Have a content of parts, the first of thoughts."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}
    content = [thinking, {"type": "text", "text": text}]
    body["choices"][0]["message"]["content"] = content


def as_completions(body: Body, text: str) -> None:
    """Have the text as /completions has it."""
    body["choices"] = [{"index": 0, "text": text, "finish_reason": "stop"}]


def second_first(body: Body, _: str) -> None:
    """Have another choice before the first."""
    other = {"index": 1, "message": {"content": "Something else."}, "finish_reason": "stop"}
    body["choices"].insert(0, other)


def whole_floats(body: Body, _: str) -> None:
    """Have counts such as 50.0."""
    body["usage"] = {name: float(body["usage"][name]) for name in _COUNTED}


def calls_a_tool(body: Body, _: str) -> None:
    """Call a tool in place of an answer."""
    function = {"name": "answer", "arguments": "{}"}
    message = {"content": None, "tool_calls": [{"id": "1", "function": function}]}
    body["choices"][0] |= {"message": message, "finish_reason": "tool_calls"}


def declines(body: Body, _: str) -> None:
    """Have a refusal in words beside an empty content."""
    body["choices"][0]["message"] |= {"content": None, "refusal": DECLINED}


def says_only(message: str) -> Callable[[Body, str], None]:
    """Have a message in place of an answer."""

    def change(body: Body, _: str) -> None:
        body.clear()
        body |= {"status": "error", "message": message}

    return change


def counts(tokens: object) -> Callable[[Body, str], None]:
    """Have this in place of the counts."""

    def change(body: Body, _: str) -> None:
        body["usage"] = {"prompt_tokens": tokens, "completion_tokens": tokens}

    return change


def thinks_unseen(*, told: bool) -> Callable[[Body, str], None]:
    """Count thoughts that nobody sees, in the sum alone or told apart."""

    def change(body: Body, _: str) -> None:
        usage = body["usage"]
        usage["total_tokens"] += UNSEEN
        if told:
            usage["completion_tokens_details"] = {"reasoning_tokens": UNSEEN}

    return change


def ends(reason: str) -> Callable[[Body, str], None]:
    """End for a reason, without a content."""

    def change(body: Body, _: str) -> None:
        body["choices"][0] |= {"message": {"content": None}, "finish_reason": reason}
        if reason == "length":
            body["choices"][0]["message"]["reasoning_content"] = THOUGHT
        if reason == "error":  # What it took until then is not counted.
            body.pop("usage", None)

    return change


def fails(body: Body, _: str) -> None:
    """Have an error in place of an answer."""
    body.clear()
    body["error"] = {"message": "The upstream failed.", "type": "upstream_error"}


def has_no_choice(body: Body, _: str) -> None:
    """Have no choice."""
    body["choices"] = []
