"""Groups: no pool shares one, sizes are near what was asked, and nothing moves as data grow."""

from collections import defaultdict
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo.data.cells import Row
from apo.data.examples import Columns
from apo.data.groups import group_of
from apo.data.memory import SplitMemory
from apo.data.pools import POOLS, Pools, Split, make_pools
from apo.data.sampling import input_id
from apo.data.stored import read_pools
from apo.errors import DataError
from apo.task import Example

LABELS = ("a", "b", "c")
COLUMNS = Columns(inputs={"x": "x"}, targets=("y",), labels=LABELS, group=("g",))


def conversations(sizes: list[int], start: int = 0) -> list[Row]:
    return [
        {"x": f"turn {turn} of {start + g}", "y": LABELS[(g + turn) % 3], "g": f"c{start + g}"}
        for g, size in enumerate(sizes)
        for turn in range(size)
    ]


def named(pools: Pools) -> dict[str, tuple[Example, ...]]:
    return {name: getattr(pools, name) for name in POOLS}


def homes(pools: Pools) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, pool in named(pools).items():
        for example in pool:
            found[example.group].add(name)
    return found


SIZES = st.lists(st.integers(1, 10), min_size=12, max_size=60)


@settings(deadline=None)
@given(SIZES, st.integers(0, 3), st.randoms(use_true_random=False), st.booleans())
def test_no_group_is_divided_and_sizes_are_near_what_was_asked(
    group_sizes: list[int], seed: int, random: Random, labels: bool
) -> None:
    rows = conversations(group_sizes)
    columns = COLUMNS if labels else Columns(inputs={"x": "x"}, targets=("y",), group=("g",))
    pools = make_pools({"data": rows}, columns, Split(seed=seed))
    assert all(len(found) == 1 for found in homes(pools).values())
    found = {name: len(pool) for name, pool in named(pools).items()}
    assert sum(found.values()) == len(rows)
    for name, share in Split().fractions.items():
        assert found[name] < share * len(rows) + max(group_sizes)
    random.shuffle(rows)
    assert make_pools({"data": rows}, columns, Split(seed=seed)) == pools


@settings(deadline=None, max_examples=30)
@given(SIZES, st.integers(0, 3), st.integers(1, 30))
def test_a_pool_that_is_cut_is_drawn_by_group(sizes: list[int], seed: int, cap: int) -> None:
    caps = {"train": 40, "validation": cap, "test": cap}
    pools = make_pools({"data": conversations(sizes)}, COLUMNS, Split(seed=seed, caps=caps))
    assert all(len(found) == 1 for found in homes(pools).values())
    for name, pool in named(pools).items():
        assert len(pool) <= caps[name]
        members: dict[str, int] = defaultdict(int)
        for example in pool:
            members[example.group] += 1
        # Whole groups, but for the last one, which the cap may cut.
        cut = [name for name, n in members.items() if n < sizes[int(name[1:])]]
        assert len(cut) <= 1
        assert len(pool) > min(caps[name], Split().fractions[name] * sum(sizes)) - 2 * max(sizes)


def test_a_large_sample_keeps_groups_together_whatever_the_order() -> None:
    rows = conversations([3] * 400)
    split = Split(caps={"train": 20, "validation": 20, "test": 20})
    pools = make_pools({"data": rows}, COLUMNS, split)
    assert all(18 <= len(pool) <= 20 for pool in named(pools).values())
    Random(1).shuffle(rows)
    again = make_pools({"data": rows}, COLUMNS, split)
    assert [*named(again).values()] == [*named(pools).values()]


def test_an_input_of_two_groups_is_one_example_whatever_the_order() -> None:
    rows = conversations([4] * 40)
    for g in range(40):
        rows.append({"x": "ok", "y": LABELS[g % 3], "g": f"c{g}"})
    for caps in (Split().caps, {"train": 20, "validation": 20, "test": 20}):
        pools = make_pools({"data": rows}, COLUMNS, Split(caps=caps))
        every = [example for pool in named(pools).values() for example in pool]
        assert len({*map(input_id, every)}) == len(every)
        assert all(len(found) == 1 for found in homes(pools).values())
        for seed in range(3):
            shuffled = [*rows]
            Random(seed).shuffle(shuffled)
            again = make_pools({"data": shuffled}, COLUMNS, Split(caps=caps))
            assert [*named(again).values()] == [*named(pools).values()]


def test_nothing_moves_as_conversations_grow_and_new_ones_come(tmp_path: Path) -> None:
    memory = SplitMemory(tmp_path / "x.json")
    before = homes(make_pools({"data": conversations([3] * 40)}, COLUMNS, None, memory))
    rows = conversations([6] * 55)
    after = homes(make_pools({"data": rows}, COLUMNS, None, memory))
    assert all(after[group] == found for group, found in before.items())
    assert all(len(found) == 1 for found in after.values())
    # New names for the same conversations: the rows stay where they were.
    renamed = [{**row, "g": f"new {row['g']}"} for row in rows]
    pools = homes(make_pools({"data": renamed}, COLUMNS, None, memory))
    assert all(pools[f"new {group}"] == found for group, found in after.items())


def test_a_split_without_groups_is_remembered_apart(tmp_path: Path) -> None:
    memory, rows = SplitMemory(tmp_path / "x.json"), conversations([4] * 30)
    plain = Columns(inputs={"x": "x"}, targets=("y",), labels=LABELS)
    before = make_pools({"data": rows}, plain, None, memory)
    grouped = make_pools({"data": rows}, COLUMNS, None, memory)
    assert all(len(found) == 1 for found in homes(grouped).values())
    assert make_pools({"data": rows}, plain, None, memory) == before


@pytest.mark.parametrize("given", ["column", "files"])
def test_given_pools_that_divide_a_group_are_an_error_that_names_it(given: str) -> None:
    rows = conversations([4] * 30)
    for number, row in enumerate(rows):
        row["s"] = ("train", "validation", "test")[number // 4 % 3]
    rows[5]["s"], rows[3]["s"] = "test", "eval"
    columns, sources = COLUMNS, {"data": rows}
    if given == "column":
        columns = Columns(inputs={"x": "x"}, targets=("y",), group=("g",), split="s")
    else:
        rows[3]["s"] = "validation"
        sources = {name: [row for row in rows if row["s"] == name] for name in POOLS}
    with pytest.raises(DataError, match=r"The group 'c0' \('g'\) stands in train and validation"):
        make_pools(sources, columns, Split(column=columns.split))


def test_several_columns_and_rows_of_no_group() -> None:
    rows = conversations([3] * 40)
    for number, row in enumerate(rows):
        row["h"] = str(number % 2)
    rows += [{"x": f"alone {i}", "y": "a", "g": " ", "h": None} for i in range(20)]
    columns = Columns(inputs={"x": "x"}, targets=("y",), labels=LABELS, group=("g", "h"))
    pools = make_pools({"data": rows}, columns)
    groups = homes(pools)
    assert {'["c0", "0"]', '["c0", "1"]'} <= {*groups}
    assert len(groups) == 81
    assert groups[""] == {*POOLS}
    assert any("each stands alone" in note for note in pools.notes)
    assert any("('g' and 'h') stay together" in note for note in pools.notes)


def test_too_few_groups_and_groups_of_one() -> None:
    with pytest.raises(DataError, match="No group of 'g' is divided, and there are too few"):
        make_pools({"data": conversations([20, 20])}, COLUMNS)
    pools = make_pools({"data": conversations([1] * 40)}, COLUMNS)
    assert any("the key group changes nothing" in note for note in pools.notes)


def test_one_giant_group_leaves_something_for_each_pool() -> None:
    pools = make_pools({"data": conversations([100, 1, 1])}, COLUMNS)
    assert [len(pool) for pool in named(pools).values()] == [100, 1, 1]


def test_stored_pools_keep_the_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apo.data.stored.LARGE", 1)
    path = tmp_path / "a.csv"
    lines = ["x,y,g", *(f"{r['x']},{r['y']},{r['g']}" for r in conversations([3] * 30))]
    path.write_text("\n".join(lines), encoding="utf-8")
    first = read_pools({"data": path}, COLUMNS, Split(), tmp_path / "splits", "t")
    again = read_pools({"data": path}, COLUMNS, Split(), tmp_path / "splits", "t")
    assert homes(again) == homes(first)
    assert len(homes(first)) == 30


@pytest.mark.parametrize("cell", ["N/A", "none", " - ", "NULL", "", "unknown", "없음", None])
def test_rows_that_name_no_group_have_nothing_in_common(cell: str | None) -> None:
    assert group_of([cell]) == group_of([cell, "nan"]) == ""
    assert group_of([cell, "c1"])
    assert group_of(["nadia"]) == "nadia"
