"""A reply of no use is asked for a second time, otherwise; ten of no use end the search."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from apo import Budget, Completion, Demo, ModelError, Options, Prompt, Request, Search, Usage
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.errors import ContentFilterError, NothingWritten
from apo.models import open_model
from apo.models.small import named_small
from apo.prompts.meta_prompts import MetaPrompt
from apo.reading.replies import Reply
from apo.search.outputs import naming
from apo.storage.journal import Journal
from apo.storage.refusals import told_replies
from apo.testing import FakeModel, fake_task

GOOD = "<instruction>Sort it.</instruction>"


class Writer:
    """Says its replies in turn, the last one again and again."""

    name = "small"

    def __init__(
        self, *replies: str | ModelError, continues: bool = False, begins: bool = False
    ) -> None:
        self.replies, self.continues, self.begins = [*replies], continues or begins, begins
        self.asked: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, ModelError):
            raise reply
        return Completion(text=reply, usage=Usage(input_tokens=1, output_tokens=1))

    async def aclose(self) -> None:
        pass


def write(
    writer: Writer,
    n: int = 1,
    *,
    language: str = "en",
    task: dict[str, Any] | None = None,
    **given: Any,
) -> tuple[Any, ...]:
    """Propose n times one, and give the texts, the search and the journal's events."""

    async def main() -> tuple[Any, ...]:
        with Journal() as journal:
            search = Search(
                replace(fake_task(), test=(), language=language, **(task or {})),
                caller=Caller(journal, Meter(Budget())),
                task_model=Endpoint("task", FakeModel()),
                optimizer_model=Endpoint("optimizer", writer),
                options=Options(**given),
            )
            metas = [MetaPrompt("improve", "Write one.")]
            texts = [p.instruction for _ in range(n) for p in await search.propose(metas)]
            return texts, search, [*journal.events()]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("first", "language", "told"),
    [
        ("Sort it.", "en", "the text did not stand in its tags"),
        ("", "en", "it said nothing"),
        ("<instruction>The prompt is bad.</instruction>", "en", "it spoke about the text"),
        ("<instruction>Why is it so?</instruction>", "en", "it was a question"),
        ("<instruction>이 지시문은 너무 짧습니다.</instruction>", "ko", "글에 대한 설명이었습니다"),
        ("분류하세요.", "ko-KR", "정해진 태그 안에 내용을 쓰지 않았습니다"),
    ],
)
def test_the_second_ask_says_what_was_wrong(first: str, language: str, told: str) -> None:
    writer = Writer(first, GOOD)
    texts, search, _ = write(writer, language=language)
    assert texts == ["Sort it."]
    one, two = [request.messages for request in writer.asked]
    assert [m.content for m in one] == ["Write one."]
    [again] = two
    assert again.content.startswith("Write one.\n\n")
    assert told in again.content
    assert again.content.endswith("<instruction>\n…\n</instruction>")
    assert search.refused["replies"] == {"n": 1, "again": 1, "salvaged": 0, "unread": 0}


@pytest.mark.parametrize("said", ["Sort it.\n</instruction>", GOOD, " \n<instruction>\nSort it."])
def test_the_reply_is_begun_for_a_model_that_goes_on(said: str) -> None:
    """Some servers give back what was begun, and some do not."""
    writer = Writer("The prompt is fine.", said, continues=True)
    assert write(writer)[0] == ["Sort it."]
    assert [m.role for m in writer.asked[0].messages] == ["user"]
    assert [m.role for m in writer.asked[1].messages] == ["user", "assistant"]
    assert writer.asked[1].messages[1].content == "<instruction>\n"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Sort it.", "Sort it."),  # The server ended it where the closing tag stood.
        ("<instruction>\nSort it.\n", "Sort it."),
        ("Sort it.\n\nNote: it is short.", "Sort it."),
        ("Sort it.</instruction> Done.", "Sort it."),
    ],
)
def test_the_first_reply_of_a_small_model_is_begun_and_ends_with_its_text(
    said: str, text: str
) -> None:
    writer = Writer(said, begins=True)
    texts, search, _ = write(writer)
    assert texts == [text]
    [request] = writer.asked
    assert [m.role for m in request.messages] == ["user", "assistant"]
    assert request.decoding.stop == ("</instruction>",)
    assert request.decoding.max_tokens == 600 // 3 + 32
    assert search.refused["replies"]["salvaged"] == 0


def test_a_begun_reply_of_no_use_is_asked_for_again() -> None:
    writer = Writer("The prompt is bad.", "Sort it.", begins=True)
    assert write(writer)[0] == ["Sort it."]
    assert "it spoke about the text" in writer.asked[1].messages[0].content


@pytest.mark.parametrize(
    ("name", "small"),
    [
        ("SmolLM2-135M-Instruct.Q4_1", True),
        ("qwen2.5-coder-0.5b-instruct", True),
        ("gemma-3-1b-it", True),
        ("Llama-3.2-3B", False),
        ("qwen3-30b-a3b", False),
        ("mixtral-8x7b", False),
        ("gpt-oss", False),
    ],
)
def test_which_names_tell_of_a_small_model(name: str, small: bool) -> None:
    assert named_small(name) is small
    assert getattr(open_model(f"llamacpp/{name}"), "begins", None) is small
    assert getattr(open_model(f"ollama/{name}"), "begins", None) is False


def test_what_the_provider_refused_is_asked_for_as_it_was() -> None:
    writer = Writer(ContentFilterError("!"), GOOD)
    assert write(writer)[0] == ["Sort it."]
    one, two = writer.asked
    assert one.messages == two.messages


def test_a_template_of_your_own_asks_again() -> None:
    writer = Writer("Sort it.", GOOD)
    write(writer, meta_prompts={"again": "Once more: {{ tag }}, as {{ fault }}."})
    [message] = writer.asked[1].messages
    assert message.content.startswith("Write one.\n\nOnce more: instruction, as the text did not")


def test_what_was_salvaged_is_marked_in_the_journal_and_told() -> None:
    _, search, events = write(Writer("<instructions>Sort it.</instructions>"))
    [event] = [event for event in events if event.kind == "salvaged"]
    assert event.body == {
        "operator": "improve", "how": "its tags are written otherwise", "text": "Sort it.",
    }  # fmt: skip
    assert told_replies(search.refused) == (
        "Texts that the optimizer model was asked for: 1, of which 100% could be used; asked for a "
        "second time: 0; taken from replies in another form: 1; of no use: 0."
    )


def test_replies_as_they_were_asked_for_are_not_told_of() -> None:
    assert told_replies(write(Writer(GOOD))[1].refused) == ""
    assert told_replies({}) == ""


def test_ten_replies_of_no_use_end_the_search() -> None:
    writer = Writer("I cannot do that.")
    with pytest.raises(NothingWritten, match="small was asked for 10 texts, each of them twice"):
        write(writer, 11)
    assert len(writer.asked) == 20


def test_one_reply_of_use_among_them_is_enough() -> None:
    texts, search, _ = write(Writer(GOOD, "I cannot do that."), 15)
    assert texts == ["Sort it."]
    assert search.refused["replies"]["unread"] == 14
    assert not search.advice


def test_requests_that_the_provider_refused_say_nothing_of_the_writer() -> None:
    texts, search, _ = write(Writer(ContentFilterError("!")), 12)
    assert not texts
    assert not search.advice
    assert told_replies(search.refused) == ""


TICKETS = {
    "labels": ("refund", "login"),
    "seed_prompts": (Prompt("Tell whether it is about refund or login.", template="{{input}}"),),
}


def test_a_proposal_that_names_no_output_is_sent_back_and_then_refused() -> None:
    good = "<instruction>Is it a Refund? Say what it is.</instruction>"
    writer = Writer(GOOD, good)
    texts, search, _ = write(writer, task=TICKETS)
    assert texts == ["Is it a Refund? Say what it is."]
    assert "it named none of the outputs that are allowed" in writer.asked[1].messages[0].content
    _, search, events = write(Writer(GOOD), task=TICKETS)
    [event] = [event for event in events if event.kind == "refused"]
    assert event.body["reason"] == (
        "the proposal names none of the allowed outputs (refund, login)"
    )
    assert search.refused["replies"]["unread"] == 1


@pytest.mark.parametrize(
    "task",
    [
        {},  # No closed set of outputs.
        {**TICKETS, "seed_prompts": (Prompt("Sort."),)},  # The seed prompt does without.
        {**TICKETS, "seed_prompts": (Prompt("refund or login?", context="refund: money"),)},
        {**TICKETS, "seed_prompts": (Prompt("refund or login?", template="{{input}} login?"),)},
        {**TICKETS, "seed_prompts": (Prompt("refund or login?", demos=(Demo("a", "login"),)),)},
    ],
)
def test_outputs_that_are_told_elsewhere_need_no_name(task: dict[str, Any]) -> None:
    assert write(Writer(GOOD), task=task)[0] == ["Sort it."]


def test_the_outputs_of_korean_labels_are_named_with_their_particles() -> None:
    task = {"labels": ("긍정", "부정"), "seed_prompts": (Prompt("긍정인지 부정인지 답하세요."),)}
    said = "<instruction>마음에 들면 긍정이라고 답하세요.</instruction>"
    assert write(Writer(said), task=task, language="ko")[0] == ["마음에 들면 긍정이라고 답하세요."]
    writer = Writer("<instruction>마음을 읽으세요.</instruction>")
    assert write(writer, task=task, language="ko")[0] == []
    assert "허용되는 출력을 하나도 말하지 않았습니다" in writer.asked[1].messages[0].content


def test_demos_of_the_parent_show_the_outputs() -> None:
    reply, outputs = Reply("Sort it."), ("refund", "login")
    assert naming(reply, outputs, [Prompt("x", demos=(Demo("a", "login"),))]) == reply
    assert naming(reply, outputs, [Prompt("x")]).fault == "outputs"
