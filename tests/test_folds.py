"""How rows become folds: each is tested once, and never by a search that saw it."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.calls.budget import Budget
from apo.data.folds import fold_tasks
from apo.data.near import same_but_signs
from apo.errors import SettingsError
from apo.prompts.prompt import Prompt
from apo.run.fit import share_budget
from apo.task import Example, Task
from apo.testing.fakes import Repeat

LABELS = ("환불", "배송", "로그인")


def task_of(rows: list[Example], labels: tuple[str, ...] = LABELS) -> Task:
    third = len(rows) // 3
    return Task(
        name="폴드",
        scorer=Repeat(),
        seed_prompts=(Prompt("답하세요"),),
        train=rows[:third],
        validation=rows[third : 2 * third],
        test=rows[2 * third :],
        labels=labels,
    )


def numbered(n: int, labels: tuple[str, ...] = LABELS) -> list[Example]:
    return [
        Example({"input": f"문의 {i} 🙂 {{{{x}}}}"}, (labels[i % len(labels)],)) for i in range(n)
    ]


def pools(task: Task) -> list[list[Example]]:
    return [list(task.train), list(task.validation), list(task.test)]


def example(text: str, label: str) -> Example:
    return Example({"input": text}, (label,))


texts = st.text(st.sampled_from("가나 a1.!{}\x00🙂"), max_size=6)
rows = st.lists(st.builds(example, texts, st.sampled_from(LABELS)), min_size=40, max_size=90)


@given(rows, st.integers(2, 6), st.integers(0, 3))
def test_each_row_is_tested_once_and_never_seen_by_its_fold(
    rows: list[Example], k: int, seed: int
) -> None:
    task = task_of(rows)
    try:
        tasks = fold_tasks(task, k, seed)
    except SettingsError:  # Nearly all of them are the same.
        return
    everything = Counter(example.id for example in rows)
    assert len(tasks) == k + 1
    assert sum((Counter(e.id for e in t.test) for t in tasks), Counter[str]()) == everything
    assert tasks[-1].test == ()
    for fold in tasks:
        assert (
            sum((Counter(e.id for e in pool) for pool in pools(fold)), Counter[str]()) == everything
        )
        named = {"train": fold.train, "validation": fold.validation, "test": fold.test}
        assert not [p for p in same_but_signs(named) if p.pools[0] != p.pools[1]]
        ids = [{e.id for e in pool} for pool in pools(fold)]
        assert not ids[0] & ids[1] | ids[0] & ids[2] | ids[1] & ids[2]
        assert fold.train
        assert fold.validation


@given(st.integers(12, 120), st.integers(2, 6), st.integers(0, 5))
def test_labels_and_sizes_are_even(n: int, k: int, seed: int) -> None:
    tasks = fold_tasks(task_of(numbered(n)), k, seed)
    for fold in tasks[:-1]:
        assert n // k <= len(fold.test) <= n // k + 1
        counts = Counter(e.target for e in fold.test)
        for label in LABELS:
            whole = sum(i % 3 == LABELS.index(label) for i in range(n))
            assert whole // k <= counts[label] <= whole // k + 1
    for fold in tasks:
        assert abs(len(fold.train) - 2 * len(fold.validation)) <= 2
        for label in LABELS:
            both = [sum(e.target == label for e in p) for p in (fold.train, fold.validation)]
            assert abs(both[0] - 2 * both[1]) <= 2


def test_content_and_seed_decide_not_order_or_pools() -> None:
    rows = numbered(60)
    one, other = (fold_tasks(task_of(found), 5, 7) for found in (rows, rows[::-1]))
    assert [pools(t) for t in one] == [pools(t) for t in other]
    again = fold_tasks(one[2], 5, 7)  # A fold's own task has all rows.
    assert [t.fingerprint for t in again] == [t.fingerprint for t in one]
    assert fold_tasks(task_of(rows), 5, 8)[0].test != one[0].test
    assert one[0].test != tuple(sorted(one[0].test, key=lambda e: e.target))


def test_what_says_the_same_stays_together() -> None:
    rows = [
        *numbered(20),
        *(replace(e, inputs={"input": e.inputs["input"] + " !!"}) for e in numbered(20)),
    ]
    for fold in fold_tasks(task_of(rows), 5)[:-1]:
        assert len(fold.test) == 8
        assert sum(e.inputs["input"].endswith("!!") for e in fold.test) == 4


def test_without_labels_targets_do_not_matter() -> None:
    rows = [Example({"input": f"{i}"}, (f"답 {i}",)) for i in range(40)]
    assert [len(t.test) for t in fold_tasks(task_of(rows, ()), 4)] == [10, 10, 10, 10, 0]


@pytest.mark.parametrize(("k", "n", "said"), [
    (1, 60, "1 folds: at least 2 are needed"),
    (-3, 60, "at least 2"),
    (31, 60, "31 folds of 60 different inputs have fewer than 2 each. Give --folds 30 or less."),
    (2, 3, "Get more rows"),
    (2, 0, "Get more rows"),
])  # fmt: skip
def test_refused(k: int, n: int, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        fold_tasks(task_of(numbered(n)), k)


def test_repeats_are_no_rows() -> None:
    with pytest.raises(SettingsError, match="5 folds of 9 different inputs"):
        fold_tasks(task_of(numbered(9) * 10), 5)


@given(st.integers(6, 10**6), st.floats(0.01, 1000), st.integers(2, 6))
def test_shares_never_come_to_more_than_the_whole(calls: int, usd: float, n: int) -> None:
    each, last = share_budget(Budget(max_calls=calls, max_usd=usd), n)
    assert each.max_calls is not None
    assert last.max_calls is not None
    assert each.max_usd is not None
    assert last.max_usd is not None
    assert (n - 1) * each.max_calls + last.max_calls == calls
    assert last.max_calls >= each.max_calls
    assert (n - 1) * each.max_usd + last.max_usd <= usd * (1 + 1e-12)
    assert each.max_tokens is last.max_tokens is each.max_minutes is None
