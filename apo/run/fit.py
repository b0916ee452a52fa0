"""How much of a task's data a run uses, so that its budget leaves room to search."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from apo.calls.budget import Budget, Spent
from apo.calls.caller import Caller
from apo.calls.habits import longer_notes
from apo.errors import BudgetExhausted, SettingsError
from apo.task import Example, Task, text_hash

VERDICT_SHARE = 0.3
"""The most of a budget that goes to the verdict."""
VERDICT_MARGIN = 1.5
"""The verdict may take so many times what the seed prompt's calls let expect."""


def fit_pools(task: Task, max_calls: int | None) -> Task:
    """Make validation and test small enough for the budget, so that there is room to search.

    At most 30 % of the calls go to the verdict, and the seed prompt's validation takes at most
    an eighth of the rest. Which examples stay depends on their content alone; those that must
    pass stay first.

    Raises:
        SettingsError: the budget is too small for any search.
    """
    if max_calls is None:
        return task
    each = task.calls_per_example
    n_test = min(len(task.test), int(VERDICT_SHARE * max_calls) // (2 * each))
    n_validation = min(len(task.validation), (max_calls - 2 * each * n_test) // (8 * each))
    if n_validation < min(2, len(task.validation)) or n_test < min(2, len(task.test)):
        raise SettingsError(
            f"{max_calls} call{'s' * (max_calls > 1)} {'is' if max_calls == 1 else 'are'} too few: "
            f"a run needs at least {22 * each} to measure the seed "
            "prompt, try a few others and give a verdict. Raise --max-calls."
        )
    return sample_pools(task, n_validation, n_test)


def share_budget(budget: Budget, n: int) -> tuple[Budget, Budget]:
    """Part a budget among n runs.

    Returns:
        What each but the last may spend, and what is then left for the last: as much, and what
        could not be parted.
    """
    limits = {name: limit for name, limit in asdict(budget).items() if limit is not None}
    each: dict[str, Any] = {name: _part(limit, n) for name, limit in limits.items()}
    last: dict[str, Any] = {name: limit - (n - 1) * each[name] for name, limit in limits.items()}
    return Budget(**each), Budget(**last)


def _part(limit: float, n: int) -> float:
    return limit // n if isinstance(limit, int) else limit / n


def sample_pools(task: Task, n_validation: int, n_test: int, *, by_class: bool = True) -> Task:
    """Keep so many examples of validation and test, chosen by content, in their order.

    Args:
        task: the task.
        n_validation: examples of validation to keep.
        n_test: examples of test to keep.
        by_class: each target keeps its share; false for the choice that earlier versions made.
    """
    kept = (
        _sample(pool, n, by_class=by_class)
        for pool, n in ((task.validation, n_validation), (task.test, n_test))
    )
    validation, test = kept
    return replace(task, validation=validation, test=test)


def _sample(pool: Sequence[Example], n: int, *, by_class: bool) -> list[Example]:
    # By place, as a task made in Python may hold the same example twice.
    def rank(place: int) -> tuple[bool, str, int]:
        return (not pool[place].must_pass, pool[place].id, place)

    places = sorted(range(len(pool)), key=rank)
    if any(example.group for example in pool):
        places.sort(key=_by_group(pool))
    elif by_class:
        places = _spread(pool, places)
    return [pool[place] for place in sorted(places[:n])]


def _by_group(pool: Sequence[Example]) -> Callable[[int], tuple[int, str]]:
    """Order places group by group: what must pass first, then the rest of their groups."""
    first = {example.group for example in pool if example.must_pass and example.group}

    def rank(place: int) -> tuple[int, str]:
        example = pool[place]
        name = text_hash(["group", example.group]) if example.group else example.id
        return (0 if example.must_pass else 2 - (example.group in first), name)

    return rank


def _spread(pool: Sequence[Example], places: Sequence[int]) -> list[int]:
    """Order places so that each beginning has the targets' shares of the whole.

    Of m examples with a target the one at place k stands at (k + ½) / m of the way.
    """
    sizes = Counter(example.targets for example in pool)
    seen: Counter[tuple[str, ...]] = Counter()
    way: dict[int, float] = {}
    for place in places:
        targets = pool[place].targets
        way[place] = (seen[targets] + 0.5) / sizes[targets]
        seen[targets] += 1
    return sorted(places, key=lambda place: (not pool[place].must_pass, way[place]))


def affordable(task: Task, budget: Budget, spent: Spent) -> Task:
    """Make the test split small enough for its share of a budget in tokens or money.

    Args:
        task: the task.
        budget: what the run may spend.
        spent: what the seed prompt's calls have taken, from which the rest is judged.
    """
    takes = {"max_usd": spent.usd or 0.0, "max_tokens": float(spent.tokens)}
    n = len(task.test)
    for name, taken in takes.items():
        limit = getattr(budget, name)
        if limit is not None and taken:
            calls = VERDICT_SHARE * limit / (VERDICT_MARGIN * taken / spent.calls)
            n = min(n, max(2, int(calls / (2 * task.calls_per_example))))
    return sample_pools(task, len(task.validation), n)


def too_small(task: Task, caller: Caller, stop: BudgetExhausted) -> SettingsError:
    """Say why a budget ended before the seed prompt was measured."""
    spent, overspent = caller.meter.spent, caller.meter.overspent
    if spent.lost_tokens > spent.tokens:  # Then it is not the budget that has to be mended.
        return SettingsError(
            f"Attempts that failed, and may be billed all the same, took {spent.lost_tokens:,} "
            "tokens of the budget before the seed prompt was measured. The last ended with: "
            f"{caller.problem or '(nothing)'}"
        )
    beside = "".join(f" {said}" for said in (overspent, *longer_notes(caller.journal)) if said)
    return SettingsError(
        "The budget cannot pay for one measurement of the seed prompt on "
        f"{len(task.validation)} validation examples. {stop} Raise the limit.{beside}"
    )
