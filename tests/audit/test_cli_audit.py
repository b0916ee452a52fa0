"""`apo audit`: a prompt file or a run, a table or JSON, and a gate for CI."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from apo.audit import audit as audit_prompts
from apo.cli import app
from apo.errors import PromptError, RunError, SettingsError
from apo.storage.folder import find_run
from apo.taskfile.load import load_task

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "p.txt").write_text("리뷰의 감성을 긍정, 부정, 중립 중 하나로 답하세요.", "utf-8")
    return tmp_path / ".apo"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_prompt_file(home: Path) -> None:
    done = run("audit", "p.txt", "--task", "reviews-ko", "--max-calls", "120")
    assert done.exit_code == 0, done.exception
    for words in ("120 calls at most", "injection", "rewording", "bag-of-words"):
        assert words in done.output
    again = run("audit", "p.txt", "--task", "reviews-ko", "--max-calls", "120", "--json")
    document: dict[str, Any] = json.loads(again.stdout)
    assert 100 < document["spent"]["calls"] <= 120
    assert [rate["group"] for rate in document["prompts"]["prompt"]["rates"]][:2] == [
        "injection",
        "steering",
    ]


def test_a_run_is_audited_on_its_own_examples_and_keeps_the_result(home: Path) -> None:
    optimized = run("optimize", "support-tickets", "--max-calls", "300", "--no-track",
                    "-o", "random-search")  # fmt: skip
    assert optimized.exit_code == 0, optimized.exception
    folder = find_run("last", home)
    done = run("audit", "last", "--max-calls", "300")
    assert done.exit_code == 0, done.exception
    kept = json.loads((folder.path / "audit.json").read_text("utf-8"))
    names = list(kept["prompts"])
    assert names in (["seed"], ["seed", "best"])
    assert kept["task"] == "support-tickets"
    if len(names) == 2:
        assert {pair["kind"] for pair in kept["pairs"]} >= {"injection", "steering"}


def test_a_gate(home: Path) -> None:
    given = ("audit", "p.txt", "-t", "reviews-ko", "--max-calls", "120", "--max-rate")
    done = run(*given, "0.05")
    assert done.exit_code == 1
    assert "Over the limit: prompt fails" in done.stderr
    assert run(*given, "1").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["p.txt"], SettingsError, "give --task"),
        (["nowhere"], PromptError, "neither a prompt file nor a run"),
        (["p.txt", "-t", "reviews-ko", "--max-rate", "5"], SettingsError, "a share from 0 to 1"),
        (["p.txt", "-t", "reviews-ko", "--max-rate", "nan"], SettingsError, "a share from 0 to 1"),
        (["p.txt", "-t", "reviews-ko", "--max-calls", "0"], SettingsError, "too few"),
        (["p.txt", "-t", "reviews-ko", "--canary", "없음"], PromptError, "none of the prompts"),
    ],
)
def test_mistakes_are_told(
    home: Path, arguments: list[str], kind: type[Exception], words: str
) -> None:
    done = run("audit", *arguments)
    assert isinstance(done.exception, kind)
    assert words in str(done.exception)


def test_a_run_without_a_result(home: Path) -> None:
    assert run("estimate", "support-tickets", "--no-track").exit_code == 0
    done = run("audit", "last")
    assert isinstance(done.exception, RunError)
    assert "apo resume" in str(done.exception)


def test_the_same_figures_from_python(home: Path) -> None:
    task = load_task("reviews-ko", memory=home / "splits")
    prompt = task.seed_prompts[0]
    found = audit_prompts(task, prompt, max_calls=120).to_dict()
    (home.parent / "seed.txt").write_text(prompt.instruction, "utf-8")
    told = json.loads(
        run("audit", "seed.txt", "-t", "reviews-ko", "--max-calls", "120", "--json").stdout
    )
    assert told["prompts"] == found["prompts"]
