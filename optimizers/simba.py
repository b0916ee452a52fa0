"""SIMBA: resample a minibatch, look where good and bad answers lie apart, and learn from these
(Opsahl-Ong, Singhvi and others; DSPy, 2025; no paper).

https://dspy.ai/api/optimizers/SIMBA/

Each step answers a minibatch several times at a high temperature, each time with a prompt drawn by
softmax over the scores so far; sorts the examples by how far their best and worst answers lie
apart; and for each of the first ones draws a prompt and appends to it either the best answer as a
demo, or a rule that the optimizer model derives from the best and the worst answer. The new
prompts are scored on the same minibatch, and the best of them joins the winners. In the end,
evenly spaced winners are measured on the validation split.

Differs from the authors' code: the seed prompt's score is its mean on the validation split (in
the code it has none, counts as 0, and is hardly ever drawn); an example that suits neither demo nor
rule brings no candidate (the code scores the prompt less the demos dropped); an answer without
a score is in no average; the last measurement uses the validation split, not the train split, so
that runs of all optimizers can be compared; its share of the calls is kept for it, so that after
the first step none is begun that would spend it; and where there were few steps, the best other
prompts are measured with the winners. A train split smaller than the minibatch is used whole,
where the code refuses it. As in the code, scores come from different minibatches
and are never renewed, the example of a demo stays in the minibatch that scores it, and rules are
only ever appended.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from statistics import quantiles

from apo import Demo, Example, MetaPrompt, Prompt, Rollout, Search, check_ranges


@dataclass(frozen=True, kw_only=True)
class SIMBA:
    """Stochastic introspective mini-batch ascent.

    Attributes:
        minibatch_size: train examples of a step (the authors' bsize).
        n_candidates: answers drawn for each example; also how many prompts, the best and the seed,
            they are drawn from. A step makes at most one prompt more than this.
        n_steps: steps; the budget may end the search before.
        max_demos: demos that a prompt may have; 0 appends rules alone.
        sampling_temperature: of the softmax that draws a prompt for each answer.
        candidate_temperature: of the softmax that draws a prompt to be changed.
        answer_temperature: of the task model, when it answers the minibatch several times.
        temperature: of the optimizer model.
    """

    minibatch_size: int = 32
    n_candidates: int = 6
    n_steps: int = 8
    max_demos: int = 4
    sampling_temperature: float = 0.2
    candidate_temperature: float = 0.2
    answer_temperature: float = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        some, soft = (1, math.inf), (0.01, math.inf)
        check_ranges(
            self, minibatch_size=some, n_candidates=some, n_steps=some, max_demos=(0, math.inf),
            sampling_temperature=soft, candidate_temperature=soft, answer_temperature=(0, 2),
            temperature=(0, 2),
        )  # fmt: skip

    async def run(self, search: Search) -> None:
        """Step by step: sample, sort, append, score; then measure the winners."""
        seeds = await search.map(search.evaluate, search.seed_prompts)
        scores = {seed.prompt: seed.mean for seed in seeds}
        winners = [seeds[0].prompt]
        batches = minibatches(search.rng, search.task.train, self.minibatch_size)
        for step in range(self.n_steps):
            if search.solved or (step and search.calls_left < self.most_calls(search, winners)):
                break
            batch = next(batches)
            buckets = await self.sample_buckets(search, scores, batch)
            candidates = await self.append(search, scores, buckets)
            scored = await search.map(partial(search.evaluate, examples=batch), candidates)
            known = {e.prompt: e.mean for e in scored if e.answered}
            scores |= known
            winners += [max(known, key=lambda p: known[p])] if known else []
        await search.map(search.evaluate, self.finalists(search, scores, winners))

    def finalists(
        self, search: Search, scores: dict[Prompt, float], winners: Sequence[Prompt]
    ) -> list[Prompt]:
        """At most n_candidates + 1 winners; the best others in places that would stay empty."""
        chosen = evenly_spaced(winners, self.n_candidates + 1)
        others = [prompt for prompt in ranked(scores) if prompt not in chosen]
        size, empty = len(search.task.validation), self.n_candidates + 1 - len(chosen)
        paid = (len(chosen) - 1) * size  # The first winner is the seed, which is measured.
        while empty and search.calls_left < paid + empty * size:
            empty -= 1
        return chosen + others[:empty]

    def most_calls(self, search: Search, winners: Sequence[Prompt]) -> int:
        """What a step and the measurement of the winners after it may take."""
        size = min(self.minibatch_size, len(search.task.train))
        n_new = self.n_candidates + 1  # A rule may be asked for twice.
        measured = min(len(winners), n_new - 1) * len(search.task.validation)
        return size * self.n_candidates + (size + 2) * n_new + measured

    async def sample_buckets(
        self, search: Search, scores: dict[Prompt, float], batch: Sequence[Example]
    ) -> "list[Bucket]":
        """Answer the minibatch n_candidates times, and sort the examples by what it shows."""
        top = self.top(search, scores)
        shares: dict[tuple[int, Prompt], list[Example]] = {}
        for turn in range(self.n_candidates):
            for example in batch:
                prompt = softmax_draw(search.rng, top, self.sampling_temperature)
                shares.setdefault((turn, prompt), []).append(example)

        async def sample(share: tuple[tuple[int, Prompt], list[Example]]) -> tuple[Rollout, ...]:
            (_, prompt), examples = share
            drawn = await search.sample(prompt, examples, temperature=self.answer_temperature)
            return drawn.answered

        answers: dict[Example, list[Rollout]] = {}
        for rollouts in await search.map(sample, shares.items()):
            for rollout in rollouts:
                answers.setdefault(rollout.example, []).append(rollout)
        buckets = [Bucket(answers[example]) for example in batch if example in answers]
        return sorted(buckets, key=lambda bucket: bucket.rank, reverse=True)

    async def append(
        self, search: Search, scores: dict[Prompt, float], buckets: "Sequence[Bucket]"
    ) -> list[Prompt]:
        """Make new prompts, each by one of the two strategies, from the first examples."""
        low, high = percentiles([value for bucket in buckets for value in bucket.values])
        top = self.top(search, scores)
        steps: list[tuple[Prompt, Rollout | MetaPrompt]] = []
        for bucket in buckets:
            drawn = softmax_draw(search.rng, top, self.candidate_temperature)
            source = drawn.with_demos(kept_demos(search.rng, drawn, self.max_demos))
            adds_demo = self.max_demos > 0 and search.rng.random() < 0.5
            if adds_demo and bucket.values[0] > low:
                steps.append((source, bucket.best))
            elif not adds_demo and bucket.values[0] > low and bucket.values[-1] < high:
                steps.append((source, self.rule(search, source, bucket)))
            if len(steps) > self.n_candidates:
                break
        metas = [made for _, made in steps if isinstance(made, MetaPrompt)]
        rules = iter(await search.generate(metas, tag="advice", temperature=self.temperature))
        accepted: list[Prompt] = []
        for source, made in steps:
            if isinstance(made, Rollout):
                demo = source.demo(made.example.inputs, made.output)
                name, new = "simba_demo", [source.with_demos((*source.demos, demo))]
            else:
                name = "simba_rule"
                new = [
                    source.with_instruction(f"{source.instruction}\n\n{rule}")
                    for rule in next(rules)
                ]
            accepted += search.accept(new, operator=name, parents=[source])
        return accepted

    def rule(self, search: Search, source: Prompt, bucket: "Bucket") -> MetaPrompt:
        """Ask for advice; of two equally good answers there is no better one to learn from."""
        apart = bucket.values[0] > bucket.values[-1]
        return search.meta_prompt(
            __file__,
            "simba_rule",
            parents=[source],
            prompt=source,
            worse=bucket.worst,
            better=bucket.best if apart else None,
        )

    def top(self, search: Search, scores: dict[Prompt, float]) -> dict[Prompt, float]:
        """The n_candidates best prompts; the seed takes the last place if it is not among them."""
        best = ranked(scores)[: self.n_candidates]
        seed = search.seed_prompts[0]
        best = best if seed in best else [*best[:-1], seed]
        return {prompt: scores[prompt] for prompt in best}


class Bucket:
    """The answers to one example.

    Attributes:
        values: their scores, the highest first.
        best: the answer with the highest score; of equal ones the first.
        worst: the answer with the lowest score; of equal ones the last.
    """

    def __init__(self, rollouts: Sequence[Rollout]) -> None:
        ranked = sorted(
            ((rollout.score.value, rollout) for rollout in rollouts if rollout.score),
            key=lambda pair: pair[0],
            reverse=True,
        )
        self.values = [value for value, _ in ranked]
        self.best, self.worst = ranked[0][1], ranked[-1][1]

    @property
    def rank(self) -> tuple[float, float, float]:
        """How far the best lies from the worst, how good it is, how far it lies from the mean."""
        best, mean = self.values[0], math.fsum(self.values) / len(self.values)
        return best - self.values[-1], best, best - mean


def ranked(scores: dict[Prompt, float]) -> list[Prompt]:
    """The prompts, the highest score first; of equal ones the oldest."""
    return sorted(scores, key=lambda prompt: scores[prompt], reverse=True)


def softmax_draw(rng: Random, scores: dict[Prompt, float], temperature: float) -> Prompt:
    """Draw a prompt with a chance in proportion to exp(score / temperature)."""
    highest = max(scores.values())
    weights = [math.exp((score - highest) / temperature) for score in scores.values()]
    return rng.choices(list(scores), weights)[0]


def kept_demos(rng: Random, prompt: Prompt, max_demos: int) -> tuple[Demo, ...]:
    """Drop a Poisson number of demos, on average demos / max_demos, and at least one when full."""
    n, full = len(prompt.demos), max_demos or 3  # The authors' number, where none are appended.
    n_dropped = min(n, max(poisson(rng, n / full), int(n >= full)))
    dropped = {rng.randrange(n) for _ in range(n_dropped)}
    return tuple(demo for k, demo in enumerate(prompt.demos) if k not in dropped)


def poisson(rng: Random, mean: float) -> int:
    """Draw from a Poisson distribution (Knuth's product of uniform numbers)."""
    count, product = 0, rng.random()
    while product > math.exp(-mean):
        count, product = count + 1, product * rng.random()
    return count


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The 10th and the 90th percentile, interpolated; both 0 without any values."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    tenths = quantiles(values, n=10, method="inclusive")
    return tenths[0], tenths[-1]


def evenly_spaced(winners: Sequence[Prompt], n: int) -> list[Prompt]:
    """At most n winners, from the first to the last."""
    places = [round(i * (len(winners) - 1) / (n - 1)) for i in range(n)]
    return [winners[place] for place in dict.fromkeys(places)]


def minibatches(
    rng: Random, examples: Sequence[Example], size: int
) -> Iterator[tuple[Example, ...]]:
    """Cut shuffled examples into minibatches; shuffle again when no whole one is left."""
    size = min(size, len(examples))
    while True:
        order = rng.sample(examples, len(examples))
        for start in range(0, len(order) - size + 1, size):
            yield tuple(order[start : start + size])
