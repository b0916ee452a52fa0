"""Tools of a task: what the model may call in place of answering, as JSON in place or in a file."""

from pathlib import Path
from typing import Any

from apo.errors import PromptError
from apo.prompts.prompt import Prompt
from apo.taskfile.output_schema import json_file

KEY = "tools"
NOTE = (
    "Tools are declared to the task model, and no tool is run: a call is the answer that is "
    'judged, as JSON, {"name": …, "arguments": {…}}; several are a list.'
)


def tools_reference(given: Any) -> str:
    """The file that `tools` names; "" for tools in place."""
    return given if isinstance(given, str) else ""


def with_tools(prompt: Prompt, given: Any, folder: Path) -> Prompt:
    """Have a prompt declare tools; of a program, its last step.

    Args:
        prompt: what asks.
        given: a list of functions, or the path of a JSON file with one.
        folder: where paths start.

    Raises:
        TaskError: there is no such file, or it holds no JSON.
        PromptError: a tool is no function, or decoding.extra has tools already.
    """
    tools = json_file(KEY, given, folder) if isinstance(given, str) else given
    *_, last = prompt.steps
    asking = prompt.steps[last]
    if KEY in asking.decoding.extra:
        raise PromptError(f"{KEY} is given, and decoding.extra has {KEY}; leave one out.")
    return prompt.with_steps({last: asking.with_extra({KEY: tools})})
