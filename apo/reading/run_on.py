"""Answers of models that run on: after the label they write the next example of the prompt."""

from collections.abc import Iterable

from apo.patterns import late_pattern

_FRAME = (
    *("input", "text", "question", "q", "ticket", "user", "human", "review", "sentence", "message"),
    *("document", "passage", "email", "tweet", "comment", "query", "example", "next"),
    *("입력", "질문", "문장", "리뷰", "사용자", "문서", "티켓", "예시"),
)
"""What a line of a prompt's examples starts with, beside the names of the task's inputs."""
_HEAD = late_pattern(r"[\W_]{0,6}(?P<name>\w[\w \-]{0,30}?)[ \t]?(?:\d{1,4})?[*_]{0,2}[:：]")


def first_turn(text: str, inputs: Iterable[str]) -> str:
    """Give the first line where, after a blank one, another example starts; else the whole text.

    Args:
        text: an answer.
        inputs: the names of the task's inputs.
    """
    first, _, rest = text.lstrip().partition("\n")
    if not rest.strip() or rest[: len(rest) - len(rest.lstrip())].count("\n") < 1:
        return text
    head = _HEAD.match(rest.lstrip())
    frame = {*_FRAME, *(name.casefold() for name in inputs)}
    return first if head and head["name"].casefold() in frame else text
