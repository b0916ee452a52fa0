"""Two calls: first what one has to know or to work out, then the answer with that in view."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from apo.body import Extra
from apo.model import Decoding, Message
from apo.programs.program import Ask
from apo.programs.reasoning import ALONE, marked_answer, with_more
from apo.programs.wording import says
from apo.prompts.prompt import Prompt


def with_text(prompt: Prompt, text: str, inputs: Mapping[str, str]) -> tuple[Message, ...]:
    """The messages of a prompt, with a text at the end of the last turn."""
    *before, last = prompt.messages(inputs)
    return (*before, last._replace(content=f"{last.content}\n\n{text}"))


def in_words(prompt: Prompt) -> Decoding:
    """How a prompt's answers are drawn, without tools and form: for what is said before them."""
    formed = ("tools", "tool_choice", "response_format")
    extra = {name: value for name, value in prompt.decoding.extra.items() if name not in formed}
    return replace(prompt.decoding, extra=Extra.of(extra))


@dataclass(frozen=True, kw_only=True)
class GeneratedKnowledge:
    """The model first writes what one has to know, then answers with it (Liu et al., 2022).

    Attributes:
        korean: whether it is asked in Korean.
    """

    korean: bool = False
    steps: tuple[str, ...] = field(default=ALONE, init=False)
    calls: int = field(default=2, init=False)
    models: Mapping[str, str] = field(default_factory=dict[str, str], init=False)

    async def answer(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Ask for knowledge, then for the answer, as the prompt itself asks for it."""
        prompt = ask.prompts[""]
        messages = with_more(prompt, says("know", self.korean), inputs)
        before = in_words(prompt)
        found = (await ask.chat(messages, shown=inputs, decoding=before)).text.strip()
        told = says("known", self.korean, found=found)
        messages = with_text(prompt, told, inputs)
        return (await ask.chat(messages, shown={**inputs, "knowledge": found})).text


@dataclass(frozen=True, kw_only=True)
class Decomposition:
    """The model first answers smaller questions, then the whole (after Zhou et al., 2022).

    Attributes:
        korean: whether it is asked in Korean.
    """

    korean: bool = False
    steps: tuple[str, ...] = field(default=ALONE, init=False)
    calls: int = field(default=2, init=False)
    models: Mapping[str, str] = field(default_factory=dict[str, str], init=False)

    async def answer(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Ask for the parts, then for the whole with a marked answer."""
        prompt = ask.prompts[""]
        messages = with_more(prompt, says("plan", self.korean), inputs)
        before = in_words(prompt)
        found = (await ask.chat(messages, shown=inputs, decoding=before)).text.strip()
        told = says("planned", self.korean, found=found)
        more = says("reason", self.korean)
        asked = prompt.with_instruction(f"{prompt.instruction}\n\n{more}".strip())
        messages = with_text(asked, told, inputs)
        found = (await ask.chat(messages, shown={**inputs, "parts": found})).text
        return marked_answer(found)
