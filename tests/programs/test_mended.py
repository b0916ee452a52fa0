"""The step that was broken on purpose is the one that is mended, and the gain is real."""

import asyncio
from pathlib import Path

import pytest

from apo import Budget, Options, Prompt, Task, aoptimize, load_task
from apo.assessment.evaluate import aevaluate

pytestmark = pytest.mark.slow


async def alone(task: Task, best: Prompt) -> dict[str, float]:
    """What each step of the best program gains alone on the test rows, in place of the seed's."""
    [seed] = task.seed_prompts
    before = (await aevaluate(task, seed))[0].value
    return {
        name: (await aevaluate(task, seed.with_steps({name: step})))[0].value - before
        for name, step in best.steps.items()
    }


@pytest.mark.parametrize("optimizer", ["gepa"])
def test_a_program_gains_by_the_step_that_was_broken(optimizer: str, tmp_path: Path) -> None:
    task = load_task("ticket-routing")

    async def both() -> None:
        budget, options = Budget(max_calls=800), Options(track=False)
        result = await aoptimize(task, optimizer, budget=budget, options=options, home=tmp_path)
        assert result.verdict is not None
        assert result.verdict.favourable
        gains = await alone(task, result.best.prompt)
        assert gains["extract"] > 0.05
        assert gains["extract"] > gains["decide"] + 0.05

    asyncio.run(both())
