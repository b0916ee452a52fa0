"""A program's steps in a search: which one is worked on, and what a meta-prompt shows of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

from apo.evaluation.evaluation import Evaluation, Rollout
from apo.prompts.files import default_template
from apo.prompts.fill import VARIABLE, fill
from apo.prompts.prompt import Prompt
from apo.prompts.prompt_set import PromptSet
from apo.task import Example, Score, Task

PART = (
    "One prompt of a program of several steps is to be written: that of the step {step!r}, number "
    "{n} of {order}. It is given {given}. {then} Right outputs are those of the whole program, "
    "which alone is judged."
)
LAST = "Its answer is the program's."
NEXT = "Its answer goes on to the steps after it."
PART_KO = (
    "여러 단계로 된 프로그램 가운데 한 단계의 지시문을 씁니다. 단계 {step!r}, "
    "순서는 {order} 중 {n}번째입니다. 주어지는 것: {given}. {then} "
    "올바른 출력은 프로그램 전체의 것이며, 그것만 평가됩니다."
)
LAST_KO = "이 단계의 답이 프로그램의 답입니다."
NEXT_KO = "이 단계의 답은 다음 단계로 넘어갑니다."


def shown(prompt: Prompt, example: Example) -> str:
    """An example's input as the user turn of the step in focus shows it.

    Where the step is given other things than an example holds, its inputs by name.
    """
    if {*VARIABLE.findall(prompt.template)} <= example.inputs.keys():
        return prompt.steps[prompt.focus].demo(example.inputs, "").user
    return fill(default_template(tuple(example.inputs)), example.inputs)


def told(task: Task, prompt: Prompt) -> Task:
    """The task as who writes the prompt of the step in focus is told it."""
    if not isinstance(prompt, PromptSet):
        return task
    korean, names = task.language.split("-")[0] == "ko", list(prompt.steps)
    last, (images, history) = prompt.focus == names[-1], prompt.beside
    then = (LAST_KO if last else NEXT_KO) if korean else (LAST if last else NEXT)
    part = (PART_KO if korean else PART).format(
        step=prompt.focus,
        n=names.index(prompt.focus) + 1,
        order=" → ".join(names),
        given=", ".join(filter(None, (*VARIABLE.findall(prompt.template), *images, history))),
        then=then,
    )
    text = f"{task.description}\n\n{part}".strip()
    return replace(task, description=text, labels=task.labels if last else ())


def at_step(value: Any, step: str, language: str) -> Any:
    """What fills a slot of a meta-prompt, with rollouts as the step in focus has seen them."""
    if isinstance(value, Rollout):
        return _at(value, step, language)
    if isinstance(value, Evaluation):
        return replace(value, rollouts=tuple(_at(r, step, language) for r in value.rollouts))
    if type(value) in (list, tuple):
        return tuple(at_step(item, step, language) for item in cast("Sequence[Any]", value))
    return value


def _at(rollout: Rollout, step: str, language: str) -> Rollout:
    """A rollout with what a step was given and answered in the place of the program's.

    The feedback says first what the whole program answered, where that is another text.
    """
    asked = rollout.at(step)
    if asked is None:
        return rollout
    example = Example(asked.inputs, rollout.example.targets)
    score, whole = rollout.score, rollout.output
    if score is not None and whole != asked.answer:
        score = replace(score, feedback=_feedback(score, whole, language.split("-")[0] == "ko"))
    return replace(rollout, example=example, output=asked.answer, score=score)


def _feedback(score: Score, whole: str, korean: bool) -> str:
    if korean:
        judged = score.feedback or ("맞았습니다." if score.value >= 1 else "맞지 않았습니다.")
        return f"그 뒤 프로그램의 답: {whole}\n{judged}"
    judged = score.feedback or ("Right." if score.value >= 1 else "Not right.")
    return f"The program then answered: {whole}\n{judged}"


class Steppable(Protocol):
    """What `step_by_step` needs of a search."""

    @property
    def calls_left(self) -> float:
        """Answers that may still be paid."""
        ...

    @property
    def solved(self) -> bool:
        """Whether nothing is left to gain."""
        ...

    @property
    def best(self) -> Evaluation | None:
        """The best so far."""
        ...

    async def stage(
        self, optimizer: Any, *, seed_prompts: Sequence[Prompt], share: float, step: str
    ) -> bool:
        """Let an optimizer go on with one step in focus."""
        ...


async def step_by_step(search: Steppable, optimizer: Any, seeds: Sequence[Prompt]) -> None:
    """Let an optimizer of single prompts write those of a program: one step after the other.

    Coordinate ascent: with one step in focus it starts from the best candidate so far, and has an
    equal share of what is left of the budget. It ends with the budget, with a turn of all steps in
    which nothing was cut off and nothing better came, or when all of the budget moves no step.

    Args:
        search: the search.
        optimizer: who writes.
        seeds: where the first stage starts.
    """
    names, share = list(seeds[0].steps), 1 / (1 + len(seeds[0].steps))
    while True:
        before, left, cut = search.best, search.calls_left, False
        for name in names:
            if search.solved:
                return
            start = [search.best.prompt] if search.best is not None else list(seeds)
            others = [seed for seed in seeds if seed not in start]
            cut |= not await search.stage(
                optimizer, seed_prompts=[*start, *others], share=share, step=name
            )
        gained = search.best is not None and (
            before is None or search.best.at_least > before.at_least
        )
        if not cut and not gained:
            return
        if cut and search.calls_left == left:
            if share == 1.0:
                return  # Whoever is around this has no patience left for another call.
            share = 1.0  # It was too small for anybody's first step.


def knows_steps(optimizer: object) -> bool:
    """Whether an optimizer works on all steps of a program by itself, as its authors say."""
    return bool(getattr(optimizer, "knows_steps", False))


def refocused(evaluation: Evaluation, step: str) -> Evaluation:
    """The evaluation of the same candidate with a step in focus."""
    if not step or evaluation.prompt.focus == step:
        return evaluation
    return replace(evaluation, prompt=evaluation.prompt.focused(step))


def step_values(values: Mapping[str, Any], prompt: Prompt, language: str) -> dict[str, Any]:
    """All slots of a meta-prompt, as the step in focus of a prompt has seen them."""
    if not prompt.focus:
        return dict(values)
    return {name: at_step(value, prompt.focus, language) for name, value in values.items()}
