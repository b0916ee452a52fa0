"""Chats of fine-tuning files as data: what becomes the input, the target, the seed prompt."""

import json
from pathlib import Path
from typing import Any

import pytest

from apo.data.cells import Row
from apo.data.chats import Chats, chat_column
from apo.drafting.draft import draft_task
from apo.drafting.from_data import guessed_task
from apo.drafting.write import write_draft
from apo.errors import DataError
from apo.taskfile.load import load_task

SYSTEM = "Say which team answers: bug or login."


def openai(i: int, system: str = SYSTEM) -> dict[str, Any]:
    turns = [("system", system), ("user", f"my ticket {i}"), ("assistant", ["bug", "login"][i % 2])]
    return {"messages": [{"role": role, "content": text} for role, text in turns if text]}


def sharegpt(i: int) -> dict[str, Any]:
    turns = [("system", SYSTEM), ("human", f"my ticket {i}"), ("gpt", ["bug", "login"][i % 2])]
    return {"id": f"c{i}", "conversations": [{"from": who, "value": text} for who, text in turns]}


def parts(i: int) -> dict[str, Any]:
    row = openai(i)
    for turn in row["messages"]:
        turn["content"] = [{"type": "text", "text": turn["content"]}]
    return row


@pytest.mark.parametrize("make", [openai, sharegpt, parts])
@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_chats_become_rows(make: Any, suffix: str, tmp_path: Path) -> None:
    rows = [make(i) for i in range(60)]
    path = tmp_path / f"ft{suffix}"
    text = json.dumps(rows) if suffix == ".json" else "\n".join(map(json.dumps, rows))
    path.write_text(text, "utf-8")
    draft = draft_task("t", path)
    assert "the assistant's last turn is the target" in " ".join(draft.explanations)
    assert "first try" not in " ".join(draft.explanations)
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert task.seed_prompts[0].instruction.strip() == SYSTEM
    assert task.labels == ("bug", "login")
    (field,) = task.input_fields
    assert task.train[0].inputs[field].startswith("my ticket ")


def test_from_python_and_without_a_system_turn() -> None:
    task = guessed_task([openai(i, "") for i in range(60)])
    assert "one of: bug, login" in task.seed_prompts[0].text()


def test_named_columns_are_meant() -> None:
    rows = [{**openai(i), "good": "yn"[i % 2]} for i in range(60)]
    task = guessed_task(rows, inputs="messages", target="good")
    assert task.input_fields == ("messages",)


def test_earlier_turns_are_part_of_the_input() -> None:
    turns = [("user", "hi"), ("assistant", "what is it?"), ("user", "a bug"), ("assistant", "bug")]
    told = [{"role": role, "content": text} for role, text in turns]
    (row,) = Chats("messages").rows([{"messages": json.dumps(told), "n": "1"}])
    assert row == {"input": json.dumps(told[:-1]), "target": "bug", "n": "1"}
    first = json.dumps([told[0], told[0], *told[1:]])  # Not in turn.
    (row,) = Chats("messages").rows([{"messages": first}])
    assert row["input"] == "user: hi\nuser: hi\nassistant: what is it?\nuser: a bug"


def test_calls_of_tools_are_told_and_preferences_have_one_right_answer() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    rows = [{"messages": [{"role": "user", "content": f"weather {i}"}, call]} for i in range(20)]
    with pytest.raises(DataError, match="such as a call of a tool"):
        guessed_task(rows)
    pairs = [{"prompt": f"say hi {i}", "chosen": f"Hello {i}", "rejected": f"No {i}"}
             for i in range(20)]  # fmt: skip
    task = guessed_task(pairs)
    assert task.input_fields == ("prompt",)
    assert task.train[0].target.startswith("Hello")


def test_rows_of_an_evaluation_in_mlflow_are_columns(tmp_path: Path) -> None:
    rows = [{"inputs": {"question": f"what is {i}?"},
             "expectations": {"expected_response": f"It is {i}."}} for i in range(20)]  # fmt: skip
    path = tmp_path / "eval.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    task = load_task(write_draft(draft_task("t", path), tmp_path / "t"))
    assert task.input_fields == ("question",)
    assert task.train[0].target.startswith("It is ")


def test_a_line_that_tells_excel_the_delimiter(tmp_path: Path) -> None:
    rows = "".join(f"text, {i};{'ab'[i % 2]};x\n" for i in range(20))
    (tmp_path / "d.csv").write_text(f"sep=;\ntext;label;more\n{rows}", "utf-8")
    task = load_task(write_draft(draft_task("t", tmp_path / "d.csv"), tmp_path / "t"))
    assert task.labels == ("a", "b")


def test_conversations_are_drafted_as_history() -> None:
    talk = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello?"}]
    asked = [f"where is my parcel {i}?" for i in range(60)]
    last = [[*talk, {"role": "user", "content": text}] for text in asked]
    team = [["bug", "login"][i % 2] for i in range(60)]
    chats = [{"messages": [*turns, {"role": "assistant", "content": "bug"}]} for turns in last]
    beside = [{"talk": talk if i % 3 else [], "asked": a, "team": team[i]}
              for i, a in enumerate(asked)]  # fmt: skip
    alone = [{"talk": turns, "team": t} for turns, t in zip(last, team, strict=True)]
    for rows, field, sent in ((chats, "input", 4), (beside, "talk", 4), (alone, "talk", 4)):
        task = guessed_task(rows)
        prompt = task.seed_prompts[0]
        assert prompt.history == field
        messages = [prompt.messages(example.inputs) for example in task.test]
        assert max(map(len, messages)) == sent
        assert messages[0][-1].content.startswith("where is my parcel")
    ended = [{"talk": [{"role": "user", "content": text}, talk[1]], "team": t}
             for text, t in zip(asked, team, strict=True)]  # fmt: skip
    (ends,) = guessed_task(ended).seed_prompts  # Nothing is asked that a turn could answer.
    assert not ends.history


def _row(*turns: dict[str, Any]) -> dict[str, str | None]:
    return {"messages": json.dumps([{"role": "system", "content": SYSTEM}, *turns])}


USER = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (_row(USER), "are user; a user's turn and then the assistant's right answer"),
        (_row({"role": "assistant", "content": "x"}), "are assistant; a user's turn"),
        (_row(USER, {"role": "assistant", "content": None}), "such as a call of a tool"),
        ({"messages": None}, "is no list of turns"),
        ({"messages": json.dumps(openai(1, "Other words.")["messages"])}, "all rows need the same"),
    ],
)
def test_what_is_no_task_is_told(row: dict[str, str | None], words: str) -> None:
    first: Row = {"messages": json.dumps(openai(1)["messages"])}
    with pytest.raises(DataError, match=words) as caught:
        list(Chats("messages").rows([first, row]))
    assert "row 2" in str(caught.value)
    assert '{"input": …, "target": …}' in str(caught.value)


@pytest.mark.parametrize("cell", ["hello", "[]", '["a", "b"]', None])
def test_other_columns_of_that_name_are_no_chats(cell: str | None) -> None:
    assert chat_column({"messages": cell}) is None


def test_pools_need_one_system_turn() -> None:
    pools = {"train": [openai(i) for i in range(9)], "test": [openai(9, "Other.")]}
    with pytest.raises(DataError, match="different system turns"):
        guessed_task(pools)
