"""One prompt on some examples: the answers scored, or the right answers' likelihood."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar, cast

from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.concurrency import gather, uncollected
from apo.errors import FINAL, ModelError
from apo.evaluation.abilities import require_able
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.evaluation.programs import Answered, run_programs
from apo.evaluation.room import answer_room
from apo.evaluation.turns import Turn, in_turns, prompts_of
from apo.model import Completion, Request
from apo.programs.fit import require_fit
from apo.programs.program import Asked
from apo.prompts.prompt import Prompt
from apo.scorers.awaited import AwaitedScorer, Question, Ungraded, judge
from apo.task import Example, Score, Task

CUT = "The answer was cut before its end."
T = TypeVar("T")
R = TypeVar("R")


async def measure(
    caller: Caller,
    endpoint: Endpoint,
    task: Task,
    prompt: Prompt,
    examples: Sequence[Example],
    *,
    place: str = "",
) -> Evaluation:
    """Score a prompt on examples through the caller; what is refused for good scores 0.

    With a place the answers are drawn for it alone; without, an answer once given holds.

    Raises:
        TaskError: the scorer raised, or gave no score in [0, 1].
        BudgetExhausted: the calls that are missing would overspend; none of them was made.
    """
    [found] = await measure_in_turns(caller, endpoint, task, [prompt], examples, place=place)
    return found


async def measure_in_turns(
    caller: Caller,
    endpoint: Endpoint,
    task: Task,
    prompts: Sequence[Prompt],
    examples: Sequence[Example],
    *,
    place: str = "",
) -> list[Evaluation]:
    """Score prompts on the same examples, row by row: each row by all prompts before the next.

    What changes in the meantime, such as the model behind a name, then meets all prompts alike; so
    do servers that take calls in turn (`in_turns`).

    Raises:
        TaskError: the scorer raised, or gave no score in [0, 1].
        SettingsError: the model lacks what a prompt asks for.
        BudgetExhausted: the calls that are missing would overspend; none of them was made.
    """
    for prompt in prompts:
        require_fit(task.program, prompt)
    require_able(endpoint.model, prompts, task.program)
    turns = in_turns(prompts, examples)
    if isinstance(task.scorer, AwaitedScorer):
        n_questions = task.scorer.n_calls * len(prompts) * len(examples)
        with caller.kept_for_judges(n_questions) as pay:
            answered = await _answered(caller, endpoint, task, turns, place)
            rollouts = await _judged(caller, task, answered, pay)
    elif task.program is not None:
        answered = await _answered(caller, endpoint, task, turns, place)
        rollouts = [_rollout(task, *one) for one in answered]
    else:
        asked = _calls(endpoint, task, turns, place)
        rollouts = await collect(caller, asked, partial(_rollout, task))
    found = {(turn.prompt.id, turn.row): one for turn, one in zip(turns, rollouts, strict=True)}
    rows = range(len(examples))
    return [Evaluation(p, tuple(found[p.id, row] for row in rows), task.metric) for p in prompts]


async def _answered(
    caller: Caller, endpoint: Endpoint, task: Task, turns: Sequence[Turn], place: str
) -> list[Answered]:
    """The answers before they are scored."""
    if task.program is not None:
        return await run_programs(caller, endpoint, task, task.program, turns, place)
    return await collect(caller, _calls(endpoint, task, turns, place), Answered)


def _calls(
    endpoint: Endpoint, task: Task, turns: Sequence[Turn], place: str
) -> Iterator[tuple[Call, Example]]:
    rooms = {prompt.id: answer_room(task, prompt) for prompt in prompts_of(turns)}
    for prompt, example, row in turns:
        request = Request(messages=prompt.messages(example.inputs), decoding=prompt.decoding)
        note, where = f"{prompt.id} {example.id}", f"{place}:{row}" if place else ""
        yield Call.to(endpoint, request, place=where, note=note, room=rooms[prompt.id]), example


def _rollout(
    task: Task,
    answer: Completion | ModelError,
    example: Example,
    trace: tuple[Asked, ...] = (),
    score: Score | None = None,
) -> Rollout:
    """An answer with its score, which is the scorer's where none is given; a refusal scores 0."""
    if isinstance(answer, ModelError):
        return Rollout.of_refusal(example, f"{type(answer).__name__}: {answer}", trace)
    tokens = (answer.usage.input_tokens or 0) + (answer.usage.output_tokens or 0)
    score = score or task.judge(answer.text, example)
    if answer.truncated and score.value < 1:
        score = replace(score, feedback=f"{CUT} {score.feedback}".strip())
    return Rollout(example, answer.text, score, "", tokens, answer.truncated, trace)


async def _judged(
    caller: Caller, task: Task, answered: Sequence[Answered], pay: Callable[[int], None]
) -> list[Rollout]:
    """Have answers scored by who is waited for, such as a judge, whose calls are kept for it."""
    at_once = asyncio.Semaphore(caller.limits.max_concurrency)

    async def ask(questions: Sequence[Question]) -> list[str]:
        pay(len(questions))
        return await put(caller, questions)

    async def scored(one: Answered) -> Rollout:
        answer, example, trace = one
        if isinstance(answer, ModelError):
            return _rollout(task, answer, example, trace)
        try:
            async with at_once:
                score = await judge(task, answer.text, example, ask)
                return _rollout(task, answer, example, trace, score)
        except Ungraded as failure:
            return Rollout(example, answer.text, None, f"{failure}", trace=trace)

    return await gather(scored(one) for one in answered)


async def put(caller: Caller, questions: Sequence[Question]) -> list[str]:
    """Ask judges; a refusal for good gives "".

    Raises:
        BudgetExhausted: the calls that are missing would overspend; none of them was made.
    """
    asked = (
        (
            Call.to(
                caller.judges[question.model],
                question.request,
                place=f"draw {question.draw}" if question.draw else "",
                note="judge",
            ),
            None,
        )
        for question in questions
    )
    return await collect(caller, asked, lambda f, _: "" if isinstance(f, ModelError) else f.text)


async def collect(
    caller: Caller,
    asked: Iterable[tuple[Call, T]],
    use: Callable[[Completion | ModelError, T], R],
) -> list[R]:
    """Pay for calls, and use each answer, or refusal for good, as soon as it is there.

    What the journal has is used at once: no task is made for it.

    Raises:
        BudgetExhausted: the calls that are missing would overspend; none of them was made.
    """

    async def get(call: Call, given: T) -> R:
        try:
            return use(await caller.answer(call), given)
        except FINAL as refusal:
            return use(refusal, given)

    with uncollected():
        asked = list(asked)
        kept = caller.charge([call for call, _ in asked])
        used = [
            use(found, given) if (found := kept.get(call.key)) else None for call, given in asked
        ]
        missing = [(i, *asked[i]) for i in range(len(asked)) if asked[i][0].key not in kept]
        asked.clear()  # What is gone when collecting begins again is not looked through.
        kept.clear()
    await asyncio.sleep(0)  # A long replay leaves others their turn.
    results = await gather(get(call, given) for _, call, given in missing)
    for (i, _, _), result in zip(missing, results, strict=True):
        used[i] = result
    return cast("list[R]", used)
