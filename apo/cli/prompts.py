"""A prompt as people read it on a terminal: its turns marked, a long one shortened."""

from rich.text import Text

from apo.cli.console import UNCUT, results
from apo.prompts.prompt import Prompt

MAX_LINES = 30
"""Of a prompt that a result shows, as long as the terminal is wide."""
KEPT_AT_END = 5
FRAME = 4
MAX_OPENING = 100
"""Characters of a prompt in a table's line where there is no terminal."""


def marked(prompt: Prompt) -> Text:
    """A prompt's turns, the role above each."""
    turns: list[Text] = []
    for message in prompt.messages():
        turns += [Text(f"── {message.role} ──", style="dim"), Text(message.content)]
    return Text("\n").join(turns)


def shortened(prompt: Prompt, command: str) -> Text:
    """A prompt's beginning and end, so that a long one does not scroll the verdict away.

    Args:
        prompt: the prompt.
        command: what shows the whole.
    """
    return cut(marked(prompt), command)


def cut(text: Text, command: str) -> Text:
    """A text's beginning and end, and the command that shows the whole, where it is long."""
    lines = text.wrap(results, max(20, results.width - FRAME))
    if len(lines) <= MAX_LINES:
        return text
    left_out = Text(f"… {len(lines) - MAX_LINES} lines more: {command}", style="dim")
    shown = [*lines[: MAX_LINES - KEPT_AT_END], left_out, *lines[-KEPT_AT_END:]]
    return Text("\n").join(shown)


def opening(text: str) -> Text:
    """A text on one line, for the last column of a table, which a terminal cuts off at its edge."""
    line = Text(" ".join(text.split()))
    line.truncate(MAX_OPENING if results.width >= UNCUT else results.width, overflow="ellipsis")
    return line


def decoding_of(prompt: Prompt) -> str:
    """What is sent beside the prompt, such as "temperature 0.3"; the provider's choice is none."""
    options = {k: v for k, v in prompt.decoding.to_dict().items() if v is not None}
    return ", ".join(f"{name} {_value(value)}" for name, value in options.items()) or "none"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
