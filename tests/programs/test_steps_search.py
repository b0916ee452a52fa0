"""How a search works on a program's steps: one in focus, each in its turn, all under one budget."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from apo import (
    Budget,
    Completion,
    Example,
    Options,
    Prompt,
    PromptSet,
    Request,
    Score,
    Search,
    Task,
    Usage,
)
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.programs.chain import Chain
from apo.search.steps import step_by_step
from apo.storage.journal import Journal

STEPS = {
    "extract": Prompt("extract 0", template="{{text}}"),
    "decide": Prompt("decide 0", template="{{extract}}"),
}
SEED = PromptSet.of(STEPS)
ROWS = tuple(Example({"text": f"t{i}"}, (f"T{i}",)) for i in range(6))


class Counting:
    """Passes on the input and the number of the instruction, which says how good it is."""

    name = "counting"

    async def complete(self, request: Request) -> Completion:
        number = request.messages[0].content.split()[-1]
        return Completion(f"{request.messages[-1].content} {number}", Usage(10, 1))

    async def aclose(self) -> None:
        pass


def judge(output: str, example: Example) -> Score:
    """Right is "t1 3 3": each step gives up to half of the points."""
    _, first, second = output.split()
    points = (int(first) + int(second)) / 6
    return Score(points, feedback="" if points == 1 else f"{points:.2f} points")


@dataclass(frozen=True)
class Climb:
    """Makes each number one larger, as long as that is better."""

    async def run(self, search: Search) -> None:
        best = (await search.map(search.evaluate, search.seed_prompts))[0]
        while True:
            word, number = best.prompt.instruction.split()
            made = best.prompt.with_instruction(f"{word} {min(3, int(number) + 1)}")
            for child in search.accept([made], operator="climb", parents=[best.prompt]):
                after = await search.evaluate(child)
                if after.value > best.value:
                    best = after
                    break
            else:
                return


def searching(
    optimizer: Any, calls: int | None = None, task: Any = None, template: str = ""
) -> tuple[Search, Caller, list[dict[str, Any]]]:
    """Run an optimizer on the program; give the search, and the evaluations in the journal."""
    task = task or Task(
        name="climb",
        scorer=judge,
        seed_prompts=(SEED,),
        train=ROWS,
        validation=ROWS,
        description="Numbers are wanted.",
        labels=("T1", "T2"),
        input_fields=("text",),
        program=Chain(steps=("extract", "decide")),
    )
    with Journal() as journal:
        caller = Caller(journal, Meter(Budget(max_calls=calls)))
        endpoint = Endpoint("task", Counting())
        options = Options(meta_prompts={"shows": template})
        search = Search(
            task, caller=caller, task_model=endpoint, optimizer_model=endpoint, options=options
        )
        asyncio.run(search.work(optimizer))
        return search, caller, journal.told("candidate")


def test_an_optimizer_of_single_prompts_climbs_step_by_step() -> None:
    search, caller, candidates = searching(Climb())
    assert search.best is not None
    assert search.best.value == 1
    assert {n: p.instruction for n, p in search.best.prompt.steps.items()} == {
        "extract": "extract 3",
        "decide": "decide 3",
    }
    firsts = [body["prompt"]["steps"][0]["instruction"] for body in candidates]
    assert sorted(firsts) == [f"extract {n}" for n in (0, 1, 2, 3, 3, 3, 3)]
    # Three children of the first step take both calls of each row, those of the second one.
    assert caller.meter.charged == 6 * (2 + 3 * 2 + 3 * 1)


def test_each_step_has_its_share_of_the_budget() -> None:
    search, caller, _ = searching(Climb(), calls=70)
    assert search.best is not None
    numbers = [p.instruction[-1] for p in search.best.prompt.steps.values()]
    assert numbers[0] != "0"
    assert numbers[1] != "0", "the second step had its turn"
    assert caller.meter.charged <= 70


def test_it_ends_where_no_step_can_be_taken_any_more() -> None:
    """Patience of a stage around it ends each turn at once, whatever its share."""
    shares: list[float] = []

    class Stuck:
        calls_left, solved, best = 19.0, False, None

        async def stage(self, optimizer: Any, *, share: float, **_: Any) -> bool:
            shares.append(share)
            return False

    asyncio.run(step_by_step(Stuck(), Climb(), [SEED]))
    assert shares == [1 / 3, 1 / 3, 1.0, 1.0]


def test_one_that_knows_of_steps_gets_the_program_whole() -> None:
    seen: list[Any] = []

    @dataclass(frozen=True)
    class Whole:
        knows_steps = True

        async def run(self, search: Search) -> None:
            seen.extend(search.seed_prompts)

    searching(Whole())
    assert seen == [SEED]


@dataclass(frozen=True)
class Shows:
    """Fills a meta-prompt for each step, with an example and a rollout."""

    texts: list[str]
    knows_steps = True

    async def run(self, search: Search) -> None:
        found = await search.evaluate(SEED, ROWS[1:2])
        for step in STEPS:
            parent = SEED.focused(step)
            meta = search.meta_prompt(
                __file__, "shows", parents=[parent], rollouts=found.rollouts, example=ROWS[2],
                nested=[(found.rollouts[0], "why")], found=found,
            )  # fmt: skip
            self.texts.append(meta.text)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_a_step_saw_is_shown(language: str) -> None:
    template = (
        "{{ task.description }}|{{ task.labels | join(',') }}|{{ shown(example) }}"
        "{% for r in rollouts %}|{{ shown(r.example) }}>{{ r.output }}>{{ r.example.target }}"
        "|{{ judged(r) }}{% endfor %}|{{ nested[0][0].output }}|{{ found.rollouts[0].output }}"
    )
    texts: list[str] = []
    task = Task(
        name="t", scorer=judge, seed_prompts=(SEED,), train=ROWS, validation=ROWS,
        description="Numbers.", labels=("T1", "T2"), input_fields=("text",), language=language,
        program=Chain(steps=("extract", "decide")),
    )  # fmt: skip
    searching(Shows(texts), task=task, template=template)
    first, second = texts
    assert "extract → decide" in first
    assert "'extract'" in first
    assert "|T1,T2|" in second
    assert "|T1,T2|" not in first, "labels are those of the last step alone"
    assert "|t1>t1 0>T1|" in first
    assert "|t1 0>t1 0 0>T1|" in second
    assert "t1 0 0\n0.00 points" in first, "the program's answer, then the feedback"
    assert second.count("0.00 points") == 1
    assert first.endswith("|t1 0|t1 0")
    assert "|t2" in first
    assert "|text: t2" in second or "|t2" in second


def test_a_search_of_one_prompt_is_as_it_was() -> None:
    task = Task(
        name="one", scorer=lambda output, _: Score(float(output.endswith("3"))),
        seed_prompts=(STEPS["extract"],), train=ROWS, validation=ROWS, input_fields=("text",),
    )  # fmt: skip

    @dataclass(frozen=True)
    class One:
        async def run(self, search: Search) -> None:
            seed = search.seed_prompts[0]
            assert (seed.focus, type(seed)) == ("", Prompt)
            assert search.meta_prompt(__file__, "shows", parents=[seed]).text == "t0 "

    searching(One(), task=task, template="{{ shown(task.train[0]) }} {{ task.description }}")
