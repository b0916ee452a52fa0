"""What came of logging a run."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Tracked:
    """Where a run is logged.

    Attributes:
        tracking_uri: the store, without password.
        experiment_id: the experiment there; "" while the store was not reached.
        run_id: the run there; "" as well.
        url: page to open, when the store is a server.
        complete: whether MLflow was asked at the end, and holds all that the run's folder holds.
        problem: what is wrong, and what to do; "" when nothing is.
    """

    tracking_uri: str
    experiment_id: str = ""
    run_id: str = ""
    url: str | None = None
    complete: bool = False
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return asdict(self)
