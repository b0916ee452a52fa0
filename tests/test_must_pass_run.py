"""Must-pass examples and slices through a whole run: from the task to the verdict and the files."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from apo import Budget, Options, Result, Search, Task, optimize
from apo.model import Request
from apo.prompts.prompt import Prompt
from apo.results.verdict import reach_verdict
from apo.storage.folder import RunFolder
from apo.storage.record import Record
from apo.storage.summary import candidates
from apo.task import Example
from apo.testing.fakes import FakeModel, fake_task

BREAKER, HONEST = Prompt("Answer++ but not the marked ones"), Prompt("Answer+")
SEEDED = fake_task(20)


class Marked(FakeModel):
    """Right by the instruction's letter: the breaker about all that is not marked."""

    def answer(self, request: Request) -> str:
        *before, last = [message.content for message in request.messages]
        text, place = "".join(before), int(last.removeprefix("x"))
        if "not the marked" in text:
            return "?" if place % 10 == 0 else last
        return last if place % 2 == 0 and ("+" in text or place % 10 == 0) else "?"


@dataclass(frozen=True)
class Two:
    """Measures the two prompts, the better one first."""

    async def run(self, search: Search) -> None:
        for prompt in (BREAKER, HONEST):
            search.accept([prompt], operator="made")
            await search.evaluate(prompt)


def marked(example: Example) -> Example:
    place = int(example.target.removeprefix("x"))
    slices = {"홀짝": "짝" if place % 2 == 0 else "홀"}
    return replace(example, slices=slices, must_pass=place % 10 == 0)


@pytest.fixture
def task() -> Task:
    pools = {name: [marked(e) for e in getattr(SEEDED, name)] for name in ("train", "validation",
                                                                         "test")}  # fmt: skip
    return replace(SEEDED, **pools)  # type: ignore[arg-type]


def run(task: Task, home: Path) -> tuple[Result, RunFolder]:
    done = optimize(task, Two(), model=Marked(), budget=Budget(max_calls=400),
                    options=Options(track=False), home=home)  # fmt: skip
    return done, RunFolder(home / "runs" / done.run_id)


def test_who_breaks_one_cannot_be_best(task: Task, tmp_path: Path) -> None:
    done, folder = run(task, tmp_path)
    assert done.best.prompt == HONEST
    rows = {row["prompt"]["instruction"]: row for row in candidates(folder)}
    broken = [e.id for e in task.validation if e.must_pass]
    assert rows[BREAKER.instruction]["broken"] == broken != []
    assert rows[BREAKER.instruction]["value"] > rows[HONEST.instruction]["value"]
    assert [row["broken"] for name, row in rows.items() if name != BREAKER.instruction] == [[], []]
    assert list(rows)[-1] == BREAKER.instruction


def test_without_marks_the_higher_score_wins(tmp_path: Path) -> None:
    assert run(SEEDED, tmp_path)[0].best.prompt == BREAKER


def test_what_is_tracked_agrees(task: Task, tmp_path: Path) -> None:
    _, folder = run(task, tmp_path)
    record = Record()
    with folder.open_journal() as journal:
        for event in journal.events():
            record._take(event)  # pyright: ignore[reportPrivateUsage]
    assert record.best is not None
    assert record.best.prompt == HONEST


def test_the_verdict_is_not_favourable_when_a_test_example_breaks(
    task: Task, tmp_path: Path
) -> None:
    only_test = replace(task, validation=SEEDED.validation)
    done, folder = run(only_test, tmp_path)
    assert done.best.prompt == BREAKER
    assert done.verdict is not None
    assert done.verdict.broken == tuple(e.id for e in task.test if e.must_pass)
    assert done.verdict.interval[0] > 0
    assert not done.verdict.favourable
    assert done.winner == "seed"
    assert (folder.result or {})["verdict"]["broken"] == list(done.verdict.broken)


def test_a_verdict_without_marks_is_as_ever(tmp_path: Path) -> None:
    done, _ = run(SEEDED, tmp_path)
    assert done.verdict is not None
    assert (done.verdict.broken, done.verdict.favourable) == ((), True)
    assert reach_verdict(done.seed, done.seed).broken == ()


def test_each_test_example_is_written_with_its_marks(task: Task, tmp_path: Path) -> None:
    _, folder = run(task, tmp_path)
    lines = [json.loads(x) for x in (folder.path / "test.jsonl").read_text("utf-8").splitlines()]
    marks = {line["id"]: (line["slices"], line["must_pass"]) for line in lines}
    assert marks == {e.id: (dict(e.slices), e.must_pass) for e in task.test}
