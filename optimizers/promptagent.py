"""PromptAgent: Monte-Carlo tree search over prompts, each step a critique of errors and a rewrite
(Wang et al., 2023).

https://arxiv.org/abs/2310.16427

A node is a prompt, its reward the mean score on a fixed evaluation set. An iteration walks down
by UCT to a leaf, expands it (several times: answer a minibatch, criticize, rewrite, reward the
child), goes on from the best child until a node is terminal or promising enough, and credits
every node of the path with what followed it.

Differs from the authors' code: the evaluation set is the validation split, so rewards need no
measurement of their own and runs of all optimizers can be compared; the batches of an expansion are
drawn and answered at once, each at random from all of train; the critic sees the prompt once
instead of with each example; critic and writer are told the task's description and labels; a prompt
seen before becomes no second child, and a node without children may be expanded again;
`n_new_prompts` are as many samples of one meta-prompt, not one reply with several; of several seed
prompts the best is the root. The authors' choice (the best node on the path with the highest mean
reward) and the node with the highest reward are both measured on all of validation, which decides.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from apo import Evaluation, Example, MetaPrompt, Prompt, Search, SettingsError, check_ranges
from apo.optimizers.parts.search_tree import Node, Tree, back_propagate, output

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
        tree = await self.plant(search)
        paths: list[list[Node]] = []
        for _ in range(self.n_iterations):
            if tree is None or search.solved:
                return
            path = tree.select(self.exploration)
            if not tree.is_terminal(path[-1]) and await self.expand(search, tree, path[-1]):
                await self.simulate(search, tree, path)
            back_propagate(path, self.returns)
            paths.append(path)
            await search.evaluate(output(paths).prompt)
            await search.evaluate(max(tree.nodes, key=lambda node: node.reward).prompt)

    async def plant(self, search: Search) -> Tree | None:
        """Make the best seed prompt the root."""
        validation, size = search.task.validation, self.eval_size
        subset = search.draw(validation, size) if 0 < size < len(validation) else None
        seeds = await search.map(search.evaluate, search.seed_prompts)
        best = max(seeds, key=lambda seed: seed.value).prompt
        root = await rewarded(search, best, subset)
        if root is None:
            return None
        return Tree(root, max_depth=self.max_depth, min_depth=self.min_depth, eval_set=subset)

    async def expand(self, search: Search, tree: Tree, node: Node) -> list[Node]:
        """Expansion: criticize and rewrite the prompt on several minibatches."""
        batches = [search.minibatch(self.minibatch_size) for _ in range(self.expand_width)]
        rewrites = await self.rewrites(search, node, batches)
        prompts = await search.propose(rewrites, self.n_new_prompts, temperature=self.temperature)
        found = await search.map(lambda p: rewarded(search, p, tree.eval_set, node), prompts)
        children = [child for child in found if child]
        tree.add(node, children)
        return children

    async def rewrites(
        self, search: Search, node: Node, batches: Sequence[Sequence[Example]]
    ) -> list[MetaPrompt]:
        """Ask for a critique of each batch's errors, or of its successes when it has none."""
        prompt = node.prompt
        answered = await search.map(lambda batch: search.evaluate(prompt, batch), batches)
        useful = [evaluation for evaluation in answered if evaluation.answered]
        steps = [ON_ERRORS if evaluation.failures else ON_SUCCESS for evaluation in useful]

        def ask(name: str, evaluation: Evaluation, **more: Any) -> MetaPrompt:
            shown = evaluation.failures or evaluation.answered
            return search.meta_prompt(
                __file__, name, parents=[prompt], prompt=prompt, rollouts=shown, **more
            )

        critics = [ask(critic, e) for e, (critic, _) in zip(useful, steps, strict=True)]
        critiques = await search.generate(critics, tag="critique", temperature=self.temperature)
        return [
            ask(rewriter, e, critique=found[0], lineage=node.lineage())
            for e, (_, rewriter), found in zip(useful, steps, critiques, strict=True)
            if found
        ]

    async def simulate(self, search: Search, tree: Tree, path: list[Node]) -> None:
        """Simulation: go on from the best child until the end; the path grows with it."""
        while not tree.is_end(path[-1]):
            if not path[-1].children and not await self.expand(search, tree, path[-1]):
                return
            path.append(max(path[-1].children, key=lambda child: child.reward))


async def rewarded(
    search: Search,
    prompt: Prompt,
    examples: Sequence[Example] | None,
    parent: Node | None = None,
) -> Node | None:
    """Make a node of a prompt; None when no example has a score: that is no reward of 0."""
    evaluation = await search.evaluate(prompt, examples)
    return Node(prompt, evaluation.value, parent) if evaluation.scored else None
