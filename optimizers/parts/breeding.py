"""A round of new prompts, each with the operator that made it."""

from collections.abc import Iterable, Sequence

from apo import MetaPrompt, Prompt, Rollout, Search


class Brood:
    """The children of one round: made at once, so that a run does not depend on timing."""

    def __init__(self) -> None:
        self._children: list[tuple[Prompt, str]] = []
        self._asked: list[tuple[MetaPrompt, Sequence[Rollout]]] = []

    def add(self, prompts: Iterable[Prompt], operator: str) -> None:
        """Take in children that are there already."""
        self._children += [(prompt, operator) for prompt in prompts]

    def ask(self, meta: MetaPrompt, failures: Sequence[Rollout] = ()) -> None:
        """Ask for a child; with failures, it must do better on them than its parent did."""
        self._asked.append((meta, failures))

    async def grown(self, search: Search) -> list[tuple[Prompt, str]]:
        """Ask for all, and give back the new children, with their operators."""
        metas = [meta for meta, _ in self._asked]
        held: list[tuple[Prompt, str, Sequence[Rollout]]] = []
        for (meta, failures), texts in zip(self._asked, await search.generate(metas), strict=True):
            base = meta.parents[0] if meta.parents else search.seed_prompts[0]
            found = [base.with_instruction(text) for text in texts]
            accepted = search.accept(found, operator=meta.name, parents=meta.parents)
            held += [(prompt, meta.name, failures) for prompt in accepted]
        passed = await search.map(lambda child: _passes(search, child[0], child[2]), held)
        grown = [(p, name) for (p, name, _), good in zip(held, passed, strict=True) if good]
        return [*self._children, *grown]


async def _passes(search: Search, child: Prompt, failures: Sequence[Rollout]) -> bool:
    if not failures:
        return True
    before = sum(r.score.value for r in failures if r.score)
    return (await search.evaluate(child, [r.example for r in failures])).total > before


def demonstrated(
    search: Search, prompt: Prompt, max_demos: int, *, least: int = 1, balanced: bool = False
) -> list[Prompt]:
    """The prompt with a random number of training examples as demos; empty when it is known.

    Args:
        search: draws.
        prompt: what is demonstrated.
        max_demos: the most demos.
        least: the fewest demos.
        balanced: draw each label in its share: on a small model whose answers had no form, sets of
            eight brought 69 % where random ones brought 59 %. Where there are more different
            targets than demos, at random: one of each would show the rare ones mostly.
    """
    size, train = search.rng.randint(least, max_demos), search.task.train
    few = len({example.target for example in train}) <= size
    examples = search.draw(train, size, by_class=balanced and few)
    child = prompt.with_demos(tuple(prompt.demo(e.inputs, e.target) for e in examples))
    return search.accept([child], operator="demos", parents=[prompt])


def fitting(search: Search, n: int, max_chars: int) -> int:
    """How many training examples of average length fit into so many characters; 1 to n."""
    lengths = [len(search.shown(e)) + len(e.target) for e in search.task.train]
    average = sum(lengths) / max(1, len(lengths))
    return max(1, min(n, int(max_chars / max(1.0, average))))
