"""MO-CAPO (Büssing et al., 2026): challengers intensified block by block against a front."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from apo import Evaluation, Example, Prompt, Rollout, Score, Search, SettingsError
from apo.optimizers.mocapo import MOCAPO
from apo.optimizers.parts.mocapo_front import Front, Vector, cost, crowding, dominates
from tests.fidelity.conftest import Run, Seen, tagged


def prompt(name: str) -> Prompt:
    return Prompt(name)


def evaluation(name: str, score: float, tokens: float) -> Evaluation:
    """One prompt on one example."""
    rollout = Rollout(Example({"input": "e"}, ("t",)), "", Score(score), tokens=int(tokens))
    return Evaluation(prompt(name), (rollout,))


Blocks = Mapping[str, Mapping[int, Vector]]
"""Score and cost of prompts by block; costs are written as they are, not negated."""


def front_of(incumbents: Blocks, rest: Blocks | None = None, size: int = 10) -> Front:
    front = Front(Random(0), size)
    for names, place in ((incumbents, front.incumbents), (rest or {}, front.rest)):
        for name, blocks in names.items():
            place.append(prompt(name))
            for block, (score, tokens) in blocks.items():
                front.add(block, evaluation(name, score, tokens))
    return front


def test_who_is_nowhere_worse_and_somewhere_better_dominates() -> None:
    assert dominates((0.5, -10), (0.5, -11))
    assert dominates((0.6, -10), (0.5, -10))
    assert not dominates((0.5, -10), (0.5, -10))
    assert not dominates((0.6, -11), (0.5, -10))
    assert dominates((0.0, -1e9), (-math.inf, -math.inf))


def test_crowding_distance() -> None:
    """NSGA-II: the sum over objectives of the normed gap between the neighbours."""
    points = [(0.0, 0.0), (0.2, -1.0), (0.5, -2.0), (1.0, -10.0)]
    assert crowding(points) == pytest.approx([math.inf, 0.5 + 0.2, 0.8 + 0.9, math.inf])
    assert crowding(points[:2]) == [math.inf] * 2
    assert crowding([(0.5, -1.0)] * 3)[1] == 0


def test_cost_is_the_tokens_of_a_call_or_its_characters() -> None:
    rollouts = [
        Rollout(Example({"input": "e"}, ("t",)), "x" * 8, Score(1.0), tokens=t) for t in (10, 20)
    ]
    assert cost(Evaluation(prompt("p"), tuple(rollouts))) == 15
    uncounted = tuple(Rollout(r.example, r.output, r.score) for r in rollouts)
    told = len(prompt("p").text())
    assert cost(Evaluation(prompt("p"), uncounted)) == (told + 8) / 4


def test_a_vector_is_the_mean_of_blocks() -> None:
    front = front_of({"a": {0: (1.0, 10), 1: (0.0, 30), 2: (0.5, 50)}})
    assert front.vector(prompt("a")) == (0.5, -30)
    assert front.vector(prompt("a"), {0, 1}) == (0.5, -20)


def test_the_closest_incumbent_is_found_where_objectives_are_normed() -> None:
    front = front_of({"good": {0: (1.0, 1000)}, "cheap": {0: (0.0, 10)}})
    assert front.closest((0.9, -900)) == prompt("good")
    assert front.closest((0.1, -100)) == prompt("cheap")
    assert front.closest((0.4, -10)) == prompt("cheap")


INCUMBENT = {"i": {0: (0.9, 10)}}


@pytest.mark.parametrize(
    ("rest", "winner"),
    [
        ({"a": {0: (0.5, 5)}, "b": {0: (0.4, 6)}}, "a"),  # The same blocks: the better layer.
        ({"a": {0: (0.4, 5), 1: (0.9, 5)}, "b": {0: (0.3, 6)}}, "a"),  # Knows more, dominates.
        ({"a": {0: (0.4, 7), 1: (0.9, 5)}, "b": {0: (0.3, 6)}}, None),  # Dominates not.
        ({"a": {0: (0.4, 5)}, "b": {1: (0.3, 6)}}, None),  # Not to be compared.
    ],
)
def test_tournaments_in_the_population(rest: Blocks, winner: str | None) -> None:
    front = front_of(INCUMBENT, rest)
    won = {front.winner([prompt("a"), prompt("b")]).instruction for _ in range(40)}
    assert won == ({winner} if winner else {"a", "b"})


def test_an_incumbent_beats_the_others_and_room_decides_among_incumbents() -> None:
    names: Blocks = {
        "a": {0: (0.0, 1)}, "b": {0: (0.1, 2)}, "c": {0: (0.9, 3)}, "d": {0: (1.0, 9)}
    }  # fmt: skip
    front = front_of(names, {"p": {0: (0.0, 99)}})
    for _ in range(20):
        assert front.winner([prompt("p"), prompt("b")]) == prompt("b")
        assert front.winner([prompt("a"), prompt("b")]) == prompt("a")  # The ends have most.
        assert len(set(front.parents())) == 2


def test_pruning_takes_the_worst_layer_the_least_known_or_the_most_crowded() -> None:
    rest: Blocks = {"a": {0: (0.5, 20)}, "b": {0: (0.4, 30)}}
    front = front_of(INCUMBENT, rest, size=2)
    front.prune()
    assert front.rest == [prompt("a")]
    rest = {"a": {0: (0.5, 20), 1: (0.5, 20)}, "b": {0: (0.8, 11)}}
    front = front_of(INCUMBENT, rest, size=2)
    front.prune()
    assert front.rest == [prompt("a")]
    many: Blocks = {
        "a": {0: (0.0, 1)}, "b": {0: (0.1, 2)}, "c": {0: (0.2, 2.5)}, "d": {0: (1.0, 20)}
    }  # fmt: skip
    front = front_of(many, size=3)
    front.prune()
    assert prompt("a") in front.incumbents
    assert prompt("d") in front.incumbents
    assert len(front.incumbents) == 3


Table = Callable[[str, int], Vector]


def intensified(front: Front, table: Table, n_blocks: int, challenger: str = "new") -> list[str]:
    """Intensify a challenger; which prompt was measured on which block, in order."""
    asked: list[str] = []
    blocks = [[Example({"input": str(k)}, ("t",))] for k in range(n_blocks)]

    async def evaluate(measured: Prompt, examples: Sequence[Example]) -> Evaluation:
        block = int(examples[0].inputs["input"])
        asked.append(f"{measured.instruction}{block}")
        return evaluation(measured.instruction, *table(measured.instruction, block))

    search = cast("Search", SimpleNamespace(rng=Random(1), evaluate=evaluate))
    optimizer = MOCAPO()

    async def both() -> None:
        await optimizer.intensify(search, front, prompt(challenger), blocks)
        await optimizer.look_further(search, front, blocks)

    asyncio.run(both())
    return asked


def always(vector: Vector) -> Table:
    return lambda _, __: vector


def known(n: int, vector: Vector) -> dict[int, Vector]:
    return dict.fromkeys(range(n), vector)


def test_a_dominated_challenger_costs_one_block() -> None:
    """Algorithm 3: the closest incumbent dominates it on the first block; it is no incumbent."""
    front = front_of({"a": known(3, (0.8, 10)), "b": known(3, (0.2, 5))})
    asked = intensified(front, always((0.7, 11)), 3)
    assert [name[:-1] for name in asked] == ["new"]  # All incumbents know all blocks.
    assert front.rest == [prompt("new")]


def test_a_challenger_that_nobody_dominates_sees_all_common_blocks() -> None:
    front = front_of({"a": known(3, (0.8, 10)), "b": known(3, (0.2, 5))})
    asked = intensified(front, always((0.9, 9)), 3)
    assert sorted(asked) == ["new0", "new1", "new2"]
    assert front.incumbents == [prompt("b"), prompt("new")]
    assert front.rest == [prompt("a")]


def test_a_challenger_that_got_no_better_sees_more_before_it_is_compared() -> None:
    """The inner loop goes on until the mean dominates the one before, or no block is left."""
    front = front_of({"a": known(4, (0.5, 10))})
    scores = {0: 0.6, 1: 0.6, 2: 0.6, 3: 0.0}
    asked = intensified(front, lambda _, block: (scores[block], 10), 4)
    assert len([name for name in asked if name.startswith("new")]) == 4
    assert front.rest == [prompt("new")]  # In the end its mean is dominated.


def test_after_a_challenger_the_least_known_incumbent_is_measured_once_more() -> None:
    front = front_of({"a": known(2, (0.8, 10)), "b": {0: (0.2, 5)}})
    asked = intensified(front, always((0.1, 50)), 4)
    assert asked == ["new0", "b1"]  # What others know comes before what nobody knows.
    front = front_of({"a": known(2, (0.8, 10)), "b": known(2, (0.2, 5))})
    asked = intensified(front, lambda name, _: (0.1, 50) if name == "new" else (0.5, 5), 3)
    assert asked[1][1:] == "2"


def numbered(n: int, _: str) -> str:
    return tagged(f"new {n}")


def small(**settings: Any) -> MOCAPO:
    defaults: dict[str, Any] = {"population_size": 3, "n_crossovers": 2, "block_size": 5}
    bare: dict[str, Any] = {"max_demos": 0, "demo_share": 0, "n_leaders": 2}
    return MOCAPO(**{**defaults, **bare, **settings})


def parts(seen: Seen) -> list[int]:
    return [e.body["n"] for e in seen.evaluations(whole=False)]


def test_the_first_population_is_measured_on_one_block(run: Run) -> None:
    """The authors' default; then each step writes 2c times."""
    seen = run(small(n_steps=1), numbered, size=20)
    assert len(seen.writer.texts) == (3 - 1) + 2 * 2
    assert set(parts(seen)) == {5}
    asked = [set(seen.asked_for(name)) for name in seen.instructions[:3]]
    train = {example.inputs["input"] for example in seen.task.train}
    assert len(set[str].intersection(train, *asked)) == 5


def test_better_and_cheaper_prompts_are_measured_on_validation(run: Run) -> None:
    """From the best score to the lowest cost, so that there is a front to choose from."""

    def reply(n: int, _: str) -> str:
        return tagged("+" * (3 * n) + f" {n}")

    seen = run(small(n_steps=3), reply, size=20)
    whole = {e.body["candidate"] for e in seen.evaluations(whole=True)}
    assert len(whole) > 1
    assert seen.result.best.value > seen.result.seed.value


def test_it_ends_when_nothing_new_comes(run: Run) -> None:
    seen = run(small(max_stale_steps=2), lambda _, __: tagged("Seed"), size=20)
    assert len(seen.writer.texts) == 2 + 2 * 4


def test_settings() -> None:
    assert (MOCAPO().population_size, MOCAPO().n_crossovers, MOCAPO().block_size) == (10, 4, 30)
    with pytest.raises(SettingsError, match="n_leaders"):
        MOCAPO(n_leaders=1)
