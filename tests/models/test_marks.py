"""An answer ends where a chat template's mark ends the turn."""

import pytest

from apo.model import Completion, Message, Request
from apo.models.intake import settle
from apo.models.marks import before_end


@pytest.mark.parametrize(
    "mark",
    ["<|im_end|>", "<|eot_id|>", "</s>", "<|end|>", "<end_of_turn>", "<|endoftext|>"],
)
def test_an_answer_ends_at_the_first_mark(mark: str) -> None:
    request = Request((Message("user", "Which label?"),))
    completion = Completion(f"bug{mark}\n<|im_start|>user\nNext: login{mark}")
    assert settle(request, completion)[0].text == "bug"
    assert before_end(f"A. x\nB. y \n{mark}") == "A. x\nB. y"


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Old: <s>9</s> new: 8", ""),
        ("split at <|endoftext|> here", "Where does <|endoftext|> stand?"),
        ("<|im_start|>assistant\nbug", ""),
        ("a < b | c > d <|x|>", ""),
    ],
)
def test_what_ends_no_turn_stays(text: str, prompt: str) -> None:
    assert before_end(text, [prompt]) == text
