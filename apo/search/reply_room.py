"""How long a reply of the optimizer model may be, from what its meta-prompt asks for."""

import re

from apo.evaluation.room import asks_reasoning
from apo.prompts.meta_prompts import MetaPrompt

GROWTH, NEW = 2, 2000
"""An instruction may grow to so many times its parent's characters, and by so many more."""
AROUND, REASONS = 256, 512
"""Tokens beside it: of tags and a preamble, and where reasons are asked for as well."""
BEGUN_NEW, BEGUN_AROUND = 600, 32
"""The same where the reply is begun for the model, which goes on with the text at once."""
LATIN, HANGUL = 1 / 3, 1.5
"""Tokens a character, rather too many: English has a quarter, Korean 0.8 to 1.4."""
BRIEFER = 0.6
"""Characters of Korean for one of English: our meta-prompts, with their tags, have 0.72."""
_HANGUL = re.compile("[가-힣]")


def reply_room(meta: MetaPrompt, max_chars: int, *, begun: bool = False) -> int:
    """The most tokens of a reply, thinking apart.

    Args:
        meta: what is asked.
        max_chars: the longest instruction that a candidate may have, in characters.
        begun: whether the reply is begun for the model.
    """
    parent = max((len(prompt.instruction) for prompt in meta.parents), default=0)
    korean = _HANGUL.search(meta.text) is not None
    more = (BEGUN_NEW if begun else NEW) * (BRIEFER if korean else 1)
    chars = min(max_chars, GROWTH * parent + more)
    each = HANGUL if korean else LATIN
    if begun:
        return round(each * chars) + BEGUN_AROUND
    return round(each * chars) + (REASONS if asks_reasoning(meta.text) else AROUND)
