"""What holds for every scorer that compares an answer with a target."""

import json
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.scorers.registry import SCORERS, keeps_targets, make_scorer
from apo.task import Example, Scorer

LABELS = ("billing", "refund", "환불", "école", "not spam")
words = st.lists(
    st.text("abcdefgh가나다éü", min_size=2, max_size=8), min_size=1, max_size=4, unique=True
)
listed = st.lists(st.text("abcde가é", min_size=2, max_size=6), min_size=1, max_size=4, unique=True)
TARGETS: dict[str, st.SearchStrategy[str]] = {
    "exact": words.map(" ".join),
    "contains": st.text("abcdefgh가나다éü", min_size=5, max_size=5),
    "choice": st.sampled_from(LABELS),
    "label_set": st.sets(st.sampled_from(LABELS), min_size=1).map(lambda s: json.dumps(sorted(s))),
    "numeric": st.decimals(0, 10**9, places=2).map("{:,.2f} kg".format),
    "date": st.datetimes(datetime(1000, 1, 1)).map(lambda moment: f"{moment:%Y-%m-%d %H:%M}"),
    "f1": words.map(" ".join),
    "json": st.dictionaries(st.sampled_from("abé가"), st.integers() | st.text("xy가")).map(
        lambda value: json.dumps(value, ensure_ascii=False)
    ),
    "set": listed.map(lambda items: json.dumps(items, ensure_ascii=False)),
    "list": listed.map(lambda items: json.dumps(items, ensure_ascii=False)),
    "rouge": words.map(" ".join),
    "bleu": words.map(" ".join),
    "chrf": words.map(" ".join),
    "edit": words.map(" ".join),
}
IN_ANY_ORDER: dict[str, Callable[[str], Any]] = {
    "f1": lambda text: sorted(text.split()),
    "set": lambda text: sorted(json.loads(text)),
    "label_set": lambda text: sorted(json.loads(text)),
    "json": json.loads,
}
"""What a target says where the order of its parts means nothing."""


def made(name: str) -> Scorer:
    return make_scorer(name, LABELS)


def value(scorer: Scorer, output: str, target: str) -> float:
    return scorer(output, Example({"input": "x"}, (target,))).value


def test_every_scorer_that_keeps_targets_is_here() -> None:
    needs_data = {"sql", "regex"}  # Their targets are programs: queries and patterns.
    needs_data |= {"multiple_choice"}  # Its options stand in the inputs; its own tests follow.
    plain = {name for name in SCORERS if name in TARGETS or _keeps(name)}
    lacking = "each scorer that gives its targets 1 has a strategy in TARGETS, or its reason above"
    assert plain - needs_data == {*TARGETS}, lacking


def _keeps(name: str) -> bool:
    settings: dict[str, Any] = {"sql": {"schema": "CREATE TABLE t (a);"}}.get(name, {})
    if name in ("code", "json_schema", "reward", "judge"):
        return False
    return keeps_targets(make_scorer({"name": name, **settings}, LABELS))


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_a_target_is_its_own_best_answer(name: str, data: st.DataObject) -> None:
    scorer = made(name)
    target, other = data.draw(TARGETS[name]), data.draw(TARGETS[name])
    assert value(scorer, target, target) == 1
    assert value(scorer, f"{other}\n{target}", target) <= 1
    if not _same(name, target, other):
        assert value(scorer, other, target) < 1


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_blanks_around_and_composition_do_not_count(name: str, data: st.DataObject) -> None:
    scorer = made(name)
    target, other = data.draw(TARGETS[name]), data.draw(TARGETS[name])
    for answer in (target, other):
        plain = value(scorer, answer, target)
        for form in ("NFC", "NFD"):
            changed = unicodedata.normalize(form, f"  {answer}\n")
            assert value(scorer, changed, target) == pytest.approx(plain), form


def _same(name: str, one: str, other: str) -> bool:
    said = IN_ANY_ORDER.get(name, str)
    return bool(said(one) == said(other))
