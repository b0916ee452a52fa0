"""A user's own function as a scorer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apo.errors import USERS_ERRORS, TaskError
from apo.scorers.awaited import as_score
from apo.task import Example, Score


@dataclass(frozen=True, kw_only=True)
class FunctionScorer:
    """A user's function as a scorer.

    Attributes:
        function: takes an answer and its example; gives a `Score`, a number in [0, 1] or a bool.
        name: what to call it in messages.
    """

    function: Callable[..., Any] = field(repr=False)
    name: str

    def __call__(self, output: str, example: Example) -> Score:
        """Score with the function.

        Raises:
            TaskError: the function failed, or gave something that is no score.
        """
        try:
            result = self.function(output, example)
        except USERS_ERRORS as error:
            told = (
                f"{error}" if isinstance(error, TaskError) else f"{type(error).__name__}: {error}"
            )
            raise TaskError(
                f"The scorer {self.name} failed on example {example.id}: {told}"
            ) from error
        return as_score(result, self.name, example)
