"""Hints at wrong labels without a model: rows whose nearest neighbours all have another one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from apo.guards.tfidf import by_letters
from apo.task import Example

NEIGHBOURS = 10
MIN_MARGIN = 0.1
"""By how much the other label must be ahead, as a mean cosine of all neighbours."""
MIN_AGREEMENT = 0.4
"""Cohen's kappa of the neighbours' labels with the rows' own, "moderate" in Landis and Koch (1977).

Below it words do not tell the labels, and neighbours tell nothing about a single row.
"""
MAX_ROWS = 3_000
MAX_HINTS = 10
MAX_CHARS = 5_000
CHUNK = 500


class Hint(NamedTuple):
    """A row whose label may be wrong.

    Attributes:
        example: the row.
        label: what its neighbours say.
        neighbour: the nearest of them with that label.
    """

    example: Example
    label: str
    neighbour: Example


def label_hints(examples: Sequence[Example]) -> list[Hint]:
    """Find rows whose nearest neighbours say another label than they do.

    Neighbours are found by TF-IDF of two to four letters, which needs no words and so holds for
    Korean, too. That a wrong label shows by its neighbours is the idea of Zhu, Dong and Liu,
    "Detecting Corrupted Labels Without Training a Model to Predict" (2022). These are hints: an
    odd row may be right, and a wrong one among wrong ones is not found.

    Args:
        examples: rows with few different targets; the first `MAX_ROWS` are looked at.

    Returns:
        At most `MAX_HINTS`, the most suspicious first; none where words do not tell the labels.
    """
    examples = examples[:MAX_ROWS]
    labels = [example.target for example in examples]
    if len(examples) <= 2 * NEIGHBOURS or len({*labels}) < 2:
        return []
    texts = [" | ".join(example.inputs.values())[:MAX_CHARS] for example in examples]
    rows = by_letters(texts)
    told = [told for start in range(0, len(labels), CHUNK) for told in _told(rows, labels, start)]
    if _kappa(labels, [vote.label for vote in told]) < MIN_AGREEMENT:
        return []
    order = sorted(range(len(told)), key=lambda i: -told[i].margin)
    strong = [i for i in order if told[i].margin >= MIN_MARGIN][:MAX_HINTS]
    return [Hint(examples[i], told[i].label, examples[told[i].nearest]) for i in strong]


def _kappa(labels: Sequence[str], told: Sequence[str]) -> float:
    """Cohen's kappa: by how much two agree beyond what chance gives, of what it leaves."""
    n, own, given = len(labels), Counter(labels), Counter(told)
    agreed = sum(a == b for a, b in zip(labels, told, strict=True)) / n
    by_chance = sum(own[label] * given[label] for label in own) / n**2
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


class _Vote(NamedTuple):
    label: str
    margin: float
    nearest: int


def _told(rows: Any, labels: list[str], start: int) -> Iterator[_Vote]:
    """What the neighbours of some rows say: the label, how far above the own, and by whom."""
    alike: Any = (rows[start : start + CHUNK] @ rows.T).toarray()
    for i, cosines in enumerate(alike, start):
        cosines[i] = -1.0
        nearest = [int(j) for j in (-cosines).argsort(kind="stable")[:NEIGHBOURS]]
        votes = dict.fromkeys((labels[i], *(labels[j] for j in nearest)), 0.0)
        for j in nearest:
            votes[labels[j]] += float(cosines[j])
        best = max(votes, key=lambda label: votes[label])
        margin = (votes[best] - votes[labels[i]]) / NEIGHBOURS
        yield _Vote(best, margin, next((j for j in nearest if labels[j] == best), i))
