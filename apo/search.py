"""What an optimizer may do: write prompts, measure them, draw examples, branch."""

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from apo.branches import Branch, branch
from apo.caller import Call, Caller, Endpoint
from apo.candidates import Candidates
from apo.concurrency import gather
from apo.contract import Contract
from apo.errors import (
    BudgetExhausted,
    ContentFilterError,
    ContextLengthError,
    PromptError,
    TaskError,
)
from apo.evaluation import Evaluation
from apo.measure import measure
from apo.meta_prompts import MetaPrompt, render, tagged
from apo.model import Decoding, Message, Request
from apo.prompt import Prompt, fill
from apo.task import Example, Task

T = TypeVar("T")
R = TypeVar("R")


class Search:
    """An optimizer's only door to models and data: meters, records and bounds every call.

    Attributes:
        task: the task without its test split, which no optimizer can reach.
        seed_prompts: where the search starts.
        best: the highest mean on the whole validation split so far; None before the first.
    """

    def __init__(
        self,
        task: Task,
        *,
        caller: Caller,
        task_model: Endpoint,
        optimizer_model: Endpoint,
        seed: int = 0,
        max_chars: int = 8000,
        meta_prompts: Mapping[str, str] | None = None,
    ) -> None:
        if task.test:
            raise TaskError("Search must not be given the test split; pass a task without it.")
        self.task = task
        self.seed_prompts = task.seed_prompts
        self.best: Evaluation | None = None
        self._caller = caller
        self._task_model, self._optimizer_model = task_model, optimizer_model
        self._overrides = dict(meta_prompts or {})
        self._candidates = Candidates(
            caller.journal,
            Contract(self.seed_prompts, [*task.train, *task.validation], max_chars=max_chars),
            self.seed_prompts,
        )
        self._measured: set[Prompt] = set()
        self._parts: dict[Prompt, dict[Example, float]] = {}
        branch.set(Branch(seed))

    @property
    def rng(self) -> random.Random:
        """The random stream of this place in the search."""
        return branch.get().rng

    @property
    def n_candidates(self) -> int:
        """How many candidates there are so far, the seed prompts included."""
        return len(self._candidates.known)

    @property
    def solved(self) -> bool:
        """Whether the best prompt is right about every example of the validation split."""
        return self.best is not None and self.best.mean >= 1 and not self.best.counts()["error"]

    def minibatch(self, size: int) -> tuple[Example, ...]:
        """Draw examples from the train split without replacement; all of them when size is more."""
        return tuple(self.rng.sample(self.task.train, min(size, len(self.task.train))))

    def shown(self, example: Example) -> str:
        """The example's input as the user turn of the seed prompt shows it."""
        return fill(self.seed_prompts[0].template, example.inputs)

    def meta_prompt(
        self, module: str, name: str, *, parents: Sequence[Prompt] = (), **values: Any
    ) -> MetaPrompt:
        """Fill a meta-prompt in the task's language; `task` and `shown` are filled in for all.

        Args:
            module: `__file__` of the optimizer.
            name: name of the meta-prompt's file, without its ending; kept with what it brings.
            parents: the prompts that it is made from; the first lends proposals its other parts.
            **values: what fills its slots.
        """
        values = {"task": self.task, "shown": self.shown, **values}
        text = render(module, name, self.task.language, self._overrides, **values)
        return MetaPrompt(name, text, tuple(parents))

    async def generate(
        self,
        meta_prompts: Sequence[MetaPrompt],
        n: int = 1,
        *,
        tag: str = "instruction",
        temperature: float = 1.0,
    ) -> list[list[str]]:
        """Sample completions of meta-prompts from the optimizer model, and parse them.

        A completion without the tag is asked for once more; what fails twice is recorded and
        left out, so fewer than n texts may come back.

        Args:
            meta_prompts: what to ask; all are paid at once and asked at once.
            n: how many samples of each.
            tag: the reply is what stands between <tag> and </tag>.
            temperature: of the draw, 0 to 2.

        Returns:
            For each meta-prompt the parsed texts, in the order of the samples.
        """
        place = branch.get().step()
        asked = [
            (meta, f"{place}:{i}:{j}") for i, meta in enumerate(meta_prompts) for j in range(n)
        ]
        texts = await self._sample(asked, temperature)
        parsed = [tagged(text, tag) for text in texts]
        failed = [k for k, found in enumerate(parsed) if found is None]
        if failed:
            again = [(asked[k][0], f"{asked[k][1]}:again") for k in failed]
            for k, text in zip(failed, await self._sample(again, temperature), strict=True):
                parsed[k] = tagged(text, tag)
                if parsed[k] is None:
                    meta, where = asked[k]
                    self._candidates.refuse(
                        where, text, f"the reply has no <{tag}> tags", meta.name, meta.parents
                    )
        rows = [parsed[i * n : (i + 1) * n] for i in range(len(meta_prompts))]
        return [[found for found in row if found is not None] for row in rows]

    async def _sample(
        self, asked: Sequence[tuple[MetaPrompt, str]], temperature: float
    ) -> list[str]:
        decoding = Decoding(temperature=temperature)
        calls = [
            Call.to(
                self._optimizer_model,
                Request(messages=(Message("user", meta.text),), decoding=decoding),
                place=place,
                note=meta.text,
            )
            for meta, place in asked
        ]
        self._caller.charge(calls)

        async def reply(call: Call) -> str:
            try:
                return (await self._caller.answer(call)).text
            except (ContextLengthError, ContentFilterError):
                return ""  # Counts as a reply that cannot be parsed.

        return await gather(reply(call) for call in calls)

    async def propose(
        self, meta_prompts: Sequence[MetaPrompt], n: int = 1, *, temperature: float = 1.0
    ) -> list[Prompt]:
        """Sample instructions from the optimizer model, and make candidates of them.

        Ask for all proposals of a round in one call: which of two equal ones counts as seen
        before then follows their order, not the timing.

        Args:
            meta_prompts: what to ask; each asks for a reply in <instruction> tags.
            n: how many samples of each.
            temperature: of the draw, 0 to 2.

        Returns:
            The new candidates: parsed, allowed by the contract, and not seen before in this run.
        """
        found = await self.generate(meta_prompts, n, temperature=temperature)
        accepted: list[Prompt] = []
        for meta, texts in zip(meta_prompts, found, strict=True):
            base = meta.parents[0] if meta.parents else self.seed_prompts[0]
            prompts = [base.with_instruction(text) for text in texts]
            accepted += self.accept(prompts, operator=meta.name, parents=meta.parents)
        return accepted

    def accept(
        self, prompts: Iterable[Prompt], *, operator: str, parents: Sequence[Prompt] = ()
    ) -> list[Prompt]:
        """Make candidates of prompts; those against the contract or seen before are refused.

        The reasons are recorded. Nothing is spent.
        """
        return self._candidates.accept(prompts, branch.get().step(), operator, parents)

    async def evaluate(
        self, prompt: Prompt, examples: Sequence[Example] | None = None
    ) -> Evaluation:
        """Score a prompt on the examples, by default on the whole validation split.

        An answer that was once given is not asked for again. The whole batch is paid at once.

        Raises:
            PromptError: the prompt is against the contract and was never accepted.
            BudgetExhausted: the calls that are missing would overspend.
        """
        if prompt not in self._candidates.known and not self.accept([prompt], operator="given"):
            raise PromptError(
                f"This prompt cannot be measured: {self._candidates.contract.refusal(prompt)}."
            )
        chosen = self.task.validation if examples is None else examples
        place = branch.get().step()
        evaluation = await measure(self._caller, self._task_model, self.task, prompt, chosen)
        whole = examples is None
        if whole:
            self._measured.add(prompt)
            if prompt not in self.seed_prompts:
                self._caller.meter.hold_back("finalist")
            if self.best is None or _rank(evaluation) > _rank(self.best):
                self.best = evaluation
        else:
            self._parts.setdefault(prompt, {}).update(
                (r.example, r.score.value) for r in evaluation.answered if r.score
            )
        calls, usd = self._caller.meter.spent.calls, self._caller.meter.spent.usd
        figures = {"whole": whole, "calls": calls, "usd": usd, **evaluation.to_dict()}
        # With the prompt: under another budget the same place may measure another one.
        key = f"{place} {prompt.id} {'whole' if whole else 'part'}"
        self._caller.journal.note("evaluation", key, {"candidate": prompt.id, **figures})
        return evaluation

    def keep_for_finalist(self) -> None:
        """Hold back one measurement on all of validation until the optimizer has made one."""
        self._caller.meter.hold_back("finalist", max_calls=len(self.task.validation))

    async def measure_finalists(self) -> None:
        """Spend what is left on candidates that were measured in part, the best looking first.

        For a search that the budget ended before it could choose; whoever looked no better than
        the best prompt does in truth is left alone.
        """
        self._caller.meter.hold_back("finalist")
        means = {
            prompt: sum(scores.values()) / len(scores)
            for prompt, scores in self._parts.items()
            if scores and prompt not in self._measured
        }
        for prompt in sorted(means, key=lambda p: (means[p], len(self._parts[p])), reverse=True):
            if self.best is not None and means[prompt] <= self.best.mean:
                return
            try:
                await self.evaluate(prompt)
            except BudgetExhausted:
                return

    async def map(self, function: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
        """Apply the function to all items concurrently, each on a branch of its own."""
        items = list(items)

        async def on(place: Branch, item: T) -> R:
            branch.set(place)
            return await function(item)

        branches = branch.get().fork(len(items))
        return await gather(on(b, item) for b, item in zip(branches, items, strict=True))


def _rank(evaluation: Evaluation) -> tuple[float, int, str]:
    """Order evaluations of the same examples; ties go to the shorter text, then by id.

    By the sum of scores, not by the mean of what was answered: a candidate must not look better
    by leaving hard examples unanswered.
    """
    prompt = evaluation.prompt
    return (evaluation.total, -len(prompt.text()), prompt.id)
