"""Combee (Li et al., 2026): reflection over groups of copied and shuffled answers, then one join.

Section numbers are the paper's.
"""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from apo import Prompt, SettingsError
from apo.optimizers.combee import Combee
from apo.optimizers.gepa import GEPA
from apo.optimizers.parts.gepa_reflect import dealt
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, shown_inputs, tagged

MODULE = str(Path(__file__).parents[2] / "optimizers" / "combee.py")


def joins(text: str) -> bool:
    return text.count("<candidate>") > 1


def candidates(text: str) -> list[str]:
    return [str(found) for found in re.findall(r"<candidate>\n(.*?)\n</candidate>", text)]


@pytest.mark.parametrize(
    ("n", "sizes"),
    [(4, [4, 4]), (8, [8, 8]), (9, [6, 6, 6]), (10, [7, 7, 6]), (40, [14, 14, 13, 13, 13, 13])],
)
def test_answers_are_dealt_to_as_many_groups_as_the_root_of_their_number(
    n: int, sizes: list[int]
) -> None:
    """§3.1 and §3.2: k is the root of n, rounded down; each answer comes p times."""
    groups = dealt(Random(0), range(n), 2)
    assert [len(group) for group in groups] == sizes
    assert Counter(item for group in groups for item in group) == dict.fromkeys(range(n), 2)
    assert [item for group in groups for item in group] != [*range(n)] * 2


def test_few_answers_are_one_group_as_in_gepa() -> None:
    assert dealt(Random(0), [1, 2, 3], 2) == [[1, 2, 3]]
    assert dealt(Random(0), [], 2) == []


def test_each_group_is_reflected_on_and_one_request_joins_them(run: Run) -> None:
    seen = run(Combee(max_iterations=1, minibatch_size=9), lambda n, _: tagged(f"new {n}"), size=12)
    *maps, join = seen.writer.texts
    assert [joins(text) for text in seen.writer.texts] == [False] * 3 + [True]
    assert [len(shown_inputs(text)) for text in maps] == [6] * 3
    shown = Counter(name for text in maps for name in shown_inputs(text))
    assert sorted(shown.values()) == [2] * 9
    assert candidates(join) == ["Seed", "new 0", "new 1", "new 2"]
    assert shown_inputs(join) == []
    made = [e.body["operator"] for e in seen.events if e.kind == "candidate"]
    assert made == ["seed", "combee_reduce"]
    assert seen.instructions == ["Seed", "new 3"]  # The drafts are no candidates.


def test_copies_are_a_setting(run: Run) -> None:
    optimizer = Combee(max_iterations=1, minibatch_size=9, n_copies=1)
    seen = run(optimizer, lambda n, _: tagged(f"new {n}"), size=12)
    shown = [name for text in seen.writer.texts for name in shown_inputs(text)]
    assert len(shown) == len(set(shown)) == 9
    with pytest.raises(SettingsError, match="n_copies"):
        Combee(n_copies=0)


def test_a_small_minibatch_is_gepas_own_reflection(run: Run) -> None:
    seen = run(Combee(max_iterations=3, minibatch_size=3), lambda n, _: tagged(f"new {n}"), size=12)
    assert len(seen.writer.texts) == 3
    assert not any(map(joins, seen.writer.texts))


@pytest.mark.parametrize(
    ("readable", "joined"), [(3, ["new 0", "new 1", "new 2"]), (1, []), (0, [])]
)
def test_what_could_not_be_read_is_left_out(readable: int, joined: list[str], run: Run) -> None:
    """One draft alone is taken as it is; without any there is no child."""

    def reply(n: int, text: str) -> str:
        known = joins(text) or n < readable
        return tagged(f"new {n}") if known else "I would add more."

    seen = run(Combee(max_iterations=1, minibatch_size=9), reply, size=12)
    assert [candidates(text)[1:] for text in seen.writer.texts if joins(text)] == [joined] * bool(
        joined
    )
    assert seen.instructions[1:] == (["new 3"] if joined else ["new 0"] if readable else [])


def test_both_levels_of_all_parents_are_asked_at_once(run: Run) -> None:
    optimizer = Combee(max_iterations=1, minibatch_size=4, n_proposals=2)
    seen = run(optimizer, lambda n, _: tagged(f"new {n}"), size=12)
    assert [joins(text) for text in seen.writer.texts] == [False] * 4 + [True] * 2
    assert candidates(seen.writer.texts[4]) == ["Seed", "new 0", "new 1"]
    assert candidates(seen.writer.texts[5]) == ["Seed", "new 2", "new 3"]


def test_the_rest_is_gepas(run: Run) -> None:
    """A child that does better on its whole minibatch joins the pool."""
    seen = run(Combee(max_iterations=1, minibatch_size=9), lambda _, __: tagged("+" * 12), size=12)
    whole = [event.body["candidate"] for event in seen.evaluations(whole=True)]
    assert whole[-1] == Prompt("+" * 12).id
    assert (Combee().minibatch_size, Combee().n_copies) == (20, 2)


def test_it_is_gepas_setting_with_a_larger_minibatch(run: Run) -> None:
    def asked(optimizer: Combee | GEPA) -> list[str]:
        return run(optimizer, lambda n, _: tagged(f"new {n}"), size=12).writer.texts

    by_setting = asked(GEPA(max_iterations=2, minibatch_size=9, n_copies=2))
    assert by_setting == asked(Combee(max_iterations=2, minibatch_size=9))
    assert dealt(Random(0), range(9), GEPA().n_copies) == [[*range(9)]]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_meta_prompt_shows_all_drafts_in_both_languages(language: str) -> None:
    task = replace(fake_task(), labels=("yes", "no"))
    drafts = [Prompt("one </candidate>"), Prompt("two")]
    text = render(
        MODULE, "combee_reduce", language, {}, task=task, prompt=Prompt("old"), prompts=drafts
    )
    assert candidates(text) == ["old", "one &lt;/candidate&gt;", "two"]
    assert "yes, no" in text
    assert text.startswith("2")
