"""SIMBA: resample a minibatch, look where good and bad answers lie apart, and learn from these
(Opsahl-Ong, Singhvi and others; DSPy, 2025; no paper).

https://dspy.ai/api/optimizers/SIMBA/

Each step answers a minibatch several times at a high temperature, each time with a prompt drawn by
softmax over the scores so far; sorts the examples by how far their best and worst answers lie
apart; and for each of the first ones draws a prompt and appends to it either the best answer as a
demo, or a rule that the optimizer model derives from the best and the worst answer. The new
prompts are scored on the same minibatch, and the best of them joins the winners. In the end,
evenly spaced winners are measured on the validation split.

Differs from the authors' code: the seed prompt's score is its mean on the validation split (in the
code it has none, counts as 0, and is hardly ever drawn); an example that suits neither demo nor
rule brings no candidate (the code scores the prompt less the demos dropped); an answer without a
score is in no average; the last measurement uses the validation split, not the train split, so that
runs of all optimizers can be compared; its share of the calls is kept for it, so that after the
first step none is begun that would spend it; after few steps the best other prompts are measured
with the winners; a train split smaller than the minibatch is used whole (the code refuses it); no
stronger teacher answers (the code's `teacher_settings`), and the optimizer model is its
`prompt_model`; rules are asked for with the task's description and labels in view, and for each
step of a program in a request of its own (the code's one request gives advice to all). As in the
code, scores come from different minibatches and are never renewed, the example of a demo stays in
the minibatch that scores it, and rules are only ever appended.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from apo import Evaluation, Example, MetaPrompt, Prompt, Rollout, Search, check_ranges
from apo.optimizers.parts.epochs import minibatches
from apo.optimizers.parts.simba_buckets import ExampleBucket, percentiles
from apo.optimizers.parts.simba_draws import evenly_spaced, kept_demos, ranked, softmax_draw


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
    knows_steps: ClassVar[bool] = True

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
        scores = {seed.prompt: seed.value for seed in seeds}
        winners = [seeds[0].prompt]
        batches = minibatches(search.rng, search.task.train, self.minibatch_size, fill=False)
        for step in range(self.n_steps):
            if search.solved or (step and search.calls_left < self.most_calls(search, winners)):
                break
            batch = next(batches)
            buckets = await self.sample_buckets(search, scores, batch)
            candidates = await self.append(search, scores, buckets)
            scored = await search.map(partial(search.evaluate, examples=batch), candidates)
            known = {e.prompt: e.value for e in scored if e.scored}
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
        n_new, asked = self.n_candidates + 1, 2 * len(winners[0].steps)  # Each rule perhaps twice.
        measured = min(len(winners), n_new - 1) * len(search.task.validation)
        return size * self.n_candidates + (size + asked) * n_new + measured

    async def sample_buckets(
        self, search: Search, scores: dict[Prompt, float], batch: Sequence[Example]
    ) -> list[ExampleBucket]:
        """Answer the minibatch n_candidates times, and sort the examples by what it shows."""
        top = self.top(search, scores)
        shares: dict[tuple[int, Prompt], list[Example]] = {}
        for turn in range(self.n_candidates):
            for example in batch:
                prompt = softmax_draw(search.rng, top, self.sampling_temperature)
                shares.setdefault((turn, prompt), []).append(example)

        async def sample(share: tuple[tuple[int, Prompt], list[Example]]) -> Evaluation:
            (_, prompt), examples = share
            return await search.sample(prompt, examples, temperature=self.answer_temperature)

        answers: dict[Example, list[Rollout]] = {}
        for drawn in await search.map(sample, shares.items()):
            for rollout in drawn.answered:
                answers.setdefault(rollout.example, []).append(rollout)
        buckets = [ExampleBucket(answers[example]) for example in batch if example in answers]
        return sorted(buckets, key=lambda bucket: bucket.rank, reverse=True)

    async def append(
        self, search: Search, scores: dict[Prompt, float], buckets: Sequence[ExampleBucket]
    ) -> list[Prompt]:
        """Make new prompts, each by one of the two strategies, from the first examples."""
        low, high = percentiles([value for bucket in buckets for value in bucket.values])
        top = self.top(search, scores)
        steps: list[tuple[Prompt, Rollout | list[MetaPrompt]]] = []
        for bucket in buckets:
            drawn = softmax_draw(search.rng, top, self.candidate_temperature)
            source = drawn.with_steps(
                {
                    name: step.with_demos(kept_demos(search.rng, step, self.max_demos))
                    for name, step in drawn.steps.items()
                }
            )
            adds_demo = self.max_demos > 0 and search.rng.random() < 0.5
            if adds_demo and bucket.values[0] > low:
                steps.append((source, bucket.best))
            elif not adds_demo and bucket.values[0] > low and bucket.values[-1] < high:
                steps.append((source, self.rules(search, source, bucket)))
            if len(steps) > self.n_candidates:
                break
        metas = [meta for _, made in steps if isinstance(made, list) for meta in made]
        rules = iter(await search.generate(metas, tag="advice", temperature=self.temperature))
        accepted: list[Prompt] = []
        for source, made in steps:
            if isinstance(made, Rollout):
                name, new = "simba_demo", [with_demo(source, made)]
            else:
                name, new = "simba_rule", with_rules(source, [next(rules) for _ in made])
            accepted += search.accept(new, operator=name, parents=[source])
        return accepted

    def rules(self, search: Search, source: Prompt, bucket: ExampleBucket) -> list[MetaPrompt]:
        """Ask for advice to each step; of two equally good answers there is no better one."""
        apart = bucket.values[0] > bucket.values[-1]
        return [
            search.meta_prompt(
                __file__, "simba_rule", parents=[prompt], prompt=prompt, worse=bucket.worst,
                better=bucket.best if apart else None,
            )
            for prompt in map(source.focused, source.steps)
        ]  # fmt: skip

    def top(self, search: Search, scores: dict[Prompt, float]) -> dict[Prompt, float]:
        """The n_candidates best prompts; the seed takes the last place if it is not among them."""
        best, seed = ranked(scores)[: self.n_candidates], search.seed_prompts[0]
        return {p: scores[p] for p in (best if seed in best else [*best[:-1], seed])}


def with_demo(source: Prompt, rollout: Rollout) -> Prompt:
    """The prompt with an answer for its last demo; of a program, each step with what it did."""
    child = source
    for step in source.steps:
        child = child.focused(step)
        child = child.with_demos((*child.demos, rollout.demo(child)))
    return child


def with_rules(source: Prompt, rules: Sequence[Sequence[str]]) -> list[Prompt]:
    """The prompt with a rule at the end of each step's instruction; nothing without any rule."""
    child = source
    for step, texts in zip(source.steps, rules, strict=True):
        child = child.focused(step)
        for text in texts:
            child = child.with_instruction(f"{child.instruction}\n\n{text}")
    return [child] if any(rules) else []
