"""A winner that was exported for DSPy answers there as in apo, row for row."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import apo
from apo.assessment.evaluate import evaluate
from apo.bridges.dspy_engine import dspy_module
from apo.prompts.forms.registry import write_prompt

DSPY = dspy_module("a test")
PAGE = (Path(__file__).parents[2] / "docs/prompt-files.md").read_text("utf-8")
ADAPTER = PAGE[PAGE.index("class PlainAdapter") : PAGE.index("program = dspy.Predict")]
ROWS = 30


def winner(task: apo.Task) -> apo.Prompt:
    """The seed prompt with demos, as an optimizer may have left it."""
    seed = task.seed_prompts[0]
    demos = tuple(seed.demo(row.inputs, row.target) for row in task.train[:2])
    return replace(seed, demos=demos, instruction=f"{seed.instruction}\nKeep to 'the' {{form}}.")


@pytest.mark.parametrize("name", ["support-tickets", "word-problems", "reviews-ko", "order-fields"])
def test_the_exported_program_answers_as_apo_does(name: str, tmp_path: Path) -> None:
    whole = apo.load_task(name)
    task = replace(whole, test=whole.test[:ROWS])
    prompt, kept = winner(task), tmp_path / "winner.json"
    kept.write_text(write_prompt(prompt, "dspy"), encoding="utf-8")
    space: dict[str, Any] = {"dspy": DSPY}
    exec(write_prompt(prompt, "python") + ADAPTER, space)  # As docs/prompt-files.md says.
    program = DSPY.Predict(f"{', '.join(prompt.variables)} -> answer")
    program.load(kept)
    measured = evaluate(task, prompt)
    with (
        apo.dspy_lm("embedded", temperature=prompt.decoding.temperature) as lm,
        DSPY.context(lm=lm, adapter=space["PlainAdapter"]()),
    ):
        answers = [program(**row.inputs).answer for row in task.test]
    assert answers == [rollout.output for rollout in measured.rollouts]
    scores = [task.judge(a, row).value for a, row in zip(answers, task.test, strict=True)]
    assert sum(scores) / len(scores) == measured.mean
