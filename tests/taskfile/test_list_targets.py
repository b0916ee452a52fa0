"""Targets of several items: a JSON list is one answer for scorers of items, else several."""

import json
from pathlib import Path

import pytest

from apo.taskfile.load import load_task

REWARD = {"name": "reward", "parts": [{"name": "items", "scorer": "list"}]}
CELL = ["서울", "부산"]


@pytest.mark.parametrize(
    ("scorer", "whole"),
    [("set", True), ("list", True), (REWARD, True), ("exact", False), ("rouge", False)],
)
@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_json_list_is_one_target_where_items_count(
    scorer: object, whole: bool, suffix: str, tmp_path: Path
) -> None:
    cell = json.dumps(CELL, ensure_ascii=False)
    lines = [json.dumps({"x": f"text {i}", "y": CELL}, ensure_ascii=False) for i in range(40)]
    if suffix == "csv":
        quoted = cell.replace('"', '""')
        lines = ["x,y", *(f'text {i},"{quoted}"' for i in range(40))]
    (tmp_path / f"data.{suffix}").write_text("\n".join(lines), encoding="utf-8")
    task = {
        "inputs": ["x"],
        "target": "y",
        "scorer": scorer,
        "data": f"data.{suffix}",
        "prompt": "List the cities.",
    }
    (tmp_path / "task.yaml").write_text(json.dumps(task, ensure_ascii=False), encoding="utf-8")
    targets = load_task(str(tmp_path / "task.yaml")).train[0].targets
    assert [json.loads(target) for target in targets] == [CELL] if whole else targets == (*CELL,)
