"""PrefPO (Singhal et al., 2026): of two prompts, the one that is not preferred is improved."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apo import Example, Prompt, Rollout, Score, SettingsError
from apo.optimizers.parts.votes import chosen
from apo.optimizers.prefpo import PrefPO
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Seen, shown_inputs, tagged

MODULE = str(Path(__file__).parents[2] / "optimizers" / "prefpo.py")
ANSWER = re.compile(r'<answer name="([AB])">\n(.*?)\n</answer>', re.DOTALL)


def kind(text: str) -> str:
    """v: vary, j: judge, c: criticize, i: improve."""
    if "<choice>" in text:
        return "j"
    if "<critique>" in text:
        return "c"
    return "i" if "<comment>" in text else "v"


def n_right(text: str) -> dict[str, int]:
    """Right answers of both sets that a judge sees."""
    said = ANSWER.findall(text)
    return {side: sum(s == side and a != "no" for s, a in said) for side in "AB"}


def judging(choose: Callable[[str], str]) -> Callable[[int, str], str]:
    """Judges by a function of what is seen; each new prompt has two '+' more than its parent."""

    def reply(n: int, text: str) -> str:
        asked = kind(text)
        if asked == "j":
            return f"<choice>{choose(text)}</choice>"
        if asked == "c":
            return f"<critique>Remark {n}.</critique>"
        parent = str(re.findall(r"<candidate>\n(.*?)\n</candidate>", text, re.DOTALL)[0])
        return tagged(f"{'+' * (parent.count('+') + 2)} {n}")

    return reply


def better(text: str) -> str:
    counts = n_right(text)
    return max(counts, key=lambda side: counts[side])


def kinds(seen: Seen) -> str:
    return "".join(map(kind, seen.writer.texts))


def candidates(text: str) -> list[str]:
    return [str(found) for found in re.findall(r"<candidate>\n(.*?)\n</candidate>", text)]


def test_an_iteration_judges_says_why_and_improves(run: Run) -> None:
    seen = run(PrefPO(n_iterations=4, n_samples=5), judging(better), size=30)
    assert kinds(seen) == "v" + "jci" * 4


def test_the_one_that_is_not_preferred_is_improved_by_what_the_judge_says(run: Run) -> None:
    seen = run(PrefPO(n_iterations=5, n_samples=6), judging(better), size=30)
    judged = [text for text in seen.writer.texts if kind(text) == "j"]
    said = [n for n, text in enumerate(seen.writer.texts) if kind(text) == "c"]
    improved = [text for text in seen.writer.texts if kind(text) == "i"]
    for judge, n, text in zip(judged, said, improved, strict=True):
        loser = "B" if better(judge) == "A" else "A"
        assert re.findall(r"<answer>\n(.*?)\n</answer>", text) == [
            answer for side, answer in ANSWER.findall(judge) if side == loser
        ]
        assert f"<comment>\nRemark {n}.\n</comment>" in text
        assert f"Set {better(judge)} of its answers" in seen.writer.texts[n]


def test_both_answer_the_same_training_inputs(run: Run) -> None:
    seen = run(PrefPO(n_iterations=3, n_samples=5), judging(better), size=30)
    train = {example.inputs["input"] for example in seen.task.train}
    drawn = [shown_inputs(text) for text in seen.writer.texts if kind(text) == "j"]
    for names in drawn:
        assert names[:5] == names[5:]
        assert set(names) <= train
        assert len(set(names)) == 5
    assert drawn[0] != drawn[1]


def test_one_seed_gets_a_variant_and_all_are_measured(run: Run) -> None:
    seen = run(PrefPO(n_iterations=4), judging(better), size=30)
    assert kinds(seen).count("v") == 1
    assert candidates(seen.writer.texts[0]) == ["Seed"]
    measured = {event.body["candidate"] for event in seen.evaluations(whole=True)}
    assert len(measured) == 1 + 1 + 4  # Seed, variant, and one an iteration.


def test_the_pool_grows_or_keeps_its_size(run: Run) -> None:
    """The authors' update strategies: "add", and "replace" of the one that is not preferred."""

    def improved(update: Any) -> list[str]:
        optimizer = PrefPO(n_iterations=8, n_samples=5, update=update)
        seen = run(optimizer, judging(better), size=40)
        return [candidates(text)[0] for text in seen.writer.texts if kind(text) == "i"]

    replaced = improved("replace")
    assert len(set(replaced)) == len(replaced)  # Who was not preferred does not come again.
    assert "Seed" in replaced
    assert len(set(improved("add"))) < 8


def test_a_choice_that_cannot_be_read_ends_the_iteration(run: Run) -> None:
    optimizer = PrefPO(n_iterations=20, max_stale_iterations=3)
    seen = run(optimizer, judging(lambda _: "both"), size=20)
    assert kinds(seen) == "v" + "j" * 3


def test_it_ends_where_there_is_nothing_to_compare(run: Run) -> None:
    seen = run(PrefPO(max_stale_iterations=4), lambda _, __: tagged("Seed"))
    assert kinds(seen) == "v" * 4


@pytest.mark.parametrize("expected", [False, True])
def test_right_outputs_are_shown_on_demand_alone(expected: bool, run: Run) -> None:
    optimizer = PrefPO(n_iterations=1, n_samples=3, show_expected=expected)
    seen = run(optimizer, judging(better), size=20)
    counts = {kind(text): text.count("</output>") for text in seen.writer.texts}
    assert counts == ({"v": 0, "j": 6, "c": 6, "i": 3} if expected else dict.fromkeys("vjci", 0))


def test_criteria_and_constraints_are_the_users_own(run: Run) -> None:
    optimizer = PrefPO(n_iterations=1, criteria="Be brief.", constraints="Keep the form.")
    own = run(optimizer, judging(better))
    told = {kind(text): re.findall(r"<task>\n(.*?)\n</task>", text) for text in own.writer.texts}
    assert told == {
        "v": ["Be brief."], "j": ["Be brief."], "c": ["Be brief."], "i": ["Keep the form."]
    }  # fmt: skip
    default = run(PrefPO(n_iterations=1), judging(better))
    judge = next(text for text in default.writer.texts if kind(text) == "j")
    assert "<task>\nRepeat the word.\n\nSeed\n</task>" in judge
    assert "<task>" not in default.writer.texts[-1]


def test_what_the_scorer_says_is_shown_to_nobody(run: Run) -> None:
    """Its words tell the right output."""
    seen = run(PrefPO(n_iterations=3), judging(better))
    assert not any("The answer was" in text for text in seen.writer.texts)


@pytest.mark.parametrize(
    ("said", "letter"),
    [("A", "A"), (" b. ", "B"), ("Set A", "A"), ("세트 B", "B"), ("A or B", ""), ("", "")],
)
def test_a_choice_is_one_letter(said: str, letter: str) -> None:
    assert chosen(said) == letter


@pytest.mark.parametrize("language", ["en", "ko"])
def test_meta_prompts_show_the_same_in_both_languages(language: str) -> None:
    def shown(example: Example) -> str:
        return example.inputs["input"]

    class Outputs:
        def __init__(self, name: str) -> None:
            examples = [Example({"input": f"in{i}"}, (f"gold{i}",)) for i in range(2)]
            self.rollouts = [Rollout(e, f"{name}{i}", Score(0.0)) for i, e in enumerate(examples)]

    values: dict[str, Any] = {
        "task": replace(fake_task(), labels=("yes", "no")), "shown": shown,
        "requirements": "be kind", "a": Outputs("p"), "b": Outputs("q"), "preferred": "B",
        "prompt": Prompt("now1"), "rollouts": Outputs("p").rollouts, "critique": "too long",
        "constraints": "keep it",
    }  # fmt: skip
    words = re.compile(r"\n(be kind|yes, no|too long|keep it|\w+\d)\n")
    sets = ["be kind", "yes, no", "in0", "p0", "in1", "p1", "in0", "q0", "in1", "q1"]
    expected = {
        "judge": sets,
        "criticize": sets,
        "improve": ["now1", "yes, no", "in0", "p0", "in1", "p1", "too long", "keep it"],
        "vary": ["now1", "be kind", "yes, no"],
    }
    for name, parts in expected.items():
        text = render(MODULE, f"prefpo_{name}", language, {}, expected=False, **values)
        assert words.findall(text) == parts, name
        assert "gold" not in text


def test_settings() -> None:
    assert PrefPO().n_iterations == 15
    with pytest.raises(SettingsError, match="update"):
        PrefPO(update="drop")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
