"""Bootstrap few-shot with random search: the task model's own right answers become demos, and the
best of many random demo sets is kept (Khattab et al., 2023).

https://arxiv.org/abs/2310.03714

Candidates, in order: the prompt without demos; with labelled demos; with demos bootstrapped in
the order of the training examples; then many with demos bootstrapped from shuffled examples, in
random number. Each is measured on the whole validation split. The instruction stays as it is. Of a
program, each step is shown what it did itself where the program was right.

Differs from the authors' code: what `parts.demo_sets` says (draws follow the run's seed, the
threshold is 1, a walk has an end, labelled demos are independent, the teacher is the task model
itself: there is no stronger one to name); it validates on the validation split (the code takes the
training examples when it is given no others); the search ends when all validation examples are
right.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from apo import Search, check_ranges
from apo.optimizers.parts.demo_sets import Bootstrap, with_demos_everywhere


@dataclass(frozen=True, kw_only=True)
class BootstrapRS:
    """Bootstrap few-shot with random search.

    Attributes:
        n_candidates: demo sets from shuffled examples; three others come before them.
        max_bootstrapped_demos: most demos with the task model's own answers.
        max_labeled_demos: most demos in all, filled up with labelled examples.
        max_rounds: tries at an example; all after the first are drawn at temperature 1.
        threshold: score from which an answer is kept, 0 to 1.
        stop_at_score: validation mean that ends the search.
    """

    n_candidates: int = 16
    max_bootstrapped_demos: int = 4
    max_labeled_demos: int = 16
    max_rounds: int = 1
    threshold: float = 1.0
    stop_at_score: float = 1.0
    knows_steps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self, n_candidates=(0, math.inf), stop_at_score=(0, 1))
        self.bootstrap()

    async def run(self, search: Search) -> None:
        """Make a demo set, measure it, go on with the next."""
        seed, bootstrap = search.seed_prompts[0], self.bootstrap()
        for number in range(3 + self.n_candidates):
            prompt = with_demos_everywhere(seed, await bootstrap.demo_set(search, seed, number))
            if prompt != seed:
                search.accept([prompt], operator="bootstrap", parents=[seed])
            evaluation = await search.evaluate(prompt)
            if search.solved or evaluation.value >= self.stop_at_score:
                return

    def bootstrap(self) -> Bootstrap:
        """What makes the demo sets."""
        return Bootstrap(
            max_bootstrapped_demos=self.max_bootstrapped_demos,
            max_labeled_demos=self.max_labeled_demos,
            max_rounds=self.max_rounds,
            threshold=self.threshold,
        )
