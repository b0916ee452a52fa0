"""Checking a task: what would spoil a run is found before anything is spent."""

import multiprocessing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from apo.checking.check import Finding, check
from apo.checking.speed import speed_findings
from apo.prompts.prompt import Prompt
from apo.scorers import sandbox
from apo.scorers.code import Code
from apo.scorers.function import FunctionScorer
from apo.scorers.registry import Choice, Exact, Numeric, Part, Reward, make_scorer
from apo.task import Example, Score, Task
from apo.taskfile.load import load_task
from apo.taskfile.places import builtin_tasks


def pool(start: int, n: int = 100) -> tuple[Example, ...]:
    return tuple(
        Example({"input": f"text number {i}"}, ("ab"[i % 2],)) for i in range(start, start + n)
    )


TASK = Task(
    name="t",
    scorer=Choice(labels=("a", "b")),
    seed_prompts=(Prompt("Is it a or b?"),),
    train=pool(0),
    validation=pool(1000),
    test=pool(2000),
    labels=("a", "b"),
)


def found(task: Task, level: str) -> str:
    return " ".join(finding.text for finding in check(task) if finding.level == level)


def test_a_good_task_has_nothing_but_good() -> None:
    assert {finding.level for finding in check(TASK)} == {"ok"}


@pytest.mark.parametrize("name", builtin_tasks())
def test_the_built_in_tasks_are_good(name: str) -> None:
    assert [f for f in check(load_task(name)) if f.level in ("error", "warning")] == []


def test_notes_that_results_suffer_from_are_warnings() -> None:
    task = replace(TASK, notes=("Rows cut: 3.", "Half disagree."), warnings=("Half disagree.",))
    assert found(task, "note") == "Rows cut: 3."
    assert found(task, "warning") == "Half disagree."


def test_errors_come_first() -> None:
    levels = [f.level for f in check(replace(TASK, validation=(), test=()))]
    assert levels == sorted(levels, key=("error", "warning", "note", "ok").index)
    assert isinstance(check(TASK)[0], Finding)


def test_empty_and_small_pools() -> None:
    assert "validation is empty" in found(replace(TASK, validation=()), "error")
    assert "test is empty" in found(replace(TASK, test=()), "warning")
    small = replace(TASK, train=pool(0, 4), validation=pool(500, 4), test=pool(900, 4))
    for name in ("train", "validation", "test"):
        assert f"{name} has 4 examples" in found(small, "warning")
    assert check(replace(TASK, train=(), validation=(), test=()))


def test_labels() -> None:
    only_a = tuple(e for e in TASK.train if e.target == "a")
    assert "train has no example of 'b'" in found(replace(TASK, train=only_a), "warning")
    rare = replace(TASK, train=only_a * 1, validation=TASK.validation[::2], test=pool(2000, 4))
    assert "unbalanced: 'a'" in found(rare, "warning")


def test_inputs_in_two_pools() -> None:
    leaky = replace(TASK, test=(*pool(2000), TASK.train[0]))
    assert "Inputs of test that are also in train: 1 (such as 'text number 0')" in found(
        leaky, "error"
    )
    near = Example({"input": "Text  Number-0!"}, ("a",))
    assert "nearly the same" in found(replace(TASK, test=(*TASK.test, near)), "warning")


def test_conflicts() -> None:
    other = Example(TASK.train[0].inputs, ("b",))
    assert "Inputs with different targets: 1" in found(
        replace(TASK, train=(*TASK.train, other)), "warning"
    )


def test_a_scorer_that_cannot_judge_the_targets() -> None:
    assert "300 of 300 targets do not score 1" in found(replace(TASK, scorer=Numeric()), "error")


def test_a_scorer_that_fails() -> None:
    def bad(output: str, example: Example) -> Score:
        raise KeyError(output)

    assert "KeyError" in found(replace(TASK, scorer=bad), "error")
    wrapped = FunctionScorer(function=bad, name="mine")
    assert "The scorer mine failed" in found(replace(TASK, scorer=wrapped), "error")


@pytest.mark.parametrize(("seconds", "asked"), [(1.0, 61), (25.0, 3), (0.1, 300)])
def test_targets_are_scored_for_a_minute(
    seconds: float, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("apo.checking.check.time", SimpleNamespace(monotonic=lambda: now[0]))

    def slow(output: str, example: Example) -> Score:
        now[0] += seconds
        return Score(float(output == example.target))

    task = replace(TASK, scorer=slow)
    assert f"gives its own targets 1 ({asked} asked)" in found(task, "ok")
    cut = f"Scoring {asked} of 300 targets took 60 s; the rest was not tried."
    assert found(task, "warning") == (cut if asked < 300 else "")


def test_a_scorer_that_likes_everything() -> None:
    def generous(output: str, example: Example) -> Score:
        return Score(1.0)

    task = replace(TASK, scorer=generous)
    assert "gives an empty answer 1" in found(task, "warning")


@pytest.mark.slow
def test_in_what_programs_run() -> None:
    code = Code(seconds=2)
    told = [
        finding.text
        for scorer in (code, Reward(parts=(Part(name="right", scorer=code),)), Exact())
        for finding in check(replace(TASK, scorer=scorer))
        if finding.text.startswith("Programs run in ")
    ]
    assert len(told) == 2
    assert told[0] == told[1]
    container = Code(command="docker run --rm -i python:3.12-slim python")
    assert f"`{container.command}`" in found(replace(TASK, scorer=container), "ok")


@pytest.mark.slow
def test_programs_that_cannot_be_run_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "START", "raise SystemExit('no library')")
    assert "could not run Python" in found(replace(TASK, scorer=Code()), "error")


def test_prompts() -> None:
    assert "no seed prompt" in found(replace(TASK, seed_prompts=()), "error")
    wrong = replace(TASK, seed_prompts=(Prompt("a or b", template="{{text}}"),))
    assert "{{text}}" in found(wrong, "error")
    vague = replace(TASK, seed_prompts=(Prompt("Sort this."),), labels=("apple", "pear"))
    assert "does not name 'apple', 'pear'" in found(vague, "warning")


def test_long_and_blank_inputs() -> None:
    long = replace(TASK, train=(*TASK.train, Example({"input": "x" * 30_000}, ("a",))))
    assert "the longest 30000" in found(long, "warning")
    blank = replace(TASK, train=(*TASK.train, Example({"input": " "}, ("a",))))
    assert "Examples with a blank input: 1" in found(blank, "error")


def test_the_smallest_visible_gain() -> None:
    few = replace(TASK, test=pool(2000, 20), scorer=Exact())
    assert "gain of about 37 points" in found(few, "warning")


def test_a_scorer_that_takes_longer_than_asking() -> None:
    """By a clock of its own: 0.2 s an answer against 16 answers a second."""
    moments = iter(n / 5 for n in range(1000))

    def same(output: str, example: Example) -> bool:
        return output == example.target

    slow = FunctionScorer(function=same, name="m.py:f")
    pools = {"train": TASK.train, "validation": TASK.validation}
    (told,) = speed_findings(replace(TASK, scorer=slow), pools, lambda: next(moments))
    assert told.level == "note"
    assert "m.py:f takes 0.2 s for an answer" in told.text
    assert "scorer: {name: m.py:f, workers: 4}" in told.text
    assert next(moments) <= 12 / 5  # It was not asked for longer than two seconds.
    quick = iter(n / 20 for n in range(1000))
    assert not [*speed_findings(replace(TASK, scorer=slow), pools, lambda: next(quick))]
    assert not [*speed_findings(TASK, pools, lambda: next(moments))]


def test_a_scorer_with_workers_is_looked_over_like_one_without(tmp_path: Path) -> None:
    text = "def zero(output, example):\n    return 0.0\n"
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    scorer = make_scorer({"name": "mine.py:zero", "workers": 2}, folder=tmp_path)
    assert "300 of 300 targets do not score 1" in found(replace(TASK, scorer=scorer), "error")
    assert not multiprocessing.active_children()
