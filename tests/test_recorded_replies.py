"""Replies that real models wrote to apo's meta-prompts, each with the reading of a person."""

from collections import Counter

import pytest

from experiments.reply_parsers import by_apo, recorded, right

ROWS = recorded()
GROUPS = sorted({(row.model, row.language) for row in ROWS})


def test_what_was_recorded() -> None:
    assert len(ROWS) >= 440
    assert len({row.meta_prompt for row in ROWS}) >= 71
    assert len({model for model, _ in GROUPS}) >= 2
    assert {language for _, language in GROUPS} == {"en", "ko"}


@pytest.mark.parametrize(("model", "language"), GROUPS)
def test_nearly_all_are_read_as_a_person_reads_them(model: str, language: str) -> None:
    rows = [row for row in ROWS if (row.model, row.language) == (model, language)]
    wrong = [row for row in rows if not right(row, by_apo(row))]
    assert len(wrong) <= 0.05 * len(rows), [(row.meta_prompt, row.reply[:80]) for row in wrong]


def test_nothing_becomes_an_instruction_that_is_none() -> None:
    asked = [row for row in ROWS if row.tag == "instruction" and not row.text]
    assert len(asked) > 100
    assert [(row.meta_prompt, row.reply[:80]) for row in asked if by_apo(row)] == []


def test_the_replies_differ() -> None:
    [(_, most)] = Counter(row.reply for row in ROWS).most_common(1)
    assert most <= 0.02 * len(ROWS)
