"""EvoPrompt (Guo et al., 2023): evolution of instructions by a genetic algorithm or by DE.

Section numbers are the paper's.
"""

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from apo import Evaluation, Example, Prompt, Rollout, Score, SettingsError
from apo.errors import ContentFilterError
from apo.optimizers import evoprompt
from apo.optimizers.evoprompt import EvoPromptDE, EvoPromptGA
from apo.optimizers.parts.evoprompt_parents import best_first, draw_donors, draw_pair
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Seen, shown_inputs, tagged

Either = EvoPromptGA | EvoPromptDE
VARIANTS: list[Either] = [EvoPromptGA(), EvoPromptDE()]


def proposal(n: int, _: str) -> str:
    return tagged("+" * (n % 4) + f" new {n}")


def scripted(*texts: str) -> Callable[[int, str], str]:
    """Replies with the texts in turn, and then with texts of score 0."""
    return lambda n, _: tagged(texts[n] if n < len(texts) else f"late {n}")


def member(name: str, value: float | None) -> Evaluation:
    score = None if value is None else Score(value)
    return Evaluation(Prompt(name), (Rollout(Example({"input": "x"}, ("x",)), "", score),))


def candidates(text: str) -> list[str]:
    return re.findall(r"<candidate>\n(.*?)\n</candidate>", text, re.DOTALL)


def measured(seen: Seen) -> int:
    return len(seen.evaluations(whole=True))


# --- the initial population -----------------------------------------------------------------


@pytest.mark.parametrize("optimizer", VARIANTS, ids=repr)
@pytest.mark.parametrize(("size", "induced", "turns"), [(4, 3, 1), (10, 9, 2), (6, 5, 3)])
def test_number_of_calls(optimizer: Either, size: int, induced: int, turns: int, run: Run) -> None:
    """Initial scores, then T · N · (1 optimizer call + |validation| rollouts)."""
    small = replace(optimizer, population_size=size, n_induced=induced, n_generations=turns)
    seen = run(small, proposal, size=10)
    assert len(seen.writer.texts) == induced + size // 2 + turns * size
    assert len(seen.reader.asked) == 10 * (1 + induced + size // 2 + turns * size)
    assert seen.evaluations(whole=False) == []


def test_it_starts_with_the_seed_and_prompts_induced_from_examples_of_their_own(run: Run) -> None:
    seen = run(EvoPromptGA(n_induced=3, n_demos=4, n_generations=1), proposal, size=12)
    shown = [shown_inputs(text) for text in seen.writer.texts]
    assert all(len(set(inputs)) == 4 for inputs in shown[:3])
    assert len({tuple(inputs) for inputs in shown[:3]}) == 3
    assert not any(shown[3:])  # No request after these sees an example.
    assert seen.instructions[:4] == ["Seed", "new 0", "+ new 1", "++ new 2"]


def test_the_best_half_is_kept_and_each_of_it_paraphrased_once(run: Run) -> None:
    optimizer = EvoPromptGA(population_size=4, n_induced=4, n_generations=1)
    seen = run(optimizer, scripted("+ a", "+++ b", "c", "++ d", "e", "f"))
    assert [candidates(text) for text in seen.writer.texts[4:6]] == [["+++ b"], ["++ d"]]
    shown = {text for request in seen.writer.texts[6:] for text in candidates(request)}
    assert shown <= {"+++ b", "++ d", "e", "f"}


def test_too_few_to_start_with_are_paraphrased_until_there_are_enough(run: Run) -> None:
    seen = run(EvoPromptDE(population_size=6, n_induced=0, n_generations=1), proposal)
    assert [candidates(text) for text in seen.writer.texts[:5]] == [["Seed"]] * 5
    assert len(seen.writer.texts) == 5 + 6


@pytest.mark.parametrize("optimizer", VARIANTS, ids=repr)
def test_a_reply_without_tags_enters_nothing(optimizer: Either, run: Run) -> None:
    small = replace(optimizer, population_size=4, n_induced=2, n_generations=2)
    seen = run(small, lambda n, _: "raw +++++" if n % 3 == 1 else tagged(f"new {n}"))
    assert not any("raw" in instruction for instruction in seen.instructions)


@pytest.mark.parametrize("optimizer", VARIANTS, ids=repr)
def test_a_child_seen_before_is_not_scored_again_and_staleness_ends_it(
    optimizer: Either, run: Run
) -> None:
    small = replace(optimizer, population_size=4, n_induced=1, max_stale_generations=2)
    seen = run(small, scripted("a", "b", "c", *["a"] * 99))
    assert seen.instructions == ["Seed", "a", "b", "c"]
    assert len(seen.writer.texts) == 1 + 2 + 2 * 4
    assert len(seen.reader.asked) == 4 * 10


# --- §3.2, genetic algorithm ----------------------------------------------------------------


def test_two_different_parents_are_shown_without_scores(run: Run) -> None:
    seen = run(EvoPromptGA(population_size=6, n_induced=5, n_generations=4), proposal)
    for text in seen.writer.texts[5 + 3 :]:
        first, second = candidates(text)
        assert first != second
        assert "score" not in text


def test_parents_come_from_the_best_of_the_generations_before(run: Run) -> None:
    size, induced, turns = 4, 3, 5
    optimizer = EvoPromptGA(population_size=size, n_induced=induced, n_generations=turns)
    seen = run(optimizer, proposal)
    start = induced + size // 2
    scores = {"Seed": 0} | {
        instruction: instruction.count("+") for instruction in seen.instructions
    }
    known = [name for name in seen.instructions if name in scores][: 1 + start]
    population = sorted(known[: 1 + induced], key=lambda name: -scores[name])[: size // 2]
    population += known[1 + induced :]
    for turn in range(turns):
        requests = seen.writer.texts[start + turn * size : start + (turn + 1) * size]
        assert {text for request in requests for text in candidates(request)} <= set(population)
        children = seen.instructions[1 + start + turn * size : 1 + start + (turn + 1) * size]
        merged = [*sorted(population, key=lambda name: -scores[name]), *children]
        population = sorted(merged, key=lambda name: -scores[name])[:size]


def test_the_roulette_follows_the_scores() -> None:
    population = [member("a", 0.6), member("b", 0.3), member("c", 0.1), member("d", 0.0)]
    rng = random.Random(0)
    pairs = [draw_pair(rng, population, "roulette") for _ in range(3000)]
    assert all(first != second for first, second in pairs)
    share = Counter(first.instruction for first, _ in pairs)
    assert share["d"] == 0
    assert 0.57 < share["a"] / 3000 < 0.63
    assert 0.27 < share["b"] / 3000 < 0.33


def test_a_population_that_scores_nothing_is_drawn_from_evenly() -> None:
    population = [member(name, 0.0) for name in "abc"]
    rng = random.Random(0)
    for selection in ("roulette", "tournament"):
        pairs = [draw_pair(rng, population, selection) for _ in range(900)]
        share = Counter(first.instruction for first, _ in pairs)
        assert min(share.values()) > 240


def test_ranks_part_scores_that_lie_close_together() -> None:
    population = [member("a", 0.81), member("b", 0.80), member("c", 0.79)]
    draws: dict[str, Counter[str]] = {}
    for selection in ("roulette", "rank", "tournament"):
        rng = random.Random(0)
        pairs = [draw_pair(rng, population, selection) for _ in range(3000)]
        draws[selection] = Counter(first.instruction for first, _ in pairs)
    assert draws["roulette"]["a"] < 1.2 * draws["roulette"]["c"]
    assert draws["rank"]["a"] > 2 * draws["rank"]["c"]
    assert draws["tournament"]["a"] > 1.8 * draws["tournament"]["b"]
    assert draws["tournament"]["c"] == 0


def test_one_member_is_both_parents() -> None:
    alone = member("a", 0.5)
    assert draw_pair(random.Random(0), [alone], "roulette") == [alone.prompt] * 2


# --- §3.3, differential evolution -----------------------------------------------------------


def test_target_donors_and_best_are_shown_in_this_order(run: Run) -> None:
    optimizer = EvoPromptDE(population_size=4, n_induced=1, n_generations=1)
    seen = run(optimizer, scripted("+ a", "b", "c"))
    population = ["+ a", "Seed", "b", "c"]
    for target, text in zip(population, seen.writer.texts[3:], strict=True):
        shown = candidates(text)
        assert (shown[0], shown[3]) == (target, "+ a")
        assert len({target, shown[1], shown[2]}) == 3
        assert set(shown) <= set(population)


def test_the_best_is_updated_inside_a_generation_and_the_donors_are_not(run: Run) -> None:
    optimizer = EvoPromptDE(population_size=4, n_induced=1, n_generations=2)
    seen = run(optimizer, scripted("+ a", "b", "c", "+++ d", "e", "++ f", "++++ g", "h"))
    first = [candidates(text) for text in seen.writer.texts[3:7]]
    assert [shown[3] for shown in first] == ["+ a", "+++ d", "+++ d", "+++ d"]
    donors = {name for shown in first for name in shown[1:3]}
    assert donors <= {"+ a", "Seed", "b", "c"}
    second = [candidates(text) for text in seen.writer.texts[7:11]]
    # "e" is no better than "Seed"; the others were better than their targets.
    assert [shown[0] for shown in second] == ["+++ d", "Seed", "++ f", "++++ g"]
    assert [shown[3] for shown in second] == ["++++ g"] * 4


def test_the_incumbent_survives_a_tie(run: Run) -> None:
    optimizer = EvoPromptDE(population_size=4, n_induced=1, n_generations=2)
    seen = run(optimizer, scripted("+ a", "b", "c", "+ d", "e", "+ f", "g"))
    second = [candidates(text)[0] for text in seen.writer.texts[7:11]]
    assert second == ["+ a", "Seed", "+ f", "c"]


def test_a_random_third_donor(run: Run) -> None:
    optimizer = EvoPromptDE(population_size=6, n_induced=5, n_generations=3, third="random")
    seen = run(optimizer, proposal)
    shown = [candidates(text) for text in seen.writer.texts[8:]]
    assert all(len(set(names)) == 4 for names in shown)
    assert len({names[3] for names in shown[:6]}) > 1


@pytest.mark.parametrize(("n", "different"), [(1, 1), (2, 2), (3, 2), (4, 3), (9, 3)])
def test_donors_of_small_populations(n: int, different: int) -> None:
    population = [member(str(i), 0.5) for i in range(n)]
    for seed in range(20):
        drawn = draw_donors(random.Random(seed), population, 0)
        assert len(drawn) == 3
        assert len({id(donor) for donor in drawn}) == different
        assert n < 3 or population[0] not in drawn


def test_a_population_of_two_evolves(run: Run) -> None:
    optimizer = EvoPromptDE(population_size=2, n_induced=0, n_generations=3)
    seen = run(optimizer, proposal)
    assert len(seen.writer.texts) == 1 + 3 * 2
    assert seen.result.best.mean == 0.3


# --- both -----------------------------------------------------------------------------------


def test_what_is_unknown_is_not_zero() -> None:
    unknown, zero, good = member("u", None), member("z", 0.0), member("g", 0.4)
    assert best_first([unknown, zero, good]) == [good, zero]
    tie = member("t", 0.4)
    assert best_first([good, tie])[0] is good
    assert best_first([tie, good])[0] is tie


@pytest.mark.parametrize("optimizer", VARIANTS, ids=repr)
def test_a_task_model_that_refuses_everything_is_no_crash(
    optimizer: Either, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(self: object, request: object) -> object:
        raise ContentFilterError("!")

    monkeypatch.setattr("tests.fidelity.conftest.Reader.complete", refuse)
    seen = run(replace(optimizer, population_size=4, n_induced=2), proposal)
    assert seen.result.best.answered == ()


@pytest.mark.parametrize("optimizer", VARIANTS, ids=repr)
def test_it_ends_when_the_task_is_solved(optimizer: Either, run: Run) -> None:
    small = replace(optimizer, population_size=4, n_induced=1)
    seen = run(small, scripted("a", "b", "c", "+" * 10, "d", "e", "f"))
    assert len(seen.writer.texts) == 3 + (1 if isinstance(optimizer, EvoPromptDE) else 4)
    assert run(small, proposal, seed_prompt="+" * 10).writer.texts[1:] == []


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("name", "n", "steps"), [("evoprompt_ga", 2, 2), ("evoprompt_de", 4, 4)])
def test_one_worked_example_from_another_task(name: str, n: int, steps: int, language: str) -> None:
    prompts = [Prompt(f"P{i}") for i in range(n)]
    task = replace(fake_task(), language=language, description="Sort the mail.")
    text = render(evoprompt.__file__, name, language, {}, task=task, prompts=prompts)
    shown = "<task>\nSort the mail.\n</task>\n"
    assert shown in text
    text = text.replace(shown, "")
    assert candidates(text) == [f"P{i}" for i in range(n)]
    before, _ = text.split("<candidate>", 1)
    assert "<" not in before  # The worked example is prose; only data stands in tags.
    assert ("recipe" in before) == (language == "en")
    assert ("요리법" in before) == (language == "ko")
    for step in range(1, steps + 1):
        where = [f"Step {step}.", f"After step {step}:"] if language == "en" else [f"{step}단계."]
        assert all(mark.lower() in text.lower() for mark in where)
    assert "<instruction>" in text.split("</candidate>")[-1]


def test_settings() -> None:
    optimizer = EvoPromptGA()
    assert (optimizer.population_size, optimizer.n_generations) == (10, 10)
    assert optimizer.temperature == 0.5
    with pytest.raises(SettingsError, match="selection is 'best'"):
        EvoPromptGA(selection="best")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingsError, match="third is 'worst'"):
        EvoPromptDE(third="worst")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingsError, match="population_size"):
        EvoPromptDE(population_size=1)
