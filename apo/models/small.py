"""Which language models are small: their replies have to be begun for them.

A model of some hundred million parameters forgets, over a long request, in which form it is to
reply; where the form's first word stands there already, it goes on with it.
"""

import math
import re

FILE = 2**30
"""Bytes of a file of weights from which on its model is not small: two billion parameters of four
bits each."""
PARAMETERS = 2e9
"""The same of a name that tells the number of its parameters."""
_TOLD = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)([mb])(?![a-z0-9])", re.IGNORECASE)
_UNIT = {"m": 1e6, "b": 1e9}


def named_small(name: str, size: float = math.inf) -> bool:
    """Whether a model has few parameters: by its name, as in "qwen2.5-0.5b-instruct".

    Args:
        name: of the model, or of the file of its weights.
        size: bytes of that file, by which it is told where the name does not tell.
    """
    told = [float(number) * _UNIT[unit.lower()] for number, unit in _TOLD.findall(name)]
    return max(told) < PARAMETERS if told else size < FILE
