"""One outcome of a run: report, runs, show, export, --json and MLflow tell the same, and why."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from apo import Budget, Options, Prompt, Result, Search, Task, optimize
from apo.cli import app
from apo.cli.report import report
from apo.model import Request
from apo.results.outcome import outcome
from apo.results.words import span
from apo.scorers.registry import make_scorer
from apo.storage.folder import RunFolder
from apo.storage.record import read_record
from apo.task import Example
from apo.testing import FakeModel, fake_task
from apo.tracking.parameters import run_name, tags

RIGHT, BREAKS, WRONG = "Answer all", "Answer all but each tenth", "Answer none"
FITTED = "Answer what was seen"


class ByTheLetter(FakeModel):
    """Answers what the instruction says; the seed prompt gets each second one right."""

    def answer(self, request: Request) -> str:
        *before, last = [message.content for message in request.messages]
        text, place = "".join(before), int(last.removeprefix("x"))
        if text == RIGHT or (text.startswith(RIGHT + ",") and place % 10 != 1 and place % 10 != 3):
            return last
        if text == BREAKS:
            return "?" if place % 10 == 0 else last
        if text == "Same":
            return "x0"
        if text == FITTED:  # Right on the validation split alone.
            return last if 60 <= place < 120 else "?"
        return "?" if text == WRONG or place % 2 else last


@dataclass(frozen=True, kw_only=True)
class Given:
    """Measures the prompts that it is given."""

    prompts: tuple[str, ...] = field(default=())

    async def run(self, search: Search) -> None:
        for text in self.prompts:
            await search.evaluate(search.seed_prompts[0].with_instruction(text))


def task(*marked: str) -> Task:
    """Each tenth example must pass in the pools that are named."""
    plain = fake_task(60)

    def mark(example: Example) -> Example:
        return replace(example, must_pass=int(example.target[1:]) % 10 == 0)

    pools: Any = {name: tuple(map(mark, getattr(plain, name))) for name in marked}
    return replace(plain, **pools)


def same() -> Task:
    """All right answers are x0, which the prompt "Same" always says, and a constant as well."""
    plain = fake_task(60)
    one = [replace(e, targets=("x0",)) for e in (*plain.train, *plain.validation, *plain.test)]
    pools: Any = {"train": one[:60], "validation": one[60:120], "test": one[120:]}
    return replace(plain, scorer=make_scorer("exact"), **pools)


CASES: dict[str, tuple[Callable[[], Task], tuple[str, ...], str]] = {
    "favourable": (task, (RIGHT,), "Favourable: 50.0 % → 100.0 %"),
    "worse": (task, (FITTED,), "Worse: 50.0 % → 0.0 %"),
    "nothing better": (task, (WRONG,), "the one candidate measured on all validation examples did"),
    "vetoed": (
        lambda: task("validation"),
        (BREAKS, WRONG),
        "Vetoed: 1 candidate did better on validation (90.0 %, the seed 50.0 %), and breaks "
        "examples that must pass: ",
    ),
    "broke must-pass": (
        lambda: task("test"),
        (BREAKS,),
        "Not favourable, as 6 examples that must pass are lost: 50.0 % → 90.0 %",
    ),
    "no better than a constant": (
        same,
        ("Same",),
        "Better than the seed, but not proven better than always answering 'x0' (100.0 %): ",
    ),
}


def run(given: Task, prompts: tuple[str, ...], home: Path) -> tuple[Result, RunFolder]:
    done = optimize(
        given,
        Given(prompts=prompts),
        model=ByTheLetter(),
        budget=Budget(max_calls=600),
        options=Options(track=False),
        home=home,
    )
    return done, RunFolder(home / "runs" / done.run_id)


def flat(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("kind", [*CASES])
def test_one_outcome_told_alike(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, prompts, starts = CASES[kind]
    done, folder = run(make(), prompts, tmp_path)
    result = folder.result or {}
    found = outcome(result)
    assert found.kind == kind
    assert starts in found.reason
    assert (result["winner"] == "best") == found.favourable
    assert (done.verdict is not None and done.verdict.favourable) == found.favourable
    report(result)
    assert flat(capsys.readouterr().out).startswith(flat(found.reason))
    command = CliRunner(env={"APO_HOME": str(tmp_path), "COLUMNS": "200"})
    (listed,) = json.loads(command.invoke(app, ["runs", "--json"]).stdout)
    assert (listed["outcome"], listed["reason"]) == (kind, found.reason)
    assert listed["favourable"] == found.favourable
    assert kind in command.invoke(app, ["runs"]).stdout
    shown = json.loads(command.invoke(app, ["show", "last", "--json"]).stdout)
    assert shown["outcome"] == result["outcome"] == found.to_dict()
    exported = command.invoke(app, ["export", "last"])
    assert exported.exit_code == 0
    assert (kind in exported.stderr) != found.favourable
    assert found.favourable or flat(found.reason) in flat(exported.stderr)
    assert flat(exported.stdout).startswith(flat(done.prompt.instruction))
    tracked = tags(folder.settings, read_record(folder.journal_path), result)
    assert tracked["apo.verdict"] == kind
    assert f"**{found.reason}**" in tracked["mlflow.note.content"]
    assert run_name(folder.settings, result).startswith(
        f"{'✓' if found.favourable else '✗'} given: {kind}, "
    )


def test_both_ends_of_an_interval_are_points() -> None:
    assert span((-0.021, 0.252)) == "95 % interval -2.1 to +25.2"


def test_a_veto_names_rows_and_candidates(tmp_path: Path) -> None:
    done, folder = run(task("validation"), (BREAKS, WRONG), tmp_path)
    rows = [e.id for e in task("validation").validation if e.must_pass]
    breaker = Prompt(BREAKS).id
    assert done.vetoed == {
        "n": 1, "ids": [breaker], "highest": 0.9, "seed": 0.5,
        "examples": dict.fromkeys(rows, 1), "audited": 0,
    }  # fmt: skip
    told = outcome(folder.result or {}).reason
    assert f"{rows[0]} (1), {rows[1]} (1), {rows[2]} (1) and 3 more" in told
    assert f"with the ids {breaker[:6]})" in told
    assert "More budget does not mend that" in told


def test_what_is_vetoed_beside_a_winner_is_told_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evenly = "Answer all, though only each second of them"
    done, _ = run(task("validation"), (BREAKS, evenly), tmp_path)
    assert done.best.prompt.instruction == evenly
    assert done.vetoed["n"] == 1
    report(done.to_dict())
    assert "Vetoed: 1 candidate did better" in flat(capsys.readouterr().out)


VERDICT: dict[str, Any] = {
    "favourable": False, "n": 9, "seed_score": 0.1, "best_score": 0.2, "difference": 0.1,
    "interval": [-0.5, 1.0], "p_value": 0.7, "wins": 8, "losses": 7, "complete": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "kind", "told"),
    [
        ({"verdict": VERDICT}, "not proven", "Not proven: 10.0 % → 20.0 %, +10.0 points on 9"),
        ({"verdict": None}, "no verdict", "No verdict"),
        (
            {"verdict": {**VERDICT, "wins": 0, "losses": 0, "difference": 0.0}},
            "nothing gained",
            "scores like the seed on every test example",
        ),
        ({"best_prompt": {}, "measured": 0}, "nothing better", "or the budget ended before"),
        (
            {"best_prompt": {}, "measured": 0, "validation": {"seed": 1.0, "best": 1.0}},
            "nothing better",
            "the seed prompt is right on every validation example",
        ),
        (
            {"best_prompt": {}, "validation": {"seed": 1.0, "best": 1.0, "n": 12}},
            "nothing better",
            "the seed prompt is right on all 12 validation examples",
        ),
        (
            {"best_prompt": {}, "validation": {"seed": 1.0, "best": 1.0, "n": 1}},
            "nothing better",
            "the seed prompt is right on its one validation example, so none can be seen",
        ),
        ({"best_prompt": {}}, "nothing better", "If hardly any was measured"),
        (
            {"best_prompt": {}, "measured": 2, "validation": {"seed": 25 / 26, "n": 26}},
            "nothing better",
            "than the seed prompt. On 26 validation examples the seed prompt leaves 3.8 points to",
        ),
        (
            {"best_prompt": {}, "measured": 12},
            "nothing better",
            "none of the 12 candidates measured on all validation examples did better",
        ),
        (
            {"best_prompt": {}, "refused": {"n": 3, "of": 3, "reasons": {"seen before": 3}}},
            "refused",
            "had no candidate to try. All 3 proposals and replies",
        ),
        (
            {
                "best_prompt": {},
                "vetoed": {
                    "n": 13, "ids": ["abcdefgh", "bcdefghi", "cdefghij"], "highest": 0.8,
                    "seed": 0.44, "examples": {"r1": 12, "r2": 2}, "audited": 1,
                },
            },
            "vetoed",
            "13 candidates did better on validation (up to 80.0 %, the seed 44.0 %), and 12 of "
            "them break examples that must pass: r1 (12), r2 (2); the audit before the verdict "
            "passed over 1.",
        ),
    ],
)  # fmt: skip
def test_results_of_all_kinds(more: dict[str, Any], kind: str, told: str) -> None:
    result = {"seed_prompt": {}, "best_prompt": {"instruction": "x"}, "verdict": VERDICT, **more}
    found = outcome(result)
    assert found.kind == kind
    assert told in found.reason
