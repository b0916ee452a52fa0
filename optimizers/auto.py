"""Auto, the default: several published ways to write a prompt, and one race that judges them all.

Own method. It chains what the literature found to work, and lets results decide how much of each:

1. Instructions are induced from batches of training examples (APE; Zhou et al., 2022, §3.1).
2. In every round children are made of the leaders by four operators: *repair* mends a leader by
   its failures on training examples (ProTeGi, Pryzant et al., 2023; GEPA, Agrawal et al., 2025);
   *improve* goes on from the leaders with their scores in view (OPRO, Yang et al., 2023);
   *induce* starts afresh; *demos* gives a leader other worked examples (Khattab et al., 2023). An
   operator is drawn the more often, the more of its children came through the race.
3. A race measures the children on the same growing part of the validation split. After each heat
   those go that are clearly behind the best prompt, and the worse half (successive halving;
   Karnin et al., 2013; Shi et al., 2024). Who comes through has been measured on the whole split.

How many children a round has follows from the budget, how many examples are shown from their
length.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apo import Evaluation, Example, MetaPrompt, Prompt, Rollout, Search, check_ranges

FIRST = 3
"""How many times the children of a later round the first round has."""

Child = tuple[Prompt, str]
"""A new prompt, and the operator that made it."""


@dataclass(frozen=True, kw_only=True)
class Auto:
    """Induce, then repair, improve and demonstrate, judged by racing.

    Attributes:
        n_children: children of a round; fewer when the budget is small.
        n_leaders: best prompts of which children are made.
        n_mended: leaders that are mended by their failures.
        n_shown: training examples in a meta-prompt; fewer when they are long.
        n_studied: training examples on which a leader's failures are sought.
        max_demos: most worked examples in a prompt, fewer when they are long; 0 for none.
        max_chars: longest text of examples in a meta-prompt or a prompt, in characters.
        first_share: part of the validation split that the first heat of a race measures.
        slack: standard errors behind the best prompt at which a child is dropped.
        max_stale_rounds: rounds without a better best prompt after which the search ends.
    """

    n_children: int = 8
    n_leaders: int = 4
    n_mended: int = 2
    n_shown: int = 20
    n_studied: int = 30
    max_demos: int = 8
    max_chars: int = 20_000
    first_share: float = 0.15
    slack: float = 1.0
    max_stale_rounds: int = 40
    pw: float = 1

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, n_children=some, n_leaders=some, n_shown=some, n_studied=some, max_chars=some,
            max_demos=(0, math.inf), first_share=(0.01, 1), slack=(0, math.inf),
            max_stale_rounds=some,
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Induce and race; then breed and race, until the budget ends or nothing gets better."""
        await search.map(search.evaluate, search.seed_prompts)
        order = search.rng.sample(search.task.validation, len(search.task.validation))
        operators = ["repair", "improve", "induce", *(["demos"] if self.max_demos else [])]
        won, tried = dict.fromkeys(operators, 1), dict.fromkeys(operators, 2)
        children = await self.breed(search, ["induce"] * (FIRST * self.affordable(search)))
        stale = 0
        while not search.solved and stale < self.max_stale_rounds:
            before = search.best
            whole = await self.race(search, [child for child, _ in children], order)
            for child, operator in children:
                tried[operator] += 1
                won[operator] += child in whole
            stale = stale + 1 if search.best is before else 0
            weights = [(won[name] / tried[name]) ** self.pw for name in operators]
            drawn = search.rng.choices(operators, weights, k=self.affordable(search))
            children = await self.breed(search, drawn)

    def affordable(self, search: Search) -> int:
        """So many children that their first heats take a tenth of what is left, at most."""
        heat = 1 + self.first_share * len(search.task.validation)
        return max(2, min(self.n_children, int(min(search.calls_left, 1e9) / 10 / heat)))

    async def breed(self, search: Search, operators: Sequence[str]) -> list[Child]:
        """Make a child by each operator; all instructions of a round are asked for at once."""
        leaders = search.archive[: self.n_leaders]
        mended = leaders[: self.n_mended] if "repair" in operators else []
        studied = [
            (await search.evaluate(e.prompt, search.task.train[: self.n_studied])).failures
            for e in mended
        ]
        metas: list[MetaPrompt] = []
        children: list[Child] = []
        for operator in operators:
            leader = search.rng.choice(leaders)
            if operator == "demos":
                children += [(prompt, operator) for prompt in self.demos(search, leader.prompt)]
            elif operator == "repair" and any(studied):
                place = search.rng.choice([i for i, failures in enumerate(studied) if failures])
                metas.append(self.repair(search, mended[place], studied[place]))
            elif operator == "improve":
                given = {"history": leaders[::-1], "examples": self.examples(search)}
                parent = [leaders[0].prompt]
                metas.append(search.meta_prompt(__file__, "improve", parents=parent, **given))
            else:
                examples = self.examples(search)
                metas.append(search.meta_prompt(__file__, "induce", examples=examples))
        for meta, texts in zip(metas, await search.generate(metas), strict=True):
            base = meta.parents[0] if meta.parents else search.seed_prompts[0]
            found = [base.with_instruction(text) for text in texts]
            accepted = search.accept(found, operator=meta.name, parents=meta.parents)
            children += [(prompt, meta.name) for prompt in accepted]
        return children

    def repair(self, search: Search, leader: Evaluation, failures: Sequence[Rollout]) -> MetaPrompt:
        """Show a leader, some of its failures, and other examples beside them."""
        examples = self.examples(search)
        n_failures = min(len(failures), math.ceil(len(examples) / 2))
        return search.meta_prompt(
            __file__, "repair", parents=[leader.prompt], evaluation=leader,
            failures=search.rng.sample(failures, n_failures), examples=examples[n_failures:],
        )  # fmt: skip

    def demos(self, search: Search, leader: Prompt) -> list[Prompt]:
        """Give a leader a random number of training examples as demos."""
        n_demos = search.rng.randint(1, max(1, min(self.max_demos, self.fitting(search))))
        shown = [leader.demo(e.inputs, e.target) for e in search.minibatch(n_demos)]
        child = leader.with_demos(tuple(shown))
        return search.accept([child], operator="demos", parents=[leader])

    def examples(self, search: Search) -> Sequence[Example]:
        """Draw training examples to show; now more, now fewer, so that proposals differ."""
        most = self.fitting(search)
        return search.minibatch(search.rng.randint(math.ceil(most / 4), most))

    def fitting(self, search: Search) -> int:
        """How many training examples of average length fit into `max_chars`."""
        lengths = [len(search.shown(e)) + len(e.target) for e in search.task.train]
        average = sum(lengths) / max(1, len(lengths))
        return max(1, min(self.n_shown, int(self.max_chars / max(1.0, average))))

    async def race(
        self, search: Search, pool: Sequence[Prompt], order: Sequence[Example]
    ) -> list[Prompt]:
        """Measure on a growing part of the validation split; give back who came through."""
        size = first = max(2, math.ceil(self.first_share * len(order)))
        while pool and size < len(order):
            heat = [(prompt, order[:size]) for prompt in pool]
            measured = await search.map(lambda pair: search.evaluate(*pair), heat)
            leads = {e.prompt: standard_errors_ahead(e, search.best) for e in measured}
            tied = -math.inf if size == first else 0.0  # Who answers like the best brings nothing.
            alive = [
                e for e in measured
                if leads[e.prompt] > -self.slack and leads[e.prompt] != tied
            ]  # fmt: skip
            alive.sort(key=lambda e: e.mean, reverse=True)
            pool = [e.prompt for e in alive[: math.ceil(len(pool) / 2)]]
            size *= 2
        await search.map(search.evaluate, pool)
        return list(pool)


def standard_errors_ahead(evaluation: Evaluation, best: Evaluation | None) -> float:
    """How far the prompt is ahead of the best one on the examples that both answered.

    Returns:
        The mean of the paired differences over its standard error; 0 when all are 0, and
        infinite when all are alike otherwise.
    """
    known = {r.example: r.score.value for r in best.answered if r.score} if best else {}
    gaps = [
        r.score.value - known[r.example]
        for r in evaluation.answered
        if r.score and r.example in known
    ]
    mean = sum(gaps) / max(1, len(gaps))
    squares = sum((gap - mean) ** 2 for gap in gaps)
    if squares < 1e-12:
        return math.copysign(math.inf, mean) if abs(mean) > 1e-12 else 0.0
    return mean / math.sqrt(squares / (len(gaps) - 1) / len(gaps))
