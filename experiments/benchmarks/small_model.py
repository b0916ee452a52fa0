"""Solvers, and the edits that need a language model, with a very small one: SmolLM2-135M.

What was expected was written down before test rows were looked at, after a look at 14 to 24 rows of
train, which also chose the number of worked examples. Answers are kept in a journal, so that a run
that was broken off goes on where it was.

    python experiments/benchmarks/small_model.py --journal FILE      # an hour on two busy cores
    python experiments/benchmarks/edits.py && python experiments/benchmarks/solvers.py

Tasks on outside data are left out unless APO_BENCH_DATA names their folder (see `real_tasks.py`).
"""

import argparse
import asyncio
import os
import random
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Demo, Example, Layout, Prompt, Score, Task
from apo.compare.data_folder import task_from_folder
from apo.edits.edit import edited
from apo.storage.journal import Journal
from apo.taskfile.load import load_task
from experiments.benchmarks.real_tasks import VARIABLE
from experiments.benchmarks.recording import record
from experiments.benchmarks.solver_trials import Trial, measured, measured_pair
from experiments.benchmarks.trials import exact

MODEL = "local/smollm2"
ASK = "Is the review positive or negative? Answer with one word."
REVIEWS, PROBLEMS = load_task("short-reviews"), load_task("word-problems")
POLITE = ("please", "thank", "sorry", "glad", "happy to", "feel free", "apolog", "appreciate")
VOTES: Mapping[str, Any] = {"n": 5, "reason": False}


@dataclass(frozen=True)
class Cell:
    """A line of the table.

    Attributes:
        name: of a solver or an edit.
        expected: gain, none or harm, as it was written down before.
        about: the task in words.
        task: with its prompt.
        settings: of a solver.
        rows: of the test split.
        edit: whether it is an edit.
    """

    name: str
    expected: str
    about: str
    task: Task
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rows: int = 60
    edit: bool = False


def shown(task: Task, instruction: str, n: int, tokens: int) -> Task:
    """A task whose prompt has worked examples, label by label in turn, in the user's turn."""
    [name, *_] = task.input_fields
    kinds = [[e for e in task.train if e.target == label] for label in task.labels]
    turns = zip(*(kinds or [[*task.train]]), strict=False)
    chosen = [example for turn in turns for example in turn][:n]
    prompt = Prompt(
        instruction,
        template=f"{{{{{name}}}}}",
        demos=tuple(Demo(e.inputs[name], e.target) for e in chosen),
        layout=Layout(role="user"),
    ).with_max_tokens(tokens)
    return replace(task, seed_prompts=(prompt,))


def drawn(task: Task, temperature: float) -> Task:
    """The same with answers drawn."""
    return replace(task, seed_prompts=(task.seed_prompts[0].at_temperature(temperature),))


def roomy(task: Task, tokens: int = 64) -> Task:
    """The same with room for reasons."""
    return replace(task, seed_prompts=(task.seed_prompts[0].with_max_tokens(tokens),))


def made(name: str, pairs: Sequence[tuple[str, str]], scorer: Any, language: str = "en") -> Task:
    """A task of texts, of which the first 24 are for worked examples."""
    rows = [Example({"input": text}, (target,)) for text, target in pairs]
    return Task(name=name, scorer=scorer, seed_prompts=(Prompt("x"),), train=rows[:24],
                validation=rows[:24], test=rows[24:], language=language)  # fmt: skip


def words_at_most(output: str, example: Example) -> Score:
    """Score 1 for an answer that is no longer than the longest right one."""
    return Score(float(0 < len(output.split()) <= LONGEST))


def impolite(output: str, example: Example) -> Score:
    """Score 1 for an answer without phrases of politeness."""
    return Score(float(bool(output.strip()) and not any(p in output.lower() for p in POLITE)))


def in_korean(output: str, example: Example) -> Score:
    """Score 1 for an answer of which most letters are Korean."""
    korean, letters = len(re.findall("[가-힣]", output)), len(re.findall(r"[^\W\d_]", output))
    return Score(float(2 * korean > letters))


SUMMARIES = load_task("short-summaries")
LONGEST = max(len(example.target.split()) for example in SUMMARIES.train)
TEXTS = [e.inputs["review"] for e in (*REVIEWS.train, *REVIEWS.test)]


def sums() -> Task:
    """Sums of two numbers up to 99."""
    rng = random.Random(0)
    pairs = [(rng.randint(10, 99), rng.randint(10, 99)) for _ in range(84)]
    return made("sums", [(f"{a} + {b}", str(a + b)) for a, b in pairs], PROBLEMS.scorer)


def mixed() -> Task:
    """Two reviews of one kind, and a third of the other after them: what is it mainly?"""
    kinds = {label: [e for e in REVIEWS.test if e.target == label] for label in REVIEWS.labels}
    one, other = kinds.values()
    rows: list[Example] = []
    for i in range(30):
        for most, least in ((one, other), (other, one)):
            texts = [most[i % len(most)], most[(i + 9) % len(most)], least[(i + 5) % len(least)]]
            text = " ".join(example.inputs["review"] for example in texts)
            rows.append(Example({"review": text}, (texts[0].target,)))
    return replace(REVIEWS, test=rows)


def solver_cells() -> list[Cell]:
    """Each solver where it might help such a model, and where not."""
    reviews = shown(REVIEWS, ASK, 8, 8)
    added = shown(sums(), "How much is it?", 0, 64)
    bare = roomy(shown(REVIEWS, ASK, 0, 8))  # Worked examples without reasons keep it from any.
    return [
        Cell("self-consistency", "gain", "reviews, drawn at 1.0", drawn(reviews, 1.0),
             {**VOTES, "temperature": 1.0}, 80),
        Cell("self-consistency", "gain", "reviews, drawn at 0.7", drawn(reviews, 0.7),
             {**VOTES, "temperature": 0.7}, 80),
        Cell("self-consistency", "none", "reviews, against the likeliest answer", reviews,
             {**VOTES, "temperature": 0.7}, 80),
        Cell("chain-of-thought", "none", "word problems", roomy(PROBLEMS), {}, 50),
        Cell("chain-of-thought", "none", "reviews", bare, {}, 50),
        Cell("generated-knowledge", "none", "reviews", bare, {}, 50),
        Cell("decomposition", "none", "word problems", roomy(PROBLEMS), {}, 40),
        Cell("react", "none", "sums", added, {}, 40),
        Cell("program-aided", "none", "sums", added, {}, 40),
        Cell("program-aided", "harm", "reviews", bare, {}, 50),
    ]  # fmt: skip


def outside_cells() -> list[Cell]:
    """Solvers on outside data, where they are given."""
    given = os.environ.get(VARIABLE)
    if not given:
        return []
    animals = task_from_folder(Path(given) / "ii_larger_animal")
    animals = shown(animals, "Write the larger of the two animals.", 4, 64)
    return [
        Cell("generated-knowledge", "gain", "the larger animal (outside data)", animals, {}, 50)
    ]


def edit_cells() -> list[Cell]:
    """Each edit that needs a language model, scored by what the edit is about."""
    reviews = shown(REVIEWS, ASK, 8, 8)
    first = shown(made("first-word", [(text, text.split()[0]) for text in TEXTS], exact),
                  "Write the first word of the text.", 4, 8)  # fmt: skip
    long = replace(SUMMARIES, scorer=words_at_most)
    replies = made("replies", [(text, "-") for text in TEXTS], impolite)
    replies = replace(replies, seed_prompts=(Prompt("Reply to the review."),))
    foreign = made("foreign", [(text, "한 줄") for text in TEXTS], in_korean, "ko")
    about = Prompt("Say in a few words what the review is about.")
    foreign = replace(foreign, seed_prompts=(about,))
    idle = "the first word of a text"
    return [
        Cell(name, expected, about, task, {}, rows, edit=True)
        for name, expected, about, task, rows in [
            ("conditions", "gain", "reviews of two minds", shown(mixed(), ASK, 8, 8), 60),
            ("conditions", "none", "reviews of one mind", reviews, 60),
            ("length", "gain", f"summaries, by at most {LONGEST} words", roomy(long), 51),
            ("length", "none", idle, first, 60),
            ("tone", "gain", "replies, by no polite phrase", roomy(replies, 40), 40),
            ("tone", "none", idle, first, 60),
            ("language", "gain", "Korean asked for English texts", roomy(foreign, 24), 40),
            ("language", "none", idle, first, 60),
            ("persona", "gain", "reviews", reviews, 60),
            ("persona", "none", idle, first, 60),
            ("eccentric", "gain", "reviews", reviews, 60),
            ("eccentric", "none", idle, first, 60),
        ]
    ]


async def line(cell: Cell, journal: Journal) -> dict[str, Any]:
    """Measure a cell."""
    task = replace(cell.task, test=cell.task.test[: cell.rows])
    if cell.edit:
        before = task.seed_prompts[0]
        [(_, after)] = edited(before, [cell.name], task)
        found = await measured_pair((task, before), (task, after), MODEL, journal)
    else:
        found = await measured(Trial(cell.name, cell.about, task, MODEL, cell.settings), journal)
    return {
        "of": "edit" if cell.edit else "solver", "name": cell.name, "task": cell.about,
        "expected": cell.expected, "before": f"{100 * found.before:.0f} %",
        "points": found.told, "calls": found.calls,
    }  # fmt: skip


def main() -> None:
    """Measure all, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--journal", type=Path, required=True)
    found: list[dict[str, Any]] = []
    with Journal(parser.parse_args().journal) as journal:
        for cell in [*solver_cells(), *edit_cells(), *outside_cells()]:
            found.append(asyncio.run(line(cell, journal)))
            print(*found[-1].values(), flush=True)
    record("small_model", f"Solvers and edits with {MODEL}: points, 95 %", found, notes=[
        "before: the share of right answers with the prompt as it is; expected: what was written "
        "down before the test rows were looked at."])  # fmt: skip


if __name__ == "__main__":
    main()
