"""What may spoil a task that is drafted, told in words."""

from collections.abc import Sequence

from apo.data.amounts import is_number
from apo.data.columns import Column
from apo.data.named import FOLD_NAMES
from apo.drafting.format import Wanted
from apo.errors import DataError
from apo.reading.answers import quote
from apo.reading.characters import alike, differ_in, shown


def tell_header(columns: dict[str, Column], notes: list[str]) -> None:
    """Say that the first row of a table may be a row of data, as it reads like the rows below."""
    alike = [name for name, column in columns.items() if name in column.values or is_number(name)]
    if alike:
        notes.append(
            f"The first row was taken for the names of the columns, and reads like data: "
            f"{', '.join(map(quote, alike))}. If it is data, put a row of names above it."
        )


def tell_alike(labels: Sequence[str], notes: list[str]) -> bool:
    """Say which labels a reader takes for one; gives whether case makes the difference of some."""
    ways = [(group, differ_in(*group)) for group in alike(labels)]
    for group, way in ways:
        named = ", ".join(quote(shown(label)) for label in group)
        notes.append(f"The labels {named} differ only in {way}; make them one in the data.")
    return any("case" in way for _, way in ways)


def warn(target: Column, inputs: list[Column], notes: list[str]) -> None:
    """Say what will spoil the results: few rows, no targets, uneven labels, repeats."""
    if target.n < 100:
        notes.append(
            f"Rows with a target: only {target.n}; small gains will not be visible. "
            "A few hundred are better."
        )
    if target.missing:
        notes.append(f"Rows without a target: {target.missing}; they will be left out.")
    for column in (target, *inputs):
        if column.errors:
            named = ", ".join(column.errors)
            notes.append(
                f"Rows with a spreadsheet's error ({named}) in {column.name!r}: "
                f"{column.errors.total()}; they will be left out, and it is no label."
            )
    if target.is_label:
        (most, high), (least, low) = target.values.most_common()[0], target.values.most_common()[-1]
        if high > 5 * low:
            notes.append(
                f"The labels are unbalanced: {quote(most)} {high} times, {quote(least)} {low}."
            )
    repeated = [c for c in inputs if len(inputs) == 1 and c.unique < 1]
    for column in repeated:
        count = column.n - len(column.values)
        notes.append(f"Rows that repeat the input of another row: {count}; each is used once.")


def tell_splits(columns: dict[str, Column], wanted: Wanted, goal: Column, notes: list[str]) -> None:
    """Say that a split of the user's is not used; stop where it names some of the pools."""
    for column in columns.values():
        if column is goal or column.name in wanted.inputs or len(column.values) < 2:
            continue
        if column.name.lower() not in FOLD_NAMES or len(column.values) > 20:
            continue
        values = ", ".join(map(quote, sorted(column.values)))
        if column.pools != {None} and not (wanted.inputs and wanted.target):
            raise DataError(
                f"The column {column.name!r} seems to say which pool each row is for, but not all "
                f"its values are clear: {values}. Make them train, validation and test in the "
                "data; or name --input and --target, and all rows are shared out anew."
            )
        notes.append(
            f"The column {column.name!r} ({values}) is not used: all rows are shared out anew. If "
            "it says which rows to hold out, make its values train, validation and test."
        )
