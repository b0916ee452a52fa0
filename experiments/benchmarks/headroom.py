"""What `apo check --headroom` says of tasks whose gain is known.

    python experiments/benchmarks/headroom.py

Each simulated task has a model whose chance to be right is known for every prompt: the seed, its
other wording, demos, and the best that a search would find. Rows differ in difficulty, and a prompt
has rows of its own that it is right or wrong about. So what the look should say follows from the
task alone: a form that fails, answers that vary from draw to draw, a model that does no better than
always saying the same, or that no prompt changes, and else whether the gain is one that the test
rows prove with 80 % power. Tasks whose gain is near that border, by a third of it, are not drawn:
there both verdicts are right. The thresholds were chosen on tasks 1,000 to 1,499; the table is of
others. A real model is looked at by `apo check TASK --headroom --model NAME`.
"""

import argparse
import asyncio
import hashlib
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Completion, Example, Prompt, Request, Task, Usage
from apo.assessment.headroom import MAX_CALLS, aheadroom
from apo.scorers.choice import Choice
from apo.statistics import proportion_interval
from apo.statistics.planning import visible_gain
from experiments.benchmarks.recording import record

KINDS = (
    "worth it",
    "more rows first",
    "fix the form first",
    "no gain in sight",
    "temperature or model first",
)
LABELS = {2: ("yes", "no"), 4: ("red", "green", "blue", "black")}


@dataclass(frozen=True)
class Case:
    """A task and a model of which all is known.

    Attributes:
        seed: of its draws.
        kind: what the look should say.
        n_labels: labels.
        n_test: test rows.
        right: chance of the seed to be right.
        wording: what the other wording adds.
        demos: what demos add.
        searched: what the best prompt that a search finds adds.
        own: share of rows on which a prompt goes its own way.
        noise: chance that an answer is drawn anew from the labels.
        malformed: chance of an answer without a label.
    """

    seed: int
    kind: str
    n_labels: int
    n_test: int
    right: float
    wording: float
    demos: float
    searched: float
    own: float
    noise: float
    malformed: float


def case(seed: int) -> Case:
    """Draw a task; its kind goes round."""
    kind = KINDS[seed % len(KINDS)]
    rng = random.Random(f"headroom {seed}")
    while True:
        n_labels, right = rng.choice((2, 4)), rng.uniform(0.35, 0.8)
        searched = rng.uniform(0.05, min(0.35, 0.97 - right))
        wording, demos = rng.uniform(-0.3, 0.8) * searched, rng.uniform(0.2, 1.0) * searched
        n_test, own = rng.choice((20, 30, 40, 60, 100, 200, 400)), rng.uniform(0.1, 0.3)
        noise, malformed = rng.uniform(0, 0.1), rng.uniform(0, 0.08)
        if kind == "fix the form first":
            malformed = rng.uniform(0.35, 0.9)
        elif kind == "temperature or model first":
            noise, searched = rng.uniform(0.7, 0.9), rng.uniform(0, 0.03)
            wording = demos = rng.uniform(-1, 1) * searched
        elif kind == "no gain in sight":
            searched = wording = demos = 0.0
            noise = malformed = 0.0
            if rng.random() < 0.5:
                right, own = 1 / n_labels, 0.9
            else:
                own = rng.uniform(0, 0.02)
        found = Case(
            seed, kind, n_labels, n_test, right, wording, demos, searched, own, noise, malformed
        )
        if kind not in KINDS[:2] or _clear(found):
            return found


def _clear(found: Case) -> bool:
    """Whether the gain is clearly one that the test rows prove, or clearly none."""
    if found.right < 1 / found.n_labels + 0.2:
        return False  # A model that hardly can.
    different = found.searched + found.own * found.right * (1 - found.right) * 2
    visible = visible_gain(found.n_test, different) or 1.0
    if found.kind == "worth it":
        return found.searched >= 4 / 3 * visible
    return found.searched <= 2 / 3 * visible


@dataclass(frozen=True)
class Simulated:
    """A model that is right about a row as its case says."""

    case: Case
    name: str = "simulated"

    async def complete(self, request: Request) -> Completion:
        """Answer from the row, the prompt and the draw."""
        found, labels = self.case, LABELS[self.case.n_labels]
        *before, last = (message.content for message in request.messages)
        if not before:
            told = f"<instruction>Tell what row it is, {found.seed}.</instruction>"
            return Completion(text=told, usage=Usage(input_tokens=1, output_tokens=1))
        row, target = last, labels[int(last.split()[-1]) % len(labels)]
        prompt = "".join(before)
        chance = found.right + (found.demos if len(before) > 1 else 0.0)
        chance += 0.0 if before[0].startswith("Say") else found.wording
        difficulty = _draw(found.seed, row)
        if _draw(found.seed, row, prompt, "own") < found.own:
            difficulty = _draw(found.seed, row, prompt)
        text = target if difficulty < chance else _other(labels, target, found.seed, row)
        draw = str(request.seed)
        if _draw(found.seed, row, prompt, draw, "noise") < found.noise:
            text = labels[int(len(labels) * _draw(found.seed, row, prompt, draw))]
        if _draw(found.seed, row, prompt, draw, "form") < found.malformed:
            text = "I would rather not say."
        return Completion(text=text, usage=Usage(input_tokens=1, output_tokens=1))

    async def aclose(self) -> None:
        """Nothing to close."""


def _draw(*of: object) -> float:
    return int(hashlib.sha256(repr(of).encode()).hexdigest()[:12], 16) / 16**12


def _other(labels: Sequence[str], target: str, *of: object) -> str:
    others = [label for label in labels if label != target]
    return others[int(len(others) * _draw("other", *of))]


def task_of(found: Case) -> Task:
    """The task: rows are numbers, and the target follows from them."""
    labels = LABELS[found.n_labels]

    def rows(start: int, n: int) -> list[Example]:
        return [
            Example({"input": f"row {start + i}"}, (labels[(start + i) % len(labels)],))
            for i in range(n)
        ]

    return Task(
        name=f"case-{found.seed}",
        scorer=Choice(labels=labels),
        seed_prompts=(Prompt("Say what it is."),),
        train=rows(0, 40),
        validation=rows(1000, 40),
        test=rows(2000, found.n_test),
        labels=labels,
        description="Tell what a row is.",
    )


def said(found: Case) -> str:
    """What the look says."""
    looked = asyncio.run(aheadroom(task_of(found), model=Simulated(found)))
    assert looked.spent.calls <= MAX_CALLS
    return looked.verdict.kind


def counted(first: int, n: int) -> tuple[list[dict[str, object]], str]:
    """What was said of some tasks: a row for each kind, and a sentence on all."""
    cases = [case(first + i) for i in range(n)]
    counts = Counter((found.kind, said(found)) for found in cases)
    rows: list[dict[str, object]] = []
    for kind in KINDS:
        told = {answer: n for (one, answer), n in counts.items() if one == kind}
        others = ", ".join(f"{answer} {n}" for answer, n in sorted(told.items()) if answer != kind)
        figures = {"of": sum(told.values()), "said so": told.get(kind, 0), "said else": others}
        rows.append({"tasks": f"{first} to {first + n - 1}", "known": kind, **figures})
    right = sum(n for (kind, answer), n in counts.items() if kind == answer)
    low, high = proportion_interval(right, n)
    return rows, (
        f"Tasks {first} to {first + n - 1}: right on {right} of {n}, {right / n:.0%} "
        f"({low:.0%} to {high:.0%}), with {MAX_CALLS} calls each at most."
    )


def main() -> None:
    """Look at all tasks, and count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--sets", default="3000:40,2000:400", help="first task and how many, by comma"
    )
    parser.add_argument("--record", action="store_true", help="write the table")
    given = parser.parse_args()
    sets = [tuple(map(int, one.split(":"))) for one in given.sets.split(",")]
    found = [counted(first, n) for first, n in sets]
    rows = [row for some, _ in found for row in some]
    notes = [note for _, note in found]
    print(*rows, *notes, sep="\n")
    if given.record:
        notes.append((__doc__ or "").split("\n\n")[2].replace("\n", " "))
        title = "What a look at the headroom says of simulated tasks whose gain is known"
        record("headroom", title, rows, notes=notes)


if __name__ == "__main__":
    main()
