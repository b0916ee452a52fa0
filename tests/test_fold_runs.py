"""Runs on folds: the pooled verdict, the budget, what a kill leaves, and what is refused."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from apo import (
    Budget,
    Completion,
    Options,
    Prompt,
    Request,
    Result,
    RunError,
    SettingsError,
    Task,
    aresume,
)
from apo.calls.progress import Progress
from apo.data.folds import fold_tasks
from apo.errors import ContentFilterError, Interrupted, QuotaError, TaskError
from apo.results.flips import read_pairs
from apo.run.folds import aoptimize_folds, optimize_folds, resume_folds
from apo.run.recorded import same_pools
from apo.search.search import Search
from apo.statistics.bounded import bounded_interval
from apo.statistics.counts import mcnemar_p
from apo.storage.folder import RunFolder, create_run, find_run, list_runs
from apo.task import Example
from apo.testing.fakes import FakeModel, FakeOptimizerModel, fake_task

pytestmark = pytest.mark.slow

QUIET = Options(track=False, max_concurrency=4)
BUDGET = Budget(max_calls=600)
TASK = replace(fake_task(20), labels=())
BETTER = Prompt("Answer++++++++")


@dataclass(frozen=True)
class Better:
    """Measures a better prompt."""

    async def run(self, search: Search) -> None:
        """Measure it."""
        search.accept([BETTER], operator="made")
        await search.evaluate(BETTER)


def run(home: Path, **given: Any) -> Result:
    defaults: dict[str, Any] = {
        "task": TASK,
        "optimizer": Better(),
        "model": FakeModel(),
        "optimizer_model": FakeOptimizerModel(),
        "budget": BUDGET,
        "options": QUIET,
    }
    return optimize_folds(**{**defaults, **given}, home=home)


def objects(model: FakeModel) -> dict[str, Any]:
    return {
        "task": TASK,
        "optimizer": Better(),
        "model": model,
        "optimizer_model": FakeOptimizerModel(),
    }


def children(home: Path) -> list[RunFolder]:
    """The runs in the only folder of the home, in their order."""
    found = list_runs(find_run("last", home).path)
    return sorted(found, key=lambda folder: folder.settings["options"]["fold"])


def test_the_verdict_is_on_all_rows(tmp_path: Path) -> None:
    result = run(tmp_path, folds=4)
    folder = find_run("last", tmp_path)
    assert result.run_id == folder.id
    assert folder.state == "finished"
    assert folder.result == json.loads(json.dumps(result.to_dict()))
    assert result.verdict is not None
    assert result.verdict.n == 60
    assert result.verdict.favourable
    assert result.winner == "best"
    assert result.prompt == BETTER
    rows = read_pairs(folder)
    everything = {e.id for e in (*TASK.train, *TASK.validation, *TASK.test)}
    assert Counter(row["id"] for row in rows) == Counter(everything)
    wins = [row["flip"] for row in rows].count("won")
    assert result.verdict.wins == wins > 0
    # Counted by hand: both prompts' answers are a function of the prompt and the row.
    model = FakeModel()
    for row in rows:
        example = Example(row["inputs"], tuple(row["targets"]))
        for side, prompt in (("seed", TASK.seed_prompts[0]), ("best", BETTER)):
            answer = model.answer(Request(prompt.messages(example.inputs)))
            assert row[f"{side}_output"] == answer


def test_the_verdict_allows_for_shared_rows(tmp_path: Path) -> None:
    verdict = run(tmp_path, folds=4).verdict
    assert verdict is not None
    plain = [{"won": 1.0, "lost": -1.0, "same": 0.0}[row["flip"]]
             for row in read_pairs(find_run("last", tmp_path))]  # fmt: skip
    assert verdict.p_value == pytest.approx(2 * mcnemar_p(verdict.wins, verdict.losses))
    low, high = bounded_interval(plain)
    assert verdict.interval[0] < low < verdict.difference < high < verdict.interval[1]
    assert verdict.interval[1] - verdict.interval[0] == pytest.approx(1.1436 * (high - low))


def test_what_is_told_of_each_fold(tmp_path: Path) -> None:
    result = run(tmp_path, folds=4).to_dict()
    procedure = result["procedure"]
    assert (procedure["folds"], procedure["rows"], procedure["tested"]) == (4, 60, 60)
    assert [fold["n"] for fold in procedure["by_fold"]] == [15] * 4
    assert [fold["run_id"] for fold in procedure["by_fold"]] == [
        f.id for f in children(tmp_path)[:4]
    ]
    assert sum(fold["wins"] for fold in procedure["by_fold"]) == result["verdict"]["wins"]
    mean = sum(fold["difference"] for fold in procedure["by_fold"]) / 4
    assert mean == pytest.approx(result["verdict"]["difference"])
    assert procedure["spread"] > 0
    last = children(tmp_path)[-1]
    assert last.settings["data"]["test"] == 0
    assert last.result is not None
    assert last.result["verdict"] is None


def test_nothing_found_is_not_proven(tmp_path: Path) -> None:
    result = run(tmp_path, optimizer=Nothing(), folds=3)
    assert result.verdict is not None
    assert (result.verdict.wins, result.verdict.losses) == (0, 0)
    assert result.winner == "seed"
    assert not any(fold["found"] for fold in result.to_dict()["procedure"]["by_fold"])


@dataclass(frozen=True)
class Nothing:
    """Does nothing."""

    async def run(self, search: Search) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Endless:
    """Spends all there is."""

    async def run(self, search: Search) -> None:
        """Measure ever new prompts."""
        for i in range(10_000):
            search.accept([Prompt(f"Answer {i}")], operator="made")
            await search.evaluate(Prompt(f"Answer {i}"))


@pytest.mark.parametrize("limit", [{"max_calls": 401}, {"max_calls": 1000, "max_tokens": 9_000}])
def test_all_together_never_overspend(limit: dict[str, int], tmp_path: Path) -> None:
    model = FakeModel()
    result = run(tmp_path, model=model, optimizer=Endless(), folds=3, budget=Budget(**limit))
    assert result.spent.calls == len(model.requests)
    assert 0.8 * 300 < result.spent.calls <= limit["max_calls"]
    assert result.spent.tokens <= limit.get("max_tokens", 10**9)
    budgets = [folder.settings["budget"]["max_calls"] for folder in children(tmp_path)]
    assert sum(budgets) == limit["max_calls"]
    parts = [folder.result["spent"]["calls"] for folder in children(tmp_path) if folder.result]
    assert sum(parts) == result.spent.calls


def test_fewer_calls_test_fewer_rows_and_say_so(tmp_path: Path) -> None:
    procedure = run(tmp_path, folds=3, budget=Budget(max_calls=200)).to_dict()["procedure"]
    assert (procedure["tested"], procedure["rows"]) == (21, 60)


@pytest.mark.parametrize("calls", [1, 5, 100])
def test_a_share_that_is_too_small_is_told_before_anything(calls: int, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"6 runs, which share the {calls} calls.* 132 or more"):
        run(tmp_path, folds=5, budget=Budget(max_calls=calls))
    assert list(list_runs(tmp_path)) == []


@dataclass
class Dying(FakeModel):
    """Has no credit left after some calls."""

    left: int = 0

    async def complete(self, request: Request) -> Completion:
        """Answer, or refuse."""
        if len(self.requests) >= self.left:
            raise QuotaError("no credit")
        return await super().complete(request)


@pytest.mark.parametrize("left", [0, 40, 130, 180])
def test_a_stopped_one_goes_on_and_pays_nothing_twice(left: int, tmp_path: Path) -> None:
    whole = FakeModel()
    expected = run(tmp_path / "whole", model=whole, folds=3).to_dict()
    dying, progress = Dying(left=left), Progress()
    with pytest.raises(QuotaError):
        run(tmp_path, model=dying, folds=3, progress=progress)
    folder = find_run("last", tmp_path)
    assert progress.run_id == folder.id  # What the user is told to resume.
    assert folder.state in ("interrupted", "failed")
    rest = FakeModel()
    result = resume_folds("last", home=tmp_path, **objects(rest))
    assert Counter(map(str, dying.requests + rest.requests)) == Counter(map(str, whole.requests))
    found = result.to_dict()
    for name in ("verdict", "best_prompt", "winner"):
        assert found[name] == expected[name]
    assert found["spent"]["calls"] == expected["spent"]["calls"] == len(whole.requests)


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from test_fold_runs import FakeModel, run

class Killing(FakeModel):
    def answer(self, request):
        if len(self.requests) > int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().answer(request)

run(Path(sys.argv[1]), model=Killing(), folds=3)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """What one comes to that nobody kills."""
    return run(tmp_path_factory.mktemp("whole"), folds=3)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("after", [10, 100, 190])
def test_a_killed_one_goes_on(after: int, whole: Result, tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "killed"), str(after), here]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    folder = find_run("last", tmp_path / "killed")
    assert folder.state == "interrupted"
    rest = FakeModel()
    result = resume_folds("last", home=tmp_path / "killed", **objects(rest))
    assert result.verdict == whole.verdict
    assert result.best.prompt == whole.best.prompt
    assert result.spent.calls == whole.spent.calls
    assert len(rest.requests) < whole.spent.calls - after + QUIET.max_concurrency


def test_a_finished_one_costs_nothing_again(tmp_path: Path) -> None:
    first = run(tmp_path, folds=3)
    model = FakeModel()
    again = resume_folds(first.run_id, home=tmp_path, **objects(model))
    assert model.requests == []
    assert again.verdict == first.verdict
    assert again.spent == first.spent


def test_stopping_stops_all_of_it(tmp_path: Path) -> None:
    progress = Progress()

    class Stopping(FakeModel):
        def answer(self, request: Request) -> str:
            if len(self.requests) == 50:
                progress.stop()
            return super().answer(request)

    with pytest.raises(Interrupted):
        run(tmp_path, model=Stopping(), folds=3, progress=progress)
    assert find_run("last", tmp_path).state == "interrupted"
    assert len(children(tmp_path)) == 1


def test_a_refused_request_scores_0_in_the_pooled_verdict(tmp_path: Path) -> None:
    class Filtered(FakeModel):
        def answer(self, request: Request) -> str:
            if request.messages[-1].content == "x7":
                raise ContentFilterError("filtered")
            return super().answer(request)

    result = run(tmp_path, model=Filtered(), folds=3)
    assert result.verdict is not None
    assert (result.verdict.n, result.verdict.ungraded) == (60, 0)
    assert result.verdict.seed_counts["refused"] == result.verdict.best_counts["refused"] == 1


def test_must_pass_vetoes_the_pooled_verdict(tmp_path: Path) -> None:
    class Exact(FakeModel):
        def answer(self, request: Request) -> str:
            *before, last = [m.content for m in request.messages]
            better = "+" in "".join(before)
            return last if better != (last == "x3") else "?"

    def marked(example: Example) -> Example:
        return replace(example, must_pass=example.target == "x3")

    pools: dict[str, Any] = {
        name: [marked(e) for e in getattr(TASK, name)] for name in ("train", "validation", "test")
    }
    result = run(tmp_path, task=replace(TASK, **pools), model=Exact(), folds=3)
    assert result.verdict is not None
    assert len(result.verdict.broken) == 1
    assert result.winner == "seed"


def test_one_process_at_a_time(tmp_path: Path) -> None:
    first = run(tmp_path, folds=3)
    path = find_run("last", tmp_path).journal_path
    with FileLock(f"{path}.lock"), pytest.raises(RunError, match="in use by another process"):
        resume_folds(first.run_id, home=tmp_path, **objects(FakeModel()))


def test_a_folder_of_folds_is_no_single_run(tmp_path: Path) -> None:
    first = run(tmp_path, folds=3)
    with pytest.raises(RunError, match=r"made of runs on folds.*apo\.resume_folds"):
        asyncio.run(aresume(first.run_id, home=tmp_path, **objects(FakeModel())))
    child = children(tmp_path)[0]
    with pytest.raises(RunError, match="has no folds"):
        resume_folds(child.id, home=find_run("last", tmp_path).path)
    with pytest.raises(RunError, match="its own task and optimizer and model"):
        resume_folds(first.run_id, home=tmp_path)


def test_changed_data_are_refused(tmp_path: Path) -> None:
    first = run(tmp_path, folds=3)
    other: Task = replace(TASK, test=TASK.test[1:])
    changed: dict[str, Any] = {**objects(FakeModel()), "task": other}
    with pytest.raises(RunError, match="changed since"):
        resume_folds(first.run_id, home=tmp_path, **changed)
    child = children(tmp_path)[0]
    line, *rest = (child.path / "test.jsonl").read_text("utf-8").splitlines(keepends=True)
    stranger = json.dumps({**json.loads(line), "id": "elsewhere"})
    (child.path / "test.jsonl").write_text("".join([f"{stranger}\n", *rest]), "utf-8")
    with pytest.raises(RunError, match="elsewhere, which is not in its fold"):
        resume_folds(first.run_id, home=tmp_path, **objects(FakeModel()))


def test_one_fold_is_resumed_as_any_run(tmp_path: Path) -> None:
    run(tmp_path, folds=3)
    home, child = find_run("last", tmp_path).path, children(tmp_path)[1]
    before = child.result
    asyncio.run(aresume(child.id, home=home, **objects(FakeModel())))
    after = child.result
    assert before is not None
    assert after is not None
    assert after["verdict"] == before["verdict"]
    assert child.settings["options"]["fold"] == [2, 3]
    tested = {row["id"] for row in read_pairs(child)}
    assert tested == {e.id for e in fold_tasks(TASK, 3, 0)[1].test}


@pytest.mark.parametrize("fold", [(0, 3), (5, 3), (-1, 3), [1, 2, 3], "http://h", ["1", 3], {}, 7])
def test_a_fold_that_there_is_not(fold: Any) -> None:
    with pytest.raises(SettingsError, match="i from 1 to k"):
        Options.from_dict({"fold": fold})
    assert Options.from_dict({"fold": [4, 3]}).fold == (4, 3)
    assert Options.from_dict({}).fold is None


@pytest.mark.parametrize(("more", "said"), [
    ("data: {train: a.csv, test: b.csv}\n", "data has test"),
    ("data: a.csv\nsplit: {column: 뜻}\n", "take the column out"),
])  # fmt: skip
def test_a_test_that_was_set_aside_stays_aside(more: str, said: str, tmp_path: Path) -> None:
    lines = "글,뜻\n" + "".join(f"문의 {i},답\n" for i in range(60))
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(lines, "utf-8")
    text = f"name: 문의\ninputs: [글]\ntarget: 뜻\n{more}prompt: 답하세요.\n"
    (tmp_path / "task.yaml").write_text(text, "utf-8")
    with pytest.raises(TaskError, match=said):
        run(tmp_path / ".apo", task=tmp_path, folds=3)
    assert list(list_runs(tmp_path / ".apo")) == []


def test_in_a_loop(tmp_path: Path) -> None:
    given: dict[str, Any] = {**objects(FakeModel()), "folds": 2, "home": tmp_path}
    result = asyncio.run(aoptimize_folds(**given, budget=BUDGET, options=QUIET))
    assert result.verdict is not None
    assert result.verdict.n == 60


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("options", "fold", "http://h"),
        ("options", "fold", [1, 2, 3]),
        ("options", "seed", "x"),
        ("data", "validation", "own.py:f"),
        ("data", "test", None),
    ],
)
def test_a_run_with_other_settings_than_apo_writes_is_not_measured_by(
    part: str, key: str, value: object, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {
        "data": {"fingerprint": "x", "train": 1, "validation": 1, "test": 1},
        "options": {"seed": 0},
    }
    settings[part][key] = value
    folder = create_run(tmp_path, "task", "opt", settings)
    with pytest.raises(RunError, match=rf"run\.json: {part}"):
        same_pools(folder, TASK)
