"""MIPROv2: grounded instructions and bootstrapped demo sets, combined by a Bayesian search
(Opsahl-Ong et al., 2024).

https://arxiv.org/abs/2406.11695

1. Bootstrap demo sets. 2. Propose instructions from a summary of the data, the prompt as it is,
some demos and a tip. 3. A tree-structured Parzen estimator chooses an instruction and a demo set
(of a program, for each step), trial by trial; each trial is scored on a minibatch of the validation
split. After every `full_eval_steps` trials, and at the end, the combination with the best mean that
was not yet measured on the whole validation split is, and the estimator learns that score too. The
first trials, which are drawn at random, are measured at once: no score has a say in them.

Differs from the authors' code: no program code is described, so proposals are grounded in
the task's description and the parts of the prompt; no proposal is thrown away (the code writes one
for the first place, which the present instruction takes); the seed counts as fully measured; when
all that was tried is fully measured, a full measurement is left out (the code fails); the
validation split is not cut to the preset's size, and answers once given are not asked for again;
draws follow the run's seed; demo sets differ as `parts.demo_sets` says, so that no stronger teacher
bootstraps them; proposals are told the task's description and labels. The default preset is the
largest whose scoring the calls that are left can pay. `paired` is not the authors'.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import ClassVar, Literal

from apo import Example, Prompt, Search, check_ranges
from apo.optimizers.parts.choices import check_choices
from apo.optimizers.parts.combinations import Choice, Combinations, chosen
from apo.optimizers.parts.data_summary import summarize
from apo.optimizers.parts.demo_sets import Bootstrap, DemoSet, with_demos

PRESETS = {"light": 6, "medium": 12, "heavy": 18}
"""Number of demo sets; half as many instructions, or as many when there are to be no demos."""
TIPS = ("none", "creative", "simple", "description", "high_stakes", "persona")
PROPOSAL_DEMOS = 3
MIN_MINIBATCH_POOL = 50


@dataclass(frozen=True, kw_only=True)
class MIPROv2:
    """Multi-prompt instruction proposal optimizer, second version.

    Attributes:
        preset: "light", "medium" or "heavy" (6, 12 or 18 demo sets; 10, 18 or 27 trials), or
            "auto": the largest that fits, and "medium" without a limit in calls.
        max_bootstrapped_demos: most demos with the task model's own answers.
        max_labeled_demos: most demos in all, filled up with labelled examples. When both are 0
            only instructions are searched, and demos serve their proposal alone.
        max_rounds: tries at an example; all after the first are drawn at temperature 1.
        threshold: score from which an answer is kept as a demo, 0 to 1.
        minibatch_size: validation examples of a trial; all, when there are 50 or fewer.
        full_eval_steps: trials between two full measurements.
        view_data_batch_size: training examples in each request of the data summary.
        temperature: of the optimizer model.
        paired: take minibatches from a fixed partition, the same between two full measurements.
    """

    preset: Literal["auto", "light", "medium", "heavy"] = "auto"
    max_bootstrapped_demos: int = 4
    max_labeled_demos: int = 4
    max_rounds: int = 1
    threshold: float = 1.0
    minibatch_size: int = 35
    full_eval_steps: int = 5
    view_data_batch_size: int = 10
    temperature: float = 1.0
    paired: bool = False
    knows_steps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choices(self, preset=("auto", *PRESETS))
        some = (1, math.inf)
        check_ranges(
            self, minibatch_size=some, full_eval_steps=some, view_data_batch_size=some,
            temperature=(0, 2),
        )  # fmt: skip
        self.bootstrap()

    async def run(self, search: Search) -> None:
        """The three steps of §4: bootstrap, propose, search."""
        n = PRESETS[self.chosen_preset(search)]
        seed, bootstrap = search.seed_prompts[0], self.bootstrap()
        # The summary of the data and the sets need nothing of each other: all at once.
        summaries, sets = list[str](), list[DemoSet]()

        async def summarize() -> None:
            summaries.append(await self.summarize(search))

        async def draw() -> None:
            sets.extend(await search.map(partial(bootstrap.demo_set, search, seed), range(n)))

        await search.map(lambda work: work(), [summarize, draw])
        n_instructions = n if self.zero_shot else n // 2
        pool = Candidates([] if self.zero_shot else sets)
        for step in seed.steps:
            base = seed.focused(step)
            found = await self.propose(search, base, summaries[0], sets, n_instructions - 1)
            pool.instructions[step] = [base, *found]
        await self.optimize(search, pool, n_trials(n, self.n_variables(search)))

    async def propose(
        self, search: Search, seed: Prompt, summary: str, sets: Sequence[DemoSet], n: int
    ) -> list[Prompt]:
        """Grounded proposals (§3.1): one for each demo set but the first, each with its tip."""
        own = [[w for s in (*sets[i:], *sets[:i]) for w in s if w.own] for i in range(1, n + 1)]
        metas = [
            search.meta_prompt(
                __file__, "miprov2_propose", parents=[seed], prompt=seed, summary=summary,
                demos=[worked.at(seed.focus) for worked in demos[:PROPOSAL_DEMOS]],
                tip=search.rng.choice(TIPS),
            )
            for demos in own
        ]  # fmt: skip
        return await search.propose(metas, temperature=self.temperature)

    async def summarize(self, search: Search) -> str:
        """Describe the training data part by part, and sum that up; "" if nothing is said."""
        return await summarize(search, __file__, self.view_data_batch_size, self.temperature)

    async def optimize(self, search: Search, pool: "Candidates", trials: int) -> None:
        """Search the combinations of demo sets and instructions, of all steps together."""
        minibatches = self.minibatches(search)
        seed_bits = search.rng.getrandbits(32)
        study = Combinations(seed_bits, pool.n_sets, *map(len, pool.instructions.values()))
        start = (0, 0) * len(pool.instructions)
        first = pool.prompt(start)
        study.add(start, await search.evaluate(first))
        number, tried, full = 0, {first}, self.full_eval_steps
        while number < trials and not search.solved:
            due = min(trials, number + full - number % full)
            work: list[tuple[Prompt, Sequence[Example] | None]] = []
            asked = study.ask(due - number)
            for choice in map(chosen, asked):
                prompt, parent = pool.prompt(choice), pool.parent(choice)
                if prompt not in tried:
                    search.accept([prompt], operator="combine", parents=[parent])
                    tried.add(prompt)
                work.append((prompt, next(minibatches)))
            measured = await search.map(lambda given: search.evaluate(*given), work)
            for trial, evaluation in zip(asked, measured, strict=True):
                study.tell(trial, evaluation)
            number += len(asked)
            if number == due and work[0][1] and (best := study.best_unmeasured()):
                study.add(best, await search.evaluate(pool.prompt(best)))

    def minibatches(self, search: Search) -> Iterator[Sequence[Example] | None]:
        """The validation examples of one trial after the other; None for all of them."""
        validation, size = search.task.validation, self.minibatch_size
        if not self.uses_minibatches(len(validation)):
            while True:
                yield None
        shuffled = search.draw(validation, len(validation))
        for number in count():
            start = number // self.full_eval_steps * size
            fixed = [shuffled[(start + i) % len(shuffled)] for i in range(size)]
            yield fixed if self.paired else search.draw(validation, size)

    def n_variables(self, search: Search) -> int:
        """How much is chosen in a trial: for each step an instruction, and demos if there are."""
        return len(search.seed_prompts[0].steps) * (1 if self.zero_shot else 2)

    @property
    def zero_shot(self) -> bool:
        """Whether the prompt is to have no demos."""
        return self.max_bootstrapped_demos == self.max_labeled_demos == 0

    def bootstrap(self) -> Bootstrap:
        """What makes the demo sets; without demos in the prompt three serve the proposals."""
        own = PROPOSAL_DEMOS if self.zero_shot else self.max_bootstrapped_demos
        return Bootstrap(
            max_bootstrapped_demos=own, max_labeled_demos=self.max_labeled_demos,
            max_rounds=self.max_rounds, threshold=self.threshold,
        )  # fmt: skip

    def chosen_preset(self, search: Search) -> str:
        """The preset; for "auto" the largest whose scoring fits the calls that are left."""
        if self.preset != "auto" or search.calls_left == math.inf:
            return "medium" if self.preset == "auto" else self.preset
        whole = len(search.task.validation)
        trials = {name: n_trials(n, self.n_variables(search)) for name, n in PRESETS.items()}
        fitting = [n for n in PRESETS if self.scoring_calls(trials[n], whole) <= search.calls_left]
        return fitting[-1] if fitting else "light"

    def scoring_calls(self, trials: int, whole: int) -> int:
        """The most calls that trials can take, on so many validation examples."""
        if not self.uses_minibatches(whole):
            return trials * whole
        return trials * self.minibatch_size + math.ceil(trials / self.full_eval_steps) * whole

    def uses_minibatches(self, whole: int) -> bool:
        """Whether trials see a part of so many validation examples."""
        return whole > max(MIN_MINIBATCH_POOL, self.minibatch_size)


@dataclass
class Candidates:
    """What the combinations are made of.

    Attributes:
        sets: demo sets, each for all steps; empty where instructions alone are searched.
        instructions: by step, the seed prompt and those with another instruction of that step.
    """

    sets: Sequence[DemoSet]
    instructions: dict[str, list[Prompt]] = field(default_factory=dict[str, list[Prompt]])

    @property
    def n_sets(self) -> int:
        """How many demo sets there are to choose from; one, of none, where there are none."""
        return max(1, len(self.sets))

    def prompt(self, choice: Choice) -> Prompt:
        """The combination: a demo set and an instruction for one step after the other."""
        prompt = self.parent(choice)
        for place, step in enumerate(self.instructions):
            demos = self.sets[choice[2 * place]] if self.sets else ()
            prompt = with_demos(prompt.focused(step), demos) if demos else prompt
        return prompt

    def parent(self, choice: Choice) -> Prompt:
        """The combination without its demo sets."""
        prompt = next(iter(self.instructions.values()))[0]
        for place, (step, found) in enumerate(self.instructions.items()):
            text = found[choice[2 * place + 1]].instruction
            prompt = prompt.focused(step).with_instruction(text)
        return prompt


def n_trials(n: int, n_variables: int) -> int:
    """Number of trials for n candidates of each variable, as the authors' code has it."""
    return int(max(2 * n_variables * math.log2(n), 1.5 * n))
