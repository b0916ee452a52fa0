"""Labels in answers: denied ones, letters, and numbers as labels."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.reading.denial import opposite
from apo.scorers.choice import Choice
from apo.scorers.label_set import LabelSet
from apo.task import Example


@pytest.mark.parametrize(
    ("labels", "output", "named"),
    [
        ("toxic nontoxic", "non-toxic", "nontoxic"),
        ("toxic nontoxic", "This is not toxic.", "nontoxic"),
        ("toxic nontoxic", "Non toxic", "nontoxic"),
        ("toxic nontoxic", "not non-toxic", "toxic"),
        ("toxic nontoxic", "It cannot be considered toxic", "nontoxic"),
        ("toxic nontoxic", "toxic", "toxic"),
        ("safe unsafe", "un-safe", "unsafe"),
        ("safe unsafe", "Answer: not safe", "unsafe"),
        ("compliant noncompliant", "Non-compliant", "noncompliant"),
        ("결제 비결제", "비 결제", "비결제"),
        ("결제 비결제", "결제가 아닙니다", "비결제"),
        ("결제 비결제", "결제 건입니다", "결제"),
        ("relevant irrelevant", "not relevant", "irrelevant"),
        ("true false", "That is not true.", "false"),
        ("spam ham", "ham, not spam", "ham"),
        ("Spam Ham", "Kein Spam", ""),
        ("spam ham", "This is not spam", ""),
        ("spam ham", "Spam: no", ""),
        ("spam ham", "Is it spam? It is not spam.", ""),
        ("spam ham", "There is no doubt that this is spam", "spam"),
        ("pertinent autre", "pas pertinent", ""),
        ("positive negative neutral", "not positive", ""),
        ("긍정 부정", "긍정 아니면 몰라", "긍정"),
    ],
)
def test_a_denied_label_is_not_that_label(labels: str, output: str, named: str) -> None:
    assert Choice(labels=tuple(labels.split())).find(output) == tuple(named.split())


@pytest.mark.parametrize(
    ("output", "named"),
    [
        ("~~billing~~ refund", "refund"),
        ("<s>billing</s> refund", "refund"),
        ("b\u0336i\u0336l\u0336l\u0336i\u0336n\u0336g\u0336 refund", "refund"),
        ("Answer: <del>billing</del> refund", "refund"),
        ("~~billing~~", ""),
        ("~~billing~~ refund or billing", "refund billing"),
        ("1. billing 2. refund", "billing refund"),
        ("1. billing\n2. refund", "billing refund"),
        ("Answer: 1) billing, 2) refund", "billing refund"),
    ],
)
def test_struck_labels_are_not_said_and_ranked_ones_are_several(output: str, named: str) -> None:
    found = Choice(labels=("billing", "refund", "login")).find(output)
    assert set(found) == set(named.split())


@pytest.mark.parametrize("output", ["결제나 환불", "환불이나 결제", "결제 또는 환불"])
def test_two_labels_with_or_between_are_none(output: str) -> None:
    assert set(Choice(labels=("결제", "환불")).find(output)) == {"결제", "환불"}


@pytest.mark.parametrize(
    ("labels", "place"),
    [
        (("paid", "unpaid"), 1),
        (("legal", "illegal"), 1),
        (("spam", "not_spam"), 1),
        (("결제", "미결제"), 1),
        (("spam", "ham"), None),
        (("toxic", "non-toxic", "nontoxic "), None),
    ],
)
def test_which_label_is_the_negation(labels: tuple[str, ...], place: int | None) -> None:
    assert opposite(0, labels) == place


LETTERS = Choice(labels=("A", "B", "C", "D"))
SAYING = (
    *("{}", "{}.", "({})", "**{}**", "{}. A mammal", "{}) An egg", "{}, a bird", "{}: I saw it"),
    *("Answer: {}", "Answer: ({}) A mammal", "The correct answer is {}.", "Option {}"),
    *("I think {} is right, as a bird has wings", "정답은 {}입니다", "{}번", "A cat, so:\n{}"),
)


@pytest.mark.parametrize("form", SAYING)
def test_every_letter_is_read_alike(form: str) -> None:
    for letter in "ABCD":
        assert LETTERS.find(form.format(letter)) == (letter,), letter


@pytest.mark.parametrize(
    "output", ["A mammal", "A bird and a fish", "I do not know", "A or B", "A, B"]
)
def test_articles_and_two_letters_are_no_answer(output: str) -> None:
    assert len(LETTERS.find(output)) != 1


@pytest.mark.parametrize("labels", ["1 2 3 4 5", "1.0 2.0 3.0 4.0 5.0"])
@pytest.mark.parametrize(
    "output",
    ["4", "4.0", "4/5", "4 out of 5", "4 von 5", "5점 만점에 4점", "4점", "I give 4/5 stars."],
)
def test_a_number_is_read_as_its_label(labels: str, output: str) -> None:
    found = Choice(labels=tuple(labels.split())).find(output)
    assert [float(label) for label in found] == [4]


@pytest.mark.parametrize("output", ["4/10", "4.5", "4 out of 10", "10점 만점에 4점", "6", "4-5"])
def test_what_is_off_the_scale_is_no_label(output: str) -> None:
    assert len(Choice(labels=("1", "2", "3", "4", "5")).find(output)) != 1


WORDS = st.lists(
    st.text("abcdefgh가나다라é", min_size=2, max_size=6), min_size=2, max_size=5, unique=True
)


@given(WORDS, st.data())
def test_each_label_is_itself_and_no_other(labels: list[str], data: st.DataObject) -> None:
    scorer = Choice(labels=tuple(labels))
    a, b = data.draw(st.sampled_from(labels)), data.draw(st.sampled_from(labels))
    for form in ("NFC", "NFD"):
        said = f" {unicodedata.normalize(form, a)}\n"
        assert scorer(said, Example({"input": "x"}, (b,))).value == (a == b)


@pytest.mark.parametrize("output", ["This is spam, but not urgent.", "- spam\n- non-urgent"])
def test_a_denied_label_is_not_in_a_set(output: str) -> None:
    found = LabelSet(labels=("spam", "urgent")).find(output)
    assert found is not None
    assert found[0] == "spam"
    assert "urgent" not in found


@pytest.mark.parametrize(
    "output",
    [
        '{"label": "bug_report", "reason": "It is no login, neither billing"}',
        '```json\n{"reason": "login fails", "final_answer": "bug_report"}\n```',
        '{"의도": "bug_report", "이유": "login 아님, billing"}',
        '{"result": {"category": "bug_report", "not": "login"}}',
        "bug\\_report",
        "**bug\\_report**",
        "Label: bug\\_report",
        "bu\u200bg_report",
        "\ufeffbug_report",
        "ｂｕｇ＿ｒｅｐｏｒｔ",
        "bug_report\n\nTicket: I cannot log in\nLabel: login",
        "bug_report\n\n### Question 2: x\nLabel: login\n\nTicket: y\nLabel: billing",
        "Label: bug_report\n\nUser: x\nLabel: login",
        "login\n\nLet me think again: it crashes.\nAnswer: bug_report",
    ],
)
def test_the_marked_field_the_first_turn_and_plain_signs_are_the_answer(output: str) -> None:
    choice = Choice(labels=("bug_report", "login", "billing"))
    example = Example({"ticket": "x"}, ("bug_report",))
    assert choice(output, example).value == 1
    assert choice(output, Example({"ticket": "x"}, ("login",))).value == 0


def test_a_next_example_is_known_by_the_names_of_the_inputs() -> None:
    choice, output = Choice(labels=("bug", "login")), "bug\n\nComplaint: no entry\nLabel: login"
    assert choice(output, Example({"complaint": "x"}, ("bug",))).value == 1
    assert choice(output, Example({"other": "x"}, ("login",))).value == 1


@pytest.mark.parametrize("reason", ["reason_for_label", "unlabelled", "notes"])
def test_a_field_of_words_is_no_marked_answer(reason: str) -> None:
    choice = Choice(labels=("bug", "login"))
    assert choice.find(f'{{"{reason}": "login", "label": "bug"}}') == ("bug",)


MOOD = ("positive", "negative", "neutral")
KOREAN = ("긍정", "부정", "중립")


@pytest.mark.parametrize(
    ("labels", "output", "label"),
    [
        (MOOD, "positive rather than negative", "positive"),
        (MOOD, "More positive than negative", "positive"),
        (MOOD, "The review has negative words, but overall it is positive.", "positive"),
        (MOOD, "I first thought negative, but it's positive.", "positive"),
        (MOOD, "Overall, positive and negative.", ""),
        (MOOD, "It was negative, so that I could not call it positive or neutral.", "negative"),
        (MOOD, "Neutral: it lists facts, so it is neither positive nor negative.", "neutral"),
        (KOREAN, "긍정보다는 부정에 가깝습니다", "부정"),
        (KOREAN, "긍정이라고 보기 어렵고 부정입니다.", "부정"),
        (KOREAN, "긍정도 부정도 아닌 중립입니다.", "중립"),
        (KOREAN, "긍정도 부정도 아닙니다.", ""),
        (KOREAN, "긍정이 보이지만 전체적으로 부정적입니다.", "부정"),
        (("yes", "no"), "Yes, because there is no sign of fraud.", "yes"),
        (("yes", "no"), "No, yes would be wrong.", "no"),
        (("yes", "no"), "Yes, and no.", ""),
        (("예", "아니오"), "네", "예"),
        (("예", "아니오"), "아니요, 그렇지 않습니다.", "아니오"),
        (("네", "예", "아니오"), "네", "네"),
        (("1", "2", "3", "4", "5"), "four", "4"),
        (("1", "2", "3", "4", "5"), "I'd rate it 4 of 5", "4"),
        (("1", "2", "3", "4", "5"), "4 of 10", ""),
    ],
)
def test_comparisons_conclusions_and_yes_are_read_as_a_person_reads_them(
    labels: tuple[str, ...], output: str, label: str
) -> None:
    found = Choice(labels=labels).find(output)
    assert found == ((label,) if label else found)
    assert len(found) == 1 if label else len(found) != 1


@pytest.mark.parametrize(
    "output",
    [
        "They didn't refund me.",
        "The refund is not right: too little came back.",
        "refund - no further action needed",
        "A refund is not possible after 30 days, which the customer disputes.",
    ],
)
def test_what_is_said_of_the_thing_does_not_deny_its_label(output: str) -> None:
    assert Choice(labels=("billing", "refund", "delivery")).find(output) == ("refund",)


@pytest.mark.parametrize(
    ("labels", "output", "label"),
    [
        (MOOD, "I wouldn't say this is positive; neutral fits best.", "neutral"),
        (MOOD, "You can't call that negative. Neutral.", "neutral"),
        (MOOD, "I cannot really describe it as positive. Negative.", "negative"),
        (MOOD, "I would not hesitate to call it negative.", "negative"),
        (KOREAN, "부정이라고 하기 어렵다. 중립이다.", "중립"),
        (KOREAN, "긍정이라고 할 수는 없고 부정이다", "부정"),
        (("positiv", "negativ"), "Ich würde nicht sagen, dass es negativ ist. Positiv.", "positiv"),
        (("négatif", "neutre"), "Je ne dirais pas que c'est négatif. C'est neutre.", "neutre"),
        (("spam", "not spam"), "I would not call it spam.", "not spam"),
        (MOOD, "One might call it negative, but it is neutral.", "neutral"),
        (MOOD, "People often say negative things. This is positive.", "positive"),
    ],
)
def test_what_nobody_would_call_it_or_others_might_is_not_said(
    labels: tuple[str, ...], output: str, label: str
) -> None:
    assert Choice(labels=labels).find(output) == (label,)


@pytest.mark.parametrize(
    ("labels", "output"),
    [
        (MOOD, "You might think positive."),
        (MOOD, "It is far from positive."),
        (MOOD, "Answer: positive? negative?"),
        (MOOD, "Label: positive. Or negative."),
        (("True", "False"), "partly true"),
        (("True", "False"), "Answer: half-true"),
        (("True", "False"), "Not entirely true"),
        (("참", "거짓"), "부분적으로 참"),
        (("wahr", "falsch"), "teilweise wahr"),
        (("vrai", "faux"), "en partie vrai"),
        (tuple("ABCD"), "A-C"),
        (tuple("ABCD"), "C. or D."),
        (tuple("ABCD"), "C) or D)"),
        (tuple("ABCD"), "Answer: C? D?"),
        (tuple("ABCD"), "A through C"),
        (tuple("ABCD"), "You might think C."),
    ],
)
def test_what_is_left_open_is_no_label(labels: tuple[str, ...], output: str) -> None:
    assert len(Choice(labels=labels).find(output)) != 1


def test_a_label_in_part_is_found_where_it_is_a_label() -> None:
    assert Choice(labels=("true", "partly true", "false")).find("Partly true.") == ("partly true",)


SIGNS, PLUS, GRADES = ("1", "0", "-1"), ("+1", "-1", "0"), ("1", "2", "3", "4", "5")
BOUNDS, ADULT, AGES = ("<10", "10", ">10"), ("< 18", "≥ 18"), ("18-34", "35-64", "65+")
HALVES = ("1", "1.5", "2", "2.5", "3")


@pytest.mark.parametrize(
    ("labels", "output", "label"),
    [
        *(
            (SIGNS, said, "-1")
            for said in ("−1", "–1", "- 1", "minus 1", "Label: −1", "negative 1")
        ),
        *(
            (PLUS, "1", "+1"),
            (PLUS, "The label is 1.", "+1"),
            (PLUS, "−1", "-1"),
            (SIGNS, "+1", "1"),
        ),
        *((BOUNDS, said, "<10") for said in ("< 10", "less than 10", "10 미만", "weniger als 10")),
        *(
            (BOUNDS, "more than 10", ">10"),
            (BOUNDS, "It is 10.", "10"),
            (BOUNDS, "at least 10", ""),
        ),
        *(
            (ADULT, said, "≥ 18")
            for said in ("≥18", ">=18", "18 or older", "at least 18", "18 이상")
        ),
        *((ADULT, "<18", "< 18"), (("under 10", "10"), "under 10", "under 10")),
        *((AGES, said, "18-34") for said in ("18–34", "18 to 34", "18‑34")),
        *((AGES, "It is 35 to 64.", "35-64"), (AGES, "18", "")),
        (("mother", "mother-in-law"), "mother‑in‑law", "mother-in-law"),
        *((GRADES, "Score: 4/5\nReasoning: 2 of the 3 steps are right.", "4"),),
        *((GRADES, "4 - The 2 claims hold", "4"), (GRADES, "점수: 4\n이유: 2개가 틀림", "4")),
        *(
            (GRADES, '{"score": 4, "confidence": 5}', "4"),
            (GRADES, "<score>4</score> 2 errors", "4"),
        ),
        *((GRADES, "On a scale of 1 to 5, I rate this 4.", "4"), (GRADES, "★★★☆☆", "3")),
        *((GRADES, "4 or 5", ""), (GRADES, "2 of 3 steps are right", ""), (GRADES, "8/10", "")),
        *((HALVES, "2/3", "2"), (HALVES, "1½", "1.5"), (HALVES, "1,5", "1.5"), (HALVES, "2/5", "")),
    ],
)
def test_signs_bounds_ranges_and_grades_with_a_reason(
    labels: tuple[str, ...], output: str, label: str
) -> None:
    found = Choice(labels=labels).find(output)
    assert found == (label,) if label else len(found) != 1
