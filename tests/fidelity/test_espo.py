"""ESPO (2026): one diagnosis a round, proposals with a bias each, acceptance by resamples."""

import re
from collections.abc import Sequence

from apo import Example, Prompt
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.optimizers.espo import ESPO, stands
from apo.task import Score
from tests.fidelity.conftest import Run, tagged


def measured(scores: Sequence[float | None], group: str = "") -> Evaluation:
    examples = [Example({"x": f"{i}"}, ("a",), group=group) for i in range(len(scores))]
    answers = [None if s is None else Score(s) for s in scores]
    rollouts = [Rollout(e, "a", s) for e, s in zip(examples, answers, strict=True)]
    return Evaluation(Prompt("p"), tuple(rollouts))


def test_a_proposal_stands_where_it_wins_in_most_resamples_of_the_pairs() -> None:
    zeros = measured([0.0] * 20)
    assert stands(zeros, measured([1.0] * 8 + [0.0] * 12), 0.9)
    assert not stands(zeros, measured([1.0] + [0.0] * 19), 0.9)  # Two of three resamples have it.
    assert stands(zeros, measured([1.0] + [0.0] * 19), 0.6)
    assert not stands(zeros, measured([None] * 20), 0.9)
    assert not stands(zeros, zeros, 0.5)


def test_one_diagnosis_goes_into_a_proposal_for_each_bias(run: Run) -> None:
    def reply(n: int, text: str) -> str:
        return "<reason>No plus.</reason>" if "one diagnosis" in text else tagged(f"+ {n}")

    seen = run(ESPO(n_rounds=2, patience=9), reply, size=20)
    kinds = ["one diagnosis" in text for text in seen.writer.texts]
    assert kinds == [True, False, False, False, False] * 2
    proposals = [text for text in seen.writer.texts if "No plus." in text]
    biases = {re.findall(r"mends these causes\. (.*?) Put", text)[0] for text in proposals}
    assert len(biases) == 4
    # One of 20 is right: more than before, and no more than chance.
    assert all("<candidate>\nSeed\n" in text for text in seen.writer.texts)


def test_what_stands_is_where_the_next_round_starts(run: Run) -> None:
    def reply(n: int, text: str) -> str:
        return "<reason>No plus.</reason>" if "one diagnosis" in text else tagged("+" * n)

    seen = run(ESPO(n_rounds=2), reply, size=8)
    assert "<candidate>\n++++\n" in seen.writer.texts[5]


def test_rounds_that_bring_nothing_end_it(run: Run) -> None:
    seen = run(ESPO(patience=2), lambda n, _: f"<reason>{n}</reason>{tagged(f'no {n}')}", size=6)
    assert len(seen.writer.texts) == 2 * (1 + 4)
    assert not run(ESPO(), lambda _, __: "", size=6, seed_prompt="+" * 6).writer.texts
