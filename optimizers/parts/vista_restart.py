"""VISTA's restart: an instruction from what the model answers when it is told next to nothing."""

from pathlib import Path

from apo import Prompt, PromptError, Search

BLANK = {"ko": "답하세요."}
"""What a restart begins with, by language; elsewhere "Answer."."""
MODULE = str(Path(__file__).parents[1] / "vista.py")
"""Beside which the meta-prompts lie."""


async def restart(search: Search, n_looks: int, temperature: float) -> list[Prompt]:
    """Write an instruction from the answer to one training input, until that can be read (§4.4).

    Args:
        search: who asks.
        n_looks: looks at the model's answer at most; the last instruction is given all the same.
        temperature: of the optimizer model.

    Returns:
        The new instruction; none where nothing came, or where the task's own rules refuse a prompt
        that says so little.
    """
    (example,) = search.minibatch(1)
    word = BLANK.get(search.task.language.split("-")[0], "Answer.")
    prompt, made = search.seed_prompts[0].with_instruction(word), list[Prompt]()
    for _ in range(n_looks):
        try:
            drawn = await search.sample(prompt, [example], temperature=0.0)
        except PromptError:
            break
        answer = drawn.rollouts[0]
        if made and answer.outcome != "malformed":
            break
        meta = search.meta_prompt(MODULE, "vista_restart", rollout=answer)
        proposed = await search.propose([meta], temperature=temperature)
        if not proposed:
            break
        made, prompt = proposed, proposed[0]
    return made
