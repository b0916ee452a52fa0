"""A task model that answers as a landscape says, without a network."""

from dataclasses import dataclass, field
from functools import lru_cache

from apo.model import Completion, Request
from apo.testing.landscape import Landscape, Settings
from apo.testing.landscape_words import draw, read_inputs, read_settings, shown_pairs, slot_of
from apo.usage import Usage


@dataclass
class LandscapeModel:
    """The task model of a landscape: right where the slot gets more than the example asks for.

    Attributes:
        landscape: the landscape.
        calls: how many answers it gave.
    """

    landscape: Landscape
    name: str = "landscape"
    calls: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        task = self.landscape.task()
        pools = (task.train, task.validation, task.test)
        self._targets = {e.inputs["input"]: e.target for pool in pools for e in pool}
        self._read = lru_cache(maxsize=64)(self._settings)

    def _settings(self, texts: tuple[str, ...]) -> Settings:
        return read_settings("\n".join(texts), shown_pairs(texts), self.landscape.slots)

    async def complete(self, request: Request) -> Completion:
        """Answer the input in the last turn with its target, or with "?"."""
        self.calls += 1
        texts = tuple(message.content for message in request.messages)
        asked = read_inputs(texts[-1])[-1]
        rest = (*texts[:-1], "".join(texts[-1].rsplit(asked, 1)))
        gets = self.landscape.served(self._read(rest), self.landscape.slots.index(slot_of(asked)))
        warm = bool(request.decoding.temperature)
        wording = (request.seed, *texts) if warm else texts
        drawn = draw("noise", *wording) < self.landscape.noise
        asks = draw("anew", *wording) if drawn or warm else self.landscape.thresholds[asked]
        text = self._targets[asked] if asks < gets else "?"
        return Completion(text=text, usage=Usage(input_tokens=len(texts), output_tokens=1))

    async def aclose(self) -> None:
        """Nothing to close."""
