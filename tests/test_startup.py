"""A quick start: what commands that only look import, and what they do not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("mlflow", "numpy", "pandas", "pyarrow", "scipy", "datasets", "aiohttp", "openai", "ray")
LATE = (*HEAVY, "asyncio", "sqlite3", "pydantic", "yaml", "orjson", "apo.prompts")
"""What the help, with nothing to do yet, needs no more than these."""
SLOWEST = ("mlflow", "pandas", "pyarrow", "scipy.stats", "scipy.optimize", "sklearn", "datasets")
"""What a look over a task, the first thing that people do, has no need of; each takes a second."""

CODE = """
import contextlib, io, json, sys
before = set(sys.modules)  # Coverage may have brought some of them along.
import apo.cli
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:
    apo.cli.main()
assert {word!r} in out.getvalue(), out.getvalue()
print(json.dumps([name for name in {names!r} if name in sys.modules.keys() - before]))
"""


@pytest.mark.parametrize(
    ("arguments", "word", "names"),
    [
        (["--help"], "optimize", LATE),
        (["optimize", "--help"], "--max-calls", HEAVY),
        (["runs", "--json"], "[]", HEAVY),
        (["tasks", "--json"], "support-tickets", HEAVY),
        (["optimizers", "--json"], "random-search", HEAVY),
        (["check", "polite-ko"], "", SLOWEST),
    ],
    ids=["help", "help of one", "runs", "tasks", "optimizers", "check"],
)
def test_commands_that_look_import_little(
    tmp_path: Path, arguments: list[str], word: str, names: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(word=word, names=names), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
