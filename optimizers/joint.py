"""Joint search: instruction, demos, layout and decoding of a prompt chosen together, by Optuna.

https://arxiv.org/abs/1907.10902 (Akiba et al., 2019), used on the whole prompt; no published
optimizer of prompts, but MIPROv2's search (Opsahl-Ong et al., 2024) with more variables.

1. Write instructions from random training examples and bootstrap demo sets. 2. Trial by trial,
the sampler chooses the instruction, the demo set, how many demos of it, in which order, with the
task model's whole answers or bare targets, where they stand, the role and headings of the text,
whether the instruction is repeated, and the temperature or top_p. 3. Every trial is scored on the
same validation examples; one that beats all before it is measured on the whole split.

With several objectives the study's best trials are its Pareto set; every trial carries its
candidate's id, its length in characters and its tokens. The winner of the run is still the best
mean on the whole validation split, the shorter of equal ones.

The study is kept in `optuna.db` in the run's folder, for optuna-dashboard. With another `storage`
several processes search one space: the first writes its instructions and demo sets into the
study, the others use them, and each then depends on the trials that the others have told before.
A resumed run takes up its own trials in their order, whichever storage it is.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal

from apo import Search, SettingsError, check_ranges
from apo.optimizers.parts.choices import check_choices
from apo.optimizers.parts.demo_sets import Bootstrap
from apo.optimizers.parts.joint_pruning import PRUNERS, check_pruner
from apo.optimizers.parts.joint_space import DECODING, Space
from apo.optimizers.parts.joint_storage import check_storage
from apo.optimizers.parts.joint_study import OBJECTIVES, opened
from apo.optimizers.parts.joint_trials import SAMPLERS, Trials

MAX_REPEATS = 20
"""Trials in a row that repeat earlier prompts, after which the space counts as exhausted."""


@dataclass(frozen=True, kw_only=True)
class JointSearch:
    """A search over all parts of the prompt at once.

    Attributes:
        n_trials: trials; the budget usually ends the search before.
        n_instructions: instructions to choose from, the seed's among them.
        n_examples: training examples shown for each instruction that is written.
        n_demo_sets: demo sets to choose from, the first without any (or with the seed's own).
        max_bootstrapped_demos: most demos with the task model's own answers.
        max_labeled_demos: most demos in all, filled up with labelled examples.
        max_rounds: tries at an example; all after the first are drawn at temperature 1.
        threshold: score from which an answer is kept as a demo, 0 to 1.
        decoding: "temperature", "top_p" (at temperature 1) or "none": what is searched beside
            the seed's own. A seed without a temperature keeps it so: its model may refuse one.
        trial_size: validation examples that every trial is scored on, the same for all.
        objectives: "score" (up), "length" (characters, down) and "cost" (tokens of one answer,
            down), separated by commas; the score must be one of them.
        sampler: "tpe" (tree-structured Parzen estimator), "nsga2" (genetic) or "random".
        population_size: of NSGA-II.
        pruner: who gives a trial up after each 10 examples of it: "median", "successive-halving",
            "wilcoxon" (which compares pairs with the best trial) or "none".
        storage: "" for a file in the run's folder, or the URL of a database for Optuna. It is
            kept with the run's settings: leave the password to the database's own means.
        study_name: "" for the task's name and the fingerprint of its examples.
    """

    n_trials: int = 200
    n_instructions: int = 8
    n_examples: int = 20
    n_demo_sets: int = 6
    max_bootstrapped_demos: int = 4
    max_labeled_demos: int = 8
    max_rounds: int = 1
    threshold: float = 1.0
    decoding: Literal["temperature", "top_p", "none"] = "temperature"
    trial_size: int = 50
    objectives: str = "score"
    sampler: Literal["tpe", "nsga2", "random"] = "tpe"
    population_size: int = 10
    pruner: Literal["none", "median", "successive-halving", "wilcoxon"] = "none"
    storage: str = ""
    study_name: str = ""

    def __post_init__(self) -> None:
        check_storage(self.storage)
        names = self.objectives.split(",")
        if "score" not in names or len({*names} & {*OBJECTIVES}) != len(names):
            raise SettingsError(
                f"JointSearch.objectives is {self.objectives!r}; it must hold score, and may hold "
                'length and cost, separated by commas: "score,length".'
            )
        check_choices(self, decoding=DECODING, sampler=SAMPLERS, pruner=PRUNERS)
        check_pruner(self.pruner, self.objectives)
        some = (1, math.inf)
        check_ranges(
            self, n_trials=some, n_instructions=some, n_examples=some, n_demo_sets=some,
            trial_size=some, population_size=(2, math.inf),
        )  # fmt: skip
        self.bootstrap()

    async def run(self, search: Search) -> None:
        """Fill the space, then choose, score and tell, trial by trial."""
        seed, seeds = search.seed_prompts[0], search.rng.getrandbits(31)
        validation = search.task.validation
        examples = search.draw(validation, self.trial_size)
        async with opened(
            search, self.storage, self.study_name, objectives=self.objectives,
            sampler=self.sampler, population_size=self.population_size, pruner=self.pruner,
        ) as trials:  # fmt: skip
            space = await self.space(search, trials)
            first = await search.evaluate(seed, examples)
            await trials.surely(trials.add_seed, space, first)
            best, known, repeats = first.value, {seed}, 0
            for number in range(self.n_trials):
                trial = await trials.surely(trials.ask, space, seeds + number, number)
                prompt = space.prompt(trial.params)
                repeats = repeats + 1 if prompt in known else 0
                if prompt not in known:
                    known.add(prompt)
                    search.accept([prompt], operator="combine", parents=[seed])
                evaluation = await trials.measure(trial, prompt, examples)
                pruned = len(evaluation.rollouts) < len(examples)
                await trials.surely(partial(trials.tell, pruned=pruned), trial, evaluation)
                if evaluation.value > best and not pruned:
                    best = evaluation.value
                    await search.evaluate(prompt)
                done = search.solved and self.objectives == "score"
                if done or repeats == MAX_REPEATS:
                    return

    async def space(self, search: Search, trials: Trials) -> Space:
        """The space that another run has put into the study, or a new one that is put there.

        The run that made it makes it again when it is resumed: the answers are in its journal.
        """
        seed, train = search.seed_prompts[0], search.task.train
        found = await trials.surely(trials.space_of_another, seed, train)
        if found:
            return found
        batches = [search.minibatch(self.n_examples) for _ in range(self.n_instructions - 1)]
        metas = [search.meta_prompt(__file__, "induce", examples=batch) for batch in batches]
        written = await search.propose(metas)
        bootstrap = self.bootstrap()
        sets = [await bootstrap.demo_set(search, seed, n) for n in range(self.n_demo_sets)]
        texts = (seed.instruction, *(prompt.instruction for prompt in written))
        space = Space(seed=seed, instructions=texts, demo_sets=tuple(sets), decoding=self.decoding)
        # Another process may have been faster.
        faster = await trials.surely(trials.space_of_another, seed, train)
        return faster if faster else await trials.surely(trials.keep, space)

    def bootstrap(self) -> Bootstrap:
        """What makes the demo sets."""
        return Bootstrap(
            max_bootstrapped_demos=self.max_bootstrapped_demos,
            max_labeled_demos=self.max_labeled_demos,
            max_rounds=self.max_rounds,
            threshold=self.threshold,
        )
