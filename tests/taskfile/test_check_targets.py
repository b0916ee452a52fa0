"""Targets against targets: what a person tells apart, the scorer must, and check says so."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apo.checking.check import check
from apo.drafting.draft import draft_task
from apo.drafting.write import write_draft
from apo.prompts.prompt import Prompt
from apo.scorers.registry import make_scorer, scorer_of
from apo.task import Example, Scorer, Task
from apo.taskfile.load import load_task


def task(scorer: Scorer, *targets: str) -> Task:
    rows = tuple(Example({"input": f"text {i} {t}"}, (t,)) for i, t in enumerate(targets))
    return Task(
        name="t", scorer=scorer, seed_prompts=(Prompt("Answer."),), train=rows, validation=(),
        test=(), labels=(),
    )  # fmt: skip


def told(scorer: Scorer, *targets: str) -> list[str]:
    return [
        f"{f.level} {f.text}" for f in check(task(scorer, *targets)) if "targets" in f.text.lower()
    ]


def last_digits(output: str, example: Example) -> float:
    """A user's scorer with the fault of old: the last digits stand for the whole."""
    return float(output[-4:] == example.target[-4:])


@pytest.mark.parametrize(
    ("targets", "advice"),
    [
        (("15/11/2025", "16/11/2025"), "Mend the scorer"),
        (("3.5 million", "4.5 million"), "Mend the scorer"),
        (("1.10.2023", "2.10.2023"), "Mend the scorer"),
    ],
)
def test_a_users_scorer_that_takes_a_part_for_the_whole_stops(
    targets: tuple[str, ...], advice: str
) -> None:
    [error] = [t for t in told(scorer_of(last_digits, "mine"), *targets) if t.startswith("error")]
    assert "1 of 1 pairs of different targets score 1 for each other" in error
    assert advice in error


@pytest.mark.parametrize(
    ("spec", "targets", "level", "advice"),
    [
        ("exact", ("C", "[C]", "D"), "", ""),
        ("exact", ("*.py", ".py"), "", ""),
        ("f1", ("man bites dog", "dog bites man"), "warning", "The scorer exact tells them apart"),
        ("contains", ("New York", "New York City"), "warning", "exact tells them apart"),
        ({"name": "json", "ordered": False}, ("[1, 2]", "[2, 1]"), "", ""),
        ({"name": "json", "fields": ["a"]}, ('{"a": 1, "b": 1}', '{"a": 1, "b": 2}'), "", ""),
        ("json", ('{"a": "x"}', '{"a": "x."}'), "", ""),
        ("set", ("a, b", "b, a"), "", ""),
        ("numeric", ("1,000", "1000.0"), "", ""),
        ({"name": "numeric", "tolerance": 5}, ("10", "12"), "", ""),
        ("date", ("2024-05-01", "1 May 2024"), "", ""),
    ],
)
def test_only_what_a_person_tells_apart_is_told(
    spec: Any, targets: tuple[str, ...], level: str, advice: str
) -> None:
    found = [t for t in told(make_scorer(spec), *targets) if not t.startswith(("ok", "note"))]
    found = [t for t in found if "pairs" in t]
    assert len(found) == bool(level)
    if level:
        assert found[0].startswith(level)
        assert advice in found[0]


def test_the_setting_that_tells_targets_apart_is_named() -> None:
    [warning] = [t for t in told(make_scorer("regex"), "cat", "catalogue") if "pairs" in t]
    assert "The setting whole: true tells them apart." in warning


def test_small_changes_that_cost_the_score_are_a_hint() -> None:
    def strict(output: str, example: Example) -> bool:
        return output == example.target

    [note] = [t for t in told(scorer_of(strict, "mine"), "a b", "c d") if t.startswith("note")] or [
        f.text for f in check(task(scorer_of(strict, "mine"), "a b", "c d")) if f.level == "note"
    ]
    assert "scores less than 1 with blanks around it" in note
    assert "a point after it" in note


def test_a_column_that_shows_another_decimal_sign_stops() -> None:
    found = told(make_scorer("numeric"), "1.234,50", "1.234", "7,5")
    [error] = [t for t in found if t.startswith("error")]
    assert "decimal: ','" in error
    german = make_scorer({"name": "numeric", "decimal": ","})
    assert not [t for t in told(german, "1.234,50", "1.234", "7,5") if t.startswith("error")]


def test_a_rubric_of_another_scale_is_told() -> None:
    judge = make_scorer({"name": "judge", "rubric": "Grade from 0 to 10."})
    rubrics = [f.text for f in check(task(judge, "a", "b")) if "rubric" in f.text]
    assert len(rubrics) == 1
    assert "'0 to 10'" in rubrics[0]
    fit = make_scorer(
        {"name": "judge", "rubric": "Grade from 0 to 10.", "lowest": 0, "highest": 10}
    )
    assert not [f for f in check(task(fit, "a", "b")) if "rubric" in f.text]


def test_a_slow_scorer_is_asked_about_few_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apo.checking.targets.SECONDS", -1.0)
    assert not [t for t in told(scorer_of(last_digits, "mine"), "a", "b") if "pairs" in t]


@pytest.mark.parametrize(
    ("cells", "scorer"),
    [
        (["15/11/2025", "01/02/2025"], {"name": "date", "order": "dmy"}),
        (["11/15/2025", "01/02/2025"], {"name": "date", "order": "mdy"}),
        (["2025-11-15", "2025-02-01"], "date"),
        (["14:30", "9:05"], "date"),
        (["1.234,56", "1.234"], {"name": "numeric", "decimal": ","}),
        (["5,80,300", "302 900"], "numeric"),
        (["3.5 million", "4 billion"], "numeric"),
        (["8,5%", "9,25%"], {"name": "numeric", "decimal": ","}),
        (["010-1234-5678", "010-9876-5432"], "exact"),
        (["1.10.3", "1.2.0"], "exact"),
        (["192.168.0.1", "10.0.0.1"], "exact"),
        (["4111 1111 1111 1111", "5500 0000 0000 0004"], "exact"),
        (["007", "0042"], "exact"),
        (["1 / 2 / 3", "4 / 5 / 6"], "exact"),
        (['[{"a": 1}]', '[{"a": 2}, {"a": 3}]'], "json"),
    ],
)
def test_init_reads_what_the_whole_column_is(
    tmp_path: Path, cells: list[str], scorer: str | dict[str, str]
) -> None:
    lines = ["text\ttarget"]
    for i in range(40):
        lines.append(f"row number {i} of the data\t{cells[i % 2] if i < 2 else _vary(cells, i)}")
    data = tmp_path / "d.tsv"
    data.write_text("\n".join(lines), encoding="utf-8")
    path = write_draft(draft_task("t", data), tmp_path / "t")
    made = load_task(path)
    assert made.scorer == make_scorer(scorer)
    rows = (*made.train, *made.validation, *made.test)
    assert not [
        f for f in check(replace(made, train=rows)) if "pairs" in f.text and f.level != "ok"
    ]


def _vary(cells: list[str], i: int) -> str:
    """Another value of the same form: its last digit changes."""
    old = cells[i % 2]
    place = max(k for k, sign in enumerate(old) if sign.isdigit())
    return old[:place] + str(i // 2 % 10) + old[place + 1 :]
