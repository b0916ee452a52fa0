"""One session of a run: seed, search, verdict."""

from dataclasses import dataclass, field, replace

from apo.calls.budget import Budget
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.calls.options import Options
from apo.calls.progress import Progress
from apo.calls.purse import Purse
from apo.calls.retry import Retry
from apo.errors import USERS_ERRORS, ApoError, BudgetExhausted, SettingsError, where
from apo.evaluation.closing import closing
from apo.evaluation.evaluation import Evaluation, pair_line
from apo.evaluation.noticed import alike, noticed, repeated
from apo.evaluation.widening import widened, widening_notes
from apo.guards.drift import check_scorer
from apo.results.gap import Gap, explain_gap
from apo.results.outcome import vetoes
from apo.results.result import Result
from apo.results.verdict import Verdict, reach_verdict
from apo.run.fit import VERDICT_MARGIN, VERDICT_SHARE, affordable, too_small
from apo.run.models import RunModels
from apo.run.pacing import pace_notes, paced
from apo.run.pairs import measure_both, part_size
from apo.run.parts import take_apart
from apo.run.rescoring import rescored
from apo.scorers.awaited import try_scorer
from apo.search.plugins import make_optimizer
from apo.search.review import Reviewer, Reviews
from apo.search.search import Optimizer, Search
from apo.search.suggested import measure_suggested
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal
from apo.storage.suggestions import came_late, suggestions
from apo.task import Task

EDITS_SHARE = 0.25
"""Of the budget, kept for the edits of a run that has some."""


@dataclass(kw_only=True)
class Session:
    """One session of a run: from its start, or its resumption, to its end.

    Attributes:
        folder: the run's files.
        task: the task, its pools fitted to the budget.
        optimizer: the algorithm with its settings.
        models: whom it asks; once it has begun, the task model in batches where that is wished.
        budget: what the whole run may spend.
        options: what else it was told.
        retry: what is tried again, and when.
        progress: filled in for whoever watches.
        purse: what it may spend together with other runs; None for no such limit.
        reviewer: asks a person about each proposal; None asks nobody.
    """

    folder: RunFolder
    task: Task
    optimizer: Optimizer
    models: RunModels
    budget: Budget
    options: Options
    retry: Retry = field(default_factory=Retry)
    progress: Progress = field(default_factory=Progress)
    purse: Purse | None = None
    reviewer: Reviewer | None = None

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
            limits=self.options.limits,
            retry=self.retry,
            judges=self.models.judges,
            others=self.models.others,
            purse=self.purse,
        )
        self.progress.caller = caller
        if self.models.batches is not None:
            self.models = self.models.in_batches(self.folder.path, self.options.timeout)
        self.progress.waiting = self.models.waiting
        async with closing(caller, self.models.opened, self.task.scorer):
            return await self._run(caller)

    async def _run(self, caller: Caller) -> Result:
        self.progress.phase = "seed"
        self.task = await paced(caller, self.models.task, self.task, self.options.max_concurrency)
        search = Search(
            replace(self.task, test=()),
            caller=caller,
            task_model=self.models.task,
            optimizer_model=self.models.optimizer,
            options=self.options,
            folder=self.folder.path,
            reviews=Reviews(caller.journal, self.reviewer, caller.meter.leave_out),
        )
        self.progress.search = search
        self._tell_pools(search)
        await try_scorer(self.task, self.task.validation)
        seeds = await self._measure_seeds(caller, search)
        drift = await check_scorer(caller, self.task, seeds[0])
        await self._search(search)
        search.end_reviews()
        taken = suggestions(self.folder.path)
        suggested = await measure_suggested(search, caller.meter, taken)
        best, parts, told = await take_apart(search, seeds[0], self.folder.id)
        best, notes = await self._sound(caller, seeds[0], best, search)
        notes = (told, *notes)
        verdict, gap, strange = await self._verdict(caller, seeds[0], best, search)
        notes += suggested + came_late(self.folder.path, taken) + strange
        notes += () if drift is None else (str(drift),)
        notes += (search.advice, *widening_notes(caller.journal), *caller.notes())
        notes += noticed(seeds[0], " to the seed prompt")
        if best.prompt != seeds[0].prompt:
            notes += noticed(best, " to the best prompt")
        notes += tuple(search.gains)
        notes += pace_notes(caller.journal) + caller.meter.time_notes() + rescored(caller.journal)
        return Result(
            run_id=self.folder.id,
            seed=seeds[0],
            best=best,
            verdict=verdict,
            gap=gap,
            parts=parts,
            overspent=caller.meter.overspent,
            notes=tuple(note for note in notes if note),
            measured=len({e.prompt for e in search.archive} - {e.prompt for e in seeds}),
            vetoed=vetoes(seeds[0], search.archive, best),
            refused=search.refused,
            spent=caller.meter.spent,
            seconds=caller.meter.seconds,
            folder=RunFolder(self.folder.path.absolute()),
        )

    def _tell_pools(self, search: Search) -> None:
        """Say where the limits made pools smaller; runs of earlier versions do not know."""
        used = [len(self.task.validation), len(self.task.test)]
        whole: list[int] | None = self.folder.settings["data"].get("of")
        if whole and used != whole:
            search.announce(
                f"The limits leave room for {used[0]} of {whole[0]} validation and {used[1]} of "
                f"{whole[1]} test examples; higher ones use more."
            )

    async def _search(self, search: Search) -> None:
        """Let the optimizer look for better prompts until it ends, or the budget does."""
        self.progress.phase = "search"
        if self.budget.max_calls is not None:
            search.announce(self._plan(search))
        try:
            await self._searched(search)
            if {e.prompt for e in search.archive} <= {*search.seed_prompts}:
                # Its stages may have spent their shares on parts of validation alone.
                await search.measure_finalists()
        except BudgetExhausted:
            await search.measure_finalists()
        except (ApoError, MemoryError):
            raise
        except USERS_ERRORS as error:  # A user's optimizer may raise anything.
            raise SettingsError(
                f"The optimizer {type(self.optimizer).__name__} failed{where(error)}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _plan(self, search: Search) -> str:
        """How the calls are shared out, once the seed prompts have been measured."""
        each = self.task.calls_per_example
        looked, verdict = len(search.archive), 2 * each * len(self.task.test)
        spent = looked * each * len(self.task.validation)
        left = max(0, (self.budget.max_calls or 0) - spent - verdict - self.options.audit_calls)
        return (
            f"Of {self.budget.max_calls:,} calls {spent:,} looked at the seed prompt, about "
            f"{left:,} are for the search, and {verdict:,} for the verdict."
        )

    async def _searched(self, search: Search) -> None:
        """The optimizer, and after it the edits that the run was started with."""
        if not self.options.edits:
            return await search.work(self.optimizer)
        await search.stage(self.optimizer, share=1 - EDITS_SHARE)
        await search.work(make_optimizer("edit-search", {"edits": self.options.edits}))

    async def _sound(
        self, caller: Caller, seed: Evaluation, best: Evaluation, search: Search
    ) -> tuple[Evaluation, tuple[str, ...]]:
        """The best candidate; with an audit the best of those that it does not pass over."""
        caller.meter.hold_back("audit")
        if not self.options.audit_calls or best.prompt == seed.prompt:
            return best, ()
        from apo.audit.veto import first_sound

        return await first_sound(
            caller,
            self.models.task,
            self.task,
            seed,
            [best, *(e for e in search.archive if e.prompt != best.prompt)],
            max_calls=self.options.audit_calls,
            random_seed=self.options.seed,
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
            raise too_small(self.task, caller, stop) from stop
        wide = await widened(caller, self.models.task, self.task, seeds[0])
        if wide is not None:
            self.task, search.task = wide, replace(wide, test=())
            seeds = await search.map(search.evaluate, search.seed_prompts)
        fitted = affordable(self.task, self.budget, meter.spent)
        if len(fitted.test) < len(self.task.test):
            self.task = fitted
            self._tell_pools(search)
        calls, spent = each * len(self.task.test), meter.spent
        share = VERDICT_MARGIN * calls / spent.calls
        meter.hold_back(
            "verdict",
            max_calls=calls,
            max_minutes=VERDICT_SHARE * (self.budget.max_minutes or 0),
            max_usd=share * (spent.usd or 0),
            max_tokens=share * spent.tokens,
        )
        meter.hold_back("audit", max_calls=self.options.audit_calls)
        search.keep_for_finalist()
        return seeds

    async def _verdict(
        self, caller: Caller, seed: Evaluation, best: Evaluation, search: Search
    ) -> tuple[Verdict | None, Gap | None, tuple[str, ...]]:
        """Prove the best prompt on the test split, if it has a pair of answers to go by.

        Returns:
            The verdict; how far test lies from validation, which says nothing where answers are
            not the model's; and what is strange in the answers.
        """
        self.progress.phase = "verdict"
        caller.journal.note("phase", "verdict", {})  # For those who watch from elsewhere.
        caller.meter.hold_back("verdict")
        size = part_size(self.models.task, self.budget, self.options.max_concurrency)
        tested = await measure_both(
            caller, self.models.task, self.task, seed.prompt, best.prompt, part_size=size
        )
        if tested is None:
            return None, None, ()
        before, after, complete = tested
        known = repeated(seed).keys() | repeated(best).keys()  # Told of the validation split.
        strange = tuple(alike(before, " to the seed prompt on the test split", known))
        if best.prompt != seed.prompt:
            strange += tuple(alike(after, " to the best prompt on the test split", known))
        lines = map(pair_line, before.rollouts, after.rollouts)
        self.folder.write_text("test.jsonl", "".join(lines))
        if not any(
            a.score and b.score for a, b in zip(before.rollouts, after.rollouts, strict=True)
        ):
            return None, None, strange  # Every pair has a refusal: nothing is proven, or lost.
        verdict = reach_verdict(before, after, complete=complete, task=self.task)
        proven, raced = verdict.proven, search.n_raced
        gap = explain_gap(search.archive, before, after, proven=proven, n_raced=raced)
        return verdict, None if strange else gap, strange
