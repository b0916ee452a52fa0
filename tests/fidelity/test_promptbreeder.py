"""Promptbreeder (Fernando et al., 2023): prompts and mutation-prompts that evolve together.

Section numbers are the paper's.
"""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from apo import Example, Prompt, Rollout, Score, SettingsError
from apo.errors import ContentFilterError
from apo.optimizers import promptbreeder
from apo.optimizers.parts.likeness import likeness
from apo.optimizers.parts.promptbreeder_operators import (
    OPERATORS,
    distinct,
    draw_operator,
)
from apo.optimizers.parts.promptbreeder_unit import Unit, best_first, draw_pairs
from apo.optimizers.promptbreeder import Promptbreeder
from apo.prompts.meta_prompts import render
from tests.fidelity.conftest import Run, Seen, shown_inputs, tagged


def listed(name: str, language: str = "en") -> list[str]:
    text = render(promptbreeder.__file__, f"promptbreeder_{name}", language, {})
    return [line for line in text.splitlines() if line]


def proposal(n: int, _: str) -> str:
    return tagged("+" * (n % 5) + f" new {n} {'xyzvw'[n % 5] * 9}")


def plain(**settings: Any) -> Promptbreeder:
    """Four units, without demos and chance steps."""
    base = Promptbreeder(
        population_size=4, batch_size=10, n_demos=0, n_examples=2, crossover_chance=0,
        shuffle_chance=0, n_generations=2,
    )  # fmt: skip
    return replace(base, **settings)


def candidates(text: str) -> list[str]:
    return re.findall(r"<candidate>\n(.*?)\n</candidate>", text, re.DOTALL)


def advice(text: str) -> str:
    (found,) = re.findall(r"<comment>\n(.*?)\n</comment>", text, re.DOTALL)
    return str(found)


def bodies(seen: Seen, operator: str) -> list[dict[str, Any]]:
    name = f"promptbreeder_{operator}"
    return [e.body for e in seen.events if e.kind == "candidate" and e.body["operator"] == name]


def unit(name: str, *values: float | None, **parts: Any) -> Unit:
    met = {
        example: Rollout(example, "said", None if value is None else Score(value))
        for value, example in zip(values, examples(len(values)), strict=True)
    }
    return Unit(Prompt(name), "Change it.", met=met, **parts)


def examples(n: int) -> list[Example]:
    return [Example({"input": f"q{i}"}, (f"a{i}",)) for i in range(n)]


# --- the loop -------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "turns", "batch"), [(4, 1, 5), (6, 3, 7), (10, 2, 10)])
def test_number_of_calls(size: int, turns: int, batch: int, run: Run) -> None:
    """N - 1 to begin with; N / 2 requests and N · batch rollouts in each generation."""
    optimizer = plain(
        population_size=size, n_generations=turns, batch_size=batch, operators=("first",)
    )
    seen = run(optimizer, proposal, size=40)
    assert len(seen.writer.texts) == size - 1 + turns * size // 2
    parts = [event.body["n"] for event in seen.evaluations(whole=False)]
    assert parts == [batch] * size * (turns + 1)  # The last children are scored, too.
    assert len(seen.evaluations(whole=True)) == 1 + turns + 1


@pytest.mark.parametrize("operator", ["hyper_zero", "hyper_first"])
def test_a_hyper_mutation_takes_two_requests(operator: str, run: Run) -> None:
    seen = run(plain(operators=(operator,)), proposal)
    assert len(seen.writer.texts) == 3 + 2 * (2 + 2)


def test_the_winner_of_each_pair_is_copied_and_the_loser_overwritten(run: Run) -> None:
    size, turns = 6, 5
    optimizer = plain(population_size=size, n_generations=turns, operators=("first",))
    seen = run(optimizer, proposal)
    population = ["Seed", *(body["prompt"]["instruction"] for body in bodies(seen, "init"))]
    for turn in range(turns):
        start = size - 1 + turn * size // 2
        shown = [candidates(text)[0] for text in seen.writer.texts[start : start + size // 2]]
        assert set(shown) <= set(population)
        # Whoever is shown has won: the best always, the worst never.
        scores = sorted(name.count("+") for name in population)
        assert max(name.count("+") for name in shown) == scores[-1]
        assert sum(name.count("+") for name in shown) * 2 >= sum(scores)
        children = seen.instructions[size + turn * size // 2 : size + (turn + 1) * size // 2]
        losers = list(population)
        for name in shown:
            losers.remove(name)
        kept = seen.evaluations(whole=False)[(turn + 1) * size : (turn + 2) * size]
        alive = {event.body["candidate"] for event in kept}
        names = {Prompt(name).id: name for name in seen.instructions}
        assert {names[key] for key in alive} == {*shown, *children}
        population = [names[key] for key in sorted(alive)]


def test_batches_are_fresh_and_for_each_unit_unless_paired(run: Run) -> None:
    for paired, expected in ((False, 4), (True, 2)):
        optimizer = plain(batch_size=4, n_generations=1, paired=paired)
        seen = run(optimizer, lambda n, _: tagged(f"new {n}"), size=40)
        train = {example.inputs["input"] for example in seen.task.train}
        first = [
            tuple(sorted([x for x in seen.asked_for(name) if x in train][:4]))
            for name in seen.instructions[:4]
        ]
        assert len(set(first)) == expected


def test_fitness_is_a_running_mean_and_what_is_unknown_is_not_zero() -> None:
    known, none, refused = unit("a", 0.0, 1.0, 0.5), unit("b"), unit("c", None, None)
    assert known.mean == 0.5
    assert none.mean is None
    assert refused.mean is None
    assert best_first([none, unit("z", 0.0), refused, known])[0] is known
    assert len(best_first([none, refused])) == 0
    half = unit("d", None, 0.5)
    assert half.mean == 0.5
    assert [u.prompt.instruction for u in best_first([known, half])] == ["a", "d"]
    assert len(known.right) == 1


def test_pairs_hold_everyone_once() -> None:
    units = [unit(str(i)) for i in range(7)]
    pairs = draw_pairs(random.Random(0), units)
    drawn = [u.prompt.instruction for pair in pairs for u in pair]
    assert len(pairs) == 3
    assert len(set(drawn)) == 6
    assert draw_pairs(random.Random(0), units[:1]) == []


def test_the_best_of_each_generation_is_measured_on_all_of_validation(run: Run) -> None:
    seen = run(plain(n_generations=3), proposal)
    whole = [event.body["candidate"] for event in seen.evaluations(whole=True)][1:]
    for turn, name in enumerate(whole):
        parts = seen.evaluations(whole=False)[4 * turn : 4 * turn + 4]
        means = {event.body["candidate"]: event.body["mean"] for event in parts}
        assert means[name] == max(means.values())


def test_generations_without_anything_new_end_the_search(run: Run) -> None:
    def script(n: int, _: str) -> str:
        return tagged(f"new {n}" if n < 3 else "new 0")

    optimizer = plain(n_generations=50, max_stale_generations=3, operators=("first",))
    seen = run(optimizer, script)
    assert len(seen.writer.texts) == 3 + 3 * 2
    assert len(seen.instructions) == 4


def test_it_ends_when_the_task_is_solved_or_nobody_else_is_there(run: Run) -> None:
    assert len(run(plain(), lambda _, __: tagged("+" * 10)).writer.texts) == 3
    alone = run(plain(), lambda _, __: "raw")
    assert alone.instructions == ["Seed"]
    assert len(alone.writer.texts) == 2 * 3


def test_a_task_model_that_refuses_everything_is_no_crash(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(self: object, request: object) -> object:
        raise ContentFilterError("!")

    monkeypatch.setattr("tests.fidelity.conftest.Reader.complete", refuse)
    assert run(plain(), proposal).result.best.answered == ()


# --- §3.1, initialization -------------------------------------------------------------------


def test_a_mutation_prompt_a_thinking_style_and_the_description(run: Run) -> None:
    seen = run(plain(population_size=9, n_examples=3), proposal)
    texts = seen.writer.texts[:8]
    styles = [re.findall(r"<style>\n(.*?)\n</style>", text)[0] for text in texts]
    assert set(styles) <= set(listed("styles"))
    assert {advice(text) for text in texts} <= set(listed("mutations"))
    assert len(set(styles)) > 3
    assert len({advice(text) for text in texts}) > 3
    for text in texts:
        assert "<task>\nRepeat the word.\n</task>" in text
        assert len(set(shown_inputs(text))) == 3


def test_the_mutation_prompt_stays_with_its_unit(run: Run) -> None:
    seen = run(plain(n_generations=4, operators=("first",)), proposal)
    first = {tagged_name(n): advice(text) for n, text in enumerate(seen.writer.texts[:3])}
    known = dict(first)
    for n, text in enumerate(seen.writer.texts[3:], start=3):
        (parent,) = candidates(text)
        if parent in known:
            assert advice(text) == known[parent]
            known[tagged_name(n)] = advice(text)
    assert len(known) > 5


def tagged_name(n: int) -> str:
    return proposal(n, "").removeprefix("<instruction>").removesuffix("</instruction>").strip()


@pytest.mark.parametrize("name", ["styles", "mutations"])
def test_the_lists_are_of_one_length_in_both_languages(name: str) -> None:
    english, korean = listed(name), listed(name, "ko")
    assert 12 <= len(english) == len(set(english)) == len(set(korean)) <= 20
    assert all(re.search("[가-힣]", line) for line in korean)


# --- §3.2, operators ------------------------------------------------------------------------


def after_start(operator: str, run: Run, **settings: Any) -> tuple[Seen, list[str]]:
    """A run with one operator, and the requests that follow the first population."""
    optimizer = plain(operators=(operator,), **settings)
    seen = run(optimizer, proposal)
    return seen, seen.writer.texts[optimizer.population_size - 1 :]


def test_zero_order(run: Run) -> None:
    seen, texts = after_start("zero", run)
    for text in texts:
        assert "hints" in text
        assert "<task>" in text
        assert candidates(text) == []
    assert len(bodies(seen, "zero")) == len(texts)


def test_first_order(run: Run) -> None:
    _, texts = after_start("first", run)
    for text in texts:
        assert len(candidates(text)) == 1
        assert advice(text) in listed("mutations")
        assert "<task>" not in text


def test_estimation_of_distribution(run: Run) -> None:
    orders: list[list[str]] = []
    for seed in range(3):
        optimizer = plain(operators=("eda",), n_generations=1, population_size=8)
        seen = run(optimizer, proposal, seed=seed)
        for text in seen.writer.texts[7:]:
            assert set(candidates(text)) == set(seen.instructions[:8])
            assert "score" not in text
            orders.append(candidates(text))
    assert len({tuple(order) for order in orders}) == len(orders)
    scores = [[name.count("+") for name in order] for order in orders]
    assert not all(row == sorted(row) for row in scores)


def test_rank_and_index_ascends_but_is_said_to_descend(run: Run) -> None:
    _, texts = after_start("eda_rank", run, population_size=8)
    for text in texts:
        shown = candidates(text)
        scores = [name.count("+") for name in shown]
        assert scores == sorted(scores)
        n = len(shown)
        assert f"from 1 to {n} in descending order" in text
        assert f"Number {n + 1} is the best" in text
        assert f"more like number {n} than like number 1" in text
        assert [f"\n{i}.\n<candidate>" in text for i in range(n + 2)] == [
            False, *[True] * n, False,
        ]  # fmt: skip


def test_prompts_too_much_alike_are_shown_once() -> None:
    units = [unit("Say which label fits the text best."), unit("Count the words.")]
    units += [unit("Say which label fits the text best!"), unit("Count the words.")]
    shown = [prompt.instruction for prompt in distinct(units, 0.95)]
    assert shown == ["Say which label fits the text best.", "Count the words."]
    everything = distinct(units[:3], 1.0)
    assert len(everything) == 3


@pytest.mark.parametrize(
    ("text", "other", "low", "high"),
    [("abcdef", "abcdef", 1, 1), ("abcdef", "uvwxyz", 0, 0), ("a", "a", 1, 1), ("a", "b", 0, 0),
     ("지시문을 쓰세요", "지시문을 쓰자", 0.5, 0.9), ("abcabc", "abc", 0.7, 0.99)],
)  # fmt: skip
def test_likeness(text: str, other: str, low: float, high: float) -> None:
    assert low - 1e-9 <= likeness(text, other) <= high + 1e-9
    assert likeness(text, other) == pytest.approx(likeness(other, text))


def test_the_lineage_lists_its_elites_oldest_first(run: Run) -> None:
    def climbing(n: int, _: str) -> str:
        return tagged("+" * min(9, n) + f" new {n}")

    optimizer = plain(operators=("lineage",), n_generations=6)
    seen = run(optimizer, climbing)
    lists = [candidates(text) for text in seen.writer.texts[3:] if "each better" in text]
    assert max(len(shown) for shown in lists) >= 3
    for shown in lists:
        places = [seen.instructions.index(name) for name in shown]
        assert places == sorted(set(places))
        assert [name.count("+") for name in shown] == sorted(name.count("+") for name in shown)


def test_without_the_material_another_operator_is_drawn() -> None:
    rng = random.Random(0)
    bare, full = unit("a", 0.0), unit("b", 1.0, elites=(Prompt("e"),))
    drawn = {draw_operator(rng, bare, OPERATORS) for _ in range(200)}
    assert drawn == set(OPERATORS) - {"lineage", "working"}
    assert {draw_operator(rng, full, OPERATORS) for _ in range(200)} == set(OPERATORS)
    assert draw_operator(rng, bare, ("lineage",)) == "first"


def test_operators_are_drawn_evenly() -> None:
    rng = random.Random(0)
    full = unit("b", 1.0, elites=(Prompt("e"),))
    drawn = [draw_operator(rng, full, OPERATORS) for _ in range(4000)]
    assert all(400 < drawn.count(operator) < 600 for operator in OPERATORS)


@pytest.mark.parametrize("operator", ["hyper_zero", "hyper_first"])
def test_a_new_mutation_prompt_is_applied_at_once_and_kept(operator: str, run: Run) -> None:
    def script(n: int, text: str) -> str:
        if "The writer" in text or "the writer" in text:
            return tagged(f"Advice {n}")
        return proposal(n, text)

    seen = run(plain(operators=(operator,), n_generations=3), script)
    for start in (3, 7, 11):
        asked, applied = seen.writer.texts[start : start + 2], seen.writer.texts[start + 2 :][:2]
        assert [advice(text) for text in applied] == [f"Advice {start}", f"Advice {start + 1}"]
        assert all(len(candidates(text)) == 1 for text in applied)
        for text in asked:
            if operator == "hyper_zero":
                assert "<task>" in text
                assert re.findall(r"<style>\n(.*?)\n</style>", text)[0] in listed("styles")
            else:
                known = {*listed("mutations"), *(f"Advice {n}" for n in range(start))}
                assert candidates(text)[0] in known
    improved = {name for text in seen.writer.texts[11:13] for name in candidates(text)}
    if operator == "hyper_first":
        assert any(name.startswith("Advice") for name in improved)
    assert len(bodies(seen, operator)) == 6


def test_worked_solutions_are_right_answers_of_the_unit(run: Run) -> None:
    optimizer = plain(operators=("working",), n_examples=2, n_generations=3)
    seen = run(optimizer, lambda n, _: tagged(f"++++ new {n}"), seed_prompt="++++ Seed")
    shown = [text for text in seen.writer.texts[3:] if "friend" in text]
    assert len(shown) == 6
    for text in shown:
        pairs = re.findall(r"<input>\n(.*?)\n</input>\n<output>\n(.*?)\n</output>", text)
        assert len(pairs) == 2
        for question, answer in pairs:
            assert question == answer
            assert int(question[1:]) % 10 < 4


# --- §3.2.5, crossover and shuffling --------------------------------------------------------


def crossed(run: Run, chance: float) -> Seen:
    optimizer = plain(population_size=10, crossover_chance=chance, n_generations=2, n_demos=1)
    return run(optimizer, lambda n, _: tagged(f"+++ new {n}"), seed_prompt="+++ Seed")


def test_crossover_takes_the_instruction_of_another_unit(run: Run) -> None:
    seen = crossed(run, 1.0)
    children = bodies(seen, "crossover")
    assert children
    started = seen.instructions[:10]
    prompts = {e.key: e.body["prompt"]["instruction"] for e in seen.events if e.kind == "candidate"}
    for body in children:
        parent, other = body["parents"]
        assert parent != other
        assert body["prompt"]["instruction"] == prompts[other]
        assert body["prompt"]["instruction"] in started
    assert bodies(crossed(run, 0.0), "crossover") == []


def test_demos_are_right_answers_of_the_winner_one_more_each_time(run: Run) -> None:
    optimizer = plain(n_demos=2, n_generations=8, operators=("first",), batch_size=6)
    seen = run(optimizer, lambda n, _: tagged(f"+++++ new {n}"), seed_prompt="+++++ Seed", size=20)
    prompts = {e.key: e.body for e in seen.events if e.kind == "candidate"}
    sizes = {0: 0}
    for body in bodies(seen, "first"):
        demos = body["prompt"]["demos"]
        (parent,) = body["parents"]
        before = prompts[parent]["prompt"]["demos"]
        assert len(demos) <= min(2, len(before) + 1)
        assert sum(demo not in before for demo in demos) <= 1
        for demo in demos:
            assert demo["user"] == demo["assistant"]
            assert int(demo["user"][1:]) % 20 < 5
        sizes[len(demos)] = sizes.get(len(demos), 0) + 1
    assert set(sizes) == {0, 1, 2}


def test_a_unit_is_not_scored_on_its_own_demos(run: Run) -> None:
    optimizer = plain(n_demos=2, n_generations=6, batch_size=20)
    seen = run(optimizer, lambda n, _: tagged("+" * min(n, 18) + f" new {n}"), size=20)
    prompts = {e.key: e.body["prompt"] for e in seen.events if e.kind == "candidate"}
    sizes = [
        (event.body["n"], len(prompts[event.body["candidate"]]["demos"]))
        for event in seen.evaluations(whole=False)
    ]
    assert all(n + demos == 20 for n, demos in sizes)
    assert {0, 1, 2} == {demos for _, demos in sizes}


def test_shuffling() -> None:
    rng = random.Random(0)
    full = unit("a", 1.0, 1.0, 1.0, 0.0, 1.0)
    first, second, third, fourth = full.right
    assert len(full.shuffled(rng, 2, 0)) == 1
    known = replace(full, demos=(first, second))
    for _ in range(20):
        demos = known.shuffled(rng, 2, 0)
        assert len(demos) == 2
        assert len({*demos} & {first, second}) == 1
        assert len({*demos} & {third, fourth}) == 1
    anew = {known.shuffled(rng, 2, 1) for _ in range(60)}
    assert {(third, fourth), (fourth, third)} & anew
    assert full.shuffled(rng, 0, 1) == ()
    assert unit("b", 0.0).shuffled(rng, 2, 0) == ()


def test_settings() -> None:
    optimizer = Promptbreeder()
    assert (optimizer.crossover_chance, optimizer.shuffle_chance) == (0.1, 0.1)
    assert optimizer.max_similarity == 0.95
    assert len(OPERATORS) == 8
    bad: Callable[..., Promptbreeder] = Promptbreeder
    for wrong in ((), ("first", "second")):
        with pytest.raises(SettingsError, match="operators is"):
            bad(operators=wrong)
    with pytest.raises(SettingsError, match="population_size"):
        Promptbreeder(population_size=1)
