"""What a run shows while it goes on: what is under way, how fast it goes, the newest proposal."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from apo import Budget, Usage
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.calls.progress import Progress
from apo.cli import live
from apo.cli.live import pace
from apo.errors import SettingsError, TaskError
from apo.model import Completion, Message, Request
from apo.models import open_model
from apo.storage.journal import Journal
from apo.taskfile.load import load_task
from apo.taskfile.places import builtin_tasks, describe
from tests.virtual_time import run_virtually


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (12.4, "12 calls/s"),
        (1.0, "1 calls/s"),
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


def shown(width: int, view: Any) -> str:
    console = Console(width=width, record=True, file=None)
    with console.capture() as capture:
        console.print(view.panel())
    return capture.get()


@pytest.mark.parametrize("width", [80, 120])
def test_a_slow_model_is_not_taken_for_a_stuck_one(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(live, "notes", Console(width=width, stderr=True, no_color=True))

    async def main() -> None:
        model, progress = Slow(), Progress(phase="search")
        with Journal() as journal:
            caller = progress.caller = Caller(journal, Meter(Budget(max_calls=9)))
            progress.search = cast("Any", SimpleNamespace(best=None, n_candidates=1, newest=LONG))
            roles = ["task"] * 3 + ["optimizer"]
            calls = [
                Call.to(Endpoint(role, model), Request((Message("user", f"{i}"),)))
                for i, role in enumerate(roles)
            ]
            caller.charge(calls)
            work = [asyncio.create_task(caller.answer(call)) for call in calls]
            view = live._View(progress, "tickets")  # pyright: ignore[reportPrivateUsage]
            await asyncio.sleep(41)
            panel = shown(width, view)
            assert "3 answering (for 0:41)" in panel
            assert "1 writing prompts (for 0:41)" in panel
            assert "no answer yet" in panel
            assert "newest  Read the ticket" in panel
            assert all(len(line) <= width for line in panel.splitlines())
            assert "…" in panel.splitlines()[-1]
            view.print_line()
            await asyncio.gather(*work)
            now[0] += 20
            view.print_line()
            assert not caller.under_way()

    run_virtually(main())
    said = " ".join(capsys.readouterr().err.split())
    first, _, rest = said.partition(" newest: ")
    newest, _, second = rest.partition(" tickets · ")
    assert "3 answering (for 0:41), 1 writing prompts (for 0:41)" in first
    assert newest.startswith("Read the ticket")
    assert newest.endswith("…")
    assert "5.0 s a call, 6 tokens/s" in second
    assert "newest" not in second
