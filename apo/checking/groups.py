"""Whether rows that belong together stand in several pools, and what groups can prove."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from apo.checking.finding import Finding, Named, all_examples
from apo.data.cells import Row
from apo.data.sampling import input_id, inputs_id
from apo.data.together import continued, group_rank, repeats
from apo.reading.answers import quote
from apo.statistics.clusters import LEAST_GROUPS, n_groups
from apo.statistics.planning import visible_gain
from apo.task import Example, Task
from apo.taskfile.settings import TaskSettings

MAX_ROWS = 200_000
"""Rows of the data in which columns that the task does not use are looked at."""
FEW = 0.02
"""Share of the inputs that may be continued by another one by chance."""
LONG = 100
"""Letters of an input field that several rows share from which it is a document, not a word."""


def history_findings(pools: Named) -> Iterator[Finding]:
    """Inputs that an input of another pool continues, and documents that pools share."""
    home: dict[str, str] = {}
    for name, example in all_examples(pools):
        for text in example.inputs.values():
            home.setdefault(text, name)
    across = [(a, b) for a, b in continued(home) if home[a] != home[b]]
    if len(across) > max(2, FEW * len(home)):
        yield Finding(
            "warning",
            f"Inputs that an input of another pool continues: {len(across)} (such as "
            f"{quote(across[0][0])}). Turns of one conversation tell of one another, and do not "
            "count as independent. Name the column of the conversation: group: COLUMN",
        )
    fields = {field for _, example in all_examples(pools) for field in example.inputs}
    for field in sorted(fields) if len(fields) > 1 else ():
        held: dict[str, set[str]] = defaultdict(set)
        for name, example in all_examples(pools):
            if len(text := example.inputs.get(field, "")) >= LONG:
                held[text].add(name)
        shared = [text for text, names in held.items() if len(names) > 1]
        if shared:
            yield Finding(
                "warning",
                f"Long texts of {field!r} that stand in several pools: {len(shared)} (such as "
                f"{quote(shared[0])}). Rows on one of them are not independent. Say in task.yaml: "
                f"group: {field}",
            )


def column_findings(task: Task, settings: TaskSettings, rows: Iterable[Row]) -> Iterator[Finding]:
    """Columns that the task does not use, whose name says that rows belong together.

    Args:
        task: the task.
        settings: its keys.
        rows: the rows that it was made of.
    """
    if settings.group:
        return
    pools = {"train": task.train, "validation": task.validation, "test": task.test}
    home = {input_id(example): name for name, example in all_examples(pools)}
    used = {*settings.inputs.values(), *settings.target, settings.split.column}
    held: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in islice(rows, MAX_ROWS):
        inputs = {field: row.get(column) or "" for field, column in settings.inputs.items()}
        pool = home.get(inputs_id(inputs))
        for name in row.keys() - used if pool else ():
            if group_rank(name) is not None and (row[name] or "").strip():
                held[name][str(row[name]).strip()][str(pool)] += 1
    for name, groups in sorted(held.items(), key=lambda item: group_rank(item[0]) or 0):
        if not repeats(found.total() for found in groups.values()):
            continue
        if divided := sorted(group for group, found in groups.items() if len(found) > 1):
            yield Finding("warning", _divided(name, groups, divided))
        else:
            yield Finding(
                "note",
                f"The values of {name!r} come again, and no pool shares one ({len(groups)}). If "
                f"rows of one are alike, say in task.yaml: group: {name}, so that the verdict "
                "counts them once.",
            )


def _divided(name: str, groups: Mapping[str, Counter[str]], divided: list[str]) -> str:
    tested = [group for group, found in groups.items() if found["test"]]
    both = len({*tested} & {*divided})
    told = f"; of the {len(tested)} in test, {both} are in another pool as well" if tested else ""
    return (
        f"Rows with one {name!r} stand in several pools: {len(divided)} of {len(groups)} (such as "
        f"{quote(divided[0])}){told}. Where such rows are alike, scores on test are too good, and "
        f"they count for more than they are. Say in task.yaml: group: {name}"
    )


def gain_findings(
    examples: Sequence[Example], different: float, enough: float
) -> Iterator[Finding]:
    """How large a gain test examples can prove, the rows of a group being alike, or not at all.

    Args:
        examples: of the test split; some belong to groups.
        different: share of the examples on which two prompts are taken to differ.
        enough: a gain above it is seldom reached.
    """
    n = n_groups([example.group for example in examples])
    if n < LEAST_GROUPS:
        groups = "group" if n == 1 else "groups"
        yield Finding(
            "warning",
            f"The {len(examples)} test examples come in {n} {groups}, which can prove no gain, "
            f"however large; it takes {LEAST_GROUPS} at least, and dozens to see usual gains.",
        )
        return
    alone, alike = visible_gain(len(examples), different), visible_gain(n, different)
    least = "no gain" if alone is None else f"a gain of about {alone * 100:.0f} points"
    most = "none may" if alike is None else f"only one of {alike * 100:.0f} may be"
    yield Finding(
        "ok" if alike is not None and alike <= enough else "warning",
        f"With {len(examples)} test examples in {n} groups, {least} is proven 8 times of 10 where "
        f"rows of a group are no more alike than others, and {most} where they are all alike (if "
        f"two prompts differ on {different:.0%} of the examples).",
    )
