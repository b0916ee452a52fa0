"""Rows that belong together are found: `init` writes the key, `check` tells pools that share."""

import csv
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from apo.checking.check import check
from apo.cli import app
from apo.data.together import continued, group_rank, repeats
from apo.drafting.draft import draft_task
from apo.drafting.from_data import guessed_task
from apo.drafting.write import write_draft
from apo.errors import DataError, TaskError
from apo.taskfile.load import load_task

SIGNS = {"billing": "invoice", "delivery": "parcel", "account": "password"}


def conversations(n: int = 68, key: str = "conversation_id") -> list[dict[str, str]]:
    rng = random.Random(8)
    found: list[dict[str, str]] = []
    for c in range(n):
        queue = rng.choice([*SIGNS])
        for turn in range(rng.randint(2, 6)):
            text = (
                f"My {SIGNS[queue]} is wrong since {rng.choice(['May', 'June'])}, no. {len(found)}"
            )
            found.append({key: f"c{c:03d}", "turn": str(turn + 1), "text": text, "queue": queue})
    return found


def saved(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)
    return path


def drafted(folder: Path, rows: Sequence[Mapping[str, str]]) -> tuple[dict[str, Any], str, Path]:
    draft = draft_task("t", saved(folder / "rows.csv", rows))
    path = write_draft(draft, folder / "t")
    return yaml.safe_load(draft.yaml), "\n".join(draft.explanations), path


def without_key(path: Path) -> Path:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("group:")), "utf-8")
    return path


@pytest.mark.parametrize(
    "key", ["conversation_id", "doc_id", "sessionId", "thread", "customers", "ticket_no", "대화ID",
            "고객", "template"],
)  # fmt: skip
def test_init_writes_the_key_and_pools_share_no_conversation(key: str, tmp_path: Path) -> None:
    settings, told, path = drafted(tmp_path, conversations(key=key))
    assert settings["group"] == key
    assert (settings["inputs"], settings["target"]) == (["text"], "queue")
    assert f"group: {key}. No pool shares a group" in told
    task = load_task(path)
    pools = [{e.group for e in pool} for pool in (task.train, task.validation, task.test)]
    assert len(set[str]().union(*pools)) == sum(map(len, pools)) == 68
    assert len(pools[2]) in range(25, 30)
    assert all(key not in e.inputs for e in task.train)


@pytest.mark.parametrize("key", ["id", "row_id", "label_id", "colour", "question"])
def test_other_columns_are_no_groups(key: str, tmp_path: Path) -> None:
    settings, told, _ = drafted(tmp_path, conversations(key=key))
    assert "group" not in settings
    assert "group" not in told


def test_names_and_values() -> None:
    assert group_rank("Conversation ID") == 0
    assert (group_rank("documents"), group_rank("docId")) == (7, 8)
    assert group_rank("text") is None
    assert repeats([3, 3, 3])
    assert not repeats([1] * 90 + [2] * 3)
    assert not repeats([50, 50])


def test_an_id_of_its_own_for_each_row_is_no_group(tmp_path: Path) -> None:
    rows = [{**row, "conversation_id": f"c{i}"} for i, row in enumerate(conversations())]
    settings, told, _ = drafted(tmp_path, rows)
    assert "group" not in settings
    assert "group" not in told


def test_few_values_are_told_and_left_to_the_user(tmp_path: Path) -> None:
    rows = [{**row, "conversation_id": f"c{i % 4}"} for i, row in enumerate(conversations())]
    settings, told, _ = drafted(tmp_path, rows)
    assert "group" not in settings
    assert "say group: conversation_id. So few groups prove little" in told


def test_a_second_column_is_told(tmp_path: Path) -> None:
    rows = [{**row, "customer": f"k{i // 9}"} for i, row in enumerate(conversations())]
    settings, told, _ = drafted(tmp_path, rows)
    assert settings["group"] == "conversation_id"
    assert "say group: customer." in told


# --- what check says ----------------------------------------------------------------------------


def checked(path: Path) -> str:
    result = CliRunner().invoke(app, ["check", str(path.parent)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return " ".join(result.output.split())


def test_check_tells_conversations_in_several_pools_with_the_line_to_write(tmp_path: Path) -> None:
    _, _, path = drafted(tmp_path, conversations())
    kept = checked(path)
    assert "stand in several pools" not in kept
    assert "('conversation_id') stay together; the groups: train " in kept
    assert "test 27, of 2 to 6 rows" in kept
    told = checked(without_key(path))
    assert "warning Rows with one 'conversation_id' stand in several pools: " in told
    assert "Say in task.yaml: group: conversation_id" in told


def test_check_says_what_groups_can_prove(tmp_path: Path) -> None:
    _, _, path = drafted(tmp_path, conversations())
    texts = [finding.text for finding in check(load_task(path))]
    assert any("test examples in 27 groups, a gain of about 1" in text for text in texts)
    (tmp_path / "few").mkdir()
    _, _, few = drafted(tmp_path / "few", conversations(12))
    few.write_text(few.read_text("utf-8") + "\ngroup: conversation_id\n", "utf-8")
    texts = [finding.text for finding in check(load_task(few))]
    assert any("which can prove no gain, however large" in text for text in texts)


def test_a_growing_history_is_seen(tmp_path: Path) -> None:
    rows: list[dict[str, str]] = []
    for row in conversations():
        before = rows[-1]["dialog"] + "\nAgent: I see.\n" if row["turn"] != "1" else ""
        rows.append({"dialog": f"{before}User: {row['text']}", "queue": row["queue"]})
    settings, told, path = drafted(tmp_path, rows)
    assert "group" not in settings
    assert "inputs are continued by another one" in told
    assert "warning Inputs that an input of another pool continues: " in checked(path)


def test_histories_as_json_and_short_texts() -> None:
    turns = [{"role": "user", "content": f"what is number {i}?"} for i in range(4)]
    histories = [json.dumps(turns[: i + 1]) for i in range(4)]
    assert len([*continued(histories)]) == 3
    assert not [*continued(["yes", "yes please", "no"])]
    assert not [*continued(["the order has the number 12", "the order has the number 123"])]


def test_a_document_that_pools_share_is_seen(tmp_path: Path) -> None:
    long = [f"Document {i} says at length what nobody has asked it, and then some. " * 3
            for i in range(12)]  # fmt: skip
    rows = [{"passage": long[i % 12], "question": f"what does line {i} say to the reader?",
             "answer": ("yes", "no")[i % 2]} for i in range(120)]  # fmt: skip
    path = saved(tmp_path / "rows.csv", rows)
    text = ("name: t\ninputs: [passage, question]\ntarget: answer\nlabels: ['yes', 'no']\n"
            f"data: {path.name}\nprompt: Say yes or no.\n")  # fmt: skip
    (tmp_path / "task.yaml").write_text(text, "utf-8")
    told = checked(tmp_path / "task.yaml")
    assert "Long texts of 'passage' that stand in several pools: 12" in told
    (tmp_path / "task.yaml").write_text(f"{text}group: passage\n", "utf-8")
    assert "several pools" not in checked(tmp_path / "task.yaml")
    assert all(e.group == e.inputs["passage"].strip() for e in load_task(tmp_path).train)


# --- the key ------------------------------------------------------------------------------------


def task_of(folder: Path, rows: Sequence[Mapping[str, str]], more: str) -> Path:
    saved(folder / "rows.csv", rows)
    path = folder / "task.yaml"
    text = "name: t\ninputs: [text]\ntarget: queue\ndata: rows.csv\nprompt: Which queue?\n"
    path.write_text(text + more, "utf-8")
    return path


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("group: conversation\n", "no column 'conversation'. Did you mean 'conversation_id'"),
        ("group: queue\n", "group is 'queue', which says something else already"),
        ("group: turn\nsplit: {column: turn}\n", "group is 'turn', which says something else"),
        ("group: [turn, 3]\n", '3 is not a text; put it in quotes: "3"'),
        ("groups: turn\n", "Did you mean 'group'"),
    ],
)
def test_a_key_that_cannot_be(more: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError) as error:
        load_task(task_of(tmp_path, conversations(), more))
    assert words in str(error.value)


# --- pools that a column names --------------------------------------------------------------------


def with_pools(names: Sequence[str], column: str = "split") -> list[dict[str, str]]:
    return [{**row, column: names[int(row["conversation_id"][1:]) % len(names)]}
            for row in conversations()]  # fmt: skip


POOLS = [["train", "eval", "holdout"], ["Train", "Dev", "Test"], ["TRAINING", "val", "held-out"],
         ["학습", "검증", "시험"], ["훈련용", "검증용", "테스트"]]  # fmt: skip


@pytest.mark.parametrize("names", POOLS)
def test_pools_by_any_usual_name(names: list[str], tmp_path: Path) -> None:
    rows = with_pools(names)
    path = task_of(tmp_path, rows, "split: {column: split}\ngroup: conversation_id\n")
    task = load_task(path)
    assert len(task.test) == sum(row["split"] == names[2] for row in rows)
    (tmp_path / "again").mkdir()
    assert drafted(tmp_path / "again", rows)[0]["split"] == {"column": "split"}


@pytest.mark.parametrize("names", [*POOLS, ["train", "test", "train"]])
@pytest.mark.parametrize("column", ["split", "usage"])
def test_a_column_of_pools_that_is_not_used_is_asked_about(
    names: list[str], column: str, tmp_path: Path
) -> None:
    rows = with_pools(names, column)
    with pytest.raises(DataError, match=f"The column '{column}' says which pool each row is for"):
        load_task(task_of(tmp_path, rows, ""))
    anew = load_task(task_of(tmp_path, rows, "split: {fractions: {train: 0.5, test: 0.3}}\n"))
    assert any("all rows are shared out anew" in note for note in anew.notes)


def test_fold_numbers_are_told_or_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = with_pools(["0", "1", "2", "3", "4"], "fold")
    task = load_task(task_of(tmp_path, rows, ""))
    assert "The column 'fold' ('0', '1', '2', '3', '4') is not used" in "\n".join(task.notes)
    assert "is not used: all rows are shared out anew" in caplog.text
    with pytest.raises(DataError, match="That is a number, as of a fold, and says no pool"):
        load_task(task_of(tmp_path, rows, "split: {column: fold}\n"))


def test_columns_that_say_something_else_are_left_alone(tmp_path: Path) -> None:
    rows = [{**row, "train": "train", "set": f"set {i}"} for i, row in enumerate(conversations())]
    notes = load_task(task_of(tmp_path, rows, "")).notes
    assert not any("is not used" in note for note in notes)


def test_init_leaves_the_key_to_the_user_where_the_data_give_the_pools(tmp_path: Path) -> None:
    settings, told, path = drafted(tmp_path, with_pools(["train", "dev", "test"]))
    assert settings["split"] == {"column": "split"}
    assert "group" not in settings
    assert "say group: conversation_id, and the verdict counts groups" in told
    said = checked(path)
    assert "note The values of 'conversation_id' come again, and no pool shares one (68)" in said
    rows = conversations()
    pools = {"train": rows[:90], "test": rows[90:]}  # A conversation may stand in both.
    assert guessed_task(pools).test


def test_a_split_column_that_divides_a_conversation_is_an_error(tmp_path: Path) -> None:
    rows = [{**row, "split": ("train", "dev", "test")[i % 3]}
            for i, row in enumerate(conversations())]  # fmt: skip
    path = task_of(tmp_path, rows, "split: {column: split}\ngroup: conversation_id\n")
    with pytest.raises(DataError, match=r"The group 'c000' \('conversation_id'\) stands in"):
        load_task(path)
