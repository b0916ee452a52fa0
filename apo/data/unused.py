"""A column of pools that the task does not use: rows set aside must not come into train unasked."""

import logging
from collections.abc import Mapping

from apo.data.named import FOLD_NAMES, pool_named
from apo.errors import DataError
from apo.reading.answers import quote

MOST = 20
"""Values of a column of pools or folds, at most."""

_log = logging.getLogger(__name__)


class UnusedPools:
    """Watches the columns that a task does not use, as long as all their values name pools.

    Args:
        used: columns that say something else.
        anew: all rows are to be shared out, as the task's split says.
    """

    def __init__(self, used: list[str], *, anew: bool) -> None:
        self._used, self._anew = {*used}, anew
        self._values: dict[str, set[str]] | None = None

    def see(self, row: Mapping[str, str | None]) -> None:
        """Take a row in."""
        if self._values is None:
            self._values = {name: set() for name in row.keys() - self._used}
        for name in list(self._values):
            value, values = (row.get(name) or "").strip(), self._values[name]
            if value in values:
                continue
            if (pool_named(value) or name.lower() in FOLD_NAMES) and len(values) < MOST:
                values.add(value)
            else:
                del self._values[name]

    def notes(self) -> list[str]:
        """Tell columns that may say what to hold out.

        Raises:
            DataError: one does for certain, and the task says nothing of its split.
        """
        notes: list[str] = []
        for name, values in (self._values or {}).items():
            pools = {*map(pool_named, values)}
            told = ", ".join(map(quote, sorted(values)))
            if len(values) < 2:
                continue
            if None not in pools and len(pools) > 1 and not self._anew:
                raise DataError(
                    f"The column {name!r} says which pool each row is for ({told}), and the task "
                    f"does not use it, so that rows set aside would come into train. Say split: "
                    f"{{column: {name}}} to use it; or, to share out all rows anew, say so: split: "
                    "{fractions: {train: 0.4, validation: 0.2, test: 0.4}}."
                )
            notes.append(
                f"The column {name!r} ({told}) is not used: all rows are shared out anew. If it "
                "says which rows to hold out, make its values train, validation and test, and say "
                f"split: {{column: {name}}}."
            )
            if not self._anew:
                _log.warning("%s", notes[-1])
        return notes
