"""Stages of a search: other optimizers that go on with a share of what is left of the budget."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from apo.calls.meter import Meter
from apo.concurrency import gather
from apo.errors import BudgetExhausted, Stalled
from apo.evaluation.evaluation import Evaluation
from apo.search.branches import branch


class Patience:
    """Ends a stage that has spent so many calls in a row without a better best score.

    A best prompt that is only shorter is no better score.

    Args:
        calls: how many calls.
        charged: calls charged to the run when the stage begins.
        best: the best so far when it begins.
    """

    def __init__(self, calls: float, charged: int, best: Evaluation | None) -> None:
        self._calls, self._since = calls, charged
        self._score = _score(best)

    def check(self, charged: int, best: Evaluation | None) -> None:
        """Look whether there is something better now.

        Raises:
            Stalled: the patience is over.
        """
        if _score(best) > self._score:
            self._since, self._score = charged, _score(best)
        elif charged - self._since > self._calls:
            raise Stalled(f"Calls that brought nothing better: {charged - self._since}.")


def _score(best: Evaluation | None) -> float:
    return -1.0 if best is None else best.at_least


@dataclass(frozen=True)
class Stage:
    """A stage of a search; the whole search is the first one.

    Attributes:
        meter: of the run.
        path: the stage's own branch in the tree of concurrent work.
        patience: its own, and that of the stages that it is part of.
    """

    meter: Meter
    path: tuple[int, ...] = ()
    patience: tuple[Patience, ...] = ()

    def check(self, best: Evaluation | None) -> None:
        """End this stage when it, or one that it is part of, has brought nothing for too long.

        On the stage's own branch alone, where all earlier work has ended: so the moment does not
        depend on timing.

        Raises:
            Stalled: it has.
        """
        if branch.get().path == self.path:
            for patience in self.patience:
                patience.check(self.meter.charged, best)

    async def run(
        self,
        work: Callable[["Stage"], Awaitable[None]],
        *,
        share: float,
        patience: float,
        best: Evaluation | None,
    ) -> bool:
        """Run a stage within this one.

        Args:
            work: what the stage does, given itself.
            share: the part of the remaining calls, tokens, money and time that it may spend.
            patience: calls that it may spend in a row without a better best prompt.
            best: the best so far.

        Returns:
            True when it ended by itself, False when its share or the patience ended it.

        Raises:
            BudgetExhausted: nothing was held back from it (share is 1), and the budget is over.
        """
        purpose = f"after stage {branch.get().step()}"
        self.meter.hold_back(purpose, **self.meter.remains(1 - share))
        [place] = branch.get().fork(1)
        own = Patience(patience, self.meter.charged, best)
        stage = Stage(self.meter, place.path, (*self.patience, own))

        async def run() -> None:
            branch.set(place)
            await work(stage)

        try:
            await gather([run()])
        except BudgetExhausted as stop:
            if share == 1 and not isinstance(stop, Stalled):
                raise
            return False
        finally:
            self.meter.hold_back(purpose)
        return True
