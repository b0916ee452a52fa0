"""Labelled data in a folder, as benchmarks have it, made a task.

The folder holds `train.jsonl` and `test.jsonl`, with a JSON object on each line that has `input`
and `target` (or `targets`, where several answers count), and `meta.json`: `name`, `language`,
`labels` (or null), `metric` (`exact_match`, `accuracy`, `exact_set`), `kind`, and
`baseline_instruction`, a human's, where there is one.
"""

import json
import re
from pathlib import Path
from typing import Any

from apo.errors import DataError
from apo.files import DATA, read_text, require_file
from apo.scorers.text import Exact
from apo.task import Example, Score, Task

METRICS = ("exact_match", "accuracy", "exact_set")
MINIMAL = {
    "en": ("Answer with one of: {labels}.", "Give the answer."),
    "ko": ("다음 중 하나로 답하세요: {labels}.", "답하세요."),
}


def is_data_folder(ref: str) -> bool:
    """Whether a folder holds such data, and no task.yaml that would say more."""
    folder = Path(ref)
    return (folder / "meta.json").is_file() and not (folder / "task.yaml").is_file()


def task_from_folder(folder: Path, memory: Path | None = None) -> Task:
    """Make a task: the test file is the test split, the train file gives train and validation.

    The seed prompt is the human baseline; without one, the shortest that names the labels.

    Args:
        folder: holds the data.
        memory: folder where splits are remembered; None remembers nothing.

    Raises:
        DataError: a file is missing or cannot be read, or the metric is unknown.
    """
    from apo.taskfile.load import task_from_data

    meta = _meta(folder)
    labels, language = tuple(meta.get("labels") or ()), str(meta.get("language") or "en")
    closed, free = MINIMAL.get(language, MINIMAL["en"])
    minimal = closed.format(labels=", ".join(labels)) if labels else free
    settings: dict[str, Any] = {"labels": labels} if labels else {}
    return task_from_data(
        {pool: _rows(folder / f"{pool}.jsonl") for pool in ("train", "test")},
        inputs="input",
        target="target",
        prompt=meta.get("baseline_instruction") or minimal,
        name=str(meta.get("name") or folder.resolve().name),
        language=language,
        scorer=_scorer(meta, folder),
        memory=memory,
        **settings,
    )


def _meta(folder: Path) -> dict[str, Any]:
    path = folder / "meta.json"
    try:
        meta: Any = json.loads(read_text(path))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    if not isinstance(meta, dict) or "metric" not in meta:
        raise DataError(f"{path} must be a JSON object with the key metric.")
    return dict(meta)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] (any JSON)


def _rows(path: Path) -> list[dict[str, str]]:
    """Read the lines; several targets become a JSON list, which tasks take for that."""
    rows: list[dict[str, str]] = []
    try:
        require_file(path, DATA)
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                row: dict[str, Any] = json.loads(line)
                several = row.get("targets")
                target = json.dumps(several, ensure_ascii=False) if several else row["target"]
                rows.append({"input": row["input"], "target": target})
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}, line {len(rows) + 1}, is no JSON object with input and target: {error!r}."
        ) from error
    return rows


def _scorer(meta: dict[str, Any], folder: Path) -> Any:
    metric = meta["metric"]
    if metric not in METRICS:
        raise DataError(f"{folder}: the metric {metric!r} is none of {', '.join(METRICS)}.")
    if metric == "exact_set":
        return exact_set
    if meta.get("labels"):
        return "choice"
    return "numeric" if meta.get("kind") == "arithmetic" else "exact"


def exact_set(output: str, example: Example) -> Score:
    """Score 1 when the answer lists what a target lists, in any order."""
    said = _items(output)
    if any(said == _items(target) for target in example.targets):
        return Score(1.0)
    wanted = _items(example.target)
    lacking, beyond = sorted(wanted - said), sorted(said - wanted)
    feedback = [f"missing: {', '.join(lacking)}"] if lacking else []
    feedback += [f"too many: {', '.join(beyond)[:200]}"] if beyond else []
    return Score(0.0, bool(said), f"Expected {example.target!r}; {'; '.join(feedback)}.")


def _items(text: str) -> frozenset[str]:
    plain = Exact().plain
    found = (plain(item) for item in re.split(r"[,;\n]|\band\b", text))
    return frozenset(item for item in found if item)
