"""What models write: any text is scored, parsed and shown in good time, and as text alone."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.compare.data_folder import exact_set
from apo.errors import SettingsError
from apo.guards.contract import Contract
from apo.prompts.layout import Demo
from apo.prompts.meta_prompts import FENCES, fence, render, unfence
from apo.prompts.prompt import Prompt
from apo.reading.answers import marked
from apo.reading.json_text import json_in
from apo.reading.numbers import numbers_in
from apo.reading.replies import tagged
from apo.scorers.registry import Choice, Contains, Date, Exact, JsonFields, Numeric, TokenF1
from apo.task import Example, Score, Scorer
from apo.tracking.files import clean
from apo.tracking.told import fenced, shown
from tests.fuzz.hostile import (
    COMPUTING,
    NASTY,
    damaged,
    deep,
    encoded,
    fuzzed,
    json_values,
    promptly,
    texts,
)

SCORERS: dict[str, Scorer] = {
    "exact": Exact(),
    "contains": Contains(),
    "choice": Choice(labels=("ship", "pay", "account change", "긍정")),
    "numeric": Numeric(),
    "f1": TokenF1(),
    "json": JsonFields(),
    "set": exact_set,
}
ANSWERS = [
    "<answer>ship</answer>",
    "The answer is **pay**.\n\nAnswer: pay",
    '```json\n{"a": 1, "b": [true, null, "x"]}\n```',
    "#### 1,234.50",
    "so \\boxed{3/4} = 75%",
    "정답은 긍정입니다",
]
answers = (
    texts
    | st.one_of(*(damaged(a.encode()).map(lambda d: d.decode("utf-8", "replace")) for a in ANSWERS))
    | json_values.map(json.dumps)
    | st.text("0123456789.,/ -+%eE$½", max_size=40)
)


@fuzzed
@given(answers, answers)
def test_any_answer_has_a_score(answer: str, target: str) -> None:
    example = Example({"text": "x"}, (target or "x",))
    for scorer in SCORERS.values():
        score = scorer(answer, example)
        assert isinstance(score, Score)
        assert 0 <= score.value <= 1
        json.dumps(score.feedback)


@fuzzed
@given(texts.filter(str.strip))
def test_the_target_itself_is_a_right_answer(target: str) -> None:
    for scorer in (Exact(), Contains(), TokenF1()):
        assert scorer(target, Example({"text": "x"}, (target,))).value == 1


@fuzzed
@given(st.dictionaries(texts, json_values, max_size=3), st.text("abc \n", max_size=20))
def test_json_in_an_answer_is_read_back(value: dict[str, Any], around: str) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return
    found = json_in(f"{around}```json\n{json.dumps(value)}\n```{around}")
    assert found == value


@fuzzed
@given(st.integers(-(10**12), 10**12), st.sampled_from(["{}", "{:,}", "= {}.", "${}", "{}%"]))
def test_a_number_is_read_as_it_is_written(number: int, form: str) -> None:
    assert [n.value for n in numbers_in(form.format(abs(number)))] == [abs(number)]
    assert numbers_in(f"x {number}")[0].value == number


LONG = 20_000
PIECES = [
    *(piece for piece in NASTY if piece), " ", "a", "A", "1", "-", "*", ".", "(", ")", "/", "_",
    "가", "a ", "1 ", "1,", "1.", "1/", "1 1/", "1,111", "-1", "1e9 ", "{{a ", "<answer>x", "#### ",
    "\\boxed{", "\\frac{1}{", "answer: ", "answer is ", "Answer", "정답은 ", "**a", "ship ",
    '{"a":', '{"a": "', '{"a": 1} ', "a\n", "\n ", "<a>b</a>", "<instruction>", "<instruction>x",
    "</instruction>", "</", "…", "“", "ﷺ", "é", "a\u0301", "ᄀ", "ß",
]  # fmt: skip


@pytest.mark.parametrize("name", ["numeric", "date", "choice", "json"])
@pytest.mark.parametrize("piece", ["12 3, ", "ship ", "2025-11-15 ", '{"a": '])
def test_an_answer_of_megabytes_is_scored(name: str, piece: str) -> None:
    scorer: Scorer = Date() if name == "date" else SCORERS[name]
    target = {"date": "2025-11-15", "numeric": "12"}.get(name, '{"a": 1, "ship": 2}')
    with promptly():
        scorer(piece * (1_000_000 // len(piece)), Example({"text": "x"}, (target,)))


@pytest.mark.parametrize("name", SCORERS)
def test_no_answer_is_so_long_that_its_score_never_comes(name: str) -> None:
    example = Example({"text": "x"}, ('{"a": 1, "ship": 2}',))
    for piece in PIECES:
        for opening in ("", "<answer>"):
            text = opening + piece * (LONG // len(piece))
            with promptly(computing=COMPUTING):
                assert SCORERS[name](text, example).value <= 1


def test_a_deep_answer_is_scored() -> None:
    for depth in range(100, 1000, 50):
        value = deep('{"a":', "}", depth).replace("}", "1}", 1)
        score = JsonFields()(value, Example({"text": "x"}, (value,)))
        assert 0 <= score.value <= 1
        lists = f'{{"a": {deep("[", "]", depth)}}}'
        assert 0 <= JsonFields()(lists, Example({"text": "x"}, ('{"a": 1}',))).value <= 1


@pytest.mark.parametrize("number", ["1e999/7", "9" * 400, "1/" + "3" * 280, "0.1e-999", "½" * 1000])
def test_an_extreme_number_is_scored(number: str) -> None:
    for target in (number, "3"):
        assert 0 <= Numeric(tolerance=1e-300)(number, Example({"t": "x"}, (target,))).value <= 1


@fuzzed
@given(answers, st.sampled_from(["instruction", "answer", "prefix"]))
def test_what_is_taken_from_a_reply_stands_in_it_between_tags(reply: str, tag: str) -> None:
    found = tagged(reply, tag)
    if found is not None:
        assert found == found.strip() != ""
        assert (
            f"<{tag}>{found}</{tag}>".lower() in "".join(reply.split(" ")).lower() or found in reply
        )
    good = tagged(f"{reply}\n<{tag}> x{{{{y}}}} </{tag}>", tag)
    assert good == "x{{y}}"


def test_no_reply_is_so_long_that_its_tags_are_never_found() -> None:
    for piece in PIECES:
        text = piece * (LONG // len(piece))
        with promptly(computing=COMPUTING):
            tagged(text, "instruction")
            tagged("<instruction>" + text, "instruction")
            tagged(f"<instruction>{text}</instruction>", "instruction")
            list(marked(text))
            fence(text)
            assert Prompt("i", template="{{a}} {{" + text).variables
            Contract([Prompt("x")], [], max_chars=2 * LONG).refusal(Prompt(text))


def _module(folder: Any) -> str:
    (folder / "meta_prompts" / "en").mkdir(parents=True, exist_ok=True)
    (folder / "meta_prompts" / "en" / "ask.md").write_text("<example>\n{{ text }}\n</example>\n")
    return str(folder / "optimizer.py")


@fuzzed
@given(texts)
def test_text_in_a_meta_prompt_is_neither_run_nor_let_out_of_its_fence(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    module = _module(tmp_path_factory.getbasetemp())
    filled = render(module, "ask", "en", {}, text=text)
    inside = filled.removeprefix("<example>\n").removesuffix("\n</example>")
    assert inside == fence(text)
    assert not any(f"<{name}" in inside or f"</{name}" in inside for name in FENCES.split("|"))
    assert unfence(inside, filled) == text


@fuzzed
@given(texts)
def test_a_template_of_the_users_own_cannot_reach_python(text: str) -> None:
    reach = "{{ text.__class__.__mro__[1].__subclasses__() }}"
    with pytest.raises(SettingsError):
        render("x.py", "own", "en", {"own": reach}, text=text)


@fuzzed
@given(texts, texts, texts)
def test_no_part_of_a_prompt_is_a_template_but_the_template(
    instruction: str, value: str, target: str
) -> None:
    prompt = Prompt(instruction or "i", demos=(Demo(value, target),), cue=target or "c")
    system, asked, answered, last = prompt.messages({"input": value})
    assert system.content == (instruction or "i")
    assert (asked.content, answered.content) == (value, target)
    assert last.content == f"{value}\n\n{target or 'c'}"


@fuzzed
@given(texts)
def test_text_shown_in_mlflow_fits_its_database_and_stays_in_its_fence(text: str) -> None:
    kept = clean(text)
    kept.encode()
    assert "\0" not in kept
    assert len(kept) == len(text)
    first, *_, last = fenced(kept).split("\n")
    fence_ = first.removesuffix("text")
    assert last == fence_
    assert fence_ not in kept
    shown(Prompt(kept)).encode()


@fuzzed
@given(texts, texts)
def test_the_difference_of_two_prompts_is_told(one: str, other: str) -> None:
    before, after = Prompt(one), Prompt(other)
    assert bool(before.diff(after)) == (before.text() != after.text())


def test_the_difference_of_long_prompts_is_told_in_good_time() -> None:
    before, after = Prompt("a b " * 10_000), Prompt("b a c " * 10_000)
    assert before.diff(after)
    assert encoded(before.id)
