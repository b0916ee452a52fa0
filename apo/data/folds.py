"""Folds of a task with few rows: each row tests one search, and takes part in the others.

Cross-validation of the whole procedure (Stone, "Cross-validatory choice and assessment of
statistical predictions", 1974): k searches, each tested on a k-th of the rows that it never saw,
and a last one on all rows, whose prompt is the one to use. What is tested is what the search
brings, not that last prompt.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from apo.data.sampling import input_id, sort_key
from apo.errors import SettingsError
from apo.prompts.folding import rough
from apo.task import Example, Task

FEW_ROWS = 150
"""Examples in all under which folds are worth their price: a split leaves a test of under 60."""


@dataclass(frozen=True)
class Group:
    """Rows that say the same, which must not be parted.

    Attributes:
        name: hash of the content.
        label: what folds are stratified by; "" where there are no labels.
        rows: the examples.
    """

    name: str
    label: str
    rows: tuple[Example, ...]


def fold_tasks(task: Task, k: int, seed: int = 0) -> list[Task]:
    """Make k tasks that test on a fold of all rows each, and a last one without a test.

    The rows of all three pools are put together. Rows whose inputs differ at most in case, blanks
    and signs stay in one pool. Each label is spread over the folds as evenly as can be. What is
    not tested on is two thirds train and one third validation, drawn anew for each task. All
    depends on the rows' content and the seed alone.

    Args:
        task: the task; which pools its rows are in does not matter.
        k: number of folds, 2 or more.
        seed: of the order.

    Raises:
        SettingsError: fewer than two folds, or fewer than two rows for each.
    """
    groups = _groups(task)
    if k < 2:
        raise SettingsError(f"{k} folds: at least 2 are needed, 5 or 10 are usual.")
    if len(groups) < 2 * k:
        raise SettingsError(
            f"{k} folds of {len(groups)} different inputs have fewer than 2 each. "
            + (f"Give --folds {len(groups) // 2} or less." if len(groups) > 3 else "Get more rows.")
        )
    order = _by_label(groups, "fold", seed)
    tasks = [_task(task, order, i, k, seed) for i in range(k)]
    return [*tasks, _task(task, order, None, k, seed)]


def _task(task: Task, order: Sequence[Group], fold: int | None, k: int, seed: int) -> Task:
    """The task that tests on one fold; on none when it is the last."""
    test = [group for rank, group in enumerate(order) if rank % k == fold]
    rest = [group for rank, group in enumerate(order) if rank % k != fold]
    rest = _by_label(rest, f"rest {fold}", seed)
    pools = {
        "train": [group for rank, group in enumerate(rest) if rank % 3 != 1],
        "validation": rest[1::3],
        "test": test,
    }
    drawn = {name: _rows(_by_key(found, "pool", seed)) for name, found in pools.items()}
    sizes = ", ".join(f"{name} {len(rows)}" for name, rows in drawn.items())
    name = f"fold {fold + 1} of {k}" if fold is not None else f"the last run after {k} folds"
    return replace(
        task,
        train=drawn["train"],
        validation=drawn["validation"],
        test=drawn["test"],
        notes=(*task.notes, f"The pools of {name}: {sizes}."),
    )


def _groups(task: Task) -> list[Group]:
    """The rows, those together whose inputs say the same."""
    found: dict[str, list[Example]] = defaultdict(list)
    for example in (*task.train, *task.validation, *task.test):
        text = "\n".join(map(rough, example.inputs.values()))
        found[text if text.strip() else input_id(example)].append(example)
    groups: list[Group] = []
    for rows in found.values():
        rows.sort(key=lambda example: example.id)
        label = rows[0].target if task.labels else ""
        groups.append(Group(rows[0].id, label, tuple(rows)))
    return groups


def _by_key(groups: Sequence[Group], purpose: str, seed: int) -> list[Group]:
    """In a random order of the content's own."""
    return sorted(groups, key=_key(purpose, seed))


def _by_label(groups: Sequence[Group], purpose: str, seed: int) -> list[Group]:
    """In that order label by label, so that every n-th group has its share of each label."""
    key = _key(purpose, seed)
    return sorted(groups, key=lambda group: (group.label, *key(group)))


def _key(purpose: str, seed: int) -> Callable[[Group], tuple[int, str]]:
    return lambda group: (sort_key(f"{purpose} {group.name}", seed), group.name)


def _rows(groups: Sequence[Group]) -> tuple[Example, ...]:
    return tuple(example for group in groups for example in group.rows)
