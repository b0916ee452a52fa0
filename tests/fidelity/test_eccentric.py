"""The eccentric grid and search (Battle and Gollapudi, 2024)."""

import json
import math
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from apo import Budget, Completion, Prompt, Request, SettingsError
from apo.optimizers import eccentric
from apo.optimizers.eccentric import EccentricGrid, EccentricSearch
from apo.optimizers.parts.eccentric_grid import FACTORS, main_effects, read_levels, wrapped
from apo.optimizers.parts.prefix import pair
from apo.prompts.meta_prompts import render
from apo.storage.folder import find_run
from apo.testing import fake_task
from tests.fidelity.conftest import Reader, Run, Seen, shown_candidates, shown_inputs, tagged


class CuedReader(Reader):
    """A reader for which the input is the first line of the last turn; a cue may follow it."""

    async def complete(self, request: Request) -> Completion:
        *before, last = request.messages
        line = last._replace(content=last.content.partition("\n")[0])
        return await super().complete(request._replace(messages=(*before, line)))


@pytest.fixture(autouse=True)
def _cues(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] (autouse)
    monkeypatch.setattr("tests.fidelity.conftest.Reader", CuedReader)


def levels(language: str) -> dict[str, dict[str, str]]:
    return read_levels(render(eccentric.__file__, "eccentric_levels", language, {}))


def grid(**settings: Any) -> EccentricGrid:
    return replace(EccentricGrid(n_examples=4, n_screen=2, n_raced=6, n_leaders=2), **settings)


def nothing(n: int, _: str) -> str:
    raise AssertionError("the grid asks the optimizer model nothing")


def train_inputs(seen: Seen) -> list[str]:
    return [example.inputs["input"] for example in seen.task.train]


# --- the grid -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_levels_are_those_of_the_study(language: str) -> None:
    found = levels(language)
    assert tuple(found) == FACTORS
    assert [list(found[factor]) for factor in FACTORS] == [
        ["none", "clever", "brilliant", "mathematician", "professor"],
        ["none", "solve", "answer"],
        ["none", "fun", "breathe", "plea"],
        ["none", "steps"],
    ]
    texts = [text for factor in found.values() for name, text in factor.items() if name != "none"]
    assert all(found[factor]["none"] == "" for factor in FACTORS)
    assert len(set(texts)) == 10
    assert all(bool(re.search("[가-힣]", text)) == (language == "ko") for text in texts)


def test_all_120_combinations_and_the_seed_is_that_of_none(run: Run) -> None:
    seen = run(grid(), nothing)
    candidates = [e.body for e in seen.events if e.kind == "candidate"]
    assert len(candidates) == 120
    names = [body["operator"] for body in candidates]
    assert names[0] == "seed"
    assert names[1:3] == ["grid: none, none, none, steps", "grid: none, none, fun, none"]
    assert names[-1] == "grid: professor, answer, plea, steps"
    assert len(set(names)) == 120
    assert all("Seed" in body["prompt"]["instruction"] for body in candidates)
    opener, task, closer, cue = (levels("en")[factor] for factor in FACTORS)
    assert candidates[-1]["prompt"]["instruction"] == (
        f"{opener['professor']} {task['answer']}\n\nSeed\n\n{closer['plea']}"
    )
    assert candidates[-1]["prompt"]["cue"] == cue["steps"]
    assert all(len(body["parents"]) == 1 for body in candidates[1:])
    assert not seen.writer.texts


def test_nothing_of_the_seed_is_lost() -> None:
    seed = Prompt("Do.", context="C", cue="Answer:")
    assert wrapped(seed, "", "", "", "") == seed
    full = wrapped(seed, "O.", "T.", "C!", "Step by step:")
    assert (full.instruction, full.context) == ("O. T.\n\nDo.\n\nC!", "C")
    assert full.cue == "Step by step:\nAnswer:"


def test_the_screening_is_paired_and_of_the_first_examples(run: Run) -> None:
    seen = run(grid(n_leaders=1), nothing)
    screened = [e.body for e in seen.evaluations(whole=False)][:120]
    assert all(body["n"] == 2 for body in screened)
    assert len({body["candidate"] for body in screened}) == 120
    train = train_inputs(seen)
    counts = Counter(last for _, last in seen.reader.asked if last in train)
    assert counts[train[0]] == counts[train[1]] == 120
    assert set(counts) == set(train[:4])  # The race stays on the slice.


def test_the_whole_grid_costs_120_calls_an_example(run: Run) -> None:
    """Without a race: 120 · n rollouts, no calls of the optimizer model, and the leaders."""
    seen = run(grid(n_examples=5, n_screen=5, n_leaders=3), nothing)
    assert len(seen.evaluations(whole=False)) == 120
    # Of equal ones the seed is the first; its validation is known.
    assert seen.result.spent.calls == 10 + 120 * 5 + 2 * 10


def test_the_race_takes_no_more_than_its_slice_and_knows_the_seed(run: Run) -> None:
    seen = run(grid(n_examples=8, n_screen=2, n_raced=5, n_leaders=2), nothing)
    raced = {e.body["candidate"] for e in seen.evaluations(whole=False)[120:]}
    assert len(raced) == 5
    assert seen.result.seed.prompt.id in raced
    assert seen.result.spent.calls <= 10 + 120 * 2 + 5 * (8 - 2) + 2 * 10


def test_the_best_levels_win_and_the_table_says_so(run: Run, tmp_path: Path) -> None:
    """Every "+" of an instruction brings a right answer; the user's levels have some."""
    text = "# opener\n- a: +\n# task\n- b: ++\n# closer\n- c: ++++\n# cue\n- d: Well:\n"

    def mine(_: str) -> dict[str, dict[str, str]]:
        return read_levels(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eccentric, "read_levels", mine)
        seen = run(grid(n_examples=10, n_screen=10, n_leaders=1), nothing)
    assert seen.result.best.prompt.instruction == "+ ++\n\nSeed\n\n++++"
    path = find_run(seen.result.run_id, tmp_path).path / "main_effects.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    assert (table["prompts"], table["lowest"], table["highest"]) == (16, 0.0, 0.7)
    assert table["mean_by_level"] == {
        "opener": {"none": pytest.approx(0.3), "a": pytest.approx(0.4)},
        "task": {"none": pytest.approx(0.25), "b": pytest.approx(0.45)},
        "closer": {"none": pytest.approx(0.15), "c": pytest.approx(0.55)},
        "cue": {"none": pytest.approx(0.35), "d": pytest.approx(0.35)},
    }


def test_main_effects_leave_out_what_is_unknown() -> None:
    means: dict[tuple[str, ...], float] = {
        ("a", "x", "p", "s"): 1.0,
        ("a", "y", "p", "s"): 0.5,
        ("b", "x", "q", "s"): 0.0,
    }
    assert main_effects(means) == {
        "opener": {"a": 0.75, "b": 0.0},
        "task": {"x": 0.5, "y": 0.5},
        "closer": {"p": 0.75, "q": 0.0},
        "cue": {"s": 0.5},
    }
    assert main_effects({}) == {}


@pytest.mark.parametrize("calls", [40, 150, 300])
def test_a_small_budget_screens_on_fewer_examples(run: Run, calls: int) -> None:
    seen = run(grid(n_screen=4, n_leaders=1), nothing, budget=Budget(max_calls=calls))
    assert seen.result.spent.calls <= calls
    screened = seen.evaluations(whole=False)
    assert {e.body["n"] for e in screened[:120]} <= {1, 2}
    assert seen.result.best.answered


def test_levels_of_ones_own() -> None:
    text = "# opener\n- a: A: b\n-  no level\n\n# task\n# closer\n- none: None.\n# cue\n- d:\n# x\n"
    assert read_levels(text) == {
        "opener": {"none": "", "a": "A: b"},
        "task": {"none": ""},
        "closer": {"none": "None."},
        "cue": {"none": "", "d": ""},
        "x": {"none": ""},
    }
    with pytest.raises(SettingsError, match="no level of closer, cue"):
        read_levels("# opener\n# task\n- b: B\n")


# --- the search -----------------------------------------------------------------------------


def eccentric_search(**settings: Any) -> EccentricSearch:
    return replace(EccentricSearch(breadth=3, depth=2, n_examples=4, n_leaders=1), **settings)


def proposal(n: int, _: str) -> str:
    return tagged("+" * (n + 1) + f" new {n}\n<prefix>Log {n}:</prefix>")


def test_the_first_attempt_is_the_seed_and_the_best_come_last(run: Run) -> None:
    seen = run(eccentric_search(depth=3), proposal)
    shown = [shown_candidates(text) for text in seen.writer.texts]
    assert [len(c) for c in shown] == [1] * 3 + [3] * 3 + [3] * 3
    assert shown[0][0][1] == "Seed"
    for candidates in shown:
        scores = [score for score, _ in candidates]
        assert all(a <= b for a, b in pairwise(scores))
        assert candidates == sorted(candidates, key=lambda c: c[0])
    assert "new 5\n<prefix>Log 5:</prefix>" in shown[-1][-1][1]


def test_number_of_calls(run: Run) -> None:
    """(1 + breadth · depth) prompts on the slice, breadth · depth proposals, and the leaders."""
    seen = run(eccentric_search(), lambda n, _: tagged(f"new {n}"))
    train = train_inputs(seen)
    rollouts = [last for _, last in seen.reader.asked if last in train]
    assert len(seen.writer.texts) == 3 * 2
    assert Counter(rollouts) == dict.fromkeys(train[:4], 1 + 3 * 2)
    # All score 0: the newest leads, and the seed before there is another.
    assert len(seen.evaluations(whole=True)) == 1 + 1 + 2


def test_instruction_and_answer_prefix_are_sought_together(run: Run) -> None:
    seen = run(eccentric_search(), proposal)
    bodies = [e.body for e in seen.events if e.kind == "candidate"][1:]
    assert [body["prompt"]["cue"] for body in bodies] == [f"Log {n}:" for n in range(6)]
    assert bodies[0]["prompt"]["instruction"] == "+ new 0"
    assert {body["operator"] for body in bodies} == {"eccentric_propose"}
    assert seen.result.best.prompt.cue == "Log 5:"
    assert seen.result.best.prompt.instruction == "++++++ new 5"


def test_a_prefix_alone_makes_another_candidate(run: Run) -> None:
    seen = run(eccentric_search(depth=1), lambda n, _: tagged(f"A<prefix>{n % 2}:</prefix>"))
    bodies = [e.body["prompt"] for e in seen.events if e.kind == "candidate"]
    assert [(b["instruction"], b["cue"]) for b in bodies[1:]] == [("A", "0:"), ("A", "1:")]


@pytest.mark.parametrize(
    ("text", "instruction", "cue"),
    [
        ("Do.", "Do.", "Old:"),
        ("Do.\n<prefix>New:</prefix>", "Do.", "New:"),
        ("Do.\n<prefix></prefix>", "Do.", ""),
        ("Do.\n<PREFIX>\nNew:\n</PREFIX>\n", "Do.", "New:"),
        ("Do.\n<prefix>New:", "Do.", "New:"),
        ("<prefix>A:</prefix>Do.<prefix>B:</prefix>", "Do.", "B:"),
    ],
)
def test_pairs(text: str, instruction: str, cue: str) -> None:
    found = pair(Prompt("x", context="C", cue="Old:"), text)
    assert found == Prompt(instruction, context="C", cue=cue)


def test_examples_are_drawn_for_each_proposal(run: Run) -> None:
    seen = run(eccentric_search(n_demos=3), proposal)
    shown = [tuple(shown_inputs(text)) for text in seen.writer.texts]
    assert all(len(set(inputs)) == 3 for inputs in shown)
    assert len(set(shown)) > 3
    assert set().union(*shown) <= set(train_inputs(seen))
    none = run(eccentric_search(n_demos=0), proposal)
    assert not any("<example>" in text for text in none.writer.texts)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_meta_prompt_asks_for_a_pair(language: str) -> None:
    values: dict[str, Any] = {"task": fake_task(5), "history": [], "examples": []}
    text = render(eccentric.__file__, "eccentric_propose", language, {}, **values)
    for tag in ("<instruction>", "</instruction>", "<prefix>", "</prefix>"):
        assert tag in text
    assert "<example>" not in text
    assert bool(re.search("[가-힣]", text)) == (language == "ko")


def test_it_ends_when_the_task_is_solved(run: Run) -> None:
    seen = run(eccentric_search(depth=9), lambda n, _: tagged("+" * 10 + f" {n}"))
    assert len(seen.writer.texts) == 3
    assert seen.result.best.mean == 1


@pytest.mark.parametrize("kind", [EccentricGrid, EccentricSearch])
def test_settings_have_ranges(kind: type[EccentricGrid] | type[EccentricSearch]) -> None:
    for value in (0, math.nan):
        with pytest.raises(SettingsError, match="n_examples"):
            kind(n_examples=value)  # type: ignore[arg-type] # what a user may write
