"""COPRO (Khattab et al., 2023): pairs of instruction and answer prefix, depth by depth."""

from dataclasses import replace
from typing import Any

import pytest

from apo import Evaluation, Example, Prompt, Rollout, Score, SettingsError
from apo.optimizers import copro
from apo.optimizers.copro import COPRO
from apo.optimizers.parts.prefix import pair
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, shown_candidates, shown_inputs, tagged


def climbing(n: int, _: str) -> str:
    return tagged("+" * [3, 1, 4, 1, 5, 2, 6, 5][n % 8] + f" new {n}<prefix></prefix>")


@pytest.mark.parametrize(("breadth", "depth"), [(2, 1), (4, 3), (10, 3)])
def test_number_of_calls(breadth: int, depth: int, run: Run) -> None:
    """The seed is one of the pairs of the first depth; every pair takes all of validation."""
    seen = run(COPRO(breadth=breadth, depth=depth), climbing)
    assert len(seen.writer.texts) == breadth * depth - 1
    assert len(seen.reader.asked) == 10 * breadth * depth


def test_the_first_depth_shows_the_seed_alone(run: Run) -> None:
    seen = run(COPRO(breadth=4, depth=1), climbing)
    assert len(set(seen.writer.texts)) == 1
    text = seen.writer.texts[0]
    assert "<candidate>\nSeed\n</candidate>" in text
    assert shown_inputs(text) == []


def test_later_depths_show_the_best_attempts_worst_first(run: Run) -> None:
    seen = run(COPRO(breadth=3, depth=4), climbing)
    scores = [0, 30, 10]
    at = 2
    for _ in range(3):
        batch = seen.writer.texts[at : at + 3]
        assert len(set(batch)) == 1
        shown = [score for score, _ in shown_candidates(batch[0])]
        assert shown == sorted(scores)[-3:]
        assert shown_inputs(batch[0]) == []
        scores += [10 * [3, 1, 4, 1, 5, 2, 6, 5][n % 8] for n in range(at, at + 3)]
        at += 3


def test_new_pairs_descend_from_the_best_attempt(run: Run) -> None:
    seen = run(COPRO(breadth=3, depth=2), climbing)
    bodies = [event.body for event in seen.events if event.kind == "candidate"]
    known = {e.body["prompt"]["instruction"]: e.key for e in seen.events if e.kind == "candidate"}
    assert [body["operator"] for body in bodies[1:]] == ["copro_basic"] * 2 + ["copro_attempts"] * 3
    assert all(body["parents"] == [known["+++ new 0"]] for body in bodies[3:])


def test_a_pair_that_was_tried_is_not_measured_again(run: Run) -> None:
    seen = run(COPRO(breadth=4, depth=3), lambda _, __: tagged("Seed"))
    assert len(seen.reader.asked) == 10
    assert len(seen.writer.texts) == 11


def test_training_examples_on_request(run: Run) -> None:
    seen = run(COPRO(breadth=3, depth=2, n_demos=4), climbing)
    assert [len(shown_inputs(text)) for text in seen.writer.texts] == [4] * 5


def test_it_ends_when_the_task_is_solved(run: Run) -> None:
    seen = run(COPRO(breadth=3, depth=5), lambda n, _: tagged("+" * 10 + f" {n}"))
    assert len(seen.writer.texts) == 2


@pytest.mark.parametrize(
    ("text", "instruction", "cue"),
    [
        ("Do it.\n<prefix>Label:</prefix>", "Do it.", "Label:"),
        ('"Do it."\n<prefix>"Label:"</prefix>', "Do it.", "Label:"),
        ("Do it.<prefix></prefix>", "Do it.", ""),
        ("Do it.<prefix>Label:", "Do it.", "Label:"),
        ("Do it.", "Do it.", "Old:"),
    ],
)
def test_the_prefix_is_the_cue(text: str, instruction: str, cue: str) -> None:
    parent = Prompt("Seed", context="C", cue="Old:")
    assert pair(parent, text, '"') == replace(parent, instruction=instruction, cue=cue)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_prefixes_are_shown_with_their_instructions(language: str) -> None:
    example = Example({"input": "x"}, ("x",))
    rollout = Rollout(example, "x", Score(1.0))
    history = [
        Evaluation(Prompt("A"), (rollout,)),
        Evaluation(Prompt("B", cue="Label:"), (rollout,)),
    ]
    values: dict[str, Any] = {"task": fake_task(), "shown": str, "examples": ()}
    text = render(copro.__file__, "copro_attempts", language, {}, history=history, **values)
    assert '<candidate score="100">\nA\n</candidate>' in text
    assert "B\n<prefix>Label:</prefix>\n</candidate>" in text
    basic = [
        render(copro.__file__, "copro_basic", language, {}, prompt=e.prompt, **values)
        for e in history
    ]
    assert ["<prefix>Label:</prefix>" in text for text in basic] == [False, True]
    for shown in (text, *basic):
        assert "<task>\nRepeat the word.\n</task>" in shown
        assert "<example>" not in shown


def test_settings_out_of_range() -> None:
    with pytest.raises(SettingsError, match="breadth"):
        COPRO(breadth=1)
