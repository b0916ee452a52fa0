"""What a folder of others may hold beside code: databases that compute, links, settings."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from apo.cli import app
from apo.compare.logbook import check_place
from apo.compare.settings import parse_experiment, read_trusted_experiment
from apo.display.picture import style
from apo.errors import JournalError, RunError, SettingsError, TaskError, TrustError
from apo.files import write_out
from apo.model import Decoding
from apo.prompts.forms.registry import write_prompt
from apo.prompts.prompt import Prompt
from apo.run.wishes import trusted_settings
from apo.storage.folder import RunFolder, create_run, find_run, require_home
from apo.storage.journal import Journal
from apo.storage.rows import Entry, open_for_reading
from apo.taskfile.load import load_task
from apo.tracking.connection import connect
from apo.tracking.places import experiments, place_wishes

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
COMPUTED = {
    "view": "ALTER TABLE {t} RENAME TO kept; CREATE VIEW {t} AS " + ENDLESS
    + " SELECT kept.* FROM kept, c",
    "trigger": "CREATE TRIGGER late AFTER INSERT ON {t} BEGIN DELETE FROM {t} WHERE 0; END",
    "column": "ALTER TABLE {t} ADD COLUMN dear AS (hex(zeroblob(100000000)))",
    "virtual table": "CREATE VIRTUAL TABLE search USING fts5(text)",
    "disguise": "CREATE VIEW late AS SELECT 1; PRAGMA writable_schema = ON; "
    "UPDATE sqlite_master SET type = 'table', rootpage = 2 WHERE name = 'late'",
}  # fmt: skip
"""Tables of others that count without an end, or to 100 MB, when they are read or written."""
DAMAGED = r"computes when it is used, and only tables are read|malformed database schema"


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("APO_TRUST")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("APO_HOME", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def spoil(path: Path, kind: str, table: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(COMPUTED[kind].format(t=table))


# --- databases ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", COMPUTED)
def test_a_journal_that_computes_is_not_read(kind: str) -> None:
    path = Path("journal.db")
    Journal(path).close()
    spoil(path, kind, "calls")
    with pytest.raises(JournalError, match=DAMAGED):
        open_for_reading(path)
    with pytest.raises(JournalError, match=DAMAGED):
        Journal(path)
    path.rename("answers.db")
    with pytest.raises(JournalError, match=DAMAGED):
        Journal(Path("other.db"), Path("answers.db"))


def test_a_journal_of_ones_own_is_read() -> None:
    with Journal(Path("journal.db"), Path("answers.db")) as journal:
        journal.add(Entry("k", "task", "m", reply="a"))
    with Journal(Path("journal.db"), Path("answers.db")) as journal:
        assert journal.find("k") is not None


@pytest.mark.parametrize("kind", COMPUTED)
def test_an_mlflow_database_that_computes_is_asked_about(kind: str) -> None:
    path = Path.cwd() / "mlflow.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE experiments (name TEXT, artifact_location TEXT)")
    spoil(path, kind, "experiments")
    (wish,) = place_wishes(path, "apo/t")
    assert "cannot be looked into" in wish.told
    assert list(experiments(path)) == [""]


def test_the_database_that_mlflow_makes_is_not(with_tables: Callable[[Path], str]) -> None:
    path = Path.cwd() / "mlflow.db"
    connect(with_tables(path.parent), "apo/t")
    assert place_wishes(path, "apo/t") == []
    assert "apo/t" in experiments(path)


# --- links ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run.json", "transfer.json", "test.jsonl"])
def test_a_file_of_a_run_that_is_a_link_is_no_part_of_it(name: str, tmp_path: Path) -> None:
    folder = create_run(Path(".apo"), "t", "ape", {})
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps(folder.settings))
    (folder.path / name).unlink(missing_ok=True)
    (folder.path / name).symlink_to(mine)
    with pytest.raises(RunError, match=f"{name} is a link, and apo takes what it leads to for no"):
        _ = folder.settings
    ran = CliRunner().invoke(app, ["sync", folder.id])
    assert isinstance(ran.exception, RunError)


@pytest.mark.parametrize("name", [".apo", ".apo/runs", ".apo/splits", ".apo/runs/x-y-1"])
def test_a_home_that_leads_elsewhere_is_asked_about(name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "runs").mkdir(parents=True)
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).symlink_to(elsewhere)
    for command in (["optimize", "support-tickets", "--no-track"], ["runs"], ["show", "last"]):
        ran = CliRunner().invoke(app, command)
        assert isinstance(ran.exception, TrustError), command
        assert f"use {elsewhere} as" in str(ran.exception)
    with pytest.raises(TrustError):
        find_run("last")
    assert [*elsewhere.iterdir()] == [elsewhere / "runs"]
    assert CliRunner().invoke(app, ["trust", ".apo"]).exit_code == 0
    assert require_home(Path(".apo")) == Path(".apo")


def test_a_home_that_was_named_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "disk").symlink_to(tmp_path / "big")
    assert require_home(tmp_path / "disk") == tmp_path / "disk"


@pytest.mark.parametrize("there", [True, False])
def test_no_link_leads_what_is_exported_elsewhere(there: bool, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    if there:
        mine.write_text("mine")
    Path("prompt.txt").symlink_to(mine)
    write_out(Path("prompt.txt"), "theirs")
    assert mine.exists() == there
    assert not there or mine.read_text() == "mine"
    assert not Path("prompt.txt").is_symlink()


@pytest.mark.parametrize("name", ["task.yaml", "rows.csv"])
def test_no_link_leads_a_new_task_elsewhere(name: str, tmp_path: Path) -> None:
    rows = "text,team\n" + "".join(f"hello {i},{'ab'[i % 2]}\n" for i in range(40))
    Path("rows.csv").write_text(rows)
    Path("new").mkdir()
    Path("new", name).symlink_to(tmp_path / "elsewhere")
    CliRunner().invoke(app, ["init", "new", "rows.csv"])
    assert not (tmp_path / "elsewhere").exists()


def test_a_pipe_that_the_user_names_is_written_to() -> None:
    reading, writing = os.pipe()
    write_out(Path(f"/dev/fd/{writing}"), "text")
    os.close(writing)
    with open(reading) as pipe:
        assert pipe.read() == "text"


def task(**keys: Any) -> Path:
    folder = Path("task")
    folder.mkdir(exist_ok=True)
    rows = "text,label\n" + "".join(f"hello {i},a\n" for i in range(40))
    (folder / "rows.csv").write_text(rows)
    plain = {"inputs": "text", "target": "label", "data": "rows.csv", "prompt": "Say."}
    given = {k: v for k, v in {**plain, **keys}.items() if v is not None}
    (folder / "task.yaml").write_text(yaml.safe_dump(given))
    return folder


def test_a_task_file_that_is_a_link_out_is_not_read_unasked(tmp_path: Path) -> None:
    folder = task()
    (folder / "task.yaml").rename(tmp_path / "mine.yaml")
    (folder / "task.yaml").symlink_to(tmp_path / "mine.yaml")
    (tmp_path / "mine.yaml").write_text("password: 42")
    with pytest.raises(TrustError, match=r"mine\.yaml, outside of its folder") as asked:
        load_task(folder)
    assert "password" not in str(asked.value)


# --- settings -------------------------------------------------------------------------------

EXTRA: dict[str, dict[str, Any]] = {"extra": {"web_search_options": {}}}
BODY = 'send these fields with each request to the task model: {"web_search_options": {}}'


@pytest.mark.parametrize(
    "keys",
    [
        {"decoding": EXTRA},
        {"prompt": {"instruction": "Say.", "decoding": EXTRA}},
        {"prompt": None, "prompt_file": "p.json"},
        {"prompt": None, "prompt_file": "p.yaml"},
    ],
)
def test_fields_of_requests_that_a_task_names_are_asked_about(keys: dict[str, Any]) -> None:
    folder = task(**keys)
    prompt = Prompt("Say.", template="{{text}}", decoding=Decoding(extra=EXTRA["extra"]))
    for name, form in (("p.json", "json"), ("p.yaml", "yaml")):
        (folder / name).write_text(write_prompt(prompt, form))
    with pytest.raises(TrustError) as asked:
        load_task(folder)
    assert asked.value.wishes == (BODY,)
    assert CliRunner().invoke(app, ["trust", "task"]).exit_code == 0
    assert load_task(folder).seed_prompts[0].decoding.extra == EXTRA["extra"]


STORAGE = "postgresql+psycopg://stranger.example/x"
USED = f"use {STORAGE} (a setting of the optimizer joint)"


def run(**keys: Any) -> RunFolder:
    optimizer = {"name": "joint", "ref": "joint", "settings": keys.pop("settings", {})}
    settings: dict[str, Any] = {
        "task_ref": "support-tickets", "optimizer": optimizer, "model": "embedded",
        "optimizer_model": None, "objects": [], "prompt": None, "budget": {"max_calls": 5},
        "options": {"seed": 0, "body": keys.pop("body", {})}, **keys,
    }  # fmt: skip
    return create_run(Path(".apo"), "t", "joint", settings)


@pytest.mark.parametrize(
    ("keys", "wish"),
    [
        ({"settings": {"storage": STORAGE}}, USED),
        ({"settings": {"more": [{"deep": STORAGE}]}}, USED),
        ({"body": EXTRA["extra"]}, BODY),
        ({"prompt": {"instruction": "Say.", "decoding": EXTRA}}, BODY),
    ],
)
def test_databases_and_fields_that_a_run_names_are_asked_about(
    keys: dict[str, Any], wish: str
) -> None:
    with pytest.raises(TrustError) as asked:
        trusted_settings(run(**keys))
    assert asked.value.wishes == (wish,)


def test_a_database_that_an_experiment_names_is_asked_about() -> None:
    path = Path("grid.yaml")
    joint = {"name": "joint", "settings": {"storage": STORAGE, "study_name": "z"}}
    path.write_text(yaml.safe_dump({"tasks": ["support-tickets"], "optimizers": ["ape", joint]}))
    with pytest.raises(TrustError) as asked:
        read_trusted_experiment(path)
    assert asked.value.wishes == (USED,)


GRID: dict[str, Any] = {"name": "g", "tasks": ["a"], "optimizers": ["ape"]}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"seeds": 10**12}, "seeds is 1,000,000,000,000; at most 100,000 are possible"),
        ({"seeds": 1000, "tasks": [f"t{i}" for i in range(500)]}, "it has 500,000 runs"),
        ({"budget": {"max_usd": float("inf")}}, "should be a finite number"),
    ],
)
def test_a_grid_without_an_end_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_experiment({**GRID, **keys}, "grid.yaml")


@pytest.mark.parametrize("pool", ["train", "validation", "test"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_shares_that_are_no_numbers_are_told(pool: str, number: float) -> None:
    shares = {"train": 0.4, "validation": 0.2, "test": 0.4, pool: number}
    with pytest.raises(TaskError, match=rf"split\.fractions\.{pool}"):
        load_task(task(split={"fractions": shares}))


# --- the working directory ------------------------------------------------------------------


def test_a_matplotlibrc_of_the_working_directory_has_no_say() -> None:
    Path("matplotlibrc").write_text("text.usetex: True\nfigure.facecolor: red\n")
    code = (
        "from apo.display.picture import style\n"
        "import sys\n"
        "with style():\n"
        "    from matplotlib import rcParams as now\n"
        "    print(now['text.usetex'], now['figure.facecolor'], now['font.size'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False white 9.0\n"


def test_what_matplotlib_had_read_before_has_no_say() -> None:
    import matplotlib as mpl

    known: Any = mpl
    with known.rc_context({"text.usetex": True}):
        with style():
            assert not known.rcParams["text.usetex"]
        assert known.rcParams["text.usetex"]


def test_a_comparison_asks_where_its_report_goes_before_it_starts(
    tmp_path: Path, with_tables: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(*_: object, **__: object) -> None:
        pytest.fail("it started")

    monkeypatch.setattr("apo.compare.runner.run_grid", started)
    path = Path.cwd() / "mlflow.db"
    connect(with_tables(path.parent), "apo/compare/g")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", (str(tmp_path / "up"),))
    wanted = parse_experiment(GRID, "grid.yaml")
    with pytest.raises(TrustError, match="write to MLflow's artifacts at"):
        check_place(wanted, None)
    check_place(wanted, "http://127.0.0.1:9")
    command = ["compare", "-t", "support-tickets", "-o", "ape", "--seeds", "1", "--name", "g"]
    assert isinstance(CliRunner().invoke(app, command).exception, TrustError)
