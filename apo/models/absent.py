"""A local model whose file is not here: its kept answers can be taken, and none asked for."""

from apo.errors import SettingsError
from apo.model import Completion, Model, Request
from apo.models.dialect import Dialect
from apo.models.local.weights import file_name
from apo.models.small import named_small


class AbsentModel:
    """A local model that is known by its name alone.

    It is asked in the same words as the model would be, so that kept answers are found; whether
    replies are begun for it is told by the name of its file.

    Args:
        name: the model's full name.
        reason: why it cannot answer.
    """

    def __init__(self, name: str, reason: str) -> None:
        file = file_name(name)
        self._name, self._reason = name, reason
        self.dialect = Dialect.of(file)
        self.continues = True
        self.begins = named_small(file) and not self.dialect.thinks

    @property
    def name(self) -> str:
        """The model's full name."""
        return self._name

    async def complete(self, request: Request) -> Completion:
        """No answer.

        Raises:
            SettingsError: always; it says why.
        """
        raise SettingsError(
            f"{self._reason} The kept answers hold none to a request of this run, so the model is "
            "needed: the data, the seed prompt or the optimizer are not those of the kept run."
        )

    async def aclose(self) -> None:
        """Nothing is open."""


def stand_in(name: str) -> Model | None:
    """What stands for a local model that cannot be run here; None where it can, or is no such."""
    from apo.models.local_model import open_local

    if not name.startswith("local/"):
        return None
    try:
        open_local(name, transport="aiohttp", timeout=1.0, max_connections=1)
    except SettingsError as error:
        return AbsentModel(name, str(error))
    return None
