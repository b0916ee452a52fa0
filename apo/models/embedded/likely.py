"""How likely a given answer is to the embedded model."""

import math
from collections.abc import Sequence
from random import Random

from apo.model import Message
from apo.models.embedded.answer import answer, rules_of
from apo.models.embedded.chat import take_apart
from apo.models.embedded.classify import weighed
from apo.models.embedded.forms import dress, shown_form
from apo.models.embedded.text import TOKEN

FLOOR = 1e-4
"""Probability of an answer that the model would never give."""
OUT_OF_FORM = 0.1
"""How much of a label's probability is left when it stands alone, and the form is another."""


def logprobs(messages: Sequence[Message], text: str) -> tuple[float, ...]:
    """Give the log-probability of each token of an answer; all of it is in the first token.

    Args:
        messages: the chat.
        text: the answer.
    """
    rest = max(1, len(TOKEN.findall(text))) - 1
    return (math.log(FLOOR + (1 - FLOOR) * _probability(messages, text)), *[0.0] * rest)


def _probability(messages: Sequence[Message], text: str) -> float:
    """A label's share by its evidence (softmax); elsewhere 1 for what the model answers."""
    chat = take_apart(messages)
    rules = rules_of(chat.instruction, chat.demos)
    if rules.work != "classify" or text not in rules.names:
        return float(answer(messages, 0.0, Random(0)) == text)
    score = weighed(rules.names, rules, chat.text)
    top = max(score.values())
    share = math.exp(score[text] - top) / sum(math.exp(value - top) for value in score.values())
    form = shown_form(rules.form, [shown for _, shown in chat.demos], chat.cue)
    return share * (1.0 if dress(text, form, chat.instruction) == text else OUT_OF_FORM)
