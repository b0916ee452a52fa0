"""ReAct: the model reasons and acts in turn, with tools, until it knows the answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from apo.errors import TaskError
from apo.model import Message
from apo.programs.program import Ask
from apo.programs.reasoning import ALONE, marked_answer, with_more
from apo.programs.tools import Documents, calculate
from apo.programs.wording import says

_ACTION = re.compile(r"\b(search|calculate)\s*\[(.*)\]", re.IGNORECASE)
_FINAL = re.compile(r"^\W*(?:final(?: answer)?|최종 답)\W*?[:：]\s*(.*)", re.I | re.M | re.S)


@dataclass(frozen=True, kw_only=True)
class ReAct:
    """Actions in square brackets, and what they give, turn by turn (Yao et al., 2022).

    Attributes:
        max_steps: calls at most, 1 to 50; in the last one no tool can be used any more.
        documents: what `search` looks through; empty offers no search.
        calculator: whether `calculate` is offered.
        korean: whether it is asked in Korean.
    """

    max_steps: int = 5
    documents: tuple[str, ...] = ()
    calculator: bool = True
    korean: bool = False
    steps: tuple[str, ...] = field(default=ALONE, init=False)
    models: Mapping[str, str] = field(default_factory=dict[str, str], init=False)

    def __post_init__(self) -> None:
        if not 1 <= self.max_steps <= 50:
            raise TaskError(f"react makes max_steps calls, 1 to 50; it is {self.max_steps}.")
        if not self.documents and not self.calculator:
            raise TaskError("react needs a tool: give documents, or leave the calculator on.")

    @property
    def calls(self) -> int:
        """One for each turn."""
        return self.max_steps

    @cached_property
    def _library(self) -> Documents:
        return Documents(self.documents)

    def _told(self) -> str:
        offered = ["search"] * bool(self.documents) + ["calculate"] * self.calculator
        tools = " ".join(says(name, self.korean) for name in offered)
        example = "search[…]" if self.documents else "calculate[…]"
        return says("act", self.korean, tools=tools, example=example)

    async def answer(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Act until there is an answer, or the last turn."""
        messages = [*with_more(ask.prompts[""], self._told(), inputs)]
        said = ""
        for turn in range(self.max_steps):
            if turn and turn == self.max_steps - 1:
                last = messages[-1]
                more = says("last", self.korean)
                messages[-1] = last._replace(content=f"{last.content}\n{more}")
            said = (await ask.chat(messages, shown=inputs)).text
            final, action = _FINAL.search(said), _ACTION.search(said)
            if final is not None and (action is None or final.start() < action.start()):
                return marked_answer(final[1])
            if action is None:
                break  # Neither: what it says is its answer.
            shown = said[: action.end()]
            observed = f"Observation: {self._observe(action[1].lower(), action[2])}"
            messages += [Message("assistant", shown), Message("user", observed)]
        return marked_answer(said)

    def _observe(self, tool: str, given: str) -> str:
        if tool == "calculate" and self.calculator:
            return calculate(given)
        if tool == "search" and self.documents:
            return self._library.search(given)
        return f"There is no tool {tool}."
