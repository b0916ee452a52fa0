"""Scorers that take their time: a model, another process, or a function that awaits something."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

from apo.errors import USERS_ERRORS, ApoError, TaskError
from apo.model import Request
from apo.reading.answers import quote
from apo.task import Example, Score, Task, number


class Question(NamedTuple):
    """What a scorer asks of a judge.

    Attributes:
        request: what is asked.
        model: the name of the judge; "" for the run's own.
        draw: tells draws of the same request apart; 0 for the only one.
    """

    request: Request
    model: str = ""
    draw: int = 0


Ask = Callable[[Sequence[Question]], Awaitable[list[str]]]
"""Puts questions to judges, all at once; a refusal for good gives ""."""


class Ungraded(ApoError):
    """No judge gave a grade: the example has no score, which is not a score of 0."""


@runtime_checkable
class AwaitedScorer(Protocol):
    """A scorer whose scores are awaited, once the answers of a whole batch have come.

    Attributes:
        n_calls: the most calls to judges that one answer takes.
        models: names of the judges that it asks, beside the run's own.
    """

    @property
    def n_calls(self) -> int:
        """See above."""
        ...

    @property
    def models(self) -> tuple[str, ...]:
        """See above."""
        ...

    async def score(self, output: str, example: Example, ask: Ask) -> Score:
        """Judge an answer.

        Raises:
            Ungraded: no judge gave a grade.
            TaskError: the scorer failed.
        """
        ...


@runtime_checkable
class OpeningScorer(Protocol):
    """A scorer that opens something, such as processes, which the run that uses it closes."""

    def opened(self) -> AbstractContextManager[None]:
        """What it opens within is closed at the end, where nobody else has it open."""
        ...


def opened(scorer: object) -> AbstractContextManager[None]:
    """Close at the end what a scorer opens within, whatever the end is."""
    return scorer.opened() if isinstance(scorer, OpeningScorer) else nullcontext()


def judges_of(scorer: object) -> tuple[str, ...]:
    """Names of the models that a scorer asks through apo; "" is the run's own judge."""
    if not isinstance(scorer, AwaitedScorer) or not scorer.n_calls:
        return ()
    return scorer.models or ("",)


@dataclass(frozen=True, kw_only=True)
class AsyncScorer:
    """A user's coroutine function as a scorer.

    Attributes:
        function: takes an answer and its example; gives what a `FunctionScorer`'s gives.
        name: what to call it in messages.
    """

    function: Callable[..., Awaitable[Any]] = field(repr=False)
    name: str
    n_calls: int = field(default=0, init=False)
    models: tuple[str, ...] = field(default=(), init=False)

    async def score(self, output: str, example: Example, ask: Ask) -> Score:
        """Await the function.

        Raises:
            TaskError: the function failed, or gave something that is no score.
        """
        try:
            found = await self.function(output, example)
        except USERS_ERRORS as error:  # A user's function may raise anything.
            raise TaskError(
                f"The scorer {self.name} failed on example {example.id}: "
                f"{type(error).__name__}: {error}"
            ) from error
        return as_score(found, self.name, example)


def as_score(found: Any, name: str, example: Example) -> Score:
    """Read what a user's function gave as a score.

    Raises:
        TaskError: it is no `Score`, number in [0, 1] or bool, of Python or numpy.
    """
    given = found if isinstance(found, Score) else Score(found)
    value, formed = number(given.value), number(given.well_formed)
    if value is None or formed is None or not 0 <= value <= 1:
        raise TaskError(
            f"The scorer {name} gave {found!r:.100} on example {example.id}; "
            "it must give a Score, a bool, or a number from 0 to 1."
        )
    feedback = given.feedback
    if given is not found and value < 1:
        feedback = f"Expected {example.target}"
    return replace(given, value=value, well_formed=bool(formed), feedback=feedback)


async def judge(task: Task, output: str, example: Example, ask: Ask) -> Score:
    """Score an answer as `Task.judge` does, where the scorer's scores are awaited.

    Raises:
        Ungraded: no judge gave a grade.
        TaskError: the scorer raised, or gave no value in [0, 1]; never turned into a 0.
    """
    scorer = task.scorer
    if not isinstance(scorer, AwaitedScorer):
        return task.judge(output, example)
    found: Score | TaskError
    try:
        found = await scorer.score(output, example, ask)
    except TaskError as error:
        found = error

    def known(output: str, example: Example) -> Score:
        if isinstance(found, TaskError):
            raise found
        return found

    return replace(task, scorer=known).judge(output, example)


TRIED = 5
"""Examples that a user's own scorer is asked about at most, before the first call."""
_ALWAYS = ("{}", "x", "")
"""Answers that a user's scorer is asked about in any case: a right one, a wrong one, and none."""
_FORMS = (*_ALWAYS, "Answer: {}", "#### {}", "<answer>{}</answer>", '{{"answer": "{}"}}')
"""Answers that are tried: a scorer may want the target in some form, or want it absent."""


async def try_scorer(task: Task, examples: Sequence[Example]) -> None:
    """Ask a user's own scorer about a few targets, before anything is paid.

    Scorers of apo are sure; one that asks a judge would itself cost something.

    Args:
        task: with the scorer.
        examples: those that will be judged. For the first one a right answer, a wrong one and none
            at all are tried; further ones as long as nothing scores above 0.

    Raises:
        TaskError: it fails, gives something that is no score, or 0 to every answer.
    """
    scored, own = False, hasattr(task.scorer, "function")

    async def nobody(questions: Sequence[Question]) -> list[str]:
        raise Ungraded("Nobody is asked before the run.")

    if isinstance(task.scorer, AwaitedScorer) and task.scorer.n_calls:
        return
    for place, example in enumerate(examples[:TRIED]):
        for form in _FORMS:
            if scored and not (own and place == 0 and form in _ALWAYS):
                return
            try:
                score = await judge(task, form.format(example.target), example, nobody)
            except TaskError as error:
                raise TaskError(f"Tried before the first call: {error}") from error
            scored = scored or score.value > 0
    if examples and own and not scored:  # Those of apo may judge the form alone.
        shown = ", ".join(dict.fromkeys(quote(example.target) for example in examples[:TRIED]))
        raise TaskError(
            f"Tried before the first call: the scorer gives 0 to each answer that was tried, also "
            f"to the targets themselves ({shown}). It is called with the answer and an Example: "
            "compare the answer with example.target, or look with apo check."
        )
