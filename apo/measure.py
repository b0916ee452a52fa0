"""One prompt on some examples: the answers scored, or the right answers' likelihood."""

from collections.abc import Sequence

from apo.caller import Call, Caller, Endpoint
from apo.concurrency import gather
from apo.errors import ContentFilterError, ContextLengthError
from apo.evaluation import Evaluation, Rollout
from apo.model import Request
from apo.prompt import Prompt
from apo.task import Example, Task


async def measure(
    caller: Caller,
    endpoint: Endpoint,
    task: Task,
    prompt: Prompt,
    examples: Sequence[Example],
    *,
    place: str = "",
) -> Evaluation:
    """Score a prompt on examples through the caller; what fails for good is an error, not a 0.

    With a place the answers are drawn for it alone; without, an answer once given holds.

    Raises:
        TaskError: the scorer raised, or gave no score in [0, 1].
        BudgetExhausted: the calls that are missing would overspend; none of them was made.
    """
    calls = [
        Call.to(
            endpoint,
            Request(messages=prompt.messages(example.inputs), decoding=prompt.decoding),
            place=f"{place}:{i}" if place else "",
            note=f"{prompt.id} {example.id}",
        )
        for i, example in enumerate(examples)
    ]
    caller.charge(calls)

    async def roll(call: Call, example: Example) -> Rollout:
        try:
            completion = await caller.answer(call)
        except (ContextLengthError, ContentFilterError) as error:
            return Rollout(example, "", None, f"{type(error).__name__}: {error}")
        usage = completion.usage
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        return Rollout(example, completion.text, task.judge(completion.text, example), "", tokens)

    rollouts = await gather(roll(c, e) for c, e in zip(calls, examples, strict=True))
    return Evaluation(prompt, tuple(rollouts))


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
    calls = [
        Call.to(
            endpoint,
            Request(
                messages=prompt.messages(example.inputs),
                decoding=prompt.decoding,
                continuation=example.target,
            ),
            note=f"{prompt.id} {example.id}",
        )
        for example in examples
    ]
    caller.charge(calls)

    async def ask(call: Call) -> float | None:
        try:
            logprobs = (await caller.answer(call)).logprobs
        except (ContextLengthError, ContentFilterError):
            return None
        return sum(logprobs) / len(logprobs) if logprobs else None

    return tuple(await gather(ask(call) for call in calls))
