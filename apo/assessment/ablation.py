"""Which parts of a prompt earn their tokens, found by leaving them out and measuring.

Groups of parts are left out and halved where that costs (delta debugging; Zeller and Hildebrandt,
"Simplifying and Isolating Failure-Inducing Input", 2002), so that most useful parts are found in a
few rows and many useless ones go together. The whole prompt is compared with the one that lacks the
group, row by row, for no longer than needed (`apo.assessment.looks`). The chance that this says of
any useless part that it earns is at most 2.5 %: a group is tested at its share of that level, and
a part only where all groups that it was in were missed (Meinshausen, "Hierarchical Testing of
Variable Importance", 2008).

At last what is left is compared with the whole prompt, as two parts may say the same, and many
small losses add up. While it is worse, or its loss looks larger than the margin, the group that
cost most is tried again, beside what is left; and comes back where that does not settle it.
"""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from apo.assessment.ablation_found import Ablation, Finding, Trial
from apo.assessment.looks import Looks, rows_to_look_at
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.errors import BudgetExhausted
from apo.evaluation.evaluation import Evaluation
from apo.evaluation.measure import measure_in_turns
from apo.prompts.parts import Part, parts_of, without
from apo.prompts.prompt import Prompt
from apo.results.paired import tested
from apo.statistics.means import CONFIDENCE
from apo.task import Example, Task

ALPHA = (1 - CONFIDENCE) / 2
LEAST = 60
"""Rows on which each group is left out at least, unless it is missed before."""


@dataclass
class Elimination:
    """Leaves parts out of a prompt, group by group.

    Attributes:
        caller: makes the calls, and keeps to the budget.
        endpoint: who answers.
        task: whose scorer judges; a candidate that breaks its contract is not measured.
        prompt: the whole prompt.
        rows: the examples to measure on, in the order of looks.
        margin: a loss below it, in score, is none: whoever is clearly within it needs no more rows.
    """

    caller: Caller
    endpoint: Endpoint
    task: Task
    prompt: Prompt
    rows: Sequence[Example]
    margin: float
    gone: list[Part] = field(default_factory=list[Part])
    trials: dict[Part, Trial] = field(default_factory=dict[Part, Trial])
    findings: dict[Part, Finding] = field(default_factory=dict[Part, Finding])

    async def run(self) -> Ablation:
        """Find out what each part is worth, as far as the budget goes."""
        parts = parts_of(self.prompt)
        self.findings = dict.fromkeys(parts, "open")
        meter, each = self.caller.meter, self.task.calls_per_example
        meter.hold_back("together", max_calls=len(self.rows) * each)
        with suppress(BudgetExhausted):
            await self._eliminate(deque(_by_place(parts)), len(parts), LEAST)
        meter.hold_back("together")
        loss = await self._put_back()
        return Ablation(
            prompt=self.prompt,
            shorter=without(self.prompt, self.gone),
            parts=parts,
            findings=self.findings,
            trials={part: self.trials.get(part) for part in parts},
            rows=len(self.rows),
            loss=loss,
        )

    async def _eliminate(self, groups: deque[tuple[Part, ...]], of: int, least: int) -> None:
        """Leave groups out while nothing is lost; halve those that are missed."""
        while groups:
            group = groups.popleft()
            trial = await self._try_without(group, of, least)
            self.trials.update(dict.fromkeys(group, trial))
            if not trial.worse:
                self.gone += group
                self.findings.update(dict.fromkeys(group, "idle"))
            elif len(group) > 1:
                groups.extend(_halves(group))
            else:
                proven = trial.p_value <= 1 - CONFIDENCE
                word: Finding = ("earns" if proven else "back") if trial.n else "needed"
                self.findings.update(dict.fromkeys(group, word))

    async def _try_without(self, group: tuple[Part, ...], of: int, least: int) -> Trial:
        """Compare what is left so far with what is left without the group.

        From the least number of rows on, no more are asked for where it loses less than the margin.
        """
        besides = self.gone if least > LEAST else []
        left = without(self.prompt, besides)
        shorter = without(self.prompt, [*besides, *group])
        if not self._allowed(shorter):
            return Trial(parts=group, worse=True)
        looks, share = Looks.at(self.rows), len(group) / of
        for part in rows_to_look_at(self.rows):
            looks.add(*await self._measured(left, shorter, part))
            enough = len(looks.pairs.lowest) >= least and looks.gain >= -self.margin
            if looks.worse_p <= ALPHA * share or enough:
                break
        return self._trial(group, looks, share)

    def _trial(self, group: tuple[Part, ...], looks: Looks, share: float) -> Trial:
        before = max((self.trials[p].p_value for p in group if p in self.trials), default=0.0)
        return Trial(
            parts=group,
            worse=looks.worse_p <= ALPHA * share,
            n=len(looks.pairs.graded),
            gain=looks.gain,
            interval=looks.interval,
            p_value=min(1.0, max(before, 2 * looks.worse_p / share)),
        )

    def _allowed(self, prompt: Prompt) -> bool:
        """Whether a prompt keeps the task's contract; without an instruction it may be tried."""
        return self.task.contract is None or not self.task.contract.broken(prompt)

    async def _measured(
        self, first: Prompt, second: Prompt, rows: Sequence[Example]
    ) -> list[Evaluation]:
        prompts = [first, second]
        return await measure_in_turns(self.caller, self.endpoint, self.task, prompts, rows)

    async def _put_back(self) -> tuple[float, tuple[float, float]] | None:
        """Compare what is left with the whole prompt; while it is worse, put back what costs most.

        Each group is tried again first, on more rows and at the plain level, as it is known that
        something is missed. Where the budget does not allow that, all that is in doubt comes back.
        """
        doubted = self._groups_gone()
        try:
            while self.gone:
                looks, worse = await self._together()
                if not worse and looks.gain >= -self.margin:
                    if self._keep_some():
                        continue
                    return looks.gain, tested(looks.pairs.differences, looks.pairs.groups_graded)[0]
                costly = min(doubted or self._groups_gone(), key=lambda group: self._gain(group[0]))
                self._bring_back(costly, "open" if doubted else "back")
                if doubted:
                    doubted.remove(costly)
                    self.trials = {p: t for p, t in self.trials.items() if p not in costly}
                    await self._eliminate(deque([costly]), len(costly), 2 * LEAST)
        except BudgetExhausted:
            back = [part for group in doubted for part in group] or [*self.gone]
            self._bring_back(back, "open")
            self._keep_some()
        return None

    def _groups_gone(self) -> list[tuple[Part, ...]]:
        """The groups that went, in the prompt's order: of equal losses the first comes back."""
        return list(dict.fromkeys(self.trials[part].parts for part in self.gone))

    def _bring_back(self, parts: Collection[Part], finding: Finding) -> None:
        self.gone = [part for part in self.gone if part not in parts]
        self.findings.update(dict.fromkeys(parts, finding))

    def _keep_some(self) -> bool:
        """Leave no step without an instruction: of all that goes there, what costs most stays."""
        before = len(self.gone)
        for name, step in without(self.prompt, self.gone).steps.items():
            said = [p for p in self.gone if p.kind == "instruction" and p.step == name]
            if said and not step.instruction.strip():
                self._bring_back([min(said, key=self._gain)], "needed")
        return len(self.gone) < before

    def _gain(self, part: Part) -> float:
        return self.trials[part].gain

    async def _together(self) -> tuple[Looks, bool]:
        """Compare what is left with the whole prompt: whether it is clearly worse, in the end."""
        shorter, looks = without(self.prompt, self.gone), Looks.at(self.rows)
        for part in rows_to_look_at(self.rows):
            looks.add(*await self._measured(self.prompt, shorter, part))
            if looks.worse_p <= ALPHA:
                return looks, True
        _, p_value = tested(looks.pairs.highest, looks.pairs.groups)
        return looks, looks.gain < 0 and p_value <= 1 - CONFIDENCE


def _by_place(parts: Sequence[Part]) -> Iterator[tuple[Part, ...]]:
    for place in dict.fromkeys((part.step, part.kind) for part in parts):
        yield tuple(part for part in parts if (part.step, part.kind) == place)


def _halves(group: tuple[Part, ...]) -> Iterator[tuple[Part, ...]]:
    middle = len(group) // 2
    yield group[:middle]
    yield group[middle:]
