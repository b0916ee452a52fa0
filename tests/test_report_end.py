"""The end of a run on a terminal: the verdict stays in sight, and commands can be copied."""

import pytest

from apo.cli.report import MAX_LINES, next_steps, shortened


@pytest.mark.parametrize("n", [1, MAX_LINES])
def test_a_short_prompt_is_shown_whole(n: int) -> None:
    text = "\n".join(map(str, range(n)))
    assert shortened(text, "r") == text


def test_a_long_prompt_keeps_its_beginning_and_its_end() -> None:
    lines = shortened("\n".join(map(str, range(136))), "a-b-1").split("\n")
    assert len(lines) == MAX_LINES + 1
    assert (lines[0], lines[-1]) == ("0", "135")
    assert lines[-6] == "… 106 lines more: apo export a-b-1 --best"


def test_a_command_stands_alone_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    next_steps("support-tickets-auto-61e82c")
    told = [line.split(": ")[1].strip() for line in capsys.readouterr().err.splitlines()]
    run = "support-tickets-auto-61e82c"
    assert told == [f"apo show {run}", f"apo export {run}", "apo ui"]
