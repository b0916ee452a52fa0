"""Thinking is told from the answer, wherever servers and models put it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.models.thinking import Parts, part

THOUGHT = "Hmm. Answer: login? No."
HARMONY = (
    f"<|channel|>analysis<|message|>{THOUGHT}<|end|>"
    "<|start|>assistant<|channel|>final<|message|>bug<|return|>"
)
ASKED = ["Think in <reasoning> tags, then answer in <answer> tags."]


@pytest.mark.parametrize(
    "reply",
    [
        f"<think>{THOUGHT}</think>\n\nbug",
        f"\n<think>\n{THOUGHT}\n</think>bug",
        f"<think></think><think>{THOUGHT}</think> bug",
        f"{THOUGHT}\n</think>\n\nbug",
        f"<thinking>{THOUGHT}</thinking>\nbug",
        f"<reasoning>{THOUGHT}</reasoning>\nbug",
        f"<thought>{THOUGHT}</thought>bug",
        f"[THINK]{THOUGHT}[/THINK]bug",
        f"◁think▷{THOUGHT}◁/think▷bug",
        f"<|START_THINKING|>{THOUGHT}<|END_THINKING|>bug",
        f"{THOUGHT}<|END_THINKING|>bug",
        HARMONY,
        f"<|start|>assistant{HARMONY}",
        f"{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>bug",
        f"analysis{THOUGHT}assistantfinalbug",
    ],
)
def test_thinking_is_no_part_of_the_answer(reply: str) -> None:
    found = part(reply, ["Which label?"])
    assert (found.thinking.strip(), found.answer, found.ended) == (THOUGHT, "bug", True)


@pytest.mark.parametrize(
    "start", ["<think>", "<reasoning>", "[THINK]", "<|channel|>analysis<|message|>"]
)
def test_an_opened_block_has_no_answer(start: str) -> None:
    assert part(f"{start}{THOUGHT}", cut=True) == Parts(THOUGHT, "", ended=False)


@pytest.mark.parametrize(
    "reply",
    [
        "bug",
        " bug\n",
        "",
        "The tag <think> opens a block.",
        "bug <think>or not</think>",
        "analysis of the ticket: bug",
        "<answer>bug</answer>",
    ],
)
def test_an_answer_stays_as_it_is(reply: str) -> None:
    assert part(reply) == Parts("", reply)


def test_what_the_prompt_asks_for_is_part_of_the_answer() -> None:
    reply = "<reasoning>It crashes.</reasoning><answer>bug</answer>"
    assert part(reply, ASKED) == Parts("", reply)
    assert part(reply, ["Which?"]) == Parts("It crashes.", "<answer>bug</answer>")
    # Asked for or not, a reasoning model's own mark is thinking, but never the whole answer.
    asked = ["Put all of it into <think> tags."]
    assert part("<think>a</think>bug", asked) == Parts("a", "bug")
    assert part("<think>bug</think>", asked) == Parts("", "<think>bug</think>")
    assert part("Write </think> here", ["Where does </think> go?"]).answer == "Write </think> here"


def test_a_writers_draft_is_no_proposal() -> None:
    draft, real = "<instruction>draft</instruction>", "<instruction>real</instruction>"
    meta_prompt = ["Write it between <instruction> and </instruction>."]
    assert part(f"<think>{draft}</think>{real}", meta_prompt).answer == real
    assert part(f"<think>{draft}", meta_prompt, cut=True) == Parts(draft, "", ended=False)
    assert part(f"{draft}</think>\n{real}", meta_prompt).answer == real


@given(st.text(), st.booleans())
def test_nothing_is_lost_or_raised(text: str, cut: bool) -> None:
    found = part(text, cut=cut)
    assert found.thinking or found.answer == text or not found.ended
