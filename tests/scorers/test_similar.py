"""Graded scorers: the figures of the published packages, Korean text, and words to learn from."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]  # has no types
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from apo.errors import TaskError
from apo.reading.words import pieces, spaced, tokens
from apo.scorers.registry import Bleu, ChrF, Edit, Rouge, make_scorer
from apo.task import Example, Score, Scorer

VARIANTS = ("rouge1", "rouge2", "rougeL", "rougeLsum")
SCORERS: list[Scorer] = [
    *(Rouge(variant=variant) for variant in VARIANTS),
    Bleu(),
    ChrF(),
    Edit(),
    Edit(unit="words"),
]
ENGLISH = (
    "Police killed the gunman.",
    "the gunman was killed by police\nyesterday, at 10:30",
    "The quick brown fox jumped over the lazy dog!",
    "A quick, brown dog jumps over the foxes; it's 3.5% lazier.",
    "don't e-mail me&you",
)
english = st.text("abcde AB.,'-\n12", max_size=60).filter(str.strip)


def example(*targets: str) -> Example:
    return Example({"input": "x"}, targets)


def value(scorer: Scorer, output: str, *targets: str) -> float:
    return scorer(output, example(*targets)).value


def rouge(variant: str, output: str, target: str) -> float:
    package: Any = RougeScorer([variant])
    return float(package.score(target, output)[variant].fmeasure)


# --- the packages' own figures


@pytest.mark.parametrize("variant", VARIANTS)
@given(output=english, target=english)
def test_english_has_the_rouge_of_the_package_with_its_own_words(
    variant: str, output: str, target: str
) -> None:
    if output != target:
        expected = rouge(variant, output, target)
        assert value(Rouge(variant=variant), output, target) == pytest.approx(expected, abs=1e-9)


@given(output=english, targets=st.lists(english, min_size=1, max_size=3))
def test_english_has_the_bleu_and_chrf_of_the_package(output: str, targets: list[str]) -> None:
    if output in targets:
        return
    bleu = BLEU(effective_order=True).sentence_score(output, targets).score / 100
    assert value(Bleu(), output, *targets) == pytest.approx(min(1, bleu), abs=1e-9)
    chrf = CHRF().sentence_score(output, targets).score / 100
    assert value(ChrF(), output, *targets) == pytest.approx(min(1, chrf), abs=1e-9)


def test_the_signatures_are_those_that_the_docstrings_state() -> None:
    bleu, chrf = BLEU(effective_order=True), CHRF()
    bleu.sentence_score("a", ["a"])
    chrf.sentence_score("a", ["a"])
    told = str(bleu.get_signature())
    assert all(part in told for part in ("case:mixed", "eff:yes", "tok:13a", "smooth:exp"))
    told = str(chrf.get_signature())
    assert all(part in told for part in ("case:mixed", "eff:yes", "nc:6", "nw:0", "space:no"))


@given(st.text(max_size=30).map(str.strip), st.text(max_size=30).map(str.strip))
def test_edit_is_the_similarity_of_the_package(output: str, target: str) -> None:
    said, wanted = (unicodedata.normalize("NFC", text).strip() for text in (output, target))
    if said and said != wanted:
        expected = Levenshtein.normalized_similarity(said, wanted)
        assert value(Edit(), output, target) == pytest.approx(expected, abs=1e-9)


def test_known_figures() -> None:
    assert value(Rouge(variant="rouge1"), "a b c d", "a b x y") == pytest.approx(0.5)
    assert value(Rouge(variant="rouge2"), "a b c d", "a b x y") == pytest.approx(1 / 3)
    assert value(Rouge(), "d c b a", "a b c d") == pytest.approx(0.25)
    assert value(Edit(), "kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert value(Edit(unit="words"), "a b c", "a x c") == pytest.approx(2 / 3)


@pytest.mark.parametrize("output", ENGLISH)
@pytest.mark.parametrize("target", ENGLISH)
def test_sentences_have_the_rouge_of_the_package(output: str, target: str) -> None:
    for variant in VARIANTS:
        expected = rouge(variant, output, target)
        assert value(Rouge(variant=variant), output, target) == pytest.approx(expected, abs=1e-9)


# --- Korean


def test_korean_counts_where_the_package_alone_sees_nothing() -> None:
    output, target = "정부가 예산을 늘린다", "정부는 예산을 늘린다"
    assert rouge("rouge1", output, target) == 0
    # 정부가 예산을 늘린다 is 정부 부가 예산 산을 늘린 린다; five of six pairs are the same.
    assert value(Rouge(variant="rouge1"), output, target) == pytest.approx(5 / 6)
    assert 0.5 < value(Bleu(), output, target) < 1
    assert 0.3 < value(ChrF(), output, target) < 1
    assert value(Edit(), output, target) == pytest.approx(1 - 1 / 11)


def test_a_particle_costs_less_than_another_word() -> None:
    for scorer in (Rouge(), Rouge(variant="rouge1"), Bleu(), ChrF(), Edit()):
        near = value(scorer, "학교에서 친구를 만났다", "학교에서 친구와 만났다")
        far = value(scorer, "학교에서 선생을 만났다", "학교에서 친구와 만났다")
        assert near > far


@pytest.mark.parametrize("scorer", SCORERS)
def test_hangul_typed_on_a_mac_is_the_same(scorer: Scorer) -> None:
    target = "오늘 날씨가 좋습니다"
    assert scorer(unicodedata.normalize("NFD", target), example(target)) == Score(1.0)


def test_words_and_their_pieces() -> None:
    assert tokens("The GPT-4 모델은, 좋다 café") == [
        "the",
        "gpt",
        "4",
        "모델",
        "델은",
        "좋다",
        "café",
    ]
    assert pieces("학교") == ["학교"]
    assert pieces("school") == ["school"]
    assert spaced("AI 모델").split() == ["AI", "모", "델"]
    assert spaced("plain text") == "plain text"


# --- any text


@pytest.mark.parametrize("scorer", SCORERS)
@given(output=st.text(), target=st.text(min_size=1))
def test_a_score_is_a_share_and_a_target_is_right(scorer: Scorer, output: str, target: str) -> None:
    assert scorer(target, example("other", target)) == Score(1.0)
    score = scorer(output, example(target))
    assert 0 <= score.value <= 1
    assert (score.value == 1) == (score.feedback == "")
    assert scorer(output, example(target)) == score


@pytest.mark.parametrize("scorer", SCORERS)
def test_the_best_target_counts(scorer: Scorer) -> None:
    near, far = "a small brown dog barks", "zzz"
    alone = value(scorer, "a small brown cat barks", near)
    assert value(scorer, "a small brown cat barks", far, near) == pytest.approx(alone)
    assert "dog" in scorer("a small brown cat barks", example(far, near)).feedback or isinstance(
        scorer, Bleu
    )


@pytest.mark.parametrize("scorer", SCORERS)
def test_an_empty_answer_is_not_well_formed(scorer: Scorer) -> None:
    score = scorer(" \n", example("a b"))
    assert score == Score(0.0, False, "Expected 'a b', the answer is empty.")


def test_signs_alone_are_right_only_to_the_letter() -> None:
    assert value(Rouge(), "!!!", "!!!") == 1
    assert value(Rouge(), "???", "!!!") == 0
    assert 0 <= value(Bleu(), "😀{}\x00", "{{a}}") <= 1


def test_a_huge_answer_is_scored_by_its_beginning() -> None:
    assert value(Rouge(), "a b c " * 30_000, "a b c d") == pytest.approx(2 * 3 / (3000 + 4))


# --- words


def test_feedback_names_what_is_missing() -> None:
    feedback = Rouge()("The fox sleeps", example("The fox jumps high")).feedback
    assert feedback.endswith("ROUGE-L 0.57. Not in the answer: 'jumps', 'high'.")


def test_edit_says_what_to_write_in_place_of_what() -> None:
    feedback = Edit()("가 안되요 나 정말 다 라 마", example("가 안 돼요 나 다 라 마 바")).feedback
    assert "'안 돼요', not '안되요'" in feedback
    assert "'정말' is too much" in feedback
    assert "'바' is missing" in feedback


def test_feedback_stays_short() -> None:
    for scorer in SCORERS:
        assert len(scorer("x y " * 300, example("a b c " * 300)).feedback) < 600


# --- settings


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"name": "rouge", "variant": "rougel"}, "Did you mean 'rougeL'"),
        ({"name": "rouge", "variant": 1}, "must be a text"),
        ({"name": "edit", "unit": "letters"}, "characters, words"),
        ({"name": "bleu", "lower": True}, "no setting 'lower'"),
    ],
)
def test_a_wrong_setting_is_explained(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        make_scorer(spec)
