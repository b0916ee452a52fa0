"""The asks of a reply. The second says what was wrong with the first, and begins where it may."""

from collections.abc import Mapping

from apo.model import Message
from apo.prompts.meta_prompts import render
from apo.reading.replies import Fault

FAULTS: Mapping[Fault, tuple[str, str]] = {
    "cut": ("it was too long and broke off", "너무 길어서 중간에 끊겼습니다"),
    "empty": ("it said nothing", "내용이 없었습니다"),
    "missing": (
        "the text did not stand in its tags, or there was none",
        "정해진 태그 안에 내용을 쓰지 않았습니다",
    ),
    "echo": ("it said this request again", "이 요청의 말을 되풀이했습니다"),
    "data": ("it copied an example", "예시를 그대로 옮겼습니다"),
    "author": (
        "it spoke about the text, and was not the text itself",
        "글 자체가 아니라 글에 대한 설명이었습니다",
    ),
    "question": ("it was a question", "질문이었습니다"),
    "piece": ("it was only a piece of a text", "글의 일부일 뿐이었습니다"),
    "outputs": (
        "it named none of the outputs that are allowed",
        "허용되는 출력을 하나도 말하지 않았습니다",
    ),
    "code": ("it was a program, or asked for one", "프로그램이거나 프로그램을 요구했습니다"),
}
"""What a writer is told, in English and in Korean."""


def first(asked: str, tag: str, *, begins: bool) -> tuple[Message, ...]:
    """Ask for a reply.

    Args:
        asked: the meta-prompt.
        tag: the tag of the reply.
        begins: whether the reply is begun for the model.
    """
    return (Message("user", asked), *(begun(tag) if begins else ()))


def begun(tag: str) -> tuple[Message, ...]:
    """The beginning of a reply, for a model that goes on with it."""
    return (Message("assistant", f"<{tag}>\n"),)


def second(
    asked: str,
    fault: Fault,
    tag: str,
    *,
    language: str,
    overrides: Mapping[str, str],
    continues: bool,
) -> tuple[Message, ...]:
    """Ask for a reply once more.

    Args:
        asked: the meta-prompt of the first ask.
        fault: what was wrong with the reply to it; "" asks the same again, where the provider gave
            no reply.
        tag: the tag of the reply.
        language: BCP 47 code of the task.
        overrides: the user's own templates, by name.
        continues: whether the model goes on with a reply that is begun for it.
    """
    if not fault:
        return (Message("user", asked),)
    korean = language.split("-")[0] == "ko"
    of_instruction = tag == "instruction"
    what = ("지시문" if of_instruction else "글") if korean else f"the {tag}"
    told = render(
        __file__,
        "again",
        language,
        overrides,
        fault=FAULTS[fault][korean],
        cut=fault == "cut",
        what=what,
        tag=tag,
    )
    return (Message("user", f"{asked}\n\n{told}"), *(begun(tag) if continues else ()))
