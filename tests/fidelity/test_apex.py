"""APEX (Wang et al., 2026) and p1 (Gao et al., 2026): calls go where examples tell something."""

from apo import Example, Prompt
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.optimizers.apex import APEX
from apo.optimizers.p1 import P1
from apo.optimizers.parts.tiers import Scores, mixed, most_telling, remember
from apo.task import Score
from tests.fidelity.conftest import Run, shown_inputs, tagged

ROWS = tuple(Example({"input": f"t{i}"}, (f"t{i}",)) for i in range(4))


def measured(name: str, scores: list[float | None]) -> Evaluation:
    answers = [None if s is None else Score(s) for s in scores]
    pairs = zip(ROWS, answers, strict=True)
    return Evaluation(Prompt(name), tuple(Rollout(e, "x", s) for e, s in pairs))


def test_tiers_are_told_by_who_was_right() -> None:
    scores: Scores = {}
    for evaluation in (measured("a", [1, 0, 1, 0.5]), measured("b", [1, 0, 0, None])):
        remember(scores, evaluation)
    assert mixed(scores, scores, ROWS) == [ROWS[2]]  # Easy, Hard, Mixed, and one seen by one.
    assert mixed(scores, [Prompt("a")], ROWS) == []
    assert mixed(scores, [Prompt("never measured")], ROWS) == []


def test_the_most_telling_examples_vary_most_among_prompts() -> None:
    tried = [
        measured("a", [1, 0, 1, 0.5]),
        measured("b", [1, 0, 0, 0.0]),
        measured("c", [1, 0, 0, 0]),
    ]
    assert most_telling(tried, ROWS, 2) == [ROWS[2], ROWS[3]]
    assert most_telling([], ROWS, 1) == [ROWS[0]]


def test_a_mutation_sees_what_its_line_has_had_right(run: Run) -> None:
    """The second prompt loses what the seed had, and gains more: that is what it is shown."""

    def reply(n: int, text: str) -> str:
        return tagged("+" * 6 if n == 0 else f"bad {n}")

    lost = "an instruction that it came from was right"
    seen = run(APEX(n_generations=1, n_parents=1, n_children=1), reply, size=10, seed_prompt="+")
    assert lost not in seen.writer.texts[0]
    assert seen.result.best.prompt.instruction == "+" * 6
    # Children answer at most n_ranked examples before they are measured whole.
    assert len(seen.asked_for("+" * 6)) <= 20


def test_children_that_do_no_better_are_not_measured_whole(run: Run) -> None:
    seen = run(APEX(patience=2, n_ranked=4), lambda n, _: tagged(f"bad {n}"), size=12)
    assert {e.body["candidate"] for e in seen.evaluations(whole=True)} == {
        seen.result.seed.prompt.id
    }
    assert len(seen.asked_for("bad 0")) == 4
    assert not run(APEX(), lambda _, __: "", size=6, seed_prompt="+" * 6).writer.texts


def test_p1_goes_on_with_the_examples_on_which_prompts_differ(run: Run) -> None:
    """Of 12 examples, prompts with one to three '+' differ about the first three."""

    def reply(n: int, _: str) -> str:
        return tagged("+" * (n + 1) if n < 3 else f"{'+' * n}")

    seen = run(P1(n_prompts=3, n_screened=12, n_kept=2, n_steps=1, n_samples=1), reply, size=12)
    child = "+" * 3 if "+" * 3 in seen.instructions else ""
    assert child
    step = next(text for text in seen.writer.texts if "have been tried" in text)
    assert step.count("<candidate score=") == 4
    kept = [e for e in seen.evaluations(whole=False) if e.body["n"] == 2]
    assert len(kept) >= 4
    assert shown_inputs(seen.writer.texts[0])
