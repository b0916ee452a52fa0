"""A `dspy.Module` improved by apo's optimizers: all its predictors, and equal in DSPy after."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import apo
from apo.assessment.evaluate import evaluate
from apo.bridges.dspy_engine import dspy_module
from apo.errors import DataError, Interrupted, TaskError
from apo.model import Completion, Request
from apo.testing.fakes import FakeModel, FakeOptimizerModel, draw

DSPY = dspy_module("a test")
BASE: type[Any] = DSPY.Module
CALLS = 400
FIELD = re.compile(r"\[\[ ## (\w+) ## \]\]\n(.*)")
WANTED = re.compile(r"starting with the field `\[\[ ## (\w+)|output fields.*?`\[\[ ## (\w+)")


@dataclass
class Model(FakeModel):
    """Says a word again, rightly with a chance of 20 % and 10 % more for every '+' in its request.

    In DSPy's form, or (`plain`) without it.
    """

    plain: bool = False
    at: int = 10**9

    async def complete(self, request: Request) -> Completion:
        if len(self.requests) >= self.at:
            raise Interrupted("stopped by the test")
        return await super().complete(request)

    def answer(self, request: Request) -> str:
        told, last = request.messages[0].content, request.messages[-1].content
        [(_, word), *_] = FIELD.findall(last)
        right = draw(f"{told} {last} {request.seed if request.decoding.temperature else 0}")
        said = word if right < 0.2 + 0.1 * told.count("+") else "?"
        wanted = "".join(WANTED.findall(last)[0])
        return said if self.plain else f"[[ ## {wanted} ## ]]\n{said}\n\n[[ ## completed ## ]]"


class Two(BASE):  # type: ignore[misc]
    """A program of two predictors: what is read goes on to what decides."""

    def __init__(self, read: str = "Read", decide: str = "Decide ++++++++") -> None:
        super().__init__()
        self.read = DSPY.Predict(DSPY.Signature("text -> word", read))
        self.decide = DSPY.Predict(DSPY.Signature("word -> label", decide))

    def forward(self, text: str) -> Any:
        return self.decide(word=self.read(text=text).word)


class Awaited(Two):
    """The same for coroutines."""

    async def aforward(self, text: str) -> Any:
        found = await self.read.acall(text=text)
        return await self.decide.acall(word=found.word)


ROWS = [DSPY.Example(text=f"x{i}", label=f"x{i}").with_inputs("text") for i in range(100)]
POOLS = {"train": ROWS[:20], "validation": ROWS[20:40], "test": ROWS[40:]}


def right(row: Any, prediction: Any, trace: Any = None) -> bool:
    return bool(row.label == prediction.label)


def search(home: Path, module: Any, model: FakeModel, **given: Any) -> tuple[apo.Task, apo.Result]:
    task = apo.dspy_task(module, POOLS, right)
    result = apo.optimize(
        task, "random-search", model=model, optimizer_model=FakeOptimizerModel(),
        budget=apo.Budget(max_calls=CALLS), options=apo.Options(track=False, reuse=False),
        home=home, **given,
    )  # fmt: skip
    return task, result


def test_the_broken_predictor_is_mended_and_a_stop_changes_nothing(tmp_path: Path) -> None:
    task, result = search(tmp_path / "whole", Awaited(), Model())
    assert result.verdict is not None
    assert result.verdict.favourable
    steps = result.best.prompt.steps
    assert steps["read"].instruction.count("+") >= 3
    assert steps["decide"].instruction.count("+") >= 5
    assert result.spent.calls <= CALLS
    made: Any = task.program
    module = made.module(result.best.prompt)
    assert module.read.signature.instructions == steps["read"].instruction
    with pytest.raises(Interrupted) as caught:
        search(tmp_path, Two(), Model(at=120))
    rest = Model(delay_seed=3)  # Without coroutines, and in another order, too.
    _, again = search(tmp_path, Two(), rest, run=caught.value.run_id)
    assert len(rest.requests) < CALLS - 120
    assert again.best.prompt == result.best.prompt
    assert again.spent.calls == result.spent.calls


@pytest.mark.parametrize("kind", [Two, Awaited])
def test_in_dspy_it_answers_the_same_row_for_row(kind: Callable[[], Any], tmp_path: Path) -> None:
    task = apo.dspy_task(kind(), POOLS, right)
    program: Any = task.program
    seed = program.seed
    read, decide = seed.steps["read"], seed.steps["decide"]
    found = seed.with_steps({
        "read": replace(read, instruction="Read +++", demos=(apo.Demo("a b", "b"),)),
        "decide": replace(decide, demos=(apo.Demo("b", field("label", "B")),)),
    })  # fmt: skip
    program.module(found).save(tmp_path / "module.json")
    loaded = kind()
    loaded.load(tmp_path / "module.json")
    assert [dict(demo) for demo in loaded.decide.demos] == [
        {"augmented": True, "word": "b", "label": "B"}
    ]
    model = Model()
    measured = evaluate(task, found, model=model)
    assert 0 < measured.mean < 1
    with apo.dspy_lm(again := Model(), temperature=0.0) as lm, DSPY.context(lm=lm):
        for rollout in measured.rollouts:
            assert loaded(text=rollout.example.inputs["text"]).label == rollout.output
    assert {r.messages for r in again.requests} == {r.messages for r in model.requests}


# --- the program itself ---------------------------------------------------------------------


@dataclass
class Asks:
    """What a program asks with: gives answers, and remembers what it was asked."""

    prompts: Any
    say: Callable[[str, str], str]

    def __post_init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    async def chat(self, messages: Any, step: str, /, **given: Any) -> Completion:
        decoding = given["decoding"]
        self.seen.append((step, given["shown"], given["draw"], decoding.temperature))
        return Completion(self.say(step, messages[-1].content))


def run(module: Any, said: Callable[[str, str], str], **settings: Any) -> tuple[str, Asks]:
    program = apo.DspyProgram(module, **settings)
    ask: Any = Asks(program.seed.steps, said)
    return asyncio.run(program.answer(ask, {"text": "x"})), ask


def field(name: str, value: str) -> str:
    return f"[[ ## {name} ## ]]\n{value}\n"


def test_steps_inputs_and_draws_are_told() -> None:
    class Drawn(BASE):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.think = DSPY.ChainOfThought("text -> label: bool")

        def forward(self, text: str) -> Any:
            return self.think(text=text, config={"n": 2, "temperature": 0.5})

    said = field("reasoning", "so") + field("label", "True")
    answer, ask = run(Drawn(), lambda step, text: said, calls=2)
    assert answer == "true"
    assert ask.seen == [("think.predict", {"text": "x"}, draw, 0.5) for draw in (0, 1)]


def test_threads_of_the_module_ask_as_well() -> None:
    class Many(BASE):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.say = DSPY.Predict("text -> label")

        def forward(self, text: str) -> Any:
            rows = [DSPY.Example(text=f"{text}{i}").with_inputs("text") for i in range(3)]
            run_all = DSPY.Parallel(num_threads=3, disable_progress_bar=True)
            found = run_all([(self.say, row) for row in rows])
            return DSPY.Prediction(label="".join(one.label for one in found))

    def said(step: str, text: str) -> str:
        return field("label", FIELD.findall(text)[0][1])

    answer, ask = run(Many(), said, calls=3)
    assert answer == "x0x1x2"
    assert sorted(shown["text"] for _, shown, *_ in ask.seen) == ["x0", "x1", "x2"]


def test_a_reply_that_dspy_cannot_read_is_the_answer_as_it_is() -> None:
    answer, ask = run(Two(), lambda step, text: "no form at all")
    assert answer == "no form at all"
    assert [step for step, *_ in ask.seen] == ["read"]
    both = DSPY.ChatAdapter()
    assert apo.DspyProgram(Two()).calls == 2
    assert apo.DspyProgram(Two(), adapter=both).calls == 4
    answer, ask = run(
        Two(), lambda s, t: '{"word": "a", "label": "b"}' if "JSON" in t else "?", adapter=both
    )
    assert (answer, len(ask.seen)) == ("b", 4)


def test_demos_go_both_ways() -> None:
    module = DSPY.ChainOfThought("text, lang -> label")
    demo = {"text": "a\nb", "lang": "en", "reasoning": "because", "label": "x"}
    module.predict.demos = [DSPY.Example(**demo), DSPY.Example(text="c", lang="", label="y")]
    program = apo.DspyProgram(module)
    step = program.seed.steps["predict"]
    assert step.demos[0].user == "text: a\nb\nlang: en"
    again = program.module(program.seed).predict.demos
    assert {k: again[0][k] for k in demo} == demo
    assert again[1]["label"] == "y"
    target = apo.Demo("text: d\nlang: ko", "plain")  # As a labelled row gives it.
    changed = apo.PromptSet.of({"predict": replace(step, demos=(target,))})
    [made] = program.module(changed).predict.demos
    assert (made["text"], made["lang"], made["label"]) == ("d", "ko", "plain")


def test_what_does_not_fit_is_told() -> None:
    class Empty(BASE):  # type: ignore[misc]
        pass

    with pytest.raises(TaskError, match=r"Empty has no dspy\.Predict within"):
        apo.DspyProgram(Empty())
    said = field("reasoning", "so") + field("label", "x")
    with pytest.raises(TaskError, match="no field 'team'; it has reasoning, label"):
        run(DSPY.ChainOfThought("text -> label"), lambda step, text: said, output="team")
    bare = [DSPY.Example(text=f"x{i}", label="y") for i in range(9)]
    with pytest.raises(DataError, match="with_inputs"):
        apo.dspy_task(Two(), bare, right)
    assert apo.dspy_task(Two(), ROWS, right, inputs="text", target="label").program is not None


ROUTE = """
import apo
import dspy

class Route(dspy.Module):
    def __init__(self):
        super().__init__()
        self.read = dspy.Predict("text -> word")
        self.decide = dspy.ChainOfThought("word -> label")

    async def aforward(self, text):
        return await self.decide.acall(word=(await self.read.acall(text=text)).word)

module = Route()
program = apo.DspyProgram(module)

def right(row, prediction, trace=None):
    return row.label == prediction.label
"""
TASK = """
inputs: [text]
target: label
data: rows.csv
program: route.py:{name}
scorer: {{name: route.py:right, output: label}}
"""


def test_a_task_file_names_a_module(tmp_path: Path) -> None:
    (tmp_path / "route.py").write_text(ROUTE, encoding="utf-8")
    rows = "".join(f"x{i},{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / "rows.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    file = tmp_path / "task.yaml"
    file.write_text(TASK.format(name="program"), encoding="utf-8")
    task = apo.load_task(tmp_path)
    assert list(task.seed_prompts[0].steps) == ["read", "decide.predict"]
    assert task.judge("a", replace(task.test[0], targets=("a",))).value == 1
    file.write_text(TASK.format(name="module"), encoding="utf-8")
    with pytest.raises(TaskError, match=r"brings some as apo\.DspyProgram\(module\)"):
        apo.load_task(tmp_path)
