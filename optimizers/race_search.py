"""Race search: several published ways to write a prompt, and one race that judges them all.

Own method. It joins what the literature found to work, and lets results decide how much of each:

1. Instructions are induced from batches of training examples (APE; Zhou et al., 2022, §3.1).
2. In every round children are made by five operators: *repair* mends a leader by its failures on
   training examples (ProTeGi, Pryzant et al., 2023), and must do better on the very failures that
   it was shown (GEPA's gate; Agrawal et al., 2025); *improve* goes on from the best prompts so
   far, with their scores in view (OPRO, Yang et al., 2023); *induce* starts afresh; *restate*
   writes from the description of the task alone (COPRO) and *demos* gives a leader other worked
   examples (both Khattab et al., 2023). An operator is drawn the more often, the
   more of its children came through the race.
3. A race measures the children on the same growing part of the validation split; after each heat
   those go that are clearly behind the best prompt, those that are level with it (from the second
   heat on), and the worse half (successive halving; Karnin et al., 2013). Who comes through has
   been measured on the whole split. Examples that the prompt at the start is wrong about come at
   even distances, so that also a good prompt's heats can show what is better.

The first round is larger, unless others have searched before. Where more than a third of the
answers to the seed prompt have not the form that was asked for, or where the writer is a small
model, it is of worked examples mostly, which show the form and take no writer: each time many, with
each label in its share. What a small model writes is seldom better than what it was given: the
first round is of worked examples alone then, twice as many, of as many sets as one race can tell
apart with the calls that are left. Half of the children of later rounds have other ones, the rest
are written from a leader and keep its examples; none mends failures, which would have to be looked
for first. How many children a round has follows from the budget, how many examples are shown from
their length.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apo import Evaluation, MetaPrompt, Prompt, Search, check_ranges
from apo.optimizers.parts.breeding import Brood, demonstrated, fitting
from apo.optimizers.parts.draw import some
from apo.optimizers.parts.racing import (
    DEMOS,
    Racetrack,
    announce_race,
    better,
    heat_order,
    heats_cost,
)

FIRST = 3
"""How many times the children of a later round the first round has."""
MANY = 5
"""The same, at most, where the writer is a small model: sets of examples cost no reply."""
FORMLESS = 1 / 3
"""The share of malformed answers above which the form is what a prompt lacks."""


@dataclass(frozen=True, kw_only=True)
class RaceSearch:
    """Induce, then repair, improve and demonstrate, judged by racing.

    Attributes:
        n_children: children of a round; fewer when the budget is small.
        n_leaders: best prompts that get other demos; the first `n_mended` of them are repaired.
        n_mended: leaders that are repaired.
        n_history: scored prompts that "improve" shows.
        n_shown: most training examples in a meta-prompt; fewer when they are long.
        n_failures: failures that "repair" shows.
        n_studied: training examples on which a leader's failures are sought.
        max_demos: most worked examples in a prompt, fewer when they are long; twice as many where
            the writer is a small model; 0 for none.
        max_chars: longest text of examples in a meta-prompt or a prompt, in characters.
        first_share: part of the validation split that the first heat of a race measures.
        slack: standard errors behind the best prompt at which a child is dropped.
        max_stale_rounds: rounds without a better best prompt after which the search ends.
        count_failures: show "repair" also what all studied failures have in common, counted in a
            page.
    """

    n_children: int = 8
    n_leaders: int = 4
    n_mended: int = 2
    n_history: int = 10
    n_shown: int = 20
    n_failures: int = 8
    n_studied: int = 30
    max_demos: int = 8
    max_chars: int = 20_000
    first_share: float = 0.15
    slack: float = 1.0
    max_stale_rounds: int = 40
    count_failures: bool = False

    def __post_init__(self) -> None:
        any_, share = (1, math.inf), (0.01, 1)
        check_ranges(
            self, n_children=any_, n_leaders=any_, n_mended=any_, n_history=any_, n_shown=any_,
            n_failures=any_, n_studied=any_, max_chars=any_, max_demos=(0, math.inf),
            first_share=share, slack=(0, math.inf), max_stale_rounds=any_,
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Induce and race; then breed and race, until the budget ends or nothing gets better."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        track = Racetrack(heat_order(search), self.first_share, self.slack)
        track.known.update((e.prompt, e) for e in search.archive)
        demos = ("balanced" if shows(search, seeds) else "demos",) * bool(self.max_demos)
        operators = ["repair", "improve", "induce", "restate", *demos]
        if search.small_writer:  # Without the examples that a leader has, it writes in vain.
            operators = ["improve", "restate", *(demos or ["induce"])]
        won, tried = dict.fromkeys(operators, 1), dict.fromkeys(operators, 2)
        fresh = len(search.archive) <= len({e.prompt for e in seeds})
        drawn = self.first(search, seeds) if fresh else operators
        announce_race(search, drawn)
        stale = 0
        while not search.solved and stale < self.max_stale_rounds:
            before = search.best
            children = await self.breed(search, track, drawn)
            winners = await track.race(search, [child for child, _ in children])
            for child, operator in children:
                tried[operator] += 1
                won[operator] += child in winners
            stale = 0 if better(search.best, before) else stale + 1
            weights = [won[name] / tried[name] for name in operators]
            if search.small_writer and demos:
                weights[-1] = max(weights[-1], sum(weights[:-1]))
            drawn = search.rng.choices(operators, weights, k=self.affordable(search))

    def first(self, search: Search, seeds: Sequence[Evaluation]) -> list[str]:
        """The operators of the first round: of worked examples mostly, or of instructions."""
        n = self.affordable(search)
        if self.max_demos and search.small_writer:
            if math.isinf(search.calls_left):  # Time is the limit: many could take all of it.
                return n * ["balanced"]
            size, most = len(search.task.validation), MANY * self.n_children
            while most > n and heats_cost(most, size, self.first_share) > search.calls_left:
                most -= 1
            return most * ["balanced"]
        if self.max_demos and shows(search, seeds):
            return FIRST * n * ["balanced"] + math.ceil(n / 2) * ["induce"] + 2 * ["restate"]
        return FIRST * n * ["induce"] + 2 * ["restate"]

    def affordable(self, search: Search) -> int:
        """So many children that first heats take about a tenth of what is left; 2 if need be."""
        heat = 1 + self.first_share * len(search.task.validation)
        return min(self.n_children, max(2, int(min(search.calls_left, 1e9) / 10 / heat)))

    async def breed(
        self, search: Search, track: Racetrack, operators: Sequence[str]
    ) -> list[tuple[Prompt, str]]:
        """Make a child by each operator; all instructions of a round are asked for at once."""
        leaders = search.archive[: self.n_leaders]
        failures = await self.study(search, leaders) if "repair" in operators else []
        brood = Brood()
        for operator in operators:
            if operator in DEMOS:
                n_demos = fitting(
                    search, self.max_demos * (1 + search.small_writer), self.max_chars
                )
                leader = search.rng.choice(leaders)
                balanced = operator == "balanced"
                least = math.ceil(n_demos / 2) if balanced else 1
                least = n_demos if search.small_writer else least
                made = demonstrated(search, leader.prompt, n_demos, least=least, balanced=balanced)
                brood.add(made, operator)
            elif operator == "repair" and failures:
                leader, found = search.rng.choice(failures)
                shown = some(search.rng, found.failures, self.n_failures)
                page = search.failure_page(found.rollouts) if self.count_failures else ""
                meta = self.meta(search, "repair", [leader], failures=shown, page=page)
                brood.ask(meta, shown)
            elif operator == "improve":
                history = track.history(self.n_history)
                brood.ask(self.meta(search, "improve", leaders[:1], history=history))
            elif operator == "restate":
                brood.ask(self.meta(search, "restate", [search.rng.choice(leaders)]))
            else:
                brood.ask(self.meta(search, "induce", []))
        return await brood.grown(search)

    def meta(
        self, search: Search, name: str, parents: Sequence[Evaluation], **values: object
    ) -> MetaPrompt:
        """Fill a meta-prompt, with now more, now fewer examples, so that proposals differ."""
        most = fitting(search, self.n_shown, self.max_chars)
        examples = search.minibatch(search.rng.randint(math.ceil(most / 4), most))
        values = {"examples": examples, "evaluation": next(iter(parents), None), **values}
        return search.meta_prompt(__file__, name, parents=[e.prompt for e in parents], **values)

    async def study(
        self, search: Search, leaders: Sequence[Evaluation]
    ) -> list[tuple[Evaluation, Evaluation]]:
        """Find failures of the first leaders on training examples; who has none is left out."""
        examples = search.task.train[: self.n_studied]
        mended = leaders[: self.n_mended]
        found = await search.map(lambda e: search.evaluate(e.prompt, examples), mended)
        return [(e, f) for e, f in zip(mended, found, strict=True) if f.failures]


def shows(search: Search, seeds: Sequence[Evaluation]) -> bool:
    """Whether the first round is of worked examples mostly."""
    return search.small_writer or formless(seeds[0])


def formless(seed: Evaluation) -> bool:
    """Whether the form of the answer is what the seed prompt lacks."""
    malformed = sum(rollout.outcome == "malformed" for rollout in seed.rollouts)
    return malformed > FORMLESS * len(seed.rollouts)
