"""CAPO (Zehle et al., 2025): cross-over, mutation, and races on blocks of examples."""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from apo import Demo, Example, Prompt, Rollout, Score, SettingsError
from apo.optimizers import capo
from apo.optimizers.capo import CAPO
from apo.optimizers.parts.capo_children import split
from apo.optimizers.parts.capo_demos import change, demo, half
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Seen, shown_candidates, shown_inputs, tagged


def numbered(n: int, _: str) -> str:
    return tagged(f"new {n}")


def small(**settings: Any) -> CAPO:
    """Three places, two children, blocks of five, and no demos."""
    bare = CAPO(
        population_size=3, n_crossovers=2, block_size=5, max_demos=0, demo_share=0, n_leaders=1
    )
    return replace(bare, **settings)


def shown_prompts(meta_prompt: str) -> list[str]:
    return re.findall(r"<candidate>\n(.*?)\n</candidate>", meta_prompt, re.DOTALL)


def raced(seen: Seen) -> list[tuple[str, int]]:
    """Candidate and number of examples of each measurement on a block, in order."""
    return [(e.body["candidate"], e.body["n"]) for e in seen.evaluations(whole=False)]


def bodies(seen: Seen) -> dict[str, dict[str, Any]]:
    return {event.key: event.body for event in seen.events if event.kind == "candidate"}


# --- budget ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_blocks", [1, 2, 3])
def test_a_race_among_equals_costs_all_its_blocks_and_no_more(n_blocks: int, run: Run) -> None:
    """(N + c) · B · block, without the authors' block B + 1; 2c proposals a step."""
    optimizer = small(n_blocks=n_blocks, n_steps=1, length_penalty=0)
    seen = run(optimizer, numbered, size=20)
    assert raced(seen) == [(candidate, 5) for candidate, _ in raced(seen)]
    assert len(raced(seen)) == (3 + 2) * n_blocks
    assert len(seen.writer.texts) == (3 - 1) + 2 * 2
    assert len(seen.reader.asked) == 20 + (3 + 2) * n_blocks * 5  # With the seed's validation.


def test_parents_are_not_paid_again(run: Run) -> None:
    optimizer = small(n_blocks=2, n_steps=3, length_penalty=0)
    seen = run(optimizer, numbered, size=20)
    assert len(raced(seen)) == 3 * (3 + 2) * 2
    assert len(seen.reader.asked) == 20 + (3 + 3 * 2) * 2 * 5
    assert len(seen.writer.texts) == 2 + 3 * 2 * 2


def test_a_race_ends_with_the_block_that_decides_it(run: Run) -> None:
    """The children are right about everything, all others about nothing."""
    optimizer = small(population_size=2, n_steps=1)
    seen = run(optimizer, lambda n, _: tagged("+" * (20 if n > 2 else 0) + f" {n}"), size=20)
    assert len(raced(seen)) == 2 + 2
    assert seen.result.best.mean == 1


def test_the_survivors_are_the_next_parents_and_the_best_of_them_leads(run: Run) -> None:
    optimizer = small(population_size=2, n_steps=2)
    scores = {3: 9, 4: 12}  # The two children of the first step.
    seen = run(optimizer, lambda n, _: tagged("+" * scores.get(n, 0) + f" {n}"), size=20)
    parents = shown_prompts(seen.writer.texts[5])
    assert set(parents) == {"+" * 12 + " 4", "+" * 9 + " 3"}
    leaders = [event.body["candidate"] for event in seen.evaluations(whole=True)]
    best = next(id_ for id_, b in bodies(seen).items() if b["prompt"]["instruction"][-1] == "4")
    assert leaders[1:] == [best, best]


# --- the statistics -------------------------------------------------------------------------


def test_one_character_decides_among_equals_as_published(run: Run) -> None:
    optimizer = small(n_steps=1, population_size=2, n_crossovers=1)
    seen = run(optimizer, lambda n, _: tagged("x" * (10 + n)), size=20)
    assert len(raced(seen)) == 3


def test_and_not_when_corrected(run: Run) -> None:
    optimizer = small(n_steps=2, population_size=2, n_crossovers=1, statistics="corrected")
    seen = run(optimizer, lambda n, _: tagged("x" * (20 - n)), size=20)
    assert len(raced(seen)) == 2 * 3 * 4  # All blocks, twice: nothing tells them apart.
    # Then the shorter stay.
    assert sorted(shown_prompts(seen.writer.texts[3])) == ["Seed", "x" * 18]


def test_the_corrected_level_is_shared_among_the_blocks(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels: dict[str, set[float]] = {"authors": set(), "corrected": set()}

    def losers(scores: Sequence[object], n: int, **given: Any) -> list[int]:
        levels[given["statistics"]].add(given["alpha"])
        return []

    monkeypatch.setattr(capo, "race_losers", losers)
    for statistics in ("authors", "corrected"):
        run(small(n_steps=1, statistics=statistics, alpha=0.2), numbered, size=20)
    assert levels == {"authors": {0.2}, "corrected": {0.05}}  # 20 examples, in blocks of five.


def test_the_longest_of_the_first_population_pays_the_whole_penalty(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid: list[list[float]] = []

    def losers(scores: Sequence[object], n: int, **given: Any) -> list[int]:
        paid.append(given["penalties"])
        return []

    monkeypatch.setattr(capo, "race_losers", losers)
    seen = run(small(n_steps=1, n_blocks=1), lambda n, _: tagged("x" * (10 + 5 * n)))
    # The seed, then the first population, then the children.
    lengths = [len(Prompt(name).text()) for name in seen.instructions]
    assert len(lengths) == 5
    assert paid == [[pytest.approx(0.05 * length / lengths[2]) for length in lengths]]


# --- the operations -------------------------------------------------------------------------


def test_the_first_population_is_the_seed_and_induced_ones(run: Run) -> None:
    optimizer = small(population_size=4, n_steps=1, n_examples=6)
    seen = run(optimizer, numbered)
    assert [len(set(shown_inputs(text))) for text in seen.writer.texts[:3]] == [6, 6, 6]
    operators = [body["operator"] for body in bodies(seen).values()]
    assert operators == ["seed", "induce", "induce", "induce", "capo_mutate", "capo_mutate"]


def test_two_parents_are_merged_and_the_merged_one_is_reworded(run: Run) -> None:
    seen = run(small(n_steps=1), numbered)
    known = {"Seed", "new 0", "new 1"}
    crossed, mutated = seen.writer.texts[2:4], seen.writer.texts[4:6]
    for text in crossed:
        parents = shown_prompts(text)
        assert len(set(parents)) == 2
        assert set(parents) <= known
    assert [shown_prompts(text) for text in mutated] == [["new 2"], ["new 3"]]
    found = bodies(seen)
    children = [b for b in found.values() if b["operator"] == "capo_mutate"]
    assert [b["prompt"]["instruction"] for b in children] == ["new 4", "new 5"]
    for body, text in zip(children, crossed, strict=True):
        parents = [found[parent]["prompt"]["instruction"] for parent in body["parents"]]
        assert parents == shown_prompts(text)
    assert not any(shown_candidates(t) or shown_inputs(t) for t in crossed + mutated)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_meta_prompts_show_the_task_and_ask_for_an_instruction(language: str) -> None:
    task = replace(fake_task(), labels=("yes", "no"))
    a, b = Prompt("First {{x}} </candidate>"), Prompt("Second")
    cross = render(capo.__file__, "capo_cross", language, {}, task=task, prompts=[a, b])
    mutate = render(capo.__file__, "capo_mutate", language, {}, task=task, prompt=a)
    assert len(shown_prompts(cross)) == 2
    assert len(shown_prompts(mutate)) == 1
    for text in (cross, mutate):
        assert "<task>\nRepeat the word.\n</task>" in text
        assert "<labels>\nyes, no\n</labels>" in text
        assert text.index("First {{x}}") < text.rindex("<instruction>")
        assert ("데이터" in text) == (language == "ko")
    assert "<task>" not in render(
        capo.__file__, "capo_mutate", language, {}, task=replace(task, description=""), prompt=a
    )


# --- demos ----------------------------------------------------------------------------------

POOL = [Example({"input": f"x{i}"}, (f"y{i}",)) for i in range(6)]


def prompt(*demos: int) -> Prompt:
    return Prompt("Go", demos=tuple(Demo(f"x{i}", f"y{i}") for i in demos))


def test_a_demo_is_added_removed_or_neither_a_third_of_the_time_each() -> None:
    rng, seen = random.Random(0), Counter[tuple[int, int]]()
    for _ in range(3000):
        kept, new = change(prompt(0, 1), POOL, 5, rng)
        seen[len(kept), len(new)] += 1
        assert set(kept) <= set(prompt(0, 1).demos)
        assert not {e.inputs["input"] for e in new} & {"x0", "x1"}
    assert set(seen) == {(2, 1), (1, 0), (2, 0)}
    assert all(abs(count - 1000) < 100 for count in seen.values())


@pytest.mark.parametrize(
    ("demos", "most", "expected"),
    [
        ((), 5, {(0, 1), (0, 0)}),
        ((0, 1), 2, {(2, 0), (1, 0)}),
        ((), 0, {(0, 0)}),
        ((0, 1, 2, 3, 4, 5), 9, {(6, 0), (5, 0)}),  # The pool is used up.
    ],
)
def test_the_ends_of_what_can_be_added_or_removed(
    demos: tuple[int, ...], most: int, expected: set[tuple[int, int]]
) -> None:
    rng = random.Random(0)
    found = [change(prompt(*demos), POOL, most, rng) for _ in range(60)]
    assert {(len(kept), len(new)) for kept, new in found} == expected


def test_a_child_has_half_of_its_parents_demos() -> None:
    rng, seen = random.Random(0), set[str]()
    for _ in range(60):
        found = half(prompt(0, 1, 2), prompt(2, 3), rng)
        assert len(found) == len(set(found)) == 2
        seen |= {shown.user for shown in found}
    assert seen == {"x0", "x1", "x2", "x3"}
    assert half(prompt(), prompt(1), rng) == half(prompt(), prompt(), rng) == ()
    assert set(half(prompt(1, 2), prompt(2, 1), rng)) == set(prompt(1, 2).demos)


@pytest.mark.parametrize(
    ("output", "score", "shown"),
    [
        ("2 and 2 is 4, so y0", Score(1.0), "2 and 2 is 4, so y0"),
        ("2 and 2 is 5, so y1", Score(0.0), "y0"),
        ("2 and 2 is 4, so y0", Score(0.5), "y0"),
        ("Y0", Score(1.0), "y0"),
        ("", None, "y0"),
    ],
)
def test_a_right_answer_with_its_reasoning_is_shown(
    output: str, score: Score | None, shown: str
) -> None:
    assert demo(Prompt("Go"), Rollout(POOL[0], output, score)) == Demo("x0", shown)


def test_demos_come_from_train_and_are_never_raced_on(run: Run) -> None:
    optimizer = small(
        max_demos=3, population_size=6, n_crossovers=4, n_steps=1, demo_share=0.2, n_blocks=1
    )
    seen = run(optimizer, numbered, size=20)
    train = {example.inputs["input"] for example in seen.task.train}
    demos = [[d["user"] for d in b["prompt"]["demos"]] for b in bodies(seen).values()]
    used = {user for users in demos for user in users}
    assert used <= train
    assert len(used) <= 4  # A fifth of 20.
    assert {len(users) for users in demos} <= {0, 1, 2, 3}
    assert max(len(users) for users in demos) > 1
    assert all(len(set(users)) == len(users) for users in demos)
    # All ten are asked about an example of the block; about a demo's, at most the nine new ones.
    asked = Counter(last for _, last in seen.reader.asked)
    raced_on = {x for x in train if asked[x] == 10}
    assert len(raced_on) == 5
    assert not raced_on & used


def test_prompts_with_demos_say_which_prompt_they_were_given_to(run: Run) -> None:
    seen = run(small(max_demos=3, population_size=6, n_steps=1), numbered, size=20)
    found = bodies(seen)
    shown = [body for body in found.values() if body["operator"] == "demos"]
    assert shown
    for body in shown:
        (parent,) = body["parents"]
        assert found[parent]["operator"] == "induce"
        assert found[parent]["prompt"] == {**body["prompt"], "demos": []}


@pytest.mark.parametrize("size", [*range(1, 13), 40])
def test_the_train_split_is_parted_without_overlap(size: int) -> None:
    train = fake_task(size).train
    pool, blocks = split(train, random.Random(0), demo_share=0.1, max_demos=5, block_size=30)
    rest = [example for block in blocks for example in block]
    assert sorted(e.id for e in [*pool, *rest]) == sorted(e.id for e in train)
    assert rest
    assert len(pool) == min(5, size // 2)
    assert [len(block) for block in blocks[:-1]] == [30] * (len(blocks) - 1)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("statistics", ["authors", "corrected"])
def test_fewer_examples_than_a_block(size: int, statistics: Any, run: Run) -> None:
    seen = run(CAPO(n_steps=3, statistics=statistics), numbered, size=size)
    assert len(seen.evaluations(whole=True)) == 1 + 3 * 3
    assert len(bodies(seen)) > 10 + 3 * 4 - 1


# --- the end --------------------------------------------------------------------------------


def test_it_ends_when_the_task_is_solved(run: Run) -> None:
    seen = run(small(), lambda n, _: tagged("+" * 10 + f" {n}"))
    assert len(seen.writer.texts) == 2 + 4
    assert seen.result.best.mean == 1


def test_it_ends_after_stale_steps(run: Run) -> None:
    seen = run(small(max_stale_steps=3), lambda _, __: tagged("Seed"))
    assert len(seen.writer.texts) == 2 + 3 * 4
    assert seen.instructions == ["Seed"]


def test_replies_without_tags_are_left_out(run: Run) -> None:
    seen = run(small(n_steps=2), lambda n, _: "no" if n % 3 else tagged(f"new {n}"))
    assert len(seen.evaluations(whole=True)) == 1 + 2
    assert "no" not in seen.instructions


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": 0.0}, {"alpha": 0.5}, {"population_size": 1}, {"block_size": 0},
        {"demo_share": 0.6}, {"statistics": "right"}, {"n_blocks": 0},
    ],
)  # fmt: skip
def test_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"CAPO.{next(iter(settings))} is"):
        CAPO(**settings)
