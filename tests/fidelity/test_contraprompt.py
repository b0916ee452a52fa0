"""ContraPrompt (Rishav et al., 2026): attempts, pairs, rules, and their order.

Section numbers are the paper's.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from apo import (
    Completion,
    Example,
    Options,
    Prompt,
    Request,
    Rollout,
    Score,
    SettingsError,
    Usage,
    aoptimize,
)
from apo.optimizers import contraprompt
from apo.optimizers.contraprompt import ContraPrompt
from apo.optimizers.parts.contraprompt_attempts import WORDS, contrasts, hopeless, word
from apo.prompts.meta_prompts import render
from apo.storage.folder import find_run
from apo.storage.rows import Event
from apo.testing import fake_task
from tests.fidelity.conftest import Writer, shown_inputs

Answer = Callable[[str, str, int], str]
"""Answers by the instruction, the input, and how often it was asked about before."""
AGAIN = WORDS["again"][0]


@dataclass
class Trying:
    """A task model whose answers follow a script."""

    answer: Answer
    name: str = "trying"
    requests: list[Request] = field(default_factory=list[Request])
    seen: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        key = request.messages[0].content, request.messages[-1].content
        before = self.seen[key] = self.seen.get(key, -1) + 1
        usage = Usage(input_tokens=1, output_tokens=1)
        return Completion(text=self.answer(*key, before), usage=usage)

    async def aclose(self) -> None:
        pass


@dataclass
class Seen:
    """A run, what was asked of both models, and what was noted."""

    model: Trying
    writer: Writer
    events: list[Event]
    best: str

    def kinds(self) -> str:
        """r for a rule of a pair, f for one of failures, m for the order."""
        return "".join(map(kind, self.writer.texts))

    def attempts(self) -> list[tuple[str, str]]:
        """What was asked at a high temperature: the line behind the instruction, and the input."""
        hot = [request for request in self.model.requests if request.decoding.temperature == 1.0]
        return [
            (request.messages[0].content.removeprefix("Seed").strip(), request.messages[-1].content)
            for request in hot
        ]


def kind(text: str) -> str:
    return "m" if "<comment>" in text else "r" if "better answer" in text else "f"


def ruling(n: int, text: str) -> str:
    """Writes rules and trees that can be told apart."""
    return f"<advice>\n{'Always:' if kind(text) == 'm' else 'When so, do so'} {n}\n</advice>"


def run(tmp_path: Path, optimizer: ContraPrompt, answer: Answer, size: int = 6) -> Seen:
    model, writer = Trying(answer), Writer(ruling)
    work = aoptimize(
        replace(fake_task(size, seed_prompt="Seed"), test=()),
        optimizer,
        model=model,
        optimizer_model=writer,
        options=Options(track=False, max_concurrency=1),
        home=tmp_path,
    )
    result = asyncio.run(work)
    with find_run(result.run_id, tmp_path).open_journal() as journal:
        return Seen(model, writer, list(journal.events()), result.best.prompt.instruction)


def even(text: str) -> bool:
    return int(text[1:]) % 2 == 0


def mends(instruction: str, text: str, _: int) -> str:
    """Right about even inputs once it is told to think again, and about nothing else."""
    return text if AGAIN in instruction and even(text) else "no"


def test_inputs_are_tried_again_until_they_are_right(tmp_path: Path) -> None:
    """§4.1: up to A attempts with a word in between; the base prompt stays."""
    seen = run(tmp_path, ContraPrompt(n_iterations=1), mends)
    tried = seen.attempts()
    assert [line for line, _ in tried] == [""] * 6 + [AGAIN] * 6 + [AGAIN] * 3
    assert not any(even(text) for _, text in tried[-3:])
    two = run(tmp_path / "two", ContraPrompt(n_iterations=1, n_attempts=2), mends)
    assert len(two.attempts()) == 12


def test_a_right_first_answer_is_not_tried_again(tmp_path: Path) -> None:
    seen = run(
        tmp_path, ContraPrompt(n_iterations=1), lambda _, text, __: text if even(text) else "no"
    )
    assert [text for line, text in seen.attempts() if line and even(text)] == []


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (Score(0.0), "again"),
        (Score(0.29), "again"),
        (Score(0.0, well_formed=False), "again"),
        (Score(0.3), "part"),
        (Score(0.5, well_formed=False), "form"),
    ],
)
def test_what_is_said_of_a_bad_answer(score: Score, said: str) -> None:
    """§4.1: below 0.3 to think again, above it the kind of the error."""
    assert word(Rollout(fake_task().train[0], "x", score)) == said


def rollouts(name: str, *scores: float) -> list[Rollout]:
    example = Example({"input": name}, ("t",))
    return [Rollout(example, f"{name}{k}", Score(s)) for k, s in enumerate(scores)]


def test_pairs_are_the_worst_and_the_best_ranked_by_their_gain() -> None:
    """§4.2: pairs that gain less than 0.02 are left out."""
    found = [rollouts("a", 0.2, 0.1, 0.6), rollouts("b", 0, 1), rollouts("c", 0.5, 0.51)]
    attempts = {each[0].example: each for each in [*found, rollouts("d", 1), rollouts("e", 0, 0)]}
    assert [(w.output, b.output) for w, b in contrasts(attempts)] == [("b0", "b1"), ("a1", "a2")]
    assert [[r.output for r in group] for group in hopeless(attempts)] == [["c1", "e1"]]


def test_what_no_attempt_mends_is_looked_at_by_its_kind_of_error() -> None:
    """§4.4: failures are grouped, and each group is analysed as a whole."""
    example = Example({"input": "m"}, ("t",))
    malformed = [Rollout(example, "?", Score(0.0, well_formed=False))]
    attempts = {r[0].example: r for r in (rollouts("a", 0), malformed, rollouts("b", 0))}
    assert [[r.output for r in group] for group in hopeless(attempts)] == [["a0", "b0"], ["?"]]


def test_each_pair_brings_a_rule_and_all_are_put_in_order(tmp_path: Path) -> None:
    seen = run(tmp_path, ContraPrompt(n_iterations=1), mends)
    assert seen.kinds() == "rrrfm"
    for text in seen.writer.texts[:3]:
        worse, better = re.findall(r"<answer>\n(.*?)\n</answer>", text)
        name, again = shown_inputs(text)
        assert (name, worse) == (again, "no")
        assert better == name
    assert len(set(shown_inputs(seen.writer.texts[3]))) == 3
    rules = re.findall(r"<comment>\n(.*?)\n</comment>", seen.writer.texts[4], re.DOTALL)[0]
    assert rules.splitlines() == [f"When so, do so {n}" for n in range(4)]
    few = run(tmp_path / "few", ContraPrompt(n_iterations=1, max_pairs=2), mends)
    assert few.kinds() == "rrfm"


def test_the_tree_stands_at_the_end_of_the_first_instruction(tmp_path: Path) -> None:
    """Phase 5: inject, and measure."""
    seen = run(tmp_path, ContraPrompt(n_iterations=1), mends)
    whole = [e.body["candidate"] for e in seen.events if e.kind == "evaluation"]
    assert whole[-1] == Prompt("Seed\n\nAlways: 4").id


def test_it_goes_on_from_what_is_better_and_forgets_what_is_not(tmp_path: Path) -> None:
    """A checkpoint, with patience: three iterations in a row without a gain end the search."""

    def answer(instruction: str, text: str, before: int) -> str:
        if AGAIN in instruction:
            return text if even(text) else "no"
        return text if "Always: 4" in instruction and even(text) and int(text[1:]) > 5 else "no"

    seen = run(tmp_path, ContraPrompt(patience=3), answer)
    assert seen.best == "Seed\n\nAlways: 4"
    assert seen.kinds().count("m") == 1 + 3
    merges = [text for text in seen.writer.texts if kind(text) == "m"]
    for text in merges:
        assert "<candidate>\nSeed\n</candidate>" in text
    rules = [re.findall(r"When so, do so (\d+)", text) for text in merges]
    assert all(found[:4] == ["0", "1", "2", "3"] for found in rules)  # Those of the better tree.
    assert "5" in rules[1]
    assert "5" not in rules[2]
    learnt_from = [text for text in seen.writer.texts[5:] if kind(text) == "r"]
    assert all("Seed\n\nAlways: 4" in text for text in learnt_from)


def test_without_any_rule_nothing_is_put_in_order(tmp_path: Path) -> None:
    seen = run(tmp_path, ContraPrompt(), lambda _, text, __: text)
    assert seen.kinds() == ""


def test_the_published_settings() -> None:
    """§5 and appendix B."""
    one = ContraPrompt()
    assert (one.n_attempts, one.n_iterations, one.patience, one.n_examples) == (3, 15, 3, 50)
    assert (one.attempt_temperature, one.temperature) == (1.0, 0.7)
    with pytest.raises(SettingsError, match="n_attempts"):
        ContraPrompt(n_attempts=0)


def shown_input(example: Example) -> str:
    return example.inputs["input"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_meta_prompts_show_the_same_in_both_languages(language: str) -> None:
    worse, better = rollouts("in", 0.0, 1.0)
    values: dict[str, Any] = {
        "task": replace(fake_task(), labels=("yes", "no")), "shown": shown_input,
        "prompt": Prompt("Old </candidate>"), "worse": worse, "better": better,
        "failures": [worse], "examples": [worse.example], "memory": ["one </comment>", "two"],
    }  # fmt: skip
    texts = {
        name: render(contraprompt.__file__, f"contraprompt_{name}", language, {}, **values)
        for name in ("rule", "failures", "merge")
    }
    assert all("Old &lt;/candidate&gt;" in text for text in texts.values())
    assert texts["rule"].index("in0") < texts["rule"].index("in1")
    assert "in0" in texts["failures"]
    assert "one &lt;/comment&gt;\ntwo" in texts["merge"]
    assert "</output>" not in texts["merge"]
