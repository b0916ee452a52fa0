"""How fast a run goes, in words: calls a second, or seconds a call where that is under one."""

import pytest

from apo.cli.live import pace
from apo.errors import SettingsError, TaskError
from apo.models import open_model
from apo.taskfile.load import load_task
from apo.taskfile.places import builtin_tasks, describe


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
