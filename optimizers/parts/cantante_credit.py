"""CANTANTE's credits: what each step of a program did for the score, by comparing executions."""

import re
from collections.abc import Sequence
from pathlib import Path

from apo import Evaluation, MetaPrompt, Rollout, Search

MODULE = str(Path(__file__).parents[1] / "cantante.py")
"""Beside which the meta-prompts lie."""
Credits = list[dict[str, list[float]]]
"""For each configuration, the credits of each step."""


def read_credits(reply: str, steps: Sequence[str], n: int) -> list[dict[str, float]]:
    """The credits of n executions by step, cut to -1 to 1; 0 where a line does not tell.

    Args:
        reply: a line for each execution, such as "plan = 0.5; answer = -1".
        steps: names.
        n: executions, in the order of the lines.
    """
    lines = [line for line in reply.splitlines() if re.search(r"[=:]\s*[-−+]?\d", line)]
    found: list[dict[str, float]] = []
    for line in (*lines, *[""] * n)[:n]:
        told: dict[str, float] = {}
        for step in steps:
            form = rf"(?<!\w){re.escape(step)}(?!\w)\W{{0,3}}[=:]\s*([-−+]?\d+(?:\.\d+)?)"
            match = re.search(form, line)
            value = float(match[1].replace("−", "-")) if match else 0.0
            told[step] = max(-1.0, min(1.0, value))
        found.append(told)
    return found


async def attribute(
    search: Search,
    configurations: Sequence[Evaluation],
    steps: Sequence[str],
    *,
    group_size: int,
    temperature: float,
) -> Credits:
    """Ask for the credits of all steps, input by input, a few configurations at a time.

    A prompt of one step has the score itself for its credit: nobody is asked.

    Args:
        search: whose optimizer model is asked.
        configurations: measured on the same examples.
        steps: names of the steps.
        group_size: executions that are compared in one request, in a drawn order.
        temperature: of the optimizer model.
    """
    given: Credits = [{step: [] for step in steps} for _ in configurations]
    metas: list[MetaPrompt] = []
    asked: list[list[int]] = []
    for row in range(len(configurations[0].rollouts)):
        rollouts = [evaluation.rollouts[row] for evaluation in configurations]
        known = [k for k, rollout in enumerate(rollouts) if rollout.score is not None]
        if len(steps) == 1:
            for k in known:
                given[k][steps[0]].append(score(rollouts[k]))
            continue
        order = search.rng.sample(known, len(known))
        for start in range(0, len(order), group_size):
            group = order[start : start + group_size]
            shown = [rollouts[k] for k in group]
            parent = configurations[group[0]].prompt
            metas.append(
                search.meta_prompt(
                    MODULE, "cantante_credit", parents=[parent], rollouts=shown, styles=[*steps]
                )
            )
            asked.append(group)
    replies = await search.generate(metas, tag="grade", temperature=temperature) if metas else []
    for group, texts in zip(asked, replies, strict=True):
        for text in texts:
            for k, told in zip(group, read_credits(text, steps, len(group)), strict=True):
                for step in steps:
                    given[k][step].append(told[step])
    return given


def score(rollout: Rollout) -> float:
    """The score of an answer that has one."""
    return rollout.score.value if rollout.score else 0.0
