"""Auto: which methods are chained for a task and a budget, and how."""

import math
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo import Budget, Example, Search, SettingsError, Task
from apo.optimizers import auto
from apo.optimizers.auto import MAX_DEMO_CHARS, ROOM, Auto, pick
from apo.optimizers.portfolio import Portfolio
from apo.testing import fake_task
from tests.fidelity.conftest import Run, tagged
from tests.test_search import Stage, on_stage

ALONE = ("race-search",)
CHAIN = ("race-search", "gepa", "bootstrap-rs")
WITHOUT_DEMOS = ("race-search", "gepa")


def long_task(*lengths: int) -> Task:
    """A task whose training examples have so many characters, inputs and targets together."""
    train = [Example({"input": "x" * (n - 4)}, ("text",)) for n in lengths]
    return replace(fake_task(), train=train)


def picked(task: Task, max_calls: int | None = None) -> tuple[str, ...]:
    found: list[tuple[str, ...]] = []

    async def work(stage: Stage) -> None:
        found.append(pick(stage.search))

    on_stage(work, task=task, max_calls=max_calls)
    return found[0]


@pytest.mark.parametrize(
    ("max_calls", "expected"),
    [(1, ALONE), (20 * 12 - 1, ALONE), (20 * 12, CHAIN), (5000, CHAIN), (None, CHAIN)],
)
def test_a_second_method_needs_room(max_calls: int | None, expected: tuple[str, ...]) -> None:
    assert ROOM == 12
    assert picked(fake_task(), max_calls) == expected


def test_room_is_what_is_left_not_what_there_was() -> None:
    async def work(stage: Stage) -> None:
        assert pick(stage.search) == CHAIN
        await stage.search.evaluate(stage.search.seed_prompts[0])
        assert pick(stage.search) == ALONE

    on_stage(work, max_calls=20 * 12)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ((1500,), CHAIN),
        ((1501,), WITHOUT_DEMOS),
        ((100, 2900), CHAIN),
        ((100, 2901), WITHOUT_DEMOS),
        ((100,) * 9 + (20_000,), WITHOUT_DEMOS),
    ],
)
def test_no_demos_where_examples_are_long_on_average(
    lengths: tuple[int, ...], expected: tuple[str, ...]
) -> None:
    assert MAX_DEMO_CHARS == 1500
    assert picked(long_task(*lengths)) == expected


def test_long_examples_and_little_room_leave_race_search_alone() -> None:
    assert picked(long_task(9000), 100) == ALONE


@given(
    st.lists(st.integers(4, 3000), min_size=1, max_size=5),
    st.one_of(st.none(), st.integers(1, 1000)),
)
def test_what_is_picked_begins_with_race_search(lengths: list[int], max_calls: int | None) -> None:
    found = picked(long_task(*lengths), max_calls)
    assert found in (ALONE, WITHOUT_DEMOS, CHAIN)
    room = (math.inf if max_calls is None else max_calls) >= 240
    assert len(found) == 1 + room * (1 + (sum(lengths) / len(lengths) <= 1500))


@dataclass(frozen=True)
class Nothing:
    """An optimizer that does nothing."""

    async def run(self, search: Search) -> None:
        pass


def test_the_chain_is_a_portfolio_with_the_settings_of_auto(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[tuple[str, dict[str, Any]]] = []

    def make(name: str, settings: dict[str, Any]) -> Nothing:
        made.append((name, settings))
        return Nothing()

    monkeypatch.setattr(auto, "make_optimizer", make)

    async def work(stage: Stage) -> None:
        await Auto(patience=3, n_handed=2, max_stale_turns=5).run(stage.search)

    on_stage(work)
    [(name, settings)] = made
    assert name == "portfolio"
    assert Portfolio(**settings) == Portfolio(
        optimizers=CHAIN, patience=3, n_handed=2, max_stale_turns=5, share=0.99
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("patience", 0.0), ("patience", float("nan")), ("n_handed", 0), ("max_stale_turns", 0)],
)
def test_ranges(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"Auto.{name} is {value}"):
        Auto(**{name: value})  # type: ignore[arg-type]  # One setting of several types.
    assert Auto() == Auto(patience=8, n_handed=3)


def operators(run: Run, patience: int, max_calls: int) -> list[str]:
    """The operators of the candidates of a writer that is stuck, in order."""
    seen = run(
        Auto(patience=patience),
        lambda n, _: tagged(f"Never any better {n}"),
        budget=Budget(max_calls=max_calls),
    )
    return [event.body["operator"] for event in seen.events if event.kind == "candidate"]


def test_another_method_goes_on_when_race_search_stalls(run: Run) -> None:
    found = operators(run, patience=4, max_calls=500)
    assert found.index("gepa_reflect") > found.index("restate") > found.index("induce")
    assert found.index("gepa_reflect") < len(found) / 2
    # With more patience race search has it all, but for what is too little for its last round.
    patient = operators(run, patience=10_000, max_calls=500)
    assert "gepa_reflect" not in patient[: int(0.9 * len(patient))]


def test_a_small_budget_is_race_searchs_alone(run: Run) -> None:
    # 10 of 129 go to the seed: 119 are less than 12 measurements of 10.
    assert "gepa_reflect" not in operators(run, patience=1, max_calls=129)
    assert "gepa_reflect" in operators(run, patience=1, max_calls=200)
