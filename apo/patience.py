"""When a stage of a search has brought nothing for too long."""

from apo.errors import Stalled
from apo.evaluation import Evaluation


class Patience:
    """Ends a stage that has spent so many calls in a row without a better best score.

    Looked at on the stage's own branch alone, where all earlier work has ended: so the moment
    does not depend on timing. A best prompt that is only shorter is no better score.

    Args:
        calls: how many calls.
        path: the stage's branch.
        charged: calls charged to the run when the stage begins.
        best: the best so far when it begins.
    """

    def __init__(
        self, calls: float, path: tuple[int, ...], charged: int, best: Evaluation | None
    ) -> None:
        self._calls, self._path, self._since = calls, path, charged
        self._score = _score(best)

    def check(self, path: tuple[int, ...], charged: int, best: Evaluation | None) -> None:
        """Look whether there is something better now.

        Raises:
            Stalled: the patience is over.
        """
        if path != self._path:
            return
        if _score(best) > self._score:
            self._since, self._score = charged, _score(best)
        elif charged - self._since > self._calls:
            raise Stalled(f"{charged - self._since} calls brought nothing better.")


def _score(best: Evaluation | None) -> float:
    return -1.0 if best is None else best.total
