"""Folders of others, generated: hostile values in every field of tasks and of runs."""

import copy
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, redirect_stderr, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, cast

import yaml

SECRET = "DECOY-THAT-NOBODY-READS"
"""Stands in every file outside, and in the key; whoever shows it has read it."""
VALUES = {
    "path": [
        "{out}/rows.csv", "{up}/rows.csv", "{out}/x.db", "{up}/x.db", "{out}/x.json",
        "{up}/x.sql", "{out}/prompt.md", "{up}/prompt.txt", "link.csv", "linked/rows.csv",
        "linked/x.db", "file://{out}/x.json", "file:{out}/x.db?mode=rwc", "/etc/passwd",
        "sqlite:///{out}/x.db", "~/rows.csv", "{out}/new.db", "{up}", "{out}/rows.parquet",
        "./rows.csv/../{up}/rows.csv", "text\n{out}/rows.csv", "@{out}/rows.csv", "{out}/rows.xlsx",
        "zip://rows.csv::{out}/x.zip", "{out}/*.csv", "//{out}/x.json", "task.yaml", "x.db\0{out}",
    ],
    "code": [
        "{out}/evil.py:f", "{up}/evil.py:f", "own.py:f", "./own.py:f", "linked/evil.py:f",
        "link.py:f", "own:f", "os:system", "apo.cli:app", "own.py", "!!python/name:os.system",
        "{up}/task", "{out}/task", "import os; os.system('touch {out}/new')", "own.py:missing",
        "{{{{ cycler.__init__.__globals__.os.popen('touch {out}/new').read() }}}}",
        "${{{out}}}", "__import__('os').system('touch {out}/new')",
    ],
    "command": [
        "touch {out}/new", "bash -c 'cat {out}/rows.csv'", "sh {out}/program.sh",
        "$(touch {out}/new)",
        "`touch {out}/new`", "| touch {out}/new", "; touch {out}/new", "curl http://127.0.0.1:9/",
        "python {out}/evil.py", "{up}/program.sh", "env",
    ],
    "host": [
        "http://127.0.0.1:9/v1#m", "http://user:pw@127.0.0.1:9/v1#m", "hf:owner/rows",
        "https://localhost:9/x", "openai/gpt-5-mini", "ollama/m", "http://127.0.0.1:9",
        "http://127.0.0.1:9/rows.csv", "s3://bucket/rows.csv", "ftp://127.0.0.1:9/x.json",
        "postgresql://127.0.0.1:9/x", "http://127.0.0.1:9/schema.json#/a", "127.0.0.1:9",
        "hf://datasets/owner/rows/x.csv", "mlflow:/models/x", "databricks", "anthropic/m",
        "http://127.0.0.1:9/v1#m,http://127.0.0.1:9/v2#m", "\\\\127.0.0.1\\share\\rows.csv",
    ],
    "pattern": [
        "^(a+)+$", "(?:(?:a|a?)+)+b", "(.*a){{30}}",
        "ATTACH '{out}/x.db' AS x;\nCREATE TABLE x.y(a);",
        "ATTACH '{out}/new.db' AS x;\nCREATE TABLE x.y(a);",
        "CREATE TABLE t(a);\nVACUUM INTO '{out}/new.db';",
        "SELECT readfile('{out}/rows.csv')", "SELECT load_extension('{out}/x.so');\nSELECT 1;",
        '{{"$ref": "file://{out}/x.json"}}', '{{"$ref": "http://127.0.0.1:9/x.json"}}',
        '{{"type": "string",\n"pattern": "^(a+)+$"}}', '{{"$ref": "#"}}',
        "CREATE TABLE t(a);\nPRAGMA temp_store_directory='{out}';",
        "CREATE TABLE t(a);\nINSERT INTO t WITH RECURSIVE r(a) AS (SELECT 1 UNION ALL SELECT a "
        "FROM r) SELECT a FROM r LIMIT 10000;", "a" * 3000 + "!",
    ],
}  # fmt: skip
"""Hostile values by kind: {out} is the folder outside, {up} the way there from the task."""
FILES = {
    "rows.csv": f"text,label,pool,keep\n{SECRET},b,train,1\n" + "hello,a,train,\n" * 30,
    "x.json": json.dumps({"type": "string", "description": SECRET}),
    "x.sql": f"CREATE TABLE t(a);\nINSERT INTO t VALUES ('{SECRET}');",
    "prompt.md": f"Say {SECRET}.\n", "prompt.txt": f"Say {SECRET}.\n",
    "evil.py": "import pathlib\npathlib.Path(__file__).with_name('new').write_text('ran')\n"
    "def f(*_): return 1.0\n",
    "program.sh": "#!/bin/sh\ntouch \"$(dirname \"$0\")/new\"\n",
}  # fmt: skip
NAMES = [
    "exact", "contains", "rouge", "bleu", "chrf", "edit", "set", "list", "label_set", "numeric",
    "date", "json", "json_schema", "regex", "sql", "code", "judge", "reward", "choice", "f1",
]  # fmt: skip
SETTINGS = [
    "schema", "database", "command", "pattern", "models", "rubric", "allow", "parts", "name",
    "path", "file", "folder", "url", "env", "python", "extension", "within", "unit", "fields",
    "runtime", "image", "criteria", "prompt", "scorer", "language", "tests", "seconds", "whole",
]  # fmt: skip
RICH: dict[str, list[dict[str, Any]]] = {
    "sql": [{"schema": "CREATE TABLE t(a);"}, {"database": "x.db"}],
    "json_schema": [{"schema": "x.json"}, {"schema": {"type": "string", "pattern": "x"}}],
    "regex": [{"pattern": "x"}],
    "code": [{}, {"command": "python"}, {"allow": ["network"]}],
    "judge": [{"rubric": "x"}, {"rubric": "x", "models": ["http://127.0.0.1:9/v1#m"]}],
}
"""Settings that a scorer has, before hostile values take their place."""
ROWS = "text,label,pool,keep\n" + "".join(f"hello {i},{'ab'[i % 2]},train,\n" for i in range(24))
TASK: dict[str, Any] = {
    "name": "theirs", "description": "x", "language": "en", "inputs": ["text"], "target": "label",
    "data": "rows.csv", "prompt": "Say a or b.", "scorer": "exact",
}  # fmt: skip
MORE: dict[str, Any] = {
    "labels": ["a", "b"], "slices": ["pool"], "must_pass": "keep", "metric": "accuracy",
    "template": "{{text}}", "decoding": {"temperature": 0.0, "stop": ["x"]}, "encoding": "utf-8",
    "delimiter": ",", "split": {"column": "pool", "seed": 1}, "prompt_file": "prompt.json",
    "contract": {"frozen": ["a or"], "forbidden": ["zzz"]},
}  # fmt: skip
EXPERIMENT: dict[str, Any] = {
    "name": "theirs", "tasks": ["support-tickets"], "optimizers": ["opro"], "seeds": 1,
    "budget": {"max_calls": 200},
}  # fmt: skip
COMPARED: dict[str, Any] = {
    "models": ["embedded"], "optimizer_model": "embedded", "prices": {"embedded": "1,1"},
    "concurrency": 4,
}  # fmt: skip
LIKELY = {
    "tasks", "optimizers", "models",
    "scorer", "data", "metric", "prompt_file", "task_ref", "optimizer", "options", "model",
    "optimizer_model", "tracking_uri", "prompt", "best_prompt", "seed_prompt",
}  # fmt: skip
"""Keys that lead somewhere; they are drawn more often than the others."""


@dataclass(frozen=True)
class Part:
    """A hostile value: the file that it stands in, its place there, and its kind."""

    file: str
    field: str
    kind: str
    value: str


@dataclass(frozen=True)
class Case:
    """A generated folder and what is hostile in it; `kind` is task, run or experiment."""

    kind: str
    folder: Path
    parts: tuple[Part, ...]

    @property
    def place(self) -> Path:
        """The folder that holds it and, for a task, the home that looks at it."""
        return self.folder.parents[1] if self.kind == "run" else self.folder.parent

    def told(self) -> str:
        """What stands where, in a line."""
        return "; ".join(f"{part.file} {part.field} = {part.value!r:.200}" for part in self.parts)


def make_decoys(folder: Path) -> None:
    """Write the files outside that nothing may read, change or run."""
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with closing(sqlite3.connect(folder / "x.db")) as db, db:
        db.execute("CREATE TABLE t(a)")
        db.execute("INSERT INTO t VALUES (?)", (SECRET,))
    draw_task_into(folder / "task", TASK)


def draw_task_into(folder: Path, document: Any) -> None:
    """Write a task folder with rows, a prompt, Python of its own, and links that lead outside."""
    folder.mkdir(parents=True)
    outside = next(p for p in (folder.parent, *folder.parents) if (p / "outside").exists())
    (folder / "task.yaml").write_text(yaml.safe_dump(document))
    (folder / "rows.csv").write_text(ROWS)
    (folder / "own.py").write_text(FILES["evil.py"])
    (folder / "prompt.json").write_text(json.dumps({"instruction": "Say a or b."}))
    for link, target in {"link.csv": "rows.csv", "link.py": "evil.py", "linked": ""}.items():
        (folder / link).symlink_to(outside / "outside" / target)


def _value(rng: Random, folder: Path, outside: Path) -> tuple[str, str]:
    kind = rng.choice([*VALUES])
    up = os.path.relpath(outside, folder)
    return kind, rng.choice(VALUES[kind]).format(out=outside, up=up)


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The ways to all values in a document, inner ones too."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(cast("dict[str, Any]", value).items())
    elif isinstance(value, list):
        inner = list(enumerate(cast("Sequence[Any]", value)[:3]))
    return [p for key, v in inner for p in ((*path, key), *_places(v, (*path, key)))]


def _put(document: Any, place: tuple[str | int, ...], value: Any) -> None:
    for key in place[:-1]:
        document = document[key]
    document[place[-1]] = value


def _spoil(rng: Random, document: Any, file: str, case: Path, outside: Path) -> list[Part]:
    """Put one to three hostile values into a document; as texts, lists or mappings."""
    parts: list[Part] = []
    for _ in range(rng.choice([1, 1, 1, 2])):
        places = _places(document)
        likely = [p for p in places if p[0] in LIKELY]
        place = rng.choice(likely if likely and rng.random() < 0.6 else places)
        kind, value = _value(rng, case, outside)
        shapes: list[Any] = [value] * 9 + [[value], {"name": value}, {value: value}]
        with suppress(TypeError, KeyError, IndexError):  # An earlier one took the place away.
            _put(document, place, rng.choice(shapes))
            parts.append(Part(file, ".".join(map(str, place)), kind, value))
    return parts


def _scorer(rng: Random, depth: int = 0) -> Any:
    """A scorer with settings that may be its own or not; parts of a reward have theirs."""
    name = rng.choice(NAMES)
    spec: dict[str, Any] = {"name": name}
    for key in rng.sample(SETTINGS, rng.choice([0, 0, 0, 1])):
        spec[key] = "x"
    spec |= rng.choice(RICH.get(name, [{}]))
    if name == "reward" and depth < 2:
        spec = {"name": name, "parts": [{"name": "a", "scorer": _scorer(rng, depth + 1)}]}
    return spec


def draw_task(rng: Random, place: Path, outside: Path) -> Case:
    """Draw a task folder with hostile values in its task.yaml, its prompt file or its rows."""
    folder, document = place / "task", copy.deepcopy(TASK)
    document["scorer"] = _scorer(rng)
    for key in rng.sample(sorted(MORE), rng.choice([0, 1, 2])):
        document[key] = copy.deepcopy(MORE[key])
    if "prompt_file" in document:
        del document["prompt"]
    file = rng.choice(["task.yaml"] * 6 + ["prompt file", "rows"])
    parts: list[Part] = []
    if file == "task.yaml":
        parts = _spoil(rng, document, file, folder, outside)
    draw_task_into(folder, document)
    if file == "prompt file":
        parts = _prompt(rng, document, folder, outside)
    elif file == "rows":
        kind, value = _value(rng, folder, outside)
        cell = '"' + value.replace('"', '""') + '"'
        (folder / "rows.csv").write_text(ROWS.replace(",a,", f",{cell},", 6) + f"{cell},a,train,\n")
        parts = [Part(file, "cells", kind, value)]
    return Case("task", folder, tuple(parts))


def _prompt(rng: Random, document: Any, folder: Path, outside: Path) -> list[Part]:
    prompt: dict[str, Any] = {
        "instruction": "Say.", "template": "{{text}}", "context": "x", "cue": "y", "extra": "x",
        "demos": [{"inputs": {"text": "x"}, "output": "a"}], "apo_prompt": 1,
    }  # fmt: skip
    parts = _spoil(rng, prompt, "prompt file", folder, outside)
    messages = [{"role": "system", "content": parts[0].value if parts else ""}]
    text = rng.choice([json.dumps(prompt), json.dumps(messages), yaml.safe_dump(prompt)])
    name = rng.choice(["prompt.json", "prompt.md", "prompt.txt", "prompt.yaml", "prompt.py"])
    document.pop("prompt", None)
    document["prompt_file"] = name
    (folder / name).write_text(text)
    (folder / "task.yaml").write_text(yaml.safe_dump(document))
    return parts


def real_run(room: Path) -> Path:
    """The folder of a run that came to its end; made once, elsewhere than where it is looked at."""
    from apo import Budget, Options, optimize

    made = room / "made"
    if not made.exists():
        options = Options(track=False)
        with redirect_stderr(io.StringIO()):
            optimize(
                "support-tickets", "random-search", budget=Budget(max_calls=60), home=made,
                options=options,
            )  # fmt: skip
        shutil.rmtree(room / "settings", ignore_errors=True)  # It is nobody's own run any more.
    return next((made / "runs").iterdir())


def draw_run(rng: Random, place: Path, outside: Path) -> Case:
    """Draw a run's folder, a copy of a real run, with hostile values in one of its files."""
    source = real_run(outside.parent)
    folder = place / "runs" / source.name
    folder.parent.mkdir(parents=True)
    shutil.copytree(source, folder)
    name = rng.choice(["run.json"] * 4 + ["result.json", "test.jsonl", "mlflow.json"])
    path = folder / name
    if name == "mlflow.json":
        document: Any = {"tracking_uri": "x", "run_id": "x", "experiment_id": "1", "url": "x"}
    else:
        text = path.read_text()
        document = json.loads(text.splitlines()[0] if path.suffix == ".jsonl" else text)
    parts = _spoil(rng, document, name, folder, outside)
    path.write_text(json.dumps(document) + "\n")
    return Case("run", folder, tuple(parts))


def draw_experiment(rng: Random, place: Path, outside: Path) -> Case:
    """Draw a folder with an experiment file that has hostile values, beside a task."""
    folder, document = place / "task", copy.deepcopy(EXPERIMENT)
    draw_task_into(folder, TASK)
    for key in rng.sample(sorted(COMPARED), rng.choice([0, 1, 2])):
        document[key] = copy.deepcopy(COMPARED[key])
    parts = _spoil(rng, document, "experiment file", folder, outside)
    (folder / "experiment.yaml").write_text(yaml.safe_dump(document))
    return Case("experiment", folder, tuple(parts))
