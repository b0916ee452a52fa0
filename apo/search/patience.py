"""When a stage of a search has brought nothing for too long."""

from apo.errors import Stalled
from apo.evaluation.evaluation import Evaluation


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
            raise Stalled(f"{charged - self._since} calls brought nothing better.")


def _score(best: Evaluation | None) -> float:
    return -1.0 if best is None else best.at_least
