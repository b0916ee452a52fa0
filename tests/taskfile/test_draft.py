"""Drafting a task: sensible guesses, said in words, and a task.yaml that loads."""

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from apo.drafting.draft import Draft, draft_task
from apo.drafting.format import Wanted
from apo.drafting.write import write_draft
from apo.errors import DataError, TaskError
from apo.scorers.registry import Choice, Exact, JsonFields, Numeric, TokenF1
from apo.task import Task
from apo.taskfile.load import load_task
from apo.taskfile.places import builtin_tasks

TASKS = Path(__file__).parents[2] / "tasks"
Rows = list[dict[str, Any]]


def save(path: Path, rows: Rows, encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def made(draft: Draft, folder: Path) -> Task:
    return load_task(write_draft(draft, folder))


def tickets(n: int = 120) -> Rows:
    return [{"id": i, "text": f"ticket number {i} says", "kind": "ab"[i % 2]} for i in range(n)]


def test_guesses_for_a_classification(tmp_path: Path) -> None:
    draft = draft_task("t", save(tmp_path / "d.csv", tickets()))
    settings = yaml.safe_load(draft.yaml)
    assert settings["inputs"] == ["text"]
    assert settings["target"] == "kind"
    assert settings["labels"] == ["a", "b"]
    assert "a, b" in settings["prompt"]
    words = " ".join(draft.explanations)
    assert "The target is taken to be 'kind', as few values" in words
    assert "Not used: id." in words
    task = made(draft, tmp_path / "t")
    assert task.scorer == Choice(labels=("a", "b"))


@pytest.mark.parametrize(
    ("targets", "scorer"),
    [
        ([f"{i},{i:03}" for i in range(1, 40)], Numeric()),
        ([json.dumps({"a": i, "b": None}) for i in range(39)], JsonFields()),
        ([f"name {i}" for i in range(39)], Exact()),
        ([f"a long answer in free words about the topic number {i}" for i in range(39)], TokenF1()),
    ],
)
def test_the_scorer_follows_the_target(tmp_path: Path, targets: list[str], scorer: Any) -> None:
    rows: Rows = [{"q": f"question {i} ?", "answer": t} for i, t in enumerate(targets)]
    draft = draft_task("t", save(tmp_path / "d.csv", rows), Wanted(inputs=["q"], target="answer"))
    assert made(draft, tmp_path / "t").scorer == scorer


def test_korean_data_get_a_korean_prompt(tmp_path: Path) -> None:
    rows: Rows = [
        {"리뷰": f"배송이 빨라요 {i}", "감성": ["긍정", "부정"][i % 2]} for i in range(40)
    ]
    draft = draft_task("리뷰", save(tmp_path / "d.csv", rows))
    task = made(draft, tmp_path / "t")
    assert task.language == "ko"
    assert task.input_fields == ("리뷰",)
    assert "다음 리뷰를 읽고 감성을 골라 주세요" in task.seed_prompts[0].instruction


def test_other_scripts_leave_the_language_open(tmp_path: Path) -> None:
    rows: Rows = [
        {"текст": f"очень хорошо {i}", "label": "да" if i % 2 else "нет"} for i in range(40)
    ]
    draft = draft_task("t", save(tmp_path / "d.csv", rows))
    assert yaml.safe_load(draft.yaml)["language"] == "und"
    assert "The language is not known; set `language`." in draft.explanations


def test_japanese_is_told_by_its_kana(tmp_path: Path) -> None:
    rows: Rows = [{"本文": f"とても良い品 {i}", "部署": ["駐車", "騒音"][i % 2]} for i in range(40)]
    draft = draft_task("t", save(tmp_path / "d.csv", rows))
    assert yaml.safe_load(draft.yaml)["language"] == "ja"
    assert any("Japanese; the seed prompt" in words for words in draft.explanations)


def test_other_sheets_are_told(tmp_path: Path) -> None:
    frame, path = pd.DataFrame(tickets(40)), tmp_path / "d.xlsx"
    writer: Any = pd.ExcelWriter
    with writer(path) as book:
        frame.to_excel(book, sheet_name="Data", index=False)
        frame.head(0).to_excel(book, sheet_name="Cover", index=False)
    assert any("and not 'Cover'. To have" in words for words in draft_task("t", path).explanations)
    with writer(path) as book:
        frame.head(0).to_excel(book, sheet_name="Cover", index=False)
        frame.to_excel(book, sheet_name="Data", index=False)
    with pytest.raises(DataError, match=r"header at most.*not 'Data'. To have another one"):
        draft_task("t", path)


def test_cp949_is_found_out_and_copied_as_utf_8(tmp_path: Path) -> None:
    rows: Rows = [{"본문": f"좋은 물건 {i}", "라벨": ["예", "아니오"][i % 2]} for i in range(40)]
    source = save(tmp_path / "d.csv", rows, "cp949")
    before = source.read_bytes()
    draft = draft_task("t", source)
    assert any("cp949" in words for words in draft.explanations)
    made(draft, tmp_path / "t")
    assert "좋은 물건" in (tmp_path / "t" / "d.csv").read_text(encoding="utf-8")
    assert source.read_bytes() == before


def test_western_text_is_not_taken_for_korean(tmp_path: Path) -> None:
    rows: Rows = [
        {"text": f"Größe für Käse {i}", "label": "ä" if i % 2 else "b"} for i in range(40)
    ]
    draft = draft_task("t", save(tmp_path / "d.csv", rows, "latin-1"))
    assert "That the file is cp1252 is a guess" in " ".join(draft.explanations)
    assert made(draft, tmp_path / "t").labels == ("b", "ä")


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet", ".jsonl", ".json", ".tsv"])
def test_other_kinds_of_files(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame(tickets(40))
    path = tmp_path / f"d{suffix}"
    writers: dict[str, Any] = {
        ".xlsx": lambda: frame.to_excel(path, index=False),
        ".parquet": lambda: frame.to_parquet(path),
        ".jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        ".json": lambda: frame.to_json(path, orient="records"),
        ".tsv": lambda: frame.to_csv(path, sep="\t", index=False),
    }
    writers[suffix]()
    assert len(made(draft_task("t", path), tmp_path / "t").train) == 16


def test_numbers_and_short_texts_as_targets(tmp_path: Path) -> None:
    sums: Rows = [{"id": i, "question": f"what is {i} and {i} ?", "sum": 2 * i} for i in range(40)]
    draft = draft_task("t", save(tmp_path / "sums.csv", sums))
    assert "The target is taken to be 'sum', as it holds numbers." in draft.explanations
    pairs: Rows = [{"word": f"word {i} of some length", "opposite": f"w{i}x"} for i in range(40)]
    draft = draft_task("t", save(tmp_path / "pairs.csv", pairs))
    assert any("'opposite', as its texts are the shortest" in w for w in draft.explanations)


def test_utf_16_is_found_out(tmp_path: Path) -> None:
    draft = draft_task("t", save(tmp_path / "d.csv", tickets(), "utf-16"))
    assert len(made(draft, tmp_path / "t").train) == 48


def test_a_column_of_pools_is_used(tmp_path: Path) -> None:
    rows = [{**row, "split": ["train", "dev", "test"][i % 3]} for i, row in enumerate(tickets(90))]
    task = made(draft_task("t", save(tmp_path / "d.csv", rows)), tmp_path / "t")
    assert (len(task.train), len(task.validation), len(task.test)) == (30, 30, 30)


def test_several_inputs(tmp_path: Path) -> None:
    rows: Rows = [
        {"context": f"some text {i}", "question": f"what is {i} ?", "answer": f"it is {i}"}
        for i in range(40)
    ]
    task = made(draft_task("t", save(tmp_path / "d.csv", rows)), tmp_path / "t")
    assert task.input_fields == ("context", "question")


def test_awkward_names_and_labels(tmp_path: Path) -> None:
    rows: Rows = [{"a{b}: #c": f"text {i}", "yes/no": ["yes", "no"][i % 2]} for i in range(40)]
    task = made(draft_task("t", save(tmp_path / "d.csv", rows)), tmp_path / "t")
    assert task.input_fields == ("input1",)
    assert task.labels == ("no", "yes")


def test_labels_that_differ_in_case_alone(tmp_path: Path) -> None:
    rows: Rows = [{"text": f"text {i}", "label": ["Yes", "yes", "no"][i % 3]} for i in range(60)]
    draft = draft_task("t", save(tmp_path / "d.csv", rows))
    assert any("differ only in upper and lower case" in words for words in draft.explanations)
    assert made(draft, tmp_path / "t").labels == ("Yes", "no", "yes")


def test_labels_with_a_full_stop_stand_in_quotes(tmp_path: Path) -> None:
    rows: Rows = [{"text": f"text {i}", "label": ["no", "yes."][i % 2]} for i in range(60)]
    task = made(draft_task("t", save(tmp_path / "d.csv", rows)), tmp_path / "t")
    assert 'It is one of: "no", "yes.".' in task.seed_prompts[0].text()


def test_the_rule_of_a_markdown_table_is_no_row(tmp_path: Path) -> None:
    rows = "".join(f"| text {i} | {'yn'[i % 2]} |\n" for i in range(60))
    (tmp_path / "d.md").write_text(f"| text | label |\n|:---|---:|\n{rows}", "utf-8")
    assert made(draft_task("t", tmp_path / "d.md"), tmp_path / "t").labels == ("n", "y")


def test_warnings(tmp_path: Path) -> None:
    rows: Rows = [
        {"text": f"text {i % 28}", "label": "b" if i % 10 == 0 else "a"} for i in range(30)
    ]
    rows += [{"text": "more text", "label": ""}]
    words = " ".join(draft_task("t", save(tmp_path / "d.csv", rows)).explanations)
    assert "Rows with a target: only 30" in words
    assert "Rows without a target: 1" in words
    assert "unbalanced: 'a' 27 times, 'b' 3" in words
    assert "Rows that repeat the input of another row: 2" in words


@pytest.mark.parametrize(
    ("inputs", "target", "words"),
    [
        (["txt"], "kind", "no column 'txt'. Did you mean 'text'"),
        (["text"], "knid", "no column 'knid'. Did you mean 'kind'"),
        (["text"], "text", "cannot be both"),
    ],
)
def test_wrong_columns(tmp_path: Path, inputs: list[str], target: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        draft_task(
            "t", save(tmp_path / "d.csv", tickets()), Wanted(inputs=inputs or (), target=target)
        )


@pytest.mark.parametrize("text", ["a\nx\n", "a,b\n", "", "a,b\n1\n"])
def test_unusable_data(tmp_path: Path, text: str) -> None:
    path = tmp_path / "d.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError):
        draft_task("t", path)


def test_unusable_names(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="name is 'a/b'"):
        draft_task("a/b", save(tmp_path / "d.csv", tickets()))
    with pytest.raises(DataError, match="no data file"):
        draft_task("t", tmp_path / "none.csv")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    draft = draft_task("t", save(tmp_path / "d.csv", tickets()))
    folder = tmp_path / "t"
    folder.mkdir()
    (folder / "d.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(TaskError, match="is there already"):
        write_draft(draft, folder)
    assert (folder / "d.csv").read_text("utf-8") == "mine"
    assert not (folder / "task.yaml").exists()
    write_draft(draft, tmp_path / "u")
    with pytest.raises(TaskError, match="is there already"):
        write_draft(draft, tmp_path / "u")


def test_data_in_the_folder_is_used_in_place(tmp_path: Path) -> None:
    rows: Rows = [{"본문": f"좋은 물건 {i}", "라벨": ["예", "아니오"][i % 2]} for i in range(40)]
    draft = draft_task("t", save(tmp_path / "d.csv", rows, "cp949"))
    assert made(draft, tmp_path).labels == ("아니오", "예")


UNGUESSED = {  # No column shows how these are judged.
    "library-sql",
    "passages",
    "polite-ko",
    "shop-chat-ko",
    "short-summaries",
    "small-functions",
    "spelling-ko",
}


@pytest.mark.parametrize("name", [name for name in builtin_tasks() if name not in UNGUESSED])
def test_the_built_in_data_give_tasks_that_load(name: str, tmp_path: Path) -> None:
    files = [p for p in (TASKS / name).iterdir() if p.suffix in (".csv", ".jsonl")]
    task = made(draft_task(name, files[0]), tmp_path / name)
    builtin = load_task(name)
    assert set(task.labels) == set(builtin.labels)
    assert type(task.scorer) is type(builtin.scorer)
    assert task.language == builtin.language
