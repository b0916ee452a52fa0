"""Runs over the ways in which servers speak: the same winner, or a clear stop."""

import asyncio
import sqlite3
from functools import cache
from itertools import cycle
from pathlib import Path

import pytest

from apo import Budget, ModelUnavailable, Options, Prompt, Result, Score, aoptimize
from apo.calls.retry import Retry
from apo.cli.report import spent_line
from apo.errors import ModelError, SettingsError
from apo.models import open_model
from apo.optimizers import BY_NAME
from apo.results.history import history
from apo.storage.folder import find_run
from apo.testing import FakeModel, FakeOptimizerModel, fake_task
from apo.testing.changes import DECLINED, THOUGHT, UNSEEN
from apo.testing.dialects import InProcess
from apo.testing.manners import MANNERS
from apo.testing.server import main, serve

pytestmark = pytest.mark.slow

SAME = (
    "think", "lone-think", "thinking", "brackets", "harmony", "reasoning-content", "reasoning",
    "parts", "streamed", "reasoner", "older", "zero-usage", "negative-usage", "text-usage",
    "absurd-usage", "total-usage", "apart-usage", "completions", "second-first", "float-usage",
)  # fmt: skip
"""Over these a model answers as ever; without a seed or a system turn it may answer otherwise."""
STOPS = [name for name, manner in MANNERS.items() if not (manner.understood or manner.final)]
HARD = ("think", "harmony", "reasoner")


async def no_wait(_: float) -> None:
    await asyncio.sleep(0)


def run(optimizer: str, dialect: str, home: Path, budget: Budget | None = None) -> Result:
    return asyncio.run(
        aoptimize(
            fake_task(6),
            BY_NAME[optimizer](),
            model=InProcess(FakeModel(), dialect),
            optimizer_model=InProcess(FakeOptimizerModel(), dialect),
            budget=budget or Budget(max_calls=90),
            options=Options(track=False),
            retry=Retry(sleep=no_wait),
            home=home,
        )
    )


def answers(result: Result) -> tuple[Prompt, list[tuple[str, Score | None]]]:
    """The winner, and what was answered with it, without the tokens that it took."""
    rollouts = result.best.rollouts
    return result.best.prompt, [(rollout.output, rollout.score) for rollout in rollouts]


@cache
def plainly(optimizer: str, home: Path) -> Result:
    return run(optimizer, "plain", home)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plain")


@pytest.mark.parametrize(("optimizer", "dialect"), [*zip(sorted(BY_NAME), cycle(HARD))])
def test_every_optimizer_ends_the_same(
    optimizer: str, dialect: str, home: Path, tmp_path: Path
) -> None:
    expected = plainly(optimizer, home)
    found = run(optimizer, dialect, tmp_path)
    assert found.best == expected.best
    assert found.spent.calls == expected.spent.calls
    assert found.notes != expected.notes


@pytest.mark.parametrize("dialect", SAME)
def test_one_optimizer_ends_the_same_over_each(dialect: str, home: Path, tmp_path: Path) -> None:
    found, expected = run("opro", dialect, tmp_path), plainly("opro", home)
    assert answers(found) == answers(expected)
    assert found.verdict == expected.verdict


@pytest.mark.parametrize("dialect", STOPS)
def test_a_failure_is_no_answer(dialect: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"gave no answer in [38] attempts"):
        run("opro", dialect, tmp_path)


@pytest.mark.parametrize(
    ("dialect", "said"), [("tool-call", "switch tools off"), ("no-key", "200 with an error: Inval")]
)
def test_what_asking_again_cannot_mend_stops_at_once(
    dialect: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=said):
        run("opro", dialect, tmp_path)


def test_empty_and_declined_answers_are_told(tmp_path: Path) -> None:
    empty = run("opro", "empty", tmp_path / "empty")
    assert any("answers of fake were empty" in note for note in empty.notes)
    beside = run("opro", "all-thinking", tmp_path / "beside")
    (note,) = (note for note in beside.notes if "answers of fake were empty" in note)
    assert "All that came was thinking" in note
    assert not any("were cut" in note for note in beside.notes)
    declined = run("opro", "declined", tmp_path / "declined")
    assert {rollout.output for rollout in declined.seed.rollouts} == {DECLINED}
    assert any(DECLINED.rstrip(".") in note for note in declined.notes)


def test_thinking_is_shown_beside_the_answer(tmp_path: Path) -> None:
    done, task = run("opro", "harmony", tmp_path), fake_task(6)
    example = task.validation[0].id
    folder = find_run(done.run_id, tmp_path)
    assert {a.thinking for a in history(folder, task, example).answers} == {THOUGHT}
    with sqlite3.connect(folder.journal_path) as database:  # As one of before.
        database.execute("ALTER TABLE calls DROP COLUMN thinking")
    database.close()
    assert {a.thinking for a in history(folder, task, example).answers} == {""}


def test_failures_that_use_the_budget_up_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"took [0-9,]+ tokens .* finish_reason 'error'"):
        run("opro", "finish-error", tmp_path, Budget(max_tokens=20_000))


def test_refused_limits_stop_a_run_that_needs_them_alone(tmp_path: Path) -> None:
    assert run("opro", "no-limit", tmp_path / "calls").spent.calls
    with pytest.raises(ModelError, match="use --max-calls"):
        run("opro", "no-limit", tmp_path / "tokens", Budget(max_tokens=100_000))


def test_held_back_and_cut_answers_are_told(tmp_path: Path) -> None:
    held_back = run("opro", "filtered", tmp_path / "held")
    assert held_back.seed.counts()["refused"] == len(held_back.seed.rollouts)
    cut = run("opro", "cut", tmp_path / "cut", Budget(max_tokens=1_000_000))
    assert cut.seed.cuts() == {"cut": len(cut.seed.rollouts)}
    assert any("cut at the server's own limit" in note for note in cut.notes)
    assert any("thinks before it answers" in note for note in cut.notes)
    assert THOUGHT not in f"{[rollout.output for rollout in cut.seed.rollouts]}"


@pytest.mark.parametrize("dialect", ["total-usage", "apart-usage"])
def test_thoughts_that_are_in_no_text_are_counted_and_told(dialect: str, tmp_path: Path) -> None:
    plain, found = plainly("opro", tmp_path), run("opro", dialect, tmp_path / dialect)
    thought = UNSEEN * plain.spent.calls
    assert found.spent.thinking_tokens == thought
    assert found.spent.output_tokens == plain.spent.output_tokens + thought
    said = "took 895 tokens on average that are in no text: thinking that the server keeps to"
    assert any(said in note for note in found.notes)
    assert not any("began with thinking" in note for note in found.notes)
    assert f"({thought:,} of them thought)" in spent_line(found.to_dict()["spent"])


def test_a_limit_of_tokens_holds_thoughts_too(tmp_path: Path) -> None:
    """Each call takes what it may and 895 tokens more: the first ones teach the bound."""
    found = run("opro", "total-usage", tmp_path, Budget(max_tokens=200_000))
    assert found.spent.tokens <= 200_000
    assert not found.overspent


def test_flagged_requests_are_refused_and_cost_what_was_read(tmp_path: Path) -> None:
    flagged = run("opro", "flagged", tmp_path)
    assert flagged.seed.counts()["refused"] == len(flagged.seed.rollouts)
    assert flagged.spent.output_tokens == 0 < flagged.spent.input_tokens


def test_a_gateway_over_a_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def asked(name: str) -> Result:
        return asyncio.run(
            aoptimize(
                fake_task(6),
                BY_NAME["opro"](),
                model=open_model(name),
                optimizer_model=FakeOptimizerModel(),
                budget=Budget(max_calls=60),
                options=Options(track=False),
                home=tmp_path,
            )
        )

    with serve(FakeModel(), dialect="gateway") as server:
        with pytest.raises(ModelError, match="set in APO_HEADERS"):
            asked(server.model_name)
        monkeypatch.setenv("APO_HEADERS", '{"X-Gateway-Key": "gw-1"}')
        assert asked(server.model_name).spent.calls
    journals = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert journals
    assert not any(b"gw-1" in data for data in journals)


def test_dialects_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--dialect", "help"])
    assert all(name in capsys.readouterr().out for name in ("harmony",))
    with pytest.raises(SettingsError, match="Did you mean 'harmony'"):
        InProcess(FakeModel(), "harmonie")
