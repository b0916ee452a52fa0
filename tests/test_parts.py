"""What a winner's instruction and its demos gave: four cells, and no instruction for nothing."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from apo import (
    Budget,
    Completion,
    Demo,
    Options,
    Prompt,
    Request,
    Result,
    Search,
    Task,
    Usage,
    aoptimize,
)  # fmt: skip
from apo.results.parts import MOST
from apo.statistics import share_of_wins
from apo.storage.folder import find_run
from apo.testing import fake_task

SIZE = 40
DEMOS = (Demo("x", "x"),)


@dataclass
class Reader:
    """Right on as many of 40 inputs as the instruction has '+', and 20 more with a demo."""

    name: str = "reader"
    calls: int = 0

    async def complete(self, request: Request) -> Completion:
        self.calls += 1
        instruction, last = request.messages[0].content, request.messages[-1].content
        right = int(last[1:]) % SIZE < instruction.count("+") + 20 * (len(request.messages) > 2)
        return Completion(text=last if right else "no", usage=Usage(1, 1))

    async def aclose(self) -> None:
        pass


@dataclass(frozen=True)
class Proposes:
    """Measures given prompts, and then burns calls until so many are left."""

    prompts: tuple[Prompt, ...]
    leave: int | None = None

    async def run(self, search: Search) -> None:
        search.accept(self.prompts, operator="given", parents=search.seed_prompts)
        await search.map(search.evaluate, self.prompts)
        for i in range(99 if self.leave is not None else 0):
            n = int(search.calls_left) - (self.leave or 0)
            await search.evaluate(Prompt(f"burn {i}"), search.task.train[:n] if n else ())


def winner(plus: int, **parts: Any) -> Prompt:
    return replace(Prompt("+" * plus + " new"), **{"demos": DEMOS, **parts})


def run(
    home: Path,
    *prompts: Prompt,
    calls: int = 1000,
    task: Task | None = None,
    leave: int | None = None,
) -> Result:
    return asyncio.run(
        aoptimize(
            task or fake_task(SIZE, seed_prompt="+ Seed"),
            Proposes(prompts, leave),
            model=Reader(),
            budget=Budget(max_calls=calls),
            options=Options(track=False),
            home=home,
        )
    )


def test_a_shorter_prompt_that_is_level_with_the_seed_is_no_gain_to_prove(tmp_path: Path) -> None:
    found = run(tmp_path, Prompt("+"))
    assert found.best == found.seed
    assert found.to_dict()["outcome"]["kind"] == "nothing better"
    assert found.spent.calls == 3 * 40


def test_four_cells_on_the_same_rows(tmp_path: Path) -> None:
    found = run(tmp_path, winner(12))
    assert found.parts is not None
    cells = (found.parts.seed, found.parts.words, found.parts.demos, found.parts.both)
    assert cells == (1 / 40, 12 / 40, 21 / 40, 32 / 40)
    assert found.best.prompt == winner(12)
    assert not found.parts.replaced
    assert "the seed prompt 2.5 %, its instruction alone 30.0 %, its demos" in found.notes[0]
    assert found.to_dict()["parts"]["text"] == str(found.parts) == found.notes[0]
    assert found.spent.calls == 4 * 40 + 2 * 40


@pytest.mark.parametrize("plus", [0, 1])
def test_an_instruction_that_adds_nothing_is_replaced_by_the_seeds(
    plus: int, tmp_path: Path
) -> None:
    found = run(tmp_path, winner(plus))
    assert found.best.prompt == replace(Prompt("+ Seed"), demos=DEMOS)
    assert found.parts is not None
    assert found.parts.replaced
    assert "the seed's takes its place" in found.notes[0]
    with find_run(found.run_id, tmp_path).open_journal() as journal:
        known = {e.key: e.body["operator"] for e in journal.events() if e.kind == "candidate"}
    assert known[found.best.prompt.id] == "demos-alone"


def test_one_row_of_forty_more_is_not_enough(tmp_path: Path) -> None:
    found = run(tmp_path, winner(2))
    assert found.parts is not None
    assert found.parts.both > found.parts.demos
    assert found.parts.replaced
    assert found.parts.wins < MOST


def test_an_instruction_that_does_better_without_the_demos_goes_on_alone(tmp_path: Path) -> None:
    @dataclass
    class Confused(Reader):
        async def complete(self, request: Request) -> Completion:
            given = await Reader.complete(self, request)
            instruction, *shown, last = (message.content for message in request.messages)
            wrong = bool(shown) and "new" in instruction and int(last[1:]) % 8 == 0
            return given._replace(text="no") if wrong else given

    work = aoptimize(
        fake_task(SIZE, seed_prompt="+ Seed"), Proposes((winner(39),)), model=Confused(),
        budget=Budget(max_calls=1000), options=Options(track=False), home=tmp_path,
    )  # fmt: skip
    found = asyncio.run(work)
    assert found.best.prompt == winner(39, demos=())
    assert found.parts is not None
    assert not found.parts.replaced


@pytest.mark.parametrize("prompt", [winner(12, demos=()), Prompt("+ Seed", demos=DEMOS)])
def test_a_winner_that_changed_one_part_costs_nothing_more(prompt: Prompt, tmp_path: Path) -> None:
    found = run(tmp_path, prompt)
    assert found.parts is None
    assert found.spent.calls == 4 * 40


def test_what_the_search_measured_is_not_paid_again(tmp_path: Path) -> None:
    found = run(tmp_path, winner(12), winner(12, demos=()), Prompt("+ Seed", demos=DEMOS))
    assert found.parts is not None
    assert found.spent.calls == 4 * 40 + 2 * 40


@pytest.mark.parametrize(
    ("left", "n", "words"), [(80, 40, True), (79, 40, False), (40, 40, False), (39, 0, False)]
)
def test_within_what_is_left(left: int, n: int, words: bool, tmp_path: Path) -> None:
    """Both cells, else the one that decides; the calls of the verdict are never touched."""
    found = run(tmp_path, winner(1), leave=left)
    assert found.verdict is not None
    assert found.verdict.complete
    assert len(found.seed.rollouts) == 40
    assert (found.parts.n if found.parts else 0) == n
    assert (found.parts is not None and found.parts.words is not None) == words
    assert (found.parts is not None and found.parts.replaced) == bool(n)
    assert (f"apo ablate {found.run_id} looks" in found.notes[0]) == (not n)


def test_too_few_for_all_rows_are_told_and_change_nothing(tmp_path: Path) -> None:
    task = fake_task(100, seed_prompt="+ Seed")
    found = run(tmp_path, winner(0), calls=2000, task=replace(task, test=()), leave=50)
    assert len(found.seed.rollouts) == 100
    assert found.parts is not None
    assert (found.parts.n, found.parts.replaced) == (25, False)
    assert found.best.prompt == winner(0)


@dataclass
class Breaking(Reader):
    """Wrong about the first row where the seed's instruction stands beside demos."""

    async def complete(self, request: Request) -> Completion:
        given = await Reader.complete(self, request)
        instruction, *shown, last = (message.content for message in request.messages)
        wrong = bool(shown) and instruction == "+ Seed" and int(last[1:]) % SIZE == 0
        return given._replace(text="no") if wrong else given


@pytest.mark.parametrize("must_pass", [True, False])
def test_what_must_pass_is_not_given_up(must_pass: bool, tmp_path: Path) -> None:
    task = fake_task(SIZE, seed_prompt="+ Seed")
    rows = [replace(e, must_pass=must_pass and not i) for i, e in enumerate(task.validation)]
    work = aoptimize(
        replace(task, validation=rows), Proposes((winner(1),)), model=Breaking(),
        budget=Budget(max_calls=1000), options=Options(track=False), home=tmp_path,
    )  # fmt: skip
    found = asyncio.run(work)
    assert found.parts is not None
    assert found.parts.wins < MOST
    assert found.parts.replaced != must_pass


def test_a_resumed_run_ends_the_same(tmp_path: Path) -> None:
    first = run(tmp_path, winner(1))
    again = asyncio.run(
        aoptimize(
            fake_task(SIZE, seed_prompt="+ Seed"), Proposes((winner(1),)), model=Reader(),
            budget=Budget(max_calls=1000), options=Options(track=False), home=tmp_path,
            run=first.run_id,
        )
    )  # fmt: skip
    assert again.best == first.best
    assert again.parts == first.parts
    assert again.spent.calls == first.spent.calls


# --- the share of wins ----------------------------------------------------------------------------


def test_share_of_wins() -> None:
    assert share_of_wins([0.0] * 30) == 0
    assert share_of_wins([1.0] * 30) == 1
    assert share_of_wins([1.0, -1.0] * 30) == pytest.approx(0.45, abs=0.06)
    assert share_of_wins([1.0] * 8 + [-1.0] * 2 + [0.0] * 30) > 0.95


def test_rows_of_one_group_count_once() -> None:
    gains = [1.0] * 10 + [-1.0] * 2
    alone, together = share_of_wins(gains), share_of_wins(gains, ["a"] * 10 + ["b", "c"])
    assert alone > 0.95
    assert together < 0.75
