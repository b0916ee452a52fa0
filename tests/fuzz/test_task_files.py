"""Task and experiment files of any content end as settings or as an error that names the file."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from apo.compare.data_folder import task_from_folder
from apo.compare.settings import parse_experiment, read_experiment
from apo.errors import TaskError
from apo.task import Task
from apo.taskfile.load import load_task, task_from_data
from apo.taskfile.yaml_file import read_task_file
from tests.fuzz.hostile import damaged, deep, encoded, fuzzed, json_values, texts, told

TASK = """\
name: tickets
description: Sort tickets.
language: en
inputs: {text: body}
target: [label]
labels: [ship, pay, "yes"]
scorer: {name: choice, ignore_case: true}
prompt: |
  Sort this.

  {{text}}
decoding: {temperature: 0.5, stop: ["\\n"]}
split: {fractions: {train: 0.5, validation: 0.3, test: 0.2}, caps: {test: 50}, seed: 3}
data: rows.jsonl
encoding: utf-8
"""
EXPERIMENT = """\
name: first
tasks: [support-tickets]
optimizers: [opro, {name: ape, settings: {n: 3}, label: ape-3}]
models: [embedded]
seeds: 3
budget: {max_calls: 100, max_usd: 1.5}
prices: {openai/x: "1,2"}
"""
ROWS = [{"body": f"order number {i}", "label": ["ship", "pay"][i % 2]} for i in range(30)]
KEYS = [*yaml.safe_load(TASK), "template", "prompt_file"]


def _bomb(width: int, depth: int, form: str) -> str:
    lines = [f"a0: &a0 {{x: {'lol' * 20}}}"]
    for i in range(1, depth):
        inner = ", ".join([f"*a{i - 1}"] * width)
        lines.append(f"a{i}: &a{i} {form % inner}")
    return "\n".join(lines)


BOMBS = {
    "laughs": _bomb(10, 12, "[%s]"),
    "merges": _bomb(10, 12, "{<<: [%s]}"),
    "laughs in a known key": "inputs:\n  " + _bomb(10, 12, "[%s]").replace("\n", "\n  "),
    "a list in itself": "labels: &a [*a, *a]",
    "a key in itself": "&a {*a : 1}",
    "nested lists": deep("[", "]"),
    "nested keys": deep("{a: ", "}", 20_000),
    "nested blocks": "\n".join(" " * i + "a:" for i in range(3000)),
    "dashes": "- " * 50_000,
    "a long number": f"split: {{seed: {'9' * 100_000}}}",
    "a long key": "k" * 200_000 + ": 1",
    "many keys": "\n".join(f"k{i}: {i}" for i in range(5000)),
    "an object": "scorer: !!python/object/apply:os.system ['touch owned']",
    "a date that is none": "seed: 2001-99-99",
    "odd tags": "a: !!set {b}\nc: !!omap [d: 1]\ne: !!pairs [f: 1]\ng: !!binary '='",
    "sixty by sixty": "a: " + "59:" * 5000 + "59",
    "spaces": "a:" + " " * 500_000,
    "quotes": '"' * 200_001,
    "ten megabytes": "description: " + "word " * 2_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("kind", ["task", "experiment"])
def test_a_hostile_file_is_refused_in_good_time(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.yaml"
    path.write_text(BOMBS[name], encoding="utf-8")
    if kind == "task":
        assert told(lambda: read_task_file(path), "task.yaml") is None
    else:
        told(lambda: parse_experiment(read_experiment(path), str(path)))
    assert not (tmp_path / "owned").exists()
    assert not Path("owned").exists()


def test_a_word_may_be_named_once_and_used_again(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(TASK.replace("Sort tickets.", "&d Sort.").replace("tickets\n", "t\n"))
    assert read_task_file(path).description == "Sort."


@fuzzed
@given(damaged(TASK.encode()) | texts.map(encoded) | st.binary(max_size=60))
def test_a_damaged_task_file_is_a_task_or_says_what_is_wrong(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (folder / "task.yaml").write_bytes(data)
    task = told(lambda: load_task(folder / "task.yaml"), "task.yaml")
    if task is not None:
        _whole(task)


def _whole(task: Task) -> None:
    """A task that was made can be used: every example fills the prompt and can be judged."""
    for example in task.train:
        assert task.seed_prompts[0].messages(example.inputs)
        assert 0 <= task.scorer(example.target, example).value <= 1


@fuzzed
@given(st.dictionaries(st.sampled_from(KEYS), json_values, min_size=1, max_size=4))
def test_any_value_under_a_known_key_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    text = json.dumps({**yaml.safe_load(TASK), **values})
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    task = told(lambda: load_task(folder / "task.yaml"), "task.yaml")
    if task is not None:
        _whole(task)


@fuzzed
@given(st.dictionaries(st.sampled_from(["labels", "scorer", "split", "decoding"]), json_values))
def test_any_settings_of_data_in_memory_are_taken_or_refused(values: dict[str, Any]) -> None:
    told(
        lambda: task_from_data(ROWS, inputs="body", target="label", prompt="Sort.", **values),
        "task 'data'",
    )


@fuzzed
@given(
    damaged(EXPERIMENT.encode())
    | texts.map(encoded)
    | json_values.map(lambda v: json.dumps({"optimizers": v, "models": v}).encode())
)
def test_a_damaged_experiment_is_a_comparison_or_says_what_is_wrong(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "first.yaml"
    path.write_bytes(data)
    told(lambda: parse_experiment(read_experiment(path), str(path)), "first.yaml")


META = b'{"name": "d", "language": "en", "labels": ["ship", "pay"], "metric": "accuracy"}'
LINES = "\n".join(json.dumps({"input": r["body"], "target": r["label"]}) for r in ROWS).encode()


@fuzzed
@given(damaged(META) | st.just(META), damaged(LINES) | st.just(LINES))
def test_a_damaged_data_folder_is_a_task_or_says_what_is_wrong(
    tmp_path_factory: pytest.TempPathFactory, meta: bytes, lines: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "folder"
    folder.mkdir(exist_ok=True)
    (folder / "meta.json").write_bytes(meta)
    (folder / "train.jsonl").write_bytes(lines)
    (folder / "test.jsonl").write_bytes(LINES)
    told(lambda: task_from_folder(folder))


@pytest.mark.parametrize("ref", ["\0", "a\0b", "x" * 5000, "../" * 2000, "", " ", "\ud800", "CON"])
def test_a_name_that_can_be_no_path_is_no_task(ref: str) -> None:
    with pytest.raises(TaskError):
        load_task(ref)
