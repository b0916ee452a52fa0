"""Is a search worth it: one verdict for all that may stand in the way, within 60 calls."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apo import Budget, Completion, Example, Prompt, Request, Task, Usage
from apo.assessment.headroom import MAX_CALLS, Headroom, aheadroom, rows_of_look
from apo.assessment.headroom_verdict import judge_look
from apo.assessment.look import Look
from apo.cli import app
from apo.errors import DataError, SettingsError
from apo.scorers.choice import Choice
from apo.testing import FakeModel, FakeOptimizerModel, fake_task
from experiments.benchmarks.headroom import KINDS, case, said

RIGHT, WRONG = 1.0, 0.0


def row(n: int, of: int = 12, start: int = 0) -> tuple[float, ...]:
    """Scores of which n are right, from a place on."""
    return tuple(RIGHT if (i - start) % of < n else WRONG for i in range(of))


def look(*scores: tuple[float, ...], again: tuple[float, ...] = (), **other: object) -> Look:
    given = {"malformed": (0.0,) * 5, "constant": 0.25, "n_test": 200, **other}
    return Look(scores=scores, again=(again or scores[0],), **given)  # type: ignore[arg-type]  # of tests


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (look(row(4), row(9), row(8), row(10)), "worth it"),
        (look(row(4), row(6, start=3), row(5), row(8, start=2)), "worth it"),
        (look(row(4), row(9), row(8), row(10), n_test=12), "more rows first"),
        (look(row(4), row(9), row(8), row(10), n_test=0), "more rows first"),
        (look(row(9), row(9, start=1), row(8), row(10), n_test=40), "more rows first"),
        (look(row(4), row(9), row(8), row(10), malformed=(0.5, 0, 0, 0, 0.5)),
         "fix the form first"),
        (look(row(3), row(3, start=2), row(2), row(4)), "no gain in sight"),
        (look(row(7), row(7), row(7), row(7)), "no gain in sight"),
        (look(row(0), row(0), row(0), row(0), constant=0.0), "no gain in sight"),
        (look(row(6), row(6, start=3), row(6, start=6), row(6, start=9), again=row(6, start=5)),
         "temperature or model first"),
        (look(row(12), row(11), row(12), row(10)), "nothing to gain"),
    ],
)  # fmt: skip
def test_one_verdict_with_its_reason(seen: Look, kind: str) -> None:
    found = judge_look(seen)
    assert found.kind == kind
    assert any(sign.isdigit() for sign in found.reason)


def test_variance_between_prompts_stands_beside_that_of_answers() -> None:
    found = judge_look(look(row(6), row(6), row(6), row(12), again=row(3)))
    assert found.between_answers == pytest.approx(3 / 12 / 2)
    assert found.between_prompts == pytest.approx(3 * 6 / 12 / 6 / 2)


def test_prompts_that_score_alike_exclude_a_gain_of_their_own_alone() -> None:
    """Four prompts on 12 rows cannot show that no prompt would do better."""
    alike = look(row(6), row(6), row(6), row(6), again=row(6)[:8])
    found = judge_look(alike).reason
    assert "another one, each with and without demos, score alike (50 %; 0 of 12 rows" in found
    assert "gain more than 26 points (at 95 %), and says nothing of others" in found
    fixed = judge_look(replace(alike, written=False)).reason
    assert "apo's own rewording of it, as no other was written" in fixed
    one = judge_look(look(row(6), row(7), row(6), row(6))).reason
    assert "(50 to 58 %; 1 of 12 rows change)" in one


def test_graded_scores_that_hardly_vary_are_alike() -> None:
    graded = look(*((0.5 + i / 100,) * 12 for i in range(4)), again=(0.52,) * 8, constant=0.0)
    found = judge_look(graded)
    assert found.kind == "no gain in sight"
    assert "more than 30 points" in found.reason
    steady = look((0.5,) * 12, *((0.6,) * 12,) * 3, constant=0.0)
    assert judge_look(steady).kind == "worth it"


def test_second_answers_are_counted_as_they_are() -> None:
    right = look(row(12), row(11), row(12), row(10), again=(RIGHT,) * 8)
    assert judge_look(right).reason == "The seed prompt scores 100 % on 12 rows, with 20 answers."
    mixed = look(row(6), row(9), row(8), row(10), again=(RIGHT,) * 7 + (WRONG,))
    assert mixed.means[0] == pytest.approx(6.5 / 12)


def test_what_was_seen_and_what_is_usual_are_told_apart() -> None:
    none = judge_look(look(row(6), row(6), row(4), row(5), again=row(6)[:8])).reason
    assert "The best other prompt came to +0 points here; searches usually bring 14." in none
    assert "Together, a gain of about" in none


def test_what_was_seen_counts_as_far_as_it_is_known() -> None:
    """Of a few rows hardly: a gain of 50 points on 12 rows is no promise of 50 points."""
    few = judge_look(look(row(4), row(10), row(4), row(4))).gain
    many = judge_look(look(row(100, 300), row(250, 300), row(100, 300), row(100, 300))).gain
    assert 0.15 < few < 0.35 < many < 0.5
    assert judge_look(look(row(11), row(9), row(11), row(11))).gain <= 1 / 12 + 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_simulated_tasks_of_known_gain(kind: str) -> None:
    seeds = [2000 + 5 * i + KINDS.index(kind) for i in range(5)]
    assert sum(said(case(seed)) == kind for seed in seeds) >= 4


def looked(task: Task, **given: object) -> tuple[Headroom, FakeModel, FakeOptimizerModel]:
    models = FakeModel(), FakeOptimizerModel()
    work = aheadroom(task, model=models[0], optimizer_model=models[1], **given)  # type: ignore[arg-type]  # of tests
    return asyncio.run(work), *models


@pytest.mark.parametrize("size", [4, 10, 40])
def test_at_most_sixty_calls_and_all_are_counted(size: int) -> None:
    task = fake_task(size)
    found, reader, writer = looked(task)
    asked = len(reader.requests) + len(writer.requests)
    assert found.spent.calls == asked <= MAX_CALLS
    assert set(found.prompts) == {"seed", "seed, demos", "written", "written, demos"}
    assert found.n == min(size, 12)
    tested = {e.inputs["input"] for e in task.test}
    assert not any(r.messages[-1].content in tested for r in reader.requests)


@dataclass
class Silent(FakeOptimizerModel):
    def answer(self, request: Request) -> str:
        return ""


def test_a_writer_that_writes_nothing_leaves_the_look() -> None:
    found = asyncio.run(aheadroom(fake_task(20), model=FakeModel(), optimizer_model=Silent()))
    assert "reworded" in found.prompts
    assert found.spent.calls <= MAX_CALLS


@dataclass
class Moody:
    """Answers with a coin: a model whose answers vary from draw to draw."""

    name: str = "moody"

    async def complete(self, request: Request) -> Completion:
        answer = ("yes", "no")[(request.seed or 0) // 7 % 2]
        return Completion(text=answer, usage=Usage(input_tokens=1, output_tokens=1))

    async def aclose(self) -> None:
        pass


def test_answers_that_vary_are_asked_for_more_second_answers() -> None:
    labels = ("yes", "no")
    rows = [Example({"input": f"{i}"}, (labels[i % 2],)) for i in range(60)]
    task = Task(
        name="coin", scorer=Choice(labels=labels), seed_prompts=(Prompt("Say yes or no."),),
        train=rows[:20], validation=rows[20:40], test=rows[40:], labels=labels,
    )  # fmt: skip
    found = asyncio.run(aheadroom(task, model=Moody(), optimizer_model=FakeOptimizerModel()))
    assert found.n == 8
    assert found.verdict.between_answers > 0.1
    assert found.verdict.kind in ("temperature or model first", "no gain in sight")


def test_what_a_look_needs_is_said() -> None:
    with pytest.raises(DataError, match="4 validation examples or more"):
        rows_of_look(replace(fake_task(20), validation=fake_task(20).validation[:3]))
    with pytest.raises(DataError, match="train examples"):
        rows_of_look(replace(fake_task(20), train=()))
    with pytest.raises(SettingsError, match=r"These models cost nothing.*--price"):
        asyncio.run(aheadroom(fake_task(20), budget=Budget(max_usd=1)))
    with pytest.raises(SettingsError, match="say nothing"):
        rows_of_look(fake_task(20), max_calls=20)


def test_as_a_user_types_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["check", "support-tickets", "--headroom"])
    assert result.exit_code == 0, result.exception
    assert "Headroom: at most 58 calls: four prompts on 8 validation examples" in result.output
    assert "Worth it. The best other prompt came to" in result.output
    assert result.output.index("at most 58 calls") < result.output.index("Worth it.")
    again = CliRunner().invoke(app, ["check", "support-tickets", "--headroom", "--json"])
    assert '"level": "headroom"' in again.output
    assert not list(tmp_path.glob(".apo/runs/*"))


def test_a_task_with_errors_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("text,label\n" + "a,x\nb,y\n" * 20, encoding="utf-8")
    (tmp_path / "task.yaml").write_text(
        "name: t\ninputs: [text]\ntarget: label\nlabels: [x, z]\ndata: data.csv\nprompt: Say.\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["check", ".", "--headroom"])
    assert result.exit_code != 0
    assert not (tmp_path / ".apo" / "evaluations.db").exists()
