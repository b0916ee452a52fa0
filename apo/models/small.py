"""Which language models are small: their replies have to be begun for them.

A model of some hundred million parameters forgets, over a long request, in which form it is to
reply; where the form's first word stands there already, it goes on with it.
"""

import re

FILE = 2**30
"""Bytes of a file of weights from which on its model is not small: two billion parameters of four
bits each."""
PARAMETERS = 2e9
"""The same of a name that tells the number of its parameters."""
_TOLD = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)([mb])(?![a-z0-9])", re.IGNORECASE)
_UNIT = {"m": 1e6, "b": 1e9}


def named_small(name: str) -> bool:
    """Whether a model's name tells few parameters, as in "qwen2.5-0.5b-instruct"."""
    told = [float(number) * _UNIT[unit.lower()] for number, unit in _TOLD.findall(name)]
    return bool(told) and max(told) < PARAMETERS
