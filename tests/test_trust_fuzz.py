"""Generated folders of others touch nothing outside; and the watch that says so sees what does."""

import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from apo.errors import RunError, TrustError
from apo.prompts.prompt import Prompt
from apo.results.provenance import provenance_of
from apo.results.standings import _asked  # pyright: ignore[reportPrivateUsage]
from apo.run.wishes import trusted_settings
from apo.storage.shapes import require_result
from apo.taskfile.load import load_task
from apo.user_code import load_object
from experiments.benchmarks.trust.cases import TASK, Case, draw_task, draw_task_into, make_decoys
from experiments.benchmarks.trust.traced import touched_by
from experiments.benchmarks.trust.untrusted import Touched, look, watching
from tests.test_trust import run

FOLDERS = 24
REFUSED: dict[str, Any] = {"n": 1, "of": 2, "reasons": {"seen before": 1}}
READ = {"n": 2, "again": 1, "salvaged": 0, "unread": 1}


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "APO_HOME", "TMPDIR", "APO_API_KEY", "APO_TRACK"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("APO_TRUST")
    monkeypatch.setattr("tempfile.tempdir", None)
    make_decoys(tmp_path / "outside")
    return tmp_path


def test_folders_of_others_touch_nothing_outside(room: Path) -> None:
    came = Counter[str]()
    with watching(room) as watch:
        for number in range(FOLDERS):
            case = draw_task(Random(f"test-{number}"), room / str(number), room / "outside")
            outcome, told = look(case, watch)
            assert outcome in ("used", "asked", "refused"), f"{told} {case.told()}"
            came[outcome] += 1
    assert came["used"]
    assert came["asked"]


def test_a_link_that_leads_out_is_told_and_not_read(room: Path) -> None:
    folder = room / "cases" / "task"
    draw_task_into(folder, {**TASK, "scorer": "own.py:f"})
    with watching(room) as watch:
        outcome, told = look(Case("task", folder, ()), watch)
    assert (outcome, told) == ("asked", "run the Python file own.py (scorer)")
    with pytest.raises(TrustError, match=r"use .*/outside/evil.py, outside of its folder"):
        load_task(folder)


def _connect(outside: Path) -> None:
    sqlite3.connect(outside / "x.db").close()


TOUCHES: list[Callable[[Path], object]] = [
    lambda outside: (outside / "rows.csv").read_text(),
    lambda outside: load_object(f"{outside}/evil.py:f"),
    lambda outside: subprocess.run(["touch", outside / "new"], check=False),
    _connect,
]


@pytest.mark.parametrize("touch", TOUCHES)
def test_the_watch_sees_and_prevents(touch: Callable[[Path], object], room: Path) -> None:
    with watching(room) as watch:
        watch.on = True
        with pytest.raises(Touched):
            touch(room / "outside")
    assert watch.found
    assert not (room / "outside" / "new").exists()


def test_system_calls_outside_are_seen(tmp_path: Path) -> None:
    log = tmp_path / "log"
    bad = [
        f'1 openat(AT_FDCWD</x>, "{tmp_path}/cases/1/link", O_RDONLY) = 3<{tmp_path}/outside/a>',
        f'1 openat(AT_FDCWD</x>, "{tmp_path}/outside/a", O_RDONLY) = -1 ENOENT (No such file)',
        "1 connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(9)}, 16) = 0",
        '1 execve("/bin/touch", ["touch"], 0x1) = 0',
    ]
    good = [
        f'1 openat(AT_FDCWD</x>, "{tmp_path}/cases/1/a", O_RDONLY) = 3<{tmp_path}/cases/1/a>',
        f'1 execve("{sys.executable}", ["python"], 0x1) = 0',
    ]
    log.write_text("\n".join([*bad, *good]))
    assert touched_by(log, tmp_path) == bad


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"options": "x"}, "options is 'x'"),
        ({"options": {"requests_per_minute": "x"}}, "options.requests_per_minute is 'x'"),
        ({"options": {"prices": ["x"]}}, "options.prices is"),
        ({"options": {"sed": 1}}, "'sed', which is no key of it. Did you mean 'seed'"),
        ({"budget": {"max_usd": "x"}}, "budget.max_usd is 'x'"),
        ({"optimizer": "x"}, "optimizer is 'x'"),
        ({"data": {"fingerprint": "x"}}, "data has no 'train'"),
    ],
    ids=str,
)
def test_settings_of_the_wrong_kind_are_told(
    keys: dict[str, object], told: str, tmp_path: Path
) -> None:
    with pytest.raises(RunError) as error:
        trusted_settings(run(tmp_path, **keys))
    assert told in str(error.value)


@pytest.mark.parametrize("options", ["x", ["batch"], 1])
def test_the_front_of_a_run_with_damaged_options_is_told(options: object, tmp_path: Path) -> None:
    folder = run(tmp_path, options=options)
    with pytest.raises(RunError, match=r"run\.json: options is .*of the wrong kind"):
        _asked(folder, set())


@pytest.mark.parametrize("data", ["own.py:f", ["x"], {"train": 3}, {"fingerprint": 1}])
def test_an_export_of_a_run_with_damaged_data_is_told(data: object, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run\.json: data.*damaged"):
        provenance_of(run(tmp_path, data=data), Prompt("Say it."))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"spent": {"thinking_tokens": "many"}}, "spent: thinking_tokens is 'many'"),
        ({"spent": {"lost_tokens": [1]}}, "spent: lost_tokens is"),
        ({"refused": {"n": 1}}, "refused has no 'of'"),
        ({"refused": REFUSED | {"replies": {"again": "../x"}}}, "replies has no 'n'"),
        ({"refused": REFUSED | {"replies": READ | {"again": "../x"}}}, "again is '../x'"),
    ],
    ids=str,
)
def test_results_of_the_wrong_kind_are_told(keys: dict[str, Any], told: str) -> None:
    spent = dict.fromkeys(("calls", "input_tokens", "output_tokens", "retries"), 0)
    whole = {"usd": 0.0, "seconds": 1.0, "lost_usd": 0.0, **spent}
    known: dict[str, Any] = {
        **dict.fromkeys(("run_id", "task", "optimizer", "model", "optimizer_model"), "x"),
        "seed_prompt": {}, "best_prompt": {}, "mlflow": {},
        "winner": "seed", "validation": {"seed": None, "best": None}, "verdict": None,
    }  # fmt: skip
    require_result({**known, "spent": whole}, "result.json")
    damaged = {**known, **keys, "spent": {**whole, **keys.get("spent", {})}}
    with pytest.raises(RunError) as error:
        require_result(damaged, "result.json")
    assert told in str(error.value)
