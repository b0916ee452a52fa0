"""How long a user's scorer takes, beside what models take."""

import math
import time
from collections.abc import Callable, Iterator

from apo.checking.finding import Finding, Named, all_examples
from apo.errors import USERS_ERRORS, ApoError
from apo.scorers.awaited import AwaitedScorer
from apo.scorers.function import FunctionScorer
from apo.task import Task

ANSWERS = 16
"""How many answers a second models may bring: 16 calls are under way, and one takes a second."""
TRIED, SECONDS = 20, 2.0
"""How many answers are scored to find out, and for how long at most."""


def speed_findings(
    task: Task, pools: Named, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Finding]:
    """A scorer on the CPU that takes longer than asking: the answers wait for it."""
    scorer = task.scorer
    if not isinstance(scorer, FunctionScorer) or isinstance(scorer, AwaitedScorer):
        return  # It is one of apo's, or has workers already.
    start = now = clock()
    tried = 0
    for _, example in all_examples(pools):
        if tried == TRIED or now - start > SECONDS:
            break
        try:
            scorer(example.target, example)
        except (ApoError, *USERS_ERRORS):
            return  # What fails is told by the check of each target with itself.
        tried, now = tried + 1, clock()
    each = (now - start) / max(1, tried)
    if each * ANSWERS <= 1:
        return
    workers = math.ceil(each * ANSWERS)
    yield Finding(
        "note",
        f"The scorer {scorer.name} takes {each:.2g} s for an answer, one after the other. Models "
        f"may bring {ANSWERS} answers a second ({ANSWERS} calls under way, a second each), which "
        f"then wait for it. scorer: {{name: {scorer.name}, workers: {workers}}} scores in "
        f"{workers} processes at once; where it does not wait but calculates, no more than there "
        "are CPUs help.",
    )
