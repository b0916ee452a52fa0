"""A candidate that breaks what must pass is behind all others, whoever comes first."""

from collections.abc import Sequence
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from apo.evaluation.evaluation import Evaluation, Rollout
from apo.evaluation.must_pass import broken, missed
from apo.prompts.prompt import Prompt
from apo.search.archive import Archive
from apo.task import Example, Score

SEED = Prompt("seed")
N = 4


def evaluation(text: str, values: Sequence[float | None], must: Sequence[int] = (0,)) -> Evaluation:
    rollouts = [
        Rollout(
            Example({"input": f"{i}"}, ("y",), must_pass=i in must),
            "" if value is None else "out",
            None if value is None else Score(value),
        )
        for i, value in enumerate(values)
    ]
    return Evaluation(Prompt(text), tuple(rollouts))


def archive(*evaluations: Evaluation, seed: Prompt | None = SEED) -> Archive:
    found = Archive(seed=seed)
    for one in evaluations:
        found.add(one)
    return found


def names(found: Archive) -> list[str]:
    return [one.prompt.instruction for one in found.ranked()]


def test_what_is_missed_and_what_is_broken() -> None:
    seed = evaluation("seed", [1, 1, 0, None], must=[0, 1, 2])
    other = evaluation("other", [0.5, None, 0, 1], must=[0, 1, 2])
    assert [e.inputs["input"] for e in missed(other)] == ["0", "1", "2"]
    assert [e.inputs["input"] for e in broken(seed, other)] == ["0", "1"]
    assert broken(seed, seed) == []
    assert missed(evaluation("none", [0, 0], must=[])) == []


def test_a_better_score_does_not_help_who_breaks_one() -> None:
    seed, breaker = evaluation("seed", [1, 0, 0, 0]), evaluation("breaker", [0, 1, 1, 1])
    honest = evaluation("honest", [1, 1, 0, 0])
    for order in permutations([seed, breaker, honest]):
        found = archive(*order)
        assert found.best is honest
        assert names(found) == ["honest", "seed", "breaker"]


def test_the_seed_stays_best_when_all_others_break_one() -> None:
    seed, breaker = evaluation("seed", [1, 0, 0, 0]), evaluation("breaker", [0, 1, 1, 1])
    for order in permutations([seed, breaker]):
        assert archive(*order).best is seed


def test_not_answering_is_no_way_out() -> None:
    seed, silent = evaluation("seed", [1, 0, 0, 0]), evaluation("silent", [None, 1, 1, 1])
    assert archive(seed, silent).best is seed


def test_what_the_seed_gets_wrong_vetoes_nobody() -> None:
    seed, other = evaluation("seed", [0, 0, 0, 0]), evaluation("other", [0, 1, 0, 0])
    assert archive(seed, other).best is other


def test_without_a_seed_nothing_is_vetoed() -> None:
    seed, breaker = evaluation("seed", [1, 0, 0, 0]), evaluation("breaker", [0, 1, 1, 1])
    assert archive(seed, breaker, seed=None).best is breaker
    assert archive(breaker).best is breaker


values = st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), min_size=N, max_size=N)


@given(
    st.lists(st.tuples(st.text("ab", min_size=1, max_size=3), values), unique_by=lambda x: x[0]),
    values,
    st.sets(st.integers(0, N - 1)),
    st.randoms(use_true_random=False),
)
def test_the_winner_does_not_hang_on_the_order(
    others: list[tuple[str, list[float | None]]],
    seed_values: list[float | None],
    must: set[int],
    random: object,
) -> None:
    seed = evaluation("seed", seed_values, sorted(must))
    every = [seed, *(evaluation(name, found, sorted(must)) for name, found in others)]
    shuffled = [*every]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, two = archive(*every), archive(*shuffled)
    assert one.best is two.best is one.ranked()[0] is two.ranked()[0]
    assert names(one) == names(two)
    assert one.best is not None
    assert broken(seed, one.best) == []
    passing = [e for e in every if not broken(seed, e)]
    assert one.best.at_least == max(e.at_least for e in passing)
