"""The tree of a run's candidates: each under the first prompt that it was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apo.language.catalogue import translated
from apo.prompts.prompt import Prompt
from apo.report.allowance import Allowance
from apo.storage.lineage import lineage, short_ids

MAX_CANDIDATES = 400
MAX_REFUSED = 200
MAX_DEPTH = 8
"""Lists within lists; a candidate further down stands beside its parent, which it names."""
OPENING = 90
"""Characters of an instruction that stand in its candidate's line."""
KEPT = 80
"""Characters that are shown around a change."""
WORK = 30_000_000
"""Of all diffs of a page: pairs of characters, which is what the time of a diff grows with."""


@dataclass
class Node:
    """A candidate with what was made from it.

    Attributes:
        row: as `apo.storage.summary.candidates` gives it.
        name: the shown beginning of its id.
        opening: the beginning of its instruction, in one line.
        parents: those of its parents.
        best: whether it is the best prompt.
        way: whether the best prompt was made from it, or is it.
        changes: from its first parent, as `Prompt.changes` gives them, shortened; empty without a
            parent, and where the page has no room for it.
        text: the prompt's text, where there are no changes; "" where the page has no room for it.
        refused: texts that were made from it and became no candidate.
        children: what was made from it.
    """

    row: Mapping[str, Any]
    name: str
    opening: str = ""
    parents: tuple[str, ...] = ()
    best: bool = False
    way: bool = False
    changes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    text: str = ""
    refused: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    children: list["Node"] = field(default_factory=list["Node"])


@dataclass
class Tree:
    """The tree of candidates.

    Attributes:
        roots: the seed prompts, and what was written from the task alone.
        refused: texts that became no candidate and have no parent that is shown.
        left_out: candidates that the page has no room for.
        refused_left_out: refused texts that it has no room for.
    """

    roots: list[Node] = field(default_factory=list[Node])
    refused: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    left_out: int = 0
    refused_left_out: int = 0


def tree_of(
    rows: Sequence[Mapping[str, Any]],
    refused: Sequence[Mapping[str, Any]],
    best: str,
    allowance: Allowance,
) -> Tree:
    """Put a run's candidates under their parents, with what changed.

    Args:
        rows: as `apo.storage.summary.candidates` gives them, the best first.
        refused: texts that became no candidate, as the journal has them.
        best: id of the best one; "" where there is none.
        allowance: of the texts.
    """
    way = {row["id"] for row in lineage(rows, best)}
    chosen = [row for row in rows if row["id"] in way]
    chosen += [row for row in rows if row["id"] not in way][: max(0, MAX_CANDIDATES - len(chosen))]
    short = short_ids([row["id"] for row in rows])
    tree, made = Tree(left_out=len(rows) - len(chosen)), _Made(short, allowance)
    for row in sorted(chosen, key=lambda row: int(row["ordinal"])):
        made.add(tree, row, best=row["id"] == best, way=row["id"] in way)
    for body in refused:
        parents = [str(name) for name in body.get("parents", ())]
        if allowance.spent or made.refused >= MAX_REFUSED:
            tree.refused_left_out += 1
            continue
        made.refused += 1
        told = {
            "operator": str(body.get("operator", "")),
            "reason": allowance.take(str(body.get("reason", "")), 300),
            "text": allowance.take(str(body.get("text", "")), 600),
        }
        known = next((made.nodes[name] for name in parents if name in made.nodes), None)
        (tree.refused if known is None else known.refused).append(told)
    return tree


@dataclass
class _Made:
    """What stands in a tree already."""

    short: Mapping[str, str]
    allowance: Allowance
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    prompts: dict[str, Prompt] = field(default_factory=dict[str, Prompt])
    places: dict[str, tuple[int, list[Node]]] = field(
        default_factory=dict[str, tuple[int, list[Node]]]
    )
    work: int = WORK
    refused: int = 0

    def add(self, tree: Tree, row: Mapping[str, Any], *, best: bool, way: bool) -> None:
        """Put a candidate under the first of its parents that is there."""
        parents = [name for name in row["parents"] if name in self.nodes]
        named = tuple(self.short.get(name, name) for name in row["parents"])
        prompt = self.prompts[row["id"]] = Prompt.from_dict(row["prompt"])
        opening = " ".join(prompt.instructions[:OPENING].split())
        node = Node(row, self.short[row["id"]], opening, named, best, way)
        depth, beside = self.places[parents[0]] if parents else (0, tree.roots)
        if parents and depth < MAX_DEPTH:
            depth, beside = depth + 1, self.nodes[parents[0]].children
        beside.append(node)
        self.nodes[row["id"]], self.places[row["id"]] = node, (depth, beside)
        if self.allowance.spent and not way:
            return
        before = self.prompts[parents[0]] if parents else None
        if before is not None and self._affordable(before.text(), prompt.text()):
            node.changes = shortened(before.changes(prompt))
            for _, text in node.changes:
                self.allowance.take(text)
        if not node.changes:
            node.text = self.allowance.take(prompt.text(), 4000)

    def _affordable(self, before: str, after: str) -> bool:
        """Whether there is time to compare two texts."""
        from rapidfuzz.distance import Postfix, Prefix

        same = Prefix.similarity(before, after)
        same += Postfix.similarity(before[same:], after[same:])
        self.work -= (len(before) - same) * (len(after) - same)
        return self.work > 0


def shortened(changes: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Changes with a few words around each; what is the same in between is told as skipped."""
    found: list[tuple[str, str]] = []
    for place, (kind, text) in enumerate(changes):
        first, last = place == 0, place == len(changes) - 1
        if kind != "same" or len(text) <= 3 * KEPT:
            found.append((kind, text if len(text) <= 50 * KEPT else f"{text[: 50 * KEPT]}…"))
            continue
        found += [] if first else [("same", text[:KEPT])]
        n = len(text) - KEPT * (2 - first - last)
        found.append(("skipped", f" … {translated(f'{n:,} characters')} … "))
        found += [] if last else [("same", text[-KEPT:])]
    return found
