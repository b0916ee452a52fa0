"""GEPA (Agrawal et al., 2025): the front of specialists, the test on three examples, the merge.

Section and algorithm numbers are the paper's.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from apo import (
    Completion,
    Demo,
    Evaluation,
    Example,
    Options,
    Prompt,
    PromptSet,
    Request,
    Rollout,
    Score,
    Search,
    SettingsError,
    Usage,
    aoptimize,
)
from apo.optimizers import gepa
from apo.optimizers.gepa import GEPA
from apo.optimizers.parts.epochs import minibatches
from apo.optimizers.parts.gepa_demos import redrawn_demos
from apo.optimizers.parts.gepa_merge import contrast, merged
from apo.optimizers.parts.gepa_pool import Pool, columns, one_sided
from apo.optimizers.parts.paired import difference
from apo.prompts.meta_prompts import render
from apo.storage.folder import find_run
from apo.storage.rows import Event
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Writer, shown_inputs, tagged


def evaluation(scores: Sequence[float | None], prompt: Prompt | str = "p") -> Evaluation:
    """One prompt's scores on numbered examples; None is an answer that was refused."""
    rollouts = [
        Rollout(Example({"input": f"e{i}"}, ("t",)), "", None if s is None else Score(s))
        for i, s in enumerate(scores)
    ]
    return Evaluation(prompt if isinstance(prompt, Prompt) else Prompt(prompt), tuple(rollouts))


def pool_of(*members: tuple[Sequence[float | None], Prompt | str, tuple[int, ...]]) -> Pool:
    pool = Pool(Random(0))
    for scores, prompt, parents in members:
        pool.add(evaluation(scores, prompt), parents)
    return pool


def demos(name: str) -> tuple[Demo, ...]:
    return (Demo(name, "t"),)


def weights(*rows: Sequence[float | None]) -> dict[int, int]:
    """The front of candidates that have nothing in common, each with its weight."""
    kept, found = pool_of(*((row, "p", ()) for row in rows)).front()
    return dict(zip(kept, found, strict=True))


def test_specialists_stay_and_a_generalist_that_is_never_best_goes() -> None:
    """Algorithm 2: a better mean does not help who is the best nowhere."""
    assert weights([1, 1, 1, 0, 0], [0, 0, 0, 1, 1], [0.7] * 5) == {0: 3, 1: 2}


def test_who_is_only_as_good_as_others_everywhere_is_dominated() -> None:
    assert weights([1, 1, 0, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 0]) == {0: 2, 1: 3}
    # But for its last example the third would be dominated by the other two together.
    assert weights([1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [1, 0, 1, 0, 1]) == {0: 2, 1: 2, 2: 3}


def test_the_lowest_mean_goes_first_and_somebody_always_stays() -> None:
    assert weights([1, 0, 0], [1, 0.5, 0]) == {1: 3}
    assert weights([0, 0], [0, 0], [0, 0]) == {2: 2}


def test_an_unanswered_example_makes_nobody_the_best() -> None:
    assert weights([None, 1], [0, 0]) == {0: 1, 1: 1}
    assert weights([None, 1], [None, 0]) == {0: 1}
    assert weights([None], [None]) == {0: 1, 1: 1}


def stub(seed: int = 0) -> Search:
    """A search of which only the random stream is used."""
    return cast("Search", SimpleNamespace(rng=Random(seed)))


def test_parents_are_drawn_by_how_many_examples_they_are_best_on() -> None:
    pool = pool_of(([1, 1, 1, 0], "a", ()), ([0, 0, 0, 1], "b", (0,)), ([0.9] * 4, "c", (0,)))
    search = stub()
    drawn = [GEPA().select(search, pool) for _ in range(2000)]
    assert set(drawn) == {0, 1}
    assert drawn.count(0) / 2000 == pytest.approx(3 / 4, abs=0.03)


def test_the_other_rules_of_selection() -> None:
    pool = pool_of(([1, 0], "a", ()), ([0.6, 0.6], "b", (0,)), ([0, 1], "c", (0,)))
    search = stub()
    assert {GEPA(selection="best").select(search, pool) for _ in range(50)} == {1}
    rule = GEPA(selection="epsilon", epsilon=0.3)
    drawn = [rule.select(search, pool) for _ in range(3000)]
    assert drawn.count(1) / 3000 == pytest.approx(0.7 + 0.1, abs=0.03)


def test_top_draws_from_the_front_of_the_best_few() -> None:
    """The code's TopKParetoCandidateSelector: the same weights, among the highest means alone."""
    rows = ([1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0.9, 0.9], [0, 0, 0, 0, 1, 0])
    pool = pool_of(*((row, "p", ()) for row in rows))
    assert dict(zip(*pool.front(), strict=True)) == {0: 3, 1: 2, 2: 1}
    assert dict(zip(*pool.front(2), strict=True)) == {0: 3, 1: 2}
    assert pool.front(1) == ([0], [3])
    lone = pool_of(([0.4, 0.4], "a", ()), ([1, 0], "b", ()), ([0, 0.7], "c", ()))
    assert lone.front(1) == ([1], [1])
    behind = pool_of(([0.9, 0.9], "a", ()), ([1, 0], "b", ()), ([0, 1], "c", ()))
    assert behind.front(1) == ([0], [1])  # It is first nowhere, and the best of all.
    search, rule = stub(), GEPA(selection="top", n_top=2)
    drawn = [rule.select(search, pool) for _ in range(1000)]
    assert drawn.count(0) / 1000 == pytest.approx(3 / 5, abs=0.05)
    assert drawn.count(2) == 0


@pytest.mark.parametrize(
    ("frontier", "expected"),
    [
        ("instance", [1, 0]),
        ("objective", [0.5, -4, -15]),
        ("hybrid", [1, 0, 0.5, -4, -15]),
        ("cartesian", [1, 0, -4, -4, -10, -20]),
    ],
)
def test_there_is_a_front_for_examples_objectives_both_or_each_pair(
    frontier: Any, expected: list[float]
) -> None:
    """The code's `frontier_type`, with what can be told of one prompt."""
    measured = evaluation([1, 0], Prompt("four"))
    rollouts = [replace(r, tokens=10 * k) for k, r in enumerate(measured.rollouts, 1)]
    measured = Evaluation(measured.prompt, tuple(rollouts))
    length = -float(len(measured.prompt.text()))
    found = columns(measured, frontier, ("score", "length", "cost"))
    assert found == [length if value == -4 else value for value in expected]


def test_the_shortest_prompt_has_a_front_of_its_own() -> None:
    members = (([1, 1], "a" * 50, ()), ([1, 0], "b", (0,)))
    assert pool_of(*members).front() == ([0], [2])
    pool = Pool(Random(0), "hybrid", ("score", "length"))
    for scores, prompt, parents in members:
        pool.add(evaluation(scores, prompt), parents)
    assert pool.front() == ([0, 1], [3, 2])  # Both are right about the first example.


def shown_candidate(text: str) -> str:
    return str(re.findall(r"<candidate>\n(.*?)\n</candidate>", text, re.DOTALL)[0])


def test_some_parents_with_some_mutations_each(run: Run) -> None:
    """The code's P x N sampling: P parents, and for each N minibatches of its own."""
    optimizer = GEPA(
        n_proposals=2, n_mutations=3, minibatch_size=2, max_iterations=6,
        selection="epsilon", epsilon=1.0, acceptance="ties",
    )  # fmt: skip
    seen = run(optimizer, lambda n, _: tagged(f"new {n}"), size=24)
    assert len(seen.writer.texts) == 6 * 2 * 3
    for start in range(0, 36, 3):
        texts = seen.writer.texts[start : start + 3]
        assert len({shown_candidate(text) for text in texts}) == 1
        assert len({tuple(shown_inputs(text)) for text in texts}) == 3
    parents = [shown_candidate(text) for text in seen.writer.texts[::3]]
    assert any(one != other for one, other in zip(parents[::2], parents[1::2], strict=True))


@pytest.mark.parametrize(("n_accepted", "joined"), [(0, [3, 5, 9]), (1, [9]), (2, [9, 5])])
def test_of_the_children_that_pass_those_that_gain_most_join(
    n_accepted: int, joined: list[int], run: Run
) -> None:
    """The code's AllImprovements, BestImprovement and TopKImprovements."""
    plus = [3, 0, 9, 5]
    optimizer = GEPA(
        n_proposals=4, n_accepted=n_accepted, max_iterations=1, minibatch_size=12
    )  # fmt: skip
    seen = run(optimizer, lambda n, _: tagged("+" * plus[n] + f" {n}"), size=12)
    names = {Prompt("+" * k + f" {plus.index(k)}").id: k for k in plus}
    whole = [names.get(event.body["candidate"]) for event in seen.evaluations(whole=True)]
    assert sorted(k for k in whole if k is not None) == sorted(joined)


def parts(events: Sequence[Event]) -> list[tuple[str, float]]:
    """Candidate and mean of the measurements on minibatches."""
    found = [e.body for e in events if e.kind == "evaluation" and not e.body["whole"]]
    return [(body["candidate"], body["mean"]) for body in found]


@pytest.mark.parametrize("acceptance", ["strict", "ties"])
def test_a_child_is_accepted_on_the_sum_of_its_parents_minibatch(acceptance: Any, run: Run) -> None:
    def reply(n: int, _: str) -> str:
        return tagged("+" * (1 + n % 4) + f" {n}")

    seen = run(GEPA(max_iterations=12, acceptance=acceptance), reply, size=12)
    pairs = parts(seen.events)
    whole = {event.body["candidate"] for event in seen.evaluations(whole=True)}
    outcomes: set[str] = set()
    for (_, before), (child, after) in zip(pairs[::2], pairs[1::2], strict=True):
        outcome = "better" if after > before else "worse" if after < before else "same"
        outcomes.add(outcome)
        assert (child in whole) == (outcome in ("better", "same")[: 1 + (acceptance == "ties")])
    assert {"better", "same"} <= outcomes


def test_parent_and_child_see_the_same_minibatch(run: Run) -> None:
    seen = run(GEPA(max_iterations=4), lambda n, _: tagged(f"new {n}"), size=12)
    train = [example.inputs["input"] for example in seen.task.train]
    asked = [last for _, last in seen.reader.asked if last in train]
    for start in range(0, len(asked), 6):
        assert asked[start : start + 3] == asked[start + 3 : start + 6]
    assert sorted(asked[::6] + asked[1::6] + asked[2::6]) == sorted(train)  # One whole pass.


def test_calls_of_an_iteration(run: Run) -> None:
    """|D_val| once; then 2b rollouts and one call each, and |D_val| for what is accepted."""
    rejected = run(GEPA(max_iterations=4), lambda n, _: tagged(f"new {n}"), size=12)
    assert len(rejected.writer.texts) == 4
    assert len(rejected.reader.asked) == 12 + 4 * 2 * 3

    optimizer = GEPA(max_iterations=4, minibatch_size=2, acceptance="ties", selection="best")
    accepted = run(optimizer, lambda n, _: tagged(f"new {n}"), size=12)
    assert len(accepted.writer.texts) == 4
    assert len(accepted.reader.asked) == 12 + 4 * (2 * 2 + 12)
    assert accepted.result.spent.calls == 12 + 4 * (2 * 2 + 12 + 1)


def test_a_perfect_minibatch_is_skipped(run: Run) -> None:
    """Of the four minibatches of a pass one holds the only example that the seed gets wrong."""
    seed = "+" * 11
    skips = run(GEPA(max_iterations=4), lambda n, _: tagged(f"{n}"), size=12, seed_prompt=seed)
    assert len(skips.writer.texts) == 1
    assert "x11" in shown_inputs(skips.writer.texts[0])
    optimizer = GEPA(max_iterations=4, skip_perfect=False)
    asks = run(optimizer, lambda n, _: tagged(f"{n}"), size=12, seed_prompt=seed)
    assert len(asks.writer.texts) == 4


def test_it_ends_when_nothing_new_comes(run: Run) -> None:
    optimizer = GEPA(max_stale_iterations=7)
    assert len(run(optimizer, lambda _, __: tagged("Seed")).writer.texts) == 7
    # A saturated seed: nearly all minibatches are perfect, and no reply is asked for.
    seen = run(optimizer, lambda _, __: tagged("Seed"), size=30, seed_prompt="+" * 29)
    assert len(seen.writer.texts) <= 1
    replies = ["A", "Seed", "Seed", "B", *["Seed"] * 7]
    again = run(GEPA(max_stale_iterations=3), lambda n, _: tagged(replies[n]))
    assert len(again.writer.texts) == 7  # Something new starts the count anew.


def test_the_whole_minibatch_is_shown_right_answers_as_well(run: Run) -> None:
    seen = run(
        GEPA(max_iterations=4, skip_perfect=False),
        lambda n, _: tagged(f"new {n}"),
        size=12,
        seed_prompt="+" * 6,
    )
    wrong = 0
    for text in seen.writer.texts:
        assert text.count("<candidate>\n++++++\n</candidate>") == 1
        blocks = re.findall(
            r"<output>\n(.*?)\n</output>\n<answer>\n(.*?)\n</answer>\n<feedback>\n(.*?)\n</feedback>",
            text,
        )
        assert len(blocks) == len(shown_inputs(text)) == 3
        for name, (output, answer, feedback) in zip(shown_inputs(text), blocks, strict=True):
            right = int(name[1:]) < 6
            assert (output, answer) == (name, name if right else "no")
            assert feedback == ("Right." if right else "The answer was 'no'.")
            wrong += not right
    assert wrong == 6


def shown_input(example: Example) -> str:
    return example.inputs["input"]


@pytest.mark.parametrize(
    ("language", "ask"), [("en", "Reply with the instruction"), ("ko", "태그 사이에 넣어 답하세요")]
)
def test_the_meta_prompt_asks_for_all_that_the_paper_asks(language: str, ask: str) -> None:
    task = replace(fake_task(), labels=("yes", "no"), description="Say </task> yes.")
    rollout = Rollout(task.train[0], "bad </answer>", Score(0.0, feedback="missed </feedback>"))
    text = render(
        gepa.__file__,
        "gepa_reflect",
        language,
        {},
        task=task,
        shown=shown_input,
        prompt=Prompt("Old </candidate> {{ task }}"),
        rollouts=(rollout,),
    )
    assert re.findall(r"^\d\.", text, re.MULTILINE) == ["1.", "2.", "3.", "4."]
    assert ask in text
    assert "yes, no" in text
    assert "Old &lt;/candidate&gt; {{ task }}" in text
    assert "bad &lt;/answer&gt;" in text
    assert "missed &lt;/feedback&gt;" in text
    assert text.index("<candidate>") < text.index("<example>") < text.index(ask)


def test_minibatches_pass_through_all_examples_and_never_repeat_one_inside() -> None:
    examples = [Example({"input": f"e{i}"}, ("t",)) for i in range(10)]
    drawn = list(islice(minibatches(Random(1), examples, 3, fill=True), 40))
    assert all(len(batch) == len(set(batch)) == 3 for batch in drawn)
    for start in range(0, 40, 4):
        flat = [example for batch in drawn[start : start + 4] for example in batch]
        assert set(flat) == set(examples)
        assert len(flat) == 12
    # Each pass repeats two; the least used ones first, so that all come equally often.
    flat = [example for batch in drawn for example in batch]
    assert {flat.count(example) for example in examples} == {12}
    assert drawn[0] != drawn[4]


def test_a_train_split_smaller_than_the_minibatch_is_used_whole() -> None:
    examples = [Example({"input": f"e{i}"}, ("t",)) for i in range(2)]
    for batch in islice(minibatches(Random(1), examples, 3, fill=True), 5):
        assert set(batch) == set(examples)
        assert len(batch) == 2


def test_a_child_goes_on_where_its_parents_stand() -> None:
    pool = pool_of(([0], "a", ()), ([0], "b", (0,)))
    assert pool.turns == [0, 0]
    pool.turns[:] = [3, 1]
    pool.add(evaluation([0], "c"), (1,))
    pool.add(evaluation([0], "d"), (0, 1))
    assert pool.turns == [3, 1, 1, 3]
    assert [pool.ancestors(k) for k in range(4)] == [set(), {0}, {0, 1}, {0, 1}]


BASE = Prompt("base", demos=demos("base"))


def test_a_merge_takes_each_part_from_the_side_that_changed_it() -> None:
    left, right = BASE.with_instruction("left"), BASE.with_demos(demos("right"))
    joined = Prompt("left", demos=demos("right"))
    assert merged(BASE, left, right) == merged(BASE, right, left) == joined
    both = Prompt("right", demos=demos("right"))
    assert merged(BASE, left, both) == joined  # The better one's where both changed it.
    assert merged(BASE, both, left) == both
    assert one_sided(BASE, left, right)
    assert one_sided(BASE, left, both)
    assert not one_sided(BASE, left, BASE.with_instruction("right"))
    assert not one_sided(BASE, both, joined)


def test_an_ancestor_that_scores_nothing_can_be_merged_from() -> None:
    pool = pool_of(
        ([0, 0], BASE, ()),
        ([1, 0], BASE.with_instruction("left"), (0,)),
        ([0, 1], BASE.with_demos(demos("right")), (0,)),
    )
    assert pool.common_ancestor(1, 2) == 0


def test_what_cannot_be_merged() -> None:
    left, right = BASE.with_instruction("left"), BASE.with_demos(demos("right"))
    better = pool_of(([1, 1], BASE, ()), ([1, 0], left, (0,)), ([0, 1], right, (0,)))
    assert better.common_ancestor(1, 2) is None  # The ancestor scores more.
    line = pool_of(([0, 0], BASE, ()), ([1, 0], left, (0,)), ([1, 1], right, (1,)))
    assert line.common_ancestor(1, 2) is None  # One descends from the other.
    apart = pool_of(
        ([0, 0], BASE, ()), ([0, 0], "s", ()), ([1, 0], left, (0,)), ([1, 1], right, (1,))
    )
    assert apart.common_ancestor(2, 3) is None  # Nothing in common.
    same = pool_of(
        ([0, 0], BASE, ()), ([1, 0], left, (0,)), ([1, 1], BASE.with_instruction("x"), (0,))
    )
    assert same.common_ancestor(1, 2) is None  # Both changed the same part.
    once = pool_of(([0, 0], BASE, ()), ([1, 0], left, (0,)), ([0, 1], right, (0,)))
    once.merged.add((1, 2, 0))
    assert once.common_ancestor(1, 2) is None


def test_ancestors_are_drawn_by_their_score() -> None:
    pool = pool_of(
        ([0.1, 0.1], BASE, ()),
        ([0.3, 0.3], replace(BASE, cue="x"), (0,)),
        ([1, 0], BASE.with_instruction("left"), (1,)),
        ([0, 1], BASE.with_demos(demos("right")), (1,)),
    )
    drawn = [pool.common_ancestor(2, 3) for _ in range(2000)]
    assert drawn.count(1) / 2000 == pytest.approx(3 / 4, abs=0.03)
    assert drawn.count(0) + drawn.count(1) == 2000


def test_a_merge_is_tested_where_its_parents_differ_and_where_they_do_not() -> None:
    one = evaluation([1] * 4 + [0] * 4 + [1] * 4)
    other = evaluation([0] * 4 + [1] * 4 + [1] * 4)
    for seed in range(20):
        chosen = [int(e.inputs["input"][1:]) for e in contrast(Random(seed), one, other, 5)]
        assert len(set(chosen)) == 5
        assert [sum(k // 4 == group for k in chosen) for group in range(3)] == [2, 2, 1]
    few = contrast(Random(0), evaluation([1, 0, 0, 0, 0, None]), evaluation([0.0] * 6), 5)
    assert len(set(few)) == 5  # Filled up; what was not answered is left out.
    assert "e5" not in [e.inputs["input"] for e in few]


def test_sums_are_compared_where_both_have_an_answer() -> None:
    assert difference(evaluation([0, None, 1]), evaluation([1, 1, None])) == 1
    assert difference(evaluation([0.1, 0.2, 0.3]), evaluation([0.3, 0.1, 0.2])) == 0
    nothing = difference(evaluation([None, 1]), evaluation([1, None]))
    assert not nothing >= 0


@dataclass
class Specialists:
    """Right on even inputs with an instruction of "E", on odd ones with demos."""

    name: str = "specialists"

    async def complete(self, request: Request) -> Completion:
        first, last = request.messages[0].content, request.messages[-1].content
        odd = int(last[1:]) % 2
        right = len(request.messages) > 2 if odd else "E" in first
        return Completion(
            text=last if right else "no", usage=Usage(input_tokens=1, output_tokens=1)
        )

    async def aclose(self) -> None:
        pass


def with_specialists(optimizer: GEPA, home: Path, seed: int) -> list[Event]:
    work = aoptimize(
        replace(fake_task(10, seed_prompt="S"), test=()),
        optimizer,
        model=Specialists(),
        optimizer_model=Writer(lambda n, _: tagged(f"E {n}")),
        options=Options(track=False, max_concurrency=1, seed=seed),
        home=home,
    )
    result = asyncio.run(work)
    with find_run(result.run_id, home).open_journal() as journal:
        return list(journal.events())


def test_a_merge_joins_an_instruction_and_demos(tmp_path: Path) -> None:
    optimizer = GEPA(
        components=("instruction", "demos"), max_merges=5, selection="epsilon", epsilon=1.0
    )
    n_merged = 0
    for seed in range(6):
        events = with_specialists(optimizer, tmp_path / str(seed), seed)
        made = {e.key: e.body for e in events if e.kind == "candidate"}
        for body in made.values():
            if body["operator"] == "gepa_merge":
                n_merged += 1
                one, other = (made[parent]["prompt"] for parent in body["parents"])
                assert {bool(one["demos"]), bool(other["demos"])} == {True, False}
                assert "E" in body["prompt"]["instruction"]
                assert body["prompt"]["demos"] == (one["demos"] or other["demos"])
    assert n_merged


def test_demos_are_examples_that_were_got_wrong_before(tmp_path: Path) -> None:
    optimizer = GEPA(components=("demos",), max_demos=2, max_iterations=20)
    events = with_specialists(optimizer, tmp_path, 0)
    train = {example.inputs["input"] for example in fake_task(10).train}
    made = [e.body for e in events if e.kind == "candidate" and e.body["operator"] == "gepa_demos"]
    assert made
    for body in made:
        shown = [demo["user"] for demo in body["prompt"]["demos"]]
        assert set(shown) <= train
        assert 1 <= len(shown) == len(set(shown)) <= 2
        assert [demo["assistant"] for demo in body["prompt"]["demos"]] == shown
        assert body["prompt"]["instruction"] == "S"


def test_demos_do_not_give_away_the_minibatch_that_tests_them() -> None:
    task = fake_task(10)
    pool = pool_of(([0], "s", ()))
    before = Evaluation(Prompt("s"), tuple(Rollout(e, "no", Score(0.0)) for e in task.train[:3]))
    pool.missed.update(dict.fromkeys(task.train[:5]))
    accepted: list[Prompt] = []

    def accept(prompts: Sequence[Prompt], **_: object) -> list[Prompt]:
        accepted.extend(prompts)
        return list(prompts)

    search = cast("Search", SimpleNamespace(rng=Random(0), accept=accept))
    assert redrawn_demos(search, before, pool.missed, 4) == accepted
    assert {demo.user for demo in accepted[0].demos} == {"x3", "x4"}
    pool.missed = dict.fromkeys(task.train[:3])
    assert redrawn_demos(search, before, pool.missed, 4) == []


@pytest.mark.parametrize(("gain", "joins"), [(-0.2, False), (0.0, True), (0.2, True)])
def test_a_merge_joins_when_it_is_no_worse_than_either_parent(gain: float, joins: bool) -> None:
    """Five examples decide; only then is it measured on the others."""
    pool = pool_of(([0.0] * 9, BASE, ()), ([0.5] * 9, "i", (0,)), ([0.5] * 9, "j", (0,)))
    sizes: list[int | None] = []

    async def evaluate(prompt: Prompt, examples: Sequence[Example] | None = None) -> Evaluation:
        sizes.append(len(examples) if examples else None)
        chosen = examples or [r.example for r in pool.evaluations[0].rollouts]
        return Evaluation(prompt, tuple(Rollout(e, "", Score(0.5 + gain)) for e in chosen))

    search = cast("Search", SimpleNamespace(rng=Random(0), evaluate=evaluate))
    asyncio.run(GEPA().test_merge(search, pool, Prompt("merged"), 1, 2))
    assert sizes == ([5, None] if joins else [5])
    assert pool.parents[3:] == ([(1, 2)] if joins else [])


@pytest.mark.parametrize(("none_before", "n_merges"), [(0, 3), (3, 3), (99, 0)])
def test_a_merge_follows_an_accepted_child_and_counts_if_it_fails_too(
    none_before: int, n_merges: int
) -> None:
    """While there is no pair they add up, but no two merges come one after the other."""
    turns: list[str] = []
    asked: list[int] = []

    class Recorded(GEPA):
        async def reflect(
            self, search: Search, pool: Pool, batches: Sequence[Sequence[Example]]
        ) -> bool:
            turns.append("child" if len(turns) % 5 else "rejected")
            return turns[-1] == "child"

        def merge(self, search: Search, pool: Pool) -> tuple[Prompt, int, int] | None:
            asked.append(len(turns))
            return (Prompt("merged"), 0, 0) if len(asked) > none_before else None

        async def test_merge(
            self, search: Search, pool: Pool, prompt: Prompt, i: int, j: int
        ) -> None:
            turns.append("merge")

    async def no_seeds(*_: object) -> list[Evaluation]:
        return []

    search = SimpleNamespace(
        rng=Random(0), task=fake_task(), seed_prompts=(), map=no_seeds, evaluate=None, solved=False,
        n_candidates=1,
    )  # fmt: skip
    optimizer = Recorded(components=("instruction", "demos"), max_merges=3, max_iterations=14)
    asyncio.run(optimizer.run(cast("Search", search)))
    assert len(turns) == 14
    assert turns.count("merge") == n_merges
    assert all(before == "child" for before, turn in pairwise(turns) if turn == "merge")


def test_a_merge_needs_two_parts_to_change() -> None:
    task = fake_task()
    with pytest.raises(SettingsError, match=r"GEPA.max_merges is 5, but a merge joins"):
        GEPA(max_merges=5).check(task)
    GEPA(max_merges=5, components=("instruction", "demos")).check(task)
    steps = PromptSet.of({"a": task.seed_prompts[0], "b": task.seed_prompts[0]})
    GEPA(max_merges=5).check(replace(task, seed_prompts=(steps,)))


def test_settings() -> None:
    assert (GEPA().minibatch_size, GEPA().merge_size, GEPA().max_merges) == (3, 5, 0)
    assert (GEPA().selection, GEPA().acceptance, GEPA().temperature) == ("pareto", "strict", 1.0)
    for wrong in (
        {"selection": "beam"}, {"acceptance": "loose"}, {"components": ()}, {"minibatch_size": 0},
        {"objectives": ("speed",)}, {"frontier": "all"}, {"n_top": 0}, {"components": ("cue",)},
        {"components": ("demos", "demos")},
    ):  # fmt: skip
        with pytest.raises(SettingsError, match="GEPA"):
            GEPA(**cast("Any", wrong))
