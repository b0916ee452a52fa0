"""What was refused is counted and told: in the result, in `show`, and where nothing was found."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from apo import Budget, Completion, Options, Request, Result, Usage, aoptimize
from apo.cli.report import report
from apo.optimizers import OPRO
from apo.storage.folder import find_run
from apo.storage.refusals import counted, told
from apo.storage.summary import summary
from apo.testing import FakeModel, fake_task

SPEAKS = "the reply only speaks of <instruction> tags"


def test_reasons_of_a_kind_are_counted_together() -> None:
    reasons = [
        "the instruction has 9,001 characters, over the limit of 8000",
        "the instruction has 12345 characters, over the limit of 8000",
        "the instruction copies a row of the data: 'The parcel'",
        "the instruction copies a row of the data: 'It came late'",
        "the instruction copies a row of the data: 'x'",
        "the instruction holds the variable {{a}} of the user turn",
        "the instruction holds the variable {{ b }} of the user turn",
        "seen before",
    ]
    found = counted([(reason, f" Text\n {i}") for i, reason in enumerate(reasons)], 12)
    assert found["example"] == "Text 2"
    assert (found["n"], found["of"]) == (8, 20)
    assert list(found["reasons"].items()) == [
        ("the instruction copies a row of the data", 3),
        ("the instruction has … characters, over the limit of 8000", 2),
        ("the instruction holds the variable {{…}} of the user turn", 2),
        ("seen before", 1),
    ]


def test_told() -> None:
    assert told({}) == told(counted([], 3)) == ""
    assert told(counted([(SPEAKS, "")] * 40, 0)) == (
        f"All 40 proposals and replies of the optimizer model were refused: {SPEAKS} (40)."
    )
    many = counted([(c, "") for i, c in enumerate("abcdef") for _ in range(9 - i)], 2000)
    assert told(many) == (
        "39 of 2,039 proposals and replies of the optimizer model were refused: a (9); b (8); "
        "c (7); d (6); other reasons (9)."
    )


def run(tmp_path: Path, reply: str) -> Result:
    class Writer:
        name = "writer"

        async def complete(self, request: Request) -> Completion:
            return Completion(text=reply, usage=Usage(input_tokens=1, output_tokens=1))

        async def aclose(self) -> None:
            pass

    task = replace(fake_task(), test=fake_task().validation[:4])
    work = aoptimize(
        task, OPRO(n_samples=4), model=FakeModel(), optimizer_model=Writer(),
        budget=Budget(max_calls=500), options=Options(track=False), home=tmp_path,
    )  # fmt: skip
    return asyncio.run(work)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("Reply between <instruction> and </instruction> tags.", SPEAKS),
        ("<instruction>Write a program in Python.</instruction>", "the proposal is a program"),
        (
            "<instruction>Answer {{question}}.</instruction>",
            "the instruction holds {{question}}, which",
        ),
    ],
)
def test_a_search_that_gets_nowhere_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reply: str, reason: str
) -> None:
    result = run(tmp_path, reply)
    refused = result.to_dict()["refused"]
    # Three steps of four samples, and the writer is asked no more; or five that bring nothing.
    times = 20 if "{{" in reply else 12
    assert refused["n"] == refused["of"] == times
    assert [*refused["reasons"].values()] == [times]
    assert next(iter(refused["reasons"])).startswith(reason)
    advice = "The search for instructions ended: writer was asked for 12 texts, each of them twice,"
    assert any(note.startswith(advice) for note in result.notes) == (times == 12)
    folder = find_run(result.run_id, tmp_path)
    assert summary(folder)["refused"] == refused
    report({**result.to_dict(), "mlflow": {}})
    said = " ".join(capsys.readouterr().out.split())
    assert "the search had no candidate to try" in said
    all_ = f"All {times} proposals and replies of the optimizer model were refused: {reason}"
    assert all_ in said
    assert "One began: " in said
    assert refused["example"] in said
    assert "budget" not in said
    (folder.path / "result.json").unlink()  # As a run that is not finished has none.
    assert summary(folder)["refused"] == refused
