"""Answers the last user turn the way the prompt asks."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from random import Random

from apo.model import Message
from apo.models.embedded.arithmetic import solve
from apo.models.embedded.chat import Conversation, take_apart
from apo.models.embedded.classify import choose
from apo.models.embedded.extract import extract
from apo.models.embedded.forms import dress, shown_form
from apo.models.embedded.learn import learn
from apo.models.embedded.lists import options
from apo.models.embedded.merging import merge
from apo.models.embedded.reading import read
from apo.models.embedded.rules import Rules
from apo.models.embedded.text import mentions, mostly_korean, stems, words

_DEMO_WEIGHT = 0.7
_MAX_LENGTH = 20_000
"""Longest input that is searched for values, in characters."""


def answer(messages: Sequence[Message], temperature: float, rng: Random) -> str:
    """Answer the last user turn.

    Args:
        messages: the chat.
        temperature: 0 for the best answer, above 0 for a draw.
        rng: where draws come from.
    """
    chat = take_apart(messages)
    rules = rules_of(chat.instruction, chat.demos)
    reply = _work(chat, rules, temperature, rng)
    if not reply:
        return _small_talk(chat)
    form = shown_form(rules.form, [shown for _, shown in chat.demos], chat.cue)
    return dress(reply, form, chat.instruction)


@lru_cache(maxsize=1024)
def rules_of(instruction: str, demos: tuple[tuple[str, str], ...]) -> Rules:
    """What the instruction states, with the cues that the demos add to it."""
    rules = read(instruction)
    if not demos:
        return rules
    labels = rules.names if rules.work == "classify" else ()
    shown = learn(tuple((text, _label_in(answer, labels)) for text, answer in demos), labels)
    if rules.work == shown.work:
        return merge([rules, shown], [1.0, _DEMO_WEIGHT])
    return replace(shown, form=rules.form) if rules.work == "chat" else rules


def _label_in(answer: str, labels: tuple[str, ...]) -> str:
    """The one label that a demo's answer names, else the answer as it stands."""
    named = [label for label in labels if mentions(answer, label)]
    return named[0] if len(named) == 1 else answer


def _work(chat: Conversation, rules: Rules, temperature: float, rng: Random) -> str:
    offered = options(chat.text)
    if rules.work == "extract":
        return extract(rules, chat.text[:_MAX_LENGTH])
    if rules.work == "compute" and not offered:
        return solve(rules, chat.text[:_MAX_LENGTH])
    names = rules.names if rules.work == "classify" else offered
    return choose(names, rules, chat.text, temperature, rng) if names else ""


def _small_talk(chat: Conversation) -> str:
    said = sorted(stems(chat.text), key=len)[-1:]
    about = next(
        (word for word in words(chat.text) if [word.lower()[: len(s)] for s in said] == said), ""
    )
    if mostly_korean(chat.instruction or chat.text):
        return (
            f"말씀해 주셔서 감사합니다. {about} 이야기로 보입니다."
            if about
            else "말씀해 주셔서 감사합니다."
        )
    return (
        f"Thank you for sharing this. It seems to be about {about}."
        if about
        else "Thank you for sharing this."
    )
