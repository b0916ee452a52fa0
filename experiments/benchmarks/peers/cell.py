"""One cell of the grid: one peer on one task with one seed, from the search to the test score."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from apo.run.fit import fit_pools
from apo.task import Example, Score, Task
from experiments.benchmarks.peers.endpoint import BudgetOver, Endpoint

THREADS = 8


@dataclass(frozen=True)
class Found:
    """A prompt in a peer's own form.

    Attributes:
        answer: gives the peer's parsed answer to an example, by one call (or one more, where the
            peer asks again because it could not read the first answer).
        text: the messages as they are sent, with empty inputs.
        validation: the score by which the peer chose it, 0 to 1; None when it measured none.
    """

    answer: Callable[[Example], str]
    text: str
    validation: float | None = None


class Bench:
    """What a driver gets: the task with the pools of this budget, the endpoint, the seed.

    Attributes:
        task: as apo's optimizers get it at this budget.
        endpoint: the way to both models, task and optimizer.
        seed: of the run.
    """

    def __init__(self, task: Task, endpoint: Endpoint, seed: int) -> None:
        self.task, self.endpoint, self.seed = task, endpoint, seed
        self._examples = {self.key(e): e for e in (*task.train, *task.validation, *task.test)}

    @property
    def instruction(self) -> str:
        """The seed instruction, the same that apo starts from."""
        return self.task.seed_prompts[0].instruction

    def shown(self, example: Example) -> str:
        """The user turn of an example, as apo's seed prompt writes it."""
        return self.task.seed_prompts[0].with_demos(()).messages(example.inputs)[-1].content

    def key(self, example: Example) -> tuple[str, ...]:
        """What stands for an example where a library cannot carry it along."""
        return tuple(example.inputs[field] for field in self.task.input_fields)

    def find(self, key: Sequence[str]) -> Example:
        """The example of a key."""
        return self._examples[tuple(key)]

    def judge(self, answer: str, example: Example) -> Score:
        """Score a parsed answer with apo's scorer."""
        return self.task.judge(answer, example)

    def feedback(self, score: Score, example: Example) -> str:
        """What a reflecting optimizer is told: the scorer's words, and the right answer."""
        said = "The answer is right." if score.value == 1 else score.feedback
        return f"{said} The correct answer is: {example.target}".strip()


Driver = Callable[[Bench, str], tuple[Found, Found]]
"""Given a method's name, search under the limit and return the seed prompt and the best one."""


def run_cell(
    driver: Driver, method: str, task: Task, endpoint: Endpoint, seed: int, max_calls: int
) -> dict[str, Any]:
    """Search with the calls that apo's search would have, then measure on the test split."""
    start = time.perf_counter()
    task = fit_pools(task, max_calls)
    endpoint.limit = max_calls - 2 * len(task.test)
    bench = Bench(task, endpoint, seed)
    before, best = driver(bench, method)
    searched, endpoint.limit = endpoint.answered, None
    seed_score, best_score = (score(bench, found, task.test) for found in (before, best))
    return {
        "seed_score": round(seed_score, 6),
        "best_score": round(best_score, 6),
        "validation_best": "" if best.validation is None else round(best.validation, 6),
        "calls": searched + 2 * len(task.test),
        "search_calls": searched,
        "n_test": len(task.test),
        "seed_chars": len(before.text),
        "best_chars": len(best.text),
        "seconds": round(time.perf_counter() - start, 2),
        "prompt": best.text,
    }


def score(bench: Bench, found: Found, examples: Sequence[Example]) -> float:
    """Mean score of a prompt by apo's scorer."""
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(found.answer, examples))
    values = [bench.judge(a, e).value for a, e in zip(answers, examples, strict=True)]
    return sum(values) / len(values)


def until_over(search: Callable[[], Any]) -> Any | None:
    """Run a search; None when the calls ran out before it ended by itself."""
    try:
        return search()
    except BudgetOver:
        return None
