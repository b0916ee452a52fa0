"""What a number is a number of, its sign, its scale and its script: what tells two apart."""

import csv
from pathlib import Path

import pytest

from apo.checking.check import check
from apo.drafting.draft import draft_task
from apo.drafting.write import write_draft
from apo.scorers.registry import Exact, Numeric
from apo.task import Example, Task
from apo.taskfile.load import load_task

Cases = list[tuple[str, list[str], list[str]]]


def score(output: str, target: str) -> float:
    return Numeric()(output, Example({"input": "x"}, (target,))).value


UNITS: Cases = [
    ("5 mg", ["5 mg", "5000 µg", "5,000 mcg", "5", "0.005 g", "5 MG", "5 mg daily"],
     ["5 µg", "5 mcg", "5 mg/kg", "5 mmol", "5 IU", "It is 5 µg."]),
    ("41 %", ["41 percent", "0.41", "41", "41 of them", "410‰"],
     ["41 kg", "€41", "41 °C", "The share is 41 kg."]),
    ("15 kg", ["15 Kilo", "15 KG", "15000 g"], ["15 kWh", "It used 15 kWh", "15 bottles"]),
    ("5 apples", ["5 apple", "5 red apples", "5", "The answer is 5 because it is", "5 in total",
                  "There are 5 apples left"], ["5 oranges", "Answer: 5 pears", "5 kg"]),
    ("12 people", ["12 persons", "12명"], ["12 houses"]),
    ("60 km/h", ["60 km per hour", "60 kph", "60"], ["60 mph", "60 km", "60 m/s"]),
    ("$5/month", ["$5", "$5 per month", "$60 per year"], ["$5/year", "€5/month"]),
    ("20 °C", ["20 degrees", "20 Grad", "20도"], ["20 °F", "20 %", "20 kg"]),
    ("3.0 ‰", ["0.30 %", "3.0 per mille", "3000 ppm"], ["3.0 %"]),
    ("200 K", ["200 kelvin", "200", "200 thousand", "200000"], ["200 thousand kelvin", "20 K"]),
    ("200000", ["200K", "200 K"], ["200 kelvin"]),
    ("$200 K", ["200,000 dollars", "$200k"], ["$200"]),
    ("2 in", ["2 inches", "2"], ["6 ft 2 in", "2 ft"]),
]  # fmt: skip
SIGNS: Cases = [
    ("(1,037.50)", ["-1037.50", "1037.50-", "−1,037.50", "**(1,037.50)**"], ["1037.50"]),
    ("-1037.5", ["(1,037.50)", "$(1,037.50)", "(1,037.50) €", "(USD 1,037.50)"], ["1037.5"]),
    ("$(500)", ["-$500", "($500)"], ["$500"]),
    ("42", ["(42)", "Answer: (42)"], ["($42)", "42-"]),
    ("-5", ["영하 5도", "5 below zero", "△5", "5 °C below zero"], ["5"]),
    ("5", ["5도"], ["영하 5도", "It is 5 below zero.", "△5", "√5", r"\sqrt{5}", "5²"]),
    ("10", ["10"], ["10³", "10⁶", "10⁻²"]),
    ("1000", ["10³", "10^3", "1 × 10³"], ["10"]),
]
SCALES: Cases = [
    ("120", ["120"], ["120 Crore", "120 Lakh", "120 MILLION", "120 Thousand", "120万", "120億",
                      "120 млн"]),
    ("1,200,000", ["120万", "1.2 MILLION", "12 Lakh", "1,2 млн", "1200 THOUSAND"], ["1.2"]),
    ("120000000", ["Rs 12 Crore", "1.2億", "12 करोड़"], ["12"]),
    ("35000円", ["3万5千円", "¥35,000", "3.5万円"], ["35円"]),
]  # fmt: skip
SCRIPTS: Cases = [
    ("12.5", ["１２．５", "１２.５"], ["１．２５"]),
    ("1234", ["１，２３４", "１２３４"], ["２３４"]),
    ("1200000", ["١٬٢٠٠٬٠٠٠"], ["٠"]),
]
SOURCES: Cases = [
    ("42", ["42 [1]", "It is 42 [1].", "42 [1][2]", "It was 42.[3]", "[42]", "3 + 39 = [42]",
            "42 in 2024", "There were 42 in 2024."], ["41 [42]"]),
    ("1", ["[1]"], ["42 [1]"]),
    ("1950", ["It was in 1950."], ["1950s", "The 1950s.", "in the 1950s"]),
    ("10 °F", ["10 Fahrenheit", "10 degrees Fahrenheit"], ["10 Celsius"]),
    ("2024", ["It was in 2024.", "Apollo 11 came in 2024."], ["Apollo 2024 came in 1969."]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "right", "wrong"), [*UNITS, *SIGNS, *SCALES, *SCRIPTS, *SOURCES]
)
def test_a_number_is_the_targets_or_is_not(target: str, right: list[str], wrong: list[str]) -> None:
    assert score(target, target) == 1
    assert [answer for answer in right if score(answer, target) != 1] == []
    assert [answer for answer in wrong if score(answer, target) == 1] == []


def drafted(tmp_path: Path, targets: list[str]) -> tuple[Task, str, list[str]]:
    """The task that is drafted from a file, what the draft says, and what check finds wrong."""
    with (tmp_path / "d.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows(
            [("text", "answer"), *((f"line {i} of it", t) for i, t in enumerate(targets))]
        )
    draft = draft_task("t", tmp_path / "d.csv")
    task = load_task(write_draft(draft, tmp_path / "t"))
    wrong = [finding.text for finding in check(task) if finding.level == "error"]
    return task, " ".join(draft.explanations), wrong


@pytest.mark.parametrize(
    ("targets", "right", "wrong"),
    [
        ([f"{i} %" if i % 2 else f"{i} kg" for i in range(10, 50)], "10 kg", "10 %"),
        ([f"({i},037.5)" if i % 2 else f"{i},037.5" for i in range(2, 50)], "2037.5", "(2,037.5)"),
        ([f"{i} K" for i in range(200, 250)], "200 kelvin", "201 thousand"),
        ([f"{i} mg" for i in range(5, 50)], "5000 µg", "5 µg"),
    ],
)  # fmt: skip
def test_a_file_of_numbers_is_scored_by_what_they_mean(
    tmp_path: Path, targets: list[str], right: str, wrong: str
) -> None:
    task, said, errors = drafted(tmp_path, targets)
    assert task.scorer == Numeric()
    assert errors == []
    first = Example({"text": "x"}, (targets[0],))
    assert task.scorer(right, first).value == 1
    assert task.scorer(wrong, first).value == 0
    assert ("'200 K' may be kelvin or thousands" in said) == ("K" in targets[0])


@pytest.mark.parametrize(
    ("pair", "scorer"),
    [
        (("1.1", "1.10"), Exact),
        (("3.2", "3.20"), Exact),
        (("12.1", "12.10"), Exact),
        (("1.1", "1.11"), Numeric),
        (("$1.1", "$1.10"), Numeric),
    ],
)
def test_versions_are_no_numbers(tmp_path: Path, pair: tuple[str, str], scorer: type) -> None:
    targets = [*pair, *(f"{i}.3" for i in range(20, 60))]
    task, said, errors = drafted(tmp_path, targets)
    assert isinstance(task.scorer, scorer)
    assert errors == []
    if scorer is Exact:
        assert f"{pair[0]!r} and {pair[1]!r} are one number" in said
        assert task.scorer(pair[0], Example({"text": "x"}, (pair[1],))).value == 0
