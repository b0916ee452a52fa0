"""The trials of a joint search's study: asked for, measured and told, by Optuna."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from apo import Evaluation, Example, Prompt, Search, SettingsError
from apo.optimizers.parts.joint_pruning import STEP, is_hopeless, make_pruner, reported
from apo.optimizers.parts.joint_space import Space
from apo.optimizers.parts.joint_storage import patiently

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

T = TypeVar("T")
SAMPLERS = ("tpe", "nsga2", "random")


@dataclass(frozen=True, kw_only=True)
class Trials:
    """A study, seen by one run.

    Attributes:
        search: the run.
        study: where trials are chosen and told.
        database: where that study is.
        kept: where they are kept; the same in a shared storage.
        claims: where runs that share a storage put their spaces; None for the run's own file.
        train: the task's training examples.
        run: name of the run.
        storage: URL of a shared storage; "" for none.
        objectives: separated by commas.
        sampler: one of SAMPLERS.
        population_size: of NSGA-II.
        pruner: one of PRUNERS.
    """

    search: Search
    study: "Study"
    database: "BaseStorage"
    kept: "Study"
    claims: "Study | None"
    train: Sequence[Example]
    run: str
    storage: str
    objectives: str
    sampler: str
    population_size: int
    pruner: str

    async def measure(
        self, trial: "Trial | FrozenTrial", prompt: Prompt, examples: Sequence[Example]
    ) -> Evaluation:
        """Score a trial's prompt on the examples, or on the first of them where it is pruned."""
        for n in range(STEP, len(examples), STEP) if self.pruner != "none" else ():
            part = await self.search.evaluate(prompt, examples[:n])
            if await self.surely(is_hopeless, trial, self.pruner, part):
                return part
        return await self.search.evaluate(prompt, examples)

    async def surely(self, do: Callable[..., T], *given: object) -> T:
        """Do one of the things below, and again where a shared storage does not answer."""
        if not self.storage:
            return do(*given)
        return await patiently(self.search, self.storage, partial(do, *given))

    def space_of_another(self, seed: Prompt, train: Sequence[Example]) -> Space | None:
        """The space that another run has put into the study, if one has."""
        kept = self.study.user_attrs.get("space")
        if kept is None or kept["run"] == self.run:
            return None
        if kept["objectives"] != self.objectives:
            raise SettingsError(
                f"The study {self.study.study_name!r} in {self.storage} has the objectives "
                f"{kept['objectives']!r}, not {self.objectives!r}; name another study."
            )
        try:
            return Space.from_dict(kept, seed, train)
        except KeyError as error:
            raise SettingsError(
                f"The study {self.study.study_name!r} in {self.storage} was made with other "
                "training examples; name another study."
            ) from error

    def keep(self, space: Space) -> Space:
        """Put a space into the study for all to use, and return the first that was put there."""
        from optuna.trial import TrialState, create_trial

        kept = {"run": self.run, "objectives": self.objectives, **space.to_dict()}
        if self.claims is not None:
            # Of two processes that write an attribute at once either may win, and each believe
            # that it did; numbers of trials are given out one by one.
            claim = create_trial(state=TrialState.FAIL, user_attrs={"space": kept})
            self.claims.add_trial(claim)
            kept = self.claims.trials[0].user_attrs["space"]
        self.study.set_user_attr("space", kept)
        return self.space_of_another(space.seed, self.train) or space

    def add_seed(self, space: Space, evaluation: Evaluation) -> None:
        """Give the seed's values as the first trial, if there is none yet."""
        from optuna.trial import create_trial

        if evaluation.scored and not self.study.trials:
            trial = create_trial(
                params=space.seed_choice(),
                distributions=space.distributions(),
                values=self.values(evaluation),
                intermediate_values=reported(self.pruner, evaluation),
                user_attrs={"name": "seed", **figures(evaluation)},
            )
            self.study.add_trial(trial)

    def ask(self, space: Space, seed: int, number: int) -> "Trial | FrozenTrial":
        """The run's trial of this number if the study has it told, else a new choice.

        Every choice has a sampler with a seed of its own, so that it follows from the trials
        before it alone, whether or not the run was resumed in between.
        """
        from optuna.distributions import CategoricalDistribution, IntDistribution
        from optuna.trial import TrialState

        name = f"{self.run}:{number}"
        for trial in self._named(name):
            if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
                return trial
        chosen = self._begin(name, self.make_sampler(seed))
        for key, allowed in space.distributions().items():
            if isinstance(allowed, IntDistribution):
                chosen.suggest_int(key, allowed.low, allowed.high)
            elif isinstance(allowed, CategoricalDistribution):
                chosen.suggest_categorical(key, allowed.choices)
        return chosen

    def _begin(self, name: str, sampler: "BaseSampler") -> "Trial":
        """Make a trial that bears its name from its first moment.

        `Study.ask` names it afterwards: where a database ends in between, a trial of nobody's stays
        under way, and the sampler keeps away from what it tries.
        """
        from optuna import Trial, load_study
        from optuna.trial import TrialState, create_trial

        # A study opened anew looks at all trials; one that has chosen before looks at its memory.
        study = load_study(
            study_name=self.study.study_name,
            storage=self.database,
            sampler=sampler,
            pruner=make_pruner(self.pruner),
        )
        named = create_trial(state=TrialState.RUNNING, user_attrs={"name": name})
        at = self.database.get_study_id_from_name(study.study_name)
        made = self.database.create_new_trial(at, template_trial=named)
        number = self.database.get_trial(made).number
        for trial in self._named(name):  # Begun, and not told before a session or database ended.
            if trial.number != number and not trial.state.is_finished():
                self.study.tell(trial.number, state=TrialState.FAIL)
        return Trial(study, made)

    def _named(self, name: str) -> "list[FrozenTrial]":
        trials = self.study.get_trials(deepcopy=False)
        return [trial for trial in trials if trial.user_attrs.get("name") == name]

    def make_sampler(self, seed: int) -> "BaseSampler":
        """The sampler for one choice."""
        from optuna import samplers

        if self.sampler == "nsga2":
            return samplers.NSGAIISampler(seed=seed, population_size=self.population_size)
        if self.sampler == "random":
            return samplers.RandomSampler(seed=seed)
        return samplers.TPESampler(seed=seed, multivariate=True)

    def tell(
        self, trial: "Trial | FrozenTrial", evaluation: Evaluation, *, pruned: bool = False
    ) -> None:
        """Give the values of a new trial, without any score unknown ones; keep what is new."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import Trial

        if isinstance(trial, Trial):
            # A commit may have succeeded though its answer was lost.
            with suppress(UpdateFinishedTrialError):
                self._tell(trial, evaluation, pruned)
        if self.kept is not self.study:
            n_kept = len(self.kept.get_trials(deepcopy=False))
            self.kept.add_trials(self.study.get_trials(deepcopy=False)[n_kept:])

    def _tell(self, trial: "Trial", evaluation: Evaluation, pruned: bool) -> None:
        from optuna.trial import TrialState

        if not evaluation.scored:
            self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            return
        for name, value in figures(evaluation).items():
            trial.set_user_attr(name, value)
        if pruned:
            trial.set_user_attr("n_seen", len(evaluation.rollouts))
            self.study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
            return
        self.study.tell(trial, self.values(evaluation), skip_if_finished=True)

    def values(self, evaluation: Evaluation) -> list[float]:
        """What the objectives are worth, in their order."""
        found = figures(evaluation)
        known = {"score": found["score"], "length": found["length"], "cost": found["tokens"]}
        return [known[name] for name in self.objectives.split(",")]


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """What a trial carries: candidate, score, length in characters, mean tokens of an answer."""
    tokens = sum(rollout.tokens for rollout in evaluation.scored)
    return {
        "candidate": evaluation.prompt.id,
        "score": evaluation.value,
        "length": len(evaluation.prompt.text()),
        "tokens": tokens / len(evaluation.scored),
    }
