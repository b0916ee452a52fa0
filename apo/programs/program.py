"""What a program is, and what it is handed to ask with."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from apo.model import Completion, Decoding, Message
from apo.prompts.prompt import Prompt


class Asked(NamedTuple):
    """One call of a program: part of the trace of an example.

    Attributes:
        step: whose prompt it was.
        inputs: what the step was given, by the names of its prompt's variables.
        answer: what the model said.
    """

    step: str
    inputs: Mapping[str, str]
    answer: str


class Ask(Protocol):
    """What a program asks with: the prompts of one candidate, and metered calls.

    Calls may be made one after the other or at once. What ends the run, and a refusal for good,
    is raised; a program that catches it ends all the same.

    Attributes:
        prompts: the candidate's prompt of each step, by its name; under "" where there is one.
    """

    @property
    def prompts(self) -> Mapping[str, Prompt]:
        """See above."""
        ...

    async def __call__(self, step: str = "", /, **fields: str) -> str:
        """Fill the prompt of a step with the fields, make the call, and give the answer."""
        ...

    async def draws(self, n: int, step: str = "", /, **fields: str) -> list[str]:
        """Give n answers of a step to the same fields, drawn independently."""
        ...

    async def chat(
        self,
        messages: Sequence[Message],
        step: str = "",
        /,
        *,
        shown: Mapping[str, str],
        decoding: Decoding | None = None,
        draw: int = 0,
    ) -> Completion:
        """Make a call with messages of the program's own.

        Args:
            messages: what is sent.
            step: the step that the trace names.
            shown: what the step was given, for the trace.
            decoding: how the answer is drawn; by default as the step's prompt says.
            draw: tells draws of the same messages apart; 0 for the only one.
        """
        ...


@runtime_checkable
class Program(Protocol):
    """How an example is answered: by calls, each of which fills the prompt of a step.

    Attributes:
        steps: names of the steps, each with a prompt of its own, the one that gives the answer
            last; ("",) for a program over one prompt.
        calls: the most calls that one example takes.
        models: the model that answers a step, by the step's name, where it is not the task's.
    """

    @property
    def steps(self) -> tuple[str, ...]:
        """See above."""
        ...

    @property
    def calls(self) -> int:
        """See above."""
        ...

    @property
    def models(self) -> Mapping[str, str]:
        """See above."""
        ...

    async def answer(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Answer an example.

        The same inputs and answers lead to the same calls: nothing hangs on a clock, on chance or
        on what other examples were answered.

        Args:
            ask: makes the calls.
            inputs: of the example.
        """
        ...
