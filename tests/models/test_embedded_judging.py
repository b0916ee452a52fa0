"""The embedded model as a judge: it chooses the better set of answers without the right ones."""

import asyncio
from collections.abc import Sequence

import pytest

from apo.model import Decoding, Message, Request
from apo.models.embedded import Embedded
from apo.models.embedded.judging import worth
from apo.models.embedded.reading import read

ASK = "Which set is better? Give A or B between <choice> and </choice> tags."
INPUTS = ("Where is my refund?", "The parcel of the delivery is late.", "Hello there.")
LABELS = ("billing", "refund", "delivery")


def turn(a: Sequence[str], b: Sequence[str], task: str, labels: Sequence[str] = ()) -> str:
    parts = [f"<task>\n{task}\n</task>"]
    parts += [f"<labels>\n{', '.join(labels)}\n</labels>"] if labels else []
    for name, answers in (("A", a), ("B", b)):
        parts += [
            f'<example>\n<input>\n{text}\n</input>\n<answer name="{name}">\n{said}\n</answer>\n'
            "</example>"
            for text, said in zip(INPUTS, answers, strict=True)
        ]
    return "\n".join([*parts, ASK])


def choice(text: str, *, temperature: float = 0.0, seed: int = 0) -> str:
    request = Request(
        messages=(Message("user", text),), decoding=Decoding(temperature=temperature), seed=seed
    )
    said = asyncio.run(Embedded().complete(request)).text
    return said.removeprefix("<choice>\n").removesuffix("\n</choice>")


SORT = "Sort the messages of customers."
JSON = 'Give JSON with the keys "who" and "count", an integer.'
SUM = "Solve the problem. Give the answer as a number."
PAIRS = [
    # Bare labels against the same labels in a sentence.
    (["refund", "delivery", "billing"], [f"It is {x}." for x in LABELS[1:] + LABELS[:1]], SORT, 1),
    # Labels against talk.
    (["refund", "delivery", "billing"], ["Hm.", "I see.", "Hello!"], SORT, 1),
    # One label against several at once.
    (["It is refund."] * 3, ["billing, refund or delivery"] * 3, SORT, 1),
    # What the words of the inputs speak for, in the same form.
    (["refund", "delivery", "billing"], ["billing"] * 3, SORT, 1),
    # JSON with its keys, bare, against JSON in a sentence, other keys and no JSON.
    (['{"who": null, "count": 1}'] * 3, ['Here: {"who": null, "count": 1}'] * 3, JSON, 0),
    (['{"who": null, "count": 1}'] * 3, ['{"name": "x"}'] * 3, JSON, 0),
    (['{"who": null, "count": 1}'] * 3, ["who: null, count: 1"] * 3, JSON, 0),
    (['{"who": null, "count": 1}'] * 3, ['{"who": null, "count": "1"}'] * 3, JSON, 0),
    # A value from the input against one that was made up.
    (['{"who": "e", "count": 1}'] * 3, ['{"who": "Zoltan", "count": 1}'] * 3, JSON, 0),
    # Numbers.
    (["12", "3", "7"], ["That makes 12.", "I think 3 is right.", "Perhaps 7?"], SUM, 0),
    (["It is 12.", "3?", "7."], ["Many.", "Few.", "None."], SUM, 0),
]


@pytest.mark.parametrize(("better", "worse", "task", "labelled"), PAIRS)
def test_the_better_set_is_chosen_on_either_side(
    better: list[str], worse: list[str], task: str, labelled: int
) -> None:
    labels = LABELS if labelled else ()
    assert choice(turn(better, worse, task, labels)) == "A"
    assert choice(turn(worse, better, task, labels)) == "B"


def test_labels_may_stand_in_the_requirements_alone() -> None:
    task = "Answer with one of: billing, refund, delivery."
    bare, chatty = ["refund", "delivery", "billing"], ["Maybe a refund."] * 3
    assert choice(turn(chatty, bare, task)) == "B"


def test_a_longer_label_is_not_taken_for_a_part_of_it() -> None:
    rules = read("Sort.")
    labels = ("change", "account change")
    assert worth([("x", "account change")], rules, labels) == 1.0


def test_a_draw_is_noisy_but_leans_to_the_better() -> None:
    better, worse = ["refund", "delivery", "billing"], ["It is refund."] * 3
    ahead = turn(better, worse, SORT, LABELS)
    behind = turn(worse, better, SORT, LABELS)
    seeds = range(300)
    right = sum(choice(ahead, temperature=1.0, seed=s) == "A" for s in seeds)
    also = sum(choice(behind, temperature=1.0, seed=s) == "B" for s in seeds)
    assert 200 < right < 300
    assert 200 < also < 300
    calm = sum(choice(ahead, temperature=0.3, seed=s) == "A" for s in seeds)
    assert calm > right


@pytest.mark.parametrize("temperature", [0.0, 0.3, 1.0])
def test_equal_sets_are_chosen_by_a_coin(temperature: float) -> None:
    same = ["refund", "delivery", "billing"]
    said = [
        choice(turn(same, same, f"{SORT} {s}", LABELS), temperature=temperature, seed=s)
        for s in range(300)
    ]
    assert 110 < said.count("A") < 190
    assert said.count("A") + said.count("B") >= 280  # Some drawn replies lack the form.


def test_the_same_request_gets_the_same_choice() -> None:
    text = turn(["a", "b", "c"], ["a", "b", "c"], SORT, LABELS)
    assert len({choice(text) for _ in range(5)}) == 1
    assert len({choice(text, temperature=1.0, seed=4) for _ in range(5)}) == 1


def test_answers_that_are_no_text_at_all_do_no_harm() -> None:
    for said in ("", "{", "}{", "[" * 5000, '{"a":' * 3000, "\x00"):
        text = turn([said] * 3, [said] * 3, JSON)
        assert choice(text) in ("A", "B")
    assert worth([], read(JSON), ()) == 0.0
    assert choice(f"<example></example>\n{ASK}") in ("A", "B")
    assert choice(turn(["yes"] * 3, [""] * 3, "Be polite.")) == "A"


def test_korean_answers() -> None:
    task = "리뷰를 긍정, 부정, 중립 중 하나로 분류하세요."
    labels = ("긍정", "부정", "중립")
    bare, chatty = ["긍정", "부정", "중립"], ["제가 보기에는 긍정 같습니다."] * 3
    assert choice(turn(bare, chatty, task, labels)) == "A"
    assert choice(turn(chatty, bare, task)) == "B"


def test_without_examples_an_instruction_takes_over_what_the_task_requires() -> None:
    shown = "JSON with the keys product, quantity."
    text = (
        f"<task>\n{shown}\n- product: text\n- quantity: integer\n</task>\n"
        f"<candidate>\nExtract {shown}\n</candidate>\n"
        "Improve the instruction between <instruction> and </instruction> tags."
    )
    request = Request(messages=(Message("user", text),))
    said = asyncio.run(Embedded().complete(request)).text
    assert "- quantity: integer" in said
