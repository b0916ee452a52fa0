"""Pools: the same whatever the order, disjoint, stratified, and they stay when the data grows."""

import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apo.data.cells import Row
from apo.data.examples import Columns
from apo.data.memory import SplitMemory
from apo.data.pools import POOLS, Pools, Split, make_pools
from apo.data.sampling import Sample, input_id, shares
from apo.errors import DataError
from apo.task import Example

LABELS = ("a", "b", "c")
COLUMNS = Columns(inputs={"x": "x"}, targets=("y",), labels=LABELS)
FREE = Columns(inputs={"x": "x"}, targets=("y",))


def row(x: object, y: str) -> Row:
    return {"x": str(x), "y": y}


def many(n: int, start: int = 0) -> list[Row]:
    return [row(f"text {i}", LABELS[i % 3]) for i in range(start, start + n)]


def named(pools: Pools) -> dict[str, tuple[Example, ...]]:
    return {"train": pools.train, "validation": pools.validation, "test": pools.test}


def homes(pools: Pools) -> dict[str, str]:
    return {input_id(e): name for name, pool in named(pools).items() for e in pool}


def sizes(pools: Pools) -> tuple[int, int, int]:
    return len(pools.train), len(pools.validation), len(pools.test)


ROWS = st.lists(
    st.builds(row, st.integers(0, 60), st.sampled_from(LABELS)), min_size=30, max_size=90
).filter(lambda rows: len({r["x"] for r in rows}) >= 12)


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False), st.integers(0, 3), st.booleans())
def test_the_order_of_rows_does_not_matter(
    rows: list[Row], random: Random, seed: int, capped: bool
) -> None:
    caps = {"train": 4, "validation": 3, "test": 3} if capped else Split().caps
    split = Split(seed=seed, caps=caps)
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert make_pools({"data": rows}, COLUMNS, split) == make_pools(
        {"data": shuffled}, COLUMNS, split
    )


@settings(deadline=None)
@given(ROWS)
def test_every_input_is_used_once(rows: list[Row]) -> None:
    pools = make_pools({"data": rows}, COLUMNS)
    inputs = [example.inputs["x"] for pool in named(pools).values() for example in pool]
    assert sorted(inputs) == sorted({str(r["x"]) for r in rows})


@settings(deadline=None)
@given(st.lists(st.integers(0, 25), min_size=1, max_size=8).filter(lambda counts: sum(counts) >= 8))
def test_each_label_is_shared_out_within_one(counts: list[int]) -> None:
    labels = tuple(f"label {i}" for i in range(len(counts)))
    rows = [row(f"{y} {i}", y) for y, n in zip(labels, counts, strict=True) for i in range(n)]
    columns = Columns(inputs={"x": "x"}, targets=("y",), labels=labels)
    pools = make_pools({"data": rows}, columns)
    fractions = Split().fractions
    for name, pool in named(pools).items():
        found = Counter(example.target for example in pool)
        for label, n in zip(labels, counts, strict=True):
            assert abs(found[label] - fractions[name] * n) < 1 + 1e-9
        assert abs(len(pool) - fractions[name] * sum(counts)) < 2


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.lists(st.integers(1, 9), min_size=3, max_size=3),
    st.fractions(min_value=Fraction(1, 10), max_value=1),
)
def test_shares_add_up(counts: list[int], weights: list[int], part: Fraction) -> None:
    total = sum(counts)
    wanted = {
        pool: part * total * weight / sum(weights)
        for pool, weight in zip(POOLS, weights, strict=True)
    }
    given_out = shares(counts, wanted, [{} for _ in counts])
    placed = sum(sum(more.values()) for more in given_out)
    assert placed == round(part * total)
    for count, more in zip(counts, given_out, strict=True):
        assert sum(more.values()) <= count
        for pool in POOLS:
            assert abs(more[pool] - wanted[pool] * count / total) < 2


@settings(deadline=None, max_examples=50)
@given(st.integers(20, 60), st.lists(st.integers(1, 60), min_size=1, max_size=3), st.booleans())
def test_rows_never_move_when_the_data_grows(
    tmp_path_factory: pytest.TempPathFactory, start: int, steps: list[int], capped: bool
) -> None:
    caps = {"train": 20, "validation": 10, "test": 15} if capped else Split().caps
    memory = SplitMemory.of(tmp_path_factory.mktemp("memory"), "task")
    n, before = start, dict[str, str]()
    for step in [0, *steps]:
        n += step
        pools = make_pools({"data": many(n)}, COLUMNS, Split(caps=caps), memory)
        now = homes(pools)
        assert before.items() <= now.items()
        assert all(size <= cap for size, cap in zip(sizes(pools), caps.values(), strict=True))
        before = now


def test_without_a_memory_new_rows_may_move_others_and_with_it_they_fill_up(tmp_path: Path) -> None:
    memory = SplitMemory.of(tmp_path, "task")
    assert sizes(make_pools({"data": many(30)}, COLUMNS, None, memory)) == (12, 6, 12)
    assert sizes(make_pools({"data": many(300)}, COLUMNS, None, memory)) == (120, 60, 120)


def test_a_mended_target_stays_in_its_pool(tmp_path: Path) -> None:
    memory = SplitMemory.of(tmp_path, "task")
    before = make_pools({"data": many(60)}, COLUMNS, None, memory)
    mended = [row(r["x"], "c" if r["y"] == "a" else str(r["y"])) for r in many(60)]
    assert homes(make_pools({"data": mended}, COLUMNS, None, memory)) == homes(before)


def test_rows_that_come_back_return_to_their_pool(tmp_path: Path) -> None:
    memory = SplitMemory.of(tmp_path, "task")
    before = homes(make_pools({"data": many(60)}, COLUMNS, None, memory))
    make_pools({"data": many(30)}, COLUMNS, None, memory)
    assert homes(make_pools({"data": many(60)}, COLUMNS, None, memory)) == before


def test_each_seed_has_a_memory_of_its_own(tmp_path: Path) -> None:
    memory = SplitMemory.of(tmp_path, "작업/x")
    first = make_pools({"data": many(60)}, COLUMNS, Split(seed=0), memory)
    second = make_pools({"data": many(60)}, COLUMNS, Split(seed=1), memory)
    assert homes(first) != homes(second)
    assert make_pools({"data": many(60)}, COLUMNS, Split(seed=0), memory) == first
    (path,) = tmp_path.iterdir()  # One file, and no rest of writing it.
    assert set(json.loads(path.read_text("utf-8"))["seeds"]) == {"0", "1"}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"apo_split": 2, "seeds": {}}', '{"apo_split": 1}']
)
def test_a_damaged_memory_is_not_overlooked(tmp_path: Path, text: str) -> None:
    (tmp_path / "task.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"task\.json.*cannot be read.*delete it"):
        make_pools({"data": many(60)}, COLUMNS, None, SplitMemory.of(tmp_path, "task"))


def test_a_memory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match=r"task\.json cannot be written"):
        make_pools({"data": many(60)}, COLUMNS, None, SplitMemory.of(tmp_path / "file", "task"))


def test_a_smaller_cap_keeps_the_first_ones(tmp_path: Path) -> None:
    memory = SplitMemory.of(tmp_path, "task")
    before = make_pools({"data": many(100)}, COLUMNS, None, memory)
    caps = {"train": 10, "validation": 5, "test": 8}
    after = make_pools({"data": many(100)}, COLUMNS, Split(caps=caps), memory)
    assert sizes(after) == (10, 5, 8)
    assert after.test == before.test[:8]


# --- what is left out, and said


def test_rows_that_cannot_be_used_are_counted() -> None:
    bad: list[Row] = [
        {"x": None, "y": "a"},
        {"x": "  ", "y": "a"},
        {"x": "t", "y": ""},
        {"x": "t", "y": None},
        {"x": "\ud83d", "y": "a"},
    ]
    notes = make_pools({"tickets.csv": [*many(30), *bad]}, COLUMNS).notes
    assert "Rows left out, no value for 'x': 1 (first: tickets.csv, row 31)." in notes
    assert "Rows left out, blank input: 1 (first: tickets.csv, row 32)." in notes
    assert "Rows left out, no target: 2 (first: tickets.csv, row 33)." in notes
    assert any("surrogate" in note and "row 35" in note for note in notes)
    assert "30 usable rows; the pools: train 12, validation 6, test 12." in notes


def test_conflicts_and_repeats_are_said() -> None:
    rows = [*many(30), row("text 0", "a"), row("text 1", "c")]
    notes = " ".join(make_pools({"data": rows}, COLUMNS).notes)
    assert "Rows that repeat the input of another row: 2" in notes
    assert "Inputs whose rows have different targets: 1" in notes
    assert "'text 1', which is" in notes
    assert "32 usable rows with 30 different inputs; the pools: train 12, " in notes


@pytest.mark.parametrize(("n", "warned"), [(1, False), (2, True), (30, True)])
def test_many_conflicts_are_a_warning(n: int, warned: bool) -> None:
    """From one input in twenty on, scores rest on which of its rows was taken."""
    rows = [row(f"text {i % 30}", "ab"[i // 30]) for i in range(30 + n)]
    pools = make_pools({"data": rows}, COLUMNS)
    told = [note for note in pools.notes if "different targets" in note]
    assert f"different targets: {n} of 30; one row of each" in told[0]
    assert pools.warnings == (tuple(told) if warned else ())
    assert ("Scores rest on which row" in told[0]) is warned


def test_a_target_that_is_no_label_is_an_error() -> None:
    with pytest.raises(DataError, match=r"data, row 31: the target 'd' is none of the labels"):
        make_pools({"data": [*many(30), row("x", "d")]}, COLUMNS)


def test_a_missing_column_is_an_error_with_near_names() -> None:
    columns = Columns(inputs={"x": "txet"}, targets=("y",))
    with pytest.raises(DataError, match=r"no column 'txet'\. Did you mean 'text'"):
        make_pools({"data": [{"text": "a", "y": "b"}]}, columns)
    with pytest.raises(DataError, match="separated by ';'"):
        make_pools({"data": [{"x;y": "a;b"}]}, COLUMNS)


@pytest.mark.parametrize("rows", [[], [{"x": "a", "y": ""}], many(2)])
def test_too_few_rows(rows: list[Row]) -> None:
    with pytest.raises(DataError, match=r"no usable rows|No example is left for"):
        make_pools({"data": rows}, COLUMNS)


def test_three_rows_are_enough() -> None:
    assert sizes(make_pools({"data": many(3)}, COLUMNS)) == (1, 1, 1)


# --- several answers


def test_several_accepted_answers() -> None:
    rows: list[Row] = [{"x": f"{i}", "y": '["USA", "U.S."]', "z": "America"} for i in range(9)]
    columns = Columns(inputs={"x": "x"}, targets=("y", "z"))
    pools = make_pools({"data": rows}, columns)
    assert pools.train[0].targets == ("USA", "U.S.", "America")


@pytest.mark.parametrize("text", ["[1, 2]", "[a]", "[]", '["a", 1]', "[" * 100_000])
def test_other_brackets_are_one_answer(text: str) -> None:
    rows: list[Row] = [{"x": f"{i}", "y": text} for i in range(9)]
    assert make_pools({"data": rows}, FREE).train[0].targets == (text,)


def test_labels_do_not_mind_blanks_around() -> None:
    pools = make_pools({"data": [*many(30), row("q", " a\n")]}, COLUMNS)
    assert {e.target for pool in named(pools).values() for e in pool} == set(LABELS)


# --- pools that are given


def test_three_given_pools_are_taken_as_they_are() -> None:
    sources = {"train": many(5), "validation": many(4, 100), "test": many(3, 200)}
    pools = make_pools(sources, COLUMNS)
    assert sizes(pools) == (5, 4, 3)
    assert {e.inputs["x"] for e in pools.test} == {"text 200", "text 201", "text 202"}


def test_missing_pools_come_out_of_train(tmp_path: Path) -> None:
    memory = SplitMemory.of(tmp_path, "task")
    sources = {"train": many(60), "test": many(10, 100)}
    pools = make_pools(sources, COLUMNS, None, memory)
    assert sizes(pools) == (40, 20, 10)
    grown = make_pools({**sources, "train": many(90)}, COLUMNS, None, memory)
    assert homes(pools).items() <= homes(grown).items()


def test_an_input_in_two_given_pools_leaves_the_earlier_one() -> None:
    sources = {"train": many(30), "validation": many(10, 20), "test": many(10, 25)}
    pools = make_pools(sources, COLUMNS)
    assert sizes(pools) == (20, 5, 10)
    notes = " ".join(pools.notes)
    assert "Inputs of validation that are also in train: 10; removed from train." in notes
    assert "Inputs of test that are also in validation: 5" in notes


def test_given_pools_are_cut_to_their_caps_evenly() -> None:
    caps = {"train": 30, "validation": 9, "test": 12}
    sources = {"train": many(300), "validation": many(300, 1000), "test": many(300, 2000)}
    pools = make_pools(sources, COLUMNS, Split(caps=caps))
    assert sizes(pools) == (30, 9, 12)
    assert set(Counter(e.target for e in pools.test).values()) == {4}


def test_a_split_column() -> None:
    names = ["train", "TRAIN ", "dev", "test"]
    rows = [{**r, "s": names[i % 4]} for i, r in enumerate(many(40))]
    columns = Columns(inputs={"x": "x"}, targets=("y",), labels=LABELS, split="s")
    assert sizes(make_pools({"data": rows}, columns, Split(column="s"))) == (20, 10, 10)
    with pytest.raises(DataError, match=r"names the pool 'tset'\. Did you mean 'test'"):
        make_pools({"data": [{**rows[0], "s": "tset"}]}, columns, Split(column="s"))


def test_no_test_split_when_none_is_wanted() -> None:
    split = Split(fractions={"train": 0.5, "validation": 0.5, "test": 0})
    assert sizes(make_pools({"data": many(30)}, COLUMNS, split)) == (15, 15, 0)


# --- size


def stream(n: int) -> Iterator[Row]:
    for i in range(n):
        yield {"x": f"a ticket of some length, number {i}", "y": LABELS[i % 2 if i % 100 else 2]}


def test_memory_stays_flat() -> None:
    split = Split(caps={"train": 20, "validation": 5, "test": 10})
    peaks: list[int] = []
    pools = None
    for n in (5_000, 25_000):
        tracemalloc.start()
        try:
            pools = make_pools({"data": stream(n)}, COLUMNS, split)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert pools is not None
    assert peaks[1] < 1.2 * peaks[0]
    assert sizes(pools) == (20, 5, 10)
    assert Counter(e.target for pool in named(pools).values() for e in pool)["b"] == 18


def test_a_sample_of_a_long_stream_is_small() -> None:
    sample, one = Sample(100, always={"7": "test"}), Example({"x": "a"}, ("b",))
    for i in range(200_000):
        sample.add(one, str(i), (i * 7919) % 200_003)
        assert len(sample.items) <= 101
    assert "7" in sample.items
    assert sample.dropped == 200_000 - 101


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("ab"))), st.integers(0, 6))
def test_what_a_sample_does_not_want_changes_nothing_in_it(
    rows: list[tuple[int, str]], limit: int
) -> None:
    always = {"3": "test", "20": "train"}
    asked, given_all = Sample(limit, always), Sample(limit, always)
    for number, target in rows:
        example, key = Example({"x": str(number)}, (target,)), number * 7919 % 31
        given_all.add(example, str(number), key)
        if asked.wants(str(number), key):
            asked.add(example, str(number), key)
        else:
            asked.seen += 1
    assert asked == given_all
