"""How likely a model holds the right answers: their log-probabilities after a prompt."""

from collections.abc import Sequence

from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.errors import ModelError
from apo.evaluation.measure import collect
from apo.model import Completion, Request
from apo.prompts.prompt import Prompt
from apo.task import Example


async def likelihoods(
    caller: Caller, endpoint: Endpoint, prompt: Prompt, examples: Sequence[Example]
) -> tuple[float | None, ...]:
    """Ask how likely the right answers are: the mean log-probability of a token, in nats.

    Returns:
        For each example at most 0, the higher the likelier; None where the provider refused, or the
        right answer is to say nothing.

    Raises:
        LikelihoodError: the model gives no log-probabilities.
        BudgetExhausted: the calls that are missing would overspend; none of them was made.
    """
    asked = (
        (
            Call.to(
                endpoint,
                Request(
                    messages=prompt.messages(example.inputs),
                    decoding=prompt.decoding,
                    continuation=example.target,
                ),
                note=f"{prompt.id} {example.id}",
            ),
            example,
        )
        for example in examples
    )

    def mean(found: Completion | ModelError, example: Example) -> float | None:
        logprobs = () if isinstance(found, ModelError) else found.logprobs
        return sum(logprobs) / len(logprobs) if logprobs else None

    return tuple(await collect(caller, asked, mean))
