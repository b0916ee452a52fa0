"""The ways of speaking of servers, by name."""

from collections.abc import Callable
from dataclasses import dataclass

from apo.errors import SettingsError, near
from apo.testing.changes import (
    Body,
    all_beside,
    as_completions,
    as_it_is,
    beside,
    calls_a_tool,
    counts,
    declines,
    ends,
    fails,
    has_no_choice,
    in_parts,
    said,
    says_only,
    second_first,
    thinks_unseen,
    whole_floats,
)


@dataclass(frozen=True, kw_only=True)
class Manner:
    """A server's way of speaking.

    Attributes:
        about: what it does, in words.
        change: makes the body of a right answer to that of this server, given the answer's text.
        refuses: options that it refuses by name; "system" is the role of a turn.
        header: a header that it wants; "" for none.
        refuses_all: the words with which it refuses every request, under 403; "" for none.
        streams: whether it answers in server-sent events, though it was not asked to.
        understood: whether its answers can be understood; otherwise a run stops.
        final: whether it stops at the first of them, as asking again is of no use.
    """

    about: str
    change: Callable[[Body, str], None] = as_it_is
    refuses: tuple[str, ...] = ()
    header: str = ""
    streams: bool = False
    refuses_all: str = ""
    understood: bool = True
    final: bool = False


MANNERS = {
    "plain": Manner(about="a text, and nothing else"),
    "think": Manner(
        about="thinking in <think> tags before the answer",
        change=said("<think>\nTHOUGHT\n</think>\n\nANSWER"),
    ),
    "lone-think": Manner(about="a lone </think>", change=said("THOUGHT\n</think>\n\nANSWER")),
    "thinking": Manner(
        about="thinking in <thinking> tags", change=said("<thinking>THOUGHT</thinking>\nANSWER")
    ),
    "brackets": Manner(about="[THINK]…[/THINK]", change=said("[THINK]THOUGHT[/THINK]ANSWER")),
    "harmony": Manner(
        about="the channels of gpt-oss in the text",
        change=said(
            "<|channel|>analysis<|message|>THOUGHT<|end|><|start|>assistant"
            "<|channel|>final<|message|>ANSWER"
        ),
    ),
    "reasoning-content": Manner(
        about="thinking in reasoning_content", change=beside("reasoning_content")
    ),
    "all-thinking": Manner(about="the answer in reasoning_content", change=all_beside),
    "reasoning": Manner(about="thinking in the field reasoning", change=beside("reasoning")),
    "parts": Manner(about="a content of parts, one of thinking", change=in_parts),
    "streamed": Manner(about="server-sent events that nobody asked for", streams=True),
    "reasoner": Manner(
        about="refuses max_tokens, temperature, top_p, penalties and stop",
        refuses=(
            "max_tokens",
            "temperature",
            "top_p",
            "frequency_penalty",
            "presence_penalty",
            "stop",
        ),
    ),
    "older": Manner(about="refuses max_completion_tokens", refuses=("max_completion_tokens",)),
    "no-seed": Manner(about="refuses a seed", refuses=("seed",)),
    "no-system": Manner(about="refuses system turns", refuses=("system",)),
    "zero-usage": Manner(about="counts 0 tokens", change=counts(0)),
    "negative-usage": Manner(about="counts -7 tokens", change=counts(-7)),
    "text-usage": Manner(about="counts 'many' tokens", change=counts("many")),
    "absurd-usage": Manner(about="counts 2^63 - 1 tokens", change=counts(2**63 - 1)),
    "total-usage": Manner(
        about="895 tokens of thoughts in total_tokens alone, as Gemini counts them",
        change=thinks_unseen(told=False),
    ),
    "apart-usage": Manner(
        about="895 tokens of thoughts beside completion_tokens, as Grok counts them",
        change=thinks_unseen(told=True),
    ),
    "gateway": Manner(
        about="a gateway that wants the header X-Gateway-Key", header="x-gateway-key"
    ),
    "no-limit": Manner(
        about="refuses both names of an answer's limit",
        refuses=("max_tokens", "max_completion_tokens"),
    ),
    "cut": Manner(about="cut while it still thinks: no content", change=ends("length")),
    "finish-error": Manner(
        about="200 with finish_reason error", change=ends("error"), understood=False
    ),
    "error-object": Manner(about="200 with an error", change=fails, understood=False),
    "no-choice": Manner(about="200 without a choice", change=has_no_choice, understood=False),
    "stream-error": Manner(
        about="a stream that ends in an error", change=fails, streams=True, understood=False
    ),
    "completions": Manner(about="choices[].text, as /completions has it", change=as_completions),
    "second-first": Manner(about="choices out of the order of index", change=second_first),
    "float-usage": Manner(about="counts 50.0 tokens", change=whole_floats),
    "empty": Manner(about="an empty text", change=said("")),
    "declined": Manner(about="content null beside a refusal in words", change=declines),
    "tool-call": Manner(
        about="a call of a tool in place of an answer",
        change=calls_a_tool,
        understood=False,
        final=True,
    ),
    "status-error": Manner(
        about="200 with status error and a message",
        change=says_only("quota exceeded"),
        understood=False,
    ),
    "no-key": Manner(
        about="200 with a message that says the key is invalid",
        change=says_only("Invalid API key"),
        understood=False,
        final=True,
    ),
    "flagged": Manner(
        about="403: a filter flagged the request",
        refuses_all="Your input was flagged by moderation.",
    ),
    "filtered": Manner(about="200 with content_filter", change=ends("content_filter")),
}


def manner(name: str) -> Manner:
    """Find a way of speaking by its name.

    Raises:
        SettingsError: there is none.
    """
    if name not in MANNERS:
        raise SettingsError(f"There is no dialect {name!r}.{near(name, list(MANNERS))}")
    return MANNERS[name]
