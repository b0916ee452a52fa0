"""Counts what wrong answers have in common, with no calls."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from apo.evaluation.evaluation import Evaluation, Rollout
from apo.failures.table import Confusion, FailureTable, Share
from apo.failures.words import MIN_ROWS, Vocabulary
from apo.guards.copies import Copies
from apo.prompts.prompt import Prompt
from apo.reading.answers import label_pattern
from apo.results.constants import MALFORMED, OTHER, UNANSWERED, said
from apo.statistics.counts import tail_of_draws

MAX_LABELS = 50
"""Different targets up to which they are labels, where the task names none."""
MAX_WORDS = 8
MAX_ANSWER = 40
"""Characters of an answer, at most, that is told as it is."""
MIN_RIGHT = 5
"""Right answers from which something may be said of what none of them holds."""
LEVEL = 0.01
"""Chance, at most, of lengths to differ so far if they did not (Mann and Whitney's test)."""
NEVER = 0.05
"""The same of a word that no right answer holds, which says something in itself."""
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|“[^”\n]*”|‘[^’\n]*’")
_FIGURE = re.compile(r"-?\d+(?:[.,]\d+)*")
SHAPES: Mapping[str, re.Pattern[str]] = {
    "line breaks": re.compile(r"\S\s*\n\s*\S"),
    "bold or headings": re.compile(r"\*\*|^#+ ", re.MULTILINE),
    "a code fence": re.compile(r"```"),
    "braces": re.compile(r"[{}]"),
    "a colon": re.compile(r"[:：]"),
    "a question": re.compile(r"[?？]"),
    "nothing": re.compile(r"\A\s*\Z"),
}
"""Forms of an answer that are looked for, by the name under which they are told."""


def failure_table(rollouts: Sequence[Rollout], labels: Sequence[str] = ()) -> FailureTable:
    """Count what the wrong answers among some have in common.

    Args:
        rollouts: all that was measured, right answers as well, since these are compared with.
        labels: the allowed answers; found among the targets where none are given.
    """
    measured = Evaluation(Prompt(""), tuple(rollouts))
    answered = measured.answered
    failed = [rollout.outcome != "right" for rollout in answered]
    classes = _classes(answered, labels)
    copies = Copies((r.example for r in rollouts), classes)
    malformed = [r for r in answered if r.outcome == "malformed"]
    wrong = [r for r in answered if r.outcome == "wrong"]
    texts = [" ".join(r.example.inputs.values()) for r in answered]
    inputs = Vocabulary(texts)
    return FailureTable(
        counts=measured.counts(),
        mean=measured.mean,
        **_of_labels(answered, classes, inputs),
        answers=() if classes else _answers(wrong, copies),
        complaints=() if classes else _complaints(wrong, copies, least=2),
        form_errors=_complaints(malformed, copies, least=1),
        input_words=inputs.telling(failed, MAX_WORDS),
        input_length=_lengths(texts, failed),
        **_of_answers(answered, failed, classes),
        slices=_slices(answered, failed),
    )


def _classes(answered: Sequence[Rollout], labels: Sequence[str]) -> tuple[str, ...]:
    """The labels, where targets are some; none for free answers."""
    targets = dict.fromkeys(r.example.target for r in answered)
    if labels:  # Where an answer holds several of them, no row has one label.
        return tuple(labels) if set(targets) <= set(labels) else ()
    few = 1 < len(targets) <= min(MAX_LABELS, len(answered) / 2)
    return tuple(targets) if few and all(len(t) <= MAX_ANSWER for t in targets) else ()


def _of_labels(
    answered: Sequence[Rollout], classes: tuple[str, ...], inputs: Vocabulary
) -> dict[str, Any]:
    """Confusions, labels said too often, and the words of labels that failed."""
    if not classes or not answered:
        return {"label_words": {}}
    pattern = label_pattern(classes, ignore_case=True)
    answers = [(r.example.target, said(r, classes, pattern)) for r in answered]
    wanted = Counter(target for target, _ in answers)
    given = Counter(answer for _, answer in answers)
    pairs = Counter(pair for pair, r in zip(answers, answered, strict=True) if r.outcome != "right")
    confusions = [
        Confusion(wanted=one, said=other, n=n, of=wanted[one])
        for (one, other), n in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    missed = Counter(target for target, _ in pairs.elements())
    words = {
        label: inputs.telling([r.example.target == label for r in answered], MAX_WORDS)
        for label, _ in sorted(missed.items(), key=lambda pair: (-pair[1], pair[0]))
    }
    often = [
        (label, n, wanted[label])
        for label, n in given.most_common()
        if n >= wanted[label] + MIN_ROWS and label not in (MALFORMED, OTHER, UNANSWERED)
    ]
    return {
        "confusions": tuple(confusions),
        "said_too_often": tuple(often),
        "label_words": {label: found for label, found in words.items() if found},
    }


def _answers(wrong: Sequence[Rollout], copies: Copies) -> tuple[tuple[str, int], ...]:
    """Wrong answers to several rows; one to a single row may be its own text."""
    counts = Counter(" ".join(r.output.split()) for r in wrong)
    return tuple(
        (text, n)
        for text, n in counts.most_common()
        if n > 1 and 0 < len(text) <= MAX_ANSWER and not copies.find(text)
    )


def _complaints(
    failed: Sequence[Rollout], copies: Copies, *, least: int
) -> tuple[tuple[str, int], ...]:
    """What the scorer said, without quoted texts and figures, which are those of single rows."""
    told = [r.score.feedback for r in failed if r.score and r.score.feedback]
    # What is said of several fields is parted by semicolons; each counts once an answer.
    counts = Counter(part for text in told for part in dict.fromkeys(complaints(text)))
    return tuple((t, n) for t, n in counts.most_common() if n >= least and not copies.find(t))


def complaints(feedback: str) -> list[str]:
    """Feedback without what is of a single row: quoted texts and figures become an ellipsis."""
    text = " ".join(_FIGURE.sub("…", _QUOTED.sub("…", feedback)).split())
    text = re.sub(r"…(?:(?:, | and )…)+", "…", text)
    parts = [part.strip(" .") for part in text.split("; ")]
    return [part if len(part) <= 120 else f"{part[:119]}…" for part in parts if part]


def _lengths(texts: Sequence[str], failed: Sequence[bool]) -> tuple[int, int] | None:
    """Median words of the texts that failed and of the others, where that is no chance."""
    sizes = [len(text.split()) for text in texts]
    bad = [size for size, fails in zip(sizes, failed, strict=True) if fails]
    good = [size for size, fails in zip(sizes, failed, strict=True) if not fails]
    if min(len(bad), len(good)) < MIN_RIGHT or len(set(sizes)) == 1:
        return None
    from scipy import stats  # Here, as importing it takes a second.

    if float(stats.mannwhitneyu(bad, good).pvalue) > LEVEL:
        return None
    return round(median(bad)), round(median(good))


def _of_answers(
    answered: Sequence[Rollout], failed: Sequence[bool], classes: tuple[str, ...]
) -> dict[str, Any]:
    """What several wrong answers hold, and no right one."""
    bad = [r.output for r, fails in zip(answered, failed, strict=True) if fails]
    good = [r.output for r, fails in zip(answered, failed, strict=True) if not fails]
    if len(good) < MIN_RIGHT or len(bad) < MIN_ROWS:
        return {}
    shapes = {
        name: (sum(map(bool, map(shape.search, bad))), any(map(shape.search, good)))
        for name, shape in SHAPES.items()
    }
    outputs = [r.output for r in answered]
    for label in classes:  # Which labels are said is told by the confusions.
        outputs = [re.sub(re.escape(label), " ", text, flags=re.IGNORECASE) for text in outputs]
    words = Vocabulary(outputs).telling(failed, 2 * MAX_WORDS, NEVER)
    longest = max(len(text.split()) for text in good)
    longer = sum(len(text.split()) > longest for text in bad)
    return {
        "answer_words": tuple(word for word in words if not word.others)[:MAX_WORDS],
        "answer_shapes": tuple(
            (name, n) for name, (n, right) in shapes.items() if n >= MIN_ROWS and not right
        ),
        "longest_right": (longest, longer) if longer >= MIN_ROWS else None,
    }


def _slices(answered: Sequence[Rollout], failed: Sequence[bool]) -> tuple[Share, ...]:
    """Groups that fail more than the others, beyond chance, the clearest first."""
    found: list[tuple[float, Share]] = []
    for column in dict.fromkeys(name for r in answered for name in r.example.slices):
        values = [r.example.slices.get(column, "") for r in answered]
        for value in dict.fromkeys(filter(None, values)):
            of = values.count(value)
            n = sum(fails for fails, held in zip(failed, values, strict=True) if held == value)
            chance = tail_of_draws(n, of, sum(failed), len(answered))
            if n >= MIN_ROWS and chance <= LEVEL:
                found.append((chance, Share(column=column, value=value, n=n, of=of)))
    return tuple(share for _, share in sorted(found, key=lambda pair: pair[0]))
