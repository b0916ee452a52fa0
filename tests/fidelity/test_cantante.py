"""CANTANTE (Zehle et al., 2026) and FAPO (Kassianik et al., 2026): credit and blame by step."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from apo import Budget, Example, Prompt, PromptSet, Score, Search, Task
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.optimizers.cantante import CANTANTE
from apo.optimizers.fapo import FAPO, blamed
from apo.optimizers.parts.cantante_credit import read_credits
from apo.programs.chain import Chain
from apo.storage.journal import Journal
from tests.fidelity.conftest import Run, Writer, tagged
from tests.programs.test_steps_search import Counting

ROWS = tuple(Example({"text": f"t{i}"}, (f"T{i}",)) for i in range(8))
STEPS = {
    "plan": Prompt("plan 0", template="{{text}}"),
    "answer": Prompt("answer 0", template="{{plan}}"),
}


def judge(output: str, _: Example) -> Score:
    """The plan's number counts, up to 4; that of the answer does not."""
    return Score(min(int(output.split()[1]), 4) / 4)


def searched(optimizer: Any, reply: Callable[[int, str], str]) -> tuple[Search, list[str]]:
    task = Task(
        name="two steps", scorer=judge, seed_prompts=(PromptSet.of(STEPS),), train=ROWS,
        validation=ROWS, input_fields=("text",), program=Chain(steps=("plan", "answer")),
    )  # fmt: skip
    writer = Writer(reply)
    with Journal() as journal:
        caller = Caller(journal, Meter(Budget()))
        models = Endpoint("task", Counting()), Endpoint("optimizer", writer)
        search = Search(task, caller=caller, task_model=models[0], optimizer_model=models[1])
        asyncio.run(search.work(optimizer))
    return search, writer.texts


def best(search: Search) -> list[str]:
    assert search.best is not None
    return [prompt.instruction for prompt in search.best.prompt.steps.values()]


def test_credits_are_read_by_name_and_cut() -> None:
    reply = "Talk.\n1. plan = 0.5; answer = -2\n2. answer: 1, plan: −0.25\n3. planner = 1; nothing"
    assert read_credits(reply, ["plan", "answer"], 4) == [
        {"plan": 0.5, "answer": -1.0},
        {"plan": -0.25, "answer": 1.0},
        {"plan": 0.0, "answer": 0.0},
        {"plan": 0.0, "answer": 0.0},
    ]


def credited(n: int, text: str) -> str:
    """Writes a new number for the step shown, and gives plans a credit by their number."""
    if "<grade>" not in text:
        word = re.findall(r"<candidate>\n(\w+)", text)[0]
        return tagged(f"{word} {n + 1}")
    numbers = re.findall(r"plan: t\d+ (\d+)", text)
    return (
        "<grade>"
        + "\n".join(f"plan = {min(1, int(k) / 4)}; answer = 0" for k in numbers)
        + "</grade>"
    )


def test_a_step_keeps_what_its_own_credit_speaks_for() -> None:
    search, texts = searched(CANTANTE(n_rounds=3, block_size=4), credited)
    plan, answer = best(search)
    assert int(plan.split()[1]) >= 4
    assert answer == "answer 0"  # No other has more credit, though all scores rose with the plans.
    asked = [text for text in texts if "<grade>" in text]
    assert all(1 <= text.count("<example>") <= 3 for text in asked)  # group_size
    # One block of 4 inputs, configurations of the first round in one group each.
    first = asked[:4]
    assert {re.findall(r"plan: (t\d+) ", text)[0] for text in first} == {
        re.findall(r"plan: (t\d+) ", text)[-1] for text in first
    }
    assert len({tuple(re.findall(r"plan: (t\d+) ", text)) for text in first}) == 4


def test_one_step_has_the_score_for_its_credit(run: Run) -> None:
    seen = run(CANTANTE(n_rounds=2, block_size=6), lambda n, _: tagged("+" * (n + 1)), size=8)
    assert not any("<grade>" in text for text in seen.writer.texts)
    assert seen.result.best.value > seen.result.seed.value


def test_a_step_is_blamed_by_name() -> None:
    steps = ["plan", "plan again"]
    assert blamed("plan again: too long", steps) == ("plan again", "too long")
    assert blamed("**plan**: no\nnumber", steps) == ("plan", "no\nnumber")
    assert blamed("Nobody is to blame.", steps) == (None, "Nobody is to blame.")
    assert blamed("plan: no number", [""]) == ("", "plan: no number")


def test_the_step_that_is_blamed_is_mended_alone_until_it_has_had_its_turns() -> None:
    def reply(n: int, text: str) -> str:
        if "went wrong, and why" in text:
            return "<reason>answer: too short</reason>"
        word = re.findall(r"<candidate>\n(\w+)", text)[0]
        return tagged(f"{word} {n}")

    search, texts = searched(FAPO(patience=2, n_shown=3, n_variants=1), reply)
    edits = [t for t in texts if "smallest change" in t]
    assert len(edits) == 2  # Nothing was put down to the plan, so nothing mends it.
    assert all("<candidate>\nanswer 0\n" in text for text in edits)
    assert "These changes were tried" in edits[1]
    assert "answer: t" in texts[0]  # What each step said.
    assert best(search)[0] == "plan 0"


def test_where_no_reply_names_a_step_they_are_mended_in_turn() -> None:
    def reply(n: int, text: str) -> str:
        if "went wrong, and why" in text:
            return "<reason>All of it is vague.</reason>"
        word = re.findall(r"<candidate>\n(\w+)", text)[0]
        return tagged(f"{word} {n} 0")

    _, texts = searched(FAPO(patience=2, n_shown=1, n_variants=1), reply)
    edits = [text for text in texts if "smallest change" in text]
    assert [re.findall(r"<candidate>\n(\w+)", text)[0] for text in edits] == ["plan", "answer"] * 2
    assert all("All of it is vague." in text for text in edits)


def test_a_mend_that_gains_is_where_the_next_round_starts() -> None:
    def reply(n: int, text: str) -> str:
        if "went wrong, and why" in text:
            return "<reason>plan: too low</reason>"
        number = int(re.findall(r"<candidate>\nplan (\d+)", text)[0])
        return tagged(f"plan {number + 1}")

    search, texts = searched(FAPO(n_shown=2, n_variants=1), reply)
    assert best(search) == ["plan 4", "answer 0"]
    assert sum("smallest change" in text for text in texts) == 4
