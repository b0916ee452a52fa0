"""apo as an adapter of Terrarium: its server scores and counts, and no mark reaches anybody."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from apo import BudgetExhausted, Completion, Request, SettingsError, Usage
from apo.optimizers import BY_NAME
from experiments.benchmarks.on_terrarium import Adapter, Answers, create_adapter, task_of, text_of


class EvalBudgetExhausted(Exception):
    """As Terrarium's, which is not installed here."""


@dataclass
class Server:
    """Scores by the number of "+" in a candidate, and counts as Terrarium's server does: late."""

    limit: int
    slack: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    solved: list[str] = field(default_factory=list[str])
    max_concurrency: int = 8
    meet: Callable[[], object] = int

    @property
    def budget(self) -> Any:
        used = len(self.asked)
        return SimpleNamespace(used=used, remaining=self.limit + self.slack - used)

    def evaluate(self, candidate: str, example: Any) -> tuple[float, dict[str, Any]]:
        if len(self.asked) >= self.limit:
            raise EvalBudgetExhausted(f"{self.limit} used")
        self.solved.append(example.id)
        self.meet()
        if len(self.asked) >= self.limit:
            raise EvalBudgetExhausted(f"{self.limit} used")
        self.asked.append((candidate, example.id))
        score = float(int(example.id[1:]) % 10 < candidate.count("+"))
        return score, {"output": f"said {example.id}", "feedback": "More +."}


@dataclass
class Writing:
    """Writes one "+" more each time."""

    name: str = "writing"
    texts: list[str] = field(default_factory=list[str])

    async def complete(self, request: Request) -> Completion:
        self.texts.append(request.messages[-1].content)
        text = f"<instruction>Sum.{'+' * len(self.texts)}</instruction>"
        return Completion(text, Usage(1, 1))

    async def aclose(self) -> None:
        pass


def task(n: int = 10, **changed: Any) -> Any:
    def rows(split: str) -> list[Any]:
        return [
            SimpleNamespace(
                id=f"{split}{i}", inputs={"input": f"{split} question {i}"}, expected="1"
            )
            for i in range(n)
        ]

    values = {
        "name": "sums", "objective": "Right sums.", "background": "", "train_set": rows("t"),
        "val_set": rows("v"), "initial_candidate": "Sum.",
    }  # fmt: skip
    return SimpleNamespace(**{**values, **changed})


@pytest.mark.parametrize(("limit", "slack"), [(60, 0), (45, 99)])
def test_the_server_counts_each_answer_and_ends_the_search(limit: int, slack: int) -> None:
    server, writing = Server(limit, slack), Writing()
    adapter = Adapter(BY_NAME["gepa"](), lambda: writing)
    candidate, score = asyncio.run(adapter.search(task(), server))
    assert len(server.asked) == limit
    assert candidate.count("+") == round(10 * score) > 0
    assert {example[0] for _, example in server.asked} == {"t", "v"}
    seen = [text for text, _ in server.asked] + writing.texts
    assert not any(0xE000 <= ord(sign) <= 0xF8FF or ord(sign) > 0xEFFFF for t in seen for sign in t)
    assert "question" in writing.texts[0]
    assert "More +." in writing.texts[0]


def test_nothing_is_solved_that_the_budget_would_refuse() -> None:
    """The server looks at its budget before it solves, and counts after: all at once would pass."""
    server = Server(2, meet=Barrier(2, timeout=60).wait)
    made, rows = task_of(task())
    answers = Answers(server, rows, left=2)

    async def ask() -> list[object]:
        shown = [Request(made.seed_prompts[0].messages(e.inputs)) for e in made.train[:4]]
        return await asyncio.gather(*map(answers.complete, shown), return_exceptions=True)

    found = asyncio.run(ask())
    assert [type(one) for one in found] == [Completion] * 2 + [BudgetExhausted] * 2
    assert len(server.solved) == len(server.asked) == 2


def test_as_many_are_evaluated_at_once_as_the_server_makes() -> None:
    first = iter([Barrier(12, timeout=60).wait] * 12)

    def meet() -> None:
        next(first, int)()

    server = Server(300, max_concurrency=12, meet=meet)
    asyncio.run(Adapter(BY_NAME["gepa"](), Writing).search(task(30), server))
    assert next(first, None) is None


def test_demos_stand_in_the_candidate() -> None:
    server = Server(120)
    asyncio.run(Adapter(BY_NAME["bootstrap-rs"](), Writing).search(
        task(initial_candidate="Sum.+++"), server))  # fmt: skip
    shown = [text for text, _ in server.asked if "Input: t question" in text]
    assert shown
    assert "\n\nOutput: " in shown[0]


def test_what_apo_cannot_search_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: tuple[dict[str, Any], ...] = ({"train_set": None}, {"val_set": []})
    for missing in nothing:
        with pytest.raises(SettingsError, match="searches prompts on examples"):
            task_of(task(**missing))
    monkeypatch.delenv("APO_OPTIMIZER_MODEL", raising=False)
    with pytest.raises(SettingsError, match="APO_OPTIMIZER_MODEL"):
        create_adapter()
    monkeypatch.setenv("APO_OPTIMIZER_MODEL", "embedded")
    assert type(create_adapter().optimizer).__name__ == "GEPA"


def test_inputs_are_shown_as_the_solver_is_shown_them() -> None:
    assert text_of({"problem": "2 + 2", "level": "1"}) == "2 + 2"
    assert text_of({"a": "x", "b": 3}) == "a: x\nb: 3"
    made, rows = task_of(task(train_set=[*task(3).train_set, *task(3).train_set]))
    assert (len(made.train), len(rows)) == (3, 13)  # The same input twice is one.
