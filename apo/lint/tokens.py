"""About how many tokens a prompt costs per call, by language, and what that is in dollars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from apo.models.prices import Price, cost
from apo.prompts.folding import WIDE
from apo.prompts.prompt import Prompt
from apo.prompts.rules import estimated_tokens
from apo.usage import Usage


@dataclass(frozen=True)
class Weight:
    """The tokens of one call, estimated without a tokenizer, rather too many than too few.

    Attributes:
        fixed: of the prompt with empty inputs, which each call sends.
        wide: those of `fixed` that are Hangul, kana or Chinese characters.
        inputs: of the inputs of an example, on average; 0 where none are known.
        answer: of a target, on average; 0 where none are known.
    """

    fixed: int
    wide: int
    inputs: float = 0.0
    answer: float = 0.0

    def dollars(self, price: Price) -> float:
        """What a call costs, in US dollars."""
        return cost(price, Usage(round(self.fixed + self.inputs), round(self.answer)))


def weigh(
    prompt: Prompt, inputs: Sequence[Mapping[str, str]] = (), answers: Sequence[str] = ()
) -> Weight:
    """Weigh a prompt; of a program, the prompts of all steps together.

    Args:
        prompt: the prompt.
        inputs: of examples; none where there is no task.
        answers: right ones.
    """
    fixed = _text(prompt, dict.fromkeys(prompt.variables, ""))
    sent = [estimated_tokens(_text(prompt, values)) for values in inputs]
    n_fixed = estimated_tokens(fixed)
    return Weight(
        n_fixed,
        estimated_tokens("".join(WIDE.findall(fixed))),
        max(0.0, fmean(sent) - n_fixed) if sent else 0.0,
        fmean(map(estimated_tokens, answers)) if answers else 0.0,
    )


def _text(prompt: Prompt, values: Mapping[str, str]) -> str:
    return "\n".join(
        message.content
        for step in prompt.steps.values()
        for message in step.messages({name: values.get(name, "") for name in step.variables})
    )
