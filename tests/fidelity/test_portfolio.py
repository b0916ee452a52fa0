"""Portfolio: optimizers in turns, each from the best prompts so far, with one archive."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from apo import Budget, Prompt, Search, SettingsError
from apo.optimizers import portfolio
from apo.optimizers.portfolio import Portfolio
from tests.fidelity.conftest import Run, tagged
from tests.test_search import Stage, on_stage, plus

Work = Callable[[Search], Awaitable[None]]


@dataclass(frozen=True)
class Does:
    """A stage that does one thing."""

    work: Work

    async def run(self, search: Search) -> None:
        await self.work(search)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Work]:
    """What the optimizers of a portfolio do, by name."""
    works: dict[str, Work] = {}

    def make(name: str) -> Does:
        return Does(works[name])

    monkeypatch.setattr(portfolio, "make_optimizer", make)
    return works


def go(made_of: Portfolio, *, max_calls: int | None = 1000) -> Stage:
    """Run a portfolio on 20 examples, the seed measured, as in any run."""
    stages: list[Stage] = []

    async def work(stage: Stage) -> None:
        stages.append(stage)
        await stage.search.evaluate(stage.search.seed_prompts[0])
        await made_of.run(stage.search)

    on_stage(work, answers=plus, max_calls=max_calls)
    return stages[0]


def test_each_stage_starts_from_the_best_prompts_so_far(made: dict[str, Work]) -> None:
    handed: list[tuple[str, list[str]]] = []

    def stage(name: str, *found: str) -> Work:
        async def work(search: Search) -> None:
            handed.append((name, [prompt.instruction for prompt in search.seed_prompts]))
            for text in found:
                await search.evaluate(Prompt(text))

        return work

    made["a"], made["b"], made["c"] = stage("a", "++", "+", "+++"), stage("b", "++++"), stage("c")
    go(Portfolio(optimizers=("a", "b", "c"), n_handed=2, max_stale_turns=1))
    assert handed == [
        ("a", ["Answer"]),
        ("b", ["+++", "++"]),
        ("c", ["++++", "+++"]),
        ("a", ["++++", "+++"]),  # Something was found, so there is another turn.
        ("b", ["++++", "+++"]),
        ("c", ["++++", "+++"]),
    ]


def test_turns_go_on_as_long_as_they_bring_something(made: dict[str, Work]) -> None:
    turns: list[str] = []

    async def climb(search: Search) -> None:
        turns.append("climb")
        await search.evaluate(Prompt("+" * min(3, len(turns))))

    async def idle(search: Search) -> None:
        turns.append("idle")
        await search.evaluate(search.seed_prompts[0])

    made["climb"], made["idle"] = climb, idle
    for stale in (1, 2, 3):
        turns.clear()
        go(Portfolio(optimizers=("climb",), max_stale_turns=stale))
        assert turns == ["climb"] * (3 + stale)
        turns.clear()
        go(Portfolio(optimizers=("idle", "idle"), max_stale_turns=stale))
        assert turns == ["idle", "idle"] * stale
    assert Portfolio(optimizers=("climb",)).max_stale_turns == 3


def test_something_better_starts_the_count_of_stale_turns_anew(made: dict[str, Work]) -> None:
    turns: list[int] = []

    async def now_and_then(search: Search) -> None:
        turns.append(len(turns) + 1)  # Better in turns 2, 4, 6 and 8.
        await search.evaluate(Prompt("+" * (min(turns[-1], 9) // 2) or "Answer"))

    made["a"] = now_and_then
    go(Portfolio(optimizers=("a",), max_stale_turns=2))
    assert turns[-1] == 8 + 2


def test_a_stage_gets_its_share_of_what_is_left(made: dict[str, Work]) -> None:
    left: list[float] = []

    async def work(search: Search) -> None:
        left.append(search.calls_left)
        for n in range(1000):
            await search.evaluate(Prompt(f"Never better: {len(left)} {n}"))

    made["a"] = made["b"] = work
    optimizer = Portfolio(optimizers=("a", "b"), share=0.5, patience=1000, max_stale_turns=1)
    stage = go(optimizer, max_calls=1020)
    # 1000 are left after the seed: 500 go to the first, half of the other 500 to the second.
    assert left == [500, 250]
    assert stage.caller.meter.spent.calls == 20 + 500 + 240
    assert stage.search.calls_left == 260


def test_patience_ends_a_stage_without_a_better_prompt(made: dict[str, Work]) -> None:
    measured: list[str] = []

    def stage(name: str, n_better: int) -> Work:
        async def work(search: Search) -> None:
            for n in range(1000):
                text = "+" * (n + 1) if n < n_better else ""
                await search.evaluate(Prompt(f"Never better: {name}{n} {text}"))
                measured.append(f"{name}{n}")

        return work

    made["a"], made["b"] = stage("a", 3), stage("b", 0)
    optimizer = Portfolio(optimizers=("a", "b"), share=0.99, patience=4, max_stale_turns=1)
    go(optimizer, max_calls=700)
    # Three that are better; then more than 4 measurements end it: the fifth is the last one.
    first = [f"a{n}" for n in range(3 + 5)] + [f"b{n}" for n in range(5)]
    # In the second turn what is known costs nothing, so five more are measured.
    second = [f"a{n}" for n in range(3 + 10)] + [f"b{n}" for n in range(10)]
    assert measured == first + second


@pytest.mark.parametrize(
    ("max_calls", "expected"), [(59, ["one"]), (60, ["one", "two", "one", "two"])]
)
def test_it_ends_where_no_measurement_fits_any_more(
    max_calls: int, expected: list[str], made: dict[str, Work]
) -> None:
    started: list[str] = []

    async def one(search: Search) -> None:
        started.append("one")
        await search.evaluate(Prompt("+"))

    async def two(_: Search) -> None:
        started.append("two")

    made["one"], made["two"] = one, two
    optimizer = Portfolio(optimizers=("one", "two"), share=0.99, max_stale_turns=1)
    go(optimizer, max_calls=max_calls)
    assert started == expected


def test_it_ends_when_the_task_is_solved(made: dict[str, Work]) -> None:
    started: list[str] = []

    async def solve(search: Search) -> None:
        started.append("solve")
        await search.evaluate(Prompt("+" * 20))

    async def never(_: Search) -> None:
        started.append("never")

    made["solve"], made["never"] = solve, never
    go(Portfolio(optimizers=("solve", "never")))
    assert started == ["solve"]


def test_without_a_limit_all_stages_run(made: dict[str, Work]) -> None:
    started: list[str] = []

    def stage(name: str) -> Work:
        async def work(_: Search) -> None:
            started.append(name)

        return work

    made.update({name: stage(name) for name in "abc"})
    go(Portfolio(optimizers=("c", "a", "b"), max_stale_turns=1), max_calls=None)
    assert started == ["c", "a", "b"]


def test_what_a_stage_raises_comes_through(made: dict[str, Work]) -> None:
    async def fail(_: Search) -> None:
        raise ZeroDivisionError

    made["a"] = fail
    with pytest.raises(ZeroDivisionError):
        go(Portfolio(optimizers=("a",)))


@pytest.mark.parametrize("names", [(), ("portfolio",), ("ape", "portfolio")])
def test_it_needs_others_and_not_itself(names: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="must name at least one optimizer, and not the port"):
        Portfolio(optimizers=names)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("share", 0.0),
        ("share", 1.0),
        ("patience", 0.0),
        ("n_handed", 0),
        ("max_stale_turns", 0),
        ("share", float("nan")),
    ],
)
def test_ranges(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"Portfolio.{name} is {value}"):
        Portfolio(**{name: value})  # type: ignore[arg-type]  # One setting of several types.


def test_an_unknown_name_is_told_before_anything_is_spent() -> None:
    async def work(stage: Stage) -> None:
        with pytest.raises(SettingsError, match="gepaa"):
            await Portfolio(optimizers=("ape", "gepaa")).run(stage.search)
        assert stage.caller.meter.spent.calls == 0

    on_stage(work)


def test_published_optimizers_in_turns_pay_nothing_twice(run: Run) -> None:
    optimizer = Portfolio(optimizers=("random-search", "opro"), patience=2, n_handed=1)
    seen = run(
        optimizer,
        lambda n, _: tagged("+" * (n % 5) + f" {n}"),
        budget=Budget(max_calls=600),
    )
    operators = [e.body["operator"] for e in seen.events if e.kind == "candidate"]
    assert {"induce", "improve"} <= set(operators)
    assert operators.index("improve") > operators.index("induce")
    assert len(seen.reader.asked) == len(set(seen.reader.asked))
    assert seen.result.best.mean == 0.4
    assert seen.result.spent.calls <= 600


def test_a_share_too_small_for_any_first_step_is_raised(made: dict[str, Work]) -> None:
    measured: list[str] = []

    async def measure(search: Search) -> None:
        await search.evaluate(Prompt(f"{'+' * (1 + len(measured))}"))
        measured.append("+")

    made["a"] = measure
    go(Portfolio(optimizers=("a",), share=0.05, max_stale_turns=1), max_calls=60)
    assert measured
