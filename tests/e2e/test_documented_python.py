"""What the pages show of Python is run, block after block of a page, in a folder made for it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import apo
from tests.e2e import places
from tests.e2e.told import PAGES, ROOT, code

ELSEWHERE = {
    "import optuna": "tests/bridges/test_optuna_study.py",
    "PlainAdapter": "tests/bridges/test_dspy_export.py",
    r"dspy\.MIPROv2": "tests/bridges/test_dspy_lm.py",
    r"dspy\.Example": "tests/bridges/test_dspy_both_ways.py",
    r"dspy\.Module": "tests/bridges/test_dspy_module.py",
    "genai.evaluate": "tests/scorers/test_mlflow_scorers.py",
    "genai.load_prompt": "tests/tracking/test_tracking.py",
    "optimize_prompts": "tests/bridges/test_mlflow_optimizer.py",
    "OptimizerSuite": "tests/test_optimizers.py",
    "class Mine": "tests/test_plugins.py",
    "program=|await ask": "tests/programs/test_running.py",
    "server.answers": "tests/models/test_server.py",
}
"""What a block holds that another test runs, and which."""
TEAMS = {"billing": "billing", "technical": "refund", "sales": "refund"}
"""Labels of the data that a page leaves to its reader, on two pages."""
SMALLER = {
    r"max_calls=\d+": "max_calls=140",
    r"(budget=\S+\))\)": r"\1, options=apo.Options(track=False))",
}
"""Budgets, and such as are spent sooner; `test_journey.py` logs a run."""


def blocks(page: Path) -> Iterator[str]:
    """The blocks of Python of a page that no other test runs."""
    for kind, text, _ in code(page.read_text("utf-8")):
        if kind in ("python", "py") and not any(re.search(words, text) for words in ELSEWHERE):
            yield text


@pytest.mark.slow
def test_what_the_pages_show_of_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    rows = [{"ticket": f"{n} {team}", "text": f"{n} {team}", "intent": intent, "team": team}
            for n in range(20) for team, intent in TEAMS.items()]  # fmt: skip
    done: set[str] = set()
    for page in PAGES:
        names: dict[str, Any] = {"apo": apo, "frame": rows}
        for text in blocks(page):
            for words, instead in SMALLER.items():
                text = re.sub(words, instead, text)
            if (bare := re.sub("  # .*", "", text)) not in done:  # In another language, perhaps.
                exec(compile(text, str(page.relative_to(ROOT)), "exec"), names)
            done.add(bare)
    assert len(done) > 8


def test_what_runs_a_block_is_there() -> None:
    whole = "\n".join(page.read_text("utf-8") for page in PAGES)
    assert not [words for words in ELSEWHERE if not re.search(words, whole)]
    assert all((ROOT / place).exists() for place in ELSEWHERE.values())
