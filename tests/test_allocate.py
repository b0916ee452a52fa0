"""Allocation: what each rule spends on which arms, and whom it prefers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from apo import (
    Budget,
    BudgetExhausted,
    Completion,
    Options,
    Prompt,
    Request,
    Search,
    SettingsError,
    Usage,
    allocate,
)
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.errors import ContentFilterError
from apo.search.allocate import ALLOCATORS
from apo.storage.journal import Journal
from apo.testing import fake_task

pytestmark = pytest.mark.slow

NAMES = list(ALLOCATORS)
WAYS = [(name, paired) for name in NAMES for paired in (True, False) if paired or name != "race"]


@dataclass
class Quiz:
    """Right on the examples whose number is below ten times the prompt's number of '+'."""

    refused: str = "!"
    name: str = "quiz"
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def complete(self, request: Request) -> Completion:
        instruction, last = (message.content for message in request.messages)
        self.asked.append((instruction, last))
        if self.refused in instruction:
            raise ContentFilterError("no")
        right = int(last[1:]) < 10 * instruction.count("+")
        return Completion(text=last if right else "no", usage=Usage())

    async def aclose(self) -> None:
        pass


@dataclass
class Seen:
    """What came back, and what was asked for it."""

    ranked: list[str]
    asked: list[tuple[str, str]]
    rounds: list[int]

    def of(self, instruction: str) -> list[str]:
        return [last for found, last in self.asked if found == instruction]

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(self.of(name)) for name, _ in self.asked}


def play(
    pool: Sequence[str],
    n: int = 1,
    *,
    seed: int = 0,
    max_calls: int | None = None,
    **given: Any,
) -> Seen:
    """Allocate among prompts on a train split of 100 examples."""
    quiz, rounds = Quiz(), list[int]()

    class Counted(Search):
        async def map(self, function: Callable[[Any], Awaitable[Any]], items: Any) -> list[Any]:
            items = list(items)
            rounds.append(len(items))
            return await super().map(function, items)

    async def main() -> list[Prompt]:
        with Journal() as journal:
            caller = Caller(
                journal, Meter(Budget(max_calls=max_calls)), limits=Limits(max_concurrency=1)
            )
            endpoint = Endpoint("task", quiz)
            search = Counted(
                replace(fake_task(100), test=()),
                caller=caller,
                task_model=endpoint,
                optimizer_model=endpoint,
                options=Options(seed=seed),
            )
            if "examples" in given:
                given["examples"] = search.task.train[given["examples"]]
            return await allocate(search, [Prompt(text) for text in pool], n, **given)

    found = asyncio.run(main())
    return Seen([prompt.instruction for prompt in found], quiz.asked, rounds)


POOL = [f"{'+' * i} {i}" for i in (2, 7, 4, 1, 9, 3, 5, 6)]


# --- all rules ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "paired"), WAYS)
@pytest.mark.parametrize("rollouts", [0, 1, 7, 8, 9, 64, 203])
def test_never_more_than_the_rollouts(name: str, paired: bool, rollouts: int) -> None:
    seen = play(POOL, 3, rollouts=rollouts, allocator=name, paired=paired)
    assert len(seen.asked) == len(set(seen.asked)) <= rollouts
    assert len(seen.ranked) == len(set(seen.ranked)) == 3
    assert set(seen.ranked) <= set(POOL)
    if rollouts:
        assert seen.asked


@pytest.mark.parametrize(("name", "paired"), WAYS)
def test_the_same_seed_makes_the_same_calls(name: str, paired: bool) -> None:
    first, again, other = (
        play(POOL, 2, rollouts=120, allocator=name, paired=paired, seed=seed) for seed in (5, 5, 6)
    )
    assert first == again
    assert first.asked != other.asked


@pytest.mark.parametrize(("name", "paired"), WAYS)
def test_the_best_arms_are_found(name: str, paired: bool) -> None:
    for seed in range(3):
        seen = play(POOL, 2, rollouts=400, allocator=name, paired=paired, seed=seed)
        assert len(seen.asked) == len(set(seen.asked)) <= 400
        assert seen.ranked[0] == "+++++++++ 9"
        assert seen.ranked[1:] in (["+++++++ 7"], ["++++++ 6"])


@pytest.mark.parametrize("name", NAMES)
def test_paired_arms_see_the_same_examples_in_the_same_order(name: str) -> None:
    seen = play(POOL, rollouts=200, allocator=name)
    longest = max((seen.of(arm) for arm in POOL), key=len)
    for arm in POOL:
        assert seen.of(arm) == longest[: len(seen.of(arm))]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "race"])
def test_unpaired_arms_draw_their_own(name: str) -> None:
    seen = play(POOL, rollouts=200, allocator=name, paired=False)
    assert len({tuple(seen.of(arm)[:3]) for arm in POOL}) == len(POOL)
    assert all(len(set(seen.of(arm))) == len(seen.of(arm)) for arm in POOL)


@pytest.mark.parametrize("name", NAMES)
def test_no_arm_that_was_never_sampled_is_preferred_or_takes_part_as_zero(name: str) -> None:
    pool = [f" zero {i}" for i in range(3)] + POOL
    seen = play(pool, 11, rollouts=3, allocator=name)
    assert set(seen.counts) == set(pool[:3])
    assert seen.ranked == pool  # Even zeros come before what is unknown.


@pytest.mark.parametrize("name", NAMES)
def test_an_arm_that_is_refused_is_worth_no_more_than_a_wrong_one(name: str) -> None:
    seen = play(["! refused", " zero", "+++++ half"], 3, rollouts=60, allocator=name)
    assert seen.ranked[0] == "+++++ half"
    assert len(seen.asked) <= 60


@pytest.mark.parametrize("name", NAMES)
def test_more_rollouts_than_there_is_to_measure(name: str) -> None:
    seen = play(["+ a", "++ b", "+++ c"], 3, rollouts=10**6, allocator=name, examples=slice(20))
    assert len(seen.asked) <= 60
    assert seen.ranked[0] in ("++ b", "+++ c")  # The first 20 tell these two not apart.
    assert {last for _, last in seen.asked} <= {f"x{i}" for i in range(20)}


@pytest.mark.parametrize("name", NAMES)
def test_a_pool_of_none_or_one_and_no_examples(name: str) -> None:
    assert play([], 3, rollouts=10, allocator=name).ranked == []
    assert play(["+ a", "+ a"], 3, rollouts=10, allocator=name).ranked == ["+ a"]
    none = play(["b", "+ a"], 3, rollouts=10, allocator=name, examples=slice(0))
    assert none.ranked == ["b", "+ a"]
    assert none.asked == []


@pytest.mark.parametrize("name", NAMES)
def test_the_end_of_the_budget_is_the_searchs_business(name: str) -> None:
    with pytest.raises(BudgetExhausted):
        play(POOL, 3, rollouts=200, allocator=name, max_calls=50)


# --- one by one -----------------------------------------------------------------------------


def test_uniform_gives_all_the_same() -> None:
    seen = play(POOL, rollouts=203, allocator="uniform")
    assert set(seen.counts.values()) == {203 // 8}
    assert seen.rounds == [8]


@pytest.mark.parametrize("name", ["ucb", "ucb-e"])
def test_bandits_try_every_arm_before_any_again(name: str) -> None:
    seen = play(POOL, rollouts=200, allocator=name, share=0.25, batch_size=5)
    first = seen.asked[: 8 * 5]
    assert {arm: sum(a == arm for a, _ in first) for arm in POOL} == dict.fromkeys(POOL, 5)
    assert len(seen.asked) == 200
    assert max(seen.counts, key=lambda arm: seen.counts[arm]) == "+++++++++ 9"
    assert seen.rounds == [2] * 20


@pytest.mark.parametrize("name", ["ucb", "ucb-e"])
def test_bandits_cut_the_batch_to_see_every_arm(name: str) -> None:
    seen = play(POOL, rollouts=16, allocator=name, share=1, exploration=100)
    assert seen.counts == dict.fromkeys(POOL, 2)


def test_successive_rejects_follow_the_plan() -> None:
    pool = ["+ a", "+++ b", "+++++ c", "+++++++ d"]
    seen = play(pool, rollouts=100, allocator="successive-rejects")
    assert seen.counts == dict(zip(pool, [16, 21, 31, 31], strict=True))
    assert seen.ranked == ["+++++++ d"]
    assert seen.rounds == [4, 3, 2]


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("rollouts", [60, 97, 240])
@pytest.mark.parametrize(
    "name", ["successive-halving", "continuous-rejects", "continuous-rejects-aggressive"]
)
def test_triple_spends_exactly_the_budget(name: str, rollouts: int, n: int) -> None:
    assert len(play(POOL, n, rollouts=rollouts, allocator=name).asked) == rollouts


def test_halving_shares_the_budget_among_its_phases() -> None:
    seen = play(POOL, rollouts=120, allocator="successive-halving")
    # 3 phases of 40: 5 each of 8, 10 each of 4, 20 each of 2.
    assert sorted(seen.counts.values()) == [5] * 4 + [15] * 2 + [35] * 2
    assert seen.rounds == [8, 4, 2]


def test_halving_returns_the_best_mean_of_the_last_two() -> None:
    """TRIPLE's code returns the last of its active arms, which are sorted the best first."""
    for seed in range(5):
        seen = play(POOL, rollouts=120, allocator="successive-halving", seed=seed)
        last = sorted(seen.counts, key=lambda arm: -seen.counts[arm])[:2]
        rights = {arm: sum(int(x[1:]) < 10 * arm.count("+") for x in seen.of(arm)) for arm in last}
        assert len(set(rights.values())) == 2
        assert seen.ranked == [max(last, key=lambda arm: rights[arm])]


@pytest.mark.parametrize("name", ["continuous-rejects", "continuous-rejects-aggressive"])
@pytest.mark.parametrize("paired", [True, False])
def test_continuous_rejects_drop_the_worse_of_two_early(name: str, paired: bool) -> None:
    pool = [" bad", "+++++++++ good"]
    seen = play(pool, rollouts=80, allocator=name, paired=paired)
    assert seen.counts[" bad"] < 25
    assert seen.counts[" bad"] + seen.counts["+++++++++ good"] == 80
    assert seen.ranked == ["+++++++++ good"]


def test_continuous_rejects_do_not_drop_what_is_alike() -> None:
    pool = ["+++++ a", "+++++ b"]
    seen = play(pool, rollouts=80, allocator="continuous-rejects")
    assert seen.counts == dict.fromkeys(pool, 40)


def test_a_race_ends_when_it_is_decided() -> None:
    pool = [" bad", " worse", "+++++++++ good"]
    seen = play(pool, rollouts=300, allocator="race", batch_size=10)
    assert seen.ranked == ["+++++++++ good"]
    assert set(seen.counts.values()) == {10}
    close = play(["+++++ a", "+++++ b"], rollouts=200, allocator="race", batch_size=10)
    assert close.counts == {"+++++ a": 100, "+++++ b": 100}


# --- what cannot be -------------------------------------------------------------------------


def test_an_unknown_allocator() -> None:
    with pytest.raises(SettingsError, match=r"no allocator 'ucb1'\. Did you mean 'ucb'\? Known"):
        play(POOL, rollouts=10, allocator="ucb1")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 0}, "n=0"),
        ({"rollouts": -1}, "rollouts=-1"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"exploration": -0.1}, "exploration=-0.1"),
        ({"share": 0}, "share=0"),
        ({"share": 1.1}, "share=1.1"),
        ({"alpha": 0.5}, "alpha=0.5"),
        ({"allocator": "race", "paired": False}, "paired must be True"),
    ],
)
def test_settings_out_of_range(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        play(POOL, **{"rollouts": 10, **given})
