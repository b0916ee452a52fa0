"""How often a prompt gains by another model that answers in the middle of the test, or in turns.

Two prompts that answer 200 test rows equally well. After a share of the test's calls, or at each
second call, the server answers with another model, that is right more often, or less often. The run
goes through apo's own search (which takes the second prompt, as it wins on validation) and final
test, in which both prompts are asked row by row, in an order that each row draws. Against: 5 %
favourable at most. Beside it stands what asking for all rows with the one prompt and then with the
other would say.

    python experiments/benchmarks/swapped.py            # 100 draws a line, some minutes
    python experiments/benchmarks/swapped.py --draws 50
"""

import argparse
import asyncio
import sys
import tempfile
from dataclasses import dataclass, field, replace
from itertools import product
from multiprocessing import Pool
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Budget, Evaluation, Options, Prompt, Request, Search, Usage, aoptimize
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.evaluation.measure import measure
from apo.model import Completion
from apo.results.verdict import Verdict, reach_verdict
from apo.statistics import CONFIDENCE, proportion_interval
from apo.storage.journal import Journal
from apo.testing import FakeModel, fake_task
from apo.testing.fakes import draw
from experiments.benchmarks.recording import record

ROWS, BEFORE = 200, 0.5
"""Test rows; the share of them that the first model gets right, with either prompt."""
SHARED = 0.7
"""The share of rows on which both prompts' answers hang on the row alone."""
IN_TURNS = 2.0
"""Stands for two servers behind one address, of which the other takes each second call."""
SWAPS = (None, 0.25, 0.5, 0.75, IN_TURNS)
"""After which share of the test's calls; None for never."""
AFTER = (0.3, 0.7)
"""The share that the other model gets right."""
AT_ONCE = (1, 16)
SEED, BEST = "Answer", "Answer with the word."
TASK = replace(fake_task(ROWS), train=fake_task(20).train, validation=fake_task(20).validation)
TEST = {example.target for example in TASK.test}


@dataclass
class Swapped(FakeModel):
    """Answers test rows with a chance that is another after some calls; the rest by the prompt."""

    luck: int = 0
    swap_at: float | None = None
    after: float = BEFORE
    asked: int = field(default=0, init=False)

    async def complete(self, request: Request) -> Completion:
        """Answer the request; the calls on test rows are counted."""
        *before, last = [message.content for message in request.messages]
        if last not in TEST:
            return Completion(text=last if BEST in before[0] else "?", usage=Usage(9, 1))
        self.asked += 1
        swapped = self._swapped()
        await asyncio.sleep(0)
        alone = draw(f"{self.luck} {last} kind") > SHARED
        chance = draw(f"{self.luck} {last} {before if alone else ''}")
        right = chance < (self.after if swapped else BEFORE)
        return Completion(text=last if right else "?", usage=Usage(9, 1))

    def _swapped(self) -> bool:
        if self.swap_at == IN_TURNS:
            return self.asked % 2 == 0
        return self.swap_at is not None and self.asked > self.swap_at * 2 * ROWS


@dataclass(frozen=True)
class TakeBest:
    """A search of one candidate."""

    async def run(self, search: Search) -> None:
        """Measure it on validation, where it wins."""
        await search.map(search.evaluate, search.accept([Prompt(BEST)], operator="given"))


async def in_turns(model: Swapped, at_once: int, home: Path) -> Verdict | None:
    """The verdict of a whole run."""
    result = await aoptimize(
        TASK,
        TakeBest(),
        model=model,
        budget=Budget(max_calls=10 * ROWS),
        options=Options(track=False, max_concurrency=at_once),
        home=home,
    )
    return result.verdict


async def in_a_row(model: Swapped, at_once: int) -> Verdict:
    """The verdict when the one prompt's calls stand before the other's."""
    found: list[Evaluation] = []
    with Journal() as journal:
        caller = Caller(journal, Meter(Budget()), limits=Limits(max_concurrency=at_once))
        for prompt in (Prompt(SEED), Prompt(BEST)):
            endpoint = Endpoint("task", model)
            found.append(await measure(caller, endpoint, TASK, prompt, TASK.test))
    return reach_verdict(*found, task=TASK)


def line(swap: float | None, after: float, at_once: int, draws: int) -> dict[str, Any]:
    """A line of the table."""
    now = before = 0
    for luck in range(draws):

        def model(luck: int = luck) -> Swapped:
            return Swapped(luck=luck, swap_at=swap, after=after)

        with tempfile.TemporaryDirectory() as home:
            verdict = asyncio.run(in_turns(model(), at_once, Path(home)))
        now += verdict is not None and verdict.favourable
        before += asyncio.run(in_a_row(model(), at_once)).favourable
    low, _ = proportion_interval(now, draws)
    after_what = "each call" if swap == IN_TURNS else "never" if swap is None else f"{swap:.0%}"
    return {
        "swapped after": after_what,
        "right": f"{BEFORE:.0%}" if swap is None else f"{BEFORE:.0%} → {after:.0%}",
        "calls at once": at_once,
        "one prompt after the other": f"{before / draws:.1%}",
        "row by row": f"{now / draws:.1%}",
        "at most 5 %": "met" if low <= 1 - CONFIDENCE else "MISSED",
    }


def main() -> None:
    """Simulate all, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=100, help="for each line")
    draws = parser.parse_args().draws
    lines = [
        (swap, after, at_once, draws)
        for swap, after, at_once in product(SWAPS, AFTER, AT_ONCE)
        if swap is not None or after == AFTER[0]
    ]
    with Pool() as pool:
        rows = pool.starmap(line, lines, chunksize=1)
    notes = [
        f"{ROWS} test rows, {draws:,} draws a line, two prompts that are right equally often. "
        "swapped after: the share of the test's calls after which another model answers, or each "
        "call, where two servers take calls in turns; right: how often the one and the other is. "
        "One prompt after the other: favourable if all rows were asked with the seed prompt "
        "first, and then with the best one. Marked MISSED where 5 % is below the interval of the "
        "share."
    ]
    record("swapped", "A model swapped in the middle of the test: favourable", rows, notes=notes)


if __name__ == "__main__":
    main()
