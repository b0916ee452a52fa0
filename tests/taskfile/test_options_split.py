"""Multiple choice and columns of pools: what is used is right, and the rest is told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from apo.checking.check import check
from apo.drafting.draft import draft_task
from apo.drafting.format import Wanted
from apo.drafting.write import write_draft
from apo.errors import DataError
from apo.prompts.prompt import Prompt
from apo.scorers.choice import Choice
from apo.scorers.multiple_choice import MultipleChoice
from apo.scorers.text import Exact
from apo.task import Example, Task
from apo.taskfile.load import load_task

TEXTS = ["a red one", "a blue one", "a green one"]


def asked(options: Any, keys: list[Any], column: str = "choices", key: str = "answer") -> Any:
    return [
        {"question": f"what is number {i}?", column: options, key: keys[i % 3]} for i in range(60)
    ]


def saved(path: Path, rows: Any) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


@pytest.mark.parametrize(
    "rows",
    [
        asked({"text": TEXTS, "label": ["A", "B", "C"]}, ["A", "B", "C"], key="answerKey"),
        asked({"text": TEXTS, "label": ["1", "2", "3"]}, ["1", "2", "3"], key="answerKey"),
        asked(TEXTS, [0, 1, 2]),
        asked(TEXTS, [1, 2, 3], key="label"),
        asked(TEXTS, TEXTS, column="options"),
    ],
)
def test_options_stand_in_the_question(rows: Any, tmp_path: Path) -> None:
    draft = draft_task("t", saved(tmp_path / "d.jsonl", rows))
    assert "each after a letter" in draft.explanations[0]
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert task.labels == ("A", "B", "C")
    assert type(task.scorer) is MultipleChoice
    for example in task.train:
        text = example.inputs["question"]
        assert text.endswith("\n\nA. a red one\nB. a blue one\nC. a green one")
        number = int(text.partition("?")[0].split()[-1])
        assert example.target == "ABC"[number % 3]


@pytest.mark.parametrize(
    ("options", "keys", "words"),
    [
        (TEXTS, ["A", "B", "D"], "do not all name an option"),
        (TEXTS, [1, 1, 2], "could name two options"),
        (["2", "1", "0"], [0, 1, 2], "could name two options"),
    ],
)
def test_keys_that_are_not_clear_stop(
    options: Any, keys: list[Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=f"{words}.*leave 'choices' out"):
        draft_task("t", saved(tmp_path / "d.jsonl", asked(options, keys)))


def test_lists_that_are_no_options_stay(tmp_path: Path) -> None:
    rows = asked(["red", "blue"], ["bug", "login", "bug"], column="options", key="label")
    draft = draft_task("t", saved(tmp_path / "d.jsonl", rows))
    assert (draft.rows, "Not used: options." in draft.explanations) == ((), True)


WAYS: list[tuple[list[str], list[Any], str]] = [
    (["question", "A", "B", "C", "answer"], ["A", "B", "C"], "multiple_choice"),
    (["question", "option_a", "option_b", "option_c", "answer"], [*TEXTS], "of 'option_"),
    (["text", "choice0", "choice1", "choice2", "label"], [0, 1, 2], "'choice0', 'choice1'"),
    (["문제", "보기1", "보기2", "보기3", "정답"], [1, 2, 3], "'보기1', '보기2'"),
]


@pytest.mark.parametrize(("names", "keys", "said"), WAYS)
def test_options_in_columns_of_their_own(
    names: list[str], keys: list[Any], said: str, tmp_path: Path
) -> None:
    cells = [[f"which is {i}?", *TEXTS, keys[i % 3]] for i in range(60)]
    frame = [dict(zip(names, row, strict=True)) for row in cells]
    draft = draft_task("t", saved(tmp_path / "d.jsonl", frame))
    assert said in " ".join(draft.explanations)
    task = load_task(write_draft(draft, tmp_path / "t"))
    example = task.train[0]
    number = int(example.inputs[names[0]].partition("?")[0].split()[-1])
    assert example.inputs[names[0]].endswith("A. a red one\nB. a blue one\nC. a green one")
    assert task.scorer(TEXTS[number % 3], example).value == 1
    assert task.scorer(f"{'ABC'[number % 3]}. {TEXTS[number % 3 - 1]}", example).value == 0


@pytest.mark.parametrize(
    ("form", "targets", "scorer"),
    [
        ("\nA. {}\nB. {}\nC. {}", ["A", "B", "C"], "scorer: multiple_choice"),
        ("\nOptions:\n(A) {}\n(B) {}\n(C) {}", ["(A)", "(B)", "(C)"], "scorer: multiple_choice"),
        (" ① {} ② {} ③ {}", ["1", "2", "3"], "scorer: multiple_choice"),
        ("\nA. {}\nB. {}\nC. {}", TEXTS, "scorer: multiple_choice"),
        ("\nA. {}\nB. {}\nC. {}", ["0", "1", "2"], "first: 0"),
        ("\nA. {}\nB. {}\nC. {}", ["bug", "login", "A"], "scorer: choice"),
    ],
)
def test_options_in_the_text_are_seen(
    form: str, targets: list[str], scorer: str, tmp_path: Path
) -> None:
    rows = [
        {"question": f"number {i}?" + form.format(*TEXTS), "answer": targets[i % 3]}
        for i in range(60)
    ]
    draft = draft_task("t", saved(tmp_path / "d.jsonl", rows))
    assert scorer in draft.yaml
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert all(task.takes_target(example) for example in task.train)


def test_fields_that_hold_the_options_are_named(tmp_path: Path) -> None:
    rows = [
        {"q": f"number {i}?", **dict(zip("abc", TEXTS, strict=True)), "key": "abc"[i % 3]}
        for i in range(60)
    ]
    wanted = Wanted(inputs=("q", "a", "b", "c"), target="key")
    draft = draft_task("t", saved(tmp_path / "d.jsonl", rows), wanted)
    assert "options: [a, b, c]" in draft.yaml
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert all(task.takes_target(example) for example in task.train)


def test_two_texts_and_a_label_are_no_options(tmp_path: Path) -> None:
    rows = [{"text": f"pair {i}", "a": f"x {i}", "b": f"y {i}", "label": i % 2} for i in range(60)]
    assert "scorer: choice" in draft_task("t", saved(tmp_path / "d.jsonl", rows)).yaml


def mc_task(options: list[str], targets: str) -> Task:
    def pool(start: int) -> tuple[Example, ...]:
        listed = "\n".join(f"{'ABCD'[n]}. {text}" for n, text in enumerate(options))
        numbers = range(start, start + 60)
        return tuple(
            Example({"q": f"number {n}?\n{listed}"}, (targets[n % len(targets)],)) for n in numbers
        )

    return Task(
        name="t",
        scorer=MultipleChoice(),
        seed_prompts=(Prompt("Choose."),),
        input_fields=("q",),
        train=pool(0),
        validation=pool(100),
        test=pool(200),
        labels=("A", "B", "C"),
    )


@pytest.mark.parametrize(
    ("options", "targets", "level", "words"),
    [
        (TEXTS, "ABC", "ok", "Inputs hold 3 options; option 1 is right in 33 % of the rows"),
        (TEXTS, "AAAAAB", "warning", "option 1 is right in 83 % of the rows: who always says it"),
        (["red", "Red.", "blue"], "ABC", "warning", "the same option twice: 180 (such as 'red'"),
    ],
)
def test_check_looks_at_the_options(
    options: list[str], targets: str, level: str, words: str
) -> None:
    found = [finding for finding in check(mc_task(options, targets)) if words in finding.text]
    assert [finding.level for finding in found] == [level]
    assert not any("does not name 'A'" in f.text for f in check(mc_task(options, targets)))


@pytest.mark.parametrize("scorer", [Choice(labels=("A", "B", "C")), Exact()])
def test_check_proposes_the_scorer_of_options(scorer: Any) -> None:
    task = replace(mc_task(TEXTS, "ABC"), scorer=scorer)
    assert any("scorer: multiple_choice takes" in finding.text for finding in check(task))
    plain = [Example({"q": f"number {n}"}, ("ABC"[n % 3],)) for n in range(60)]
    bare = replace(task, train=plain, validation=plain[:9], test=())
    assert not any("multiple_choice" in finding.text for finding in check(bare))


def parted(path: Path, values: list[str], name: str = "split") -> Path:
    rows = [
        {"text": f"ticket number {i}", "kind": "ab"[i % 2], name: values[i // 2 % len(values)]}
        for i in range(120)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "values",
    [["train", "val", "holdout"], ["Train", "Dev", "Test"], ["training", "eval", "held-out"]],
)
def test_usual_names_of_pools_are_used(values: list[str], tmp_path: Path) -> None:
    draft = draft_task("t", parted(tmp_path / "d.csv", values))
    assert f"{values[1]} is validation" in " ".join(draft.explanations)
    assert not any("Not used" in text for text in draft.explanations)
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert [len(pool) for pool in (task.train, task.validation, task.test)] == [40, 40, 40]


@pytest.mark.parametrize("values", [["train", "blind"], ["train", "test", "x"]])
def test_values_that_name_no_pool_stop(values: list[str], tmp_path: Path) -> None:
    path = parted(tmp_path / "d.csv", values)
    with pytest.raises(DataError, match=r"not all its values are clear.*name --input and --target"):
        draft_task("t", path)
    draft = draft_task("t", path, Wanted(inputs=["text"], target="kind"))
    assert "all rows are shared out anew" in " ".join(draft.explanations)


@pytest.mark.parametrize("name", ["fold", "split", "Subset"])
def test_fold_numbers_are_told(name: str, tmp_path: Path) -> None:
    draft = draft_task("t", parted(tmp_path / "d.csv", ["0", "1", "2"], name))
    assert f"The column {name!r} ('0', '1', '2') is not used" in " ".join(draft.explanations)
