"""What `apo tokens` says of a prompt: estimated tokens by language, and dollars."""

from pathlib import Path

import pytest

from apo.cli import app
from apo.lint.tokens import weigh
from apo.models.prices import Price
from apo.prompts.layout import Demo
from apo.prompts.prompt import Prompt
from apo.prompts.prompt_set import PromptSet
from tests.commands import RUNNER


def test_korean_weighs_more_than_english() -> None:
    english, korean = weigh(Prompt("Sort the ticket.")), weigh(Prompt("문의를 분류하세요."))
    assert english.wide == 0
    assert korean.wide == 12  # Eight characters of one and a half tokens.
    assert korean.fixed > english.fixed


def test_inputs_and_answers_are_means() -> None:
    prompt = Prompt("Sort the ticket.", template="Ticket: {{ticket}}")
    rows = [{"ticket": "late"}, {"ticket": "late late late"}]
    weight = weigh(prompt, rows, ["bug", "refund now"])
    assert weight.inputs == 2
    assert weight.answer == 2
    dollars = weight.dollars(Price(1_000_000, 2_000_000))
    assert dollars == weight.fixed + 2 + 2 * 2


def test_demos_and_all_steps_count() -> None:
    plain = Prompt("Sort.")
    shown = Prompt("Sort.", demos=(Demo("a parcel is late", "delivery"),))
    assert weigh(shown).fixed > weigh(plain).fixed
    both = PromptSet.of({"a": plain, "b": plain})
    assert weigh(both).fixed == 2 * weigh(plain).fixed


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_prompt_weighs_nothing(text: str) -> None:
    assert weigh(Prompt(text)).fixed == 0


@pytest.mark.parametrize("command", ["tokens", "lint"])
def test_a_folder_stands_for_its_own_prompt(command: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *(f"{i},a" for i in range(9))]))
    (tmp_path / "task.yaml").write_text(
        "name: mine\ninputs: [text]\ntarget: label\ndata: rows.csv\nprompt: Never guess.\n"
    )
    done = RUNNER.invoke(app, [command, str(tmp_path)])
    assert done.exit_code == 0, done.exception
