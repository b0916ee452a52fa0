"""Numbers: which texts are one number, which number an answer gives, and what equals what."""

import unicodedata
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.reading.numbers import numbers_in, whole_number
from apo.reading.said_number import number_in
from apo.scorers.registry import Numeric, make_scorer
from apo.task import Example, Score


def score(output: str, target: str, scorer: Numeric | None = None) -> Score:
    return (scorer or Numeric())(output, Example({"input": "x"}, (target,)))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.234,56", "1234.56"),
        ("5,80,300", "580300"),
        ("12,34,567.5", "1234567.5"),
        ("302 900", "302900"),
        ("1 234,5", "1234.5"),
        ("1'234.50", "1234.5"),
        ("8,5%", "8.5"),
        ("7,5", "7.5"),
        ("1.234.567", "1234567"),
        ("3.5 million", "3500000"),
        ("3,5 Mio. €", "3500000"),
        ("₹2.5 crore", "25000000"),
        ("3만 5천원", "35000"),
        ("1억 2,000만 원", "120000000"),
        ("5k", "5000"),
        ("3 × 10^8", "300000000"),
        ("3×10⁻²", "0.03"),
        ("Rs. 5,80,300", "580300"),
        ("USD500", "500"),
        ("minus 5", "-5"),
        ("+5", "5"),
        ("12 m2", "12"),
        ("1 hour 30 minutes", "1.5"),
        ("12 apples", "12"),
        ("A long way round.\n#### 42", "42"),
    ],
)
def test_what_is_one_number(text: str, number: str) -> None:
    found = whole_number(text)
    assert found is not None
    assert found.value == Fraction(number)
    assert score(text, text).value == 1


@pytest.mark.parametrize(
    "text",
    [
        *("15/11/2025", "2024-05-01", "15.11.2025", "12:30", "3 PM", "12시 30분", "3월 5일"),
        *("1.2.3", "v2.10", "192.168.0.1", "010-1234-5678", "+82 10 1234 5678", "(555) 123-4567"),
        *("4111 1111 1111 1111", "1,2,3", "1, 2, 3", "1 / 2 / 3", "10-20", "10–20", "5 ~ 7"),
        *(
            "A-123",
            "CO2",
            "GPT-4",
            "3rd",
            "4x4",
            "5 or 6",
            "5 to 6",
            "7 and 8",
            "12 of 30",
            "x",
            "",
        ),
    ],
)
def test_what_is_no_number_is_refused_as_a_target(text: str) -> None:
    assert whole_number(text) is None
    refused = score("5", text)
    assert refused.value == 0
    assert "is not one number" in refused.feedback
    assert score(text, text).value == 0


@pytest.mark.parametrize(
    ("output", "target"),
    [
        ("7,5", "12,5"),
        ("12 000", "15 000"),
        ("5 hours 30 minutes", "1 hour 30 minutes"),
        ("3.5 billion", "3.5 million"),
        ("3억", "3만"),
        ("5 kg", "5 m"),
        ("$5", "€5"),
        ("1.234,56", "5.678,56"),
        ("5,80,300", "6,80,300"),
        ("The year 2024-05-12", "12"),
        ("CO12", "12"),
        ("It is 10-12.", "12"),
        ("Either 10 or 12.", "12"),
        ("10, 11, 12", "12"),
        ("not 12", "12"),
        ("12가 아닙니다", "12"),
        ("Version 1.12", "12"),
        ("room 4B12", "12"),
    ],
)
def test_a_wrong_answer_scores_nothing(output: str, target: str) -> None:
    assert score(output, target).value == 0


@pytest.mark.parametrize(
    ("output", "target"),
    [
        ("The area is 12 m2.", "12"),
        ("5 kg of CO2", "5"),
        ("It is 12, not 15.", "12"),
        ("15가 아니라 12입니다", "12"),
        ("1. First I add.\n2. So it is 7 in all.", "7"),
        ("The 2nd train takes 8 minutes", "8"),
        ("It takes 90 minutes.", "1 hour 30 minutes"),
        ("1500 m", "1.5 km"),
        ("You pay $18 for the 3 books.", "$18"),
        ("Es sind 7,5 Stunden.", "7.5"),
        ("Le prix est de 1 234,50 €.", "1234.50"),
        ("총 3만 5천원입니다", "35,000원"),
        ("₹5,80,300 in total", "580300"),
        ("3,500,000", "3.5 million"),
        ("GPT-4 says 12", "12"),
        ("On 2024-05-01 there were 12", "12"),
    ],
)
def test_a_right_answer_scores_all(output: str, target: str) -> None:
    assert score(output, target) == Score(1.0)


def test_the_decimal_sign_of_the_data_decides_what_leaves_a_doubt() -> None:
    german = make_scorer({"name": "numeric", "decimal": ","})
    assert isinstance(german, Numeric)
    assert score("1234", "1.234", german).value == 1
    assert score("1234", "1.234").value == 0
    assert score("1,234", "1.234", german).value == 0
    assert score("1.234,00", "1.234", german).value == 1
    with pytest.raises(Exception, match="decimal is ';'"):
        make_scorer({"name": "numeric", "decimal": ";"})


@pytest.mark.parametrize("text", ["3만 5천원", "12미터", "답: 7개"])
def test_decomposed_hangul_is_read(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    assert score(decomposed, text).value == 1
    assert score(text, decomposed).value == 1


@pytest.mark.parametrize(
    "output",
    ["I count 12.\nAnswer: 10 or 12", "10 or 12", "between 10 and 12", "10-12", "1, 2, 3", "1.2.3"],
)
def test_an_open_answer_is_not_well_formed(output: str) -> None:
    assert not score(output, "12").well_formed


NUMBERS = st.fractions(-(10**9), 10**9, max_denominator=1).map(int)
FORMS = ("{}", "{:,}", "${:,}", "{} kg", "{}%", "{}원", "= {}", "**{}**", "{} apples", "{}.")


@given(NUMBERS, NUMBERS, st.sampled_from(FORMS), st.sampled_from(("", "Answer: ", "So it is ")))
def test_numbers_are_equal_where_their_values_are(a: int, b: int, form: str, lead: str) -> None:
    one, other = form.format(a), form.format(b)
    assert score(one, one).value == 1
    assert score(lead + one, other).value == (a == b)
    assert score(f" {one}\n", one).value == 1


@given(st.integers(0, 10**8), st.integers(0, 99), st.integers(0, 10**8), st.integers(0, 99))
def test_german_money_is_equal_where_its_value_is(a: int, ac: int, b: int, bc: int) -> None:
    def german(whole: int, cents: int) -> str:
        return f"{whole:,}".replace(",", ".") + f",{cents:02}"

    same = (a, ac) == (b, bc)
    assert score(german(a, ac) + " €", german(b, bc)).value == same
    assert score(f"{a:,}.{ac:02}", german(b, bc)).value == same


@pytest.mark.parametrize(
    "piece", ["1 ", "1-", "1.", "12,", "3만 ", "1 h ", "$", "1/", "5 or ", "#1"]
)
def test_long_text_is_read_in_time(piece: str) -> None:
    text = piece * 20_000
    number_in(text)
    whole_number(text)


@pytest.mark.parametrize(
    ("target", "output"),
    [
        ("1234567", r"\boxed{1{,}234{,}567}"),
        ("1234567", r"$1\,234\,567$"),
        ("1234567", "1\u00a0234\u00a0567"),
        ("1234567", "1’234’567"),
        ("1234", r"So $x = 1{,}234$."),
        ("0.5", r"\frac12"),
        ("0.5", r"\boxed{\dfrac{1}{2}}"),
        ("0.75", r"$\tfrac34$"),
        ("42", "42\n\n**Confidence**: 9/10"),
        ("42", "It is 42 apples.\nConfidence level: 95%"),
        ("42", "42 (I am 90% sure)"),
        ("42", "42 m^2"),
        ("42", "It covers 42 cm^{2} of it"),
        ("42", r"\boxed{42\text{ km}}"),
        ("-5", "minus 5"),
        ("-5", "–5"),
        ("-5", "The answer is –5."),
        ("-5", "－5"),
        ("9", "Confidence: 9"),
    ],
)
def test_numbers_as_latex_dashes_and_sure_answers_have_them(target: str, output: str) -> None:
    numeric = Numeric()
    assert numeric(output, Example({"x": "y"}, (target,))).value == 1
    opposite = str(-float(target))
    assert numeric(output, Example({"x": "y"}, (opposite,))).value == 0


@pytest.mark.parametrize("text", ["10–20", "pages 10 – 20", "10^2", "a 5–year plan"])
def test_a_dash_between_is_no_minus(text: str) -> None:
    assert all(number.value > 0 for number in numbers_in(text))


@pytest.mark.parametrize(
    ("target", "right", "wrong"),
    [
        ("7", "There are seven of them.", "There are seventy of them."),
        ("2.5", "zweieinhalb", "zwei Drittel"),
        ("105", "One hundred and five.", "five"),
        ("5", "five", "one four five"),
        ("2/3", "two thirds", "two"),
        ("24", "La réponse est vingt-quatre.", "La réponse est quatre."),
        ("2,500,000", "two and a half million", "two million"),
        ("25,000원", "이만 오천 원입니다", "이만 원입니다"),
        ("12", "열두 개입니다", "두 개입니다"),
        ("1", "The answer is one.", "No one knows."),
        ("1990", "nineteen ninety", "ninety"),
        ("30", "30", "a dozen"),
    ],
)
def test_numbers_in_words_are_read_where_there_are_no_digits(
    target: str, right: str, wrong: str
) -> None:
    assert score(right, target) == Score(1.0)
    assert score(wrong, target).value == 0


@pytest.mark.parametrize(
    ("target", "right", "wrong"),
    [
        ("£2.4m", "2.4 million pounds", "£2.4"),
        ("$5b", "5 billion dollars", "5 million dollars"),
        ("2.4 m", "2.4 metres", "2.4 million"),
        ("£5", "5 pounds", "5 lb"),
        ("5 lb", "5 pounds", "£5"),
        ("0.50 €", "50 Cent", "50 €"),
        ("₹0.50", "50 paise", "50 cents"),
        ("CHF 50", "50 Swiss francs", "50 euros"),
        ("100 SEK", "100 kr", "100 NOK"),
        ("£1,299", "1,299 pounds sterling", "1,299 US dollars"),
        ("CN¥500", "¥500", "500엔"),
        ("1,5 milliard d'euros", "1 500 000 000 €", "1 500 000 €"),
        ("만 2천 원", "12000원", "2000원"),
        ("4,500원", "4천5백 원", "4천5원"),
        ("백만 원", "1,000,000원", "100원"),
        ("3", "3 조각", "3조"),
        ("144", "12 dozen", "12"),
        ("$1,299.00", "**Total:** $1,299.00 (incl. $99.00 shipping)", "$99 (of $1,299.00)"),
        ("5", "It is 5 (before it was 7).", "It is 7 (before it was 5)."),
        ("1.2 billion", r"$1.2 \times 10^9$", r"$1.2 \times 10^6$"),
        ("1000000", "10^6", "6"),
        ("5 km", r"$5\,\text{km}$", r"$5\,\text{m}$"),
    ],
)
def test_units_scales_and_signs_mean_what_a_person_takes_them_for(
    target: str, right: str, wrong: str
) -> None:
    assert score(right, target) == Score(1.0)
    assert score(wrong, target).value == 0


@pytest.mark.parametrize(
    "output",
    [
        *(
            "more than 15",
            "over 15",
            "It is less than 15.",
            "just under $15.",
            "fewer than 15 people",
        ),
        *(
            "x > 15",
            "<15",
            "Answer: greater than 15",
            "more than fifteen",
            "mehr als 15",
            "unter 15",
        ),
        *("plus de 15", "moins de 15 euros", "15 초과", "15명 미만", "15보다 크다"),
        "It is $20, which is more than $15.",
    ],
)
def test_a_bound_is_no_number(output: str) -> None:
    assert score(output, "15").value == 0


@pytest.mark.parametrize(
    ("target", "output"),
    [
        *(("20", "It is $20, which is more than $15."), ("15", "She has 5 more than 10, so 15.")),
        *(("15", "=> 15"), ("15", "-> 15"), ("15", "<b>15</b>"), ("15", "\n> 15")),
        *(("15", "You need at least 15."), ("60", "He earned $60 over 4 hours.")),
    ],
)
def test_the_number_beside_a_bound_is_read(target: str, output: str) -> None:
    assert score(output, target) == Score(1.0)


@pytest.mark.parametrize(
    ("target", "right", "wrong"),
    [
        ("twelve", "There are 12 of them.", "There are 20 of them."),
        ("칠", "정답은 7입니다", "8"),
        ("sept", "Il y a 7 jours.", "17"),
        ("einundzwanzig", "Es sind 21 Stück.", "120"),
        ("스물다섯", "25", "5"),
        ("vingt et un", "21", "20"),
        ("three quarters", "3/4", "3"),
    ],
)
def test_a_target_in_words_is_one_number(target: str, right: str, wrong: str) -> None:
    assert score(target, target) == Score(1.0)
    assert score(right, target) == Score(1.0)
    assert score(wrong, target).value == 0
