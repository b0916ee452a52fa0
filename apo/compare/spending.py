"""What a grid may spend: told before it starts, limited over all cells, and counted."""

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from apo.calls.budget import Budget
from apo.calls.purse import Purse, Taken
from apo.compare.grid import Cell
from apo.errors import SettingsError
from apo.language.catalogue import message
from apo.models.prices import Price, cost, find_price
from apo.storage.folder import RunFolder
from apo.storage.rows import open_for_reading
from apo.usage import Usage

ASK_USD, ASK_CALLS = 20.0, 20_000
"""Above so many dollars, or calls to models that may cost, a grid is asked about."""


def _words(name: str, n: float) -> str:
    """An amount of what a limit is on: "60 calls"."""
    match name:
        case "max_calls":
            return message(f"{n:,.0f} calls")
        case "max_tokens":
            return message(f"{n:,.0f} tokens")
        case "max_usd":
            return f"${n:,.2f}"
        case _:
            return message(f"{n:,.4g} minutes")


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Limits over all cells of a grid; None is no limit.

    Attributes:
        max_calls: answered calls, all calls of the command taken together.
        max_usd: US dollars, the same; every model then needs a known price.
        max_minutes: minutes that this call of the command may run.
    """

    max_calls: int | None = None
    max_usd: float | None = None
    max_minutes: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and not value > 0:
                flag = f"--grid-{name.replace('_', '-')}"
                raise SettingsError(f"{flag} is {value:g}; a limit must be greater than 0.")

    def check_prices(self, cells: Sequence[Cell]) -> None:
        """Make sure that dollars can be counted.

        Raises:
            SettingsError: they are limited, and a model's price is unknown.
        """
        for name, price in prices_of(cells).items() if self.max_usd is not None else ():
            if price is None:
                raise SettingsError(
                    f"--grid-max-usd needs the price of {name}: state it with --price "
                    f"'{name}=IN,OUT', in dollars per million tokens."
                )


def prices_of(cells: Sequence[Cell]) -> dict[str, Price | None]:
    """By name, the prices of the models that cells ask; None where one is unknown."""
    found: dict[str, Price | None] = {}
    for cell in cells:
        for name in filter(None, (cell.model, cell.optimizer_model)):
            found[name] = find_price(name, cell.prices)
    return found


def spent_by(folder: RunFolder, prices: Mapping[str, Price]) -> Taken:
    """Calls and dollars of a run so far, as its journal has them; a price that is unknown is 0."""
    if not folder.journal_path.exists():
        return Taken(0, 0.0)
    with closing(open_for_reading(folder.journal_path)) as journal:
        rows = journal.execute(
            "SELECT model, COUNT(*), TOTAL(input_tokens), TOTAL(output_tokens), "
            "TOTAL(cached_tokens) FROM calls GROUP BY model"
        ).fetchall()
    usd = 0.0
    for model, _, *tokens in rows:
        price = find_price(model, prices)
        usd += 0.0 if price is None else cost(price, Usage(*map(int, tokens)))
    return Taken(sum(row[1] for row in rows), usd)


def purse_path(root: Path) -> Path:
    """Where a grid's shared limits are kept."""
    return root / "grid.db"


def purse_of(cell: Cell, root: Path) -> Purse | None:
    """The limits that a cell shares with the others, or None; nothing of it is under way."""
    if not purse_path(root).exists():
        return None
    purse = Purse(purse_path(root), cell.id)
    purse.begin(spent_by(RunFolder(root / "runs" / cell.id), cell.prices))
    return purse


@dataclass(frozen=True, kw_only=True)
class Sum:
    """What the cells that are to run may spend at most.

    Attributes:
        n: how many they are.
        each: the limits of one.
        most: by limit what all of them may take together, what was spent before taken off.
        shared: the limits over all.
        spent: what all cells of the grid have spent before.
        costs: whether a model may cost something.
    """

    n: int
    each: Budget
    most: Mapping[str, float]
    shared: Shared
    spent: Taken
    costs: bool

    def __str__(self) -> str:
        """Say it in a sentence or two."""
        each = [_words(name, n) for name, n in asdict(self.each).items() if n is not None]
        total = ", ".join(_words(name, n) for name, n in self.most.items())
        told = f"1 cell is to run, up to {total}."
        if self.n != 1:
            told = (
                f"{self.n} cells are to run, each up to {' and '.join(each)}: in all up to {total}."
            )
        limits = [
            f"{_words(name, n)}{self._before(name)}"
            for name, n in asdict(self.shared).items()
            if n is not None
        ]
        return f"{told} Over all cells they end at {' or '.join(limits)}." if limits else told

    def _before(self, name: str) -> str:
        before = {"max_calls": self.spent.calls, "max_usd": self.spent.usd}.get(name, 0)
        return f" ({_words(name, before)} of it are spent)" if before else ""

    @property
    def large(self) -> bool:
        """Whether it is so much that the user should be asked."""
        usd = min(self.most.get("max_usd", math.inf), self.shared.max_usd or math.inf)
        if not self.costs:
            return False
        if usd < math.inf:
            return usd > ASK_USD
        calls = min(self.most.get("max_calls", math.inf), self.shared.max_calls or math.inf)
        return calls > ASK_CALLS


def add_up(
    cells: Sequence[Cell], spent: Mapping[str, Taken], todo: Sequence[Cell], shared: Shared
) -> Sum:
    """Add up what the cells that are to run may spend.

    Args:
        cells: all of the grid.
        spent: by cell, what it has spent before.
        todo: those that are to run; at least one.
        shared: the limits over all.
    """
    most: dict[str, float] = {}
    for cell in todo:
        before = {"max_calls": spent[cell.id].calls, "max_usd": spent[cell.id].usd}
        for name, limit in asdict(cell.budget).items():
            if limit is not None:
                left = max(0.0, limit - before.get(name, 0))
                most[name] = most.get(name, 0.0) + left
    prices = prices_of(cells).values()
    return Sum(
        n=len(todo),
        each=todo[0].budget,
        most=most,
        shared=shared,
        spent=Taken(sum(t.calls for t in spent.values()), sum(t.usd for t in spent.values())),
        costs=any(price is None or price.input or price.output for price in prices),
    )
