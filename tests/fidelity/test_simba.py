"""SIMBA (DSPy): resampling, examples sorted by contrast, a demo or a rule appended."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from apo import (
    Budget,
    Completion,
    Demo,
    Example,
    MetaPrompt,
    Options,
    Prompt,
    Request,
    Rollout,
    Score,
    Search,
    SettingsError,
    Usage,
    aoptimize,
)
from apo.optimizers import simba
from apo.optimizers.parts.epochs import minibatches
from apo.optimizers.parts.simba_buckets import ExampleBucket, percentiles
from apo.optimizers.parts.simba_draws import evenly_spaced, kept_demos, poisson, softmax_draw
from apo.optimizers.simba import SIMBA
from apo.prompts.meta_prompts import render
from apo.storage.folder import find_run
from apo.storage.rows import Event
from apo.testing import fake_task
from apo.testing.fakes import draw
from tests.fidelity.conftest import Run, Writer, tagged


@dataclass
class Wavering:
    """A task model that is right half of the time, and not always about the same example."""

    name: str = "wavering"
    requests: list[Request] = field(default_factory=list[Request])

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        last = request.messages[-1].content
        right = draw(f"{request.seed} {request.messages}") < 0.5
        usage = Usage(input_tokens=1, output_tokens=1)
        return Completion(text=last if right else "no", usage=usage)

    async def aclose(self) -> None:
        pass


@dataclass
class Seen:
    """A run and all that was asked in it."""

    model: Wavering
    writer: Writer
    events: list[Event]

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """What was made, without the seed."""
        made = [event.body for event in self.events if event.kind == "candidate"]
        return [body for body in made if body["operator"] != "seed"]

    def measured(self) -> list[str]:
        """Candidates that were measured on the whole validation split, without repetitions."""
        found = [e.body for e in self.events if e.kind == "evaluation" and e.body["whole"]]
        return list(dict.fromkeys(body["candidate"] for body in found))


def go(
    optimizer: SIMBA, home: Path, *, size: int = 24, calls: int | None = None, seed: int = 0
) -> Seen:
    model = Wavering()
    writer = Writer(lambda n, _: f"<advice>rule {n}</advice>")
    result = asyncio.run(
        aoptimize(
            replace(fake_task(size), test=()),
            optimizer,
            model=model,
            optimizer_model=writer,
            budget=Budget(max_calls=calls),
            options=Options(track=False, max_concurrency=1, seed=seed),
            home=home,
        )
    )
    with find_run(result.run_id, home).open_journal() as journal:
        return Seen(model, writer, list(journal.events()))


def test_calls(tmp_path: Path) -> None:
    """Each step takes bsize · n rollouts and bsize for each of its n + 1 new prompts."""
    seen = go(SIMBA(minibatch_size=12, n_candidates=3, n_steps=2), tmp_path)
    assert len(seen.candidates) == 2 * (3 + 1)
    sampled = [r for r in seen.model.requests if r.decoding.temperature == 1.0]
    assert len(sampled) == 2 * 12 * 3
    n_measured = len(seen.measured())
    assert n_measured == 1 + 3  # The seed, two winners, and one other as places were left.
    assert len(seen.model.requests) == len(sampled) + 12 * len(seen.candidates) + 24 * n_measured
    n_rules = sum(body["operator"] == "simba_rule" for body in seen.candidates)
    assert 0 < n_rules == len(seen.writer.texts) <= 2 * (3 + 1)


def test_each_example_is_answered_anew_each_time(tmp_path: Path) -> None:
    optimizer = SIMBA(minibatch_size=8, n_candidates=4, n_steps=1, answer_temperature=0.7)
    seen = go(optimizer, tmp_path)
    sampled = [r for r in seen.model.requests if r.decoding.temperature == 0.7]
    asked = Counter(r.messages[-1].content for r in sampled)
    assert len(asked) == 8
    assert set(asked.values()) == {4}
    assert len({(r.seed, r.messages) for r in sampled}) == len(sampled)


def test_a_small_train_split_is_used_whole(tmp_path: Path) -> None:
    seen = go(SIMBA(n_candidates=2, n_steps=1), tmp_path, size=5)
    asked = {r.messages[-1].content for r in seen.model.requests if r.decoding.temperature == 1.0}
    assert asked == {example.inputs["input"] for example in fake_task(5).train}


def test_a_step_that_the_last_measurement_needs_the_calls_for_is_not_begun(tmp_path: Path) -> None:
    optimizer = SIMBA(minibatch_size=12, n_candidates=3)
    step = 12 * 3 + (12 + 2) * 4
    seen = go(optimizer, tmp_path, calls=24 + 2 * step + 2 * 24 + 20)
    sampled = [r for r in seen.model.requests if r.decoding.temperature == 1.0]
    assert len(sampled) == 2 * 12 * 3
    assert len(seen.candidates) == 8
    assert len(seen.measured()) == 1 + 2


def test_demos_are_the_models_own_best_answers(tmp_path: Path) -> None:
    seen = go(SIMBA(minibatch_size=12, n_candidates=3, n_steps=3), tmp_path)
    made = {e.key: e.body for e in seen.events if e.kind == "candidate"}
    train = {example.inputs["input"] for example in fake_task(24).train}
    for body in seen.candidates:
        demos = body["prompt"]["demos"]
        assert {demo["user"] for demo in demos} <= train
        assert all(demo["assistant"] == demo["user"] for demo in demos)
        assert len(demos) <= 4
        assert body["prompt"]["instruction"].startswith("Answer")
        for parent in body["parents"]:
            if parent in made and body["operator"] == "simba_rule":
                start = made[parent]["prompt"]["instruction"]
                assert re.fullmatch(
                    rf"{re.escape(start)}\n\nrule \d+", body["prompt"]["instruction"]
                )


def rollout(value: float, name: str = "e", output: str = "") -> Rollout:
    return Rollout(Example({"input": name}, ("t",)), output or f"said {value}", Score(value))


def bucket(*values: float, name: str = "e") -> ExampleBucket:
    return ExampleBucket([rollout(value, name) for value in values])


def test_examples_are_sorted_by_gap_then_best_then_gap_to_the_mean() -> None:
    expected = [
        bucket(1, 0, 0),  # Gap 1, best 1, 2/3 above the mean.
        bucket(0, 1, 1),  # Only 1/3 above the mean.
        bucket(0.9, 0.9, 0.1),
        bucket(0.8, 0.0, 0.4),
        bucket(1, 1, 1),
        bucket(0, 0, 0),
    ]
    for seed in range(5):
        shuffled = Random(seed).sample(expected, len(expected))
        assert sorted(shuffled, key=lambda b: b.rank, reverse=True) == expected
    assert (expected[1].best.output, expected[1].worst.output) == ("said 1", "said 0")
    assert expected[3].values == [0.8, 0.4, 0.0]


def test_percentiles_are_interpolated() -> None:
    assert percentiles([k / 10 for k in range(11)]) == pytest.approx((0.1, 0.9))
    assert percentiles([0.0, 1.0]) == pytest.approx((0.1, 0.9))
    assert percentiles([0.3]) == (0.3, 0.3)
    assert percentiles([]) == (0.0, 0.0)


@dataclass
class Stub:
    """A search that makes whatever is proposed."""

    seed_prompts: tuple[Prompt, ...] = (Prompt("seed"),)
    rng: Random = field(default_factory=lambda: Random(0))
    shown: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    made: list[str] = field(default_factory=list[str])

    def meta_prompt(self, module: str, name: str, **values: Any) -> MetaPrompt:
        self.shown.append(values)
        return MetaPrompt(name, "")

    async def generate(self, metas: Sequence[MetaPrompt], **_: object) -> list[list[str]]:
        return [[f"advice {n}"] for n, _ in enumerate(metas)]

    def accept(self, prompts: Sequence[Prompt], *, operator: str, **_: object) -> list[Prompt]:
        self.made += [operator for _ in prompts]
        return list(prompts)


def appended(optimizer: SIMBA, *buckets: ExampleBucket) -> Stub:
    stub = Stub()
    seed = stub.seed_prompts[0]
    asyncio.run(optimizer.append(cast("Search", stub), {seed: 0.5}, buckets))
    return stub


RULES = SIMBA(max_demos=0)


def test_answers_at_the_ends_of_the_minibatch_teach_nothing() -> None:
    """A best answer in the lowest tenth makes no demo; a worst in the highest tenth no rule."""
    low, high = [bucket(0, 0) for _ in range(5)], [bucket(1, 1) for _ in range(5)]
    assert appended(RULES, *low, *high).made == []
    assert appended(RULES, *low, *high, bucket(1, 0)).made == ["simba_rule"]
    for seed in range(4):
        stub = Stub(rng=Random(seed))
        work = SIMBA().append(cast("Search", stub), {Prompt("seed"): 0.5}, low)
        assert asyncio.run(work) == []  # No copy of the source takes the place.
    made = appended(SIMBA(n_candidates=20), *low, *high, *high, *high).made
    assert set(made) == {"simba_demo"}
    assert len(made) < 15


def test_at_most_one_prompt_more_than_candidates_is_made() -> None:
    assert len(appended(SIMBA(n_candidates=2), *[bucket(1, 0)] * 9).made) == 3
    assert len(appended(RULES, *[bucket(1, 0)] * 4).made) == 4


def test_a_rule_comes_from_the_best_and_the_worst_answer() -> None:
    [values] = appended(RULES, bucket(0.4, 1, 0)).shown
    assert (values["better"].output, values["worse"].output) == ("said 1", "said 0")
    graded = appended(RULES, bucket(0.5, 0.5), bucket(1, 1), bucket(0, 0), bucket(0, 0))
    [values] = graded.shown
    assert values["better"] is None
    assert values["worse"].output == "said 0.5"


def test_the_softmax_follows_the_scores() -> None:
    scores = {Prompt("a"): 0.8, Prompt("b"): 0.6, Prompt("c"): 0.0}
    rng = Random(0)
    drawn = Counter(softmax_draw(rng, scores, 0.2).instruction for _ in range(4000))
    assert drawn["b"] / drawn["a"] == pytest.approx(0.368, abs=0.04)  # exp(-0.2 / 0.2)
    assert drawn["c"] / drawn["a"] == pytest.approx(0.018, abs=0.01)  # exp(-0.8 / 0.2)
    assert softmax_draw(rng, {Prompt("a"): 100.0, Prompt("b"): 1e6}, 0.01) == Prompt("b")


def test_the_seed_is_always_among_those_that_are_drawn() -> None:
    seed = Prompt("seed")
    search = cast("Search", SimpleNamespace(seed_prompts=(seed,)))
    scores = {seed: 0.1, **{Prompt(f"p{k}"): 0.5 + k / 10 for k in range(4)}}
    top = SIMBA(n_candidates=3).top(search, scores)
    assert [prompt.instruction for prompt in top] == ["p3", "p2", "seed"]
    assert top[seed] == 0.1
    scores[seed] = 0.85
    top = SIMBA(n_candidates=3).top(search, scores)
    assert [prompt.instruction for prompt in top] == ["seed", "p3", "p2"]


def test_the_seed_counts_with_its_own_score_not_with_zero(run: Run) -> None:
    """A seed that is right on eight of ten stays the source of most of the second step."""
    drawn: list[dict[Prompt, float]] = []

    class Recorded(SIMBA):
        def top(self, search: Search, scores: dict[Prompt, float]) -> dict[Prompt, float]:
            drawn.append(super().top(search, scores))
            return drawn[-1]

    run(Recorded(n_steps=2), lambda _, __: tagged("none"), seed_prompt="+" * 8)
    assert len(drawn) == 4
    assert all(top[Prompt("+" * 8)] == 0.8 for top in drawn)


def test_a_full_prompt_drops_at_least_one_demo() -> None:
    rng = Random(0)
    full = Prompt("p", demos=tuple(Demo(f"u{k}", "a") for k in range(4)))
    kept = [kept_demos(rng, full, 4) for _ in range(500)]
    assert max(map(len, kept)) == 3
    assert min(map(len, kept)) < 3
    assert all([d for d in full.demos if d in demos] == list(demos) for demos in kept)
    some = Prompt("p", demos=full.demos[:2])
    lengths = Counter(len(kept_demos(rng, some, 4)) for _ in range(2000))
    assert lengths[2] / 2000 == pytest.approx(0.607, abs=0.04)  # exp(-2 / 4): none is dropped.
    assert kept_demos(rng, Prompt("p"), 4) == ()


def test_poisson() -> None:
    rng = Random(0)
    drawn = [poisson(rng, 1.5) for _ in range(4000)]
    assert sum(drawn) / 4000 == pytest.approx(1.5, abs=0.06)
    assert drawn.count(0) / 4000 == pytest.approx(0.223, abs=0.02)
    assert poisson(rng, 0.0) == 0


def test_winners_are_evenly_spaced_from_the_first_to_the_last() -> None:
    winners = [Prompt(f"w{k}") for k in range(9)]
    assert [w.instruction for w in evenly_spaced(winners, 5)] == ["w0", "w2", "w4", "w6", "w8"]
    assert evenly_spaced(winners[:3], 7) == winners[:3]
    assert evenly_spaced(winners[:1], 7) == winners[:1]


def test_minibatches_are_whole_and_a_pass_repeats_nothing() -> None:
    examples = fake_task(10).train
    drawn = list(islice(minibatches(Random(0), examples, 4, fill=False), 6))
    assert all(len(batch) == len(set(batch)) == 4 for batch in drawn)
    for first, second in zip(drawn[::2], drawn[1::2], strict=True):
        assert not set(first) & set(second)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("contrast", [True, False])
def test_the_rule_writer_sees_both_answers(language: str, contrast: bool) -> None:
    task = replace(fake_task(), labels=("yes", "no"), description="Say </task> yes.")

    def shown(example: Example) -> str:
        return example.inputs["input"]

    text = render(
        simba.__file__, "simba_rule", language, {}, task=task, shown=shown,
        prompt=Prompt("Old </candidate>"),
        worse=replace(rollout(0.25, output="bad"), score=Score(0.25, feedback="missed")),
        better=rollout(1.0, output="good") if contrast else None,
    )  # fmt: skip
    answers = re.findall(r"<answer>\n(.*?)\n</answer>\n<feedback>\n(.*?)\n</feedback>", text)
    assert [answer for answer, _ in answers] == (["bad", "good"] if contrast else ["bad"])
    assert answers[0][1].split() == ["25", "%.", "missed"]
    assert text.count("<output>\nt\n</output>") == 1 + contrast
    assert "Old &lt;/candidate&gt;" in text
    assert "yes, no" in text
    last = text.rstrip().splitlines()[-1]
    assert "<advice>" in last
    assert "</advice>" in last


def test_settings() -> None:
    authors = SIMBA()
    assert (authors.minibatch_size, authors.n_candidates, authors.n_steps) == (32, 6, 8)
    assert (authors.max_demos, authors.sampling_temperature) == (4, 0.2)
    with pytest.raises(SettingsError, match=r"SIMBA\.sampling_temperature"):
        SIMBA(sampling_temperature=0)
