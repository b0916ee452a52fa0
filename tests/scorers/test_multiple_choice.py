"""Multiple choice: the mark, the text, or both, which must agree; the article is no mark."""

import unicodedata
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.errors import TaskError
from apo.reading.option_lines import options_in
from apo.scorers.multiple_choice import MultipleChoice
from apo.task import Example, Score

WHALE = "What is a whale?\n\nA. A bird\nB. A mammal\nC. A fish\nD. A reptile"
KOREAN = "다음 중 포유류는?\n{} 참새\n{} 고래\n{} 상어"
SCORER = MultipleChoice()


def score(output: str, question: str = WHALE, target: str = "B") -> Score:
    return SCORER(output, Example({"question": question}, (target,)))


RIGHT = [
    *("B", "b", "(B)", "B.", "**B**", "Answer: B", "B. A mammal", "Answer: (B) A mammal"),
    *("A mammal", "a mammal.", "mammal", "B, a mammal", "B - a mammal", "**B. A mammal**"),
    *("B. Because it breathes air", "The correct answer is B because birds fly", "Option B"),
    *("It is not a fish, it is a mammal", "A dog is a mammal, so B", "So:\nB. A mammal"),
    *("정답은 B입니다", "2번", "②", '{"answer": "A mammal"}', "\\boxed{B}", "I'd say B."),
    *("A bird flies. A fish does not breathe.\n\n**Answer: B**", "<answer>(B)</answer>"),
    WHALE.partition("\n\n")[2] + "\n\nAnswer: B",
]
WRONG = ["A", "A bird", "C", "(C) A fish", "3번", "a fish.", "Answer: D", "D. It has scales"]
NEITHER = [
    *("B, a bird", "B. A bird", "A. A mammal", "The answer is a bird (B).", "Answer: (A) A mammal"),
    *("B or C", "A, B", "A whale is big", "Not B", "not a bird", "", "I do not know", "E"),
    *("a mammal or a fish", "B and C", "None of these"),
]


@pytest.mark.parametrize("output", RIGHT)
def test_right(output: str) -> None:
    assert score(output).value == 1


@pytest.mark.parametrize("output", WRONG)
def test_wrong_but_well_formed(output: str) -> None:
    assert (score(output).value, score(output).well_formed) == (0, True)


@pytest.mark.parametrize("output", NEITHER)
def test_no_option_or_two(output: str) -> None:
    assert (score(output).value, score(output).well_formed) == (0, False)


@pytest.mark.parametrize(
    "form", ["{m}", "({m})", "{m}. {t}", "Answer: ({m}) {t}", "{m}, {t}", "{t}"]
)
def test_no_letter_is_better_off(form: str) -> None:
    for option in options_in(WHALE):
        said = form.format(m=option.mark, t=option.text)
        assert score(said, target=option.mark).value == 1, said


@pytest.mark.parametrize("target", ["B", "(B)", "b.", "A mammal", "B. A mammal", "mammal"])
def test_what_a_target_may_be(target: str) -> None:
    assert score("B", target=target).value == 1
    assert score(target, target=target).value == 1
    assert score("A bird", target=target).value == 0


@pytest.mark.parametrize(
    ("first", "target", "right"), [(0, "1", "B"), (1, "1", "A"), (0, "0", "A")]
)
def test_a_number_counts_from_the_first(first: int, target: str, right: str) -> None:
    scorer = MultipleChoice(first=first)
    example = Example({"q": WHALE}, (target,))
    assert [mark for mark in "ABCD" if scorer(mark, example).value == 1] == [right]
    assert scorer(target, example).value == 1


@pytest.mark.parametrize(
    ("marks", "right"),
    [
        (("①", "②", "③"), ["②", "2번", "2", "② 고래", "고래입니다", "정답은 ②번", "답: 2번 고래"]),
        (("1.", "2.", "3."), ["2", "2번", "2. 고래", "(2)", "정답: 2", "고래"]),
        (("가.", "나.", "다."), ["나", "나.", "나. 고래", "(나)", "정답은 나입니다", "2번"]),
        (("ㄱ.", "ㄴ.", "ㄷ."), ["ㄴ", "ㄴ. 고래", "정답은 ㄴ입니다", "고래"]),
        (("(A)", "(B)", "(C)"), ["B", "(B) 고래", "2번", "B입니다", "정답은 B"]),
    ],
)
def test_marks_of_other_kinds(marks: tuple[str, ...], right: list[str]) -> None:
    question = KOREAN.format(*marks)
    example = Example({"문제": question}, (marks[1].strip("."),))
    for said in right:
        assert SCORER(said, example).value == 1, said
    for said in ("상어", "3번", f"{marks[2]} 고래", f"{marks[1]} 상어", "참새나 고래"):
        assert SCORER(said, example).value == 0, said


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("2+2?\nA. 2\nB. 4\nC. 3", ["B", "4", "B. 4", "2 + 2 = 4, so B"], ["2", "B. 2", "A. 4"]),
        ("Which?\nA. Vitamin D\nB. Vitamin C\nC. Iron", ["I believe it is Vitamin C."], ["C"]),
        ("Blood?\nA. O\nB. AB\nC. B", ["B", "AB", "B. AB"], ["A", "O", "C"]),
        ("Pet?\nA. cat\nB. black cat", ["black cat", "B"], ["cat", "A"]),
    ],
)
def test_texts_that_look_like_marks(question: str, right: list[str], wrong: list[str]) -> None:
    assert [score(said, question).value for said in right] == [1] * len(right)
    assert [score(said, question).value for said in wrong] == [0] * len(wrong)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Q (A) cat (B) dog", ["cat", "dog"]),
        ("1. is it?\n2. or not?\n\nA) 1 only\nB) 2 only", ["1 only", "2 only"]),
        ("Q\nA. one\nB. two\n\nQ\nA. three\nB. four\nC. five", ["three", "four", "five"]),
        ("Options:\n- (A) yes\n- (B) no", ["yes", "no"]),
        ("no options, A. Smith", []),
    ],
)
def test_which_options_a_text_holds(text: str, found: list[str]) -> None:
    assert [option.text for option in options_in(text)] == found


def test_options_in_fields_of_their_own() -> None:
    example = Example({"q": "x", "a": "cat", "b": "dog"}, ("dog",))
    apart = MultipleChoice(options=("a", "b"))
    assert [apart(said, example).value for said in ("B", "dog", "A", "cat")] == [1, 1, 0, 0]
    for cell in (
        '["cat", "dog"]',
        "['cat', 'dog']",
        '{"text": ["cat", "dog"], "label": ["A", "B"]}',
    ):
        listed = MultipleChoice(options=("choices",), first=0)
        assert listed("B", Example({"choices": cell}, ("1",))).value == 1


def test_what_cannot_be_judged_is_told() -> None:
    assert SCORER.places(Example({"q": "no options"}, ("B",))) == frozenset()
    assert SCORER.find("B", ()) == ()
    assert "holds no options" in score("B", "no options").feedback
    assert "none of the options 'A. A bird'" in score("B", target="E").feedback
    missing = MultipleChoice(options=("x",))("B", Example({"q": "y"}, ("B",)))
    assert "input fields 'x' hold no two options" in missing.feedback
    with pytest.raises(TaskError, match="must be 0 or 1"):
        MultipleChoice(first=2)


TEXTS = st.lists(
    st.text("bcdefgh가나다라éü", min_size=2, max_size=7), min_size=2, max_size=5, unique=True
)


@given(TEXTS, st.data())
def test_each_option_is_itself_and_no_other(texts: list[str], data: st.DataObject) -> None:
    question = "q\n" + "\n".join(f"{'ABCDE'[n]}. {text}" for n, text in enumerate(texts))
    places = st.integers(0, len(texts) - 1)
    said, right = data.draw(places), data.draw(places)
    example = Example(
        {"q": question}, (data.draw(st.sampled_from(["ABCDE"[right], texts[right]])),)
    )
    mark = "ABCDE"[said]
    for answer in (mark, texts[said], f"{mark}. {texts[said]}", f"Answer: ({mark})"):
        for form in ("NFC", "NFD"):
            text = f" {unicodedata.normalize(form, answer)}\n"
            assert SCORER(text, example).value == (said == right), answer
    if said != right:
        assert SCORER(f"{'ABCDE'[right]}. {texts[said]}", example).value == 0


CITIES = ("Berlin", "Madrid", "Paris", "Rome")
AUTHORS = ("Victor Hugo", "Émile Zola", "Gustave Flaubert", "Honoré de Balzac")
MOVES = ("Increase", "Decrease", "Remain the same", "Cannot be determined")
NUMBERS = ("12", "15", "18", "21")


def said(output: str, texts: tuple[str, ...], target: str) -> float:
    listed = "\n".join(f"{mark}. {text}" for mark, text in zip("ABCD", texts, strict=True))
    return MultipleChoice()(output, Example({"question": f"Q?\n{listed}"}, (target,))).value


@pytest.mark.parametrize(
    ("texts", "output", "target"),
    [
        (CITIES, "C is correct, A is not.", "C"),
        (CITIES, "It can't be A or B. D is wrong too. So C.", "C"),
        (CITIES, "A, B and D are wrong; it is C.", "C"),
        (CITIES, "A. Berlin - no\nB. Madrid - no\nC. Paris - yes\nD. Rome - no", "C"),
        (CITIES, "Berlin is in Germany, Rome in Italy. So it is Paris.", "C"),
        (CITIES, "Explanation: A is in Germany, B in Spain, D in Italy.\nC", "C"),
        (CITIES, "C was my first guess, but D is right.", "D"),
        (CITIES, "Paris (C), not Rome (D)", "C"),
        (CITIES, "option c is correct", "C"),
        (CITIES, "We can rule out A, B and D, so C remains.", "C"),
        (CITIES, "I'd choose C over D.", "C"),
        (CITIES, "C, although D is tempting", "C"),
        (AUTHORS, "C'est Émile Zola qui a écrit « Germinal ».", "B"),
        (AUTHORS, "D'après moi, c'est B.", "B"),
        (AUTHORS, "Ni A ni C : B.", "B"),
        (AUTHORS, "Emile Zola", "B"),
        (AUTHORS, "C'est Balzac.", "D"),
        (MOVES, "The price decreases.", "B"),
        (MOVES, "It remains the same.", "C"),
        (MOVES, "It cannot be determined whether it will increase or decrease.", "D"),
        (NUMBERS, "12 + 3 = 15", "B"),
        (NUMBERS, "fifteen", "B"),
    ],
)
def test_one_option_is_chosen_among_those_that_are_spoken_of(
    texts: tuple[str, ...], output: str, target: str
) -> None:
    assert said(output, texts, target) == 1


@pytest.mark.parametrize(
    ("texts", "output", "target"),
    [
        (CITIES, "C (Rome)", "C"),
        (CITIES, "The answer is C, i.e. Rome.", "C"),
        (CITIES, "Rome, so C", "C"),
        (CITIES, "Paris is option B", "B"),
        (CITIES, "B, since the capital of France is Paris.", "B"),
        (CITIES, "C) Lisbon", "C"),
        (CITIES, "B. The capital of France is Paris.", "B"),
        (CITIES, "B\n\nThe capital of France is Paris.", "B"),
        (CITIES, "Probably C, though D is possible.", "C"),
        (CITIES, "Washington, D.C.", "D"),
        (AUTHORS, "Franklin D. Roosevelt", "D"),
        (CITIES, "C) Paris and D) Rome", "C"),
        (CITIES, "C, but maybe D", "C"),
        (CITIES, "Anything but C.", "C"),
        (CITIES, "C is not correct", "C"),
        (CITIES, "C would be wrong.", "C"),
        (CITIES, "Rule out C.", "C"),
        (CITIES, "E. None of the above (though C is close)", "C"),
        (CITIES, "Vitamin C", "C"),
        (CITIES, "20 °C", "C"),
        (AUTHORS, "C'est Émile Zola.", "C"),
        (MOVES, "It won't increase.", "A"),
        (MOVES, "I cannot tell whether it increases.", "A"),
        (NUMBERS, "A) 16", "A"),
        (NUMBERS, "-15", "B"),
        (NUMBERS, "15%", "B"),
    ],
)
def test_a_wrong_or_open_answer_is_no_option(
    texts: tuple[str, ...], output: str, target: str
) -> None:
    assert said(output, texts, target) == 0


ANIMALS = ("cat", "dog", "horse", "cow")


@pytest.mark.parametrize(
    ("texts", "output", "target"),
    [
        (CITIES, "Best option: C Paris", "C"),
        (CITIES, "My choice is C, Paris", "C"),
        (CITIES, "Final answer — C. Paris is in France.", "C"),
        (
            ANIMALS,
            "A and D are eliminated because they are small, and B barks. This leaves C.",
            "C",
        ),
        (
            ANIMALS,
            "We exclude B and C since both are large, and D gives milk. So only A remains.",
            "A",
        ),
        (ANIMALS, "B und D scheiden aus, A ist zu klein. Damit bleibt C.", "C"),
        (ANIMALS, "On peut éliminer A et D, et B est trop petit. Il reste C.", "C"),
        (ANIMALS, "A와 B는 너무 작고 D는 젖을 준다. 남는 것은 C입니다.", "C"),
        (ANIMALS, "D is correct: A, B and C give no milk.", "D"),
        (ANIMALS, "B is the answer because A and C live elsewhere.", "B"),
        (ANIMALS, "D ist richtig, weil A, B und C keine Milch geben.", "D"),
        (ANIMALS, "D est correct car A, B et C ne donnent pas de lait.", "D"),
        (ANIMALS, "The correct answer is D as A, B and C do not give milk.", "D"),
        (ANIMALS, "A, B and C are animals without milk, whereas D gives it. D is correct.", "D"),
        (CITIES, "C is right, since A is in Germany, B is in Spain and D is in Italy.", "C"),
        (CITIES, "C is correct. A is the capital of Germany, B of Spain.", "C"),
        (CITIES, "You might think A, but it is C.", "C"),
        (CITIES, "Berlin is not the capital of France; Paris is.", "C"),
    ],
)
def test_what_is_concluded_counts_and_not_what_a_reason_speaks_of(
    texts: tuple[str, ...], output: str, target: str
) -> None:
    assert said(output, texts, target) == 1


@pytest.mark.parametrize(
    "label",
    ["Correct Answer: {}", "Final answer — {}", "My choice is {}", "**Correct answer:** {}",
     "The solution: {}", "La bonne réponse est {}", "Die richtige Lösung ist {}", "정답: {}",
     "최종 선택: {}", "Answer:\n{}", "Correct option = {}"],
)  # fmt: skip
@pytest.mark.parametrize(
    "form", ["D. Berlin", "D, Berlin", "D) Berlin", "D (Berlin)", "**D.** Berlin"]
)
def test_a_mark_with_another_options_text_never_scores(label: str, form: str) -> None:
    assert said(label.format(form), CITIES, "D") == 0
    assert said(label.format(form), CITIES, "A") == 0
    assert said(label.format(form.replace("Berlin", "Rome")), CITIES, "D") == 1


@pytest.mark.parametrize(
    "output",
    [
        *("A-C", "A–C", "A through C", "B to C", "C. or D.", "C) or D)", "C. oder D."),
        *("Paris is not the capital", "Paris ist nicht die Hauptstadt.", "Paris는 수도가 아니다"),
        *("Paris n'est pas la capitale.", "Paris was never the one.", "C isn't the answer"),
        *("You might think C.", "One could say it is Paris.", "Many would choose Paris."),
        *("On pourrait penser C.", "Man könnte C denken.", "People often say C."),
        *("Answer: C? D?", "Answer: C? Or D?", "Is it C? Or is it D?", "That leaves Rome and C."),
        *("I would not choose C.", "I wouldn't pick C.", "C is almost correct.", "Not even C."),
        *("C is partially correct.", "C would be correct if the country were Spain."),
        *("That leaves B and C.", "C and D are both correct because A and B are wrong."),
        *(
            "C is correct, but A is correct too.",
            "C is not correct because A, B and D are capitals.",
        ),
        *("C is correct because the capital is Rome.", "Correct Answer: C. Lisbon"),
    ],
)
def test_what_is_left_open_denied_or_supposed_never_scores(output: str) -> None:
    assert said(output, CITIES, "C") == 0


def test_what_is_not_is_the_answer_where_the_question_asks_for_it() -> None:
    question = "Which of these is not a capital?\nA. Milan\nB. Rome\nC. Paris"
    assert score("Milan is not a capital.", question, "A").value == 1


METALS, DOSES = ("iron", "gold", "iron", "tin"), ("10 mg", "20 mg", "5 mg", "1 mg")
OTHERS = ("Rome", "Paris", "all of these", "None of these")


@pytest.mark.parametrize(
    ("texts", "output", "target", "value"),
    [
        (METALS, "The answer is (C) iron.", "C", 1),
        (METALS, "A. iron", "C", 0),
        (METALS, "C. gold", "C", 0),
        *((DOSES, said, "A", 1) for said in ("10mg", "It is 10mg.", "A. 10mg", "10 mg")),
        *((CITIES, said, "B", 1) for said in ("答案是B。", "答案：B", "正确答案为B")),
        (CITIES, "答案是A。", "A", 1),
        (CITIES, "答案是A。", "B", 0),
        *((OTHERS, f"None of {what}", "D", 1) for what in ("the above", "these options", "them")),
        (OTHERS, "All of the above.", "C", 1),
        (OTHERS, "All of the above.", "D", 0),
    ],
)
def test_texts_that_are_alike(
    texts: tuple[str, ...], output: str, target: str, value: float
) -> None:
    assert said(output, texts, target) == value


@pytest.mark.parametrize(
    "piece", ["C ", "A-", "C? ", "A, B and C are ", "C is correct because ", "Paris, "]
)
def test_what_is_repeated_to_the_token_limit_is_read_in_time(piece: str) -> None:
    start = process_time()
    said((piece * 20_000)[:20_000], CITIES, "D")
    assert process_time() - start < 4  # It takes about half a second.
