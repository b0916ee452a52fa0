"""How often a prompt that always says the same is announced without that being said.

Each run has a task of its own: two to six classes of unequal size, and a seed prompt that is read
rightly now and then and cannot be read otherwise. The model answers every proposed prompt with one
and the same label. So the best prompt of the search is a constant answer, mostly proven better than
the seed; the first line of the verdict must say what it is.

    python experiments/benchmarks/null_constants.py            # 200 runs, less than a minute
    python experiments/benchmarks/null_constants.py --runs 20
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Budget, Completion, Example, Options, Prompt, Request, Search, Task, optimize
from apo.results.words import heading
from apo.scorers.choice import Choice

LABELS = ("billing", "login", "bug", "refund", "delivery", "other")


@dataclass(frozen=True)
class Parrot:
    """Says the label that stands last in the instruction; the seed prompt names none."""

    name: str = "parrot"

    async def complete(self, request: Request) -> Completion:
        """Answer with the instruction's last word."""
        return Completion(request.messages[0].content.split()[-1])

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class EachLabel:
    """Measures a constant prompt for each label."""

    async def run(self, search: Search) -> None:
        """Propose and measure them."""
        for label in search.task.labels:
            prompt = Prompt(f"Always say {label}")
            search.accept([prompt], operator="constant")
            await search.evaluate(prompt)


@dataclass(frozen=True)
class Found:
    """What came of the runs.

    Attributes:
        n: runs.
        gains: those whose best prompt is proven better than the seed.
        unsaid: those announced without a word on the constant in the first line.
    """

    n: int
    gains: int
    unsaid: int


def constant_task(rng: Random) -> Task:
    """A classification with classes of unequal size."""
    labels = LABELS[: rng.randint(2, 6)]
    weights = [rng.uniform(0.2, 3) for _ in labels]
    drawn = rng.choices(labels, weights, k=120)
    examples = [Example({"input": f"text {i}"}, (label,)) for i, label in enumerate(drawn)]
    return Task(
        name="constants",
        scorer=Choice(labels=labels),
        seed_prompts=(Prompt("Read the text and think about it"),),
        train=examples[:20],
        validation=examples[20:60],
        test=examples[60 : 60 + rng.randint(20, 60)],
        labels=labels,
    )


def simulate(n: int) -> Found:
    """Make n runs, each of its own seed."""
    gains = unsaid = 0
    with tempfile.TemporaryDirectory() as home:
        for seed in range(n):
            done = optimize(
                constant_task(Random(seed)),
                EachLabel(),
                model=Parrot(),
                budget=Budget(max_calls=1000),
                options=Options(track=False),
                home=Path(home),
            )
            verdict = done.verdict
            if verdict is None or not verdict.proven:
                continue
            gains += 1
            first = str(verdict).partition(":")[0]
            unsaid += "always answering" not in first or first != heading(verdict.to_dict())
    return Found(n, gains, unsaid)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    found = simulate(parser.parse_args().runs)
    print(
        f"{found.n} runs whose best prompt is a constant answer: {found.gains} proven better than "
        f"the seed, {found.unsaid} of them announced without saying so in the first line."
    )
    sys.exit(found.unsaid > 0)
