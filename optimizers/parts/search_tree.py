"""A tree of prompts for Monte-Carlo tree search: UCT, terminal nodes, back-propagation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from apo import Example, Prompt


@dataclass(eq=False)
class Node:
    """A prompt in the tree.

    Attributes:
        prompt: the prompt.
        reward: its mean score on the evaluation set.
        parent: what it was rewritten from; None for the root.
        children: what was rewritten from it.
        returns: what each walk through it has brought.
    """

    prompt: Prompt
    reward: float
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list["Node"])
    returns: list[float] = field(default_factory=list[float])

    @property
    def depth(self) -> int:
        """Steps from the root."""
        return self.parent.depth + 1 if self.parent else 0

    @property
    def q(self) -> float:
        """Mean of the returns; the reward until there are any."""
        return sum(self.returns) / len(self.returns) if self.returns else self.reward

    def lineage(self) -> list[Prompt]:
        """The prompts from the root to this one's parent."""
        return [*self.parent.lineage(), self.parent.prompt] if self.parent else []


class Tree:
    """The tree of one search, and the best reward seen.

    Args:
        root: where all walks start.
        max_depth: depth at which a node is terminal.
        min_depth: depth down to which no node is terminal for its reward.
        eval_set: what rewards are measured on; None for the validation split.
    """

    def __init__(
        self,
        root: Node,
        *,
        max_depth: int,
        min_depth: int,
        eval_set: Sequence[Example] | None = None,
    ) -> None:
        self.nodes, self.best_seen, self.eval_set = [root], root.reward, eval_set
        self.max_depth, self.min_depth = max_depth, min_depth

    def add(self, parent: Node, children: Sequence[Node]) -> None:
        """Let children grow on a node."""
        parent.children += children
        self.nodes += children

    def select(self, exploration: float) -> list[Node]:
        """Follow the highest UCT from the root to a leaf or a terminal node."""
        path = self.nodes[:1]
        while path[-1].children and not self.is_terminal(path[-1]):
            path.append(max(path[-1].children, key=lambda node: uct(node, exploration)))
        return path

    def is_terminal(self, node: Node) -> bool:
        """Whether a node is at the depth limit, or too bad to go on from."""
        if node.depth >= self.max_depth:
            return True
        if node.parent is None or node.depth <= self.min_depth:
            return False
        return node.reward < (self.nodes[0].reward + node.parent.reward) / 2

    def is_end(self, node: Node) -> bool:
        """Whether a simulation ends here: at a terminal node, or one better than all before."""
        promising = node.depth > self.min_depth and node.reward > self.best_seen
        self.best_seen = max(self.best_seen, node.reward)
        return promising or self.is_terminal(node)


def uct(node: Node, exploration: float) -> float:
    """Upper confidence bound of a child (equation 2 of the paper); visits are walks credited."""
    visits = len(node.parent.returns) if node.parent else 0
    return node.q + exploration * math.sqrt(math.log(visits + 1) / max(1, len(node.returns)))


def back_propagate(path: Sequence[Node], returns: Literal["sum", "mean"]) -> None:
    """Credit each node with the rewards from itself to the end of the path."""
    for place, node in enumerate(path):
        rewards = [later.reward for later in path[place:]]
        node.returns.append(sum(rewards) / (len(rewards) if returns == "mean" else 1))


def output(paths: Sequence[Sequence[Node]]) -> Node:
    """The authors' choice: of the path with the highest mean reward, the node with the highest."""
    path = max(paths, key=lambda path: sum(node.reward for node in path) / len(path))
    return max(path, key=lambda node: node.reward)
