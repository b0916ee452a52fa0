"""Forms of people's columns: what `init` drafts for them, and what is right and wrong."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from apo.checking.check import check
from apo.drafting.draft import Draft, draft_task
from apo.drafting.format import Wanted
from apo.drafting.write import write_draft
from apo.task import Example, Task
from apo.taskfile.load import load_task

STARS = [f"{'★' * n}{'☆' * (5 - n)}" for n in range(1, 6)]
TIMES = [f"{hour}:{minute:02} " for hour in range(8, 12) for minute in (0, 15, 30, 45)]
TAGS = ["A-Tag", "B-Tag", "C-Tag", "A-Tag#B-Tag", "B-Tag#C-Tag", "A-Tag#C-Tag"]


def drafted(path: Path, targets: Sequence[str]) -> tuple[Draft, Task]:
    rows = [(f"ticket no {n} says", targets[n % len(targets)]) for n in range(72)]
    with (path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "t"), *rows])
    draft = draft_task("t", path / "a.csv", Wanted(inputs=["text"], target="t"))
    return draft, load_task(write_draft(draft, path / "task"))


def tags(sign: str) -> list[str]:
    return [tag.replace("#", sign) for tag in TAGS]


KELVIN = [f"{n} K" for n in range(200, 260)]
CASES: dict[str, tuple[list[str], str, str, Iterable[str], Iterable[str]]] = {
    "zones": (
        [f"{time}{zone}" for time in TIMES for zone in ("EST", "CET", "KST")],
        *("date", "9:30 EST", ("9:30 AM EST", "9:30 ET", "15:30 CET", "14:30 UTC")),
        ("9:30 CET", "9:30 AM KST", "9:30 PT"),
    ),
    "places": (
        [f"{time}PM {zone}" for time in TIMES[4:] for zone in ("ET", "PT", "CT")],
        *("date", "9:30 PM ET", ("9:30 pm Eastern", "21:30 Eastern time", "9:30 PM EDT")),
        ("9:30 pm PT", "9:30 PM Pacific time", "9:30 PM CET"),
    ),
    "months": (
        [f"{m:02}/{y}" for m in range(1, 13) for y in range(2017, 2023)],
        *("date", "03/2019", ("March 2019", "3/2019", "2019-03", "2019년 3월")),
        ("04/2019", "03/2018", "0.5", "March 3, 2019"),
    ),
    "eras": (
        [f"令和{y}年{m}月{d}日" for y in range(2, 7) for m in range(1, 13) for d in (1, 9)],
        *("date", "令和6年5月9日", ("2024-05-09", "2024年5月9日", "2024年5月9日（木）")),
        ("令和5年5月9日", "2023-05-09", "平成6年5月9日"),
    ),
    "day first in words": (
        [f"{d} {m} 2024" for d in range(1, 29) for m in ("mai", "juin", "août")],
        *("date", "5 juin 2024", ("05/06/2024", "5.6.2024", "2024-06-05")),
        ("06/05/2024", "5 mai 2024"),
    ),
    "month first in words": (
        [f"{m} {d}, 2024" for d in range(1, 29) for m in ("May", "June", "Aug.")],
        *("date", "June 5, 2024", ("06/05/2024", "2024-06-05")),
        ("05/06/2024",),
    ),
    "year first in words": (
        [f"2024년 {m}월 {d}일({w})" for d in range(1, 29) for m, w in ((5, "금"), (6, "토"))],
        *("date", "2024년 6월 5일(토)", ("24.06.05", "2024.6.5.(토)")),
        ("5.6.24",),
    ),
    "stars": (
        STARS,
        *(
            "choice",
            "★★★☆☆",
            ("★★★", "⭐️⭐️⭐️", "3 stars", "3/5", "별 3개", "Rating: ★★★☆☆ (3/5)", "3"),
        ),
        ("★★★★", "2 stars", "3/10", "★★★☆", "3.5 stars"),
    ),
    "yellow stars": (
        ["⭐" * n for n in range(1, 6)],
        *("choice", "⭐⭐", ("2 Sterne", "★★☆☆☆", "**⭐️⭐️**", "2 étoiles")),
        ("⭐⭐⭐", "2/4", "1 star"),
    ),
    "pictures": (
        ["❤️", "💔", "☀️"],
        *("choice", "❤️", ("❤", "Label: ❤️")),
        ("💔", "☀"),
    ),
    "ten": (
        [str(n) for n in range(11)],
        *("choice", "9", ("9/10", "9 out of 10", "9.0", "9점")),
        ("10/10", "9/100", "0.9"),
    ),
    "brackets": (
        [f"({n})" for n in range(1, 41)],
        *("exact", "(7)", ("7", "(7)", "7.")),
        ("8", "-7", "(17)"),
    ),
    "pairs": (
        [f"{n}/{m}" for n in range(110, 150, 4) for m in (70, 75, 80, 85)],
        *("exact", "120/80", ("120/80", "120/80.")),
        ("150/100", "1.5", "120/85"),
    ),
    "counted": (
        [f"{n} Äpfel" for n in range(3, 60)],
        *("numeric", "5 Äpfel", ("5", "5 Äpfel", "Es sind 5.")),
        ("6", "5 Birnen", "15 Äpfel"),
    ),
    "200 K": (
        KELVIN,
        *("numeric", "200 K", ("200,000", "200 kelvin", "200k", "$200,000")),
        ("201,000", "200,000 kelvin", "2,000"),
    ),
    **{
        f"between {sign!r}": (
            tags(sign),
            *("label_set", tags(sign)[3], ("B-Tag, A-Tag", tags(sign)[3], '["A-Tag", "B-Tag"]')),
            ("A-Tag", "C-Tag", "A-Tag, B-Tag, C-Tag"),
        )
        for sign in ("/", " / ", "、", "\n", " und ", " + ", " & ", "·", " 및 ")
    },
}


@pytest.mark.parametrize("name", CASES)
def test_a_column_has_the_scorer_that_reads_it(name: str, tmp_path: Path) -> None:
    targets, scorer, target, right, wrong = CASES[name]
    draft, task = drafted(tmp_path, targets)
    assert f"scorer '{scorer}'" in " ".join(draft.explanations)
    assert not [finding for finding in check(task) if finding.level == "error"]
    example = Example({"text": "x"}, (target,))
    assert {said: task.scorer(said, example).value for said in right} == dict.fromkeys(right, 1)
    assert not [said for said in wrong if task.scorer(said, example).value >= 1]


@pytest.mark.parametrize(
    "targets",
    [
        ["A+", "A", "B+", "B", "AB+", "O"],
        ["Bug", "Feature", "Bug/Feature"],
        ["R&D", "HR", "IT"],
        ["win/draw", "lose/draw", "win/lose"],
        ["1/2", "3/4", "1/4"],
    ],
)
def test_a_sign_within_a_label_makes_no_list(targets: list[str], tmp_path: Path) -> None:
    draft, _ = drafted(tmp_path, targets)
    assert "label_set" not in draft.yaml


def test_several_signs_in_one_column_are_all_between_labels(tmp_path: Path) -> None:
    draft, task = drafted(tmp_path, [*tags(", "), *tags(" / "), *tags("; ")])
    assert "between several signs" in " ".join(draft.explanations)
    assert task.labels == ("A-Tag", "B-Tag", "C-Tag")


def test_what_may_be_kelvin_or_thousands_is_told(tmp_path: Path) -> None:
    draft, _ = drafted(tmp_path, KELVIN)
    assert "'200 K' may be kelvin or thousands" in " ".join(draft.explanations)


def test_numeric_on_brackets_alone_stops(tmp_path: Path) -> None:
    draft, _ = drafted(tmp_path, [f"({n})" for n in range(1, 41)])
    file = write_draft(draft, tmp_path / "own")
    file.write_text(file.read_text().replace("scorer: exact", "scorer: numeric"))
    errors = [f.text for f in check(load_task(file)) if f.level == "error"]
    assert "All targets stand in brackets" in errors[0]


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ([f"DE{n} 3704 0044 0532 0130 00" for n in range(10, 60)], True),
        ([f"010-{n}-5678" for n in range(1000, 1050)], True),
        ([f"4111 {n} 1111 1111" for n in range(1000, 1050)], True),
        ([f"{n} rue de Rivoli" for n in range(50)], False),
    ],
)
def test_codes_in_groups_are_a_hint(targets: list[str], told: bool, tmp_path: Path) -> None:
    _, task = drafted(tmp_path, targets)
    notes = [f.text for f in check(task) if "written in groups" in f.text]
    assert bool(notes) == told


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        *[("0%", 0.5, "50%"), ("0.0 %", 0.085, "8.5%"), ("0.00%;[Red]-0.00%", -0.1, "-10%")],
        *[('0.0"%"', 8.5, "8.5"), ("0.00", 0.5, "0.5"), ("General", 0.5, "0.5")],
    ],
)
def test_a_share_of_a_sheet_is_what_the_sheet_shows(
    form: str, value: float, text: str, tmp_path: Path
) -> None:
    from apo.data.excel import excel_rows

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["text", "t"])
    sheet.append(["a", value])
    sheet.cell(2, 2).number_format = form
    book.save(tmp_path / "a.xlsx")
    assert [row["t"] for row in excel_rows(tmp_path / "a.xlsx")] == [text]


@pytest.mark.parametrize("name", ["is_test", "holdout", "in_train"])
def test_a_flag_of_what_is_held_out_is_told(name: str, tmp_path: Path) -> None:
    rows = [(f"ticket no {n} says", "ab"[n % 2], n % 3 == 0) for n in range(60)]
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label", name), *rows])
    draft = draft_task("t", tmp_path / "a.csv", Wanted())
    assert f"The column {name!r} ('False', 'True') is not used" in " ".join(draft.explanations)
