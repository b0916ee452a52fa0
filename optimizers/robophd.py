"""RoboPhD: prompts compete in an Elo race on training examples, and no validation is paid for until
the end (Borthwick et al., 2026).

https://arxiv.org/abs/2604.04347

Each iteration a few prompts answer the same training examples, and everyone meets everyone: who is
right more often wins, and ratings move as Elo's do. The winner has to show it again in the next
iteration; beside it stands a new prompt, written by joining what the strongest do well and mending
the mistakes of the first of them; the other places go to some of the highest ratings. The whole
budget goes into this race, and only its leaders are measured on the validation split.

Differs from the paper: there agents are code, here instructions. The order of places (winners that
are not retested, the new one, a draw among the highest ratings, twice as many as places), K = 32
and 1,500 points are those of the authors' code for the forerunner (arXiv 2601.01126); the defaults
of the later one are not known to us, and the examples of an iteration are ours. What a new agent
learns before it competes (their deep focus) is left out; the leaders are chosen among on the
validation split, as all optimizers' are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from apo import Evaluation, Prompt, Search, check_ranges, elo_updates
from apo.optimizers.parts.draw import some

START = 1500.0
"""The rating of who has not competed yet."""


@dataclass
class Race:
    """The ratings so far, who won and was not retested yet, and the last answers of each."""

    ratings: dict[Prompt, float] = field(default_factory=dict[Prompt, float])
    winners: list[Prompt] = field(default_factory=list[Prompt])
    last: dict[Prompt, Evaluation] = field(default_factory=dict[Prompt, Evaluation])

    def leaders(self) -> list[Prompt]:
        """Who has competed, the highest rating first; of equals, who came first."""
        return sorted(self.last, key=lambda prompt: -self.ratings[prompt])


@dataclass(frozen=True, kw_only=True)
class RoboPhD:
    """Elo tournament selection, free of validation.

    Attributes:
        n_iterations: iterations; the budget usually ends the race before.
        n_competitors: prompts of an iteration.
        minibatch_size: training examples that they compete on.
        k_factor: how far one game moves a rating.
        n_shown: mistakes of the strongest that the writer sees.
        n_leaders: prompts that are measured on the validation split at the end.
        max_stale_iterations: iterations in a row without a new prompt, after which the race ends.
        temperature: of the optimizer model.
    """

    n_iterations: int = 50
    n_competitors: int = 3
    minibatch_size: int = 20
    k_factor: float = 32.0
    n_shown: int = 5
    n_leaders: int = 3
    max_stale_iterations: int = 5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some = (1, math.inf)
        check_ranges(
            self, n_iterations=some, n_competitors=(2, math.inf), minibatch_size=some,
            k_factor=(1e-9, math.inf), n_shown=some, n_leaders=some, max_stale_iterations=some,
            temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Evolve, compete and rate; at the end the leaders are measured."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        race, new, stale = Race(), [seed.prompt for seed in seeds], 0
        race.ratings.update(dict.fromkeys(new, START))
        for _ in range(self.n_iterations):
            if (
                search.solved
                or stale == self.max_stale_iterations
                or not self.affordable(search, race)
            ):
                break
            await self.compete(search, race, new)
            new = await self.evolve(search, race)
            race.ratings.update(dict.fromkeys(new, START))
            stale = 0 if new else stale + 1
        await search.map(search.evaluate, race.leaders()[: self.n_leaders])

    def affordable(self, search: Search, race: Race) -> bool:
        """Whether an iteration leaves enough to measure those leaders who are not measured yet."""
        prompts = len(race.ratings)
        leaders = min(self.n_leaders, prompts - len(search.seed_prompts))
        competing = min(self.n_competitors, prompts) * self.minibatch_size
        return search.calls_left >= leaders * len(search.task.validation) + competing + 2

    async def compete(self, search: Search, race: Race, new: Sequence[Prompt]) -> None:
        """Let the chosen ones answer the same examples, and rate them."""
        chosen = self.select(search, race, new)
        batch = search.minibatch(self.minibatch_size)
        found = await search.map(partial(search.evaluate, examples=batch), chosen)
        scores = {evaluation.prompt: evaluation.at_least for evaluation in found}
        race.ratings = elo_updates(race.ratings, scores, k=self.k_factor)
        race.last.update((evaluation.prompt, evaluation) for evaluation in found)
        first = max(scores.values())
        won = [prompt for prompt in scores if scores[prompt] == first]
        race.winners = [*won, *(prompt for prompt in race.winners if prompt not in scores)]

    def select(self, search: Search, race: Race, new: Sequence[Prompt]) -> list[Prompt]:
        """Winners that are not retested, the new one, and some of the highest ratings."""
        room = max(0, self.n_competitors - len(new))
        chosen = [*some(search.rng, race.winners, min(room, len(race.winners))), *new]
        chosen = chosen[: max(self.n_competitors, len(new))]
        places = self.n_competitors - len(chosen)
        rest = [prompt for prompt in race.leaders() if prompt not in chosen][: 2 * max(0, places)]
        return [*chosen, *some(search.rng, rest, max(0, places))]

    async def evolve(self, search: Search, race: Race) -> list[Prompt]:
        """Write one new prompt from the strongest and the mistakes of the first of them."""
        strongest = race.leaders()[: self.n_competitors]
        failures = race.last[strongest[0]].failures
        meta = search.meta_prompt(
            __file__, "robophd_evolve", parents=strongest, prompts=strongest,
            failures=some(search.rng, failures, self.n_shown),
        )  # fmt: skip
        return await search.propose([meta], temperature=self.temperature)
