"""`dspy.Example`s as rows, with the inputs that they name."""

from collections.abc import Iterable, Sequence
from typing import Any, cast


def is_examples(source: object) -> bool:
    """Whether data are a list of `dspy.Example`s."""
    if not isinstance(source, Sequence) or not source:
        return False
    first: Any = cast("Sequence[object]", source)[0]
    return type(first).__module__.startswith("dspy.") and hasattr(first, "toDict")


def plain_examples(source: Iterable[Any]) -> list[dict[str, Any]]:
    """The fields of each example."""
    return [dict(example.items()) for example in source]


def roles(source: object) -> tuple[tuple[str, ...], str]:
    """The input columns and the target column that examples name; empty where they name none.

    `with_inputs` names the inputs; what is left is the target, where it is one field.
    """
    if not is_examples(source):
        return (), ""
    first: Any = cast("Sequence[object]", source)[0]
    try:
        inputs, labels = tuple(first.inputs().keys()), list(first.labels().keys())
    except ValueError:  # Nobody called with_inputs.
        return (), ""
    return inputs, labels[0] if len(labels) == 1 else ""
