"""What a run's calls took, by the role and the model that they went to."""

import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from apo.errors import RunError
from apo.models.batches.terms import batch_price
from apo.models.prices import Price, cost, find_price
from apo.storage.folder import RunFolder
from apo.storage.rows import open_for_reading, readable
from apo.usage import Usage

_BY_ROLE = """
SELECT role, model, COUNT(*), SUM(input_tokens), COUNT(input_tokens), SUM(output_tokens),
    COUNT(output_tokens), TOTAL(MIN(COALESCE(cached_tokens, 0), input_tokens)),
    TOTAL(retries), TOTAL(error != ''), TOTAL(reused), TOTAL(seconds), TOTAL(truncated)
FROM calls GROUP BY role, model ORDER BY COUNT(*) DESC, role, model
"""


@dataclass(frozen=True, kw_only=True)
class Spending:
    """The calls to one model in one role.

    Attributes:
        role: "task", "optimizer", "judge" or "fallback".
        model: its name.
        calls: that were answered or refused for good.
        input_tokens: as the server counted them; None where it did not for all.
        output_tokens: the same for the answers.
        cached_tokens: of those in, from the provider's cache.
        usd: by the run's prices; None where a price or a count is unknown.
        retries: attempts that failed and were made again.
        refused: calls that the provider refused for good.
        reused: that earlier runs had paid for.
        cut: answers that a limit cut.
        seconds: of all calls together; many are made at once.
    """

    role: str
    model: str
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int
    usd: float | None
    retries: int
    refused: int
    reused: int
    cut: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as JSON values."""
        return asdict(self)


def spending(folder: RunFolder) -> list[Spending]:
    """Add up a run's calls by role and model, the most calls first; nothing without a journal.

    Raises:
        RunError: its folder is damaged.
    """
    if not folder.journal_path.exists():
        return []
    with closing(open_for_reading(folder.journal_path)) as database, readable():
        rows = database.execute(_BY_ROLE).fetchall()
    prices = prices_of(folder, {str(row[1]) for row in rows})
    return [_spending(row, prices) for row in rows]


def _spending(row: tuple[Any, ...], prices: Mapping[str, Price | None]) -> Spending:
    role, model, n, read, n_read, written, n_written, cached, *counts, seconds, cut = row
    retries, refused, reused = map(int, counts)
    # What was refused has no count, and costs nothing.
    read = read or 0 if n_read + refused >= n else None
    written = written or 0 if n_written + refused >= n else None
    price, usd = prices[model], None
    if price is not None and read is not None and written is not None:
        usd = cost(price, Usage(read, written, int(cached)))
    return Spending(
        role=role, model=model, calls=n, input_tokens=read, output_tokens=written,
        cached_tokens=int(cached), usd=usd if usd is None or math.isfinite(usd) else None,
        retries=retries, refused=refused, reused=reused, cut=int(cut), seconds=seconds,
    )  # fmt: skip


def prices_of(folder: RunFolder, models: set[str]) -> dict[str, Price | None]:
    """What each model costs, by the prices that the run was given, else those of today's table.

    Raises:
        RunError: the run's prices are damaged.
    """
    options = folder.settings.get("options", {})
    find = batch_price if options.get("batch") else find_price
    try:
        stated = {name: Price(**price) for name, price in options.get("prices", {}).items()}
    except (AttributeError, TypeError) as error:
        raise RunError(f"{folder.path / 'run.json'}: its prices are damaged: {error}.") from error
    return {name: find(name, stated) for name in models}
