"""What a search stands on: its task, its candidates, what was measured, what is left."""

import math
import random
from pathlib import Path
from typing import Any

from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.options import Options
from apo.edits.edit import edit_names
from apo.errors import TaskError
from apo.evaluation.evaluation import Evaluation
from apo.guards.contract import Contract
from apo.prompts.prompt import Prompt
from apo.results.gains import gains
from apo.scorers.metrics.metric import class_shares
from apo.search.archive import Archive
from apo.search.branches import Branch, branch
from apo.search.candidates import Candidates
from apo.search.outputs import outputs_to_name
from apo.search.review import Reviews
from apo.search.stages import Stage
from apo.search.steps import refocused
from apo.search.writer import Writer
from apo.task import Task


class Ground:
    """What is known at any place of a search; `Search` says what its attributes are."""

    def __init__(
        self,
        task: Task,
        *,
        caller: Caller,
        task_model: Endpoint,
        optimizer_model: Endpoint,
        options: Options | None = None,
        folder: Path | None = None,
        reviews: Reviews | None = None,
    ) -> None:
        if task.test:
            raise TaskError("Search must not be given the test split; pass a task without it.")
        self.task = task
        self.seed_prompts = task.seed_prompts
        self.folder = folder
        self._caller = caller
        self._task_model = task_model
        options = options or Options()
        self._overrides = dict(options.meta_prompts)
        self._edits = edit_names(options.edits)
        self._candidates = Candidates(
            caller.journal,
            Contract.of(task, max_chars=options.max_chars),
            self.seed_prompts,
            reviews,
        )
        self._writer = Writer(
            caller,
            optimizer_model,
            self._candidates,
            outputs=outputs_to_name(task),
            language=task.language,
            overrides=self._overrides,
        )
        self._archive = Archive(seed=task.seed_prompts[0] if task.seed_prompts else None)
        by_class = task.metric is not None and task.metric.by_class
        self._shares = class_shares(task.validation) if by_class else {}
        self._stage, self._step = Stage(caller.meter), ""
        branch.set(Branch(options.seed))

    @property
    def rng(self) -> random.Random:
        """The random stream of this place in the search."""
        return branch.get().rng

    @property
    def n_candidates(self) -> int:
        """How many candidates there are so far, the seed prompts included."""
        return len(self._candidates.known)

    def knows(self, prompt: Prompt) -> bool:
        """Whether it is a candidate already, and so may be measured."""
        return prompt in self._candidates.known

    @property
    def small_writer(self) -> bool:
        """Whether the model that writes prompts is small: it rarely writes a better one."""
        return self._writer.small

    @property
    def newest(self) -> str:
        """The instruction of the newest proposal; "" before the first."""
        return self._candidates.newest

    @property
    def gains(self) -> list[str]:
        """What each step of the optimizer gained, and in how many calls, in words."""
        archive, candidates = self._archive, self._candidates
        each = self.task.calls_per_example
        return gains(candidates.known, candidates.asked, archive.whole, archive.parts, each)

    def announce(self, told: str) -> None:
        """Say what is planned before it is paid, in a sentence, to whoever watches the run."""
        self._caller.journal.note("plan", told, {})

    @property
    def refused(self) -> dict[str, Any]:
        """How many proposals and replies were refused so far (`n`), `of` how many, and why."""
        return self._candidates.refused()

    @property
    def advice(self) -> str:
        """What to do about an optimizer model that writes nothing of use; "" where it does."""
        return self._writer.advice

    @property
    def best(self) -> Evaluation | None:
        """The highest mean on the whole validation split so far; None before the first."""
        best = self._archive.best
        return None if best is None else refocused(best, self._step)

    @property
    def archive(self) -> list[Evaluation]:
        """Every evaluation on the whole validation split so far, the best first."""
        return [refocused(evaluation, self._step) for evaluation in self._archive.ranked()]

    @property
    def n_raced(self) -> int:
        """How many prompts were measured on parts of the validation split, and never on all."""
        return self._archive.raced(self.task.validation)

    @property
    def calls_left(self) -> float:
        """How many answers may still be paid, what is kept for the verdict taken off.

        In calls, each of which counts as many as an example takes where answers are judged by a
        model. Infinite where no limit in calls is set; limits of tokens, money and time may end the
        search before.
        """
        left = self._caller.meter.calls_left
        return left if math.isinf(left) else left // self.task.calls_per_example

    @property
    def solved(self) -> bool:
        """Whether the best prompt is right about every example of the validation split."""
        return self.best is not None and self.best.at_least >= 1
