"""The course of a search: the best validation score so far, by the calls that it took."""

from typing import NamedTuple

from apo.storage.record import Record


class Rise(NamedTuple):
    """A moment at which a better candidate was found.

    Attributes:
        calls: answered calls by then, of both models.
        score: of the candidate on the whole validation split, in [0, 1]; an answer that nobody
            could grade counts as wrong.
        candidate: its id.
    """

    calls: int
    score: float
    candidate: str


def measured(record: Record) -> list[Rise]:
    """Every candidate that was measured on the whole validation split, in order."""
    found = [(candidate.id, candidate.whole) for candidate in record.measured]
    return sorted(Rise(w["calls"], w["at_least"], name) for name, w in found if w is not None)


def course(record: Record) -> list[Rise]:
    """The rises of the best score so far, the seed prompt first.

    A candidate that breaks an example which must pass is no rise, whatever its score.
    """
    rises: list[Rise] = []
    for moment in measured(record):
        broken = record.broken(record.candidates[moment.candidate])
        if not broken and (not rises or moment.score > rises[-1].score):
            rises.append(moment)
    return rises
