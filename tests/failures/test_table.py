"""The failure table: every part is counted rightly, found where planted, and silent on noise."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo import Example, Rollout, Score
from apo.failures.counting import complaints, failure_table
from apo.failures.page import MAX_CHARS, page
from apo.failures.table import FailureTable
from apo.failures.words import Vocabulary, words_of
from apo.guards.copies import Copies
from apo.scorers.choice import Choice

LABELS = ("refund", "billing", "bug")
SCORER = Choice(labels=LABELS)
CUES = {"refund": "money", "billing": "invoice", "bug": "crash"}


def row(text: str, target: str, answer: str, **slices: str) -> Rollout:
    example = Example({"input": text}, (target,), slices)
    return Rollout(example, answer, SCORER(answer, example))


def tickets(n: int = 12) -> list[Rollout]:
    """Refunds are taken for billing two times of three; bugs are answered in prose at times."""
    rows: list[Rollout] = []
    for i in range(n):
        rows.append(row(f"give {i} my money back", "refund", ["billing", "refund"][i % 3 == 0]))
        rows.append(row(f"the invoice number {i}", "billing", "billing"))
        prose = "I am sorry, I\ncannot say that."
        rows.append(row(f"it has a crash {i}", "bug", prose if i % 4 == 0 else "bug", app="web"))
    return rows


@pytest.fixture(scope="module")
def table() -> FailureTable:
    return failure_table(tickets(), LABELS)


def test_confusions_by_label(table: FailureTable) -> None:
    told = [(c.wanted, c.said, c.n, c.of) for c in table.confusions]
    assert told == [("refund", "billing", 8, 12), ("bug", "(malformed)", 3, 12)]
    assert table.said_too_often == (("billing", 20, 12),)
    assert dict(table.counts) == {"right": 25, "wrong": 8, "malformed": 3, "error": 0}


def test_labels_are_found_where_the_task_names_none() -> None:
    assert failure_table(tickets()).confusions == failure_table(tickets(), LABELS).confusions


def test_rows_with_several_labels_have_no_confusions() -> None:
    rows = [*tickets(), row("both", "refund, bug", "bug")]
    assert not failure_table(rows, LABELS).confusions


def test_words_that_tell_the_labels_that_fail(table: FailureTable) -> None:
    found = {label: {word.text for word in words} for label, words in table.label_words.items()}
    assert found == {"refund": {"back", "give", "money", "my"}, "bug": {"crash", "has", "it"}}


def test_words_of_inputs_that_fail() -> None:
    rows = [
        row(
            f"{'please' if i % 3 else 'now'} the invoice {i}",
            "billing",
            "bug" if i % 3 else "billing",
        )
        for i in range(24)
    ]
    (word,) = failure_table(rows, LABELS).input_words
    assert (word.text, word.n, word.of, word.others) == ("please", 16, 16, 0)


def test_what_right_answers_never_hold(table: FailureTable) -> None:
    assert ("line breaks", 3) in table.answer_shapes
    assert {word.text for word in table.answer_words} >= {"sorry", "cannot"}
    assert table.longest_right == (1, 3)


def test_errors_of_form_lose_what_is_of_one_row(table: FailureTable) -> None:
    assert table.form_errors == (("Expected …, the answer names none of …", 3),)
    told = complaints("city: expected 'Bonn', the answer said 'Köln'; n: expected 4, the answer 5.")
    assert told == ["city: expected …, the answer said …", "n: expected …, the answer …"]


def test_frequent_wrong_answers_of_free_text() -> None:
    rows = [
        Rollout(Example({"q": f"question {i}"}, (f"answer {i}",)), "unknown", Score(0.0))
        for i in range(4)
    ]
    rows += [Rollout(Example({"q": "another"}, ("x",)), "once", Score(0.0))]
    assert failure_table(rows).answers == (("unknown", 4),)


def test_lengths_are_told_where_they_differ_beyond_chance() -> None:
    long = [row("word " * 40 + str(i), "bug", "billing") for i in range(8)]
    short = [row(f"crash {i}", "bug", "bug") for i in range(8)]
    assert failure_table([*long, *short], LABELS).input_length == (41, 2)
    assert failure_table([*long, *long[:3]], LABELS).input_length is None


def test_slices_that_fail_more_than_the_rest() -> None:
    rows = [row(f"crash {i}", "bug", "billing" if i < 9 else "bug", os="ios" if i < 10 else "web")
            for i in range(30)]  # fmt: skip
    (share,) = failure_table(rows, LABELS).slices
    assert (share.column, share.value, share.n, share.of) == ("os", "ios", 9, 10)


def test_noise_has_next_to_no_words() -> None:
    """Words that have nothing to do with who fails are told in few of many tables."""
    rng, told = random.Random(0), 0
    for _ in range(40):
        texts = [" ".join(rng.sample([f"w{i}" for i in range(60)], 8)) for _ in range(60)]
        told += len(Vocabulary(texts).telling([rng.random() < 0.4 for _ in texts], 8))
    assert told <= 12


def test_a_korean_word_is_found_under_its_particles() -> None:
    texts = [
        f"{word} 부탁합니다"
        for word in ("환불을", "환불이", "환불은", "배송이", "배송은", "배송을")
    ]
    found = Vocabulary(texts).telling([True] * 3 + [False] * 3, 5)
    assert not found  # Three against three may be chance.
    found = Vocabulary(texts * 3).telling(([True] * 3 + [False] * 3) * 3, 5)
    assert [word.text for word in found] == ["환불"]
    assert words_of("a I 환불을 x1") == {"환불", "환불을", "x1"}


# --- in words ---------------------------------------------------------------------------------


def test_the_page_in_english(table: FailureTable) -> None:
    told = page(table)
    assert told.startswith("36 answers: 25 right, 8 wrong, 3 malformed. Mean score 69 %.")
    assert "- refund → billing: 8 of 12\n- bug → (malformed): 3 of 12" in told
    assert "billing (said 20 times, wanted 12 times)" in told
    assert "The longest right answer has 1 words; 3 wrong ones are longer." in told


def test_the_page_in_korean_says_the_same(table: FailureTable) -> None:
    told = page(table, "ko-KR")
    assert told.startswith("답 36개: 정답 25, 오답 8, 형식 오류 3. 평균 점수 69 %.")
    assert "- refund → billing: 12개 중 8개" in told
    assert "줄 바꿈" in told
    english = {word for word in page(table).split() if word.isalpha()}
    shared = {word for word in told.split() if word.isascii() and word.isalpha()}
    assert (
        shared
        <= {*LABELS, *(w for words in table.label_words.values() for w in map(str, words))}
        | english
    )
    assert "wanted" not in told


def test_nothing_wrong_and_nothing_at_all() -> None:
    right = [rollout for rollout in tickets() if rollout.outcome == "right"]
    assert page(failure_table(right, LABELS)).splitlines()[1] == "No answer is wrong."
    assert page(failure_table([], LABELS)).startswith("0 answers")


def wild(texts: Sequence[str], answers: Sequence[str]) -> list[Rollout]:
    return [
        Rollout(Example({"a": text}, (answer,)), answers[i - 1], Score(float(i % 3 == 0)))
        for i, (text, answer) in enumerate(zip(texts, answers, strict=True))
    ]


PIECES = ["the order of June", "환불해 주세요 빨리", "x", "is late again and"]
TEXT = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=30))
def test_no_page_holds_a_row_that_an_instruction_must_not_copy(
    drawn: list[tuple[list[str], list[str]]],
) -> None:
    """Also where answers and feedback repeat rows word for word."""
    texts = [" ".join(one) for one, _ in drawn]
    answers = [" ".join(other) for _, other in drawn]
    rows = wild(texts, answers)
    rows += [
        Rollout(r.example, texts[0], Score(0.0, False, feedback=f"Not {texts[0]} at all"))
        for r in rows
    ]
    told = page(failure_table(rows))
    assert len(told) <= MAX_CHARS
    copies = Copies((r.example for r in rows), own=())
    assert not any(copies.find(line) for line in told.splitlines())
