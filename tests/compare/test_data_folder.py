"""Benchmark folders as tasks, by path and by the file that finds them by a variable."""

import json
from pathlib import Path
from typing import Any

import pytest

from apo import Example, TaskError, load_task
from apo.compare.data_folder import exact_set, is_data_folder, task_from_folder
from apo.errors import DataError

REAL_TASKS = Path(__file__).parents[2] / "experiments/benchmarks/real_tasks.py"


def write(folder: Path, meta: dict[str, Any], rows: list[dict[str, Any]], n_test: int = 10) -> Path:
    folder.mkdir()
    for pool, part in (("test", rows[:n_test]), ("train", rows[n_test:])):
        lines = [json.dumps(row, ensure_ascii=False) for row in part]
        (folder / f"{pool}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return folder


def labelled(n: int = 60) -> list[dict[str, Any]]:
    return [{"input": f"text {i}", "target": ("yes", "no")[i % 2]} for i in range(n)]


LABELS = {"metric": "exact_match", "labels": ["yes", "no"], "language": "en"}


def test_the_test_file_is_the_test_split(tmp_path: Path) -> None:
    task = task_from_folder(write(tmp_path / "navigate", LABELS, labelled()))
    assert task.name == "navigate"
    assert {e.inputs["input"] for e in task.test} == {f"text {i}" for i in range(10)}
    assert len(task.train) + len(task.validation) == 50
    assert len(task.validation) >= 10
    assert task.labels == ("yes", "no")
    again = task_from_folder(tmp_path / "navigate")
    assert again.fingerprint == task.fingerprint


@pytest.mark.parametrize(
    ("meta", "instruction"),
    [
        ({**LABELS, "baseline_instruction": "Say it."}, "Say it."),
        (LABELS, "Answer with one of: yes, no."),
        ({**LABELS, "language": "ko"}, "다음 중 하나로 답하세요: yes, no."),
        ({"metric": "exact_match"}, "Give the answer."),
    ],
)
def test_the_seed_prompt(meta: dict[str, Any], instruction: str, tmp_path: Path) -> None:
    task = task_from_folder(write(tmp_path / "t", meta, labelled()))
    assert task.seed_prompts[0].instruction == instruction


@pytest.mark.parametrize(
    ("meta", "target", "answer"),
    [
        ({"metric": "accuracy", "labels": ["yes", "no"]}, "yes", "The answer is yes."),
        ({"metric": "exact_match"}, "a b", "A  b."),
        ({"metric": "exact_match", "kind": "arithmetic"}, "1200", "So it is 1,200."),
        ({"metric": "exact_set"}, "ox, hen", "Hen and ox"),
    ],
)
def test_the_scorer(meta: dict[str, Any], target: str, answer: str, tmp_path: Path) -> None:
    rows = [{"input": f"text {i}", "target": target} for i in range(60)]
    task = task_from_folder(write(tmp_path / "t", meta, rows))
    example = task.test[0]
    assert task.judge(answer, example).value == 1
    assert task.judge("something else", example).value == 0


def test_several_targets(tmp_path: Path) -> None:
    rows = [{"input": f"text {i}", "targets": ["Saft", "der Saft"]} for i in range(60)]
    task = task_from_folder(write(tmp_path / "t", {"metric": "exact_match"}, rows))
    assert task.test[0].targets == ("Saft", "der Saft")


def test_a_set_tells_what_is_missing() -> None:
    score = exact_set("ox, cat", Example({"input": "x"}, ("ox, hen",)))
    assert (score.value, score.well_formed) == (0.0, True)
    assert "missing: hen; too many: cat" in score.feedback
    assert not exact_set(" ", Example({"input": "x"}, ("ox",))).well_formed


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("meta.json", "[]", "metric"),
        ("meta.json", "{", "meta.json"),
        ("meta.json", '{"metric": "bleu"}', "exact_match"),
        ("train.jsonl", '{"input": "a", "target": "b"}\n{"input": "a"}\n', "line 2"),
        ("train.jsonl", "[]\n", "line 1"),
        ("test.jsonl", None, "test.jsonl"),
    ],
)
def test_damage_is_told(name: str, text: str | None, told: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "t", LABELS, labelled())
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=told):
        task_from_folder(folder)


def test_a_task_file_comes_first(tmp_path: Path) -> None:
    folder = write(tmp_path / "t", LABELS, labelled())
    assert is_data_folder(str(folder))
    (folder / "task.yaml").write_text("", encoding="utf-8")
    assert not is_data_folder(str(folder))
    assert not is_data_folder("support-tickets")


def test_real_tasks_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "navigate", LABELS, labelled())
    monkeypatch.setenv("APO_BENCH_DATA", str(tmp_path))
    assert load_task(f"{REAL_TASKS}:navigate").name == "navigate"
    with pytest.raises(TaskError, match="it holds: navigate"):
        load_task(f"{REAL_TASKS}:navigat")
    monkeypatch.delenv("APO_BENCH_DATA")
    with pytest.raises(TaskError, match="set APO_BENCH_DATA"):
        load_task(f"{REAL_TASKS}:navigate")
