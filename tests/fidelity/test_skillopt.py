"""SkillOpt (Yang et al., 2026): a schedule of edits, a buffer of those rejected, a slow update."""

import re

import pytest

from apo.optimizers.parts.skillopt_edits import Edit, applied, edit_budget, read_edits
from apo.optimizers.skillopt import SkillOpt
from tests.fidelity.conftest import Run


def test_edits_are_read_in_three_forms_and_in_two_languages() -> None:
    reply = (
        "add: Say it.\n- replace: the old => the new\n3. delete: waste\n추가: 말하세요\n"
        "교체: 가 => 나\n삭제: 다\nreplace: no arrow\nSome talk.\nadd: Say it."
    )
    found = [(old, new) for old, new, _ in read_edits(reply, 9)]
    assert found == [
        ("", "Say it."), ("the old", "the new"), ("waste", ""), ("", "말하세요"), ("가", "나"),
        ("다", ""),
    ]  # fmt: skip
    assert read_edits(reply, 2) == [
        Edit("", "Say it.", "add: Say it."),
        Edit("the old", "the new", "replace: the old => the new"),
    ]


def test_what_is_in_no_form_is_taken_as_additions() -> None:
    reply = "Here is my advice:\n- Say the label alone.\n2. Read all of it.\nThat is all."
    assert [(e.old, e.new) for e in read_edits(reply, 9)] == [
        ("", "Say the label alone."), ("", "Read all of it."),
    ]  # fmt: skip
    assert [e.line for e in read_edits(f"{reply}\nadd: One.", 9)] == ["add: One."]
    assert [e.new for e in read_edits("No list.\nNo form.", 9)] == ["No list.", "No form."]
    assert read_edits("none", 9) == []


def test_edits_are_made_in_order_and_what_is_not_there_is_passed_over() -> None:
    edits = read_edits("delete: two\nreplace: one => 1\nreplace: three => 3\nadd: end", 9)
    assert applied("one two one", edits) == "1  one\nend"


@pytest.mark.parametrize(("n_steps", "budgets"), [(4, [4, 3, 2, 2]), (1, [4]), (2, [3, 2])])
def test_the_budget_falls_by_half_a_cosine(n_steps: int, budgets: list[int]) -> None:
    assert [edit_budget(k + 1, n_steps, 4, 2) for k in range(n_steps)] == budgets


def test_what_is_not_better_is_taken_back_and_told_until_the_epoch_ends(run: Run) -> None:
    """Steps of an epoch: a useless edit, one that gains, a useless one; then a slow update."""

    def reply(n: int, text: str) -> str:
        if "several times" in text:
            return "<advice>Keep it up.</advice>"
        now, rest = text.split("<candidate>")[1].split("</candidate>")
        line = f"y{n}" if "+" in now else "+" if "add: x" in rest else "x"
        return f"<advice>add: {line}</advice>"

    seen = run(SkillOpt(n_epochs=2, batch_size=4), reply, size=12)
    told = list[str]()
    for text in (t for t in seen.writer.texts if "small edits" in t):
        lines = re.findall(r"^add: (\S)\d*$", text.split("</candidate>")[1], re.MULTILINE)
        told += ["".join(lines)] * ("".join(lines) != "".join(told[-1:]) or not told)
    # What was accepted is no part of it, and in another epoch it begins anew.
    assert re.fullmatch(r",x,,y+(,y+)?", ",".join(told)), told
    assert sum("several times" in t for t in seen.writer.texts) == 1  # From the second epoch on.
    assert seen.instructions[-1] == "Seed\n+\n\nKeep it up."


def test_more_edits_than_the_budget_are_ranked_in_one_request(run: Run) -> None:
    many = "<advice>" + "\n".join(f"add: rule {k}" for k in range(9)) + "</advice>"
    chosen = "<advice>add: rule 7\nadd: rule 2</advice>"
    seen = run(
        SkillOpt(n_epochs=1, batch_size=8, minibatch_size=4),
        lambda _, text: chosen if "Several editors" in text else many,
        size=8,
    )
    assert sum("Several editors" in t for t in seen.writer.texts) == 1
    assert "Seed\nrule 7\nrule 2" in seen.instructions
