"""MIPROv2 (Opsahl-Ong et al., 2024): grounded proposals, minibatch trials, full measurements."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from apo import Budget, Evaluation, Example, Prompt, Rollout, Score, Search, SettingsError
from apo.optimizers import miprov2
from apo.optimizers.miprov2 import MIPROv2, n_trials
from apo.optimizers.parts.combinations import Combinations, chosen
from apo.optimizers.parts.demo_sets import Worked
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Seen, shown_candidates, shown_inputs, tagged


@dataclass(frozen=True, kw_only=True)
class Probe:
    """An optimizer that does what a test wants."""

    work: Callable[[Search], Awaitable[None]]

    async def run(self, search: Search) -> None:
        await self.work(search)


def writer(n: int, text: str) -> str:
    """Observes, sums up and proposes."""
    if "<observations>" in text:
        return f"<observations>Seen {n}.</observations>"
    if "<summary>" in text:
        return "<summary>All in all.</summary>"
    return tagged("+" * (5 + 3 * n) + f" new {n}")


def with_preset(name: str) -> MIPROv2:
    settings: dict[str, Any] = {"preset": name}
    return MIPROv2(**settings)


def asked(seen: Seen, tag: str) -> list[str]:
    return [text for text in seen.writer.texts if f"<{tag}>" in text]


def steps(seen: Seen) -> str:
    """The measurements after the seed's, in order: m for a minibatch, W for all of validation."""
    return "".join("W" if event.body["whole"] else "m" for event in seen.measured)


def measured(score: float) -> Evaluation:
    example = Example({"input": "x"}, ("x",))
    return Evaluation(Prompt("A"), (Rollout(example, "x", Score(score)),))


# --- trials and full measurements -------------------------------------------------------------


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("light", "mmmmmWmmmmmW"),
        ("medium", "mmmmmW" * 3 + "mmmW"),
        ("heavy", "mmmmmW" * 5 + "mmW"),
    ],
)
def test_trials_and_full_measurements_of_the_presets(preset: str, expected: str, run: Run) -> None:
    optimizer = with_preset(preset)
    seen = run(optimizer, writer, size=60, seed_prompt="Seed++++")
    # The seed's is asked for again, and costs nothing. After the search come the winner's parts,
    # which may be prompts that it had tried.
    assert re.fullmatch(f"WW{expected}W{{0,2}}", steps(seen))
    assert all(e.body["n"] == 35 for e in seen.evaluations(whole=False))
    n = {"light": 6, "medium": 12, "heavy": 18}[preset]
    proposals = [t for t in seen.writer.texts if "<observations>" not in t and "<summary>" not in t]
    assert len(proposals) == n // 2 - 1


def test_numbers_of_trials() -> None:
    assert [n_trials(n, 2) for n in (6, 12, 18)] == [10, 18, 27]
    assert [n_trials(n, 1) for n in (6, 12, 18)] == [9, 18, 27]


def test_number_of_calls_is_at_most_that_of_the_authors(run: Run) -> None:
    """60 for the seed, 35 a trial, and 60 for each of the two others that are fully measured."""
    seen = run(MIPROv2(preset="light"), writer, size=60, seed_prompt="Seed++++")
    validation = {example.target for example in seen.task.validation}
    rollouts = [last for _, last in seen.reader.asked if last in validation]
    assert len(rollouts) <= 60 + 10 * 35 + 2 * 60


def test_a_small_validation_split_is_measured_whole_in_each_trial(run: Run) -> None:
    seen = run(MIPROv2(preset="light"), writer, size=50, seed_prompt="Seed++++")
    assert steps(seen) == "WW" + "W" * 10


def test_what_is_fully_measured_has_the_best_mean_of_what_is_not() -> None:
    study = Combinations(0, 2, 2)
    study.add((0, 0), measured(0.9))
    assert study.best_unmeasured() is None
    study.means = {(0, 0): [1.0], (0, 1): [0.9, 0.1], (1, 0): [0.6], (1, 1): [0.4]}
    assert study.best_unmeasured() == (1, 0)
    study.add((1, 0), measured(0.5))
    assert study.best_unmeasured() == (0, 1)
    study.measured |= {(0, 1), (1, 1)}
    assert study.best_unmeasured() is None


def test_a_trial_without_an_answer_is_unknown_and_not_zero() -> None:
    study = Combinations(0, 2, 2)
    [first, second] = study.ask(2)
    refused = Evaluation(Prompt("A"), (Rollout(Example({}, ("x",)), "", None, "refused"),))
    study.tell(first, refused)
    assert study.means == {}
    assert study.study.trials[0].value is None
    study.tell(second, measured(0.25))
    assert study.means == {chosen(second): [0.25]}


def test_trials_at_once_are_those_of_one_after_another() -> None:
    scores, n = [0.9, 0.1, 0.4, 0.4, 0.8, 0.3, 0.7, 0.2, 0.6, 0.5, 0.1, 0.9], 12
    single, several = Combinations(3, 6, 4), Combinations(3, 6, 4)
    drawn: list[tuple[int, ...]] = []
    for score in scores:
        [trial] = single.ask(1)
        single.tell(trial, measured(score))
        drawn.append(chosen(trial))
    sizes: list[int] = []
    found: list[tuple[int, ...]] = []
    while len(found) < n:
        trials = several.ask(min(8, n - len(found)))
        for trial in trials:
            several.tell(trial, measured(scores[len(found)]))
            found.append(chosen(trial))
        sizes.append(len(trials))
    assert sizes == [8, 2, 1, 1]  # From ten scores on, each has a say in what comes next.
    assert found == drawn


def test_an_exhausted_space_is_no_error(run: Run) -> None:
    optimizer = MIPROv2(preset="light", max_bootstrapped_demos=0, max_labeled_demos=0)
    same = run(optimizer, lambda n, text: "none" if n < 99 else text, size=60)
    assert steps(same) == "WW" + "m" * 9
    assert len(same.evaluations(whole=True)) == 2
    assert same.result.best.prompt.instruction == "Seed"


def test_the_best_combination_wins(run: Run) -> None:
    seen = run(MIPROv2(preset="heavy"), writer, size=60, seed_prompt="Seed++++")
    best = max(name.count("+") for name in seen.instructions)
    assert seen.result.best.prompt.instruction.count("+") == best


def test_no_demos_when_there_are_to_be_none(run: Run) -> None:
    optimizer = MIPROv2(preset="light", max_bootstrapped_demos=0, max_labeled_demos=0)
    seen = run(optimizer, writer, size=60, seed_prompt="Seed++++")
    candidates = [e.body["prompt"] for e in seen.events if e.kind == "candidate"]
    assert len(candidates) == 1 + 5  # Six instructions, and no teacher with demos.
    assert all(not prompt["demos"] for prompt in candidates)
    shown = [shown_inputs(t) for t in seen.writer.texts if "<candidate>" in t]
    assert len(shown) == 5
    assert all(1 <= len(inputs) <= 3 for inputs in shown)  # Demos serve the proposals alone.


# --- minibatches ------------------------------------------------------------------------------


def drawn(run: Run, optimizer: MIPROv2, n: int, size: int = 100) -> list[list[str]]:
    found: list[list[str]] = []

    async def work(search: Search) -> None:
        batches = optimizer.minibatches(search)
        for _ in range(n):
            batch = next(batches)
            assert batch is not None
            assert set(batch) <= set(search.task.validation)
            found.append(sorted(example.target for example in batch))

    run(Probe(work=work), writer, size=size)
    return found


def test_every_trial_draws_a_minibatch(run: Run) -> None:
    batches = drawn(run, MIPROv2(), 8)
    assert all(len(set(batch)) == 35 for batch in batches)
    assert len({tuple(batch) for batch in batches}) == 8


def test_paired_minibatches_are_a_rotation(run: Run) -> None:
    batches = drawn(run, MIPROv2(paired=True, minibatch_size=30), 20, size=90)
    rounds = [batches[i : i + 5] for i in range(0, 20, 5)]
    assert all(batch == batches_[0] for batches_ in rounds for batch in batches_)
    assert len({name for batches_ in rounds[:3] for name in batches_[0]}) == 90
    assert rounds[3][0] == rounds[0][0]


@pytest.mark.parametrize(
    ("calls", "preset"), [(None, "medium"), (300, "light"), (1500, "medium"), (3000, "heavy")]
)
def test_the_largest_preset_that_fits(calls: int | None, preset: str, run: Run) -> None:
    async def work(search: Search) -> None:
        assert MIPROv2().chosen_preset(search) == preset
        assert MIPROv2(preset="heavy").chosen_preset(search) == "heavy"

    run(Probe(work=work), writer, size=100, budget=Budget(max_calls=calls))


# --- grounded proposals -----------------------------------------------------------------------


@pytest.mark.parametrize(("size", "requests"), [(8, 1), (25, 3), (120, 10)])
def test_the_data_is_described_ten_examples_at_a_time(size: int, requests: int, run: Run) -> None:
    async def work(search: Search) -> None:
        assert await MIPROv2().summarize(search) == "All in all."

    seen = run(Probe(work=work), writer, size=size)
    observed = asked(seen, "observations")
    assert len(observed) == requests
    assert len(asked(seen, "summary")) == 1
    shown = [name for text in observed for name in shown_inputs(text)]
    assert shown == [f"x{i}" for i in range(min(size, 100))]
    for n, text in enumerate(observed):
        assert [f"Seen {i}." in text for i in range(requests)] == [i < n for i in range(requests)]
    assert all(f"Seen {i}." in asked(seen, "summary")[0] for i in range(requests))


def test_five_times_complete_ends_the_description(run: Run) -> None:
    def reply(n: int, text: str) -> str:
        return writer(n, text) if n in (0, 2) else writer(n, text).replace("Seen", "Complete: seen")

    async def work(search: Search) -> None:
        await MIPROv2().summarize(search)

    seen = run(Probe(work=work), reply, size=100)
    assert len(asked(seen, "observations")) == 7
    assert re.findall(r"Seen \d", seen.writer.texts[-1]) == ["Seen 0", "Seen 2"]
    assert "Complete" not in seen.writer.texts[-1]


def test_a_summary_that_fails_leaves_the_observations(run: Run) -> None:
    async def work(search: Search) -> None:
        assert await MIPROv2().summarize(search) == "Seen 0."

    run(Probe(work=work), lambda n, text: writer(n, text) if n == 0 else "?", size=5)
    empty: list[str] = []

    async def nothing(search: Search) -> None:
        empty.append(await MIPROv2().summarize(search))

    run(Probe(work=nothing), lambda _, __: "?", size=5)
    assert empty == [""]


def test_proposals_are_grounded_in_the_demo_set_of_their_number(run: Run) -> None:
    def own(*numbers: int) -> Sequence[tuple[Worked, ...]]:
        made = [(Worked(Example({"input": f"x{n}"}, ("?",)), f"said {n}", True),) for n in numbers]
        return [(), (Worked(Example({"input": "x0"}, ("x0",)), "x0"),), *made]

    async def work(search: Search) -> None:
        summary = await MIPROv2().summarize(search)
        await MIPROv2().propose(search, search.seed_prompts[0], summary, own(2, 3, 4, 5), 3)

    seen = run(Probe(work=work), writer)
    proposals = [text for text in seen.writer.texts if "<candidate>" in text]
    assert [shown_inputs(text) for text in proposals] == [
        ["x2", "x3", "x4"],
        ["x2", "x3", "x4"],
        ["x3", "x4", "x5"],
    ]
    for text in proposals:
        assert "<comment>\nAll in all.\n</comment>" in text
        assert "<candidate>\nSeed\n</candidate>" in text
        assert shown_candidates(text) == []
        assert "said 4" in text


def test_tips_are_drawn(run: Run) -> None:
    async def work(search: Search) -> None:
        await MIPROv2().propose(search, search.seed_prompts[0], "", [()] * 40, 39)

    seen = run(Probe(work=work), writer, size=5)
    proposals = [text for text in seen.writer.texts if "<candidate>" in text]
    assert {text.count("Tip:") for text in proposals} == {0, 1}
    assert len(set(re.findall(r"Tip: .*", "\n".join(proposals)))) == 5


@pytest.mark.parametrize("language", ["en", "ko"])
def test_both_languages_show_the_same_data(language: str) -> None:
    task = replace(fake_task(), labels=("a", "b"))

    def shown(example: Example) -> str:
        return example.inputs["input"]

    demo = Worked(Example({"input": "in"}, ("out",)), "said", True)
    values: dict[str, Any] = {"task": task, "shown": shown}
    texts = {
        tip: render(
            miprov2.__file__, "miprov2_propose", language, {}, prompt=Prompt("Seed"),
            summary="Known.", demos=[demo], tip=tip, **values,
        )
        for tip in miprov2.TIPS
    }  # fmt: skip
    assert len(set(texts.values())) == 6
    for text in texts.values():
        assert "<labels>\na, b\n</labels>" in text
        assert "<input>\nin\n</input>\n<output>\nsaid\n</output>" in text
        assert "<comment>\nKnown.\n</comment>" in text
    for said in ("", "Before."):
        text = render(
            miprov2.__file__, "miprov2_observe", language, {}, observations=said,
            examples=[demo.example], **values,
        )  # fmt: skip
        assert ("<comment>\nBefore.\n</comment>" in text) == ("COMPLETE" in text) == bool(said)
        assert "<output>\nout\n</output>" in text


def test_settings_out_of_range() -> None:
    with pytest.raises(SettingsError, match="one of auto, light, medium, heavy"):
        with_preset("huge")
    with pytest.raises(SettingsError, match="minibatch_size"):
        MIPROv2(minibatch_size=0)
