"""A model of apo as a `dspy.LM`: metered, kept, found again, and bounded through DSPy's threads."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import apo
from apo.bridges.dspy_engine import dspy_module
from apo.errors import AuthenticationError, ContextLengthError, ModelError, SettingsError
from apo.model import Completion, Request
from apo.testing.fakes import FakeModel

DSPY = dspy_module("a test")
ROWS = [DSPY.Example(text=f"t{i}", label=f"t{i}").with_inputs("text") for i in range(60)]


@dataclass
class Model(FakeModel):
    """Answers DSPy's forms with the text that it is asked about, and says how it was asked."""

    error: ModelError | None = None

    async def complete(self, request: Request) -> Completion:
        if self.error is not None:
            raise self.error
        return await super().complete(request)

    def answer(self, request: Request) -> str:
        said = request.messages[-1].content
        if "[[ ## text ## ]]" not in said:
            return f"{request.seed} {said}"
        text = said.partition("[[ ## text ## ]]\n")[2].split("\n")[0]
        return f"[[ ## label ## ]]\n{text}\n\n[[ ## completed ## ]]"


def evaluate(lm: Any, n_threads: int, rows: Any = ROWS) -> float:
    def metric(row: Any, prediction: Any, trace: Any = None) -> bool:
        return bool(row.label == prediction.label)

    measure = DSPY.Evaluate(devset=rows, metric=metric, num_threads=n_threads, display_table=False)
    with DSPY.context(lm=lm):
        return float(measure(DSPY.Predict("text -> label")).score)


def test_every_call_is_kept_and_found_again(tmp_path: Path) -> None:
    kept = tmp_path / "answers.db"
    for answered in (60, 0):
        model = Model()
        with apo.dspy_lm(model, budget=apo.Budget(max_calls=60), journal=kept) as lm:
            assert evaluate(lm, 4) == 100
            assert evaluate(lm, 1) == 100
            assert lm.spent.calls == 60  # What was asked before is counted once, and again here.
        assert len(model.requests) == answered


@pytest.mark.parametrize("n_threads", [1, 4])
def test_the_end_of_a_budget_passes_through_dspy(n_threads: int, tmp_path: Path) -> None:
    model = Model()
    with (
        pytest.raises(apo.BudgetExhausted, match="25 of 25 are spent"),
        apo.dspy_lm(model, budget=apo.Budget(max_calls=25)) as lm,
    ):
        evaluate(lm, n_threads)
    assert len(model.requests) == lm.spent.calls == 25


def test_a_wrong_key_ends_the_work_and_a_request_too_long_does_not() -> None:
    with (
        pytest.raises(AuthenticationError, match="no such key"),
        apo.dspy_lm(Model(error=AuthenticationError("no such key"))) as lm,
    ):
        evaluate(lm, 2)
    too_long = Model(error=ContextLengthError("too long"))
    with (
        apo.dspy_lm(too_long) as lm,
        pytest.raises(DSPY.utils.exceptions.ContextWindowExceededError, match="too long"),
    ):
        lm("a text")


def test_draws_are_told_apart_by_their_rollout(tmp_path: Path) -> None:
    def ask(lm: Any) -> list[list[str]]:
        drawn = {"temperature": 1.0}
        return [
            lm("a", **drawn), lm("a", **drawn, n=3), lm("a", **drawn, rollout_id=1),
            lm("a", **drawn, rollout_id=2), lm("a", **drawn, rollout_id=1, n=2), lm("a"),
            asyncio.run(lm.acall("a", **drawn, rollout_id=2)),
        ]  # fmt: skip

    with apo.dspy_lm(Model()) as lm:
        one, three, first, second, two, plain, awaited = ask(lm)
        assert three[0] == one[0]
        assert two[0] == first[0]
        assert awaited == second
        assert len({*one, *three, *first, *second, *two, *plain}) == lm.spent.calls == 7
        assert ask(lm)[0] == one
        assert lm.spent.calls == 7


def test_requests_go_out_as_dspy_gives_them() -> None:
    kinds, model = DSPY.lm15, Model()

    def request(*turns: Any, **config: Any) -> Any:
        return kinds.Request(
            model=lm.model, messages=turns, system="S", config=kinds.Config(**config)
        )

    with apo.dspy_lm(model) as lm:
        turns = (kinds.Message.user("U"), kinds.Message.assistant("A"), kinds.Message.user("V"))
        found = lm(request(*turns, temperature=0.5, max_tokens=9, stop=("##",), top_p=0.9))
        assert found.message.text == model.answer(model.requests[0])
        assert found.usage.input_tokens == 4
        (sent,) = model.requests
        assert [(message.role, message.content) for message in sent.messages] == [
            ("system", "S"), ("user", "U"), ("assistant", "A"), ("user", "V"),
        ]  # fmt: skip
        assert sent.decoding == apo.Decoding(temperature=0.5, max_tokens=9, stop=("##",), top_p=0.9)
        lm(request(turns[0], response_format={"type": "json_object"}))
        assert model.requests[-1].decoding.extra == {"response_format": {"type": "json_object"}}
        assert model.requests[-1].decoding.temperature is None
        unsupported = DSPY.utils.exceptions.LMUnsupportedFeatureError
        with pytest.raises(unsupported, match="text alone and give one answer: logprobs cannot"):
            lm(request(turns[0], logprobs=0))
        image = kinds.ImagePart(url="https://example.org/a.png")
        with pytest.raises(unsupported, match="a message that is no text cannot be sent"):
            lm(request(kinds.Message(role="user", parts=(image,))))
        assert len(model.requests) == 2


def test_what_cannot_be_opened_is_said() -> None:
    with (
        pytest.raises(SettingsError, match="no-such"),
        apo.dspy_lm("no-such"),
    ):
        pass
