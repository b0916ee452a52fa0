"""Rows in groups, from verdict to budget: what is independent is the group."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from apo import Evaluation, Example, Prompt, Rollout, Score, SettingsError, Task, Verdict
from apo.assessment.gate import Gate, agate
from apo.data.folds import fold_tasks
from apo.evaluation.evaluation import pair_line
from apo.results.flips import read_flips
from apo.results.gap import explain_gap
from apo.results.verdict import reach_verdict
from apo.results.words import sentence
from apo.run.fit import sample_pools
from apo.scorers.metrics.classes import MacroF1
from apo.statistics import clustered
from apo.storage.folder import RunFolder
from apo.testing import FakeModel, fake_task

SIZES = [2, 5, 3, 6, 4, 3, 5, 2, 4] * 3
"""27 conversations, 102 rows."""


def rows(sizes: Sequence[int], labels: Sequence[str] = ("a", "b")) -> list[Example]:
    return [
        Example({"input": f"{group}.{turn}"}, (labels[group % len(labels)],), group=f"c{group}")
        for group, size in enumerate(sizes)
        for turn in range(size)
    ]


def measured(
    examples: Sequence[Example], scores: Sequence[float | None], name: str = "x"
) -> Evaluation:
    found = (
        Rollout(e, e.target if value else "no", None if value is None else Score(value),
                "" if value is not None else "Nobody could grade it.")
        for e, value in zip(examples, scores, strict=True)
    )  # fmt: skip
    return Evaluation(Prompt(name), tuple(found))


def by_conversation(won: int, lost: int, sizes: Sequence[int] = SIZES) -> Verdict:
    """All rows of some conversations are won, and all of some are lost."""
    examples = rows(sizes)
    number = [int(example.group[1:]) for example in examples]
    before = [1.0 if won <= n < won + lost else 0.0 for n in number]
    after = [1.0 if n < won else 0.0 for n in number]
    return reach_verdict(measured(examples, before), measured(examples, after, "best"))


def alone(verdict_of: Evaluation) -> Evaluation:
    found = (replace(r, example=replace(r.example, group="")) for r in verdict_of.rollouts)
    return replace(verdict_of, rollouts=tuple(found))


def test_five_conversations_that_are_won_prove_nothing_and_six_do() -> None:
    assert by_conversation(5, 0).p_value == pytest.approx(2 / 32)
    assert not by_conversation(5, 0).favourable
    assert by_conversation(14, 0).favourable
    assert by_conversation(0, 14).interval[1] < 0
    told = str(by_conversation(14, 0))
    assert "on 102 test examples in 27 groups, 95 % interval" in told
    assert by_conversation(9, 5).advice.endswith(" in groups like these.")
    found = by_conversation(14, 1).to_dict()
    assert found["groups"] == 27
    assert "on 102 rows in 27 groups in 5 folds, " in sentence(found, "rows", " in 5 folds")


def test_with_few_groups_the_verdict_says_how_little_can_be_proven() -> None:
    verdict = by_conversation(5, 0, [20] * 5)
    assert not verdict.favourable
    assert "With 100 test examples in 5 groups no gain can be seen; it takes 6 groups at least" in (
        str(verdict)
    )
    one = by_conversation(1, 0, [50])
    assert "in 1 group no gain" in one.advice
    assert one.interval[0] <= 0 <= one.interval[1]


def test_rows_that_stand_alone_are_their_own_groups() -> None:
    examples = rows([3] * 10) + [Example({"input": f"alone {i}"}, ("a",)) for i in range(30)]
    verdict = reach_verdict(measured(examples, [0.0] * 60), measured(examples, [1.0] * 60, "b"))
    assert verdict.groups == 40
    values = [3.0] * 10 + [1.0] * 30
    assert verdict.interval == pytest.approx(clustered(values, [3] * 10 + [1] * 30)[0])


def test_a_missing_grade_counts_at_its_worst_for_its_group() -> None:
    examples = rows([4] * 12)
    after: list[float | None] = [1.0] * 48
    full = reach_verdict(measured(examples, [0.0] * 48), measured(examples, after, "b"))
    after[:16] = [None] * 16  # Four whole groups that nobody could grade.
    found = reach_verdict(measured(examples, [0.0] * 48), measured(examples, after, "b"))
    assert full.favourable
    assert (found.n, found.groups, found.ungraded) == (32, 8, 16)
    worst = clustered([0.0] * 4 + [4.0] * 8, [4] * 12)
    assert found.interval[0] == pytest.approx(worst[0][0])
    assert found.p_value >= worst[1]


def test_a_metric_of_all_answers_draws_and_swaps_groups() -> None:
    examples = rows([6] * 24)
    number = [int(example.group[1:]) for example in examples]
    before = measured(examples, [1.0 if n % 3 == 0 else 0.0 for n in number])
    after = measured(examples, [1.0 if n % 3 < 2 else 0.0 for n in number], "best")
    pair = [replace(e, metric=MacroF1(labels=("a", "b"))) for e in (before, after)]
    grouped, single = reach_verdict(*pair), reach_verdict(*map(alone, pair))
    assert grouped.difference == single.difference
    width = [verdict.interval[1] - verdict.interval[0] for verdict in (grouped, single)]
    assert width[0] > 1.5 * width[1]
    assert grouped.p_value > single.p_value
    assert (grouped.groups, single.groups) == (24, 0)


def test_groups_of_one_change_no_figure_but_their_number() -> None:
    examples = [Example({"input": str(i)}, ("a",), group=f"g{i}") for i in range(40)]
    before, after = [0.0] * 30 + [1.0] * 10, [1.0] * 16 + [0.0] * 17 + [1.0] * 7
    pair = measured(examples, before), measured(examples, after, "b")
    grouped, single = reach_verdict(*pair), reach_verdict(*map(alone, pair))
    assert grouped.interval == pytest.approx(single.interval, abs=1e-9)
    assert grouped.p_value == pytest.approx(single.p_value, abs=1e-9)
    assert "group" not in str(single)


def test_the_gap_and_the_flips_count_groups(tmp_path: Path) -> None:
    examples = rows([6] * 20)
    scores = [1.0 if int(e.group[1:]) % 2 else 0.0 for e in examples]
    seed, best = measured(examples, [0.0] * 120, "seed"), measured(examples, scores, "best")
    grouped = explain_gap([best, seed], seed, best)
    single = explain_gap([alone(best), alone(seed)], alone(seed), alone(best))
    assert grouped is not None
    assert single is not None
    assert grouped.interval is not None
    assert single.interval is not None
    assert grouped.interval[0] < single.interval[0] - 0.05
    lines = (pair_line(*pair) for pair in zip(seed.rollouts, best.rollouts, strict=True))
    (tmp_path / "test.jsonl").write_text("".join(lines), encoding="utf-8")
    assert json.loads((tmp_path / "test.jsonl").read_text().splitlines()[0])["group"] == "c0"
    whole, *parts = read_flips(RunFolder(tmp_path)).groups
    assert (whole.n, whole.groups) == (120, 20)
    assert whole.interval == pytest.approx(reach_verdict(seed, best).interval)
    assert {part.groups for part in parts} == {10}


# --- the gate -----------------------------------------------------------------------------------


def gate(task: Task, old: str, new: str) -> tuple[Gate, FakeModel]:
    model = FakeModel()
    return asyncio.run(agate(task, Prompt(old), Prompt(new), model=model)), model


def grouped_task(n: int, size: int) -> Task:
    task = fake_task()
    example = task.test[0]
    made = [
        replace(example, inputs={"input": f"w{i}"}, targets=(f"w{i}",), group=f"c{i // size}")
        for i in range(n * size)
    ]
    return replace(task, test=tuple(made))


def test_the_gate_takes_whole_groups_and_needs_as_many_as_it_would_need_rows() -> None:
    found, model = gate(grouped_task(400, 6), "Old", "New ++++++++")
    assert found.decision == "better"
    assert found.n == 6 * found.groups
    assert len(model.requests) == 2 * found.n
    single, _ = gate(grouped_task(2400, 1), "Old", "New ++++++++")
    assert found.groups >= single.n / 2  # Looks come after other numbers of rows.
    assert found.n > 2 * single.n
    assert "groups" in found.to_dict()


def test_the_order_of_the_gate_hangs_on_content_alone() -> None:
    task = grouped_task(30, 4)
    one, _ = gate(task, "Old", "New ++++++++")
    other, _ = gate(replace(task, test=tuple(reversed(task.test))), "Old", "New ++++++++")
    assert replace(one, spent=other.spent) == other


# --- folds and budgets ----------------------------------------------------------------------


def test_folds_keep_groups_whole_and_are_about_even() -> None:
    examples = rows(SIZES, ("a", "b", "c"))
    examples[0] = replace(examples[0], inputs={"input": "Same!"})
    examples[-1] = replace(examples[-1], inputs={"input": "same"})  # Two groups that say the same.
    task = replace(fake_task(), train=examples[:60], validation=examples[60:], test=(),
                   labels=("a", "b", "c"))  # fmt: skip
    found = fold_tasks(task, 5)
    tested = [example for fold in found for example in fold.test]
    assert sorted(e.id for e in tested) == sorted(e.id for e in examples)
    for fold in found:
        pools = [fold.train, fold.validation, fold.test]
        groups = [{e.group for e in pool} for pool in pools]
        assert sum(map(len, groups)) == 27
        assert len(set[str]().union(*groups)) == 27
    together = [fold for fold in found if {"c0", "c26"} & {e.group for e in fold.test}]
    assert len(together) == 1
    for fold in found[:-1]:
        assert 14 <= len(fold.test) <= 26
        assert min(Counter(e.target for e in fold.test).values()) >= 3
    with pytest.raises(SettingsError, match="15 folds of 26 groups have fewer than 2"):
        fold_tasks(task, 15)


def test_what_a_budget_leaves_is_drawn_by_group_and_what_must_pass_stays() -> None:
    examples = rows([4] * 20)
    examples[70] = replace(examples[70], must_pass=True)
    task = replace(fake_task(), validation=examples, test=rows([5] * 12))
    found = sample_pools(task, 30, 22)
    sizes = Counter(example.group for example in found.validation)
    assert sorted(sizes.values()) == [2, *[4] * 7]
    assert sizes["c17"] == 4
    assert sorted(Counter(e.group for e in found.test).values()) == [2, 5, 5, 5, 5]
