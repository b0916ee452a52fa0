"""Finalists on several models: who is in, what each scores, who is best, and what it costs."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from apo.assessment.matrix import Finalist, Matrix, PromptOnModel, finalists
from apo.assessment.transfer import atransfer, take_over
from apo.calls.budget import Budget, Spent
from apo.calls.options import Options
from apo.errors import ContentFilterError, DataError, SettingsError
from apo.model import Completion, Request
from apo.prompts.prompt import Prompt
from apo.results.standings import Standing
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal
from apo.testing.fakes import FakeModel, fake_task

TASK = fake_task(20)
PROMPTS = [Finalist(name=name, prompt=Prompt(f"Answer{plus}"), validation=0.5, front=False)
           for name, plus in (("seed", ""), ("best", "++++++++"), ("#2", "++"))]  # fmt: skip


@dataclass
class Named(FakeModel):
    """A fake that goes by a name of its own, and may refuse all that it is asked."""

    refuses: bool = False

    async def complete(self, request: Request) -> Completion:
        if self.refuses:
            raise ContentFilterError("no")
        return await super().complete(request)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Named]:
    """The models that were opened, by name."""
    found: dict[str, Named] = {}

    def open_fake(options: Options, name: str) -> Named:
        found[name] = Named(name=name, refuses=name == "refusing")
        return found[name]

    monkeypatch.setattr("apo.evaluation.outside.open_with", open_fake)
    return found


def matrix(models: Sequence[str], journal: Journal | None = None, **given: Any) -> Matrix:
    options: dict[str, Any] = {"task": TASK, "prompts": PROMPTS, "journal": journal, **given}
    return asyncio.run(atransfer(options.pop("task"), options.pop("prompts"), models, **options))


def test_every_prompt_on_every_model(opened: dict[str, Named]) -> None:
    found = matrix(["a", "b"])
    assert (found.n, found.split, found.spent.calls) == (20, "validation", 120)
    assert len(opened["a"].requests) == len(opened["b"].requests) == 60
    for row in found.cells.values():
        assert list(row) == ["seed", "best", "#2"]
        assert (row["seed"].difference, row["seed"].interval) == (None, None)
        assert row["best"].difference == pytest.approx(row["best"].score - row["seed"].score)
        low, high = row["best"].interval or (1.0, 0.0)
        assert low <= (row["best"].difference or 0) <= high
    assert found.best_on("a") == "best"
    assert json.loads(json.dumps(found.to_dict()))["best_for_all"]["mean"] == "best"


def test_a_second_time_is_free(opened: dict[str, Named], tmp_path: Path) -> None:
    with Journal(tmp_path / "kept.db") as journal:
        matrix(["a", "b"], journal)
    with Journal(tmp_path / "kept.db") as journal:
        found = matrix(["a", "b"], journal)
    assert opened["a"].requests == []  # The one of the second time.
    assert found.spent.calls == 120  # Kept answers count, so that limits mean the same.


def test_what_the_run_has_paid_for_is_taken_over(opened: dict[str, Named], tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with Journal(run.journal_path) as journal:
        matrix(["a"], journal)
    with Journal(tmp_path / "kept.db") as journal:
        take_over(run, [one.prompt for one in PROMPTS[:2]], journal)
        matrix(["a"], journal)
    asked = {request.messages[0].content for request in opened["a"].requests}
    assert asked == {PROMPTS[2].prompt.messages({"input": ""})[0].content}  # Alone.


def test_what_is_refused_scores_0_and_is_compared(opened: dict[str, Named]) -> None:
    found = matrix(["a", "refusing"])
    cell = found.cells["refusing"]["best"]
    assert (cell.score, cell.counts["refused"], cell.counts["error"]) == (0, 20, 0)
    assert (cell.difference, cell.p_value) == (0, 1)
    assert found.best_on("refusing") == "seed"  # Of equals the first.


def test_p_values_are_corrected_for_all_cells(opened: dict[str, Named]) -> None:
    alone = matrix(["a"], prompts=PROMPTS[:2]).cells["a"]["best"].p_value
    with_b = matrix(["a", "b"], prompts=PROMPTS[:2])
    assert alone is not None
    # The fakes answer alike, so both p-values are the same, and there are two of them.
    assert with_b.cells["a"]["best"].p_value == pytest.approx(min(1, 2 * alone))


def test_the_test_split_when_it_is_asked_for(opened: dict[str, Named]) -> None:
    found = matrix(["a"], split="test", prompts=PROMPTS[:1])
    asked = {request.messages[-1].content for request in opened["a"].requests}
    assert (found.split, asked) == ("test", {e.target for e in TASK.test})


@pytest.mark.parametrize(
    ("models", "given", "words"),
    [
        ([], {}, "No model is given"),
        (["a", "b", "a"], {}, "--model a is given twice"),
        (["a"], {"split": "train"}, "no split 'train' to transfer on"),
        (["a"], {"split": "시험"}, "Known: validation, test"),
        (["a"], {"budget": Budget(max_calls=59)}, "take 60 calls, kept answers counted"),
        (["a"], {"budget": Budget(max_usd=1.0)}, "The price of a is unknown"),
    ],
)
def test_mistakes_are_told_before_a_call(
    opened: dict[str, Named], models: list[str], given: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        matrix(models, **given)
    assert not any(model.requests for model in opened.values())


def test_an_empty_split(opened: dict[str, Named]) -> None:
    empty = replace(TASK, test=())
    with pytest.raises(DataError, match="has no test examples"):
        matrix(["a"], task=empty, split="test")


# --- who is in, and who is best


def standing(name: str, score: float, *, front: bool = False, broken: bool = False) -> Standing:
    return Standing(
        id=name, operator="seed" if name == "s" else "x", prompt=Prompt(name).to_dict(),
        score=score, input_tokens=1.0, output_tokens=1.0, usd=None, seconds=None,
        front=front, broken=("e",) if broken else (),
    )  # fmt: skip


FOUND = [
    standing("a", 0.9, front=True),
    standing("b", 0.8),
    standing("c", 0.7),
    standing("s", 0.6),
    standing("d", 0.5, front=True),
    standing("x", 0.95, broken=True),
]


@pytest.mark.parametrize(
    ("top", "names"),
    [
        (1, {"seed": "s", "best": "a"}),
        (2, {"seed": "s", "best": "a", "#5": "d"}),  # The front before the next best.
        (3, {"seed": "s", "best": "a", "#2": "b", "#5": "d"}),
        (99, {"seed": "s", "best": "a", "#2": "b", "#3": "c", "#5": "d"}),
    ],
)
def test_finalists(top: int, names: dict[str, str]) -> None:
    found = finalists(FOUND, top)
    assert {f.name: f.prompt.instruction for f in found} == names
    assert found[0].name == "seed"


def test_where_the_seed_is_the_best_it_is_called_the_seed() -> None:
    found = finalists([standing("s", 0.9), standing("a", 0.8)], 5)
    assert [f.name for f in found] == ["seed", "#2"]


@pytest.mark.parametrize("top", [0, -3])
def test_too_few_finalists(top: int) -> None:
    with pytest.raises(SettingsError, match="at least 1"):
        finalists(FOUND, top)


def test_nothing_beside_the_seed() -> None:
    with pytest.raises(SettingsError, match="The seed prompt is the only candidate"):
        finalists([standing("s", 0.9), standing("x", 0.95, broken=True)], 5)


def scored(**scores: Sequence[float]) -> Matrix:
    names = ("seed", "best", "#2")
    cells = {
        model: {
            n: PromptOnModel(score=s, counts={}, tokens=0) for n, s in zip(names, row, strict=True)
        }
        for model, row in scores.items()
    }
    return Matrix(split="validation", n=1, models=tuple(scores), finalists=tuple(PROMPTS),
                  cells=cells, spent=Spent())  # fmt: skip


def test_the_best_for_each_and_for_all() -> None:
    found = scored(a=(0.5, 0.9, 0.6), b=(0.5, 0.3, 0.55))
    assert (found.best_on("a"), found.best_on("b")) == ("best", "#2")
    assert (found.best_mean, found.best_worst) == ("best", "#2")
    assert found.mean("best") == pytest.approx(0.6)
    assert found.worst("best") == 0.3


def test_ties_go_to_the_first() -> None:
    found = scored(a=(0.1, 0.3, 0.2), b=(0.3, 0.1, 0.2))  # Their sums differ in the last bit.
    assert found.best_mean == "seed"
    assert found.best_on("a") == "best"
