"""The scorers agree with a person's verdicts as often as their page says, and no less."""

from hashlib import sha256

import pytest

from experiments.agreement import (
    KINDS,
    PAGE,
    PAIRS,
    Judged,
    half,
    judged,
    table,
    written,
)


@pytest.fixture(scope="module")
def found() -> list[Judged]:
    return judged()


def test_the_pairs_are_as_their_author_gave_them() -> None:
    card = PAIRS.with_name("SOURCE.md").read_text(encoding="utf-8")
    assert sha256(PAIRS.read_bytes()).hexdigest() in card


@pytest.mark.parametrize("kind", KINDS)
def test_the_agreement_does_not_fall(kind: str, found: list[Judged]) -> None:
    of_kind = [one for one in found if one.pair["kind"] == kind]
    assert len(of_kind) >= 130
    assert [one.pair["id"] for one in of_kind if not one.agrees] == []


def test_the_table_counts_every_pair_once(found: list[Judged]) -> None:
    assert f"| **all** | all | {len(found)} |" in table(found)
    assert len(half(found, "even")) + len(half(found, "odd")) == len(found) == 1061


def test_the_page_states_the_figures(found: list[Judged]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page, found), "Run python -m experiments.agreement --write."


def test_a_grade_off_the_persons_is_no_agreement() -> None:
    pair = {"id": 1, "kind": "grade", "language": "en"}
    assert not Judged(pair, 4, 3).agrees
    assert Judged(pair, None, 3).is_false_right
    assert not Judged({**pair, "kind": "json"}, 1, 0.5).agrees
