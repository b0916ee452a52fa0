"""What a run shows while it goes on: what is under way, how fast it goes, the newest proposal."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console
from typer.testing import CliRunner

from apo import Budget, Prompt, Usage
from apo.calls.budget import Spent
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.calls.progress import Progress
from apo.cli import app, keys, panel, watching
from apo.cli.panel import View
from apo.display.spark import ASCII, sparkline
from apo.errors import SettingsError, TaskError
from apo.model import Completion, Message, Request
from apo.models import open_model
from apo.run.glance import Glance, Inside, Outside, Speed
from apo.run.glance_words import pace
from apo.run.notebook import follow
from apo.storage.folder import RunFolder, create_run
from apo.storage.journal import Journal
from apo.storage.rows import Entry
from apo.taskfile.load import load_task
from apo.taskfile.places import builtin_tasks, describe
from tests.virtual_time import run_virtually


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (12.4, "12 calls/s"),
        (1.0, "1 call/s"),
        (0.4, "2.5 s a call"),
        (1 / 45, "45.0 s a call"),
        (0.0, "no answer yet"),
    ],
)
def test_pace(rate: float, words: str) -> None:
    assert pace(rate) == words


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("gpt-4o", "openai/gpt-4o"),
        ("gpt-5-mini", "openai/gpt-5-mini"),
        ("claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("opnai/gpt-4o", "openai"),
    ],
)
def test_a_model_without_its_provider_is_told_with_it(name: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=f"Did you mean '{meant}'"):
        open_model(name)


@pytest.mark.parametrize("name", ["emials", "./emials", "email"])
def test_a_misspelt_folder_is_told(
    name: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("work")
    (folder / "emails").mkdir()
    (folder / "emails" / "task.yaml").write_text("name: emails\n")
    monkeypatch.chdir(folder)
    with pytest.raises(TaskError, match="Did you mean 'emails'"):
        load_task(name)


def test_every_task_that_comes_with_apo_has_one_line() -> None:
    lines = [describe(name) for name in builtin_tasks()]
    assert all(10 < len(line) <= 100 and "\n" not in line for line in lines)


# --- a slow model -----------------------------------------------------------------------------


class Slow:
    """Answers a minute after it was asked."""

    name = "slow"

    async def complete(self, request: Request) -> Completion:
        await asyncio.sleep(60)
        return Completion("x", Usage(5, 30))

    async def aclose(self) -> None:
        pass


LONG = "Read the ticket, and then choose the one label that says what the customer wants most. " * 3
SEED = {"candidate": "s", "n": 20, "at_least": 0.5, "usd": 0.1, "tokens": 9, "whole": True,
        "right": 1, "wrong": 0, "malformed": 0, "error": 0}  # fmt: skip


def put(journal: Journal, *measured: tuple[str, str, float | None, bool]) -> None:
    """Write candidates into a journal: id, instruction, score, whether on all of validation."""
    for place, (name, text, score, whole) in enumerate(measured):
        body: dict[str, Any] = {"operator": "own" if place else "seed", "parents": []}
        journal.note("candidate", name, {**body, "prompt": Prompt(text).to_dict()})
        if score is not None:
            figures = {**SEED, "candidate": name, "value": score, "at_least": score}
            figures |= {"whole": whole, "n": 20 if whole else 3, "calls": 20 * (place + 1)}
            journal.note("evaluation", name, figures)


def answer(journal: Journal, n: int, *, at: float = 0.0) -> None:
    """Write so many answers into a journal, each after a failed attempt."""
    for number in range(n):
        usage = Usage(10, 5, cached_tokens=4)
        journal.add(Entry(f"{at} {number}", "task", "m", reply="x", usage=usage, retries=1, at=at))


def shown(width: int, view: View, glance: Glance) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(view.panel(glance))
    return capture.get()


@pytest.fixture
def width(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def wide(n: int) -> None:
        monkeypatch.setattr(panel, "notes", Console(width=n, stderr=True, no_color=True))

    return wide


@pytest.mark.parametrize("n", [40, 80, 120])
def test_a_slow_model_is_not_taken_for_a_stuck_one(
    n: int, width: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    width(n)

    async def main() -> None:
        model, progress = Slow(), Progress(phase="search")
        with Journal() as journal:
            put(journal, ("s", "Answer", 0.5, True), ("a", LONG, None, False))
            caller = progress.caller = Caller(journal, Meter(Budget(max_calls=9)))
            progress.search = cast("Any", SimpleNamespace())
            roles = ["task"] * 3 + ["optimizer"]
            calls = [
                Call.to(Endpoint(role, model), Request((Message("user", f"{i}"),)))
                for i, role in enumerate(roles)
            ]
            caller.charge(calls)
            work = [asyncio.create_task(caller.answer(call)) for call in calls]
            view, run = View("tickets", keys="q ends"), Inside(progress)
            await asyncio.sleep(41)
            drawn = shown(n, view, run.look())
            assert "3 answering (for 0:41)" in drawn
            assert "1 writing prompts (for 0:41)" in " ".join(drawn.split())
            assert "no answer" in drawn
            assert "newest  –  Read the ticket" in drawn
            assert all(len(line) <= n for line in drawn.splitlines())
            assert "…" in drawn.splitlines()[-2]
            assert drawn.splitlines()[-1] == "q ends"
            view.print_line(run.look())
            await asyncio.gather(*work)
            now[0] += 20
            view.print_line(run.look())
            assert not caller.under_way()
        assert run.look().n_candidates == 2  # The journal is closed: what was found still holds.

    run_virtually(main())
    said = " ".join(capsys.readouterr().err.split())
    first, _, rest = said.partition(" newest: ")
    newest, _, second = rest.partition(" tickets · ")
    assert "3 answering (for 0:41) · 1 writing prompts (for 0:41)" in first
    assert newest.startswith("Read the ticket")
    assert newest.endswith("…")
    assert "5.0 s a call, 6 tokens/s" in second
    assert "newest" not in second


def test_the_last_line_says_what_the_result_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        view, progress = View("t"), Progress(phase="search", search=cast("Any", SimpleNamespace()))
        run = Inside(progress)
        with Journal(tmp_path / "journal.db") as journal:
            progress.caller = Caller(journal, Meter(Budget(max_calls=9)))
            put(journal, ("s", "Answer", 0.5, True))
            view.print_line(run.look())
            put(journal, ("s", "Answer", 0.5, True), ("a", "Answer well", 0.75, True))
            view.print_line(run.look())  # Too soon for another line of the search.
            put(journal, ("c", "Answer best", 1.0, True))  # Found after the last look.
        assert "75.0" not in capsys.readouterr().err
        for _ in range(2):  # The second time nothing is new.
            view.print_line(run.look(), last=True)

    run_virtually(main())
    lines = [line for line in capsys.readouterr().err.splitlines() if "newest" not in line]
    assert len(lines) == 1
    assert "best 100.0 % on 20 validation examples · 3 candidates" in lines[0]


# --- from another process ---------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    settings = {"task": "t", "budget": asdict(Budget(max_calls=100, max_minutes=5))}
    made = create_run(tmp_path, "t", "opro", settings)
    made.set_state("running")
    return made


def test_a_run_of_another_process_is_told_from_its_folder_alone(
    folder: RunFolder, width: Any
) -> None:
    width(80)
    run = Outside(folder)
    assert run.look().phase == "start"
    with folder.open_journal() as journal:
        assert run.look().phase == "seed"
        put(journal, ("s", "Answer", 0.5, True), ("a", "Answer well", 0.75, True),
            ("b", "Answer\n  now", 1.0, False), ("c", "Answer later", None, False))  # fmt: skip
        answer(journal, 30, at=time.time())
        before = {path.name for path in folder.path.iterdir()}
        glance = run.look()
        assert {path.name for path in folder.path.iterdir()} == before
        assert glance.phase == "search"
        assert glance.curve == ((20, 0.5), (40, 0.75))
        assert (glance.spent.calls, glance.spent.tokens, glance.spent.usd) == (30, 450, 0.1)
        drawn = shown(80, View("t"), glance)
        assert "best 75.0 % on 20 validation examples · 4 candidates" in drawn
        assert "best  Answer well" in drawn
        assert "the last answer came 0:00 ago" in drawn
        assert "of 100" in drawn
        assert "0 kept · 40.0 % of tokens cached · 50.0 % of attempts failed" in drawn
        lines = [line.split() for line in drawn.splitlines()[-3:]]
        assert [line[-3:] for line in lines] == [
            ["–", "Answer", "later"], ["(3)", "Answer", "now"], ["(20)", "Answer", "well"]
        ]  # fmt: skip
        journal.note("phase", "verdict", {})
        assert run.look().phase == "verdict"
    with folder.open_journal() as journal:  # A second session: what the first paid is kept.
        answer(journal, 5, at=time.time() + 1)
        assert (run.look().kept, run.look().spent.calls) == (30, 35)


@pytest.mark.parametrize(
    ("state", "told", "code"),
    [
        ("running", "is gone, without an end in order", 1),
        ("interrupted", "was stopped. What was paid is kept.", 1),
        ("failed", "failed. What was paid is kept.", 1),
        ("estimated", "has not begun", 1),
        ("new", "has not begun", 1),
    ],
)
def test_watch_says_how_a_run_ended(
    state: Any, told: str, code: int, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.0)
    folder.set_state(state)
    home = str(folder.path.parents[1])
    ended = CliRunner(env={"APO_HOME": home}).invoke(app, ["watch", folder.id])
    assert ended.exit_code == code, ended.exception
    assert told in ended.stdout
    assert f"apo resume {folder.id}" in ended.stderr


def test_runs_on_folds_are_watched_one_by_one(folder: RunFolder) -> None:
    folder.update(folds=3)
    home = str(folder.path.parents[1])
    refused = CliRunner(env={"APO_HOME": home}).invoke(app, ["watch", "last"])
    assert "is made of runs on folds; watch the one that is under way" in str(refused.exception)


# --- in a notebook -----------------------------------------------------------------------------


def test_a_notebook_shows_the_same_as_html_and_as_text() -> None:
    class Place:
        def __init__(self) -> None:
            self.shown = list[Any]()

        def update(self, obj: object) -> None:
            self.shown.append(obj)

    async def work(progress: Progress, journal: Journal) -> int:
        progress.caller = Caller(journal, Meter(Budget(max_calls=9)))
        progress.search, progress.phase = cast("Any", SimpleNamespace()), "search"
        await asyncio.sleep(1)
        put(journal, ("s", "Answer", 0.5, True), ("a", "<b>Answer</b>", 0.75, True))
        await asyncio.sleep(1)
        return 7

    async def main(cancel: bool) -> Place:
        progress, place = Progress(run_id="t-opro-1"), Place()
        with Journal() as journal:
            running = asyncio.ensure_future(follow(work(progress, journal), progress, place))
            await asyncio.sleep(0.7)
            if cancel:  # As Ctrl-C does.
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
            else:
                assert await running == 7
        return place

    place = run_virtually(main(cancel=False))
    text, html = repr(place.shown[-1]), place.shown[-1]._repr_html_()
    assert "searching · best 75.0 % on 20 validation examples · 2 candidates" in text
    assert "calls    0 of 9" in text
    assert "newest   75.0 % (20) <b>Answer</b>" in text
    assert "&lt;b&gt;Answer&lt;/b&gt;" in html
    assert '<progress max="9" value="0" aria-label="calls">' in html
    assert "<b>Answer" not in html
    assert len(run_virtually(main(cancel=True)).shown) < len(place.shown)


# --- how fast, how long, and the curve ---------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "seconds"),
    [
        (Budget(max_calls=100), 30),
        (Budget(max_calls=1000, max_tokens=700), 15),
        (Budget(max_calls=1000, max_usd=2.0), 10),
        (Budget(max_calls=100, max_minutes=1), 20),
        (Budget(), None),
    ],
)
def test_the_time_left_is_that_of_the_first_limit(
    budget: Budget, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, speed = [0.0], Speed()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    assert speed.seconds_left(Glance(phase="search")) is None
    for n in (0, 40):
        now[0] += 20.0
        spent = Spent(calls=n, input_tokens=9 * n, output_tokens=n, usd=n / 30)
        glance = Glance(phase="search", spent=spent, seconds=2 * now[0] - 40, budget=budget)
        speed.add(glance)
    assert (speed.calls, speed.written) == (2.0, 2.0)
    left = speed.seconds_left(glance)
    assert left == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("curve", "drawn"),
    [
        ([], ""),
        ([(5, 0.5)], "____"),
        ([(0, 0.0), (2, 0.5), (3, 1.0)], "__+@"),
        ([(0, 1.0), (90, 0.0)], "@@@_"),
    ],
)
def test_a_curve_in_a_line(curve: list[tuple[float, float]], drawn: str) -> None:
    assert sparkline(curve, 4, ASCII) == drawn


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
def test_keys_are_read_while_the_terminal_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    typed = list[str]()

    async def main(foreground: bool) -> None:
        done = asyncio.Event()

        def key(sign: str) -> None:
            typed.append(sign)
            done.set()

        with keys.reading_keys(key) as reads:
            assert reads is foreground
            if reads:
                assert not termios.tcgetattr(theirs)[3] & termios.ICANON
                os.write(ours, b"q")
                await asyncio.wait_for(done.wait(), 30)

    with os.fdopen(theirs, closefd=True) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        before = termios.tcgetattr(theirs)
        for foreground in (False, True):
            monkeypatch.setattr(keys, "_in_foreground", partial(bool, foreground))
            asyncio.run(main(foreground))
            assert termios.tcgetattr(theirs) == before
    os.close(ours)
    assert typed == ["q"]
