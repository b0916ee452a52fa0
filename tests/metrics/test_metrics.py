"""Metrics: what they give, on whole splits and on minibatches, and what they refuse."""

import random
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo import Evaluation, Example, Prompt, Rollout, Score, TaskError
from apo.scorers.metrics.metric import class_shares, class_weights
from apo.scorers.metrics.registry import METRICS, make_metric, metric_name
from apo.select.draw import stratified
from apo.task import Metric

LABELS = ("red", "green", "blue")


def examples(*targets: str) -> list[Example]:
    return [Example({"input": f"x{i}"}, (target,)) for i, target in enumerate(targets)]


def figure(metric: Metric, answers: Sequence[str], targets: Sequence[str]) -> float:
    return metric(answers, examples(*targets), [1.0] * len(targets))


def by_hand(said: Sequence[str], right: Sequence[str], label: str) -> float:
    hits = sum(a == b == label for a, b in zip(said, right, strict=True))
    named = said.count(label) + right.count(label)
    return 2 * hits / named if named else 0.0


def test_macro_f1_by_hand() -> None:
    right = ["red", "red", "red", "green", "blue", "blue"]
    said = ["red", "green", "red", "green", "blue", "nothing"]
    expected = mean(by_hand(said, right, label) for label in LABELS)
    metric = make_metric("macro_f1", LABELS)
    assert figure(metric, ["It is red.", *said[1:]], right) == pytest.approx(expected)
    assert figure(make_metric({"name": "f1", "positive": "blue"}, LABELS), said, right) == (
        pytest.approx(by_hand(said, right, "blue"))
    )


def test_balanced_accuracy_is_the_mean_recall() -> None:
    metric = make_metric("balanced_accuracy", LABELS)
    right = ["red"] * 8 + ["green"] * 2
    assert figure(metric, ["red"] * 10, right) == 0.5
    assert figure(metric, ["green"] * 10, right) == 0.5


def test_kappa_of_chance_and_of_order() -> None:
    metric = make_metric("kappa", LABELS)
    right = ["red", "red", "green", "green"]
    assert figure(metric, ["red", "green", "red", "green"], right) == 0
    assert figure(metric, right, right) == 1
    assert figure(metric, ["red"] * 3, ["red"] * 3) == 1
    assert figure(metric, ["?", "?", "green", "green"], right) < 0.5
    grades = make_metric({"name": "kappa", "distance": "quadratic"}, ("1", "2", "3", "4"))
    asked = ["1", "2", "3", "4"]
    near, far = ["2", "2", "3", "4"], ["4", "2", "3", "4"]
    assert figure(grades, near, asked) > figure(grades, far, asked)
    assert figure(grades, ["?", "2", "3", "4"], asked) == figure(grades, far, asked)


def test_corpus_bleu_is_sacrebleus() -> None:
    from sacrebleu.metrics.bleu import BLEU

    answers = ["the cat sat on the mat", "there is a dog in the house"]
    targets = ["the cat sat on a mat", "a dog is in the house"]
    expected = BLEU().corpus_score(answers, [targets]).score / 100
    assert figure(make_metric("corpus_bleu"), answers, targets) == pytest.approx(expected)
    korean = make_metric("corpus_bleu", language="ko")
    assert figure(korean, ["주문이 취소되었습니다"], ["주문을 취소했습니다"]) > 0.1
    several = [Example({"input": "x"}, ("a b c d e", "the cat sat on the mat"))]
    assert make_metric("corpus_bleu")(["the cat sat on the mat"], several, [1.0]) == 1


@pytest.mark.parametrize("name", ["pearson", "spearman"])
def test_correlations(name: str) -> None:
    metric = make_metric(name)
    right = ["1", "2", "3", "10"]
    assert figure(metric, ["2", "4", "6", "20"], right) == pytest.approx(1)
    assert figure(metric, ["4", "3", "2", "1"], right) == 0  # Worse than chance counts as 0.
    assert figure(metric, ["5", "5", "5", "5"], right) == 0
    assert figure(metric, ["2", "4", "none", "20"], right) == pytest.approx(0.75)
    ranks = ["1", "2", "3", "4"]
    assert (figure(metric, ranks, right) == pytest.approx(1)) == (name == "spearman")
    with pytest.raises(TaskError, match="numbers as targets"):
        figure(metric, ["1"], ["blue"])


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("macro-f1", "Did you mean 'macro_f1'"),
        ({"name": "f1", "positive": "rot"}, "none of the labels"),
        ("f1", "does not take these settings"),
        ({"name": "kappa", "weigths": "linear"}, "no setting 'weigths'"),
        ({"name": "corpus_bleu", "tokenize": "mecab"}, "no tokenizer 'mecab'"),
        ({}, "needs a name"),
        ("none.py:metric", "There is no Python file"),
    ],
)
def test_wrong_settings(spec: Any, words: str) -> None:
    with pytest.raises(TaskError, match=words):
        make_metric(spec, LABELS)


def test_labels_are_needed() -> None:
    with pytest.raises(TaskError, match="needs labels"):
        make_metric("macro_f1")


def test_a_function_of_the_users(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "def share(answers, examples):\n"
        "    return sum(a == e.target for a, e in zip(answers, examples)) / len(answers)\n"
        "def high(answers, examples):\n    return 7\n"
        "def fails(answers, examples):\n    return 1 / 0\n"
    )
    assert figure(make_metric("mine.py:share", folder=tmp_path), ["a", "?"], ["a", "b"]) == 0.5
    with pytest.raises(TaskError, match="from 0 to 1"):
        figure(make_metric("mine.py:high", folder=tmp_path), ["a"], ["a"])
    with pytest.raises(TaskError, match=r"mine\.py, line 6: ZeroDivisionError"):
        figure(make_metric("mine.py:fails", folder=tmp_path), ["a"], ["a"])


@given(st.lists(st.tuples(st.sampled_from([*LABELS, "", "긍정", "{}"]), st.sampled_from(LABELS))))
def test_any_answers_give_a_figure(pairs: list[tuple[str, str]]) -> None:
    pairs = [("red", "red"), *pairs]
    answers, targets = [a for a, _ in pairs], [t for _, t in pairs]
    for name in ("macro_f1", "balanced_accuracy", "kappa"):
        assert 0 <= figure(make_metric(name, LABELS), answers, targets) <= 1
        assert figure(make_metric(name, LABELS), targets, targets) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS), st.floats(0.1, 9)),
        min_size=2,
        max_size=30,
    )
)
def test_they_agree_with_scikit_learn(rows: list[tuple[str, str, float]]) -> None:
    from importlib import import_module

    theirs: Any = import_module("sklearn.metrics")
    said, right, weights = (list(column) for column in zip(*rows, strict=True))
    here = [label for label in LABELS if label in {*said, *right}]
    given: dict[str, Any] = {"sample_weight": weights, "zero_division": 0.0, "average": "macro"}

    def ours(spec: Any) -> float:
        return make_metric(spec, LABELS)(said, examples(*right), weights)

    assert ours("macro_f1") == pytest.approx(
        theirs.f1_score(right, said, labels=here, **given), abs=1e-9
    )
    asked = [label for label in LABELS if label in right]
    assert ours("balanced_accuracy") == pytest.approx(
        theirs.recall_score(right, said, labels=asked, **given), abs=1e-9
    )
    if said != right:
        for distance in ("none", "linear", "quadratic"):
            kappa = theirs.cohen_kappa_score(
                right, said, labels=LABELS, sample_weight=weights,
                weights=None if distance == "none" else distance,
            )  # fmt: skip
            found = ours({"name": "kappa", "distance": distance})
            assert found == pytest.approx(max(0.0, kappa), abs=1e-9)


def test_every_metric_has_a_name() -> None:
    settings: dict[str, Any] = {"f1": {"positive": "red"}}
    for name in METRICS:
        assert metric_name(make_metric({"name": name, **settings.get(name, {})}, LABELS)) == name
    assert metric_name(None) == ""


# --- evaluations ------------------------------------------------------------------------------


def evaluation(pairs: Sequence[tuple[str | None, str]], metric: Metric, **given: Any) -> Evaluation:
    rollouts = [
        Rollout(e, answer or "", None if answer is None else Score(float(answer == e.target)))
        for e, (answer, _) in zip(examples(*(t for _, t in pairs)), pairs, strict=True)
    ]
    return Evaluation(Prompt("A"), tuple(rollouts), metric, **given)


def test_the_metric_is_the_value_and_what_has_no_score_counts_by_its_answer() -> None:
    metric = make_metric("balanced_accuracy", LABELS)
    found = evaluation([("red", "red"), ("red", "red"), (None, "green"), ("?", "blue")], metric)
    assert found.mean == pytest.approx(2 / 3)
    assert found.value == found.at_least == pytest.approx(1 / 3)
    assert evaluation([(None, "red")], metric).value == 0
    assert evaluation([], metric).value == 0


def test_a_minibatch_counts_its_classes_by_their_share_of_the_split() -> None:
    metric = make_metric("macro_f1", LABELS)
    whole = [("red", "red")] * 6 + [("red", "green")] * 2 + [("blue", "blue")] * 2
    part = [("red", "red"), ("red", "green"), ("blue", "blue")]
    shares = class_shares(examples(*(t for _, t in whole)))
    assert evaluation(part, metric, shares=shares).value == pytest.approx(
        evaluation(whole, metric).value
    )
    assert class_weights(examples("red", "red", "green"), {"red": 0.5, "green": 0.5}) == (
        pytest.approx([0.75, 0.75, 1.5])
    )


def test_stratified_minibatches_are_right_on_average() -> None:
    """Balanced accuracy is; macro-F1, a ratio, gets there with the size of the minibatch."""
    rng = random.Random(1)
    targets = ["red"] * 80 + ["green"] * 14 + ["blue"] * 6
    answers = [t if rng.random() < {"red": 0.9}.get(t, 0.5) else "red" for t in targets]
    pairs = list(zip(answers, targets, strict=True))
    shares = class_shares(examples(*targets))

    def bias(name: str, size: int, *, by_class: bool = True) -> float:
        metric = make_metric(name, LABELS)
        found: list[float] = []
        for _ in range(200):
            order = stratified(targets, rng) if by_class else rng.sample(range(100), 100)
            part = [pairs[i] for i in order[:size]]
            found.append(evaluation(part, metric, shares=shares if by_class else {}).value)
        return mean(found) - evaluation(pairs, metric).value

    assert abs(bias("balanced_accuracy", 12)) < 0.03
    assert bias("balanced_accuracy", 12, by_class=False) > 0.06  # Rare classes are not drawn.
    assert abs(bias("macro_f1", 50)) < 0.03 < abs(bias("macro_f1", 12)) < 0.12


@given(st.lists(st.sampled_from("aaaabbc"), min_size=1, max_size=60), st.integers(0, 9))
def test_a_stratified_order(classes: list[str], seed: int) -> None:
    order = stratified(classes, random.Random(seed))
    assert sorted(order) == list(range(len(classes)))
    first = [classes[i] for i in order[: len({*classes})]]
    assert {*first} == {*classes}
    half = [classes[i] for i in order[: len(order) // 2]]
    for name in {*classes}:
        assert abs(half.count(name) - classes.count(name) / 2) <= len({*classes}) + 1
