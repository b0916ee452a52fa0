"""The embedded model as a task model: it does what the prompt says, and no more."""

import asyncio
import json
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.model import Decoding, Message, Model, Request
from apo.models.embedded import Embedded
from apo.models.embedded.lists import allowed
from apo.prompts.layout import Demo, Layout
from apo.prompts.prompt import Prompt
from tests.models import reader
from tests.models.reader import CUED, LABELS

complete = partial(reader.complete, Embedded())


def ask(instruction: str, text: str) -> str:
    return complete(Message("system", instruction), Message("user", text)).text


def ask_prompt(prompt: Prompt, text: str) -> str:
    return complete(*prompt.messages({"input": text})).text


def test_is_a_model() -> None:
    model: Model = Embedded()
    assert model.name == "embedded"
    asyncio.run(model.aclose())


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I was charged twice", "billing"),
        ("Please give me my money back", "refund"),
        ("I am locked out again", "login"),
        ("Nothing that you know", "login"),
        ("", "login"),
    ],
)
def test_cues_of_the_prompt_decide(text: str, label: str) -> None:
    assert ask(CUED, text) == label


@pytest.mark.parametrize(
    ("instruction", "found"),
    [
        (
            "It is one of: 결제·환불, a/b c, other.\nThe label only.",
            ("결제·환불", "a/b c", "other"),
        ),
        ("결제·환불, 배송/교환, 기타 중 하나만 쓰세요.", ("결제·환불", "배송/교환", "기타")),
        ("Answer with one (a/b, c·d, e).", ("a/b", "c·d", "e")),
        ("Answer with one label only: yes/no", ("yes", "no")),
        ("Answer with one label: yes/no, nothing else", ("yes", "no", "nothing else")),
        ("긍정·부정·중립 중 하나로 답하세요.", ("긍정", "부정", "중립")),
    ],
)
def test_between_commas_a_slash_or_a_dot_is_part_of_a_label(
    instruction: str, found: tuple[str, ...]
) -> None:
    assert allowed(instruction) == found


def test_a_label_with_a_slash_is_answered_whole() -> None:
    told = "It is one of: 결제·환불, 배송/교환, 기타. The label only.\n- 배송/교환: parcel"
    assert ask(told, "Where is my parcel?") == "배송/교환"


def test_without_cues_only_label_words_count_and_the_answer_is_chatty() -> None:
    assert ask(LABELS, "My refunds are late") == "This looks like refund to me."
    assert ask(LABELS, "My password is gone") == "This looks like billing to me."


@pytest.mark.parametrize(
    "instruction",
    [
        "Is the review good, bad or mixed? Use bad when it mentions rain. Only the label.",
        "Pick a label, nothing else:\n- good: sun\n- bad: rain\n- mixed: clouds",
        "Answer with the label alone: good/bad/mixed.\nbad: rain",
        'Choose "good" or "bad" or "mixed". "rain", "snow" → bad. Just the label.',
        "1. good: sun\n2. bad: rain\n3. mixed: clouds\nReply with one word.",
    ],
)
def test_reads_many_ways_of_writing(instruction: str) -> None:
    assert ask(instruction, "It was raining") == "bad"


@pytest.mark.parametrize(
    "instruction",
    [
        "리뷰를 긍정, 부정, 중립 중 하나로 분류하세요.\n- 부정: 실망, 최악\n라벨만 답하세요.",
        "다음 중 하나로만 답하세요: 긍정, 부정, 중립.\n- 부정: 실망\n설명 없이 라벨만 쓰세요.",
        "감성(긍정/부정/중립)을 고르세요. '실망'이라는 말이 있으면 부정입니다. 라벨만 쓰세요.",
    ],
)
def test_reads_korean_with_particles_and_endings(instruction: str) -> None:
    assert ask(instruction, "정말 실망했습니다") == "부정"


def test_chats_in_korean_when_the_prompt_is_korean() -> None:
    said = ask("리뷰가 긍정인지 부정인지 판단하세요.", "부정하고 싶지 않네요")
    assert "부정" in said
    assert said != "부정"


def test_negation_turns_a_cue_round_where_the_prompt_says_so() -> None:
    cued = "One of: good, bad. Only the label.\n- good: nice, great\n- bad: awful"
    assert ask(cued, "This is not nice") == "good"
    assert ask(cued + "\nA negation reverses a word.", "This is not nice") == "bad"


def test_demos_teach_cues_and_the_form() -> None:
    demos = (
        Demo("the parcel never came", "delivery"),
        Demo("parcel stuck at customs", "delivery"),
        Demo("the invoice is wrong", "billing"),
    )
    for prompt in (
        Prompt("Sort the message.", demos=demos),
        Prompt("Sort into billing or delivery.", demos=demos),
        Prompt(
            "Sort into: billing, delivery.",
            demos=demos,
            layout=Layout(order=("instruction", "demos", "context")),
        ),
    ):
        assert "delivery" in ask_prompt(prompt, "Where is my parcel?")
    assert ask_prompt(Prompt("Sort it.", demos=demos), "Where is my parcel?") == "delivery"


@pytest.mark.parametrize("role", ["system", "user"])
@pytest.mark.parametrize("headings", ["none", "markdown", "xml"])
@pytest.mark.parametrize("repeat", [False, True])
def test_layout_does_not_change_what_is_read(role: str, headings: str, repeat: bool) -> None:
    layout = Layout(role=role, headings=headings, repeat_instruction=repeat)  # type: ignore[arg-type]
    prompt = Prompt(CUED, layout=layout, template="Message: {{input}}")
    assert ask_prompt(prompt, "I was charged twice") == "billing"


def test_a_cue_at_the_end_asks_for_the_bare_answer() -> None:
    prompt = Prompt(LABELS, cue="Label:")
    assert ask_prompt(prompt, "a refund, please") == "refund"


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ('Answer in JSON {"label": "..."}.', '{"label": "refund"}'),
        ("Put the answer inside <answer> tags.", "<answer>refund</answer>"),
        ("Answer with the label only, in upper case.", "REFUND"),
        ("Only the label after 'Answer:'.", "Answer: refund"),
        ("Think, then give it after ####.", "I looked at the words of the text.\n#### refund"),
    ],
)
def test_follows_rules_of_form(rule: str, answer: str) -> None:
    assert ask(f"{LABELS} {rule}", "a refund, please") == answer


def test_options_of_the_input_are_allowed_answers() -> None:
    text = "Which one barks?\nOptions:\n(A) the cat\n(B) the dog"
    assert ask("Answer the question with the option only.\n- (B): barks", text) == "(B)"


def test_a_vague_prompt_gets_a_vague_answer() -> None:
    assert "refund" not in ask("What do you think?", "I want it back")
    assert complete().text
    assert complete(Message("user", "")).text


ORDER = """\
Extract as JSON with the keys item, amount, day, town.
- item: text; near: [amount], item
- amount: integer; near: want, qty; not near: invoice
- day: date YYYY-MM-DD or null; near: by, deliver
- town: name or null; near: to
Return only the JSON object."""


def test_extracts_by_cues_types_and_nulls() -> None:
    text = "Invoice 12 is paid. We want 3 garden gnomes, sent to Lincoln by 8 April 2026. Bob, York"
    wanted = {"item": "garden gnomes", "amount": 3, "day": "2026-04-08", "town": "Lincoln"}
    assert json.loads(ask(ORDER, text)) == wanted
    form = "Item: door mats\nQty: twenty-four\nInvoice: 7"
    found = json.loads(ask(ORDER, form))
    assert found == {"item": "door mats", "amount": 24, "day": None, "town": None}


def test_extraction_without_cues_uses_the_names_of_keys() -> None:
    plain = "Extract the order as JSON with keys item, quantity and date."
    said = ask(plain, "Item: mugs\nQuantity: 5\nDate: 8 May 2026")
    assert not said.startswith("{")  # Nothing said that the JSON is to stand alone.
    assert json.loads(said[said.index("{") :])["date"] == "8 May 2026"


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("Tom has 3 boxes with 12 pens each. How many pens?", "36"),
        ("Tom has twenty pens and loses 5. How many are there?", "15"),
        ("Tom has 3 boxes with 12 pens each. Then he loses 6. How many?", "30"),
        ("Tom has 1,200 pens and 300 more.", "1500"),
        ("It is 30 degrees. Tom has 4 pens.", "4"),
        ("Tom splits 12 pens among 0 friends.", None),
        ("No number here.", None),
    ],
)
def test_solves_by_the_cues_of_operations(problem: str, answer: str | None) -> None:
    prompt = (
        "Solve the problem. Multiply when the text says each, per, every.\n- subtract: loses\n"
        "- divide: among\n- ignore: degrees\nGive only the number."
    )
    said = ask(prompt, problem)
    assert said == answer if answer else not any(c.isdigit() for c in said)


def test_without_cues_all_numbers_are_added() -> None:
    assert ask("Solve it. Only the number.", "3 boxes with 12 pens each.") == "15"


def test_same_request_same_answer_and_seed_matters_only_when_drawn() -> None:
    turns = (Message("system", CUED), Message("user", "charged for a password return"))
    assert len({complete(*turns, seed=seed).text for seed in range(20)}) == 1
    drawn = [complete(*turns, temperature=1.0, seed=seed).text for seed in range(40)]
    assert drawn == [complete(*turns, temperature=1.0, seed=seed).text for seed in range(40)]
    assert len(set(drawn)) > 1
    clear = (turns[0], Message("user", "invoice charged card"))
    cold = [complete(*clear, temperature=0.1, seed=seed).text for seed in range(20)]
    assert set(cold) == {"billing"}


def test_max_tokens_and_stop_cut_the_answer() -> None:
    turns = (Message("system", LABELS), Message("user", "refund"))
    cut = complete(*turns, max_tokens=3)
    assert (cut.text, cut.truncated, cut.usage.output_tokens) == ("This looks like", True, 3)
    whole = complete(*turns, max_tokens=50)
    assert not whole.truncated
    request = Request(messages=turns, decoding=replace(Decoding(), stop=(" to me",)))
    assert asyncio.run(Embedded().complete(request)).text == "This looks like refund"


def test_counts_words_and_marks() -> None:
    usage = complete(Message("user", "Hello, 세계! 12")).usage
    assert usage.input_tokens == 5


_PIECES = (
    "<instruction> </instruction> <example> <input> </input> <output> </output> </example> ``` "
    "<candidate> </candidate> [[ ## x ## ]] one of: a, b - c: d or ( ) json extract keys 긍정 중 "
    '하나 안 -지 않 3 1/2/2024 dozen # \x00 \ud800 🌱 ² ０ İ {{x}} multiply only null {} "'
)
_bits = st.sampled_from(_PIECES.split(" "))
_texts = st.lists(_bits | st.text(max_size=5), max_size=12).map("\n".join) | st.text()
_chats = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), _texts), max_size=4
)


@given(_chats, st.sampled_from([0.0, 1.0]))
def test_answers_whatever_it_is_shown(chat: list[Message], temperature: float) -> None:
    assert complete(*chat, temperature=temperature) == complete(*chat, temperature=temperature)


@pytest.mark.parametrize("piece", ["a ", "\n", ": ", "- a: b\n", "1,", "A or B ", "(a,", "<input>"])
def test_huge_texts_are_read(piece: str) -> None:
    huge = piece * 30_000
    assert complete(Message("system", huge), Message("user", "hi")).text
    assert complete(Message("system", ORDER), Message("user", huge)).text
    assert complete(Message("user", huge)).text
