"""A judge against people, itself and others; on judges whose faults are known."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from apo import Budget, SettingsError
from apo.assessment import judging
from apo.assessment.agreement import measured, quality
from apo.assessment.judging import ascore
from apo.assessment.ratings import Ratings
from apo.calls.options import Options
from apo.errors import TaskError
from apo.model import Model, Request
from apo.results.judge_trust import checked, judge_line, keep
from apo.scorers.code import Code
from apo.scorers.function import FunctionScorer
from apo.scorers.judge import Judge
from apo.scorers.registry import Exact, Part, Regex, Reward
from apo.task import Example
from apo.testing.fakes import FakeModel

JUDGE = Judge(rubric="Good.")


@dataclass
class Scripted(FakeModel):
    """A judge whose grade is a function of the answer and a random number of its own."""

    grade: Callable[[str, float], object] = lambda answer, chance: 3

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rng = Random(1)

    def answer(self, request: Request) -> str:
        text = request.messages[0].content
        shown = re.findall(r"<answer.*?>\n(.*?)\n</answer>", text, re.DOTALL)
        tag = "choice" if len(shown) == 2 else "grade"
        return f"<{tag}>{self.grade(' | '.join(shown), self.rng.random())}</{tag}>"


def rated(values: Sequence[float], answers: Sequence[str] = (), *, two: bool = False) -> Ratings:
    """Answers "level …" with these ratings."""
    return Ratings(
        examples=tuple(Example({"input": f"질문 {i}"}, ("target",)) for i in range(len(values))),
        answers=tuple(answers) or tuple(f"level {v:.2f} of {i:03}" for i, v in enumerate(values)),
        values=tuple(values),
        scale="",
        two=two,
    )


def found(
    monkeypatch: pytest.MonkeyPatch,
    ratings: Ratings,
    models: Mapping[str, Model],
    scorer: Any = JUDGE,
    **given: Any,
) -> dict[str, Any]:
    """The figures of a scorer that asks these models."""

    def open_one(options: Options, name: str) -> Model:
        return models[name]

    monkeypatch.setattr("apo.evaluation.endpoints.open_with", open_one)
    options = Options(judge_model=next(iter(models), None))
    scored, spent = asyncio.run(ascore(scorer, ratings, options, **given))
    return {**measured(scored, ratings), "spent": spent}


GRADES = [i % 5 / 4 for i in range(60)]


def exact(answer: str, chance: float) -> int:
    """The grade that people gave."""
    return 1 + round(4 * float(answer.split()[1]))


def noise(answer: str, chance: float) -> int:
    """Any grade."""
    return 1 + int(5 * chance)


def test_a_judge_that_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = found(monkeypatch, rated(GRADES), {"m": Scripted(grade=exact)})
    (one,) = figures["judges"]
    assert one["judge"] == "m"
    assert one["people"]["kappa"] == one["people"]["same"] == one["people"]["spearman"] == 1
    assert one["people"]["leniency"] == 0
    assert one["better_than_chance"]
    assert one["quality"] == "almost perfect"
    assert one["itself"]["kappa"] == 1
    assert figures["spent"].calls == 120


def test_a_judge_of_noise_is_not_better_than_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = found(monkeypatch, rated(GRADES), {"m": Scripted(grade=noise)})["judges"]
    assert one["better_than_chance"] is False
    assert abs(one["people"]["kappa"]) < 0.3
    assert one["itself"]["interval"][0] < 0
    assert one["itself"]["apart"] > 0.2
    assert one["ratings_needed"] > 100


def test_a_judge_that_says_always_the_same_is_not_better_than_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (one,) = found(monkeypatch, rated(GRADES), {"m": Scripted()})["judges"]
    assert one["people"]["kappa"] == 0
    assert one["people"]["spearman"] is None
    assert one["better_than_chance"] is False
    assert one["length"] is None


def test_a_kind_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Scripted(grade=lambda answer, chance: min(5, 1 + exact(answer, chance)))
    (one,) = found(monkeypatch, rated(GRADES), {"m": kind})["judges"]
    assert one["people"]["leniency"] == pytest.approx(0.2)
    assert one["people"]["leniency_interval"][0] > 0


def test_a_judge_that_counts_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(2)
    answers = [f"level {v:.2f} " + "x" * rng.randrange(1, 200) for v in GRADES]

    def longer(answer: str, chance: float) -> int:
        return min(5, exact(answer, chance) + (len(answer) > 110))

    ratings = rated(GRADES, answers)
    (one,) = found(monkeypatch, ratings, {"m": Scripted(grade=longer)})["judges"]
    assert one["length"]["beyond"] > 0.3
    assert one["length"]["p_value"] < 0.01
    (fair,) = found(monkeypatch, ratings, {"m": Scripted(grade=noise)})["judges"]
    assert fair["length"]["p_value"] > 0.05


def test_people_who_like_long_answers_make_no_judge_biased(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [f"level {v:.2f} " + "x" * round(100 * v + i % 7) for i, v in enumerate(GRADES)]
    (one,) = found(monkeypatch, rated(GRADES, answers), {"m": Scripted(grade=noise)})["judges"]
    assert one["length"]["people"] > 0.9
    assert one["length"]["p_value"] > 0.05


def test_several_judges_are_compared_and_taken_together(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge(rubric="Good.", models=("good", "noise"))
    models = {"good": Scripted(grade=exact, name="good"), "noise": Scripted(grade=noise)}
    figures = found(monkeypatch, rated(GRADES), models, judge)
    names = [one["judge"] for one in figures["judges"]]
    assert names == ["good", "noise", "good + noise"]
    kappas = [one["people"]["kappa"] for one in figures["judges"]]
    assert kappas[0] > kappas[2] > kappas[1]
    (pair,) = figures["between"]
    assert pair["judges"] == ["good", "noise"]
    assert abs(pair["kappa"]) < 0.3


def test_the_place_that_a_pairwise_judge_favours(monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(shown: str, chance: float) -> str:
        return "A" if chance < 0.5 else "AB"["target" in shown.partition(" | ")[0]]

    judge = Judge(rubric="Good.", pairwise=True)
    values = [i % 2 / 1 for i in range(60)]
    (one,) = found(monkeypatch, rated(values, two=True), {"m": Scripted(grade=choose)}, judge)[
        "judges"
    ]
    assert one["position"]["n"] == 120
    assert 0.3 < one["position"]["changed"] < 0.7
    assert one["position"]["favours_first"] == 1


def test_replies_without_a_grade_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def sometimes(answer: str, chance: float) -> object:
        return "?" if answer.endswith("007") else exact(answer, chance)

    (one,) = found(monkeypatch, rated(GRADES), {"m": Scripted(grade=sometimes)})["judges"]
    assert one["ungraded"] == 1
    assert one["people"]["n"] == 59
    assert "No judge gave a grade" in one["problem"]
    none = Scripted(grade=lambda answer, chance: "?")
    (one,) = found(monkeypatch, rated(GRADES), {"m": none})["judges"]
    assert one["people"]["kappa"] is one["better_than_chance"] is one["itself"] is None


def test_what_the_budget_has_no_calls_for_has_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"budget": Budget(max_calls=70)}
    figures = found(monkeypatch, rated(GRADES), {"m": Scripted(grade=exact)}, **given)
    assert figures["judges"][0]["people"]["kappa"] == 1
    assert figures["judges"][0]["itself"]["n"] == 10
    assert figures["spent"].calls == 70


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_few_answers(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    (one,) = found(monkeypatch, rated(GRADES[:n]), {"m": Scripted(grade=exact)}, draws=1)["judges"]
    assert one["itself"] is None
    assert one["better_than_chance"] is False
    assert one["people"]["kappa"] == (n > 1)


def test_other_scorers_are_compared_with_people_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def longer(output: str, example: Example) -> bool:
        return float(output.split()[1]) > 0.5

    scorer = FunctionScorer(function=longer, name="longer")
    values = [float(v > 0.5) for v in GRADES]
    (one,) = found(monkeypatch, rated(values, two=True), {}, scorer)["judges"]
    assert one["judge"] == "longer"
    assert one["people"]["kappa"] == 1
    reward = Reward(
        parts=(Part(name="a", scorer=Regex(pattern="level")), Part(name="b", scorer=JUDGE))
    )
    (one,) = found(monkeypatch, rated(GRADES), {"m": Scripted(grade=exact)}, reward)["judges"]
    assert one["people"]["spearman"] == pytest.approx(1)


def test_a_judge_needs_a_model() -> None:
    with pytest.raises(SettingsError, match="--judge-model"):
        asyncio.run(ascore(JUDGE, rated(GRADES), Options()))


def test_a_price_is_needed_under_a_limit_in_dollars(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="price of fake is unknown"):
        found(monkeypatch, rated(GRADES), {"m": Scripted()}, budget=Budget(max_usd=1))


def test_a_scorer_that_fails_is_no_low_score(monkeypatch: pytest.MonkeyPatch) -> None:
    def seven(output: str, example: Example) -> int:
        return 7

    scorer = FunctionScorer(function=seven, name="wrong")
    with pytest.raises(TaskError, match="The scorer wrong gave"):
        found(monkeypatch, rated(GRADES), {}, scorer)


@pytest.mark.parametrize(
    ("value", "word"), [(-0.5, "none"), (0, "none"), (0.2, "slight"), (0.5, "moderate"), (1, "al")]
)
def test_words(value: float, word: str) -> None:
    assert quality(value).startswith(word)


# --- what is kept -------------------------------------------------------------------------------

FOUND = {"people": {"n": 120, "kappa": 0.62, "interval": [0.45, 0.76]}, "better_than_chance": True}


def test_what_was_found_is_found_again_under_the_same_judge(tmp_path: Path) -> None:
    keep(tmp_path, JUDGE, "openai/x", FOUND)
    assert checked(tmp_path, JUDGE, "openai/x") == FOUND
    named = Judge(rubric="Good.", models=("openai/x",))
    assert checked(tmp_path, named, None) == FOUND
    for other in (Judge(rubric="Better."), Judge(rubric="Good.", highest=7), Exact()):
        assert checked(tmp_path, other, "openai/x") is None
    assert checked(tmp_path, JUDGE, "openai/y") is None
    assert checked(tmp_path / "none", JUDGE, "openai/x") is None


def test_a_login_in_an_address_is_not_kept_and_makes_no_other_judge(tmp_path: Path) -> None:
    keep(tmp_path, JUDGE, "http://me:secret@host/v1#m", FOUND)
    assert checked(tmp_path, JUDGE, "http://host/v1#m") == FOUND
    line, _ = judge_line(tmp_path, Judge(rubric="x"), "http://me:secret@host/v1#m", "t")
    assert "secret" not in line


@pytest.mark.parametrize("text", ["", "{", "[]", '{"people": {"kappa": null}}', '{"people": 3}'])
def test_a_damaged_file_is_no_finding(tmp_path: Path, text: str) -> None:
    keep(tmp_path, JUDGE, "m", FOUND).write_text(text, encoding="utf-8")
    assert checked(tmp_path, JUDGE, "m") is None


def test_what_the_report_says(tmp_path: Path) -> None:
    assert judge_line(tmp_path, Exact(), "m", "t") == ("", False)
    assert judge_line(tmp_path, Code(), "m", "t") == ("", False)
    line, warning = judge_line(tmp_path, JUDGE, "m", "my-task")
    assert warning
    assert "never compared with people" in line
    assert "apo judge my-task RATINGS --judge-model m" in line
    keep(tmp_path, JUDGE, "m", FOUND)
    assert judge_line(tmp_path, JUDGE, "m", "t") == (
        "Judge: κ 0.62 (0.45 to 0.76) with people on 120 answers.",
        False,
    )
    keep(tmp_path, JUDGE, "m", {**FOUND, "better_than_chance": False})
    line, warning = judge_line(tmp_path, JUDGE, "m", "t")
    assert warning
    assert "not better than chance" in line


def test_a_reward_is_kept_by_all_its_parts(tmp_path: Path) -> None:
    def reward(weight: float) -> Reward:
        return Reward(parts=(Part(name="b", scorer=JUDGE, weight=weight),))

    keep(tmp_path, reward(5), "m", FOUND)
    assert checked(tmp_path, reward(5), "m") == FOUND
    assert checked(tmp_path, reward(6), "m") is None
    assert judging.each_judge(reward(5), "m")[0][0] == "AwaitedReward"
