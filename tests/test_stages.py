"""A search in stages: what one optimizer leaves, the next one goes on with."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from apo import BudgetExhausted, Prompt, Search
from apo.errors import Stalled
from apo.testing import fake_task
from tests.test_search import Stage, on_stage, plus


@dataclass(frozen=True)
class Does:
    """An optimizer that does one thing."""

    work: Callable[[Search], Awaitable[None]]

    async def run(self, search: Search) -> None:
        await self.work(search)


def measures(*instructions: str) -> Does:
    """An optimizer that measures prompts on the whole validation split."""

    async def work(search: Search) -> None:
        for text in instructions:
            await search.evaluate(Prompt(text))

    return Does(work)


def test_a_stage_starts_where_it_is_told_and_shares_what_is_known() -> None:
    async def work(stage: Stage) -> None:
        search, seen = stage.search, list[Search]()

        async def look(inner: Search) -> None:
            seen.append(inner)
            await inner.evaluate(Prompt("++"))

        await search.evaluate(Prompt("+"))
        assert await search.stage(Does(look), seed_prompts=[Prompt("+")])
        assert seen[0].seed_prompts == (Prompt("+"),)
        assert search.seed_prompts == (Prompt("Answer"),)
        assert search.best is not None
        assert search.best.prompt == Prompt("++")
        assert [e.prompt.instruction for e in search.archive] == ["++", "+"]
        before = stage.caller.meter.spent.calls
        await search.evaluate(Prompt("++"))  # Known from the stage, and not paid again.
        assert stage.caller.meter.spent.calls == before

    on_stage(work, answers=plus)


def test_a_share_bounds_a_stage_and_leaves_the_rest() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        many = [f"{'+' * n}" for n in range(1, 10)]
        assert not await search.stage(measures(*many), share=0.5)
        assert stage.caller.meter.spent.calls == 40  # Two whole evaluations of 20 fit in 50.
        assert search.calls_left == 60
        assert not await search.stage(measures(*many[2:]), share=0.9)
        assert search.calls_left == 20
        with pytest.raises(BudgetExhausted):
            await search.stage(measures(*many))  # Everything: its end is the search's end.
        assert search.calls_left == 0

    on_stage(work, answers=plus, max_calls=100)


def test_stages_within_stages_take_shares_of_shares() -> None:
    async def work(stage: Stage) -> None:
        async def outer(search: Search) -> None:
            assert search.calls_left == 100
            assert not await search.stage(measures("+", "++", "+++"), share=0.5)
            assert search.calls_left == 60

        assert await stage.search.stage(Does(outer), share=0.5)
        assert stage.search.calls_left == 160

    on_stage(work, answers=plus, max_calls=200)


def test_a_stage_that_ends_by_itself_says_so() -> None:
    async def work(stage: Stage) -> None:
        assert await stage.search.stage(measures("+"), share=0.5)
        assert stage.search.calls_left == math.inf

    on_stage(work, answers=plus)


def test_patience_ends_a_stage_that_finds_nothing_better() -> None:
    async def work(stage: Stage) -> None:
        search, measured = stage.search, list[str]()

        async def climb(inner: Search) -> None:
            for text in ("+", "++", "x0", "x1", "x2", "x3"):
                await inner.evaluate(Prompt(text))
                measured.append(text)

        await search.evaluate(search.seed_prompts[0])
        assert not await search.stage(Does(climb), patience=30)
        assert measured == ["+", "++", "x0", "x1"]  # More than 30 calls after "++".

    on_stage(work, answers=plus, max_calls=1000)


def test_patience_is_looked_at_on_the_stages_own_branch_alone() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search

        async def at_once(inner: Search) -> None:
            await inner.map(inner.evaluate, [Prompt(f"x{n}") for n in range(5)])

        await search.evaluate(search.seed_prompts[0])
        assert await search.stage(Does(at_once), patience=1)
        assert len(search.archive) == 6

    on_stage(work, answers=plus, max_calls=1000)


def test_what_a_stage_raises_comes_through_and_its_share_is_given_back() -> None:
    async def work(stage: Stage) -> None:
        async def fail(_: Search) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await stage.search.stage(Does(fail), share=0.1)
        assert stage.search.calls_left == 100

    on_stage(work, max_calls=100)


def test_stalled_is_an_end_of_the_budget_to_an_optimizer() -> None:
    assert issubclass(Stalled, BudgetExhausted)


def test_samples_are_drawn_anew_at_every_place_and_change_no_score() -> None:
    async def work(stage: Stage) -> None:
        search, examples = stage.search, fake_task().train[:5]
        first = await search.sample(search.seed_prompts[0], examples, temperature=0.7)
        await search.sample(search.seed_prompts[0], examples, temperature=0.7)
        assert stage.caller.meter.spent.calls == 10
        assert len({request.seed for request in stage.task_model.requests}) == 10
        assert {r.decoding.temperature for r in stage.task_model.requests} == {0.7}
        assert first.prompt == search.seed_prompts[0]
        assert [r.example for r in first.rollouts] == list(examples)
        assert search.best is None
        assert not search.archive
        assert not stage.events("evaluation")

    on_stage(work, answers=plus)


def test_a_search_outside_of_a_run_has_no_folder() -> None:
    async def work(stage: Stage) -> None:
        assert stage.search.folder is None
        await asyncio.sleep(0)

    on_stage(work)


def test_patience_ends_a_stage_without_a_limit_in_calls_too() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        await search.evaluate(search.seed_prompts[0])
        assert not await search.stage(measures(*(f"x{n}" for n in range(9))), patience=30)
        assert len(search.archive) == 3

    on_stage(work, answers=plus)


def test_a_best_prompt_that_is_only_shorter_does_not_reset_patience() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        await search.evaluate(Prompt("xxxxxxxxx"))
        shorter = measures(*("x" * n for n in range(8, 0, -1)))
        assert not await search.stage(shorter, patience=30)
        assert len(search.archive) == 3

    on_stage(work, answers=plus)
