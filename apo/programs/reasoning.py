"""Reasoning before the answer: once, or several times with a vote."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from apo.concurrency import gather
from apo.errors import TaskError
from apo.model import Message
from apo.programs.program import Ask
from apo.programs.wording import says
from apo.prompts.prompt import Prompt
from apo.reading.answers import plain
from apo.reading.json_text import answer_json

ALONE = ("",)
"""The steps of a program over one prompt."""
_NUMBER = re.compile(r"-?(\d{1,3}(,\d{3})+|\d{1,400})(\.\d{1,400})?", re.ASCII)
_MARK = re.compile(r"<(answer|답)>(.*?)(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)


def marked_answer(text: str) -> str:
    """The last answer in <answer> tags; the whole text where there is none."""
    found = [match[2].strip() for match in _MARK.finditer(text)]
    return next((answer for answer in reversed(found) if answer), text.strip())


def with_more(prompt: Prompt, more: str, inputs: Mapping[str, str]) -> tuple[Message, ...]:
    """The messages of a prompt with more said at the end of its instruction."""
    instruction = f"{prompt.instruction}\n\n{more}".strip()
    return prompt.with_instruction(instruction).messages(inputs)


@dataclass(frozen=True, kw_only=True)
class ChainOfThought:
    """The model reasons step by step, and marks its answer (Wei et al., 2022; Kojima et al., 2022).

    Attributes:
        korean: whether it is asked in Korean.
    """

    korean: bool = False
    steps: tuple[str, ...] = field(default=ALONE, init=False)
    calls: int = field(default=1, init=False)
    models: Mapping[str, str] = field(default_factory=dict[str, str], init=False)

    async def answer(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Ask for reasons and a marked answer, and give the answer alone."""
        messages = with_more(ask.prompts[""], says("reason", self.korean), inputs)
        return marked_answer((await ask.chat(messages, shown=inputs)).text)


@dataclass(frozen=True, kw_only=True)
class SelfConsistency:
    """The model reasons several times, and the answer given most often counts (Wang et al., 2022).

    Attributes:
        n: how many answers are drawn, 2 to 100.
        temperature: of the draws, above 0 to 2.
        reason: ask for reasons and a marked answer; without, what the prompt itself asks for.
        korean: whether it is asked in Korean.
    """

    n: int = 5
    temperature: float = 0.7
    reason: bool = True
    korean: bool = False
    steps: tuple[str, ...] = field(default=ALONE, init=False)
    models: Mapping[str, str] = field(default_factory=dict[str, str], init=False)

    def __post_init__(self) -> None:
        if not 2 <= self.n <= 100:
            raise TaskError(f"self-consistency draws n answers, 2 to 100; n is {self.n}.")
        if not 0 < self.temperature <= 2:
            raise TaskError(
                f"self-consistency draws answers at a temperature above 0, up to 2; it is "
                f"{self.temperature}. At 0 all would be the same."
            )

    @property
    def calls(self) -> int:
        """One for each answer."""
        return self.n

    async def answer(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Draw answers, and give the one that most agree on; of equally many the first drawn."""
        prompt = ask.prompts[""]
        messages = prompt.messages(inputs)
        if self.reason:
            messages = with_more(prompt, says("reason", self.korean), inputs)
        drawn = replace(prompt.decoding, temperature=self.temperature)
        if prompt.decoding.temperature is None:  # The model refuses the option.
            drawn = prompt.decoding
        found = await gather(
            ask.chat(messages, shown=inputs, decoding=drawn, draw=draw)
            for draw in range(1, self.n + 1)
        )
        return voted([marked_answer(completion.text) for completion in found])


def voted(answers: list[str]) -> str:
    """The answer that most agree on, however a number or JSON is written.

    Letter case, blanks and signs around an answer are looked past as well.
    """
    forms = [_form(answer) for answer in answers]
    counts = Counter(form for form in forms if form)
    if not counts:
        return answers[0]
    most = max(counts.values())
    return answers[next(i for i, form in enumerate(forms) if form and counts[form] == most)]


def _form(answer: str) -> str:
    """What two answers that say the same have in common."""
    text = plain(answer)
    if _NUMBER.fullmatch(text):
        return f"{Decimal(text.replace(',', '')).normalize():f}"
    if answer.lstrip().startswith(("{", "[", "```")):
        found = answer_json(answer, notes=True)
        if found and not found.broken:
            return json.dumps(found.value, sort_keys=True)
    return text
