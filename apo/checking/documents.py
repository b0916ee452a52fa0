"""Whether the documents that a solver searches hold the rows that it is tested on."""

from collections.abc import Iterable, Iterator

from apo.checking.finding import Finding
from apo.programs.react import ReAct
from apo.task import Task

_LOOKED = 300
"""Test examples that are looked for: their share says enough."""
_LONG = 15
"""Characters of an input that stands nowhere by chance."""


def document_findings(task: Task) -> Iterator[Finding]:
    """Warn where documents hold inputs of the test split word for word."""
    if not isinstance(task.program, ReAct) or not task.program.documents:
        return
    text = "\n".join(task.program.documents).casefold()
    inputs = (_longest(example.inputs.values()) for example in task.test[:_LOOKED])
    looked = [found for found in inputs if found]
    held = sum(found in text for found in looked)
    if held:
        yield Finding(
            "warning",
            f"The solver's documents hold the inputs of {held} of {len(looked)} test examples word "
            "for word: if the answers stand beside them, the test measures a look-up.",
        )


def _longest(values: Iterable[str]) -> str:
    found = max(values, key=len, default="").casefold().strip()
    return found if len(found) >= _LONG else ""
