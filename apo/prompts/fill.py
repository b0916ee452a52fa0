"""Variables in braces, and values put into their places."""

import re
from collections.abc import Mapping
from functools import lru_cache

from apo.errors import PromptError, near

VARIABLE = re.compile(r"\{\{\s*([^{}\s\"'](?:[^{}]*[^{}\s])?)\s*\}\}")
"""A name in double braces; what begins with a quotation mark is JSON with its braces doubled."""


def fill(template: str, inputs: Mapping[str, str] | None) -> str:
    """Put the inputs in the place of the {{variables}}, as literal text; None leaves them.

    Raises:
        PromptError: a variable has no value in inputs.
    """
    if inputs is None:
        return template
    pieces = list(_pieces(template))
    for name in pieces[1::2]:
        if name not in inputs:
            raise PromptError(
                f"The prompt has a variable {{{{{name}}}}}, which is no input field."
                f"{near(name, list(inputs))}"
            )
    pieces[1::2] = [inputs[name] for name in pieces[1::2]]
    return "".join(pieces)


@lru_cache(maxsize=256)
def _pieces(template: str) -> tuple[str, ...]:
    """Literal text and names of variables in turn, literal text first and last."""
    return tuple(VARIABLE.split(template))
