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
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from apo import Evaluation, Search, SettingsError, check_ranges
from apo.optimizers.demo_sets import Bootstrap
from apo.optimizers.joint_space import DECODING, Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

Direction = Literal["maximize", "minimize"]
OBJECTIVES: dict[str, Direction] = {
    "score": "maximize",
    "length": "minimize",
    "cost": "minimize",
}
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
        sampler: "tpe" (tree-structured Parzen estimator) or "nsga2" (genetic).
        population_size: of NSGA-II.
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
    sampler: Literal["tpe", "nsga2"] = "tpe"
    population_size: int = 10
    storage: str = ""
    study_name: str = ""

    def __post_init__(self) -> None:
        names = self.objectives.split(",")
        if "score" not in names or len({*names} & {*OBJECTIVES}) != len(names):
            raise SettingsError(
                f"JointSearch.objectives is {self.objectives!r}; it must hold score, and may hold "
                'length and cost, separated by commas: "score,length".'
            )
        for name, known in (("decoding", (*DECODING,)), ("sampler", ("tpe", "nsga2"))):
            if getattr(self, name) not in known:
                raise SettingsError(
                    f"JointSearch.{name} is {getattr(self, name)!r}; it is one of "
                    f"{', '.join(known)}."
                )
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
        examples = search.rng.sample(validation, min(self.trial_size, len(validation)))
        run = search.folder.name if search.folder else ""
        with self.opened(search) as (study, kept):
            space = await self.space(search, study, run)
            first = await search.evaluate(seed, examples)
            if not study.trials:
                self.add_seed(study, space, first)
            best, known, repeats = first.mean, {seed}, 0
            for number in range(self.n_trials):
                trial = self.trial(study, space, seeds + number, f"{run}:{number}")
                prompt = space.prompt(trial.params)
                repeats = repeats + 1 if prompt in known else 0
                if prompt not in known:
                    known.add(prompt)
                    search.accept([prompt], operator="combine", parents=[seed])
                evaluation = await search.evaluate(prompt, examples)
                self.tell(study, trial, evaluation)
                copy_trials(study, kept)
                if evaluation.mean > best:
                    best = evaluation.mean
                    await search.evaluate(prompt)
                done = search.solved and self.objectives == "score"
                if done or repeats == MAX_REPEATS:
                    return

    async def space(self, search: Search, study: "Study", run: str) -> Space:
        """The space that lies in the study, or a new one that is put there.

        The run that made it makes it again when it is resumed: the answers are in its journal.
        """
        seed, kept = search.seed_prompts[0], study.user_attrs.get("space")
        if kept is None or kept["run"] == run:
            batches = [search.minibatch(self.n_examples) for _ in range(self.n_instructions - 1)]
            metas = [search.meta_prompt(__file__, "induce", examples=batch) for batch in batches]
            written = await search.propose(metas)
            bootstrap = self.bootstrap()
            sets = [await bootstrap.demo_set(search, seed, n) for n in range(self.n_demo_sets)]
            space = Space(
                seed=seed,
                instructions=(seed.instruction, *(prompt.instruction for prompt in written)),
                demo_sets=tuple(sets),
                decoding=self.decoding,
            )
            kept = study.user_attrs.get("space")  # Another process may have been faster.
            if kept is None or kept["run"] == run:
                study.set_user_attr(
                    "space", {"run": run, "objectives": self.objectives, **space.to_dict()}
                )
                return space
        if kept["objectives"] != self.objectives:
            raise SettingsError(
                f"The study {study.study_name!r} in {self.storage} has the objectives "
                f"{kept['objectives']!r}, not {self.objectives!r}; name another study."
            )
        try:
            return Space.from_dict(kept, seed, search.task.train)
        except KeyError as error:
            raise SettingsError(
                f"The study {study.study_name!r} in {self.storage} was made with other training "
                "examples; name another study."
            ) from error

    def bootstrap(self) -> Bootstrap:
        """What makes the demo sets."""
        return Bootstrap(
            max_bootstrapped_demos=self.max_bootstrapped_demos,
            max_labeled_demos=self.max_labeled_demos,
            max_rounds=self.max_rounds,
            threshold=self.threshold,
        )

    @contextmanager
    def opened(self, search: Search) -> "Generator[tuple[Study, Study]]":
        """The study, and where it is kept.

        These are one in a shared storage. The run's own file is a copy of a study in memory, which
        is many times faster and, as answers come back from the journal, the same after a resume.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        url = self.storage
        if not url and search.folder:
            url = f"sqlite:///{search.folder.resolve() / 'optuna.db'}"
        directions: list[Direction] = [OBJECTIVES[n] for n in self.objectives.split(",")]
        try:
            storage = optuna.storages.RDBStorage(url or "sqlite://")
            kept = optuna.create_study(
                storage=storage,
                study_name=self.study_name or f"{search.task.name} {search.task.fingerprint}",
                directions=directions,
                load_if_exists=True,
            )
        except Exception as error:  # Whatever a database and its driver may raise.
            raise SettingsError(
                f"JointSearch.storage {url!r} cannot be opened: {type(error).__name__}: {error}"
            ) from error
        try:
            yield kept if self.storage else optuna.create_study(directions=directions), kept
        finally:
            storage.remove_session()
            storage.engine.dispose()

    def trial(self, study: "Study", space: Space, seed: int, name: str) -> "Trial | FrozenTrial":
        """The trial of this name if the study has it told, else a new choice of the sampler.

        Every choice has a sampler with a seed of its own, so that it follows from the trials
        before it alone, whether or not the run was resumed in between.
        """
        from optuna.trial import TrialState

        for trial in study.get_trials(deepcopy=False):
            if trial.user_attrs.get("name") == name:
                if trial.state == TrialState.COMPLETE:
                    return trial
                if not trial.state.is_finished():  # Chosen by a session that ended before it told.
                    study.tell(trial.number, state=TrialState.FAIL)
        study.sampler = self.make_sampler(seed)
        chosen = study.ask(space.distributions())
        chosen.set_user_attr("name", name)
        return chosen

    def make_sampler(self, seed: int) -> "BaseSampler":
        """The sampler for one choice."""
        from optuna.samplers import NSGAIISampler, TPESampler

        if self.sampler == "nsga2":
            return NSGAIISampler(seed=seed, population_size=self.population_size)
        return TPESampler(seed=seed, multivariate=True)

    def tell(self, study: "Study", trial: "Trial | FrozenTrial", evaluation: Evaluation) -> None:
        """Give the values of a new trial; without any answer they stay unknown."""
        from optuna.trial import Trial, TrialState

        if not isinstance(trial, Trial):
            return
        if not evaluation.answered:
            study.tell(trial, state=TrialState.FAIL)
            return
        for name, value in figures(evaluation).items():
            trial.set_user_attr(name, value)
        study.tell(trial, self.values(evaluation))

    def add_seed(self, study: "Study", space: Space, evaluation: Evaluation) -> None:
        """Give the seed's values as a trial."""
        from optuna.trial import create_trial

        if evaluation.answered:
            trial = create_trial(
                params=space.seed_choice(),
                distributions=space.distributions(),
                values=self.values(evaluation),
                user_attrs={"name": "seed", **figures(evaluation)},
            )
            study.add_trial(trial)

    def values(self, evaluation: Evaluation) -> list[float]:
        """What the objectives are worth, in their order."""
        found = figures(evaluation)
        known = {"score": found["score"], "length": found["length"], "cost": found["tokens"]}
        return [known[name] for name in self.objectives.split(",")]


def copy_trials(study: "Study", kept: "Study") -> None:
    """Copy the trials that are not kept yet."""
    if kept is not study:
        kept.add_trials(study.trials[len(kept.get_trials(deepcopy=False)) :])


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """What a trial carries: candidate, score, length in characters, mean tokens of an answer."""
    tokens = sum(rollout.tokens for rollout in evaluation.answered)
    return {
        "candidate": evaluation.prompt.id,
        "score": evaluation.mean,
        "length": len(evaluation.prompt.text()),
        "tokens": tokens / len(evaluation.answered),
    }
