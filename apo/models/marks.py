"""The marks of chat templates that some servers leave in a reply: an answer ends at the first end.

What a base model or a server without its stop texts writes after such a mark is another turn.
"""

import re
from collections.abc import Iterable

_END = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|end|endoftext|end_of_text|end_of_turn|return)\|>"
    r"|<end_of_turn>|<｜end▁of▁sentence｜>|<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>"
    r"|<\|(?:END_RESPONSE|end_of_solution)\|>"
    r"|(?P<eos></s>)"
)
_BEGIN = re.compile(r"\s*(<\|(?:START_RESPONSE|begin_of_solution)\|>)\s*")
"""What stands before an answer, after the thinking: Cohere's, Open Thoughts'."""


def before_end(text: str, prompt: Iterable[str] = ()) -> str:
    """Give the text up to the first mark that ends a turn, without one that begins the answer.

    Args:
        text: an answer.
        prompt: the texts that were sent; a mark that they name is part of the answer, and so is
            the `</s>` of HTML that strikes a text out.
    """
    sent = list(prompt)
    begin = _BEGIN.match(text)
    if begin is not None and not any(begin[1] in message for message in sent):
        text = text[begin.end() :]
    for mark in _END.finditer(text):
        struck = mark["eos"] and re.search(r"<s[ >]", text[: mark.start()])
        before = text[: mark.start()].rstrip()
        # A turn that only begins there has its answer after the mark.
        opens = not before and "start" in mark[0]
        if not (opens or struck or any(mark[0] in message for message in sent)):
            return before
    return text
