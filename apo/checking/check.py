"""Looks a task over before money is spent on it: the logic of `apo check`."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence

from apo.checking.data import (
    conflict_findings,
    hint_findings,
    injection_findings,
    input_findings,
    overlap_findings,
)
from apo.checking.documents import document_findings
from apo.checking.finding import Finding, Named
from apo.checking.groups import gain_findings, history_findings
from apo.checking.labels import (
    label_findings,
    list_findings,
    open_answer_findings,
    same_label_findings,
    typography_findings,
    variety_findings,
)
from apo.checking.options import option_findings
from apo.checking.signs import scale_findings
from apo.checking.speed import speed_findings
from apo.checking.targets import target_findings
from apo.data.folds import FEW_ROWS
from apo.data.near import pair_notes, same_but_signs
from apo.data.split import told_sizes
from apo.errors import USERS_ERRORS, PromptError, TaskError
from apo.evaluation.room import SENTENCE, told_room
from apo.guards.checking import seed_lines
from apo.programs.solvers import writes_more
from apo.prompts.files import check_variables
from apo.prompts.needs import beside_of
from apo.reading.answers import plain, quote
from apo.scorers.awaited import AwaitedScorer
from apo.scorers.code import Code
from apo.scorers.function import FunctionScorer
from apo.scorers.registry import MultipleChoice, judges_form
from apo.scorers.reward import Reward
from apo.statistics.planning import visible_gain
from apo.task import Example, Score, Task

__all__ = ["Finding", "check"]

MIN_VALIDATION = 30
MIN_TEST = 50
MIN_TRAIN = 20
MAX_SCORED = 200  # examples of a pool that a user's own scorer, maybe a slow one, is asked about
SCORING = 60.0  # seconds for these; a pattern of a file may take one second for each
DIFFERENT = 0.2  # assumed share of examples on which two prompts differ
VISIBLE = 0.2  # a verdict that proves no gain under this seldom proves any


def check(task: Task, more: Iterable[Finding] = ()) -> list[Finding]:
    """Look a task over; no model is called. Errors come first, then warnings, then the rest.

    Args:
        task: the task.
        more: what was found in its file and data beside.
    """
    pools = {"train": task.train, "validation": task.validation, "test": task.test}
    near = {text for _, text in pair_notes(same_but_signs(pools))}  # Told as warnings below.
    findings = [
        *_sizes(pools),
        *_notes(task, near),
        *variety_findings(pools),
        *label_findings(task, pools),
        *list_findings(task, pools),
        *same_label_findings(task),
        *open_answer_findings(task, pools),
        *typography_findings(task, pools),
        *overlap_findings(pools),
        *history_findings(pools),
        *more,
        *conflict_findings(pools),
        *hint_findings(task),
        *document_findings(task),
        *_gold(task, pools),
        *_programs(task),
        *target_findings(task, pools),
        *option_findings(task, pools),
        *speed_findings(task, pools),
        *scale_findings(task),
        *_prompt(task),
        *_room(task),
        *(Finding("warning", text) for text in seed_lines(task)),
        *input_findings(pools),
        *injection_findings(pools, _history(task)),
        *_gain(task.test),
        *_folds(sum(map(len, pools.values()))),
    ]
    order = ("error", "warning", "note", "ok")
    return sorted(findings, key=lambda finding: order.index(finding.level))


def _notes(task: Task, near: Collection[str]) -> Iterator[Finding]:
    for note in task.notes:
        if note not in near:
            yield Finding("warning" if note in task.warnings else "note", note)


def _room(task: Task) -> Iterator[Finding]:
    for prompt in task.seed_prompts[:1]:
        yield Finding("ok", told_room(task))
        stated = prompt.decoding.max_tokens
        if stated is not None and stated < SENTENCE and writes_more(task.program):
            yield Finding(
                "warning",
                f"An answer may take {stated} tokens, as is stated, and the solver asks for more "
                "than the answer, which will be cut: state more, or nothing.",
            )


def _sizes(pools: Named) -> Iterator[Finding]:
    yield Finding("ok", f"Examples: {told_sizes(pools)}.")
    for name in ("train", "validation"):
        if not pools[name]:
            yield Finding("error", f"{name} is empty; a search needs it.")
    if not pools["test"]:
        yield Finding("warning", "test is empty, so no verdict can say whether a gain is real.")
    uses = {
        "train": (MIN_TRAIN, "proposals see little"),
        "validation": (MIN_VALIDATION, "the choice between candidates is mostly luck"),
        "test": (MIN_TEST, "only a very large gain will be visible"),
    }
    for name, (least, effect) in uses.items():
        n = len(pools[name])
        if 0 < n < least:
            yield Finding(
                "warning",
                f"{name} has {n} example{'s' * (n != 1)} (< {least}): {effect}.",
            )


def _gold(task: Task, pools: Named) -> Iterator[Finding]:
    """A target given as the answer must score 1, and an empty answer must not."""
    if isinstance(task.scorer, AwaitedScorer) and not isinstance(task.scorer, FunctionScorer):
        yield Finding(
            "note",
            "The scorer asks a model, or takes its time, so it is not tried here. Try it with apo "
            "evaluate; how good a judge is, is told by apo judge.",
        )
        return
    chosen = [example for pool in pools.values() for example in pool[:MAX_SCORED]]
    try:
        asked, wrong = _scored(task, chosen)
        empty = [
            e for e in (*task.train[:5], *task.validation[:5]) if task.scorer("", e).value >= 1
        ]
    except TaskError as error:
        yield Finding("error", str(error))
        return
    except USERS_ERRORS as error:  # A user's scorer may raise anything.
        yield Finding("error", f"The scorer fails: {type(error).__name__}: {error}")
        return
    if wrong:
        example, score = wrong[0]
        text = (
            f"{len(wrong)} of {asked} targets do not score 1 when they are the answer (such as "
            f"{quote(example.target)}: {score.value:.2f}, {score.feedback or 'not well formed'})."
        )
        if judges_form(task.scorer):
            text += " That may be meant, as the form counts too; demos that show targets lack it."
        yield Finding("warning" if judges_form(task.scorer) else "error", text)
    else:
        yield Finding("ok", f"The scorer gives its own targets 1 ({asked} asked).")
    if asked < len(chosen):
        yield Finding(
            "warning",
            f"Scoring {asked} of {len(chosen)} targets took {SCORING:g} s; the rest was not tried.",
        )
    if empty:
        yield Finding("warning", "The scorer gives an empty answer 1.")


def _scored(task: Task, examples: list[Example]) -> tuple[int, list[tuple[Example, Score]]]:
    """How many targets were scored as answers before the time was over, and which are not right."""
    wrong: list[tuple[Example, Score]] = []
    end = time.monotonic() + SCORING
    for n, example in enumerate(examples):
        if time.monotonic() > end:
            return n, wrong
        score = task.scorer(example.target, example)
        if score.value < 1 or not score.well_formed:
            wrong.append((example, score))
    return len(examples), wrong


def _programs(task: Task) -> Iterator[Finding]:
    """In what a scorer runs the programs of answers, or why it cannot."""
    scorer: object = task.scorer
    parts = [part.scorer for part in scorer.parts] if isinstance(scorer, Reward) else [scorer]
    for code in (part for part in parts if isinstance(part, Code)):
        try:
            yield Finding("ok", code.sandbox.told())
        except TaskError as error:
            yield Finding("error", str(error))


def _prompt(task: Task) -> Iterator[Finding]:
    for prompt in task.seed_prompts:
        try:
            check_variables(prompt, task.input_fields)
        except PromptError as error:
            yield Finding("error", f"Seed prompt: {error}")
            return
        if not prompt.instruction.strip():
            yield Finding(
                "warning",
                "The seed prompt is all in the user turn, which stays as it is: optimizers write "
                "an instruction in front of it. Put what may be rewritten above the line of the "
                "first variable.",
            )
        text = plain(prompt.text())
        unnamed = [label for label in task.labels if plain(label) not in text]
        if unnamed and not isinstance(task.scorer, MultipleChoice):  # The input shows the marks.
            yield Finding(
                "warning",
                f"The seed prompt does not name {', '.join(map(quote, unnamed[:10]))}: "
                "a model must guess the labels.",
            )
    if not task.seed_prompts:
        yield Finding("error", "There is no seed prompt; a search needs a start.")
    else:
        fields = ", ".join(f"{{{{{name}}}}}" for name in task.input_fields)
        yield Finding("ok", f"The seed prompt shows {fields}.")


def _folds(n: int) -> Iterator[Finding]:
    if 20 <= n < FEW_ROWS:
        yield Finding(
            "note",
            f"With {n} examples in all, a test split shows large gains alone. Where the "
            "task sets no pools of its own, apo optimize TASK --folds 5 tests all of them.",
        )


def _history(task: Task) -> str:
    """The input that holds a conversation; "" for none."""
    return next((beside_of(prompt).history for prompt in task.seed_prompts), "")


def _gain(examples: Sequence[Example]) -> Iterator[Finding]:
    n_test = len(examples)
    if any(example.group for example in examples):
        yield from gain_findings(examples, DIFFERENT, VISIBLE)
    elif n_test:
        gain = visible_gain(n_test, DIFFERENT)
        if gain is None:
            yield Finding(
                "warning", f"With {n_test} test example{'s' * (n_test != 1)} no gain can be proven."
            )
            return
        yield Finding(
            "warning" if gain > VISIBLE else "ok",
            f"With {n_test} test examples, a gain of about {gain * 100:.0f} points is proven 8 "
            f"times of 10 (if two prompts differ on {DIFFERENT:.0%} of the examples); smaller ones "
            "more seldom.",
        )
