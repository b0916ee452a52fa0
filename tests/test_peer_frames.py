"""Other frameworks ask the embedded model in their own form, and get what apo would get."""

import json
from collections.abc import Callable
from functools import partial

import pytest

from apo.model import Message
from apo.models.embedded.reading import read
from experiments.benchmarks.peers.frames import Framed
from tests.models import reader
from tests.models.reader import (
    CUED,
    LABELS,
    Pair,
    accuracy,
    example,
    instruction_in,
    topics,
)

complete = partial(reader.complete, Framed())


def say(*messages: Message) -> str:
    return complete(*messages).text


def write(*parts: str) -> str | None:
    return instruction_in(say(Message("user", "\n".join(parts))))


def test_answers_inside_a_frame_of_fields() -> None:
    system = (
        "Your input fields are:\n1. `ticket` (str):\nYour output fields are:\n1. `thought` (str):\n"
        "2. `intent` (str):\n\n[[ ## ticket ## ]]\n{ticket}\n\n[[ ## completed ## ]]\n"
        "In adhering to this structure, your objective is:\n        " + LABELS
    )
    user = "[[ ## ticket ## ]]\nI want a refund\n\nRespond with the corresponding output fields"
    said = complete(Message("system", system), Message("user", user)).text
    assert "[[ ## intent ## ]]\nrefund\n" in said
    assert said.endswith("[[ ## completed ## ]]")


GREETING = Message("system", "You are a helpful assistant.")


@pytest.mark.parametrize("text", ["I was charged twice", "Hello,\n\nI was charged twice.\n\nBob"])
def test_an_input_on_the_line_after_the_instruction_is_found(text: str) -> None:
    assert complete(GREETING, Message("user", f"{CUED}\n{text}")).text == "billing"
    # Of the words of the rules, none is taken for one of the input.
    assert complete(GREETING, Message("user", f"{CUED}\nNothing that you know")).text == "login"


@pytest.mark.parametrize("rule", ["", " Put the answer inside <final_answer> tags."])
def test_examples_written_between_instruction_and_input_teach(rule: str) -> None:
    demos = (
        "Input:\nthe parcel\n\nnever came\nOutput:\n<final_answer>delivery</final_answer>\n\n"
        "Input:\nthe invoice is wrong\nOutput:\nI thought.\n<final_answer>billing</final_answer>"
    )
    turn = f"Sort into: billing, delivery.{rule}\n\n{demos}\n\nInput:\nWhere is my parcel?"
    said = complete(GREETING, Message("user", turn)).text
    assert said == ("<final_answer>delivery</final_answer>" if rule else "delivery")


def test_demos_inside_a_frame_teach() -> None:
    system = (
        "Your input fields are:\n1. `text` (str):\nYour output fields are:\n1. `answer` (str):\n\n"
        "[[ ## text ## ]]\n{text}\n\n[[ ## answer ## ]]\n{answer}\n\n[[ ## completed ## ]]\n"
        "In adhering to this structure, your objective is:\n        Sort into: billing, delivery."
    )
    turns = (
        Message("user", "[[ ## text ## ]]\nthe parcel never came"),
        Message("assistant", "[[ ## answer ## ]]\ndelivery\n\n[[ ## completed ## ]]"),
        Message(
            "user",
            "[[ ## text ## ]]\nmy parcel?\n\nRespond with the corresponding output fields, "
            "starting with the field `[[ ## answer ## ]]`.",
        ),
    )
    said = complete(Message("system", system), *turns).text
    assert said == "[[ ## answer ## ]]\ndelivery\n\n[[ ## completed ## ]]"
    said = complete(Message("system", system), turns[-1]).text
    assert "billing" in said  # The first of the allowed answers, for want of any cue.


ASK = "Write one instruction. Reply between <instruction> and </instruction> tags."


CANDIDATE = "Sort into one of: food, travel. Only the label.\n- food: soup\n- travel: train, bread"


def test_other_frameworks_requests_are_answered_in_their_form() -> None:
    fenced = "I gave an assistant this instruction:\n```\nAnswer yes or no.\n```\nWrite a new \
instruction within ``` blocks."
    reply = say(Message("user", fenced))
    assert reply.startswith("```\n")
    assert read(reply).names == ("yes", "no")


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
    assert accuracy(say, in_field(said) + " Only the label.", test) > 0.8
    assert accuracy(say, SEED_PROMPT + " Only the label.", test) < 0.6


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
