"""apo's optimizers in `mlflow.genai.optimize_prompts`: within the budget, with a verdict."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import apo
from apo.bridges import marks
from apo.errors import Interrupted, SettingsError, TaskError

ROWS = [
    {"inputs": {"question": f"q{i} 한 {{}}"}, "expectations": {"expected_response": "ab"[i % 2]}}
    for i in range(60)
]


@dataclass
class Record:
    """What MLflow gives for a row."""

    outputs: Any
    score: float
    rationales: dict[str, str]


@dataclass
class Program:
    """MLflow's function that asks the user's program: the longer its prompt, the more is right."""

    name: str
    stop_after: int = 10**9
    calls: int = 0
    seen: list[str] = field(default_factory=list[str])
    right: float = 1.0

    def __call__(self, prompts: dict[str, str], rows: list[dict[str, Any]]) -> list[Record]:
        self.seen.append(prompts[self.name])
        self.calls += len(rows)
        if self.calls > self.stop_after:
            raise Interrupted("stopped by the test")
        known = "Reply with" in prompts[self.name]
        return [self._record(row, known) for row in rows]

    def _record(self, row: dict[str, Any], known: bool) -> Record:
        assert row in ROWS  # As the user gave it, without marks.
        wanted = row["expectations"]["expected_response"]
        return Record(
            wanted if known else "?", self.right * known, {"right": f"Expected {wanted}."}
        )


def optimizer(tmp_path: Path, **settings: Any) -> Any:
    given: dict[str, Any] = {"budget": apo.Budget(max_calls=160), **settings}
    options = apo.Options(track=False)
    return apo.mlflow_optimizer(
        "opro", optimizer_model="embedded", options=options, home=tmp_path / ".apo", **given
    )


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("Sort it.\n\n{{question}}", "{{question}}"),
        (json.dumps([{"role": "system", "content": "Sort it."},
                     {"role": "user", "content": "Q: {{question}}"}]), "Q: {{question}}"),
        ("Sort it.", ""),  # The program puts the input elsewhere.
    ],
    ids=["text", "chat", "no variable"],
)  # fmt: skip
def test_a_prompt_is_improved_within_the_budget(template: str, place: str, tmp_path: Path) -> None:
    program = Program("p")
    made = optimizer(tmp_path)
    out = made.optimize(program, [*ROWS, ROWS[0]], {"p": template})
    result = made.results["p"]
    assert result.verdict is not None
    assert (out.initial_eval_score, out.final_eval_score) == (0.0, 1.0)
    assert result.spent.calls <= 160
    assert program.calls < result.spent.calls  # The rest wrote prompts.
    best = out.optimized_prompts["p"]
    assert "Reply with" in best
    assert place in best
    assert best in program.seen  # What is handed back is what was measured.
    assert program.seen[0] == template
    assert all(marks.plain(text) == text for text in [best, *program.seen])
    if template.startswith("["):
        assert [m["role"] for m in json.loads(best)] == ["system", "user"]


def test_a_run_that_was_stopped_goes_on_without_paying_twice(tmp_path: Path) -> None:
    whole = Program("p")
    optimizer(tmp_path / "whole").optimize(whole, ROWS, {"p": "Sort it.\n{{question}}"})
    stopped = Program("p", stop_after=60)
    with pytest.raises(Interrupted) as caught:
        optimizer(tmp_path).optimize(stopped, ROWS, {"p": "Sort it.\n{{question}}"})
    rest = Program("p")
    again = optimizer(tmp_path, run=caught.value.run_id)
    out = again.optimize(rest, ROWS, {"p": "Sort it.\n{{question}}"})
    assert out.final_eval_score == 1.0
    assert rest.calls < whole.calls
    assert again.results["p"].spent.calls <= 160


def test_several_prompts_share_the_budget(tmp_path: Path) -> None:
    made = optimizer(tmp_path, budget=apo.Budget(max_calls=320))
    both = {"p": "Sort it.\n\n{{question}}", "q": "Keep it."}
    out = made.optimize(Program("p"), ROWS, both)
    assert set(out.optimized_prompts) == {"p", "q"}
    assert [result.spent.calls <= 160 for result in made.results.values()] == [True, True]


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    made = optimizer(tmp_path)
    with pytest.raises(SettingsError, match="give optimize_prompts train_data and scorers"):
        made.optimize(None, [], {"p": "x"})
    with pytest.raises(TaskError, match="gave 3 together, and apo takes 0 to 1"):
        made.optimize(Program("p", right=3.0), ROWS, {"p": "Reply with it.\n{{question}}"})


def test_marks_lead_back_to_the_template() -> None:
    text = f"Do {marks.marked('a{{x}}', 3, 1)}; like {marks.marked('b', 2, 0)}."
    assert marks.template(text, 3, ["x", "y"]) == "Do {{y}}; like b."
    assert marks.plain(text) == "Do a{{x}}; like b."
    assert marks.row_of(text) == 2
    answer = marks.with_score("끝\ue002", 0.5, "why")
    assert marks.plain(answer) == "끝"
    assert marks.carried(answer) == apo.Score(0.5, True, "why")
    assert not marks.carried("끝").well_formed
