"""The gate: what a folder of others wants is asked once, and remembered by content."""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import apo
from apo.calls.options import Options
from apo.cli import app
from apo.compare.settings import read_trusted_experiment
from apo.errors import RunError, TaskError, TrustError
from apo.evaluation.endpoints import open_judges
from apo.models import open_model
from apo.models.http import HttpModel
from apo.run.wishes import remember_run, trusted_settings
from apo.scorers import sql_limits
from apo.scorers.judge import Judge
from apo.scorers.registry import make_scorer
from apo.scorers.sandbox import Sandbox
from apo.storage.folder import RunFolder, create_run
from apo.task import Example
from apo.taskfile.load import load_task
from apo.taskfile.wishes import model_wishes
from apo.trust import FileName, grant

ROWS = "text,label\n" + "".join(f"hello {i},a\n" for i in range(40))
PLAIN: dict[str, Any] = {"inputs": "text", "target": "label", "data": "rows.csv", "prompt": "Say."}
URL = "http://127.0.0.1:9/v1#m"


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("APO_TRUST")
    monkeypatch.delenv("APO_KEY_HOSTS", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("APO_API_KEY", "sk-secret-of-the-user")


def task(tmp_path: Path, **keys: Any) -> Path:
    """A task folder beside a file `evil.py` that leaves a trace when it is run."""
    folder = tmp_path / "task"
    folder.mkdir(exist_ok=True)
    trace = f"open({str(tmp_path / 'TRACE')!r}, 'w').close()\ndef f(*_): return 1.0\n"
    for place in (folder, tmp_path):
        (place / "evil.py").write_text(trace)
    (folder / "rows.csv").write_text(ROWS)
    (folder / "task.yaml").write_text(yaml.safe_dump({**PLAIN, **keys}))
    return folder


def part(**scorer: Any) -> dict[str, Any]:
    return {"name": "reward", "parts": [{"name": "a", "scorer": scorer}]}


WISHES: list[tuple[dict[str, Any], str]] = [
    ({"scorer": "evil.py:f"}, "run the Python file evil.py (scorer)"),
    ({"scorer": part(name="evil.py:f")}, "run the Python file evil.py (scorer)"),
    ({"metric": "evil.py:f"}, "run the Python file evil.py (metric)"),
    ({"scorer": {"name": "code", "command": "bash -c id"}}, "run the command: bash -c id"),
    ({"scorer": part(name="code", command="id")}, "run the command: id"),
    ({"scorer": {"name": "code", "allow": ["network"]}}, "without protection of network"),
    ({"scorer": {"name": "judge", "rubric": "r", "models": [URL]}}, f"ask the model {URL}"),
    ({"scorer": part(name="judge", rubric="r", models=["openai/m"])}, "ask the model openai/m"),
    ({"data": "hf:owner/rows"}, "load the data set owner/rows from the Hugging Face Hub"),
    ({"data": "/etc/rows.csv"}, "read /etc/rows.csv, outside of its folder (data)"),
    ({"scorer": {"name": "sql", "database": "../x.db"}}, "outside of its folder (sql.database)"),
    ({"scorer": {"name": "sql", "schema": "/x.sql"}}, "outside of its folder (sql.schema)"),
    ({"scorer": {"name": "json_schema", "schema": "/x.json"}}, "(json_schema.schema)"),
]


@pytest.mark.parametrize(("keys", "told"), WISHES, ids=lambda value: str(value)[:60])
def test_what_a_task_wants_is_told_and_not_done(
    keys: dict[str, Any], told: str, tmp_path: Path
) -> None:
    folder = task(tmp_path, **keys)
    with pytest.raises(TrustError) as error:
        load_task(folder)
    assert told in str(error.value)
    assert f"apo trust {folder}" in str(error.value)
    assert not (tmp_path / "TRACE").exists()


@pytest.mark.parametrize(
    ("model", "keyed"),
    [("openai/m", True), ("litellm/x/m", True), ("mine/m", True), ("vllm/m", True),
     ("local/m", False), ("ollama/m", False), ("llamacpp/m", True), (URL, False)],
)  # fmt: skip
def test_a_key_is_spoken_of_where_one_may_be_sent(model: str, keyed: bool) -> None:
    [wish] = model_wishes(model)
    assert ("with your key" in wish.told) is keyed


@pytest.mark.parametrize(
    "keys", [{"metric": "../evil.py:f"}, {"scorer": part(name="../evil.py:f")}], ids=str
)
def test_python_outside_of_the_folder_is_never_run(keys: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="leaves the task's folder"):
        load_task(task(tmp_path, **keys))
    assert not (tmp_path / "TRACE").exists()


@pytest.mark.parametrize("scorer", ["exact", "edit", part(name="contains")], ids=str)
def test_a_task_of_data_alone_asks_nothing(scorer: Any, tmp_path: Path) -> None:
    assert load_task(task(tmp_path, scorer=scorer)).train


def test_trust_is_remembered_until_the_code_or_the_wishes_change(tmp_path: Path) -> None:
    folder = task(tmp_path, scorer="evil.py:f")
    with pytest.raises(TrustError) as asked:
        load_task(folder)
    assert grant(asked.value).is_relative_to(tmp_path / "settings")
    assert load_task(folder).train
    assert (tmp_path / "TRACE").exists()
    (folder / "helper.py").write_text("x = 1")
    with pytest.raises(TrustError):
        load_task(folder)
    (folder / "helper.py").unlink()
    assert load_task(folder).train
    task(tmp_path, scorer="evil.py:f", metric="evil.py:f")
    with pytest.raises(TrustError, match="metric"):
        load_task(folder)


def test_a_switch_allows_everything_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = task(tmp_path, scorer="evil.py:f")
    monkeypatch.setenv("APO_TRUST", "1")
    assert load_task(folder).train
    monkeypatch.delenv("APO_TRUST")
    with pytest.raises(TrustError):
        load_task(folder)


def run(tmp_path: Path, **keys: Any) -> RunFolder:
    record = {"task_ref": "support-tickets", "optimizer": {"ref": "ape"}, "options": {}}
    return create_run(tmp_path / "home", "t", "ape", {**record, **keys})


RUNS: list[tuple[dict[str, Any], str]] = [
    ({"task_ref": "{}/evil.py:f"}, "evil.py (task)"),
    ({"task_ref": "/srv/their-task"}, "read /srv/their-task (task)"),
    ({"optimizer": {"ref": "{}/evil.py:f"}}, "evil.py (optimizer)"),
    ({"model": URL}, f"ask the model {URL}"),
    ({"options": {"judge_model": URL}}, f"ask the model {URL}"),
    ({"options": {"tracking_uri": "http://h"}}, "write to MLflow at http://h"),
]


@pytest.mark.parametrize(("keys", "told"), RUNS, ids=lambda value: str(value)[:60])
def test_a_run_of_others_is_not_used_unasked(
    keys: dict[str, Any], told: str, tmp_path: Path
) -> None:
    task(tmp_path)
    keys = json.loads(json.dumps(keys).replace("{}", str(tmp_path)))
    folder = run(tmp_path, **keys)
    with pytest.raises(TrustError, match="Nothing of it was done") as asked:
        trusted_settings(folder)
    assert told in str(asked.value)
    assert not (tmp_path / "TRACE").exists()
    remember_run(folder)  # As the one who makes a run does.
    assert trusted_settings(folder) == folder.settings


def test_the_models_of_a_trusted_run_of_others_get_no_key(tmp_path: Path) -> None:
    folder = run(tmp_path, model=URL, options={"judge_model": URL})
    with pytest.raises(TrustError) as asked:
        trusted_settings(folder)
    grant(asked.value)
    found = trusted_settings(folder)
    assert type(found["model"]) is type(found["options"]["judge_model"]) is FileName


@pytest.mark.parametrize("name", ["a" * 5000 + ".py:f", "x\0.py:f", "x" * 5000])
def test_a_task_whose_name_can_be_no_path_is_told_and_not_looked_for(
    name: str, tmp_path: Path
) -> None:
    folder = run(tmp_path, task_ref=name, cwd=str(tmp_path))
    with pytest.raises((RunError, TaskError)):
        trusted_settings(folder)


def test_settings_of_an_optimizer_of_the_wrong_kind_are_told(tmp_path: Path) -> None:
    folder = run(tmp_path, optimizer={"ref": "ape", "settings": "bash"})
    with pytest.raises(RunError, match=r"optimizer: settings"):
        trusted_settings(folder)


def test_a_run_made_here_goes_on_without_a_question(tmp_path: Path) -> None:
    folder = task(tmp_path)
    home = tmp_path / "home"
    budget = apo.Budget(max_calls=60)
    result = apo.optimize(
        str(folder), "ape", budget=budget, home=home, options=Options(track=False)
    )
    assert trusted_settings(RunFolder(home / "runs" / result.run_id))["task_ref"] == str(folder)


def test_an_experiment_file_is_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(
        f"tasks: [support-tickets]\noptimizers: [ape, 'evil.py:X']\nmodels: ['{URL}']\n"
    )
    with pytest.raises(TrustError, match=r"evil\.py \(optimizer\)\n- ask the model http"):
        read_trusted_experiment(file)


@pytest.mark.parametrize(
    ("keys", "command", "told"),
    [
        ({"model": URL}, ["evaluate", "support-tickets", "--like", "{}"], f"ask the model {URL}"),
        ({"model": URL}, ["transfer", "{}", "--model", "embedded"], f"ask the model {URL}"),
        ({"model": URL}, ["resume", "{}"], f"ask the model {URL}"),
        (
            {"options": {"track": True, "tracking_uri": "http://h"}},
            ["sync", "{}"],
            "MLflow at http",
        ),
        ({"options": {}}, ["compare", "{home}/grid.yaml"], f"ask the model {URL}"),
    ],
    ids=["evaluate --like", "transfer", "resume", "sync", "compare"],
)
def test_commands_ask_before_they_use_what_others_made(
    keys: dict[str, Any], command: list[str], told: str, tmp_path: Path
) -> None:
    whole = load_task("support-tickets")
    sizes = {name: len(getattr(whole, name)) for name in ("train", "validation", "test")}
    record = {"model": "embedded", "data": {"fingerprint": whole.fingerprint, **sizes}}
    folder = run(tmp_path, **{**record, **keys})
    home = tmp_path / "home"
    (home / "prompt.json").write_text(json.dumps({"instruction": "Say.", "template": "{{ticket}}"}))
    (home / "grid.yaml").write_text(
        f"tasks: [support-tickets]\noptimizers: [ape]\nmodels: ['{URL}']"
    )
    given = [word.format(folder.id, home=home) for word in command]
    if command[0] == "evaluate":
        given += ["--prompt", str(home / "prompt.json")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APO_HOME", str(home))
        done = CliRunner().invoke(app, given)
    assert isinstance(done.exception, TrustError), done.exception
    assert told in str(done.exception)
    assert "Nothing of it was done" in str(done.exception)


def test_what_trusted_code_reads_beside_python_is_trusted_with_it(tmp_path: Path) -> None:
    folder = task(tmp_path, scorer="evil.py:f")
    (folder / "words.txt").write_text("one")
    with pytest.raises(TrustError) as asked:
        load_task(folder)
    grant(asked.value)
    (folder / "words.txt").write_text("two")  # As docs/security.md says.
    assert load_task(folder).train
    (folder / "evil.py").write_text("def f(*_): return 0.5\n")
    with pytest.raises(TrustError):
        load_task(folder)


def key_of(model: object) -> str:
    assert isinstance(model, HttpModel)
    return str(vars(model)["_address"].key)


def test_a_key_goes_only_to_hosts_that_the_user_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_of(open_model(URL)) == "sk-secret-of-the-user"
    assert key_of(open_model(FileName(URL))) == ""
    two: Any = open_model(FileName("http://127.0.0.1:9/v1,http://127.0.0.1:8/v1#m"))
    assert [key_of(replica.model) for replica in two._replicas] == ["", ""]
    monkeypatch.setenv("APO_KEY_HOSTS", "h:1, 127.0.0.1:9")
    assert key_of(open_model(FileName(URL))) == "sk-secret-of-the-user"
    assert key_of(open_model(FileName("http://127.0.0.1:8/v1#m"))) == ""


@pytest.mark.parametrize("whole", [True, False], ids=["judge", "reward"])
def test_a_judge_of_a_task_file_gets_no_key(
    whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge: dict[str, Any] = {"name": "judge", "rubric": "r", "models": [URL]}
    folder = task(tmp_path, scorer=judge if whole else part(**judge))
    monkeypatch.setenv("APO_TRUST", "1")
    opened: dict[str, str] = {}

    def endpoint(_: str, model: Any) -> Any:
        opened[model.name] = key_of(model)

    scorer = load_task(folder).scorer
    open_judges(scorer, None, Options(), endpoint)
    assert opened == {URL: ""}
    open_judges(scorer, None, Options(judge_model="http://127.0.0.1:9/v1#other"), endpoint)
    assert opened[URL] == "sk-secret-of-the-user"  # The user named that host.
    open_judges(Judge(rubric="r", models=(URL,)), None, Options(), endpoint)
    assert opened[URL] == "sk-secret-of-the-user"  # His own Python.


async def environment_of_command(tmp_path: Path) -> str:
    script = tmp_path / "say.sh"
    script.write_text(f"#!/bin/sh\nenv > {tmp_path}/env\n")
    script.chmod(0o755)
    with pytest.raises(TaskError):
        await Sandbox(seconds=5, memory=512, disk=1, command=str(script)).run("", "assert True")
    return (tmp_path / "env").read_text()


def test_a_command_gets_no_key(tmp_path: Path) -> None:
    import asyncio

    said = asyncio.run(environment_of_command(tmp_path))
    assert "PATH=" in said
    assert "sk-secret" not in said
    assert os.environ["APO_API_KEY"]


@pytest.mark.parametrize(
    "script",
    ["ATTACH '{}' AS x; CREATE TABLE x.t (a)", "VACUUM INTO '{}'",
     "PRAGMA temp_store_directory='/'", "CREATE TABLE t AS SELECT load_extension('{}')"],
)  # fmt: skip
def test_a_schema_script_reaches_no_file(script: str, tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    text = "CREATE TABLE s (a);" + script.replace("{}", str(path))
    with pytest.raises(TaskError, match="authoriz"):
        make_scorer({"name": "sql", "schema": text})
    assert not path.exists()


def test_an_endless_script_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_limits, "_BUILD_SECONDS", 0.2)
    endless = "CREATE TABLE t AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) "
    with pytest.raises(TaskError, match="longer than"):
        make_scorer({"name": "sql", "schema": endless + "SELECT count(*) FROM c;"})
    with pytest.raises(TaskError, match="too big"):
        make_scorer({"name": "sql", "schema": "CREATE TABLE t AS SELECT zeroblob(900000000) b;"})


def test_a_usual_dump_still_builds() -> None:
    dump = "PRAGMA foreign_keys=OFF; BEGIN; CREATE TABLE t(a); INSERT INTO t VALUES(1); COMMIT;"
    scorer = make_scorer({"name": "sql", "schema": dump})
    example = Example(inputs={"q": "x"}, targets=("SELECT a FROM t",))
    assert scorer("SELECT a FROM t", example).value == 1
    assert sqlite3.sqlite_version


DEEP = {"$defs": {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(40)}}
DEEP["$defs"]["a40"] = {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ({"properties": {"a": {"pattern": "^(a|a)*$"}}}, {"a": "a" * 60 + "!"}),
        ({"patternProperties": {"^(a|a)*$": {}}}, {"a" * 60 + "!": 1}),
        ({"patternProperties": {"^(a|a)*$": {}}, "additionalProperties": False},
         {"a" * 60 + "!": 1}),
        ({"properties": {"a": {"$ref": "#/$defs/a0"}}, **DEEP}, {"a": 1}),
    ],
    ids=["pattern", "names", "other names", "references"],
)  # fmt: skip
def test_a_json_schema_ends_in_time(schema: dict[str, Any], answer: dict[str, Any]) -> None:
    scorer = make_scorer({"name": "json_schema", "schema": schema})
    score = scorer(json.dumps(answer), Example(inputs={"q": "x"}, targets=("{}",)))
    assert score.value == 0
    assert "no end" in score.feedback


@pytest.mark.parametrize(
    ("answer", "value"), [({"ab": 1}, 1), ({"ab": "x"}, 0), ({"zz": 1}, 0), ({"s": "abc"}, 1)]
)
def test_the_keywords_with_patterns_mean_what_they_meant(answer: Any, value: float) -> None:
    schema = {
        "type": "object",
        "properties": {"s": {"type": "string", "pattern": "^a"}},
        "patternProperties": {"^ab": {"type": "integer"}},
        "additionalProperties": False,
    }
    scorer = make_scorer({"name": "json_schema", "schema": schema})
    assert scorer(json.dumps(answer), Example(inputs={"q": "x"}, targets=("{}",))).value == value
