"""A run's folder in MLflow: whole, once, and whatever happens on the way."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from apo.environment import prepare_environment
from apo.errors import RunError
from apo.model import Decoding
from apo.production.traces import trace_feedback
from apo.prompts.prompt import Prompt
from apo.results.verdict import Verdict
from apo.storage.folder import RunFolder, create_run
from apo.tracking import Tracked, sync, ui_command
from apo.tracking.children import Children
from apo.tracking.connection import connect
from apo.tracking.failures import log_failures
from apo.tracking.logbook import Logbook
from apo.tracking.registry import ALIAS
from apo.tracking.store import Store

pytestmark = [
    # MLflow's own models use a loading strategy that SQLAlchemy 2.1 calls outdated.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]
SEED = Prompt("Say which queue the message belongs to.", template="Message: {{text}}")
Event = tuple[str, str, dict[str, Any]]


@dataclass
class Story:
    """A run written by hand: what its search did, told event by event, and how it ended."""

    folder: RunFolder
    events: list[Event]
    best: Prompt

    def tell(self, upto: int | None = None) -> None:
        """Write events to the journal, as a search does; those already there stay."""
        with self.folder.open_journal() as journal:
            for event in self.events[:upto]:
                journal.note(*event)

    def finish(self, *, favourable: bool = True, verdict: bool = True) -> None:
        self.tell()
        test = "".join(json.dumps(example(i), ensure_ascii=False) + "\n" for i in range(6))
        self.folder.write_text("test.jsonl", test)
        result = {
            "run_id": self.folder.id,
            "task": self.folder.settings["task"],
            "optimizer": "opro",
            "model": "openai/small",
            "optimizer_model": "openai/big",
            "seed_prompt": SEED.to_dict(),
            "best_prompt": self.best.to_dict(),
            "winner": "best" if favourable and verdict else "seed",
            "validation": {"seed": 0.5, "best": 0.8},
            "verdict": judged(favourable).to_dict() if verdict else None,
            "spent": {
                "calls": 500, "input_tokens": 9000, "output_tokens": 1000, "cached_tokens": 0,
                "usd": 0.25, "lost_usd": 0.0, "retries": 1, "seconds": 61.5,
            },
            "mlflow": {},
        }  # fmt: skip
        self.folder.write("result.json", result)
        self.folder.set_state("finished")


def judged(favourable: bool) -> Verdict:
    counts = {"right": 60, "wrong": 30, "malformed": 10, "error": 0}
    return Verdict(
        n=100,
        seed_score=0.6,
        best_score=0.7 if favourable else 0.61,
        interval=(0.02, 0.18) if favourable else (-0.05, 0.07),
        p_value=0.013 if favourable else 0.7,
        wins=17,
        losses=7,
        seed_counts=counts,
        best_counts={**counts, "right": 70, "malformed": 0},
    )


def example(i: int) -> dict[str, Any]:
    flip = ("same", "won", "lost")[i % 3]
    row: dict[str, Any] = {
        "id": f"{i:016x}",
        "inputs": {"text": f"주문 {i}"},
        "targets": ["billing", "bill"],
    }
    for name in ("seed", "best"):
        row |= {f"{name}_output": "billing", f"{name}_score": 1.0, f"{name}_outcome": "right"}
        row |= {f"{name}_feedback": ""}
    return {**row, "flip": flip}


def measured(
    prompt: Prompt, calls: int, *, whole: bool, n: int, mean: float, error: int = 0
) -> Event:
    right = round(mean * (n - error))
    figures = {"n": n, "value": mean, "right": right, "wrong": n - right - error}
    figures |= {"malformed": 0, "error": error, "tokens": 10 * n}
    figures["at_least"] = mean * (n - error) / n
    body = {"candidate": prompt.id, "whole": whole, "calls": calls, "usd": calls / 1000, **figures}
    return ("evaluation", f"0::{calls}:{prompt.id}", body)


def proposed(prompt: Prompt, operator: str, *parents: Prompt) -> Event:
    body = {"operator": operator, "parents": [p.id for p in parents], "prompt": prompt.to_dict()}
    return ("candidate", prompt.id, body)


def story(
    home: Path, *, task: str = "tickets", n: int = 6, prompt: Prompt = SEED, **settings: Any
) -> Story:
    """Seed measured whole; then candidates, every second one whole, the rest in two parts."""
    data = {"fingerprint": "0123456789abcdef", "train": 50, "validation": 20, "test": 100}
    folder = create_run(
        home,
        task,
        "opro",
        {
            "task": task,
            "optimizer": {"name": "opro", "settings": {"n_proposals": 4}},
            "model": "openai/small",
            "optimizer_model": "openai/big",
            "budget": {"max_calls": 500, "max_usd": None},
            "options": {"seed": 7},
            "data": data,
            "versions": {"python": "3.11", "mlflow": "3"},
            "git_commit": "ab" * 20,
            **settings,
        },
    )
    folder.set_state("running")
    events = [proposed(SEED, "seed"), measured(SEED, 20, whole=True, n=20, mean=0.5)]
    best, calls = SEED, 20
    for i in range(1, n):
        new = prompt.with_instruction(f"{prompt.instruction} Rule {i}.")
        events.append(proposed(new, "propose", best))
        for part in (20,) if i % 2 else (3, 5):
            calls += part
            mean = 0.5 + 0.3 * i / n if i % 2 else 1 / part
            events.append(measured(new, calls, whole=bool(i % 2), n=part, mean=mean))
        best = new if i % 2 else best
    refused = {"operator": "propose", "parents": [SEED.id], "text": "No.", "reason": "too short"}
    return Story(folder, [*events, ("refused", "0::9", refused)], best)


@pytest.fixture(autouse=True)
def plain_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of a run, which `test_tracking_results.py` looks at, draws three pictures."""

    def page(folder: RunFolder) -> str:
        return f"<p>{folder.id}</p>"

    monkeypatch.setattr("apo.tracking.files.run_page", page)


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MLFLOW_"):
            monkeypatch.delenv(name)
    prepare_environment()


@pytest.fixture
def uri(with_tables: Callable[[Path], str], tmp_path: Path) -> str:
    return with_tables(tmp_path)


@dataclass(frozen=True)
class Shown:
    """What MLflow has of an experiment."""

    store: Store
    parents: list[Any]
    children: list[Any]

    def curve(self, key: str) -> list[tuple[int, float]]:
        history = self.store.client.get_metric_history(self.parents[0].info.run_id, key)
        return [(metric.step, metric.value) for metric in history]

    def file(self, name: str) -> str:
        run = self.parents[0].info.run_id
        return Path(self.store.client.download_artifacts(run, name)).read_text(encoding="utf-8")

    def table(self, name: str) -> list[dict[str, Any]]:
        table = json.loads(self.file(name))
        return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]

    def everything(self) -> Any:
        """All that a reader sees, in a form to compare; times and ids left out."""
        parent = self.parents[0]
        tags = {k: v for k, v in parent.data.tags.items() if k.startswith("apo.")}
        children = sorted(
            (c.data.tags["apo.candidate"], c.info.run_name, c.data.params, c.data.metrics)
            for c in self.children
        )
        curves = {key: sorted(self.curve(key)) for key in parent.data.metrics}
        status = {r.info.status for r in (parent, *self.children)}
        return [tags, parent.data.params, curves, children, status, self.file("candidates.json")]


def show(uri: str, experiment: str = "apo/tickets") -> Shown:
    store = Store(uri, experiment)
    runs: list[Any] = list(store.client.search_runs([store.experiment_id]))
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    return Shown(store, [run for run in runs if run not in children], children)


def log(folder: RunFolder, uri: str) -> Tracked:
    """Log a finished run, in this process."""
    return sync(folder, uri=uri)


def test_a_finished_run_is_all_there(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish()
    tracked = log(told.folder, uri)
    assert tracked.problem == ""
    assert tracked.complete
    shown = show(uri)
    (parent,) = shown.parents
    assert parent.info.run_id == tracked.run_id
    assert parent.info.status == "FINISHED"
    name = f"✓ opro: favourable, +10.0 points, tickets {told.folder.id[-6:]}"
    assert parent.info.run_name == name
    assert parent.data.params["optimizer.n_proposals"] == "4"
    assert parent.data.params["budget.max_calls"] == "500"
    assert parent.data.params["data.fingerprint"] == "0123456789abcdef"
    assert parent.data.params["versions.mlflow"] == "3"
    assert parent.data.params["seed"] == "7"
    assert "budget.max_usd" not in parent.data.params
    assert parent.data.tags["apo.run_id"] == told.folder.id
    assert parent.data.tags["apo.verdict"] == "favourable"
    assert parent.data.tags["mlflow.source.git.commit"] == "ab" * 20
    assert parent.inputs.dataset_inputs[0].dataset.digest == "0123456789abcdef"
    assert json.loads((told.folder.path / "mlflow.json").read_text()) == tracked.to_dict()


def test_the_description_tells_the_outcome(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish()
    log(told.folder, uri)
    note = show(uri).parents[0].data.tags["mlflow.note.content"]
    assert note.startswith("**Favourable: 60.0 % → 70.0 %, +10.0 points on 100 test examples, ")
    assert "95 % interval +2.0 to +18.0, p = 0.013; 17 won, 7 lost" in note
    assert "500 calls, 10,000 tokens, $0.2500, 1.0 min" in note
    assert "Rule 5." in note
    assert f"apo export {told.folder.id}" in note


@pytest.mark.filterwarnings("ignore")  # MLflow's own, which it takes for failed exports.
def test_failed_rows_are_traces_once_and_can_be_read_as_feedback(
    tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = story(tmp_path)
    told.finish()
    tracked = log(told.folder, uri)
    wrong = {"best_output": "bug", "best_score": 0.0, "best_feedback": "Expected 'billing'."}
    rows = [example(0), example(0) | wrong, example(2) | wrong]
    path = told.folder.path / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    import mlflow
    from mlflow import MlflowClient

    before = mlflow.get_tracking_uri()
    assert log_failures(told.folder, tracked) == 2
    assert log_failures(told.folder, tracked) == 2
    assert mlflow.get_tracking_uri() == before
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    assert mlflow.get_tracking_uri() == "sqlite:///other.db"
    client = MlflowClient(tracking_uri=uri)
    found = client.search_traces(locations=[tracked.experiment_id], run_id=tracked.run_id)
    traces = {trace.info.tags["apo.flip"]: trace for trace in found}  # Of one millisecond, perhaps.
    assert len(found) == 2
    assert {*traces} == {"lost", "same"}
    given: dict[str, Any] = {one.name: one for one in traces["lost"].info.assessments}
    assert given["target"].value == "billing"
    assert (given["score"].value, given["score"].rationale) == (0.0, "Expected 'billing'.")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    said, _ = trace_feedback("traces:/apo/tickets", ["text"])
    assert {(one.inputs["text"], one.answer, one.wanted) for one in said if one.wanted} == {
        ("주문 0", "bug", "billing"),
        ("주문 2", "bug", "billing"),
    }


def test_curves_follow_candidates_and_calls(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish()
    log(told.folder, uri)
    shown = show(uri)
    parts = 2 / 8  # One right in three examples, and one in five.
    assert sorted(shown.curve("candidate/score")) == [
        (0, 0.5), (1, 0.55), (2, parts), (3, 0.65), (4, parts), (5, 0.75),
    ]  # fmt: skip
    assert sorted(shown.curve("candidate/n")) == [
        (0, 20),
        (1, 20),
        (2, 8),
        (3, 20),
        (4, 8),
        (5, 20),
    ]
    best = [(20, 0.5), (40, 0.55), (68, 0.65), (96, 0.75)]
    assert sorted(shown.curve("best/validation_score")) == best
    assert sorted(shown.curve("score")) == best
    assert (500, 0.25) in shown.curve("spend/usd")
    metrics = shown.parents[0].data.metrics
    assert metrics["verdict/difference"] == pytest.approx(0.1)
    assert metrics["verdict/interval_low"] == 0.02
    assert metrics["verdict/wins"] == 17
    assert metrics["test/seed_malformed_rate"] == pytest.approx(0.1)
    assert metrics["test/best_right_rate"] == pytest.approx(0.7)
    assert metrics["spend/calls"] == 500


def test_of_two_bests_at_the_same_call_the_later_one_counts(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path, n=1)
    for i in (1, 2):  # Measured concurrently, so both end at the same count of calls.
        new = SEED.with_instruction(f"Rule {i}.")
        told.events += [proposed(new, "propose", SEED)]
        told.events += [measured(new, 60, whole=True, n=20, mean=0.5 + i / 10)]
    told.finish()
    assert log(told.folder, uri).complete
    metrics = show(uri).parents[0].data.metrics
    assert (metrics["score"], metrics["right"], metrics["wrong"]) == (0.7, 14, 6)


def test_candidates_measured_whole_have_runs(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish()
    log(told.folder, uri)
    shown = show(uri)
    assert len(shown.children) == 4
    child = next(c for c in shown.children if c.data.tags["apo.candidate"] == told.best.id)
    assert child.info.run_name == f"★ 5 propose {told.best.id}"
    assert child.data.metrics["ordinal"] == 5
    assert child.info.status == "FINISHED"
    assert child.data.tags["mlflow.parentRunId"] == shown.parents[0].info.run_id
    assert child.data.tags["instruction"] == told.best.instruction
    assert child.data.metrics["score"] == 0.75
    assert child.data.metrics["tokens"] == 200
    assert child.data.params["operator"] == "propose"


def best_first(uri: str) -> list[str]:
    """The beginnings of the candidates' names, in the order in which MLflow's pages show them."""
    runs = sorted(show(uri).children, key=lambda run: run.info.start_time, reverse=True)
    assert len({run.info.start_time for run in runs}) == len(runs)
    assert all(run.info.start_time < show(uri).parents[0].info.start_time for run in runs)
    return [run.info.run_name.rsplit(" ", 2)[0] for run in runs]


# Of equal scores the shorter text is the better one, and comes up first or last.
@pytest.mark.parametrize(
    ("means", "order"),
    [
        ((0.2, 0.9, 0.4), "★ 2 0 3 1"),
        ((0.5, 0.5, 0.5), "★ 0 3 2 1"),
        ((1.0, 1.0, 0.0), "★ 2 1 0 3"),
    ],
)
@pytest.mark.parametrize("live", [True, False])
def test_the_best_candidate_is_shown_first(
    tmp_path: Path, uri: str, means: tuple[float, ...], order: str, live: bool
) -> None:
    told = story(tmp_path, n=1)
    logbook, prompts = Logbook(told.folder, uri, None), [SEED]
    for i, mean in enumerate(means, 1):
        new = SEED.with_instruction(f"Say which queue the message belongs to{'.' * (5 - i)}")
        prompts.append(new)
        told.events += [proposed(new, "propose", SEED)]
        told.events += [measured(new, 20 + 20 * i, whole=True, n=20, mean=mean)]
        if live:  # Each candidate finds its place among those that have theirs.
            told.tell()
            assert logbook.attempt(None)
    logbook.close()
    told.finish()
    best = prompts[int(order.split()[1])].to_dict()
    told.folder.write("result.json", {**(told.folder.result or {}), "best_prompt": best})
    assert log(told.folder, uri).complete
    assert " ".join(best_first(uri)) == order
    table = [row["candidate"] for row in show(uri).table("candidates.json")]
    assert " ".join(map(str, table[:4])) == order


def test_the_star_moves_and_the_verdict_is_named_anew(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.tell(4)
    logbook = Logbook(told.folder, uri, None)
    assert logbook.attempt("interrupted")
    assert best_first(uri) == ["★ 1", "0"]
    assert show(uri).parents[0].info.run_name == f"opro tickets {told.folder.id[-6:]}"
    told.finish()
    assert logbook.attempt("finished")
    assert best_first(uri) == ["★ 5", "3", "1", "0"]
    assert logbook.attempt("interrupted")  # It was resumed, and its verdict is no more.
    logbook.close()
    assert show(uri).parents[0].info.run_name == f"opro tickets {told.folder.id[-6:]}"


def test_a_name_that_people_gave_a_run_is_kept(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.tell(4)
    assert sync(told.folder, uri=uri).complete
    shown = show(uri)
    shown.store.client.update_run(shown.parents[0].info.run_id, name="for the meeting")
    told.finish()
    assert sync(told.folder, uri=uri).complete
    assert show(uri).parents[0].info.run_name == "for the meeting"


def test_tables_and_prompts_are_files(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish()
    log(told.folder, uri)
    shown = show(uri)
    rows = shown.table("candidates.json")
    assert list(rows[0])[:5] == ["candidate", "id", "score", "parents", "operator"]
    assert [row["candidate"] for row in rows] == ["★ 5", 3, 1, 0, 2, 4, None]
    assert rows[0]["id"] == told.best.id
    assert rows[0]["instruction"] == told.best.instruction
    assert rows[0]["parents"] == "3"
    assert rows[4]["measured"] == "in part"
    assert rows[-1]["refused"] == "too short"
    assert rows[-1]["instruction"] == "No."
    examples = shown.table("test_examples.json")
    assert [row["flip"] for row in examples] == ["lost"] * 2 + ["won"] * 2 + ["same"] * 2
    assert examples[0]["input"] == "주문 2"
    assert examples[0]["target"] == "billing | bill"
    assert Prompt.from_dict(json.loads(shown.file("prompts/best.json"))) == told.best
    assert shown.file("prompts/seed.txt").startswith(SEED.instruction)
    assert json.loads(shown.file("prompts/best.messages.json"))[1]["content"] == "Message: {{text}}"


def test_logging_again_changes_nothing(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish()
    log(told.folder, uri)
    before = show(uri).everything()
    assert sync(told.folder, uri=uri).complete
    assert log(told.folder, uri).complete
    shown = show(uri)
    assert shown.everything() == before
    client: Any = shown.store.client
    hidden = 2  # ViewType.DELETED_ONLY: nothing was made twice and then taken back.
    assert list(client.search_runs([shown.store.experiment_id], run_view_type=hidden)) == []
    assert len(shown.parents) == 1


def test_a_live_run_shows_what_is_settled(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.tell(7)  # Up to the first part of candidate 2.
    logbook = Logbook(told.folder, uri, None)
    assert logbook.attempt(None)
    shown = show(uri)
    assert shown.parents[0].info.status == "RUNNING"
    assert [step for step, _ in sorted(shown.curve("candidate/score"))] == [0, 1]
    assert len(shown.children) == 2
    told.tell(9)
    assert logbook.attempt(None)
    assert len(show(uri).children) == 3
    told.finish()
    assert logbook.attempt("finished")
    logbook.close()
    assert len(show(uri).curve("candidate/score")) == 6


def test_tables_of_a_live_run_come_at_checkpoints(
    tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = story(tmp_path)
    told.tell(4)
    monkeypatch.setattr("apo.tracking.logbook.CHECKPOINT", 0.0)
    logbook = Logbook(told.folder, uri, None)
    assert logbook.attempt(None)
    assert [row["candidate"] for row in show(uri).table("candidates.json")] == ["★ 1", 0]
    logbook.close()


class Killed(BaseException):
    """Ends a pass at once, as the death of the process does."""


WRITES = (
    "create_run", "log_batch", "log_inputs", "update_run", "log_artifacts", "set_terminated",
    "create_prompt", "create_prompt_version", "set_prompt_alias", "delete_run",
)  # fmt: skip


def kill_at(monkeypatch: pytest.MonkeyPatch, place: int, *, before: bool) -> Callable[[], int]:
    """Die at the given write to MLflow; give a function that counts the writes."""
    from mlflow import MlflowClient

    count = 0

    def guarded(write: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == place and before:
                raise Killed
            done = write(*arguments, **named)
            if count == place:
                raise Killed
            return done

        return run

    for name in WRITES:
        monkeypatch.setattr(MlflowClient, name, guarded(getattr(MlflowClient, name)))
    return lambda: count


def test_killed_at_any_write_and_resumed_it_is_one_whole_run(
    tmp_path: Path, with_tables: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = story(tmp_path, n=4)
    told.finish()
    with monkeypatch.context() as patch:
        writes = kill_at(patch, 0, before=False)
        whole = with_tables(tmp_path / "whole")
        assert sync(told.folder, uri=whole).complete
        total = writes()
    expected = show(whole).everything()
    assert total > 15
    for place in range(1, total + 1):
        broken = with_tables(tmp_path / f"killed {place}")
        with monkeypatch.context() as patch:
            kill_at(patch, place, before=bool(place % 2))
            logbook = Logbook(told.folder, broken, None)
            with pytest.raises(Killed):
                logbook.attempt("finished")
            logbook.close()  # The system does this when a process dies.
        assert sync(told.folder, uri=broken).complete
        shown = show(broken)
        assert shown.everything() == expected
        assert len(shown.parents) == 1


def test_a_process_killed_while_logging_is_made_up_for(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path, n=8)
    told.tell(9)
    code = f"""
import os, signal
from pathlib import Path
from apo.storage.folder import RunFolder
from apo.tracking import prepare_environment, sync
prepare_environment()
from mlflow import MlflowClient
real = MlflowClient.set_terminated
def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
MlflowClient.set_terminated = die
sync(RunFolder(Path({str(told.folder.path)!r})), uri={uri!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == ""
    told.finish()
    assert log(told.folder, uri).complete
    shown = show(uri)
    assert len(shown.parents) == 1
    assert len(shown.children) == 5
    assert len(shown.curve("candidate/score")) == 8


def test_doubles_of_requests_served_twice_are_hidden(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.tell(4)
    logbook = Logbook(told.folder, uri, None)
    logbook.attempt(None)
    logbook.close()
    shown = show(uri)
    client, experiment = shown.store.client, shown.store.experiment_id
    client.create_run(experiment, tags={"apo.run_id": told.folder.id})
    for child in shown.children:
        double = client.create_run(experiment, tags=child.data.tags)
        client.set_terminated(double.info.run_id, "FINISHED")
    told.finish()
    assert sync(told.folder, uri=uri).complete
    shown = show(uri)
    assert len(shown.parents) == 1
    assert len(shown.children) == 4


def test_an_interrupted_run_is_shown_as_such_and_goes_on_as_the_same(
    tmp_path: Path, uri: str
) -> None:
    told = story(tmp_path)
    told.tell(7)
    told.folder.set_state("interrupted")
    first = sync(told.folder, uri=uri)
    assert first.complete
    shown = show(uri)
    assert shown.parents[0].info.status == "KILLED"
    assert "under way" not in shown.parents[0].data.tags["mlflow.note.content"]
    assert len(shown.curve("candidate/score")) == 2  # A score from parts may still change.
    told.folder.set_state("running")
    again = Logbook(told.folder, uri, None)
    assert again.attempt(None)
    assert show(uri).parents[0].info.status == "RUNNING"
    told.finish()
    assert again.attempt("finished")
    again.close()
    second = again.outcome
    assert second.complete
    assert second.run_id == first.run_id
    shown = show(uri)
    assert shown.parents[0].info.status == "FINISHED"
    assert len(shown.curve("candidate/score")) == 6


def test_a_run_killed_without_a_word_is_synced_as_interrupted(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.tell(7)
    assert sync(told.folder, uri=uri).complete
    assert show(uri).parents[0].info.status == "KILLED"


def test_sync_leaves_a_run_that_goes_on_running(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.tell(7)
    with told.folder.open_journal():
        tracked = sync(told.folder, uri=uri)
    assert not tracked.complete
    assert "still going on" in tracked.problem
    assert show(uri).parents[0].info.status == "RUNNING"


def test_two_processes_do_not_log_one_run_at_once(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.tell(7)
    logbook = Logbook(told.folder, uri, None)
    logbook.attempt(None)
    tracked = sync(told.folder, uri=uri)
    logbook.close()
    assert not tracked.complete
    assert "another process is logging this run" in tracked.problem
    assert sync(told.folder, uri=uri).complete


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_without_a_server_all_is_kept_and_synced_later(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish()
    away = f"http://user:secret@127.0.0.1:{closed_port()}"
    tracked = log(told.folder, away)
    assert not tracked.complete
    assert f"apo sync {told.folder.id}" in tracked.problem
    assert str(told.folder.path) in tracked.problem
    assert "secret" not in json.dumps(tracked.to_dict())
    assert tracked.tracking_uri == away.replace("user:secret@", "")
    assert json.loads((told.folder.path / "mlflow.json").read_text()) == tracked.to_dict()
    assert sync(told.folder, uri=uri).complete
    assert len(show(uri).curve("candidate/score")) == 6


def test_an_unfavourable_verdict_gets_no_alias(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish(favourable=False)
    assert log(told.folder, uri).complete
    shown = show(uri)
    tags = shown.parents[0].data.tags
    assert tags["apo.verdict"] == "not proven"
    assert tags["mlflow.note.content"].startswith("**Not proven: 60.0 % → 61.0 %")
    assert shown.parents[0].info.run_name.startswith("✗ opro: not proven, +1.0 points, tickets ")
    assert "The seed prompt stays the answer" in tags["mlflow.note.content"]
    client: Any = shown.store.client
    assert client.get_prompt_version_by_alias("apo-tickets", "latest").aliases == []


def test_a_run_without_a_verdict_is_complete(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish(verdict=False)
    (told.folder.path / "test.jsonl").unlink()
    assert log(told.folder, uri).complete
    shown = show(uri)
    assert shown.parents[0].data.tags["apo.verdict"] == "no verdict"
    assert "verdict/p_value" not in shown.parents[0].data.metrics


def versions(uri: str, name: str = "apo-tickets") -> list[Any]:
    client: Any = show(uri).store.client
    return sorted(client.search_prompt_versions(name), key=lambda v: int(v.version))


def test_seed_and_best_prompt_are_registered_once(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish()
    log(told.folder, uri)
    again = story(tmp_path)
    again.finish()
    log(again.folder, uri)  # The same prompts: no further version.
    assert sync(told.folder, uri=uri).complete
    client: Any = show(uri).store.client
    seed, best = versions(uri)
    champion = client.get_prompt_version_by_alias("apo-tickets", ALIAS)
    assert champion.version == best.version
    for version, prompt in ((seed, SEED), (champion, told.best)):
        assert version.template == [
            {"role": "system", "content": prompt.instruction},
            {"role": "user", "content": "Message: {{text}}"},
        ]
        assert version.model_config == {"temperature": 0.0}
        assert told.folder.id in version.commit_message
    assert (seed.tags["run_id"], seed.tags["test_score"]) == (told.folder.id, "0.6")
    assert seed.tags["validation_score"] == "0.5"
    assert "favourable" not in seed.tags
    assert champion.tags["run_id"] == again.folder.id
    assert champion.tags["test_score"] == "0.7"
    assert champion.tags["difference_interval"] == "0.02 to 0.18"
    assert champion.tags["favourable"] == "true"
    experiments = client.get_prompt("apo-tickets").tags["_mlflow_experiment_ids"]
    assert show(uri).store.experiment_id in experiments.split(",")
    linked = json.loads(show(uri).parents[0].data.tags["mlflow.linkedPrompts"])
    assert linked == [{"name": "apo-tickets", "version": version} for version in ("1", "2")]


def test_the_winner_of_a_further_run_is_the_next_version(tmp_path: Path, uri: str) -> None:
    stories = [story(tmp_path, n=4), story(tmp_path, n=6)]
    for told in stories:
        told.finish()
        log(told.folder, uri)
    assert [v.template[0]["content"] for v in versions(uri)] == [
        prompt.instruction for prompt in (SEED, stories[0].best, stories[1].best)
    ]


def test_a_seed_prompt_that_stays_the_best_is_one_version(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path, n=1)
    told.finish(favourable=False)
    assert log(told.folder, uri).complete
    (version,) = versions(uri)
    assert version.tags["favourable"] == "false"


@pytest.mark.parametrize(
    ("decoding", "config"),
    [
        (Decoding(temperature=0.3), {"temperature": 0.3}),
        (Decoding(temperature=1, top_p=0.9, stop=("\n",)), {
            "temperature": 1.0, "top_p": 0.9, "stop_sequences": ["\n"],
        }),
        (Decoding(temperature=None, max_tokens=64), {"max_tokens": 64}),
        (Decoding(temperature=None), None),
    ],
)  # fmt: skip
def test_a_prompt_is_registered_with_its_decoding(
    tmp_path: Path, uri: str, decoding: Decoding, config: dict[str, Any] | None
) -> None:
    plain = story(tmp_path)
    other = story(tmp_path)
    other.best = replace(plain.best, decoding=decoding)
    for told in (plain, other, other):  # The same text is another prompt when drawn otherwise.
        told.finish()
        log(told.folder, uri)
    assert [v.model_config for v in versions(uri)] == [*[{"temperature": 0.0}] * 2, config]


def test_a_version_of_before_decodings_were_kept_is_known(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.finish()
    client: Any = show(uri).store.client
    client.create_prompt("apo-tickets")
    client.create_prompt_version(
        "apo-tickets", [{"role": m.role, "content": m.content} for m in told.best.messages()]
    )
    log(told.folder, uri)
    (version,) = versions(uri)
    assert version.tags["run_id"] == told.folder.id


def test_a_seed_prompt_too_long_for_the_registry_does_not_keep_the_best_one_out(
    tmp_path: Path, uri: str
) -> None:
    told = story(tmp_path, n=2)
    told.finish()
    result = dict(told.folder.result or {})
    result["seed_prompt"] = SEED.with_instruction("가나다 " * 8000).to_dict()
    told.folder.write("result.json", result)
    assert log(told.folder, uri).problem == ""
    assert [v.template[0]["content"] for v in versions(uri)] == [told.best.instruction]


def test_an_old_run_logged_again_does_not_take_the_alias_back(tmp_path: Path, uri: str) -> None:
    old, new = story(tmp_path, n=4), story(tmp_path, n=6)
    for told in (old, new):
        told.finish()
        assert log(told.folder, uri).complete
    assert sync(old.folder, uri=uri).complete
    client: Any = show(uri).store.client
    champion = client.get_prompt_version_by_alias("apo-tickets", ALIAS)
    assert champion.tags["run_id"] == new.folder.id


def test_korean_from_end_to_end(tmp_path: Path, uri: str) -> None:
    korean = Prompt("문의를 알맞은 부서로 분류하세요.", template="문의: {{문장}}")
    told = story(tmp_path / "한글 폴더", task="고객 문의", prompt=korean)
    told.finish()
    tracked = log(told.folder, uri)
    assert tracked.complete
    shown = show(uri, "apo/고객 문의")
    assert "opro: favourable, +10.0 points, 고객 문의 " in shown.parents[0].info.run_name
    assert shown.table("candidates.json")[0]["instruction"] == told.best.instruction
    address = shown.parents[0].data.tags["apo.prompt"]
    assert address.isascii()
    client: Any = shown.store.client
    name = address.removeprefix("prompts:/").partition("/")[0]
    version = client.get_prompt_version_by_alias(name, ALIAS)
    assert version.template[1]["content"] == "문의: {{문장}}"
    assert "{{문장}}" not in version.variables
    assert "문장" in version.tags["note"]


def test_hard_texts_are_kept(tmp_path: Path, uri: str) -> None:
    hard = SEED.with_instruction('```\nAnswer in {"json": {{x}}} 😀 \x01 \0 | 100% \'quote\' "')
    told = story(tmp_path, prompt=hard)
    told.finish()
    tracked = log(told.folder, uri)
    assert tracked.complete
    assert "literal text" in tracked.problem
    shown = show(uri)
    text = shown.table("candidates.json")[0]["instruction"]
    assert text == told.best.instruction
    assert json.loads(shown.file("prompts/best.json"))["instruction"] == text


def test_prompts_too_long_for_tags_are_whole_in_the_files(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path, prompt=SEED.with_instruction("가나다 " * 3000))
    told.finish()
    tracked = log(told.folder, uri)
    assert tracked.complete
    shown = show(uri)
    assert shown.table("candidates.json")[0]["instruction"] == told.best.instruction
    assert len(shown.children[0].data.tags["instruction"]) <= 5000
    assert len(shown.parents[0].data.tags["mlflow.note.content"]) <= 8000


def test_a_prompt_too_long_for_the_registry_is_left_out_with_a_note(
    tmp_path: Path, uri: str
) -> None:
    told = story(tmp_path, prompt=SEED.with_instruction("가나다 " * 8000), n=2)
    told.finish()
    tracked = log(told.folder, uri)
    assert tracked.complete
    assert "not in the prompt registry" in tracked.problem
    client: Any = show(uri).store.client
    assert client.get_prompt("apo-tickets") is None


def nothing(*_: object) -> None:
    """Take the place of a request that is lost."""


def test_files_lost_on_the_way_are_noticed(
    tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = story(tmp_path)
    told.finish()
    monkeypatch.setattr(Store, "upload", nothing)
    tracked = log(told.folder, uri)
    assert not tracked.complete
    assert "11 files are missing or cut" in tracked.problem


def test_points_lost_on_the_way_are_noticed(
    tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = story(tmp_path)
    told.finish()
    monkeypatch.setattr(Store, "log_points", nothing)
    monkeypatch.setattr(Children, "log", nothing)
    tracked = log(told.folder, uri)
    assert not tracked.complete
    assert "curve points are missing" in tracked.problem
    assert "4 candidates have no run" in tracked.problem


def test_candidates_logged_side_by_side_are_there_once_though_one_fails(
    tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    told = story(tmp_path, n=24)
    told.finish()
    monkeypatch.setattr("apo.tracking.store.database_path", nothing)  # As for a server.
    real, calls = MlflowClient.create_run, iter(range(1000))

    def fail_once(*arguments: Any, **named: Any) -> Any:
        if next(calls) == 5:
            raise MlflowException("The server is being restarted.")
        return real(*arguments, **named)

    monkeypatch.setattr(MlflowClient, "create_run", fail_once)
    logbook = Logbook(told.folder, uri, None)
    assert not logbook.attempt("finished")
    assert "being restarted" in logbook.outcome.problem
    assert logbook.attempt("finished")
    logbook.close()
    assert logbook.outcome.complete
    children = show(uri).children
    assert len({child.data.tags["apo.candidate"] for child in children}) == len(children) == 13
    assert best_first(uri) == [f"★ {23}", *map(str, range(21, 0, -2)), "0"]


def test_a_deleted_experiment_is_explained(tmp_path: Path, uri: str) -> None:
    shown = show(uri)
    shown.store.client.delete_experiment(shown.store.experiment_id)
    told = story(tmp_path)
    told.finish()
    tracked = log(told.folder, uri)
    assert not tracked.complete
    assert "was deleted" in tracked.problem
    assert "mlflow experiments restore" in tracked.problem


def test_runs_that_start_together_share_their_experiment(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    _, first = connect(uri, "shared")
    real, missed = MlflowClient.get_experiment_by_name, [True]

    def miss_once(client: MlflowClient, name: str) -> Any:
        return None if missed and missed.pop() else real(client, name)

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", miss_once)
    assert connect(uri, "shared")[1] == first
    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", nothing)
    with pytest.raises(Exception, match="already exists"):
        connect(uri, "shared")


@pytest.mark.parametrize("missed", [0, 2])
def test_a_prompt_is_shown_with_every_experiment_that_found_it(
    missed: int, tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    real, asked = MlflowClient.get_prompt, list[str]()

    def get_prompt(client: MlflowClient, name: str) -> Any:
        asked.append(name)
        return None if len(asked) == missed else real(client, name)

    monkeypatch.setattr(MlflowClient, "get_prompt", get_prompt)
    for experiment in ("one", "two"):
        told = story(tmp_path)
        told.finish()
        tracked = sync(told.folder, uri=uri, experiment=experiment)
        assert tracked.complete, tracked.problem  # Though both may have made it at once.
    client: Any = show(uri).store.client
    shown = client.get_prompt("apo-tickets").tags["_mlflow_experiment_ids"].strip(",").split(",")
    assert shown == [show(uri, name).store.experiment_id for name in ("one", "two")]


def test_a_registry_that_fails_leaves_the_run_ended_and_the_rest_to_sync(
    tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def fail(*_: object) -> None:
        raise MlflowException("The registry is off.")

    told = story(tmp_path)
    told.finish()
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_prompt_alias", fail)
        tracked = log(told.folder, uri)
    assert not tracked.complete
    assert "The registry is off" in tracked.problem
    assert show(uri).parents[0].info.status == "FINISHED"
    assert sync(told.folder, uri=uri).complete
    assert show(uri).parents[0].data.tags["apo.prompt"] == "prompts:/apo-tickets/2"
    assert len(versions(uri)) == 2


def test_more_candidates_than_a_page_of_runs_holds(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path, n=2)
    told.tell()
    logbook = Logbook(told.folder, uri, None)
    assert logbook.attempt(None)
    logbook.close()
    shown = show(uri)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        child = shown.children[0].info.run_id
        columns = [row[1] for row in database.execute("PRAGMA table_info(runs)")]
        copied = ", ".join("'x' || n" if c == "run_uuid" else c for c in columns)
        numbers = "WITH t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 1200)"
        database.execute(
            f"{numbers} INSERT INTO runs SELECT {copied} FROM t, runs WHERE run_uuid = ?", (child,)
        )
        for key, value in (("apo.candidate", "'c' || n"), ("mlflow.parentRunId", "?")):
            given = (shown.parents[0].info.run_id,) if value == "?" else ()
            insert = f"INSERT INTO tags (key, value, run_uuid) SELECT '{key}', {value}, 'x' || n"
            database.execute(f"{numbers} {insert} FROM t", given)
        database.commit()
    store = Store(uri, "apo/tickets")
    store.open_run(told.folder.id, "", {}, 0)
    assert store.lacking([], {f"c{n}" for n in range(1, 1201)}, tmp_path / "none") == ""


def test_a_run_told_without_data_or_events_is_logged(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path, data={})
    told.tell(0)
    told.folder.set_state("failed")
    assert sync(told.folder, uri=uri).complete
    parent = show(uri).parents[0]
    assert parent.info.status == "FAILED"
    assert parent.inputs.dataset_inputs == []


def test_the_journal_is_left_in_one_piece(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.tell(4)
    logbook = Logbook(told.folder, uri, None)
    assert logbook.attempt(None)
    told.finish()
    assert logbook.attempt("finished")
    logbook.close()
    alone = Path(shutil.copy(told.folder.journal_path, tmp_path / "alone.db"))
    with closing(sqlite3.connect(alone)) as database:
        (events,) = database.execute("SELECT COUNT(*) FROM events").fetchone()
    assert events == len(told.events)


@pytest.mark.parametrize("bad", ["ftp://nowhere", "sqlite:////proc/no/such.db", "nonsense"])
def test_a_bad_uri_is_a_problem_and_no_exception(tmp_path: Path, bad: str) -> None:
    told = story(tmp_path)
    told.finish()
    tracked = log(told.folder, bad)
    assert not tracked.complete
    assert "apo sync" in tracked.problem


def test_a_damaged_journal_is_a_problem_and_no_exception(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.folder.journal_path.write_bytes(b"this is no database" * 100)
    tracked = sync(told.folder, uri=uri)
    assert not tracked.complete
    assert "database" in tracked.problem


def test_a_missing_folder_is_the_users_to_know(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run\.json"):
        sync(RunFolder(tmp_path / "gone"))


def test_parameters_that_changed_on_resume_do_no_harm(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.tell(7)
    assert sync(told.folder, uri=uri).complete
    told.folder.update(budget={"max_calls": 900, "max_usd": 2.0})
    told.finish()
    assert sync(told.folder, uri=uri).complete
    parent = show(uri).parents[0]
    assert parent.data.params["budget.max_calls"] == "500"  # MLflow never changes a param,
    assert parent.data.params["budget.max_usd"] == "2.0"
    assert "900 calls, $2.00" in parent.data.tags["mlflow.note.content"]  # but the note tells.


def test_a_run_remembers_where_it_was_logged(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path)
    told.tell(7)
    first = sync(told.folder, uri=uri)
    told.finish()
    (tmp_path / "elsewhere").mkdir()
    os.chdir(tmp_path / "elsewhere")
    second = sync(told.folder)
    assert second.complete
    assert second.run_id == first.run_id
    assert not Path("mlflow.db").exists()


def test_the_settings_name_store_and_experiment(tmp_path: Path, uri: str) -> None:
    options = {"tracking_uri": uri, "experiment": "mine"}
    told = story(tmp_path, options=options)
    told.finish()
    assert sync(told.folder).complete
    assert len(show(uri, "mine").parents) == 1


def test_a_thousand_candidates_are_all_there(tmp_path: Path, uri: str) -> None:
    told = story(tmp_path, n=2)
    for i in range(1000):
        new = replace(SEED, instruction=f"{SEED.instruction} Variant {i}.")
        told.events += [proposed(new, "propose", SEED)]
        told.events += [measured(new, 60 + 3 * i, whole=i % 25 == 0, n=3, mean=1 / 3)]
    told.finish()
    assert sync(told.folder, uri=uri).complete
    assert len(show(uri).curve("candidate/score")) == 1002


def test_first_use_is_silent_and_imports_no_model_library(tmp_path: Path) -> None:
    told = story(tmp_path, n=2)
    told.tell()
    told.folder.set_state("interrupted")
    code = f"""
import sys
from pathlib import Path
import apo.tracking
heavy = {{"mlflow", "pandas", "sqlalchemy", "httpx", "openai", "litellm"}}
assert not heavy & set(sys.modules)
from apo.storage.folder import RunFolder
tracker = apo.tracking.Tracker(RunFolder(Path({str(told.folder.path)!r})))
tracker.start()
tracked = tracker.finish("interrupted")
assert tracked.complete, tracked.problem
assert not heavy & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    database = sqlite3.connect(tmp_path / "mlflow.db")
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
    assert (tmp_path / "mlruns").is_dir()


@pytest.fixture
def server(uri: str, tmp_path: Path) -> Iterator[str]:
    """A real MLflow server, as `apo ui` starts it."""
    port = closed_port()
    command, environment = ui_command(uri, port=port)
    strange = tmp_path / "strange"  # Modules of others in the working directory are not imported.
    strange.mkdir()
    for module in ("mlflow", "uvicorn", "fastapi", "yaml", "multiprocessing"):
        (strange / f"{module}.py").write_text("raise SystemExit('strange')")
    with subprocess.Popen(
        command,
        cwd=strange,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            said = iter(process.stderr.readline, "")
            assert any("Uvicorn running" in line for line in said), "The server does not come up."
            rest = threading.Thread(target=process.stderr.read)  # Keeps the pipe empty.
            rest.start()
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
        rest.join()


def test_over_http_it_is_the_same(tmp_path: Path, server: str) -> None:
    told = story(tmp_path)
    told.tell(7)
    logbook = Logbook(told.folder, server, None)
    assert logbook.attempt(None)
    logbook.close()
    told.finish()
    tracked = log(told.folder, server)
    assert tracked.complete, tracked.problem
    assert tracked.url == f"{server}/#/experiments/{tracked.experiment_id}/evaluation-runs"
    over_http = show(server).everything()
    assert sync(told.folder, uri=server).complete
    assert show(server).everything() == over_http
    assert len(show(server).curve("candidate/score")) == 6
    client: Any = show(server).store.client
    assert client.get_prompt_version_by_alias("apo-tickets", ALIAS).tags["favourable"] == "true"
