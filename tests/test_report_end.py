"""The end of a run on a terminal: the verdict stays in sight, and commands can be copied."""

import re
from typing import Any

import pytest
from rich.text import Text

from apo.cli.console import fail, results
from apo.cli.prompts import MAX_LINES, marked, shortened
from apo.cli.report import next_steps, tell_outcome
from apo.errors import ApoError, Interrupted, SettingsError
from apo.prompts.layout import Demo
from apo.prompts.prompt import Prompt
from apo.results.outcome import outcome
from apo.results.words import sentence
from apo.tracking.summary import outcome_sentence


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setattr(results, "_width", 80)


@pytest.mark.parametrize("n", [1, MAX_LINES - 3])
def test_a_short_prompt_is_shown_whole_with_its_turns_marked(n: int) -> None:
    text = "\n".join(map(str, range(n)))
    shown = shortened(Prompt(text), "apo x").plain
    assert shown == f"── system ──\n{text}\n── user ──\n{{{{input}}}}"


@pytest.mark.parametrize(
    "text", ["\n".join(map(str, range(136))), "word " * 2000, "가나다" * 900, "x" * 5000]
)
def test_a_long_prompt_keeps_its_beginning_and_its_end(text: str) -> None:
    lines = shortened(Prompt(text), "apo export a-b-1 --best").plain.split("\n")
    assert len(lines) == MAX_LINES + 1
    assert max(Text(line).cell_len for line in lines) <= 76
    assert lines[0] == "── system ──"
    assert lines[1].startswith(text[:10].split("\n")[0])
    assert lines[-2:] == ["── user ──", "{{input}}"]
    assert re.fullmatch(r"… \d+ lines more: apo export a-b-1 --best", lines[-6])


def test_the_turns_of_demos_are_marked() -> None:
    shown = marked(Prompt("Sort.", demos=(Demo("a", "b"), Demo("c", "d")))).plain
    roles = re.findall("── (.*) ──", shown)
    assert roles == ["system", *["user", "assistant"] * 2, "user"]


def test_one_wording_of_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    verdict: dict[str, Any] = {"n": 208, "seed_score": 0.366, "best_score": 0.837, "wins": 99}
    verdict |= {"losses": 1, "interval": [0.4, 0.5], "p_value": 1e-9, "favourable": True}
    figures = "36.6 % → 83.7 %, +47.1 points on 208 test examples, 95 % interval +40.0 to +50.0"
    assert sentence(verdict) == f"Favourable: {figures}, p = 1e-09; 99 won, 1 lost."
    result = {"seed_prompt": {}, "best_prompt": {"x": 1}, "verdict": verdict | {"complete": True}}
    assert outcome_sentence({}, result) == sentence(verdict)
    lost = {**verdict, "favourable": False, "broken": ["e1"], "advice": "", "complete": True}
    tell_outcome(outcome({**result, "verdict": lost}), lost, "a-b-1")
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith("Not favourable, as 1 example that must pass is lost: 36.6 % → 83.7 %")
    assert "They are e1; look: apo show a-b-1 --flips" in told


@pytest.mark.parametrize("logged", [True, False])
def test_a_command_stands_alone_on_its_line(
    logged: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    next_steps("support-tickets-auto-61e82c", logged=logged)
    told = [line.split(": ")[1].strip() for line in capsys.readouterr().err.splitlines()]
    run = "support-tickets-auto-61e82c"
    steps = [f"apo {command} {run}" for command in ("show", "report", "export")]
    assert told == [*steps, *(["apo ui"] if logged else [])]


@pytest.mark.parametrize("paid", [True, False])
def test_what_was_paid_is_told_where_something_was(
    paid: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    error = ApoError("It failed.")
    error.run_id, error.paid = "a-b-1", paid
    assert fail(error) == 1
    kept = "What was paid is kept. " if paid else ""
    assert capsys.readouterr().err == f"error: It failed.\n{kept}Go on with: apo resume a-b-1\n"


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (ApoError("It failed."), 3, 2),
        (SettingsError("Too small. Overspent: 9 of 3 tokens."), 3, 1),  # It has the words already.
        (Interrupted("Stopped."), 130, 2),
    ],
    ids=["any error", "the seed", "stopped"],
)
def test_an_error_that_ends_an_overspent_run_has_its_code(
    error: ApoError, code: int, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    error.overspent = "Overspent: 9 of 3 tokens."
    assert fail(error) == code
    told = capsys.readouterr().err
    assert told.count("Overspent: 9 of 3 tokens.") == 1
    assert len(told.splitlines()) == lines
