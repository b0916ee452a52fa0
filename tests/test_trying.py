"""Inputs of a person, answered by the seed prompt and the best one side by side."""

import asyncio
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from apo import Completion, Prompt, PromptError, Request, SettingsError
from apo.assessment.trying import Tried, atry
from apo.cli.attempt import batches, inputs_of, typed_inputs
from apo.errors import ContentFilterError
from apo.testing.fakes import fake_task

PROMPTS = {"seed": Prompt("Be long"), "best": Prompt("Be short")}


@dataclass
class Echo:
    """Says its instruction and the input; refuses what is rude."""

    name: str = "echo"

    async def complete(self, request: Request) -> Completion:
        told = [message.content for message in request.messages]
        if "rude" in told[-1] and "short" in told[0]:
            raise ContentFilterError("echo: that is rude")
        return Completion(text=" / ".join(told))

    async def aclose(self) -> None:
        """Nothing to close."""


def tried(*inputs: str) -> list[Tried]:
    given: list[Mapping[str, str]] = [{"input": text} for text in inputs]
    found, spent = asyncio.run(atry(fake_task(), PROMPTS, given, model=Echo()))
    assert spent.calls == 2 * len({*inputs})
    return found


def test_each_input_is_answered_by_each_prompt() -> None:
    one, two = tried("안녕 🙂 {{x}}", "b")
    assert one.inputs == {"input": "안녕 🙂 {{x}}"}
    assert one.answers == {"seed": "Be long / 안녕 🙂 {{x}}", "best": "Be short / 안녕 🙂 {{x}}"}
    assert two.answers == {"seed": "Be long / b", "best": "Be short / b"}
    assert not one.refusals
    assert [again.answers["best"] for again in tried("c", "c")] == ["Be short / c"] * 2


def test_a_refusal_is_told_as_one() -> None:
    (one,) = tried("rude")
    assert one.answers == {"seed": "Be long / rude", "best": ""}
    assert "that is rude" in one.refusals["best"]
    assert set(one.to_dict()) == {"inputs", "answers", "refusals"}


def test_an_input_without_a_field_is_refused() -> None:
    with pytest.raises(PromptError, match="input"):
        asyncio.run(atry(fake_task(), PROMPTS, [{"other": "x"}], model=Echo()))


@pytest.mark.parametrize(
    ("given", "fields", "found"),
    [
        (["where?"], ["ticket"], [{"ticket": "where?"}]),
        (["a=b", "c"], ["ticket"], [{"ticket": "a=b"}, {"ticket": "c"}]),
        (["ticket=a=b"], ["ticket"], [{"ticket": "a=b"}]),
        (["글=가", "뜻=나", "글=다", "뜻=라"], ["글", "뜻"],
         [{"글": "가", "뜻": "나"}, {"글": "다", "뜻": "라"}]),
        (["q=", "c=x"], ["q", "c"], [{"q": "", "c": "x"}]),
    ],
)  # fmt: skip
def test_inputs_of_flags(given: list[str], fields: list[str], found: list[Any]) -> None:
    assert inputs_of(given, fields) == found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["where?"], r"--input 'where\?' does not say which field it is; .* q, c: --input q=TEXT"),
        (["q=x"], "An input lacks c; this task has q, c"),
        (["q=x", "q=y", "c=z"], "An input lacks c"),
    ],
)
def test_inputs_that_lack_a_field_are_told(given: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        inputs_of(given, ["q", "c"])


def test_piped_lines_are_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\n\nb\nc\nd\n"))
    assert [*batches([], ["q", "c"])] == [[{"q": "a", "c": "b"}, {"q": "c", "c": "d"}]]
    for text, words in (("a\n", "1 lines were piped, and an input takes 2"), ("\n", "no input")):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        with pytest.raises(SettingsError, match=words):
            list(batches([], ["q", "c"]))


def test_typed_inputs_end_with_an_empty_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\ntwo\n\nnot read\n"))
    assert [*typed_inputs(["ticket"])] == [{"ticket": "one"}, {"ticket": "two"}]
    assert capsys.readouterr().err.count("ticket> ") == 3
    monkeypatch.setattr(sys, "stdin", io.StringIO("half"))  # Ctrl-D after the first of two fields.
    assert [*typed_inputs(["q", "c"])] == []
