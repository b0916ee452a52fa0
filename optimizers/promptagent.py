"""PromptAgent: Monte-Carlo tree search over prompts, each step a critique of errors and a rewrite
(Wang et al., 2023).

https://arxiv.org/abs/2310.16427

A node is a prompt, its reward the mean score on a fixed evaluation set. An iteration walks down
by UCT to a leaf, expands it (several times: answer a minibatch, criticize, rewrite, reward the
child), goes on from the best child until a node is terminal or promising enough, and credits
every node of the path with what followed it.

Differs from the authors' code: the evaluation set is the validation split, so rewards need no
measurement of their own and runs of all optimizers can be compared; the batches of an expansion
are drawn and answered at once, each at random from all of train; the critic sees the prompt once
instead of with each example; a prompt seen before becomes no second child, and a node without
children may be expanded again; `n_new_prompts` are as many samples of one meta-prompt, not one
reply with several; of several seed prompts the best is the root. The authors' choice (the best
node on the path with the highest mean reward) and the node with the highest reward are both
measured on all of validation, which decides.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from apo import Evaluation, Example, MetaPrompt, Prompt, Search, SettingsError, check_ranges

ON_ERRORS = ("promptagent_criticize", "promptagent_rewrite")
ON_SUCCESS = ("promptagent_praise", "promptagent_extend")


@dataclass(frozen=True, kw_only=True)
class PromptAgent:
    """Strategic planning of prompts by Monte-Carlo tree search.

    Attributes:
        n_iterations: walks from the root; the budget usually ends the search before.
        expand_width: minibatches of an expansion, each with a critique and rewrites of its own.
        n_new_prompts: rewrites that one critique brings.
        minibatch_size: training examples that are answered and criticized together.
        max_depth: depth at which a node is terminal; the root has depth 0.
        min_depth: depth down to which no node is terminal for its reward.
        exploration: weight of the uncertainty in UCT.
        eval_size: validation examples that the reward is measured on; 0 takes all.
        returns: what a node is credited with: the "sum" of the rewards from itself to the end of
            the path, as in the authors' code, where early nodes get more; or their "mean".
        temperature: of the optimizer model.
    """

    n_iterations: int = 10
    expand_width: int = 3
    n_new_prompts: int = 1
    minibatch_size: int = 5
    max_depth: int = 5
    min_depth: int = 2
    exploration: float = 2.5
    eval_size: int = 0
    returns: Literal["sum", "mean"] = "sum"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.returns not in ("sum", "mean"):
            raise SettingsError(f'PromptAgent.returns is {self.returns!r}; it is "sum" or "mean".')
        some, any_count = (1, math.inf), (0, math.inf)
        check_ranges(
            self, n_iterations=some, expand_width=some, n_new_prompts=some, minibatch_size=some,
            max_depth=some, min_depth=any_count, exploration=any_count, eval_size=any_count,
            temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """The four operations of §3.3, as often as set."""
        tree = Tree(self, search)
        root = await tree.plant()
        paths: list[list[Node]] = []
        for _ in range(self.n_iterations):
            if root is None or search.solved:
                return
            path = tree.select(root)
            if not tree.is_terminal(path[-1]) and await tree.expand(path[-1]):
                await tree.simulate(path)
            back_propagate(path, self.returns)
            paths.append(path)
            await search.evaluate(output(paths).prompt)
            await search.evaluate(max(tree.nodes, key=lambda node: node.reward).prompt)


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
    """The tree of one search, with its evaluation set and the best reward seen."""

    def __init__(self, settings: PromptAgent, search: Search) -> None:
        self.settings, self.search = settings, search
        self.nodes: list[Node] = []
        self.best_seen = 0.0
        size = settings.eval_size
        subset = 0 < size < len(search.task.validation)
        self.eval_set = search.rng.sample(search.task.validation, size) if subset else None

    async def plant(self) -> Node | None:
        """Make the root: the best seed prompt."""
        seeds = await self.search.map(self.search.evaluate, self.search.seed_prompts)
        root = await self.reward(max(seeds, key=lambda seed: seed.mean).prompt)
        self.nodes = [root] if root else []
        self.best_seen = root.reward if root else 0.0
        return root

    async def reward(self, prompt: Prompt, parent: Node | None = None) -> Node | None:
        """Make a node of a prompt; None when no example was answered: that is no reward of 0."""
        evaluation = await self.search.evaluate(prompt, self.eval_set)
        return Node(prompt, evaluation.mean, parent) if evaluation.answered else None

    def select(self, root: Node) -> list[Node]:
        """Selection: follow the highest UCT from the root to a leaf or a terminal node."""
        path = [root]
        while path[-1].children and not self.is_terminal(path[-1]):
            weight = self.settings.exploration
            path.append(max(path[-1].children, key=lambda node: uct(node, weight)))
        return path

    async def expand(self, node: Node) -> list[Node]:
        """Expansion: criticize and rewrite the prompt on several minibatches."""
        settings, search = self.settings, self.search
        batches = [search.minibatch(settings.minibatch_size) for _ in range(settings.expand_width)]
        rewrites = await self.rewrites(node, batches)
        prompts = await search.propose(
            rewrites, settings.n_new_prompts, temperature=settings.temperature
        )
        found = await search.map(lambda prompt: self.reward(prompt, node), prompts)
        children = [child for child in found if child]
        node.children += children
        self.nodes += children
        return children

    async def rewrites(self, node: Node, batches: Sequence[Sequence[Example]]) -> list[MetaPrompt]:
        """Ask for a critique of each batch's errors, or of its successes when it has none."""
        search, prompt = self.search, node.prompt
        answered = await search.map(lambda batch: search.evaluate(prompt, batch), batches)
        useful = [evaluation for evaluation in answered if evaluation.answered]
        steps = [ON_ERRORS if evaluation.failures else ON_SUCCESS for evaluation in useful]

        def ask(name: str, evaluation: Evaluation, **more: Any) -> MetaPrompt:
            shown = evaluation.failures or evaluation.answered
            return search.meta_prompt(
                __file__, name, parents=[prompt], prompt=prompt, rollouts=shown, **more
            )

        critics = [ask(critic, e) for e, (critic, _) in zip(useful, steps, strict=True)]
        temperature = self.settings.temperature
        critiques = await search.generate(critics, tag="critique", temperature=temperature)
        return [
            ask(rewriter, e, critique=found[0], lineage=node.lineage())
            for e, (_, rewriter), found in zip(useful, steps, critiques, strict=True)
            if found
        ]

    async def simulate(self, path: list[Node]) -> None:
        """Simulation: go on from the best child until the end; the path grows with it."""
        while True:
            node = path[-1]
            promising = node.depth > self.settings.min_depth and node.reward > self.best_seen
            self.best_seen = max(self.best_seen, node.reward)
            if promising or self.is_terminal(node):
                return
            if not node.children and not await self.expand(node):
                return
            path.append(max(node.children, key=lambda child: child.reward))

    def is_terminal(self, node: Node) -> bool:
        """Whether a node is at the depth limit, or too bad to go on from."""
        if node.depth >= self.settings.max_depth:
            return True
        if node.parent is None or node.depth <= self.settings.min_depth:
            return False
        return node.reward < (self.nodes[0].reward + node.parent.reward) / 2


def uct(node: Node, exploration: float) -> float:
    """Upper confidence bound of a child (equation 2 of the paper); visits are walks credited."""
    visits = len(node.parent.returns) if node.parent else 0
    return node.q + exploration * math.sqrt(math.log(visits + 1) / max(1, len(node.returns)))


def back_propagate(path: Sequence[Node], returns: Literal["sum", "mean"]) -> None:
    """Back-propagation: credit each node with the rewards from itself to the end of the path."""
    for place, node in enumerate(path):
        rewards = [later.reward for later in path[place:]]
        node.returns.append(sum(rewards) / (len(rewards) if returns == "mean" else 1))


def output(paths: Sequence[Sequence[Node]]) -> Node:
    """The authors' choice: of the path with the highest mean reward, the node with the highest."""
    path = max(paths, key=lambda path: sum(node.reward for node in path) / len(path))
    return max(path, key=lambda node: node.reward)
