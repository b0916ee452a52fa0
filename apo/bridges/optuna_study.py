"""A search as a study of Optuna: its dashboard, plots and importances read it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apo.errors import SettingsError
from apo.secrecy import without_logins
from apo.storage.candidate import Candidate
from apo.storage.folder import HOME, find_run
from apo.storage.record import read_record

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial


def to_optuna(run: str = "last", storage: str | None = None, *, home: Path = HOME) -> "Study":
    """Make a study of Optuna of a search: a trial for each candidate, in order of measurement.

    A trial's value is the score on the whole validation split, to be maximized; what was measured
    in part alone is a pruned trial with that score. Its parameters are what can be told of any
    candidate: the step that wrote it, its demos, the characters of its instruction, and the
    temperature. Its attributes hold the id, the instruction and the parents.

    Args:
        run: id of the run, a beginning or end of it, or "last".
        storage: URL of a database for the study, whose name is the run's id; None for memory.
        home: the folder that holds the runs.

    Raises:
        RunError: there is no such run.
        JournalError: the journal is damaged.
        SettingsError: the database cannot be opened, or holds a study of that name.
    """
    import optuna

    folder = find_run(run, home)
    candidates = [c for c in read_record(folder.journal_path).candidates.values() if c.figures]
    whole = [c for c in candidates if c.whole is not None]
    order = sorted(whole, key=_calls) + [c for c in candidates if c.whole is None]
    space = _space([_params(candidate) for candidate in order])
    trials = [_trial(candidate, space) for candidate in order]
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(storage=storage, study_name=folder.id, direction="maximize")
        study.add_trials(trials)
    except optuna.exceptions.DuplicatedStudyError:
        raise SettingsError(
            f"{without_logins(storage or '')} holds a study {folder.id!r} already."
        ) from None
    except Exception as error:  # Whatever a database and its driver may raise.
        raise SettingsError(
            f"The study cannot be written to {without_logins(storage or 'memory')}: "
            f"{type(error).__name__}: {without_logins(str(error))}"
        ) from error
    finally:
        optuna.logging.set_verbosity(before)
    return study


def _calls(candidate: Candidate) -> tuple[float, int]:
    return (candidate.whole or {})["calls"], candidate.ordinal


def _trial(candidate: Candidate, space: dict[str, Any]) -> "FrozenTrial":
    from optuna.trial import TrialState, create_trial

    figures, whole = candidate.figures, candidate.whole is not None
    score, n = (None, 0) if figures is None else (figures.score, figures.n)
    ended = TrialState.COMPLETE if whole else TrialState.PRUNED
    return create_trial(
        state=TrialState.FAIL if score is None else ended,
        value=score,
        params=_params(candidate),
        distributions=space,
        intermediate_values={} if score is None else {n: score},
        user_attrs={
            "candidate": candidate.id,
            "instruction": candidate.prompt.instruction,
            "parents": list(candidate.parents),
            "examples": n,
            "calls": _calls(candidate)[0] if whole else None,
        },
    )


def _params(candidate: Candidate) -> dict[str, Any]:
    prompt, temperature = candidate.prompt, candidate.prompt.decoding.temperature
    return {
        "operator": candidate.operator,
        "demos": len(prompt.demos),
        "characters": len(prompt.instruction),
        "temperature": "default" if temperature is None else f"{temperature:g}",
    }


def _space(params: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What each parameter may be: of texts those that were met, of numbers from least to most."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    return {
        name: CategoricalDistribution(list(dict.fromkeys(values)))
        if isinstance(values[0], str)
        else IntDistribution(min(values), max(values))
        for name in (params[0] if params else ())
        if (values := [one[name] for one in params])
    }
