"""After the search: what the winner's instruction and its demos gave, each by itself.

See docs/decisions/0034-parts.md.
"""

from collections.abc import Sequence
from dataclasses import replace

from apo.errors import BudgetExhausted
from apo.evaluation.evaluation import Evaluation
from apo.evaluation.must_pass import broken
from apo.prompts.prompt import Prompt
from apo.results.paired import Pairs
from apo.results.parts import MOST, Parts
from apo.search.search import Search
from apo.statistics import share_of_wins
from apo.task import Example

LEAST = 20
"""Validation examples from which four scores say anything."""
WORDS, DEMOS = "instruction-alone", "demos-alone"
"""The operators of these candidates."""


async def take_apart(
    search: Search, seed: Evaluation, run: str
) -> tuple[Evaluation, Parts | None, str]:
    """Measure the winner's parts with what the search has left, and drop a part that adds nothing.

    On the whole validation split where there are calls for it, and then an instruction that does
    not win in most resamples gives way to the seed's; on fewer examples it is only told.

    Args:
        search: at its end, the calls of the verdict held back.
        seed: the seed prompt on the validation split.
        run: the run's id.

    Returns:
        The candidate that goes into the verdict, what its parts gave, and what is to be told of
        that. None for a winner that changed only one part, or where too few calls are left.
    """
    best = search.best or seed
    if best.at_least <= seed.at_least:  # Level with it, and shorter: that is no gain to prove.
        return seed, None, ""
    if not _has_both(seed.prompt, best.prompt):
        return best, None, ""
    words = best.prompt.with_demos(seed.prompt.demos)
    demos = best.prompt.with_instruction(seed.prompt.instruction)
    known = {evaluation.prompt: evaluation for evaluation in search.archive}
    missing = [prompt for prompt in (demos, words) if prompt not in known]
    examples, wanted = _affordable(search, missing)
    untold = (
        "Whether the winner's instruction or its demos gave the gain was not measured: too little "
        f"of the budget was left. apo ablate {run} looks at each part."
    )
    if examples == ():
        return best, None, untold
    try:
        measured = await _measured(search, best, demos, words, wanted, examples)
    except BudgetExhausted:  # Of tokens, money or time, which are not known before.
        return search.best or seed, None, untold
    found = {**known, **measured}
    if demos not in found:
        return best, None, ""  # The task's contract allows no such prompt.
    parts = _parts(seed, best, found[demos], found.get(words))
    chosen, parts = _chosen(search, seed, best, found[demos], parts, whole=examples is None)
    return chosen, parts, str(parts)


def _has_both(seed: Prompt, best: Prompt) -> bool:
    """Whether a winner of one step has another instruction than the seed, and other demos."""
    plain = type(best) is Prompt and type(seed) is Prompt
    changed = best.demos and best.demos != seed.demos and best.instruction != seed.instruction
    return plain and bool(changed) and bool(best.instruction)


def _affordable(
    search: Search, missing: Sequence[Prompt]
) -> tuple[tuple[Example, ...] | None, Sequence[Prompt]]:
    """On which examples to measure which prompts: None for all of validation, () for none.

    That of the demos comes first, since it decides.
    """
    whole, left = len(search.task.validation), search.calls_left
    for n in range(len(missing), 0, -1):
        if left >= n * whole:
            return None, missing[:n]
    if not missing:
        return None, ()
    n = int(left // len(missing))
    return (tuple(search.task.validation[:n]), missing) if n >= LEAST else ((), ())


async def _measured(
    search: Search,
    best: Evaluation,
    demos: Prompt,
    words: Prompt,
    wanted: Sequence[Prompt],
    examples: Sequence[Example] | None,
) -> dict[Prompt, Evaluation]:
    """Make candidates of the parts, and measure them."""
    for prompt, operator in ((demos, DEMOS), (words, WORDS)):
        if prompt in wanted and not search.knows(prompt):
            search.accept([prompt], operator=operator, parents=[best.prompt])
    wanted = [prompt for prompt in wanted if search.knows(prompt)]
    found = await search.map(lambda prompt: search.evaluate(prompt, examples), wanted)
    return {evaluation.prompt: evaluation for evaluation in found}


def _parts(
    seed: Evaluation, best: Evaluation, demos: Evaluation, words: Evaluation | None
) -> Parts:
    """The four scores, on the examples that all were measured on."""
    n = min(len(e.rollouts) for e in (demos, words) if e is not None)
    cells = [replace(e, rollouts=e.rollouts[:n]) for e in (seed, best, demos)]
    pairs = Pairs().add(cells[2], cells[1])
    wins = share_of_wins(pairs.differences, pairs.groups_graded) if pairs.differences else 0.0
    return Parts(
        n=n,
        seed=cells[0].value,
        words=None if words is None else replace(words, rollouts=words.rollouts[:n]).value,
        demos=cells[2].value,
        both=cells[1].value,
        wins=wins,
    )


def _chosen(
    search: Search,
    seed: Evaluation,
    best: Evaluation,
    demos: Evaluation,
    parts: Parts,
    *,
    whole: bool,
) -> tuple[Evaluation, Parts]:
    """Who goes into the verdict, now that the parts are known."""
    first = search.best or best
    if first.prompt not in (best.prompt, demos.prompt):
        return first, parts  # The instruction alone is the best of all.
    keeps = parts.wins >= MOST or not whole or broken(seed, demos)
    better = demos.at_least > seed.at_least
    if first.prompt == demos.prompt or (not keeps and better):
        return demos, replace(parts, replaced=True)
    return best, parts
