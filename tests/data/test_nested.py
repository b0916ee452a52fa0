"""Columns within objects and lists, named by a path."""

import json
from pathlib import Path

import pytest
import yaml

from apo.data.nested import text_path, with_paths
from apo.drafting.draft import draft_task
from apo.drafting.format import Wanted
from apo.errors import DataError
from apo.taskfile.load import load_task

ROW = {
    "answers": '{"text": ["Rom", "Roma"], "answer_start": [3, 3]}',
    "turns": '[{"role": "user", "content": "안녕"}, {"role": "assistant", "content": "네"}]',
    "a.b": "plain",
    "deep.er": '{"x": {"y": 1.5, "z": null}}',
    "note": "no object",
    "none": None,
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("answers.text", '["Rom", "Roma"]'),
        ("answers.text.0", "Rom"),
        ("answers.text.-1", "Roma"),
        ("answers.text.2", None),
        ("answers.other", None),
        ("turns.1.content", "네"),
        ("turns.content", '["안녕", "네"]'),
        ("turns.content.0", "[null, null]"),  # Of each text its item 0, which there is not.
        ("a.b", "plain"),
        ("deep.er.x.y", "1.5"),
        ("deep.er.x.z", None),
        ("deep.er.x.y.z", None),
        ("none.x", None),
    ],
)
def test_what_a_path_leads_to(path: str, expected: str | None) -> None:
    assert with_paths(ROW, [path])[path] == expected


@pytest.mark.parametrize("path", ["note.x", "gone.x", "answers"])
def test_what_is_no_path_stays_out(path: str) -> None:
    assert with_paths(ROW, [path]) == ROW


def test_the_texts_beside_their_places() -> None:
    assert text_path([ROW["answers"], None, '{"text": [], "answer_start": []}']) == "text"
    assert text_path(['{"text": ["a"], "other": ["b"], "n": [1]}']) == ""
    assert text_path(['{"text": "a", "n": 1}', "x"]) == text_path([None]) == ""


def write(path: Path) -> Path:
    rows = [
        {"id": i, "question": f"Wo liegt die Stadt {i}?", "meta": {"lang": "de"}}
        | {"answers": {"text": [f"Land {i}", f"Staat {i}"], "answer_start": [i, i]}}
        for i in range(30)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_a_draft_finds_the_answers_and_the_task_reads_them(tmp_path: Path) -> None:
    data = write(tmp_path / "qa.jsonl")
    draft = draft_task("qa", data)
    settings = yaml.safe_load(draft.yaml)
    assert (settings["target"], settings["scorer"]) == ("answers.text", "exact")
    assert "give the answers." in settings["prompt"]
    (tmp_path / "task.yaml").write_text(draft.yaml)
    example = load_task(tmp_path).train[0]
    assert example.targets[0].replace("Land", "Staat") == example.targets[1]


def test_a_path_that_leads_to_nothing_is_told(tmp_path: Path) -> None:
    data = write(tmp_path / "qa.jsonl")
    with pytest.raises(DataError, match=r"'answers\.txt' leads to nothing in the first 30 rows"):
        draft_task("qa", data, Wanted(inputs=["question"], target="answers.txt"))
    with pytest.raises(DataError, match=r"no column 'answer\.text'\. Did you mean 'answers'"):
        draft_task("qa", data, Wanted(inputs=["question"], target="answer.text"))
