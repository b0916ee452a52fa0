"""What an answered call took, and what the journal keeps of its answer."""

import json

from apo.calls.call import Call
from apo.calls.costs import Cost, actual
from apo.calls.meter import Meter
from apo.errors import LikelihoodError, ModelError
from apo.model import Completion, Model, Request
from apo.storage.rows import Entry
from apo.usage import Usage


def count(meter: Meter, call: Call, entry: Entry) -> Cost:
    """Count what an answered call took, and give it.

    A refusal that is not billed took nothing. One that is took what its reply stated; where it
    stated nothing, what it was sent at most, and no answer.
    """
    took = _took(call, entry)
    endpoint = call.answered_by(entry.model)
    if meter.budget.meters_tokens:
        meter.reserved.learn(entry.model, call.bound(endpoint, entry.bound), took)
    meter.spent.add(took, entry.usage)
    meter.spent.reused_calls += entry.reused
    meter.spent.reused_usd += (took.usd or 0.0) * entry.reused
    return took


def cut_off(meter: Meter, call: Call, entry: Entry) -> Cost:
    """Take back what was counted for an answer that was cut and asked for again, and give it."""
    took = _took(call, entry)
    meter.spent.take_back(took, entry.usage)
    return took


def _took(call: Call, entry: Entry) -> Cost:
    usage = entry.usage
    if entry.error and not entry.failure().billed:
        usage = Usage(0, 0)
    elif entry.error:
        usage = usage._replace(output_tokens=usage.output_tokens or 0)
    endpoint = call.answered_by(entry.model)
    return actual(usage, endpoint.price, lambda: call.bound(endpoint, entry.bound))


def unanswered(error: ModelError) -> Completion:
    """What is there to be counted of an attempt that brought no answer."""
    return Completion(text="", usage=error.usage or Usage())


def text_to_keep(request: Request, completion: Completion, model: Model) -> str:
    """What the journal keeps of an answer: its text, or the log-probabilities as JSON.

    Raises:
        LikelihoodError: log-probabilities were asked for, and there are none.
    """
    if request.continuation:
        if not completion.logprobs:
            raise LikelihoodError(model.name, "it gave no log-probabilities.")
        return json.dumps(completion.logprobs)
    return completion.text


def mean_logprob(request: Request, completion: Completion) -> float | None:
    """The mean log-probability of an answer's tokens; None where there are none, or no answer."""
    if request.continuation or not completion.logprobs:
        return None
    return sum(completion.logprobs) / len(completion.logprobs)
