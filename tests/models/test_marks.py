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


@pytest.mark.parametrize("ended", ["<|END_RESPONSE|>", ""])
def test_an_answer_begins_after_its_mark(ended: str) -> None:
    request = Request((Message("user", "Which label?"),))
    said = f"<|START_THINKING|>login?<|END_THINKING|><|START_RESPONSE|>bug{ended}"
    found, _ = settle(request, Completion(said))
    assert (found.thinking, found.text) == ("login?", "bug")
    found, _ = settle(request, Completion(f"<|START_RESPONSE|>bug{ended}"))
    assert (found.thinking, found.text) == ("", "bug")


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Old: <s>9</s> new: 8", ""),
        ("split at <|endoftext|> here", "Where does <|endoftext|> stand?"),
        ("<|im_start|>assistant\nbug", ""),
        ("<|START_RESPONSE|>bug", "Write <|START_RESPONSE|> and the label."),
        ("a < b | c > d <|x|>", ""),
    ],
)
def test_what_ends_no_turn_stays(text: str, prompt: str) -> None:
    assert before_end(text, [prompt]) == text
