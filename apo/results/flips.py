"""What changed from the seed prompt to the best one, test example by test example.

Read from test.jsonl in a run's folder, which the verdict writes. A flip is what the verdict counts
as a win or a loss: the best prompt scores higher or lower than the seed on that example.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apo.errors import RunError
from apo.files import RESULTS, require_file
from apo.results.paired import tested
from apo.statistics.clusters import n_groups
from apo.statistics.groups import holm
from apo.storage.folder import RunFolder
from apo.storage.shapes import NUMBER, require

FILE = "test.jsonl"
MAX_LABELS = 50
"""Different targets up to which each is a group of its own; with more they are no labels."""
_SIDE = {"output": str, "score": (*NUMBER, type(None)), "outcome": str, "feedback": str}
_LINE: Mapping[str, Any] = {
    "id": str,
    "inputs": dict,
    "targets": list,
    "flip": frozenset(("won", "lost", "same")),
    **{f"{name}_{key}": kind for name in ("seed", "best") for key, kind in _SIDE.items()},
}


@dataclass(frozen=True, kw_only=True)
class FlipGroup:
    """The test examples of a label or a slice, and how they changed.

    Attributes:
        by: "all", "label", or the column of the slice.
        value: the label, or the slice's name; "" for all.
        n: examples with a score under both prompts.
        won: on which the best prompt scored higher.
        lost: on which the seed prompt scored higher.
        change: mean score of the best prompt less the seed's, in [-1, 1].
        interval: of the change, at 95 %; of this group alone, not corrected for their number.
        p_value: of "nothing changed", corrected for the number of groups with the same `by` (Holm).
        groups: what is independent of these examples where they belong together, such as their
            conversations; 0 where each stands alone.
    """

    by: str
    value: str
    n: int
    won: int
    lost: int
    change: float
    interval: tuple[float, float]
    p_value: float
    groups: int = 0


@dataclass(frozen=True, kw_only=True)
class Flips:
    """What changed from the seed prompt to the best one on the test examples.

    Attributes:
        groups: all examples first, then by label and by slice, the most losses first.
        lost: the lines of test.jsonl on which the seed prompt scored higher.
        won: those on which the best prompt did.
        broken: those that must pass, and that the seed prompt alone got right.
        unanswered: how many have no score under the one or the other prompt.
    """

    groups: tuple[FlipGroup, ...]
    lost: tuple[dict[str, Any], ...]
    won: tuple[dict[str, Any], ...]
    broken: tuple[dict[str, Any], ...]
    unanswered: int

    def to_dict(self) -> dict[str, Any]:
        """Give the flips as JSON values."""
        return {**asdict(self), "groups": [asdict(group) for group in self.groups]}


def read_flips(folder: RunFolder) -> Flips:
    """Read what changed on a run's test examples.

    Raises:
        RunError: the run has measured none, or its file is damaged.
    """
    return flips_of(read_pairs(folder))


def flips_of(pairs: Sequence[dict[str, Any]]) -> Flips:
    """Find what changed in pairs of answers, as `read_pairs` gives them."""
    answered = [p for p in pairs if None not in (p["seed_score"], p["best_score"])]
    return Flips(
        groups=tuple(_groups(answered)),
        lost=tuple(pair for pair in pairs if pair["flip"] == "lost"),
        won=tuple(pair for pair in pairs if pair["flip"] == "won"),
        broken=tuple(pair for pair in pairs if _broken(pair)),
        unanswered=len(pairs) - len(answered),
    )


def read_pairs(folder: RunFolder) -> list[dict[str, Any]]:
    """Read the test examples of a run, each with both prompts' answers.

    Raises:
        RunError: the run has measured none, or its file is damaged.
    """
    path = folder.path / FILE
    if not path.exists():
        raise RunError(
            f"{folder.id} has measured no test example, so there is nothing to compare. "
            f"{folder.way_on}"
        )
    return list(_lines(path))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        require_file(path, RESULTS)
        with path.open(encoding="utf-8", errors="surrogatepass") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                pair: Any = json.loads(line)
                require(pair, _LINE, f"{path}, line {number}")
                # Runs of earlier versions have neither.
                pair = {"slices": {}, "must_pass": False, "group": "", **pair}
                marks = {"slices": dict, "must_pass": bool, "group": str}
                require(pair, marks, f"{path}, line {number}")
                for score in (pair["seed_score"], pair["best_score"]):
                    if score is not None and not 0 <= score <= 1:  # NaN is not, either.
                        raise RunError(f"{path}, line {number}: {score} is no score from 0 to 1.")
                yield pair
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from error


def _broken(pair: Mapping[str, Any]) -> bool:
    return bool(pair["must_pass"]) and (
        pair["seed_outcome"] == "right" and pair["best_outcome"] != "right"
    )


def _groups(pairs: Sequence[Mapping[str, Any]]) -> Iterator[FlipGroup]:
    if not pairs:
        return
    yield from _by("all", [""] * len(pairs), pairs)
    labels = [str(pair["targets"][0]) if pair["targets"] else "" for pair in pairs]
    if 1 < len(set(labels)) <= min(MAX_LABELS, len(pairs) / 2):
        yield from _by("label", labels, pairs)
    columns = dict.fromkeys(column for pair in pairs for column in pair["slices"])
    for column in columns:
        yield from _by(column, [str(pair["slices"].get(column, "")) for pair in pairs], pairs)


def _by(by: str, names: Sequence[str], pairs: Sequence[Mapping[str, Any]]) -> list[FlipGroup]:
    """One group for each name, the most losses first."""
    members: dict[str, list[Mapping[str, Any]]] = {}
    for name, pair in zip(names, pairs, strict=True):
        members.setdefault(name, []).append(pair)
    differences = {
        name: [float(p["best_score"]) - float(p["seed_score"]) for p in found]
        for name, found in members.items()
    }
    together = {name: [str(p["group"]) for p in found] for name, found in members.items()}
    results = {name: tested(found, together[name]) for name, found in differences.items()}
    corrected = holm([p_value for _, p_value in results.values()])
    p_values = dict(zip(differences, corrected, strict=True))
    groups: list[FlipGroup] = []
    for name, found in members.items():
        flips = Counter(pair["flip"] for pair in found)
        groups.append(
            FlipGroup(
                by=by,
                value=name,
                n=len(found),
                won=flips["won"],
                lost=flips["lost"],
                change=sum(differences[name]) / len(found),
                interval=results[name][0],
                p_value=p_values[name],
                groups=n_groups(together[name]),
            )
        )
    return sorted(groups, key=lambda group: (-group.lost, group.won, group.value))
