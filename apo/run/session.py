"""One session of a run: seed, search, verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apo.calls.budget import Budget
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.ledger import spent_before
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.calls.progress import Progress
from apo.calls.purse import Purse
from apo.calls.retry import Retry
from apo.errors import USERS_ERRORS, ApoError, BudgetExhausted, SettingsError, where
from apo.evaluation.closing import closing
from apo.evaluation.evaluation import Evaluation, Rollout, pair_line
from apo.evaluation.measure import measure, measure_in_turns
from apo.evaluation.noticed import noticed
from apo.guards.drift import check_scorer
from apo.model import Model
from apo.prompts.prompt import Prompt
from apo.results.gap import Gap, explain_gap
from apo.results.outcome import vetoes
from apo.results.result import Result
from apo.results.verdict import Verdict, judge
from apo.run.fit import VERDICT_MARGIN, VERDICT_SHARE, affordable
from apo.run.rescoring import rescored
from apo.scorers.awaited import try_scorer
from apo.search.search import Optimizer, Search
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal
from apo.task import Example, Task

AT_ONCE = 25_000
"""Test examples that are measured at once where calls alone are limited, and those are held back;
with both prompts they fit in one batch of a Batch API."""


@dataclass(kw_only=True)
class Session:
    """One session of a run: from its start, or its resumption, to its end.

    Attributes:
        folder: the run's files.
        task: the task, its pools fitted to the budget.
        optimizer: the algorithm with its settings.
        task_model: answers examples.
        batched: takes the task model's place when the run begins: the same model, in batches.
        optimizer_model: writes prompts.
        judges: judge answers, by the name that the scorer has for each.
        budget: what the whole run may spend.
        seed: of all random streams.
        audit_calls: for attacks on the best candidates before the verdict; 0 for none.
        limits: how fast each model may be asked.
        retry: what is tried again, and when.
        max_chars: longest instruction, in characters.
        meta_prompts: the user's own meta-prompts, by name.
        progress: filled in for whoever watches.
        purse: what it may spend together with other runs; None for no such limit.
    """

    folder: RunFolder
    task: Task
    optimizer: Optimizer
    task_model: Endpoint
    optimizer_model: Endpoint
    budget: Budget
    judges: Mapping[str, Endpoint] = field(default_factory=dict[str, Endpoint])
    seed: int = 0
    audit_calls: int = 0
    limits: Limits = field(default_factory=Limits)
    retry: Retry = field(default_factory=Retry)
    max_chars: int = 8000
    meta_prompts: Mapping[str, str] = field(default_factory=dict[str, str])
    progress: Progress = field(default_factory=Progress)
    batched: Endpoint | None = None
    purse: Purse | None = None

    def check_limits(self, journal: Journal, before: Mapping[str, Any]) -> None:
        """Make sure that limits given anew are not below what is spent.

        Args:
            journal: the run's.
            before: the limits that it had, by name.

        Raises:
            SettingsError: one is.
        """
        spent = spent_before(journal, self._endpoints())
        for name, (amount, shown) in spent.items():
            limit, old = getattr(self.budget, name), before.get(name)
            kept = 0
            if name == "max_calls" and limit is not None and (old is None or limit < old):
                # A search that ends sooner than it did would leave answers that were paid unused.
                kept = 2 * self.task.calls_per_example * len(self.task.test) + self.audit_calls
            if limit is None or limit == old or amount + kept <= limit:
                continue
            raise SettingsError(
                f"{shown} are already spent{f', and {kept} more are kept for the end' * bool(kept)}"
                f": a limit of {limit:g} is below that. Give a higher --{name.replace('_', '-')}, "
                f"or none, which leaves the run's own; what there is: apo show {self.folder.id}"
            )

    async def run(self, journal: Journal) -> Result:
        """Run to the end of the search and its verdict.

        Args:
            journal: the run's, open for writing.

        Raises:
            Interrupted: the user stopped it; resume later.
            ModelUnavailable: a model gave no answer after all retries; resume later.
            ModelError: wrong key, no credit, or a request that no retry can mend.
        """
        meter = Meter(self.budget, earlier_seconds=journal.earlier_seconds())
        caller = Caller(
            journal,
            meter,
            limits=self.limits,
            retry=self.retry,
            judges=self.judges,
            purse=self.purse,
        )
        self.progress.caller = caller
        self._use_batches()
        async with closing(caller, self.models, self.task.scorer):
            return await self._run(caller)

    def models(self) -> list[Model]:
        """Every model that it asks."""
        return [endpoint.model for endpoint in self._endpoints()]

    def _use_batches(self) -> None:
        if self.batched is not None:
            self.task_model = self.batched
            self.progress.waiting = lambda: getattr(self.task_model.model, "waiting", "")

    def _endpoints(self) -> list[Endpoint]:
        fallback = self.optimizer_model.fallback
        others = [*([fallback] if fallback else []), *self.judges.values()]
        return [self.task_model, self.optimizer_model, *others]

    async def _run(self, caller: Caller) -> Result:
        search = Search(
            replace(self.task, test=()),
            caller=caller,
            task_model=self.task_model,
            optimizer_model=self.optimizer_model,
            seed=self.seed,
            max_chars=self.max_chars,
            meta_prompts=self.meta_prompts,
            folder=self.folder.path,
        )
        self.progress.search = search
        await try_scorer(self.task, self.task.validation)
        seeds = await self._measure_seeds(caller, search)
        drift = await check_scorer(caller, self.task, seeds[0])
        self.progress.phase = "search"
        try:
            await self.optimizer.run(search)
        except BudgetExhausted:
            await search.measure_finalists()
        except (ApoError, MemoryError):
            raise
        except USERS_ERRORS as error:  # A user's optimizer may raise anything.
            raise SettingsError(
                f"The optimizer {type(self.optimizer).__name__} failed{where(error)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        best, notes = await self._sound(caller, seeds[0], search)
        self.progress.phase = "verdict"
        caller.meter.hold_back("verdict")
        verdict, gap = await self._verdict(caller, seeds[0].prompt, best.prompt, search.archive)
        notes += () if drift is None else (str(drift),)
        notes += caller.notes() + noticed(seeds[0], " to the seed prompt")
        if best.prompt != seeds[0].prompt:
            notes += noticed(best, " to the best prompt")
        notes += caller.meter.time_notes() + rescored(caller.journal)
        return Result(
            run_id=self.folder.id,
            seed=seeds[0],
            best=best,
            verdict=verdict,
            gap=gap,
            overspent=caller.meter.overspent,
            notes=tuple(note for note in notes if note),
            measured=len({e.prompt for e in search.archive} - {e.prompt for e in seeds}),
            vetoed=vetoes(seeds[0], search.archive, best),
            refused=search.refused,
            spent=caller.meter.spent,
            seconds=caller.meter.seconds,
        )

    async def _sound(
        self, caller: Caller, seed: Evaluation, search: Search
    ) -> tuple[Evaluation, tuple[str, ...]]:
        """The best candidate; with an audit the best of those that it does not pass over."""
        best = search.best or seed
        caller.meter.hold_back("audit")
        if not self.audit_calls or best.prompt == seed.prompt:
            return best, ()
        from apo.audit.veto import first_sound

        return await first_sound(
            caller,
            self.task_model,
            self.task,
            seed,
            search.archive,
            max_calls=self.audit_calls,
            random_seed=self.seed,
        )

    async def _measure_seeds(self, caller: Caller, search: Search) -> list[Evaluation]:
        """Measure the seed prompts, and keep the verdict's share of the budget for it.

        The share in calls is known before; the others once it has been seen what calls take.
        """
        self.progress.phase, meter = "seed", caller.meter
        each = 2 * self.task.calls_per_example
        meter.hold_back("verdict", max_calls=each * len(self.task.test))
        try:
            seeds = await search.map(search.evaluate, search.seed_prompts)
        except BudgetExhausted as stop:
            lost = meter.spent.lost_tokens
            if lost > meter.spent.tokens:  # Then it is not the budget that has to be mended.
                raise SettingsError(
                    f"Attempts that failed, and may be billed all the same, took {lost:,} tokens "
                    "of the budget before the seed prompt was measured. The last ended with: "
                    f"{caller.problem or '(nothing)'}"
                ) from stop
            raise SettingsError(
                "The budget cannot pay for one measurement of the seed prompt on "
                f"{len(self.task.validation)} validation examples. {stop} Raise the limit."
                f"{' ' * bool(meter.overspent)}{meter.overspent}"
            ) from stop
        self.task = affordable(self.task, self.budget, meter.spent)
        calls, spent = each * len(self.task.test), meter.spent
        share = VERDICT_MARGIN * calls / spent.calls
        meter.hold_back(
            "verdict",
            max_calls=calls,
            max_minutes=VERDICT_SHARE * (self.budget.max_minutes or 0),
            max_usd=share * (spent.usd or 0),
            max_tokens=share * spent.tokens,
        )
        meter.hold_back("audit", max_calls=self.audit_calls)
        search.keep_for_finalist()
        return seeds

    async def _verdict(
        self, caller: Caller, seed: Prompt, best: Prompt, archive: Sequence[Evaluation]
    ) -> tuple[Verdict | None, Gap | None]:
        """Measure both prompts on the test split in turns, by parts, so that pairs stay pairs."""
        test = self.task.test
        rollouts: dict[Prompt, tuple[Rollout, ...]] = {seed: (), best: ()}
        budget = self.budget
        may_end = budget.meters_tokens or budget.max_minutes is not None
        in_parts = may_end and not self.task_model.patient
        size = max(50, self.limits.max_concurrency) if in_parts else AT_ONCE
        complete = True
        for start in range(0, len(test), size):
            part = test[start : start + size]
            try:
                measured = await measure_in_turns(
                    caller, self.task_model, self.task, list(rollouts), part
                )
            except BudgetExhausted:
                complete, left = False, caller.meter.seconds_left
                in_time = left is None or left > 0
                both = (seed, best)
                measured = [] if in_time else await self._answered_pairs(caller, both, part)
            for evaluation in measured:
                rollouts[evaluation.prompt] += evaluation.rollouts
            if not complete:
                break
        if not rollouts[seed]:
            return None, None
        metric = self.task.metric
        pair = Evaluation(seed, rollouts[seed], metric), Evaluation(best, rollouts[best], metric)
        self.folder.write_text("test.jsonl", "".join(map(pair_line, *(p.rollouts for p in pair))))
        if not any(a.score and b.score for a, b in zip(*(p.rollouts for p in pair), strict=True)):
            return None, None  # Every pair has a refusal: nothing is proven, or lost.
        return judge(*pair, complete=complete, task=self.task), explain_gap(archive, *pair)

    async def _answered_pairs(
        self, caller: Caller, prompts: tuple[Prompt, Prompt], part: Sequence[Example]
    ) -> list[Evaluation]:
        """The examples of a part, up to the first that is not, that both prompts can still have."""
        found: list[Evaluation] = []
        for example in part:
            try:
                pair = [
                    await measure(caller, self.task_model, self.task, prompt, [example])
                    for prompt in dict.fromkeys(prompts)
                ]
            except BudgetExhausted:
                break
            found += pair
        return found
