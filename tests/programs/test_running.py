"""A program's calls: bounded, charged, kept and traced like any other, whatever it does."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from apo import (
    Ask,
    Asked,
    Budget,
    BudgetExhausted,
    Completion,
    Decoding,
    Demo,
    Evaluation,
    Example,
    Message,
    ModelError,
    Prompt,
    PromptError,
    PromptSet,
    Request,
    Score,
    Stopped,
    Task,
    TaskError,
    Usage,
)
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.errors import ContentFilterError
from apo.evaluation.measure import measure
from apo.programs.chain import Chain
from apo.programs.function import FunctionProgram
from apo.storage.journal import Journal
from apo.testing.fakes import draw


class Upper:
    """Answers the last turn after the first word of the instruction, in capitals."""

    name = "upper"

    def __init__(self, says: Callable[[str], str | ModelError] | None = None, delays: int = 0):
        self.requests: list[Request] = []
        self._says, self._delays = says, delays

    async def complete(self, request: Request) -> Completion:
        first, last = request.messages[0].content, request.messages[-1].content
        for _ in range(int(20 * draw(f"{self._delays} {request}")) if self._delays else 0):
            await asyncio.sleep(0)
        self.requests.append(request)
        said = self._says(last) if self._says else f"{first.split()[0]}({last})"
        if isinstance(said, ModelError):
            raise said
        return Completion(said, Usage(10, 1))

    async def aclose(self) -> None:
        pass


STEPS = {
    "extract": Prompt("extract it", template="{{text}}"),
    "decide": Prompt("decide it", template="{{extract}}"),
}
SEED = PromptSet.of(STEPS)
ROWS = tuple(Example({"text": f"t{i}"}, (f"decide(extract(t{i}))",)) for i in range(4))


def right(output: str, example: Example) -> Score:
    return Score(
        float(output in example.targets), feedback="" if output in example.targets else "no"
    )


def task_of(program: Any) -> Task:
    return Task(
        name="two steps",
        scorer=right,
        seed_prompts=(SEED,),
        train=ROWS,
        validation=ROWS,
        input_fields=("text",),
        program=program,
    )


def run(
    program: Any,
    *prompts: Prompt,
    model: Upper | None = None,
    budget: int | None = None,
    journal: Journal | None = None,
    rows: Sequence[Example] = ROWS,
    place: str = "",
    others: Mapping[str, Endpoint] | None = None,
) -> tuple[list[Evaluation], Caller, Upper]:
    """Measure prompts one after the other through one caller."""
    model = model or Upper()
    kept = journal or Journal()
    caller = Caller(kept, Meter(Budget(max_calls=budget)), others=others)
    endpoint, task = Endpoint("task", model), task_of(program)

    async def go() -> list[Evaluation]:
        return [
            await measure(caller, endpoint, task, prompt, rows, place=place)
            for prompt in prompts or (SEED,)
        ]

    try:
        return asyncio.run(go()), caller, model
    finally:
        if journal is None:
            kept.close()


CHAIN = Chain(steps=("extract", "decide"))


def test_steps_are_asked_in_a_row_and_traced() -> None:
    [found], caller, model = run(CHAIN, rows=ROWS[:1])
    [rollout] = found.rollouts
    assert (rollout.output, rollout.outcome) == ("decide(extract(t0))", "right")
    assert rollout.trace == (
        Asked("extract", {"text": "t0"}, "extract(t0)"),
        Asked("decide", {"extract": "extract(t0)"}, "decide(extract(t0))"),
    )
    assert rollout.tokens == 22
    assert caller.meter.spent.calls == len(model.requests) == 2
    assert rollout.demo(SEED) == Demo("t0", "extract(t0)")
    assert rollout.demo(SEED.focused("decide")) == Demo("extract(t0)", "decide(extract(t0))")


def test_what_was_asked_before_costs_nothing() -> None:
    child = SEED.focused("decide").with_instruction("settle it")
    other = SEED.with_instruction("take it")
    _, caller, model = run(CHAIN, SEED, child, SEED, other)
    assert len(model.requests) == 8 + 4 + 0 + 8
    assert caller.meter.charged == caller.meter.spent.calls == 20


def test_a_batch_that_would_overspend_makes_no_call() -> None:
    model = Upper()
    with pytest.raises(BudgetExhausted, match="8 more calls would overspend: 0 of 7"):
        run(CHAIN, model=model, budget=7)
    assert model.requests == []
    run(CHAIN, SEED, SEED, model=model, budget=8)  # The second time all are known.
    assert len(model.requests) == 8


@pytest.mark.parametrize("delays", [1, 2, 3])
def test_the_same_calls_whatever_the_timing(delays: int) -> None:
    [calm], _, model = run(_sometimes_twice, budget=12)
    [other], caller, delayed = run(_sometimes_twice, model=Upper(delays=delays), budget=12)
    assert {*map(str, delayed.requests)} == {*map(str, model.requests)}
    assert other.rollouts == calm.rollouts
    assert caller.meter.charged == 10
    assert caller.meter.calls_left == 2  # What was set aside came back.


async def twice(ask: Ask, text: str) -> str:
    said = await ask("extract", text=text)
    if text in ("t1", "t3"):
        said = await ask("extract", text=said)
    return await ask("decide", extract=said)


def function(function: Any, calls: int = 3) -> FunctionProgram:
    return FunctionProgram(function=function, name="f", steps=tuple(STEPS), calls=calls)


_sometimes_twice = function(twice)


def test_a_resumed_run_asks_nothing_again() -> None:
    with Journal() as journal:
        [first], _, model = run(_sometimes_twice, journal=journal)
        [again], caller, silent = run(_sometimes_twice, journal=journal)
    assert again.rollouts == first.rollouts
    assert (len(model.requests), silent.requests) == (10, [])
    assert caller.meter.charged == 10


def test_calls_at_once_are_traced_in_the_order_of_asking() -> None:
    async def both(ask: Ask, text: str) -> str:
        said = await asyncio.gather(*(ask("extract", text=f"{text}{n}") for n in range(4)))
        return " ".join(said)

    for delays in range(3):
        [found], _, _ = run(function(both, 4), model=Upper(delays=delays), rows=ROWS[:1])
        assert [a.inputs["text"] for a in found.rollouts[0].trace] == ["t00", "t01", "t02", "t03"]


def test_draws_are_calls_of_their_own() -> None:
    async def vote(ask: Ask, text: str) -> str:
        drawn = await ask.draws(3, "extract", text=text)
        return str(len({*drawn}))

    _, _, model = run(function(vote), rows=ROWS[:1])
    assert len(model.requests) == len({request.seed for request in model.requests}) == 3
    _, _, again = run(function(vote), rows=ROWS[:1], place="0::7")
    assert {r.seed for r in again.requests}.isdisjoint(r.seed for r in model.requests)


def test_messages_of_the_programs_own_are_sent_as_they_are() -> None:
    async def own(ask: Ask, text: str) -> str:
        messages = [Message("user", f"{ask.prompts['extract'].instruction}: {text}")]
        cold = Decoding(temperature=0.5)
        found = await ask.chat(messages, "extract", shown={"text": text}, decoding=cold)
        return found.text

    [found], _, model = run(function(own), rows=ROWS[:1])
    assert model.requests[0].messages == (Message("user", "extract it: t0"),)
    assert model.requests[0].decoding.temperature == 0.5
    assert found.rollouts[0].trace[0].inputs == {"text": "t0"}


async def swallows(ask: Ask, text: str) -> str:
    try:
        return await ask("extract", text=text)
    except Exception:
        return "decide(extract(t0))"  # As if nothing had been.


def test_a_refusal_cannot_be_swallowed() -> None:
    model = Upper(lambda text: ContentFilterError("upper", "no") if text == "t0" else "yes")
    [found], _, _ = run(function(swallows), model=model)
    assert [rollout.outcome for rollout in found.rollouts] == ["refused", *["wrong"] * 3]
    [chained], _, _ = run(CHAIN, model=model)
    assert chained.counts()["refused"] == 1


def test_the_end_of_the_run_cannot_be_swallowed() -> None:
    class Ends(Upper):
        caller: Caller

        async def complete(self, request: Request) -> Completion:
            self.caller.stop()
            return await super().complete(request)

    model = Ends()
    caller = Caller(Journal(), Meter(Budget()))
    model.caller = caller

    async def one_by_one(ask: Ask, text: str) -> str:
        await swallows(ask, text)
        return await swallows(ask, text + "!")

    with pytest.raises(Stopped):
        asyncio.run(
            measure(caller, Endpoint("task", model), task_of(function(one_by_one)), SEED, ROWS[:1])
        )
    caller.journal.close()


async def asks_on(ask: Ask, text: str) -> str:
    while True:
        await ask("extract", text=text)


async def unknown(ask: Ask, text: str) -> str:
    return await ask("extrct", text=text)


async def no_text(ask: Ask, text: str) -> Any:
    return 7


async def wrong_field(ask: Ask, text: str) -> str:
    return await ask("extract", txt=text)


async def number(ask: Ask, text: str) -> str:
    return await ask("extract", text=7)  # type: ignore[arg-type]


async def fails(ask: Ask, text: str) -> str:
    raise ValueError("my own")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (asks_on, "more than 3 calls for an example; say the most as calls: N"),
        (unknown, "asks for a step 'extrct'; the task's steps are extract, decide"),
        (no_text, "returned 7 for example .*; it must return the answer as text"),
        (wrong_field, r"variable \{\{text\}\}"),
        (number, "gives text=7 to a step, which takes texts"),
        (fails, "ValueError: my own"),
    ],
)
def test_what_is_wrong_with_a_program_is_said(program: Any, said: str) -> None:
    with pytest.raises(TaskError, match=said) as failure:
        run(function(program), rows=ROWS[:1])
    assert ROWS[0].id in str(failure.value)


def test_a_step_may_have_a_model_of_its_own() -> None:
    strong, weak = Upper(lambda _: "settled"), Upper()
    chain = Chain(steps=("extract", "decide"), models={"decide": "strong"})
    [found], _, _ = run(
        chain, model=weak, rows=ROWS[:1], others={"strong": Endpoint("task", strong)}
    )
    assert found.rollouts[0].output == "settled"
    assert (len(weak.requests), len(strong.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("program", "prompt", "said"),
    [
        (CHAIN, STEPS["extract"], "program with the steps extract, decide.* this is one prompt"),
        (CHAIN, PromptSet.of({"decide": STEPS["decide"]}), "this has the steps decide"),
        (
            None,
            SEED,
            "takes one prompt, and this has a prompt for each of the steps extract, decide",
        ),
    ],
)
def test_other_prompts_than_the_programs_are_refused(program: Any, prompt: Any, said: str) -> None:
    with pytest.raises(PromptError, match=said):
        run(program, prompt)


def test_calls_of_an_example_are_those_of_its_program() -> None:
    assert task_of(None).calls_per_example == 1
    assert task_of(CHAIN).calls_per_example == 2
    assert task_of(replace(_sometimes_twice, calls=7)).calls_per_example == 7
