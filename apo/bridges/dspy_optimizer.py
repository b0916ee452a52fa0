"""What all of DSPy's optimizers have in common when they run within apo."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from apo.errors import SettingsError

if TYPE_CHECKING:
    from apo.bridges.dspy_run import Student
    from apo.search.search import Search


def check_choice(settings: object, name: str, known: tuple[str, ...]) -> None:
    """Refuse a setting that is none of the known values.

    Raises:
        SettingsError: it is another one.
    """
    if (value := getattr(settings, name)) not in known:
        raise SettingsError(
            f"dspy:{type(settings).__name__}.{name} is {value!r}; it is one of {', '.join(known)}."
        )


class OfDspy(ABC):
    """An optimizer of DSPy: its settings, and how DSPy makes and compiles it.

    Attributes:
        called: its name in DSPy.
    """

    called: ClassVar[str]

    def require(self) -> None:
        """Make sure that DSPy is installed.

        Raises:
            SettingsError: it is not.
        """
        from apo.bridges.dspy_engine import require_dspy

        require_dspy(f"dspy:{self.called}")

    async def run(self, search: "Search") -> None:
        """Let DSPy search on the train and validation splits."""
        from apo.bridges.dspy_run import run

        await run(search, f"dspy:{self.called}", self.compile)

    @abstractmethod
    def compile(self, student: "Student") -> Any:
        """Have DSPy optimize the student; runs in a thread of its own."""
