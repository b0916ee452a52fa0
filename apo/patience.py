"""When a stage of a search has brought nothing for too long."""

from apo.errors import Stalled
from apo.evaluation import Evaluation


class Patience:
    """Ends a stage that has spent so many calls in a row without a better best prompt.

    Looked at on the stage's own branch alone, where all earlier work has ended: so the moment
    does not depend on timing.

    Args:
        calls: how many calls.
        path: the stage's branch.
        left: calls left when the stage begins.
        best: the best so far when it begins.
    """

    def __init__(
        self, calls: float, path: tuple[int, ...], left: float, best: Evaluation | None
    ) -> None:
        self._calls, self._path, self._since, self._best = calls, path, left, best

    def check(self, path: tuple[int, ...], left: float, best: Evaluation | None) -> None:
        """Look whether there is something better now.

        Raises:
            Stalled: the patience is over.
        """
        if path != self._path:
            return
        if best is not self._best:
            self._since, self._best = left, best
        elif self._since - left > self._calls:
            raise Stalled(f"{self._since - left:.0f} calls brought nothing better.")
