"""Race search: operators that results weigh, a gate for repairs, and one race that judges all."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo import (
    Budget,
    Evaluation,
    Example,
    MetaPrompt,
    Prompt,
    Rollout,
    Score,
    Search,
    SettingsError,
    Task,
)
from apo.optimizers.parts.breeding import Brood, demonstrated, fitting
from apo.optimizers.parts.draw import some
from apo.optimizers.parts.racing import (
    Racetrack,
    cautious_mean,
    heat_order,
    heats_cost,
    standard_errors_ahead,
)
from apo.optimizers.race_search import FIRST, RaceSearch, formless
from apo.testing import fake_task
from tests.fidelity.conftest import Run, shown_candidates, shown_inputs, tagged
from tests.test_search import Stage, Told, on_stage, says

KINDS = {
    "induce": "The instruction has been lost",
    "repair": "Mend the instruction",
    "improve": "than any that has been tried",
    "restate": "from what you know about such work",
}


def kind(text: str) -> str:
    """Which meta-prompt a text is."""
    [name] = [name for name, words in KINDS.items() if words in text]
    return name


def evaluation(
    scores: Sequence[float | None], prompt: Prompt | str = "p", *, start: int = 0
) -> Evaluation:
    """One prompt's scores on numbered examples; None is an answer that was refused."""
    rollouts = [
        Rollout(Example({"input": f"e{i}"}, ("t",)), "", None if s is None else Score(s))
        for i, s in enumerate(scores, start)
    ]
    return Evaluation(prompt if isinstance(prompt, Prompt) else Prompt(prompt), tuple(rollouts))


# --- the rules of the race ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("child", "best", "ahead"),
    [
        ([1, 1, 0], [1, 1, 0], 0.0),
        ([1, 0], [0, 1], 0.0),
        ([1, 1], [0, 0], math.inf),
        ([0, 0], [1, 1], -math.inf),
        ([0.5, 0.5], [1, 1], -math.inf),
        ([1], [0], math.inf),
        # Gaps 1, 0, 0, 0: mean 1/4, deviation 1/2, standard error 1/4.
        ([1, 0, 1, 0], [0, 0, 1, 0], 1.0),
        ([0, 0, 1, 0], [1, 0, 1, 0], -1.0),
        # Gaps 1, 1, 0, 0: mean 1/2, standard error sqrt(1/3)/2.
        ([1, 1, 0, 0], [0, 0, 0, 0], math.sqrt(3)),
    ],
)
def test_standard_errors_ahead(child: list[float], best: list[float], ahead: float) -> None:
    assert standard_errors_ahead(evaluation(child), evaluation(best)) == pytest.approx(ahead)


def test_only_what_both_answered_is_compared() -> None:
    child = evaluation([None, 1, 0, 1, 0, 1])
    best = evaluation([1, None, 0, 0, 0, 1, 1, 1, 1])
    # Examples 2 to 5: gaps 0, 1, 0, 0.
    assert standard_errors_ahead(child, best) == pytest.approx(1)
    assert standard_errors_ahead(child, None) == 0
    assert standard_errors_ahead(evaluation([None, None]), best) == 0
    assert standard_errors_ahead(child, evaluation([1], start=100)) == 0


numbers = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=2, max_size=12)


@given(numbers, st.data())
def test_it_is_the_paired_t_value_whoever_is_named_first(
    child: list[float], data: st.DataObject
) -> None:
    best = data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=12, max_size=12))
    one, two = evaluation(child), evaluation(best)
    gaps = [a - b for a, b in zip(child, best, strict=False)]
    found = standard_errors_ahead(one, two)
    assert found == pytest.approx(-standard_errors_ahead(two, one))
    if len(set(gaps)) > 1:
        error = statistics.stdev(gaps) / math.sqrt(len(gaps))
        assert found == pytest.approx(statistics.mean(gaps) / error)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), max_size=30))
def test_the_cautious_mean_takes_off_what_luck_may_have_given(scores: list[float | None]) -> None:
    found = evaluation(scores)
    n = sum(score is not None for score in scores)
    assert cautious_mean(found) == pytest.approx(found.mean - 0.5 / math.sqrt(max(1, n)))


def test_a_mean_over_few_examples_counts_for_less() -> None:
    lucky, proven = evaluation([1, 1]), evaluation([1, 1, 1, 1, 0] * 4)
    assert lucky.mean > proven.mean
    assert cautious_mean(lucky) < cautious_mean(proven)


def test_the_history_has_the_best_last_and_is_cut_from_its_bad_end() -> None:
    known = [
        evaluation([1, 0] * 10, "half"),
        evaluation([1, 1, 1], "lucky"),
        evaluation([1] * 19 + [0], "proven"),
        evaluation([0] * 20, "none"),
    ]
    track = Racetrack([], 0.15, 1, {e.prompt: e for e in known})
    order = ["none", "half", "lucky", "proven"]
    for n in range(1, 6):
        assert [e.prompt.instruction for e in track.history(n)] == order[-n:]


# --- the race -------------------------------------------------------------------------------


def by_rows(rows: dict[str, str]) -> Any:
    """Answers of prompts that are right where their row of 20 has a 1, seen as places."""

    def answer(messages: list[str], _: int) -> str:
        return messages[-1] if rows[messages[0]][int(messages[-1][1:]) - 20] == "1" else "?"

    return answer


@dataclass
class Raced:
    """What came of a race.

    Attributes:
        asked: how many examples each child was measured on, by its instruction.
        winners: who came through.
        whole: the children that were measured on the whole validation split.
    """

    asked: dict[str, int] = field(default_factory=dict[str, int])
    winners: list[str] = field(default_factory=list[str])
    whole: list[str] = field(default_factory=list[str])


def race(
    best: str, children: dict[str, str], *, first_share: float = 0.15, slack: float = 1.0
) -> Raced:
    """Race children against the seed, by their rows of right answers in the order of the heats."""
    raced = Raced()

    async def work(stage: Stage) -> None:
        search = stage.search
        await search.evaluate(search.seed_prompts[0])
        track = Racetrack(search.task.validation, first_share, slack)
        found = await track.race(search, [Prompt(name) for name in children])
        raced.winners += [prompt.instruction for prompt in found]
        counts = Counter(messages[0] for messages in stage.task_model.asked)
        raced.asked.update({name: counts[name] for name in children})
        raced.whole += [e.prompt.instruction for e in search.archive[::-1]]
        raced.whole.remove("Answer")
        for prompt, known in track.known.items():
            assert len(known.rollouts) == counts[prompt.instruction]

    on_stage(work, answers=by_rows({"Answer": best, **children}))
    return raced


NONE = "0" * 20


def first(n: int) -> str:
    """A row that is right on the first n."""
    return "1" * n + "0" * (20 - n)


def test_each_heat_takes_twice_as_many_examples_and_half_of_the_children() -> None:
    # Heats of 3, 6 and 12 of 20; all are ahead of the seed, and those right for longer stay.
    lengths = {f"c{n}": first(n) for n in (1, 2, 3, 4, 7, 8, 13, 20)}
    raced = race(NONE, lengths)
    sizes = {1: 3, 2: 3, 3: 6, 4: 6, 7: 12, 8: 20, 13: 12, 20: 20}
    # Of equals in a heat those that come first stay: 3, 4, 7 and 8 after the first.
    assert Counter(raced.asked.values()) == Counter({3: 4, 6: 2, 12: 1, 20: 1})
    assert raced.asked["c1"] == raced.asked["c2"] == sizes[1]
    assert raced.winners == raced.whole == [name for name, n in raced.asked.items() if n == 20]


@pytest.mark.parametrize(
    ("n", "sizes"),
    [(1, {20: 1}), (2, {3: 1, 20: 1}), (3, {3: 1, 6: 1, 20: 1}), (5, {3: 2, 6: 1, 12: 1, 20: 1})],
)
def test_the_better_half_is_rounded_up(n: int, sizes: dict[int, int]) -> None:
    raced = race(NONE, {f"c{i}": "1" * 20 for i in range(n)})
    assert Counter(raced.asked.values()) == Counter(sizes)
    assert raced.asked["c0"] == 20  # Of equals the first.


@pytest.mark.parametrize(
    ("first_share", "sizes"),
    [(0.01, [2, 4, 8, 16]), (0.15, [3, 6, 12]), (0.3, [6, 12]), (0.5, [10]), (1.0, [])],
)
def test_the_first_heat_takes_its_share_and_at_least_two(
    first_share: float, sizes: list[int]
) -> None:
    children = {f"c{i}": "1" * 20 for i in range(32)}
    raced = race(NONE, children, first_share=first_share)
    expected = Counter[int]()
    alive = 32
    for size in sizes:
        expected[size] = alive - alive // 2
        alive //= 2
    expected[20] = alive
    assert Counter(raced.asked.values()) == expected
    assert len(raced.winners) == alive


def test_who_is_clearly_behind_goes_at_once() -> None:
    raced = race("1" * 20, {"bad": NONE, "good": "1" * 20})
    assert raced.asked == {"bad": 3, "good": 6}  # And who is only as good goes a heat later.
    assert raced.winners == raced.whole == []


def test_who_ties_goes_from_the_second_heat_on() -> None:
    best = "10" * 10
    assert race(best, {"tied": best}).asked == {"tied": 6}
    assert race(best, {"ahead": "11" + "10" * 9}).asked == {"ahead": 20}
    # Ahead in the heats of 3 and 6, level in that of 12: one better, one worse.
    assert race(best, {"level": "111010" + "00" + "10" * 6}).asked == {"level": 12}


def test_who_is_a_little_behind_stays_within_the_slack() -> None:
    # Wrong on one alone where the best is right on all: one standard error behind in any heat.
    best, child = "1" * 20, "0" + "1" * 19
    assert race(best, {"c": child}, slack=0.9).asked == {"c": 3}
    assert race(best, {"c": child}, slack=1.1).asked == {"c": 20}
    assert race(best, {"c": child}, slack=1.1).winners == ["c"]


def test_without_slack_only_those_ahead_stay() -> None:
    raced = race("10" * 10, {"tied": "10" * 10, "ahead": "11" + "10" * 9}, slack=0)
    assert raced.asked == {"tied": 3, "ahead": 20}


@given(st.text("01", min_size=20, max_size=20))
def test_what_the_seed_prompt_fails_comes_at_even_distances(right: str) -> None:
    drawn = list[tuple[list[str], list[str]]]()

    async def work(stage: Stage) -> None:
        search = stage.search
        await search.evaluate(search.seed_prompts[0])
        order = heat_order(search)
        assert sorted(order, key=str) == sorted(search.task.validation, key=str)
        drawn.append(([e.inputs["input"] for e in order], [*right]))

    on_stage(work, answers=by_rows({"Answer": right}))
    [(order, rows)] = drawn
    failed = [rows[int(name[1:]) - 20] == "0" for name in order]
    n = sum(failed)
    for size in range(1, 20):  # Of any length the first rows hold their share, rounded up.
        assert n == 20 or sum(failed[:size]) == math.ceil(n * size / 20)


def test_a_better_prompt_is_seen_where_the_seed_prompt_fails_one_row_of_twenty() -> None:
    asked = dict[str, int]()

    async def work(stage: Stage) -> None:
        search = stage.search
        await search.evaluate(search.seed_prompts[0])
        await Racetrack(heat_order(search), 0.15, 1).race(search, [Prompt("right")])
        asked.update(Counter(messages[0] for messages in stage.task_model.asked))
        assert search.solved

    for place in range(20):
        rows = {"Answer": "1" * place + "0" + "1" * (19 - place), "right": "1" * 20}
        on_stage(work, answers=by_rows(rows))
        assert asked == {"Answer": 20, "right": 20}


def test_a_race_without_children_costs_nothing() -> None:
    assert race("1" * 20, {}).whole == []


# --- the children ---------------------------------------------------------------------------


def test_a_repair_must_do_better_on_the_failures_that_it_was_shown() -> None:
    rows = {"Answer": "0", "same": "?", "worse": "?", "better": "x3", "other": "x9"}

    def answer(messages: list[str], _: int) -> str:
        return messages[-1] if messages[-1] in rows[messages[0]].split() else "?"

    async def work(stage: Stage) -> None:
        search = stage.search
        examples = search.task.train[:5]
        failures = (await search.evaluate(search.seed_prompts[0], examples)).failures
        assert len(failures) == 5
        brood = Brood()
        meta = [MetaPrompt("repair", f"mend {i}", search.seed_prompts) for i in range(3)]
        for each in meta:
            brood.ask(each, failures)
        brood.ask(MetaPrompt("induce", "anew"))
        grown = await brood.grown(search)
        assert [(p.instruction, name) for p, name in grown] == [
            ("better", "repair"),
            ("worse", "induce"),  # Nothing was shown, so nothing is asked of it.
        ]
        asked = Counter(messages[0] for messages in stage.task_model.asked)
        assert asked == {"Answer": 5, "same": 5, "better": 5, "other": 5}

    texts = [tagged(name) for name in ("same", "better", "other", "worse")]
    on_stage(work, answers=answer, writer=says(*texts))


def test_a_repair_that_is_right_about_as_much_as_before_does_not_race() -> None:
    """Failures may be half right; the child has to beat their sum."""
    example = fake_task().train[0]
    half = Rollout(example, "", Score(1.0))

    async def work(stage: Stage) -> None:
        brood = Brood()
        brood.ask(MetaPrompt("repair", "mend"), [half])
        assert await brood.grown(stage.search) == []

    on_stage(work, writer=says(tagged("right as well")))


def test_demos_come_first_and_what_is_known_comes_not_at_all() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        brood = Brood()
        brood.ask(MetaPrompt("induce", "a"))
        brood.ask(MetaPrompt("improve", "b", (Prompt("Answer"),)))
        brood.ask(MetaPrompt("restate", "c"))
        brood.add([Prompt("with demos")], "demos")
        grown = await brood.grown(search)
        assert [(p.instruction, name) for p, name in grown] == [
            ("with demos", "demos"),
            ("new", "induce"),
            ("newer", "restate"),
        ]
        assert stage.reasons == ["seen before"]

    on_stage(work, writer=says(tagged("new"), tagged("Answer"), tagged("newer")))


def test_demonstrated_takes_one_to_max_demos_training_examples() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        parent = Prompt("Go on")
        train = {example.inputs["input"] for example in search.task.train}
        sizes: Counter[int] = Counter()
        for _ in range(60):
            for child in demonstrated(search, parent, 3):
                assert child.instruction == "Go on"
                names = [demo.user for demo in child.demos]
                assert len(set(names)) == len(names)
                assert set(names) <= train
                assert all(demo.user == demo.assistant for demo in child.demos)
                sizes[len(names)] += 1
        assert sorted(sizes) == [1, 2, 3]
        made = [e.body for e in stage.events("candidate") if e.body["operator"] != "seed"]
        assert len(made) == sizes.total()
        assert {(body["operator"], *body["parents"]) for body in made} == {("demos", parent.id)}
        assert set(stage.reasons) <= {"seen before"}

    on_stage(work)


def test_some_draws_at_most_so_many_of_those_there_are() -> None:
    async def work(stage: Stage) -> None:
        found = evaluation([0] * 6).failures
        for n in range(9):
            drawn = some(stage.search.rng, found, n)
            assert len(drawn) == len({r.example.id for r in drawn}) == min(n, 6)
            assert all(r in found for r in drawn)

    on_stage(work)


def fitting_for(lengths: Sequence[int], n: int, max_chars: int) -> int:
    """How many fit, of training examples with so many characters, 4 of them the target's."""
    train = [Example({"input": "x" * (length - 4)}, ("text",)) for length in lengths]

    def shown(example: Example) -> str:
        return example.inputs["input"]

    search = SimpleNamespace(task=SimpleNamespace(train=train), shown=shown)
    return fitting(cast("Search", search), n, max_chars)


@pytest.mark.parametrize(
    ("lengths", "n", "max_chars", "fit"),
    [
        ((10,) * 5, 8, 20_000, 8),
        ((5000,), 8, 20_000, 4),
        ((5001,), 8, 20_000, 3),
        ((1000, 9000), 8, 20_000, 4),  # By the average.
        ((30_000,), 8, 20_000, 1),  # One in any case.
        ((), 8, 20_000, 8),
    ],
)
def test_fewer_long_examples_fit(
    lengths: tuple[int, ...], n: int, max_chars: int, fit: int
) -> None:
    assert fitting_for(lengths, n, max_chars) == fit


@given(
    st.lists(st.integers(4, 3000), min_size=1, max_size=6),
    st.integers(1, 30),
    st.integers(1, 20_000),
)
def test_as_many_as_fit_and_no_more(lengths: list[int], n: int, max_chars: int) -> None:
    found = fitting_for(lengths, n, max_chars)
    average = sum(lengths) / len(lengths)
    assert 1 <= found <= n
    assert found == 1 or found * average <= max_chars + 1e-6
    assert found == n or (found + 1) * average > max_chars - 1e-6


# --- the rounds -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Scripted(RaceSearch):
    """Race search whose children cost nothing; it keeps what was drawn for each round.

    Attributes:
        rounds: the operators of each round.
    """

    rounds: list[list[str]] = field(default_factory=list[list[str]], compare=False)

    async def breed(
        self, search: Search, track: Racetrack, operators: Sequence[str]
    ) -> list[tuple[Prompt, str]]:
        self.rounds.append(list(operators))
        n = len(self.rounds)
        return [(Prompt(f"{n} {i} {name}"), name) for i, name in enumerate(operators)]


@pytest.fixture
def winning(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The operators whose children come through every race; no other ones do."""
    names: set[str] = set()

    async def race(self: Racetrack, search: Search, pool: Sequence[Prompt]) -> list[Prompt]:
        return [prompt for prompt in pool if prompt.instruction.split()[-1] in names]

    monkeypatch.setattr(Racetrack, "race", race)
    return names


def rounds(
    optimizer: Scripted, *, prepared: Sequence[str] = (), seed: int = 0, said: str = "x"
) -> list[list[str]]:
    """The operators of each round; prompts that are prepared have been measured before."""

    async def work(stage: Stage) -> None:
        for text in prepared:
            await stage.search.evaluate(Prompt(text))
        await optimizer.run(stage.search)

    on_stage(work, answers=lambda _, __: said, seed=seed)
    return optimizer.rounds


@pytest.mark.parametrize("n_children", [2, 5, 8])
def test_the_first_round_induces_and_restates(n_children: int, winning: set[str]) -> None:
    found = rounds(Scripted(n_children=n_children, max_stale_rounds=3))
    assert not winning
    assert FIRST == 3
    assert found[0] == ["induce"] * (3 * n_children) + ["restate"] * 2
    assert [len(names) for names in found[1:]] == [n_children] * 2


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize(("malformed", "lacks"), [(0, False), (3, False), (4, True), (10, True)])
def test_where_form_or_writer_are_weak_the_first_round_shows_examples(
    malformed: int, lacks: bool, small: bool
) -> None:
    rollouts = [
        Rollout(Example({"input": f"e{i}"}, ("t",)), "", Score(0.0, well_formed=i >= malformed))
        for i in range(10)
    ]
    seeds = [Evaluation(Prompt("Seed"), tuple(rollouts))]
    search: Any = SimpleNamespace(task=fake_task(20), calls_left=1e6, small_writer=small)
    found = Counter(RaceSearch(n_children=5).first(search, seeds))
    shown = {"balanced": 15, "induce": 3, "restate": 2}
    if small:
        assert found == {"balanced": 5 * 5}
    else:
        assert found == (shown if lacks else {"induce": 15, "restate": 2})
    assert "balanced" not in RaceSearch(max_demos=0).first(search, seeds)
    assert formless(seeds[0]) is lacks


@pytest.mark.parametrize(
    ("calls_left", "n"),
    [(1e6, 40), (154, 18), (148, 18), (147, 17), (30, 3), (27, 2), (math.inf, 8)],
)
def test_a_small_writer_races_as_many_sets_as_the_calls_that_are_left_can_tell_apart(
    calls_left: float, n: int
) -> None:
    """18 sets take 18 x 4 + 9 x 4 + 5 x 8 calls before the last heat, 17 one set of 4 fewer."""
    search: Any = SimpleNamespace(task=fake_task(26), calls_left=calls_left, small_writer=True)
    assert RaceSearch().first(search, []) == ["balanced"] * n


@pytest.mark.parametrize("n", [1, 2, 5, 8, 18])
def test_the_heats_before_the_last_cost_what_was_reckoned(n: int) -> None:
    asked = race(NONE, {f"c{i}": "1" * 20 for i in range(n)}).asked
    assert sum(min(size, 12) for size in asked.values()) == heats_cost(n, 20, 0.15)


def test_where_the_form_is_missing_demos_are_balanced_in_all_rounds(winning: set[str]) -> None:
    winning.add("balanced")
    found = rounds(Scripted(max_stale_rounds=6), said="?")
    assert "demos" not in chain.from_iterable(found)
    assert Counter(found[-1])["balanced"] > 3


def test_a_small_writer_mends_nothing_and_half_of_the_children_have_other_examples(
    winning: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Search, "small_writer", True)
    found = rounds(Scripted(max_stale_rounds=40))
    drawn = Counter(chain.from_iterable(found[1:]))
    assert drawn.keys() == {"improve", "restate", "balanced"}
    assert 0.4 < drawn["balanced"] / drawn.total() < 0.6
    assert "balanced" not in chain.from_iterable(rounds(Scripted(max_demos=0, max_stale_rounds=3)))


@pytest.mark.parametrize("small", [False, True])
def test_a_small_model_is_shown_twice_as_many_examples(
    small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Search, "small_writer", small)

    async def work(stage: Stage) -> None:
        await stage.search.evaluate(stage.search.seed_prompts[0])
        track = Racetrack(stage.search.task.validation, 0.2, 1.0)
        children = await RaceSearch(max_demos=4).breed(stage.search, track, ["balanced"] * 20)
        sizes = {len(child.demos) for child, _ in children}
        assert sizes == ({8} if small else {2, 3, 4})

    on_stage(work, answers=lambda _, __: "?")


@pytest.mark.parametrize("max_demos", [1, 5, 8])
def test_balanced_demos_are_many_and_have_each_label_in_its_share(max_demos: int) -> None:
    async def work(stage: Stage) -> None:
        rows = [Example({"input": f"r{i}"}, ("ab"[i % 4 == 0],)) for i in range(40)]
        stage.search.task = replace(stage.search.task, train=rows)
        for _ in range(30):
            least = math.ceil(max_demos / 2)
            for child in demonstrated(
                stage.search, Prompt("Go on"), max_demos, least=least, balanced=True
            ):
                labels = Counter(demo.assistant for demo in child.demos)
                assert math.ceil(max_demos / 2) <= labels.total() <= max_demos
                assert abs(labels["b"] - labels.total() / 4) <= 1
                assert len(labels) == 2 or max_demos == 1

    on_stage(work)


def test_with_more_targets_than_demos_the_rare_ones_are_not_shown_first() -> None:
    async def work(stage: Stage) -> None:
        targets = ["often"] * 60 + [f"rare {i}" for i in range(20)]
        rows = [Example({"input": f"r{i}"}, (target,)) for i, target in enumerate(targets)]
        stage.search.task = replace(stage.search.task, train=rows)
        shown = Counter[str]()
        for _ in range(8):
            search, prompt = stage.search, Prompt("Go on")
            [child] = demonstrated(search, prompt, 16, least=16, balanced=True)
            shown.update(demo.assistant for demo in child.demos)
        assert shown["often"] > shown.total() / 2  # Of one of each it would be 8 in all, or none.

    on_stage(work)


def test_a_stage_that_goes_on_from_others_tries_each_operator_once(winning: set[str]) -> None:
    found = rounds(Scripted(max_stale_rounds=1), prepared=["something"])
    assert not winning
    assert found == [["repair", "improve", "induce", "restate", "demos"]]
    found = rounds(Scripted(max_stale_rounds=1, max_demos=0), prepared=["something"])
    assert found == [["repair", "improve", "induce", "restate"]]


def test_rounds_without_a_better_prompt_end_it(winning: set[str]) -> None:
    winning.add("improve")  # Coming through is not enough.
    for most in (1, 4, 7):
        assert len(rounds(Scripted(max_stale_rounds=most))) == most
    assert RaceSearch().max_stale_rounds == 40


@pytest.mark.parametrize("name", ["repair", "improve", "restate", "demos"])
def test_an_operator_whose_children_win_is_drawn_more_often(name: str, winning: set[str]) -> None:
    winning.add(name)
    drawn = Counter(chain.from_iterable(rounds(Scripted())[10:]))
    assert drawn.total() == 30 * 8
    assert drawn[name] > 0.7 * drawn.total()
    assert len(drawn) > 1  # The others are tried now and then.


def test_without_a_winner_no_operator_is_drawn_much_more_often(winning: set[str]) -> None:
    assert not winning
    drawn = Counter(chain.from_iterable(rounds(Scripted())[10:]))
    assert sorted(drawn) == ["demos", "improve", "induce", "repair", "restate"]
    assert max(drawn.values()) < 0.35 * drawn.total()


def test_without_demos_none_are_drawn(winning: set[str]) -> None:
    winning.add("improve")
    drawn = Counter(chain.from_iterable(rounds(Scripted(max_demos=0))))
    assert set(drawn) == {"repair", "improve", "induce", "restate"}


@pytest.mark.parametrize(
    ("max_calls", "n"), [(None, 8), (1000, 8), (320, 8), (319, 7), (200, 5), (120, 3), (79, 2)]
)
def test_the_number_of_children_follows_from_what_is_left(max_calls: int | None, n: int) -> None:
    """A heat has 3 of 20 examples, and a call for the child: 4. A tenth of what is left goes."""

    async def work(stage: Stage) -> None:
        assert RaceSearch().affordable(stage.search) == n

    on_stage(work, max_calls=max_calls)


def test_fewer_children_as_the_budget_ends(winning: set[str]) -> None:
    assert not winning
    sizes: list[int] = []

    async def work(stage: Stage) -> None:
        search = stage.search
        for text in ("", "a", "b", "c", "d", "e"):
            sizes.append(RaceSearch().affordable(search))
            await search.evaluate(Prompt(f"Answer {text}".strip()))

    on_stage(work, max_calls=260)
    assert sizes == [6, 6, 5, 5, 4, 4]


# --- what is shown --------------------------------------------------------------------------


@dataclass
class Bred:
    """What came of a round of children.

    Attributes:
        texts: the meta-prompts, in order.
        children: the children, with their operators.
        asked: (instruction, input) of all that was asked.
        parents: the ids of the parents of all candidates, by their instruction.
    """

    texts: list[str] = field(default_factory=list[str])
    children: list[tuple[Prompt, str]] = field(default_factory=list[tuple[Prompt, str]])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    parents: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


def bred(
    operators: Sequence[str],
    optimizer: RaceSearch | None = None,
    *,
    task: Task | None = None,
    right: int = 0,
) -> Bred:
    """Breed one round from the seed, which is right about so many of 20, and two better ones."""
    found = Bred()

    def answer(messages: list[str], _: int) -> str:
        return messages[-1] if int(messages[-1][1:]) % 20 < right + messages[0].count("+") else "?"

    async def work(stage: Stage) -> None:
        search = stage.search
        for text in ("Answer", "One +", "Two ++"):
            await search.evaluate(Prompt(text))
        track = Racetrack(search.task.validation, 0.15, 1)
        track.known.update((e.prompt, e) for e in search.archive)
        found.children += await (optimizer or RaceSearch()).breed(search, track, operators)
        found.texts += [messages[-1] for messages in stage.writer.asked]
        found.asked += [(messages[0], messages[-1]) for messages in stage.task_model.asked]
        for event in stage.events("candidate"):
            found.parents[event.body["prompt"]["instruction"]] = event.body["parents"]

    writer = Told(lambda _, n: tagged(f"Three +++++ {n}"))
    on_stage(work, task=task or fake_task(), answers=answer, writer=writer)
    return found


def in_language(language: str) -> Task:
    return replace(fake_task(), language=language)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_improve_shows_the_history_worst_first(language: str) -> None:
    for n, expected in ((10, [(0, "Answer"), (5, "One +"), (10, "Two ++")]), (2, None)):
        found = bred(["improve"], RaceSearch(n_history=n), task=in_language(language))
        [text], [(child, name)] = found.texts, found.children
        shown = shown_candidates(text)
        assert shown == (expected or [(5, "One +"), (10, "Two ++")])
        assert name == "improve"
        assert child.instruction == "Three +++++ 0"
        assert found.parents["Three +++++ 0"] == [Prompt("Two ++").id]
        assert bool(re.search("[가-힣]", text)) == (language == "ko")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_repair_shows_a_leader_and_its_failures(language: str) -> None:
    optimizer = RaceSearch(n_mended=1, n_failures=4, n_shown=3)
    found = bred(["repair"], optimizer, task=in_language(language))
    [text] = found.texts
    assert shown_candidates(text) == [(10, "Two ++")]
    failures = re.findall(
        r"<example>\n<input>\n(.*?)\n</input>\n<output>\n(.*?)\n</output>\n<answer>\n(.*?)\n"
        r"</answer>\n<feedback>\n(.*?)\n</feedback>\n</example>",
        text,
    )
    assert len(failures) == 4
    for shown, wanted, answer, feedback in failures:
        assert int(shown[1:]) in range(2, 20)  # Of the training examples, where two '+' fail.
        assert (wanted, answer, feedback) == (shown, "?", "The answer was '?'.")
    assert 1 <= len(shown_inputs(text)) - len(failures) <= 3
    assert found.parents["Three +++++ 0"] == [Prompt("Two ++").id]
    # The gate: measured on the very failures that were shown, and better on inputs 2 to 4 alone.
    gate = [last for instruction, last in found.asked if instruction == "Three +++++ 0"]
    assert sorted(gate) == sorted(shown for shown, *_ in failures)
    better = any(int(last[1:]) < 5 for last in gate)
    assert [name for _, name in found.children] == ["repair"] * better
    assert text.count("<instruction>") == text.count("</instruction>") == 1
    assert bool(re.search("[가-힣]", text)) == (language == "ko")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_restate_shows_the_task_and_a_leader_without_score_and_examples(language: str) -> None:
    task = replace(in_language(language), labels=("yes", "no"))
    found = bred(["restate"], task=task)
    [text], [(_, name)] = found.texts, found.children
    assert name == "restate"
    [shown] = re.findall(r"<candidate>\n(.*?)\n</candidate>", text)
    assert shown in ("Answer", "One +", "Two ++")
    assert "<task>\nRepeat the word.\n</task>" in text
    assert "<labels>\nyes, no\n</labels>" in text
    assert shown_inputs(text) == []
    assert "score=" not in text
    assert text.count("<instruction>") == text.count("</instruction>") == 1
    assert bool(re.search("[가-힣]", text)) == (language == "ko")


def test_without_failures_it_induces_in_place_of_a_repair() -> None:
    found = bred(["repair"], right=20)
    [text], [(_, name)] = found.texts, found.children
    assert kind(text) == name == "induce"


def test_failures_are_sought_for_the_first_leaders_on_some_training_examples() -> None:
    for n_mended, expected in ((1, {"Two ++"}), (2, {"Two ++", "One +"})):
        asked = bred(["repair"], RaceSearch(n_mended=n_mended, n_studied=7)).asked
        studied = [pair for pair in in_train(asked) if not pair[0].startswith("Three")]
        assert {instruction for instruction, _ in studied} == expected
        assert {last for _, last in studied} == {f"x{i}" for i in range(7)}
    assert not in_train(bred(["induce", "improve", "restate"]).asked)  # Nobody is studied.


def in_train(asked: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(instruction, last) for instruction, last in asked if int(last[1:]) < 20]


def test_demos_are_given_to_one_of_the_leaders() -> None:
    found = bred(["demos"] * 12, RaceSearch(n_leaders=2, max_demos=3))
    children = found.children
    assert found.texts == []
    assert {child.instruction for child, _ in children} == {"Two ++", "One +"}
    assert {len(child.demos) for child, _ in children} == {1, 2, 3}
    assert {name for _, name in children} == {"demos"}


def test_now_more_now_fewer_examples_are_shown() -> None:
    texts = bred(["induce"] * 40, RaceSearch(n_shown=9)).texts
    sizes = Counter(len(shown_inputs(text)) for text in texts)
    assert min(sizes) == 3  # A quarter, rounded up.
    assert max(sizes) == 9
    assert len(sizes) > 4
    short = bred(["induce"] * 5, RaceSearch(max_chars=20)).texts  # Of 5 on average: four fit.
    assert {len(shown_inputs(text)) for text in short} <= {1, 2, 3, 4}


def test_all_instructions_of_a_round_are_asked_for_before_any_child_is_measured() -> None:
    order: list[str] = []

    async def work(stage: Stage) -> None:
        search = stage.search
        await search.evaluate(search.seed_prompts[0])
        track = Racetrack(search.task.validation, 0.15, 1)
        await RaceSearch().breed(search, track, ["repair", "induce", "restate"])

    def answer(messages: list[str], _: int) -> str:
        order.append(messages[0])
        return "?"

    def reply(messages: list[str], n: int) -> str:
        order.append(kind(messages[-1]))
        return tagged(f"new {n}")

    on_stage(work, answers=answer, writer=Told(reply))
    asked = [place for place, text in enumerate(order) if text in KINDS]
    assert [order[place] for place in asked] == ["repair", "induce", "restate"]
    assert asked[-1] - asked[0] == 2
    assert set(order[asked[-1] + 1 :]) == {"new 0"}  # The repair alone has a gate.


# --- whole runs -----------------------------------------------------------------------------


def climbing(n: int, _: str) -> str:
    return tagged("+" * (n % 7) + f" new and long {n}")


def test_a_run_finds_the_best_and_pays_nothing_twice(run: Run) -> None:
    seen = run(RaceSearch(max_stale_rounds=5), climbing, budget=Budget(max_calls=600), size=20)
    assert seen.result.best.mean == 0.3
    assert seen.result.spent.calls <= 600
    texts = seen.writer.texts
    assert [kind(text) for text in texts[:26]] == ["induce"] * 24 + ["restate"] * 2
    whole = [e for e in seen.events if e.kind == "evaluation" and e.body["whole"]]
    assert len(whole) < len([e for e in seen.events if e.kind == "candidate"]) / 2


def test_a_solved_task_costs_no_more(run: Run) -> None:
    assert run(RaceSearch(), climbing, seed_prompt="+" * 10).writer.texts == []
    seen = run(RaceSearch(), lambda n, _: tagged("+" * 10 + f" {n}"))
    assert seen.result.best.mean == 1
    assert len(seen.writer.texts) == 3 * 8 + 2  # One round.


def test_a_writer_that_repeats_itself_ends_it(run: Run) -> None:
    seen = run(RaceSearch(max_stale_rounds=4, max_demos=0), lambda _, __: tagged("Seed"))
    assert len(seen.writer.texts) == 3 * 8 + 2 + 3 * 8
    assert set(seen.instructions) == {"Seed"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_children", 0), ("n_leaders", 0), ("n_mended", 0), ("n_history", 0), ("n_shown", 0),
        ("n_failures", 0), ("n_studied", 0), ("max_demos", -1), ("max_chars", 0),
        ("first_share", 0.0), ("first_share", 1.1), ("slack", -0.1), ("max_stale_rounds", 0),
    ],
)  # fmt: skip
def test_ranges(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"RaceSearch.{name} is {value}"):
        RaceSearch(**{name: value})  # type: ignore[arg-type]  # One setting of several types.
