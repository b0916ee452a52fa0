"""A program's prompts: one candidate, whichever of its steps is in focus."""

from dataclasses import replace
from pathlib import Path

import pytest

from apo import Demo, Prompt, PromptError, PromptSet
from apo.prompts.forms.loss import lost
from apo.prompts.forms.reading import read_prompt
from apo.prompts.forms.registry import FORMATS, write_prompt

EXTRACT = Prompt("Say what is wanted.", template="{{ticket}}")
DECIDE = Prompt("Name the team.", template="{{ticket}}\n{{extract}}")
STEPS = {"extract": EXTRACT, "decide": DECIDE}
BOTH = PromptSet.of(STEPS)


def test_what_changes_a_prompt_changes_the_step_in_focus() -> None:
    changed = BOTH.focused("decide").with_instruction("Which team?")
    assert isinstance(changed, PromptSet)
    assert changed.steps == {"extract": EXTRACT, "decide": DECIDE.with_instruction("Which team?")}
    assert changed.focus == "decide"
    assert (changed.instruction, changed.template) == ("Which team?", DECIDE.template)
    mended = changed.focused("extract").with_demos((Demo("a", "b"),))
    assert mended.steps["extract"].demos == (Demo("a", "b"),)
    assert list(mended.steps) == ["extract", "decide"]


def test_the_focus_is_no_part_of_what_a_candidate_is() -> None:
    other = BOTH.focused("decide")
    assert (other, hash(other), other.id) == (BOTH, hash(BOTH), BOTH.id)
    assert other.text() == BOTH.text()
    assert {BOTH: 1}[other] == 1
    assert BOTH != EXTRACT
    assert EXTRACT != BOTH
    assert other.with_instruction("x") != BOTH.with_instruction("x")


def test_a_prompt_that_stands_alone_is_its_own_step() -> None:
    assert EXTRACT.steps == {"": EXTRACT}
    assert EXTRACT.focused("") is EXTRACT
    assert EXTRACT.with_steps({"": DECIDE}) is DECIDE
    with pytest.raises(PromptError, match="no step 'decide'"):
        EXTRACT.focused("decide")


def test_it_reads_back_from_json_with_its_steps_in_order() -> None:
    again = Prompt.from_dict(BOTH.focused("decide").to_dict())
    assert again == BOTH
    assert list(again.steps) == ["extract", "decide"]
    assert again.focus == "extract"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"instruction": "x"}], "needs a name of its own|each is an object with a name"),
        ([{"name": "a", "instruction": "x"}] * 2, "each is an object with a name of its own"),
        ("extract", "'extract' is no step"),
        ([], "at least one step"),
        ([{"name": "a", "instrction": "x"}], "no part 'instrction'"),
    ],
)
def test_what_is_no_set_of_prompts_is_said(steps: object, said: str) -> None:
    with pytest.raises(PromptError, match=said):
        Prompt.from_dict({"apo_prompt": 1, "steps": steps})


def test_parts_beside_the_steps_are_refused() -> None:
    with pytest.raises(PromptError, match="no part 'instruction' beside steps"):
        Prompt.from_dict({**BOTH.to_dict(), "instruction": "x"})


def test_it_has_no_single_chat() -> None:
    with pytest.raises(PromptError, match="each of the steps extract, decide"):
        BOTH.messages({"ticket": "x"})


def test_what_holds_for_all_answers_is_set_in_all_steps() -> None:
    for changed in (BOTH.at_temperature(0.7), BOTH.with_max_tokens(9), BOTH.with_extra({"k": 1})):
        assert changed.steps["extract"].decoding == changed.steps["decide"].decoding
        assert changed.steps["decide"].decoding != DECIDE.decoding
    left = PromptSet.of(
        {"a": replace(EXTRACT, decoding=replace(EXTRACT.decoding, temperature=None))}
    )
    assert left.at_temperature(1.0) == left


def test_labelled_rows_are_demos_of_the_last_step_alone() -> None:
    row = {"ticket": "t"}
    assert BOTH.demo(row, "billing") == Demo("", "")
    assert BOTH.focused("decide").demo(row, "billing") == Demo("", "")  # It needs {{extract}}.
    given = PromptSet.of({"extract": EXTRACT, "decide": EXTRACT}, "decide")
    assert given.demo(row, "billing") == Demo("t", "billing")
    assert given.with_demos((Demo("", ""), Demo("t", "billing"))).demos == (Demo("t", "billing"),)


@pytest.mark.parametrize("form", FORMATS)
def test_forms_hold_all_prompts_or_refuse_in_words(form: str, tmp_path: Path) -> None:
    if form not in ("json", "yaml"):
        with pytest.raises(PromptError, match=f"the form {form} holds one prompt"):
            write_prompt(BOTH, form)
        return
    file = tmp_path / f"prompts.{form}"
    file.write_text(write_prompt(BOTH, form), "utf-8")
    assert read_prompt(file, ["ticket"]).prompt == BOTH
    assert lost(BOTH, form, file.read_text("utf-8")) == []
