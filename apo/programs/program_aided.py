"""Program-aided: the model writes a program, and what the program gives is the answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from apo.programs.program import Ask
from apo.programs.reasoning import ALONE, with_more
from apo.programs.wording import says


@dataclass(frozen=True, kw_only=True)
class ProgramAided:
    """The model writes Python that computes the answer (Gao et al., 2022).

    Attributes:
        run: runs the program that a text holds, apart from everything, and gives what its function
            `solution` returns, as text; what failed, in words.
        korean: whether it is asked in Korean.
    """

    run: Callable[[str], Awaitable[str]] = field(repr=False)
    korean: bool = False
    steps: tuple[str, ...] = field(default=ALONE, init=False)
    calls: int = field(default=1, init=False)
    models: Mapping[str, str] = field(default_factory=dict[str, str], init=False)

    async def answer(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Ask for a program, and run it."""
        messages = with_more(ask.prompts[""], says("program", self.korean), inputs)
        return await self.run((await ask.chat(messages, shown=inputs)).text)
