"""The study of a joint search: its trials, in memory and in a database, by Optuna."""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from apo import Evaluation, Example, Prompt, Search, SettingsError
from apo.optimizers.parts.joint_space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.storages import RDBStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

Direction = Literal["maximize", "minimize"]
OBJECTIVES: dict[str, Direction] = {"score": "maximize", "length": "minimize", "cost": "minimize"}
SAMPLERS = ("tpe", "nsga2")
WAITS = (0.1, 0.3, 1.0, 3.0)
"""Seconds between tries to open a database that others are making."""


@dataclass(frozen=True, kw_only=True)
class Trials:
    """A study, seen by one run.

    Attributes:
        study: where trials are chosen and told.
        kept: where they are kept; the same in a shared storage.
        claims: where runs that share a storage put their spaces; None for the run's own file.
        train: the task's training examples.
        run: name of the run.
        storage: URL of a shared storage; "" for none.
        objectives: separated by commas.
        sampler: "tpe" or "nsga2".
        population_size: of NSGA-II.
    """

    study: "Study"
    kept: "Study"
    claims: "Study | None"
    train: Sequence[Example]
    run: str
    storage: str
    objectives: str
    sampler: str
    population_size: int

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
                user_attrs={"name": "seed", **figures(evaluation)},
            )
            self.study.add_trial(trial)

    def ask(self, space: Space, seed: int, number: int) -> "Trial | FrozenTrial":
        """The run's trial of this number if the study has it told, else a new choice.

        Every choice has a sampler with a seed of its own, so that it follows from the trials
        before it alone, whether or not the run was resumed in between.
        """
        from optuna.trial import TrialState

        name = f"{self.run}:{number}"
        for trial in self.study.get_trials(deepcopy=False):
            if trial.user_attrs.get("name") == name:
                if trial.state == TrialState.COMPLETE:
                    return trial
                if not trial.state.is_finished():  # Chosen by a session that ended before it told.
                    self.study.tell(trial.number, state=TrialState.FAIL)
        self.study.sampler = self.make_sampler(seed)
        chosen = self.study.ask(space.distributions())
        chosen.set_user_attr("name", name)
        return chosen

    def make_sampler(self, seed: int) -> "BaseSampler":
        """The sampler for one choice."""
        from optuna.samplers import NSGAIISampler, TPESampler

        if self.sampler == "nsga2":
            return NSGAIISampler(seed=seed, population_size=self.population_size)
        return TPESampler(seed=seed, multivariate=True)

    def tell(self, trial: "Trial | FrozenTrial", evaluation: Evaluation) -> None:
        """Give the values of a new trial, without any score unknown ones; keep what is new."""
        from optuna.trial import Trial, TrialState

        if isinstance(trial, Trial) and evaluation.scored:
            for name, value in figures(evaluation).items():
                trial.set_user_attr(name, value)
            self.study.tell(trial, self.values(evaluation))
        elif isinstance(trial, Trial):
            self.study.tell(trial, state=TrialState.FAIL)
        if self.kept is not self.study:
            n_kept = len(self.kept.get_trials(deepcopy=False))
            self.kept.add_trials(self.study.trials[n_kept:])

    def values(self, evaluation: Evaluation) -> list[float]:
        """What the objectives are worth, in their order."""
        found = figures(evaluation)
        known = {"score": found["score"], "length": found["length"], "cost": found["tokens"]}
        return [known[name] for name in self.objectives.split(",")]


@contextmanager
def opened(
    search: Search, storage: str, name: str, *, objectives: str, sampler: str, population_size: int
) -> Generator[Trials]:
    """Open the study, and where it is kept.

    These are one in a shared storage. The run's own file is a copy of a study in memory, which
    is many times faster and, as answers come back from the journal, the same after a resume.

    Args:
        search: the run.
        storage: URL of a shared storage, or "".
        name: of the study; "" for the task's name and the fingerprint of its examples.
        objectives: keys of OBJECTIVES, separated by commas.
        sampler: one of SAMPLERS.
        population_size: of NSGA-II.

    Raises:
        SettingsError: the storage cannot be opened.
    """
    import optuna

    check_storage(storage)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url = storage
    if not url and search.folder:
        url = f"sqlite:///{search.folder.resolve() / 'optuna.db'}"
    directions: list[Direction] = [OBJECTIVES[n] for n in objectives.split(",")]
    name = name or f"{search.task.name} {search.task.fingerprint}"
    claims = None
    try:
        database = _database(url or "sqlite://")
        kept = optuna.create_study(
            storage=database, study_name=name, directions=directions, load_if_exists=True
        )
        if storage:
            claims = optuna.create_study(
                storage=database, study_name=f"{name}: space", load_if_exists=True
            )
    except Exception as error:  # Whatever a database and its driver may raise.
        raise SettingsError(
            f"JointSearch.storage {url!r} cannot be opened: {type(error).__name__}: {error}"
        ) from error
    try:
        yield Trials(
            study=kept if storage else optuna.create_study(directions=directions),
            kept=kept,
            claims=claims,
            train=search.task.train,
            run=search.folder.name if search.folder else "",
            storage=storage,
            objectives=objectives,
            sampler=sampler,
            population_size=population_size,
        )
    finally:
        database.remove_session()
        database.engine.dispose()


def check_storage(storage: str) -> None:
    """Make sure that a storage's URL holds no password: it is written to the run's files.

    Raises:
        SettingsError: it holds one.
    """
    parts = urlsplit(storage)
    if parts.password or any("password" in key for key, _ in parse_qsl(parts.query)):
        raise SettingsError(
            f"JointSearch.storage holds the password of {parts.scheme}://…{parts.path}, and is "
            "written to the run's files. Leave the password out, and set PGPASSWORD or write it "
            "to ~/.pgpass (MySQL: an option file)."
        )


def _database(url: str) -> "RDBStorage":
    """Open a database for Optuna, and make its tables where they are missing.

    Processes that begin at once make them at once: one of them fails, in the middle or at the end,
    and finds the tables a moment later.
    """
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import OperationalError

    for wait in WAITS:
        try:
            return RDBStorage(url)
        except OperationalError:  # There is no such database, or no way in.
            raise
        except Exception:
            time.sleep(wait)
    return RDBStorage(url)


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """What a trial carries: candidate, score, length in characters, mean tokens of an answer."""
    tokens = sum(rollout.tokens for rollout in evaluation.scored)
    return {
        "candidate": evaluation.prompt.id,
        "score": evaluation.value,
        "length": len(evaluation.prompt.text()),
        "tokens": tokens / len(evaluation.scored),
    }
