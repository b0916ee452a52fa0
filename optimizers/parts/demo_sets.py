"""Demo sets: labelled examples, and right answers of the task model's own ("bootstrapped").

After BootstrapFewShot of DSPy (Khattab et al., 2023), https://arxiv.org/abs/2310.03714; shared
by the optimizers that choose among demo sets. A walk over the training examples asks a teacher,
which is the task model with labelled demos, and keeps the answers that score high enough, until
there are as many as are wanted. Labelled examples fill the set up.

Differs from the authors' code: all draws follow the run's seed; the threshold is 1, where the code
takes any score but 0 for success; a walk ends after TRIES_PER_DEMO examples for each demo that is
wanted (the code walks over all of train); the teacher is always the task model (the code takes
another program or a stronger model, too); the labelled demos of a set and of its teacher are drawn
independently of each other and of all other sets.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from apo import Asked, Demo, Example, Prompt, Rollout, Search, check_ranges

TRIES_PER_DEMO = 10


@dataclass(frozen=True)
class Worked:
    """One example with an answer to show.

    Attributes:
        example: the example.
        answer: its first target, or what the task model answered.
        own: whether the answer is the task model's own, with all that it says beside it.
        trace: of a program, the calls that led to it.
    """

    example: Example
    answer: str
    own: bool = False
    trace: tuple[Asked, ...] = ()

    def demo(self, prompt: Prompt) -> Demo:
        """A demo of it for a prompt; of a program's, of what the step in focus was asked."""
        shown = Rollout(self.example, self.answer, None, trace=self.trace)
        return shown.demo(prompt) if self.trace else prompt.demo(self.example.inputs, self.answer)

    def at(self, step: str) -> "Worked":
        """What a step of a program was given and answered; itself of a prompt that stands alone."""
        found = [asked for asked in self.trace if asked.step == step]
        if not step or not found:
            return self
        example = Example(found[-1].inputs, self.example.targets)
        return Worked(example, found[-1].answer, self.own)


DemoSet = tuple[Worked, ...]
"""Demos in their order; empty for a prompt without any."""


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """Makes demo sets.

    Attributes:
        max_bootstrapped_demos: most demos with the task model's own answers.
        max_labeled_demos: most demos in all, filled up with labelled examples; also the number
            of labelled demos that the teacher has.
        max_rounds: tries at an example; all after the first are drawn at temperature 1.
        threshold: score from which an answer is kept, 0 to 1.
    """

    max_bootstrapped_demos: int = 4
    max_labeled_demos: int = 16
    max_rounds: int = 1
    threshold: float = 1.0

    def __post_init__(self) -> None:
        count = (0, math.inf)
        check_ranges(
            self, max_bootstrapped_demos=count, max_labeled_demos=count,
            max_rounds=(1, math.inf), threshold=(0, 1),
        )  # fmt: skip

    async def demo_set(self, search: Search, prompt: Prompt, number: int) -> DemoSet:
        """Make the set of a number.

        Args:
            search: where to draw and ask.
            prompt: whose demos they are to be; its own demos do not matter.
            number: 0 is empty, 1 labelled only, 2 bootstrapped in the order of train; from 3 on,
                train is shuffled and 1 to max_bootstrapped_demos answers are wanted.
        """
        train, rng = list(search.task.train), search.rng
        if number == 0:
            return ()
        if number == 1 and self.max_labeled_demos:
            return labeled(rng, train, self.max_labeled_demos)
        size = self.max_bootstrapped_demos
        if number != 2:
            rng.shuffle(train)
            size = rng.randint(1, size) if size else 0
        own = await self.bootstrap(search, prompt, train, size)
        kept = {worked.example for worked in own}
        rest = [example for example in train if example not in kept]
        return (*own, *labeled(rng, rest, self.max_labeled_demos - len(own)))

    async def bootstrap(
        self, search: Search, prompt: Prompt, train: Sequence[Example], size: int
    ) -> DemoSet:
        """Walk over examples until the teacher was right about `size` of them."""
        shown = labeled(search.rng, train, self.max_labeled_demos)
        walk, kept = list(train[: TRIES_PER_DEMO * size]), list[Worked]()
        while walk and len(kept) < size:
            # As many as are missing, at once: a walk one by one would ask about all of them too.
            missing = size - len(kept)
            batch, walk = walk[:missing], walk[missing:]
            kept += await self._right_answers(search, prompt, shown, batch)
        return tuple(kept)

    async def _right_answers(
        self, search: Search, prompt: Prompt, shown: DemoSet, batch: Sequence[Example]
    ) -> list[Worked]:
        """Ask the teacher about examples, none of which it sees among its own demos."""
        found: dict[Example, Rollout] = {}
        own = prompt.decoding.temperature

        async def ask(asked: tuple[Prompt, Sequence[Example], float]) -> None:
            teacher, examples, temperature = asked
            evaluation = await search.sample(teacher, examples, temperature=temperature)
            for rollout in evaluation.answered:
                right = rollout.score is not None and rollout.score.value >= self.threshold
                if right and rollout.output.strip():
                    found[rollout.example] = rollout

        for turn in range(self.max_rounds):
            teachers: dict[Prompt, list[Example]] = {}
            for example in batch:
                if example not in found:
                    others = tuple(worked for worked in shown if worked.example != example)
                    teachers.setdefault(with_demos_everywhere(prompt, others), []).append(example)
            temperature = 1.0 if turn or own is None else own
            await search.map(ask, [(t, asked, temperature) for t, asked in teachers.items()])
        right = [found[example] for example in batch if example in found]
        return [Worked(r.example, r.output, True, r.trace) for r in right]


def labeled(rng: Random, examples: Sequence[Example], n: int) -> DemoSet:
    """Draw labelled demos; all examples, in a random order, when there are fewer than n."""
    drawn = rng.sample(examples, max(0, min(n, len(examples))))
    return tuple(Worked(example, example.target) for example in drawn)


def with_demos(prompt: Prompt, demos: DemoSet) -> Prompt:
    """The prompt with the set for its demos; of a program's, the step in focus."""
    return prompt.with_demos(tuple(worked.demo(prompt) for worked in demos))


def with_demos_everywhere(prompt: Prompt, demos: DemoSet) -> Prompt:
    """The prompt with the set for its demos; of a program's, each step with what it did itself."""
    for step in prompt.steps:
        prompt = with_demos(prompt.focused(step), demos)
    return prompt
