"""Merges and changes rules: union of cues by rank, cuts, and the removal of cues that misled."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from apo.models.embedded.rules import Kind, Rules
from apo.models.embedded.text import stem, words

RANK_LOSS = 0.05
"""How fast a cue's weight in a merger falls with its rank: to a half at the 21st place."""

Lists = Mapping[str, tuple[str, ...]]


def merge(rules: Sequence[Rules], weights: Sequence[float] = ()) -> Rules:
    """Unite rules of one kind of work: a cue that stands high in several lists stands higher.

    Args:
        rules: at least one; rules of another work than the first are left out.
        weights: how much the place in each one's lists counts; all the same by default.
    """
    first = rules[0]
    same = [
        (r, w)
        for r, w in zip(rules, weights or [1.0] * len(rules), strict=True)
        if r.work == first.work
    ]
    names = tuple(dict.fromkeys(name for r, _ in same for name in r.names))
    united = {name: _unite(name, [(r.cues, r.against, w) for r, w in same]) for name in names}
    return replace(
        first,
        names=names,
        cues={name: cues for name, (cues, _) in united.items()},
        against={name: against for name, (_, against) in united.items() if against},
        kinds=_kinds([r for r, _ in same]),
        otherwise=next((r.otherwise for r, _ in same if r.otherwise), ""),
        form=replace(first.form, bare=any(r.form.bare for r, _ in same)),
        negation=any(r.negation for r, _ in same),
        iso_dates=any(r.iso_dates for r, _ in same),
        nulls=frozenset().union(*(r.nulls for r, _ in same)),
        precedence=first.precedence,
    )


def _kinds(rules: Sequence[Rules]) -> dict[str, Kind]:
    """The first kind said of each key; "text" may only mean that nothing was known."""
    kinds: dict[str, Kind] = {}
    for said in rules:
        for name, kind in said.kinds.items():
            if kinds.get(name, "text") == "text":
                kinds[name] = kind
    return kinds


def _unite(
    name: str, lists: Sequence[tuple[Lists, Lists, float]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Unite the cues of one name and the words against it; a word in both stays on one side."""
    points: defaultdict[tuple[str, ...], float] = defaultdict(float)
    written: dict[tuple[str, ...], str] = {}
    for cues, against, weight in lists:
        for sign, listed in ((1, cues.get(name, ())), (-1, against.get(name, ()))):
            for rank, cue in enumerate(listed):
                key = (cue,) if cue.startswith("[") else tuple(map(stem, words(cue)))
                points[key] += sign * weight / (1 + RANK_LOSS * rank)
                written.setdefault(key, cue)
    ranked = sorted(points, key=lambda key: -abs(points[key]))
    return (
        tuple(written[key] for key in ranked if points[key] > 0),
        tuple(written[key] for key in ranked if points[key] < 0),
    )


def thin(rules: Rules, size: int, drop: float = 0.0, rng: Random | None = None) -> Rules:
    """Keep at most `size` cues per name, after each was left out with the probability `drop`."""

    def cut(cues: Lists) -> dict[str, tuple[str, ...]]:
        return {
            name: tuple(cue for cue in listed if not rng or rng.random() >= drop)[:size]
            for name, listed in cues.items()
        }

    return replace(rules, cues=cut(rules.cues), against=cut(rules.against))


def without(rules: Rules, misled: Mapping[str, frozenset[str]]) -> Rules:
    """Remove the cues whose stems are given per name."""
    cues = {
        name: tuple(
            cue for cue in listed if not misled.get(name, frozenset()) & set(map(stem, words(cue)))
        )
        for name, listed in rules.cues.items()
    }
    return replace(rules, cues=cues)
