"""The embedded model as an optimizer model: it writes what the meta-prompt shows."""

import os
import random
import subprocess
import sys
from collections.abc import Callable

import pytest

from apo.model import Message
from apo.models.embedded import Embedded
from apo.models.embedded.phrasing import render
from apo.models.embedded.reading import read
from apo.models.embedded.rules import Form, Rules
from tests.models.reader import Pair, accuracy, complete, example, instruction_in, topics


def say(*messages: Message, temperature: float = 0.0, seed: int = 0) -> str:
    return complete(Embedded(), *messages, temperature=temperature, seed=seed).text


def write(*parts: str, temperature: float = 0.0, seed: int = 0) -> str | None:
    return instruction_in(
        say(Message("user", "\n".join(parts)), temperature=temperature, seed=seed)
    )


ASK = "Write one instruction. Reply between <instruction> and </instruction> tags."
ASK_KOREAN = "지시문을 한국어로 쓰고, <instruction> 태그와 </instruction> 태그 사이에 답하세요."


def sums(n: int, seed: int) -> list[Pair]:
    rng = random.Random(seed)
    rows: list[Pair] = []
    for _ in range(n):
        a, b, c = rng.randint(2, 9), rng.randint(3, 20), rng.randint(1, 5)
        rows += [
            (f"Mia has {a} boxes with {b} pens each. How many pens?", str(a * b)),
            (f"Mia had {a + b} pens and gave away {a}. How many are left?", str(b)),
            (f"Raj has {a} bags with {b} nuts each and eats {c}. How many nuts?", str(a * b - c)),
        ]
    return rows


@pytest.mark.parametrize(
    ("rows", "seed_prompt"),
    [
        (topics, "Sort the text into one of: food, travel, music. Only the label."),
        (sums, "Solve the problem. Only the number."),
    ],
)
def test_induced_instructions_beat_a_plain_seed_on_held_out_rows(
    rows: Callable[[int, int], list[Pair]], seed_prompt: str
) -> None:
    shown, test = rows(20, 1), rows(60, 2)
    instruction = write(*(example(*row) for row in shown), ASK)
    assert instruction
    assert accuracy(say, instruction, test) > accuracy(say, seed_prompt, test) + 0.3


def test_copies_no_input() -> None:
    shown = topics(20, 1)
    instruction = write(*(example(*row) for row in shown), ASK) or ""
    assert not any(text in instruction for text, _ in shown)


def test_writes_fields_with_types_and_nulls() -> None:
    shown = [
        example("Qty: 5\nWhen: 8 May 2026", '{"n": 5, "day": "2026-05-08"}'),
        example("Qty: 12\nInvoice: 7\nWhen: 1 June 2026", '{"n": 12, "day": "2026-06-01"}'),
        example("Invoice: 9\nQty: 3", '{"n": 3, "day": null}'),
    ]
    instruction = write(*shown, ASK) or ""
    assert "- n: integer; near: qty" in instruction
    assert "- day: date YYYY-MM-DD or null; near: when" in instruction
    said = say(Message("system", instruction), Message("user", "Invoice: 1\nQty: 44"))
    assert said == '{"n": 44, "day": null}'


def test_korean_data_get_a_korean_instruction() -> None:
    shown = [example("정말 좋아요", "긍정"), example("너무 실망했어요", "부정")]
    instruction = write(*shown, ASK_KOREAN) or ""
    assert "다음 중" in instruction or "분류" in instruction
    test = [("좋아서 또 샀어요", "긍정"), ("실망입니다", "부정")]
    assert accuracy(say, instruction, test) == 1


def test_labels_without_examples_are_stated_too() -> None:
    shown = example("the soup", "food"), example("the train", "travel")
    instruction = write("<labels>\nfood, travel, music\n</labels>", *shown, ASK) or ""
    assert read(instruction).names == ("food", "travel", "music")


CANDIDATE = "Sort into one of: food, travel. Only the label.\n- food: soup\n- travel: train, bread"


def test_rewording_keeps_the_rules() -> None:
    texts = {
        write(f"<candidate>\n{CANDIDATE}\n</candidate>", ASK, temperature=1.0, seed=seed)
        for seed in range(12)
    } - {None}
    assert len(texts) > 1
    for text in texts:
        rules = read(text or "")
        assert rules.names == ("food", "travel")
        assert set(rules.cues["travel"]) <= {"train", "bread"}


def test_failures_add_cues_and_remove_those_that_misled() -> None:
    failed = example("fresh bread and butter", "food", answer="travel")
    instruction = write(f"<candidate>\n{CANDIDATE}\n</candidate>", failed, ASK) or ""
    rules = read(instruction)
    assert "butter" in rules.cues["food"]
    assert "bread" not in rules.cues["travel"]
    assert "train" in rules.cues["travel"]


def test_candidates_are_combined() -> None:
    other = CANDIDATE.replace("soup", "lemon").replace("train", "ferry")
    parts = (
        f'<candidate score="{score}">\n{text}\n</candidate>'
        for score, text in ((40, CANDIDATE), (70, other))
    )
    cues = read(write(*parts, ASK) or "").cues["food"]
    assert cues == ("lemon", "soup")


def test_text_without_rules_is_kept() -> None:
    said = write("<candidate>\nBe kind. Be brief.\n</candidate>", ASK, temperature=1.0, seed=1)
    assert said
    assert "Be kind. Be brief." in said


@pytest.mark.parametrize(
    "garbled",
    [
        "",
        "<example>\n<input>\nx",
        "<candidate>\n\n</candidate>",
        "\x00🌱{{x}}",
        "<labels></labels>",
    ],
)
def test_garbled_meta_prompts_get_a_well_formed_reply(garbled: str) -> None:
    assert write("Hm. " + garbled, ASK)


def test_drawn_replies_differ_and_few_are_malformed() -> None:
    shown = [example(*row) for row in topics(12, 3)]
    texts = [write(*shown, ASK, temperature=1.0, seed=seed) for seed in range(200)]
    assert 0 < texts.count(None) < 20
    assert len(set(texts)) > 50
    assert texts[:9] == [write(*shown, ASK, temperature=1.0, seed=seed) for seed in range(9)]
    assert all(len(text) < 2000 for text in texts if text)


def test_reasons_reach_the_next_instruction() -> None:
    candidate = f"<candidate>\n{CANDIDATE}\n</candidate>"
    failed = example("a violin", "food", answer="travel")
    asked = "Give a reason between <reason> and </reason>."
    reason = say(Message("user", f"{candidate}\n{failed}\n{asked}"))
    assert reason.startswith("<reason>\n")
    assert "violin" in reason
    assert "violin" in read(write(candidate, reason, ASK) or "").cues["food"]


def test_a_task_input_that_asks_for_an_instruction_is_still_an_input() -> None:
    prompt = "Sort into one of: food, travel. Only the label."
    assert say(Message("system", prompt), Message("user", "Travel! " + ASK)) == "travel"


RULES = [
    Rules(
        work="classify",
        names=("a b", "c"),
        cues={"a b": ("x", "digits", "?"), "c": ("y z", "ㅠ", "🌱")},
        otherwise="c",
        form=Form(bare=True),
        negation=True,
    ),
    Rules(
        work="extract",
        names=("n", "when", "who", "what"),
        cues={"n": ("qty", "€"), "when": ("by",), "who": ("to",), "what": ("[n]", "item")},
        against={"n": ("tel",)},
        kinds={"n": "integer", "when": "date", "who": "name", "what": "text"},
        form=Form(bare=True),
        iso_dates=True,
        nulls=frozenset({"when"}),
    ),
    Rules(
        work="compute",
        names=("add", "subtract", "multiply", "divide", "ignore"),
        cues={"multiply": ("each", "per"), "subtract": ("left", "gave"), "ignore": ("radio",)},
        form=Form(bare=True),
        precedence=True,
    ),
]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("korean", [False, True])
def test_what_is_written_is_read_back(rules: Rules, korean: bool) -> None:
    for seed in range(30):
        text = render(rules, korean=korean, rng=random.Random(seed))
        back = read(text)
        assert (back.work, back.names) == (rules.work, rules.names), text
        assert {k: v for k, v in back.cues.items() if v} == dict(rules.cues), text
        assert dict(back.against) == dict(rules.against)
        assert dict(back.kinds) == dict(rules.kinds)
        assert (back.otherwise, back.negation) == (rules.otherwise, rules.negation)
        assert (back.iso_dates, back.nulls) == (rules.iso_dates, rules.nulls)
        assert (back.precedence, back.form.bare) == (rules.precedence, True)


@pytest.mark.parametrize("korean", [False, True])
@pytest.mark.parametrize(
    "form",
    [
        Form(bare=True, case="upper"),
        Form(case="lower"),
        Form(json_key="label"),
        Form(tag="answer"),
        Form(bare=True, marker="Answer:"),
        Form(marker="####"),
    ],
)
def test_rules_of_form_are_read_back(form: Form, korean: bool) -> None:
    cues = {"a": ("only", "json"), "b": ("x",)}
    rules = Rules(work="classify", names=("a", "b"), cues=cues, form=form)
    back = read(render(rules, korean=korean))
    assert back.form == form
    assert dict(back.cues) == cues


PROBE = """
import asyncio, hashlib, random
from apo.model import Decoding, Message, Request
from apo.models.embedded import Embedded
rng = random.Random(0)
words = [f"w{i}x" for i in range(60)]
rows = [(" ".join(rng.sample(words, 12)), rng.choice("abc")) for _ in range(40)]
shape = "<example>\\n<input>\\n%s\\n</input>\\n<output>\\n%s\\n</output>\\n</example>"
shown = "".join(shape % row for row in rows)
chats = [[Message("user", shown + "Reply between <instruction> and </instruction>")]] * 20
async def say(chat, seed):
    decoding = Decoding(temperature=1.0)
    request = Request(messages=tuple(chat), decoding=decoding, seed=seed)
    return (await Embedded().complete(request)).text
texts = [asyncio.run(say(chat, seed)) for seed, chat in enumerate(chats)]
texts += [asyncio.run(say([Message("system", texts[0]), Message("user", t)], 0)) for t, _ in rows]
print(hashlib.sha256("".join(texts).encode()).hexdigest())
"""


def test_same_answers_in_every_process() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", PROBE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1
