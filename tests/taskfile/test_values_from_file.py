"""Signs, bounds, ranges, zones and codes: from a file over `init` and `check` to a run."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

import apo
from apo.checking.check import check
from apo.drafting.draft import draft_task
from apo.drafting.format import Wanted
from apo.drafting.write import write_draft
from apo.model import Request
from apo.taskfile.load import load_task
from apo.testing import FakeModel

WORDS = ("garden", "letter", "window", "river", "parcel", "street", "kitchen", "travel", "music")


class Oracle(FakeModel):
    """A model that answers each row in one form of its target."""

    def __init__(self, answers: dict[str, str]) -> None:
        super().__init__()
        self.answers = answers

    def answer(self, request: Request) -> str:
        said = request.messages[-1].content
        return next(answer for text, answer in self.answers.items() if text in said)


def grade(t: str) -> str:
    return f"Score: {t}/5\nReasoning: 2 of the 3 steps are right."


def sign(t: str) -> str:
    return t.replace("-", "−").replace("+", "")


def bound(t: str) -> str:
    return {"<": "less than ", ">": "more than "}.get(t[0], "") + t.lstrip("<>")


CASES: dict[str, tuple[list[str], Callable[[str], str], Callable[[str], str]]] = {
    "signs": (["+1", "-1", "0"], sign, lambda t: {"-1": "1", "+1": "−1", "0": "minus 1"}[t]),
    "bounds": (["<10", "10", ">10"], bound, lambda t: "less than 10" if t[0] != "<" else "10"),
    "ranges": (["18-34", "35-64", "65-99"], lambda t: t.replace("-", "–"), lambda t: t[:2]),
    "grades": (["1", "2", "3", "4", "5"], grade, lambda t: grade(str(int(t) % 5 + 1))),
    "halves": (["1", "1.5", "2", "2.5", "3"], lambda t: f"{t}/3", lambda t: f"{t}/5"),
    "zones": (
        [f"2025-03-{day:02}T07:15:00+01:00" for day in range(1, 29)],
        lambda t: f"{t[:10]} 07:15 CET",
        lambda t: f"{t[:10]} 07:15 PST",
    ),
    "codes": (
        [f'{{"zip": "0{n}"}}' for n in range(5200, 5260)],
        str,
        lambda t: t.replace('"0', "").replace('"}', "}"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_right_forms_score_all_and_wrong_ones_nothing(name: str, tmp_path: Path) -> None:
    targets, right, wrong = CASES[name]
    rows = [
        (f"{WORDS[n % 9]} {WORDS[n // 9]} {'abcdefgh'[n % 8]}", targets[n % len(targets)])
        for n in range(60)
    ]
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "t"), *rows])
    draft = draft_task("t", tmp_path / "a.csv", Wanted(inputs=["text"], target="t"))
    task = load_task(write_draft(draft, tmp_path / "task"))
    assert not [finding for finding in check(task) if finding.level == "error"]
    for form, value in ((right, 1.0), (wrong, 0.0)):
        result = apo.optimize(
            task,
            "random-search",
            model=Oracle({text: form(target) for text, target in rows}),
            budget=apo.Budget(max_calls=60),
            options=apo.Options(track=False),
            home=tmp_path / str(value),
        )
        assert result.seed.value == value
