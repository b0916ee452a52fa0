"""The embedded model as an optimizer model: it writes what the meta-prompt shows."""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from apo.model import Decoding, Message, Request
from apo.models.embedded import Embedded
from apo.models.embedded.phrasing import render
from apo.models.embedded.reading import read
from apo.models.embedded.rules import Form, Rules

ASK = "Write one instruction. Reply between <instruction> and </instruction> tags."
ASK_KOREAN = "지시문을 한국어로 쓰고, <instruction> 태그와 </instruction> 태그 사이에 답하세요."
Pair = tuple[str, str]


def say(*messages: Message, temperature: float = 0.0, seed: int = 0) -> str:
    request = Request(messages=messages, decoding=Decoding(temperature=temperature), seed=seed)
    return asyncio.run(Embedded().complete(request)).text


def example(text: str, output: str, answer: str = "") -> str:
    wrong = f"<answer>\n{answer}\n</answer>\n" if answer else ""
    shown = f"<input>\n{text}\n</input>\n<output>\n{output}\n</output>"
    return f"<example>\n{shown}\n{wrong}</example>"


def write(*parts: str, temperature: float = 0.0, seed: int = 0) -> str | None:
    reply = say(Message("user", "\n".join(parts)), temperature=temperature, seed=seed)
    found = re.search(r"<instruction>\n(.+)\n</instruction>", reply, re.DOTALL)
    return found[1] if found else None


def accuracy(instruction: str, rows: list[Pair]) -> float:
    said = [say(Message("system", instruction), Message("user", text)) for text, _ in rows]
    return sum(s == target for s, (_, target) in zip(said, rows, strict=True)) / len(rows)


TOPICS = {
    "food": "soup bread cheese pepper lemon noodles butter onion",
    "travel": "train ticket luggage border ferry hotel map passport",
    "music": "violin chorus drum melody concert singer piano tune",
}


def topics(n: int, seed: int) -> list[Pair]:
    rng = random.Random(seed)
    rows: list[Pair] = []
    for _ in range(n):
        topic = rng.choice(list(TOPICS))
        told = rng.sample(TOPICS[topic].split(), 3)
        rows.append((f"Yesterday the {told[0]} was near the {told[1]} and a {told[2]}", topic))
    return rows


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
    assert accuracy(instruction, test) > accuracy(seed_prompt, test) + 0.3


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
    assert accuracy(instruction, test) == 1


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


def test_other_frameworks_requests_are_answered_in_their_form() -> None:
    fenced = "I gave an assistant this instruction:\n```\nAnswer yes or no.\n```\nWrite a new \
instruction within ``` blocks."
    reply = say(Message("user", fenced))
    assert reply.startswith("```\n")
    assert read(reply).names == ("yes", "no")


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


FRAME = (
    "Your input fields are:\n1. `current_instruction` (str):\n2. `examples` (str):\n"
    "Your output fields are:\n1. `new_instruction` (str):\n\n[[ ## current_instruction ## ]]\n"
    "{current_instruction}\nIn adhering to this structure, your objective is: write an instruction."
)


@pytest.mark.parametrize(
    "records",
    [
        '[{"Inputs": {"text": "a lemon"}, "Generated Outputs": {"label": "travel"}, '
        '"Feedback": "It is food."}, {"Inputs": "odd"}, 3]',
        "# Example 1\n## Inputs\na lemon\n## Generated Outputs\ntravel\n## Feedback\nIt is food.",
        "Text: a lemon\nLabel: food",
        "[{broken",
    ],
)
def test_examples_of_other_frameworks_are_read(records: str) -> None:
    turn = (
        f"[[ ## current_instruction ## ]]\n{CANDIDATE}\n\n[[ ## examples ## ]]\n{records}\n\n"
        "Respond with a JSON object in the following order of fields: `new_instruction`."
    )
    reply = json.loads(say(Message("system", FRAME), Message("user", turn)))
    cues = read(reply["new_instruction"]).cues["food"]
    assert ("lemon" in cues) is (records != "[{broken")


def test_other_work_inside_a_frame_is_no_writing() -> None:
    system = FRAME.replace("new_instruction", "summary")
    turn = "[[ ## current_instruction ## ]]\nx\n\nRespond with the corresponding output fields"
    assert "[[ ## summary ## ]]" in say(Message("system", system), Message("user", turn))


SEED_PROMPT = "Sort the text into one of: food, travel, music."


def in_fences(reply: str) -> str:
    return reply.split("```")[1].strip()


def in_prompt_tags(reply: str) -> str:
    return reply.split("<prompt>")[-1].split("</prompt>")[0].strip()


def in_field(reply: str) -> str:
    return reply.split("[[ ## proposed_instruction ## ]]\n")[1].split("\n\n[[ ##")[0]


def in_json(reply: str) -> str:
    return str(json.loads(reply)["new_instruction"])


def frame(inputs: str, outputs: str, objective: str) -> Message:
    numbered = [
        "\n".join(f"{i}. `{name}` (str): what it is" for i, name in enumerate(names.split(), 1))
        for names in (inputs, outputs)
    ]
    shown = "\n\n".join(f"[[ ## {n} ## ]]\n{{{n}}}" for n in f"{inputs} {outputs}".split())
    return Message(
        "system",
        f"Your input fields are:\n{numbered[0]}\nYour output fields are:\n{numbered[1]}\nAll "
        f"turns look like this.\n\n{shown}\n\n[[ ## completed ## ]]\nIn adhering to this "
        f"structure, your objective is:\n        {objective}",
    )


def filled(asked: str, **fields: str) -> Message:
    shown = "\n\n".join(f"[[ ## {name} ## ]]\n{text}" for name, text in fields.items())
    return Message("user", f"{shown}\n\nRespond with the corresponding output fields, {asked}.")


def listed_pairs(rows: list[Pair], between: str = "\n\n") -> str:
    return between.join(f"Input: {text}\nOutput: {label}" for text, label in rows)


def induced(rows: list[Pair]) -> tuple[Message, ...]:
    return (
        Message("system", "You are a helpful assistant."),
        Message(
            "user",
            "Which prompt gives these outputs for the following task: sorting texts. Classes: food,"
            " travel, music.\nReturn it starting with <prompt> and ending with </prompt> tags.\n\n"
            f"{listed_pairs(rows)}\n\nThe prompt was",
        ),
    )


def scored(rows: list[Pair]) -> tuple[Message, ...]:
    return (
        Message("system", "You are a helpful assistant."),
        Message(
            "user",
            "Write an instruction for the following task:\nSorting texts.\nThe label stands between"
            " these markers: <final_answer> and </final_answer>.\n\nEarlier ones with scores:\n\n"
            f"text:\nSay something.\nscore: 3\n\ntext:\n{SEED_PROMPT}\nscore: 61\n\n\nExamples:\n"
            f"{listed_pairs(rows, chr(10))}\n\nWrite a new instruction bracketed with <prompt> and "
            "ending it with </prompt>.\n\nYour new instruction:",
        ),
    )


def reflected(rows: list[Pair]) -> tuple[Message, ...]:
    records = "\n\n".join(
        f"# Example {i}\n## Inputs\n{text}\n\n## Generated Outputs\nThis looks like food to me."
        f"\n\n## Feedback\nExpected '{label}', not 'food'. The correct answer is: {label}\n\n"
        for i, (text, label) in enumerate(rows, 1)
    )
    return (
        Message(
            "user",
            f"The assistant followed this:\n```\n{SEED_PROMPT}\n```\n\nIt did so:\n```\n{records}"
            "\n```\n\nWrite a new instruction for it within ``` blocks.",
        ),
    )


def framed_records(rows: list[Pair]) -> tuple[Message, ...]:
    records = [
        {
            "Inputs": {"text": text},
            "Generated Outputs": {"answer": "food"},
            "Feedback": f"The correct answer is: {label}",
        }
        for text, label in rows
    ]
    asked = filled("x", current_instruction=SEED_PROMPT, examples=json.dumps(records))
    turn = asked.content.split("\n\nRespond")[0] + (
        "\n\nRespond with a JSON object in the following order of fields: `new_instruction`."
    )
    fields = frame("current_instruction examples", "new_instruction", "write an instruction.")
    return fields, Message("user", turn)


def framed_demos(rows: list[Pair]) -> tuple[Message, ...]:
    demos = "\n\n".join(f"Text: {text}\nAnswer: {label}" for text, label in rows)
    return (
        frame("task_demos basic_instruction tip", "proposed_instruction", "Generate one."),
        filled("starting", task_demos=demos, basic_instruction=SEED_PROMPT, tip="Be brief."),
    )


@pytest.mark.parametrize(
    ("ask", "parse", "shows_seed"),
    [
        (induced, in_prompt_tags, False),
        (scored, in_prompt_tags, True),
        (reflected, in_fences, True),
        (framed_records, in_json, True),
        (framed_demos, in_field, True),
    ],
)
def test_the_same_data_give_the_same_instruction_in_every_frameworks_request(
    ask: Callable[[list[Pair]], tuple[Message, ...]],
    parse: Callable[[str], str],
    shows_seed: bool,
) -> None:
    rows = topics(20, 1)
    seed = [f"<candidate>\n{SEED_PROMPT}\n</candidate>"] if shows_seed else []
    labels = "<labels>\nfood, travel, music\n</labels>"
    own = write(labels, *seed, *(example(*row) for row in rows), ASK)
    assert own
    theirs = read(parse(say(*ask(rows))))
    assert set(theirs.names) == {"food", "travel", "music"}
    assert theirs.cues == read(own).cues


@pytest.mark.parametrize(
    "records",
    [
        'Input: Qty: 5\nInvoice: 7\nOutput: {"n": 5}\n\nInput: Qty: 9\nOutput: {"n": 9}',
        "# Example 1\n## Inputs\n### mail\nQty: 5\n## Generated Outputs\n{}\n## Feedback\n"
        'The correct answer is: {"n": 5}\n# Example 2\n## Inputs\n### mail\nQty: 9\n'
        '## Generated Outputs\n{}\n## Feedback\nThe correct answer is: {"n": 9}',
    ],
)
def test_answers_that_are_objects_are_read_in_foreign_requests(records: str) -> None:
    turn = f"{records}\n\nThe prompt, starting with <prompt> and ending with </prompt>, was"
    said = in_prompt_tags(say(Message("user", turn)))
    assert "- n: integer; near: qty" in said


def test_remarks_on_data_pass_through_a_summary_into_an_instruction() -> None:
    rows = topics(20, 1)
    shown = ", ".join(
        f"Example({{'text': {text!r}, 'answer': {label!r}}}) (input_keys={{'text'}})"
        for text, label in rows
    )
    said = say(
        frame("examples", "observations", "Observe the trends."),
        filled("starting", examples=f"[{shown}]"),
    )
    observed = said.partition("\n")[2].partition("\n\n[[")[0]
    said = say(
        frame("observations", "summary", "Summarize them."),
        filled("starting", observations=observed + observed),
    )
    summary = said.partition("\n")[2].partition("\n\n[[")[0]
    said = say(
        frame("dataset_description basic_instruction", "proposed_instruction", "Generate one."),
        filled("starting", dataset_description=summary, basic_instruction=SEED_PROMPT),
    )
    test = topics(60, 2)
    assert accuracy(in_field(said) + " Only the label.", test) > 0.8
    assert accuracy(SEED_PROMPT + " Only the label.", test) < 0.6


def test_a_contrast_of_two_runs_gives_advice_for_each_module() -> None:
    said = say(
        frame(
            "modules_defn program_inputs oracle_metadata worse_program_outputs module_names",
            "discussion module_advice",
            "Give advice.",
        ),
        filled(
            "starting",
            modules_defn=f"Module self\n\tOriginal Instructions:\n\t\t{SEED_PROMPT}\n{'-' * 80}",
            program_inputs='{"text": "a lemon on the soup"}',
            oracle_metadata='{"answer": "food"}',
            worse_program_outputs='{"answer": "music"}',
            module_names='["self"]',
        ),
    )
    advice = json.loads(said.split("[[ ## module_advice ## ]]\n")[1].split("\n\n[[")[0])
    assert list(advice) == ["self"]
    assert "lemon" in read(f"{SEED_PROMPT}\n\n{advice['self']}").cues["food"]


def test_attempts_with_scores_are_merged_the_best_first() -> None:
    attempts = (
        f"[1] «Instruction #1: {SEED_PROMPT}»\n[2] «Prefix #1: Answer:»\n"
        "[3] «Resulting Score #1: 40.0»\n"
        f"[4] «««\n    Instruction #2: {SEED_PROMPT}\n    - food: soup, bread\n»»»\n"
        "[5] «Prefix #2: Answer:»\n[6] «Resulting Score #2: 71.5»"
    )
    said = say(
        frame(
            "attempted_instructions",
            "proposed_instruction proposed_prefix_for_output_field",
            "Propose a new instruction.",
        ),
        filled("starting", attempted_instructions=attempts),
    )
    assert read(in_field(said)).cues["food"] == ("soup", "bread")
    assert "[[ ## proposed_prefix_for_output_field ## ]]\nAnswer:" in said


METHOD = "Please follow the instruction step-by-step to generate a better prompt"


@pytest.mark.parametrize(
    "request_text",
    [
        f"{METHOD}.\nPrompt 1: Sort into cold or warm.\n- cold: ice\n2. <prompt>Sort.</prompt>\n\n"
        f"{METHOD}.\n1. Cross these:\nPrompt 1: {CANDIDATE}\nPrompt 2: Sort into food or travel.\n"
        "- food: pepper\n2. Mutate it, bracketed with <prompt> and </prompt>.\n\n1.",
        f"{METHOD}.\n1. Compare:\nPrompt 1: {CANDIDATE}\nPrompt 2: Sort into food or travel.\n"
        "- food: pepper\n2. Randomly mutate the parts\n3. Cross them with Prompt 3, bracketed with "
        "<prompt> and </prompt>:\nPrompt 3: Sort into food or travel.\n\n1.",
        f"Merge two prompts for the following task: sorting\nPlease do.\nPrompt 1: {CANDIDATE}\n"
        "Prompt 2: Sort into food or travel.\n- food: pepper\n\nReturn the new prompt in the "
        "following format:\n<prompt>new prompt</prompt>",
    ],
)
def test_prompts_that_are_to_be_crossed_are_told_from_the_example(request_text: str) -> None:
    said = say(Message("system", "You are a helpful assistant."), Message("user", request_text))
    cues = read(in_prompt_tags(said)).cues
    assert cues["food"] == ("soup", "pepper")
    assert cues["travel"] == ("train", "bread")
    assert "cold" not in cues


@pytest.mark.parametrize(
    "request_text",
    [
        f"Rephrase it.\nPrompt: {CANDIDATE}\n\nReturn the new prompt in the following format:\n"
        "<prompt>new prompt</prompt>",
        "Vary this instruction, starting with <prompt> and ending with </prompt> tags.\n\n"
        f"Input: {CANDIDATE}\n\nOutput:",
    ],
)
def test_one_prompt_is_said_in_other_words(request_text: str) -> None:
    said = in_prompt_tags(say(Message("user", request_text)))
    assert read(said).cues == read(CANDIDATE).cues


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
