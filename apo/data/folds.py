"""Folds of a task with few rows: each row tests one search, and takes part in the others.

Cross-validation of the whole procedure (Stone, "Cross-validatory choice and assessment of
statistical predictions", 1974): k searches, each tested on a k-th of the rows that it never saw,
and a last one on all rows, whose prompt is the one to use. What is tested is what the search
brings, not that last prompt.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from apo.data.groups import spread
from apo.data.sampling import input_id, sort_key
from apo.errors import SettingsError
from apo.prompts.folding import rough
from apo.task import Example, Task

FEW_ROWS = 150
"""Examples in all under which folds are worth their price: a split leaves a test of under 60."""


@dataclass(frozen=True)
class Group:
    """Rows that say the same or belong together, which must not be parted.

    Attributes:
        name: hash of the content.
        label: what folds are stratified by; "" where there are no labels.
        rows: the examples.
    """

    name: str
    label: str
    rows: tuple[Example, ...]


Share = Callable[[Sequence[Group], int, Task], list[list[Group]]]
"""Parts groups, which are in order, among so many."""


def fold_tasks(task: Task, k: int, seed: int = 0) -> list[Task]:
    """Make k tasks that test on a fold of all rows each, and a last one without a test.

    The rows of all three pools are put together. Rows whose inputs differ at most in case, blanks
    and signs stay in one pool, and so do rows of one group. Each label is spread over the folds as
    evenly as can be. What is not tested on is two thirds train and one third validation, drawn anew
    for each task. All depends on the rows' content and the seed alone.

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
    grouped = any(example.group for group in groups for example in group.rows)
    if len(groups) < 2 * k:
        raise SettingsError(
            f"{k} folds of {len(groups)} {'groups' if grouped else 'different inputs'} have fewer "
            "than 2 each. "
            + (f"Give --folds {len(groups) // 2} or less." if len(groups) > 3 else "Get more rows.")
        )
    share = _evenly if grouped else _in_turn
    order = _by_label(groups, "fold", seed)
    parts = share(order, k, task)
    tasks = [_task(task, parts, i, seed, share) for i in range(k)]
    return [*tasks, _task(task, parts, None, seed, share)]


def _in_turn(order: Sequence[Group], n: int, _: Task) -> list[list[Group]]:
    """Every n-th to the same part: each label, and the order has it together, is spread evenly."""
    return [list(order[start::n]) for start in range(n)]


def _evenly(order: Sequence[Group], n: int, task: Task) -> list[list[Group]]:
    """To parts with about as many rows, and about as many of each label."""
    labels = [Counter(e.target if task.labels else "" for e in group.rows) for group in order]
    rows = sum(found.total() for found in labels)
    placed = spread(labels, dict.fromkeys(range(n), rows / n))
    parts: list[list[Group]] = [[] for _ in range(n)]
    for group, part in zip(order, placed, strict=True):
        parts[part].append(group)
    return parts


def _task(
    task: Task, parts: Sequence[list[Group]], fold: int | None, seed: int, share: Share
) -> Task:
    """The task that tests on one fold; on none when it is the last."""
    k = len(parts)
    rest = [group for number, part in enumerate(parts) if number != fold for group in part]
    first, second, third = share(_by_label(rest, f"rest {fold}", seed), 3, task)
    pools = {
        "train": first + third,
        "validation": second,
        "test": [] if fold is None else parts[fold],
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
    """The rows, those together whose inputs say the same, or which belong together."""
    found: dict[str, list[Example]] = defaultdict(list)
    for example in (*task.train, *task.validation, *task.test):
        text = "\n".join(map(rough, example.inputs.values()))
        found[text if text.strip() else input_id(example)].append(example)
    groups: list[Group] = []
    for rows in _joined([*found.values()]):
        rows.sort(key=lambda example: example.id)
        label = rows[0].target if task.labels else ""
        groups.append(Group(rows[0].id, label, tuple(rows)))
    return groups


def _joined(sets: list[list[Example]]) -> list[list[Example]]:
    """Sets of rows, those made one that share a group."""
    if not any(example.group for rows in sets for example in rows):
        return sets
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names = {name: i for i, name in enumerate({e.group for rows in sets for e in rows})}
    links = [
        (i, len(sets) + names[e.group]) for i, rows in enumerate(sets) for e in rows if e.group
    ]
    ones = ([1] * len(links), tuple(zip(*links, strict=True)))
    size = len(sets) + len(names)
    _, numbers = connected_components(coo_array(ones, shape=(size, size)), directed=False)
    joined: dict[int, list[Example]] = defaultdict(list)
    for number, rows in zip(numbers.tolist(), sets, strict=False):
        joined[number] += rows
    return [*joined.values()]


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
