"""People's ratings read from a file: columns, scales, and what cannot be understood."""

import csv
from pathlib import Path
from typing import Any

import pytest

from apo.assessment.ratings import Ratings, read_ratings
from apo.errors import DataError
from apo.prompts.prompt import Prompt
from apo.scorers.registry import Exact
from apo.task import Example, Task

KNOWN = Example({"text": "배송이 늦어요"}, ("죄송합니다", "미안합니다"))
TASK = Task(
    name="t",
    scorer=Exact(),
    seed_prompts=(Prompt("Say."),),
    train=(KNOWN,),
    validation=(),
    input_fields=("text",),
)
COLUMNS = ({"text": "문의"}, ("모범",))


def read(folder: Path, rows: list[dict[str, Any]], **given: Any) -> Ratings:
    """Write the rows as a CSV file, and read them."""
    path = folder / "rated.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return read_ratings(path, TASK, COLUMNS, **given)


def rows(*ratings: str) -> list[dict[str, str]]:
    """A row for each rating."""
    return [
        {"문의": f"질문 {{{i}}} 😀", "모범": "답", "답변": f"말 {i}", "평가": rating}
        for i, rating in enumerate(ratings)
    ]


@pytest.mark.parametrize(
    ("ratings", "scale", "values", "words", "two"),
    [
        (["1", "3", "5"], (1, 5), [0, 0.5, 1], "1 to 5", False),
        (["1", "1", "1"], (1, 5), [0, 0, 0], "1 to 5", False),
        (["1", "2.5"], (1, 4), [0, 0.5], "1 to 4", False),
        (["-1", "1"], (-1, 1), [0, 1], "-1 to 1", False),
        (["0", "1"], (1, 5), [0, 1], "0 and 1", True),
        (["0.2", "1", "1e-1"], (1, 5), [0.2, 1, 0.1], "shares", False),
        (["0.2", "1"], None, [0.2, 1], "shares", False),
        (["yes", "NO", " Yes "], None, [1, 0, 1], "yes or no", True),
        (["예", "아니오"], (1, 5), [1, 0], "yes or no", True),
        (["win", "tie", "loss"], None, [1, 0.5, 0], "yes or no", False),
    ],
)
def test_scales(
    tmp_path: Path, ratings: list[str], scale: Any, values: list[float], words: str, two: bool
) -> None:
    found = read(tmp_path, rows(*ratings), scale=scale)
    assert list(found.values) == pytest.approx(values)
    assert words in found.scale
    assert found.two is two


@pytest.mark.parametrize(
    ("ratings", "words"),
    [
        (["1", "7"], "from 1 to 7.* or from 1 to 5"),
        (["-1", "0"], "from -1 to 0"),
        (["4", "yes"], "numbers and words are mixed"),
        (["4", "nan"], "'nan' is no number"),
        (["inf", "1"], "'inf' is no number"),
        (["4", "훌륭"], "'훌륭' is no number"),
        (["4점"], "예 or 아니오"),
        (["", " "], "no rating that can be used: 2 without a rating"),
    ],
)
def test_ratings_that_cannot_be_understood(tmp_path: Path, ratings: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(tmp_path, rows(*ratings), scale=(1, 5))


def test_rows_without_something_are_left_out_and_counted(tmp_path: Path) -> None:
    given = rows("1", "", "2")
    given[2]["모범"] = ""
    found = read(tmp_path, given, scale=(1, 5))
    assert len(found.answers) == 1
    assert found.notes == (
        "1 row without a rating was left out.",
        "1 row without a target was left out.",
    )
    assert len(read(tmp_path, given, scale=(1, 5), needs_target=False).answers) == 2


def test_the_task_knows_the_targets_of_its_own_inputs(tmp_path: Path) -> None:
    found = read(tmp_path, [{"문의": "배송이 늦어요", "output": "네", "score": "1"}])
    assert found.examples == (KNOWN,)
    assert found.answers == ("네",)


def test_an_answer_that_several_people_rated_counts_once(tmp_path: Path) -> None:
    given = [rows("1")[0], {**rows("1")[0], "평가": "4"}, *rows("1", "5")[1:]]
    found = read(tmp_path, given, scale=(1, 5))
    assert found.values == (0.375, 1.0)
    assert found.notes == ("Answers that were rated more than once: 1; their mean counts.",)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"answer": "답"}, "no column '답'. Did you mean '답변'"),
        ({"rating": "펑가"}, "no column '펑가'. Did you mean '평가'"),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, given: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(tmp_path, rows("1"), **given)
    with pytest.raises(DataError, match=r"which column holds the answers.*--answer"):
        read(tmp_path, [{"문의": "x", "말": "y", "평가": "1"}])
    with pytest.raises(DataError, match=r"which column holds the ratings.*--rating"):
        read(tmp_path, [{"문의": "x", "답변": "y", "값": "1"}])
    with pytest.raises(DataError, match="no column '문의'"):
        read(tmp_path, [{"text": "x", "답변": "y", "평가": "1"}])


def test_so_many_answers_are_the_same_ones_whatever_their_order(tmp_path: Path) -> None:
    given = rows(*"12345123451234512345")
    found = read(tmp_path, given, scale=(1, 5)).take(7)
    assert found == read(tmp_path, given[::-1], scale=(1, 5)).take(7)
    assert len(found.answers) == len(found.values) == 7
    assert found.notes[-1].startswith("7 of 20 answers")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("문의,답변,평가\n", encoding="utf-8")
    with pytest.raises(DataError, match="holds no rows"):
        read_ratings(tmp_path / "none.csv", TASK, COLUMNS)
