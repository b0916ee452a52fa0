"""What an example is reported under, and whether it must pass, as columns say."""

from apo.data.cells import Row
from apo.data.examples import Columns
from apo.errors import DataError
from apo.reading.answers import quote
from apo.reading.characters import composed

YES = frozenset(("1", "true", "x", "y", "yes", "네", "예", "참"))
"""What marks an example that must pass, in any case of letters."""

NO = frozenset(("", "-", "0", "false", "n", "no", "거짓", "아니오", "아니요"))


def marks(row: Row, columns: Columns, where: str) -> tuple[dict[str, str], bool]:
    """Read what an example is reported under, and whether it must pass.

    Args:
        row: a usable row.
        columns: which columns say so.
        where: names the source in messages.

    Raises:
        DataError: the cell of must_pass says neither yes nor no.
    """
    slices = {name: composed((row[name] or "").strip()) for name in columns.slices}
    slices = {name: value.encode("utf-8", "replace").decode() for name, value in slices.items()}
    if columns.must_pass is None:
        return slices, False
    said = composed((row[columns.must_pass] or "").strip().casefold())
    if said not in YES and said not in NO:
        raise DataError(
            f"{where}: the column {columns.must_pass!r} is {quote(said)} for the input "
            f"{quote(str(row[next(iter(columns.inputs.values()))]))}. Mark an example that must "
            f"pass with one of {', '.join(sorted(YES))}, and leave the others empty."
        )
    return slices, said in YES
