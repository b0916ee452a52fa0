"""Distill: one page of counts, no example, at most six asks; and the page in methods of others."""

import math
from dataclasses import replace
from typing import Any

import pytest

from apo import Budget, Optimizer
from apo.optimizers import GEPA, Distill, ProTeGi, RaceSearch
from tests.fidelity.conftest import Run, tagged


def growing(n: int, _: str) -> str:
    return tagged("+" * (n + 1) + f" {n}")


def test_the_writer_sees_the_page_and_no_example(run: Run) -> None:
    seen = run(Distill(), growing)
    first = seen.writer.texts[0]
    assert "<observations>\n10 answers: 10 wrong. Mean score 0 %." in first
    assert "<example>" not in first
    assert not any(e.inputs["input"] in first.split() for e in seen.task.train)


def test_six_asks_and_no_more(run: Run) -> None:
    seen = run(Distill(), growing, size=20)
    assert len(seen.writer.texts) == 6
    assert len(run(Distill(n_rounds=2, n_samples=1), growing).writer.texts) == 2


def test_each_round_counts_the_best_so_far(run: Run) -> None:
    seen = run(Distill(), growing)
    pages = [text.partition("<observations>")[2].split(".")[0] for text in seen.writer.texts[::2]]
    assert [page.strip() for page in pages] == [
        "10 answers: 10 wrong",
        "10 answers: 2 right, 8 wrong",
        "10 answers: 4 right, 6 wrong",
    ]


def test_what_does_worse_on_the_studied_rows_is_not_measured_further(run: Run) -> None:
    def falling(n: int, _: str) -> str:
        return tagged("+" * (3 - n % 4) + f" {n}")

    seen = run(Distill(n_rounds=1, n_samples=3), falling, seed_prompt="++ Seed")
    whole = {event.body["candidate"] for event in seen.evaluations(whole=True)}
    measured = {e.body["candidate"] for e in seen.evaluations(whole=False)}
    assert len(measured) == 4  # The seed and three more; that with one plus goes no further.
    assert len(whole) == 3


def test_a_small_budget_studies_fewer_rows(run: Run) -> None:
    seen = run(Distill(), growing, size=20, budget=Budget(max_calls=60))
    validation = len(seen.result.seed.rollouts)
    n = (60 - 2 * validation) // 4  # One measurement of validation is held back.
    assert f"\n{n} answers: " in seen.writer.texts[0]


def test_nothing_to_count_ends_it(run: Run) -> None:
    assert not run(Distill(), growing, seed_prompt="+" * 10).writer.texts


# --- the page as an option of others ------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "counting"),
    [
        (GEPA(max_iterations=2), {"n_studied": 8}),
        (ProTeGi(n_rounds=1, minibatch_size=8), {"count_failures": True}),
        (RaceSearch(max_stale_rounds=2), {"count_failures": True}),
    ],
)
def test_methods_of_others_show_the_page_where_it_is_asked_for(
    published: Any, counting: dict[str, Any], run: Run
) -> None:
    optimizer: Optimizer = replace(published, **counting)

    def slow(n: int, _: str) -> str:
        return tagged("+" * (1 + n % 5) + f" {n}")

    without, with_page = (run(o, slow, size=8).writer.texts for o in (published, optimizer))
    assert not any("<observations>" in text for text in without)
    assert any("<observations>\n8 answers: " in text for text in with_page)


def test_gepa_pays_for_what_it_counts(run: Run) -> None:
    seen = run(GEPA(max_iterations=1, n_studied=8), lambda n, _: tagged(f"new {n}"), size=12)
    asked = seen.asked_for("Seed")
    assert len(asked) == 12 + len({*asked} - {e.inputs["input"] for e in seen.task.validation})
    assert math.isclose(len(asked), 12 + 8, abs_tol=3)
