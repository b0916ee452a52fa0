"""DSPy's optimizers in a search of apo: within the budget, with a verdict, stopped and resumed."""

import contextlib
import io
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import apo
from apo.bridges.dspy_engine import dspy_module
from apo.bridges.dspy_optimizers import BY_NAME
from apo.bridges.dspy_program import Program
from apo.errors import ContextLengthError, Interrupted, SettingsError
from apo.model import Completion, Request
from apo.programs.chain import Chain
from apo.search.plugins import all_names, make_optimizer, optimizer_name
from apo.storage.folder import RunFolder
from apo.testing.fakes import FakeModel, FakeOptimizerModel, draw, fake_task

NAMES = [*BY_NAME]
CALLS = 180
SMALL: dict[str, dict[str, Any]] = {
    "dspy:MIPROv2": {"num_candidates": 3, "num_trials": 5, "minibatch": False},
    "dspy:BootstrapFewShotWithRandomSearch": {"num_candidate_programs": 3},
    "dspy:SIMBA": {"bsize": 5, "num_candidates": 3, "max_steps": 2},
    "dspy:COPRO": {"breadth": 4, "depth": 2},
}
FIELD = re.compile(r"\[\[ ## (\w+) ## \]\]|`(\w+)`")


@dataclass
class Writer(FakeOptimizerModel):
    """Writes what DSPy asks for in the form that it asks for; instructions have a few '+'."""

    def answer(self, request: Request) -> str:
        asked = request.messages[-1].content.rpartition("Respond with")[2]
        fields = [a or b for a, b in FIELD.findall(asked) if "completed" not in (a, b)]
        luck = draw(f"{request.seed} {request.messages}")
        text = f"Answer{'+' * int(6 * luck)} ({luck:.6f})"
        values = {name: "" if "prefix" in name else text for name in fields}
        if "module_advice" in values:
            values["module_advice"] = json.dumps({"answer": text})
        if "JSON" in asked:
            return json.dumps(values)
        return "\n".join(f"[[ ## {name} ## ]]\n{value}" for name, value in values.items())


@dataclass
class Answers(FakeModel):
    """Answers otherwise at each draw."""

    def answer(self, request: Request) -> str:
        if request.decoding.temperature:
            told = request.messages[0]._replace(content=f"{request.seed} {request.messages[0]}")
            request = request._replace(messages=(told, *request.messages[1:]))
        return super().answer(request)


@dataclass
class Mute(Writer):
    """Writes nothing that DSPy can read."""

    def answer(self, request: Request) -> str:
        return "I am happy to help."


@dataclass
class Refuses(Writer):
    """Finds every request too long."""

    async def complete(self, request: Request) -> Completion:
        raise ContextLengthError("the request is too long")


@dataclass
class Stops(Answers):
    """Is stopped by the user at a call."""

    at: int = 10**9

    async def complete(self, request: Request) -> Completion:
        if len(self.requests) >= self.at:
            raise Interrupted("stopped by the test")
        return await super().complete(request)


def search(
    name: str,
    home: Path,
    model: FakeModel,
    *,
    writer: FakeModel | None = None,
    run: str | None = None,
    **settings: Any,
) -> apo.Result:
    return apo.optimize(
        fake_task(), name, settings={**SMALL.get(name, {}), **settings}, model=model,
        optimizer_model=writer or Writer(), budget=apo.Budget(max_calls=CALLS),
        options=apo.Options(track=False, reuse=False), home=home, run=run,
    )  # fmt: skip


@dataclass
class Whole:
    """A search from its start to its verdict."""

    result: apo.Result
    folder: RunFolder
    n_answered: int
    n_written: int
    printed: str


@pytest.fixture(scope="module")
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    name, home = str(request.param), tmp_path_factory.mktemp("whole")
    model, writer = Answers(), Writer()
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        result = search(name, home, model, writer=writer)
    folder = RunFolder(home / "runs" / result.run_id)
    return Whole(result, folder, len(model.requests), len(writer.requests), out.getvalue())


@pytest.mark.parametrize("whole", NAMES, indirect=True)
def test_a_search_ends_with_a_verdict_within_the_budget(whole: Whole) -> None:
    result, name = whole.result, whole.folder.settings["optimizer"]["name"]
    assert result.verdict is not None
    assert whole.n_answered + whole.n_written == result.spent.calls <= CALLS
    assert bool(whole.n_written) == ("Bootstrap" not in name)
    assert result.best.value >= result.seed.value
    if "GEPA" in name or "COPRO" in name:
        assert "+" in result.best.prompt.instruction  # DSPy's search found what is better.
    assert whole.printed == ""  # Neither progress bars nor reports of DSPy.
    assert name in BY_NAME
    assert whole.folder.id.startswith(name.replace("dspy:", "fake-dspy-"))


@pytest.mark.parametrize("whole", NAMES[:4], indirect=True)
def test_a_search_that_was_stopped_goes_on_to_the_same(whole: Whole, tmp_path: Path) -> None:
    name, run = whole.folder.settings["optimizer"]["name"], None
    for at in (25, 45):
        with pytest.raises(Interrupted) as caught:
            search(name, tmp_path, Stops(at=at), run=run)
        run = caught.value.run_id
    rest, writer = Answers(delay_seed=1), Writer(delay_seed=2)
    again = search(name, tmp_path, rest, writer=writer, run=run)
    assert len(rest.requests) < whole.n_answered - 40
    assert again.best.prompt == whole.result.best.prompt
    assert again.spent.calls == whole.result.spent.calls
    assert str(again.verdict) == str(whole.result.verdict)


def test_the_steps_of_a_program_are_written_one_after_the_other(tmp_path: Path) -> None:
    seed = apo.PromptSet.of({
        "a": apo.Prompt("Answer"), "b": apo.Prompt("Answer ++++++++", template="{{a}}"),
    })  # fmt: skip
    task = replace(fake_task(), program=Chain(steps=("a", "b")), seed_prompts=(seed,))
    result = apo.optimize(
        task, "dspy:COPRO", settings=SMALL["dspy:COPRO"], model=Answers(), optimizer_model=Writer(),
        budget=apo.Budget(max_calls=400), options=apo.Options(track=False), home=tmp_path,
    )  # fmt: skip
    assert result.verdict is not None
    assert result.spent.calls <= 400
    steps = result.best.prompt.steps
    assert steps["a"].instruction.count("+") > 1
    assert steps["b"].instruction.count("+") > 4
    assert apo.Demo("", "") not in (*steps["a"].demos, *steps["b"].demos)


def test_a_writer_that_dspy_cannot_read_ends_the_search_in_words(tmp_path: Path) -> None:
    result = search("dspy:COPRO", tmp_path, FakeModel(), writer=Mute())
    assert result.verdict is not None
    told = "4 times DSPy could not read what the optimizer model wrote"
    assert any(told in note for note in result.notes)


def test_a_writer_that_refuses_ends_the_search_in_words(tmp_path: Path) -> None:
    writer = Refuses()
    result = search("dspy:COPRO", tmp_path, FakeModel(), writer=writer)
    assert result.verdict is not None
    assert any("refused what DSPy asks: " in n and "too long" in n for n in result.notes)
    gepa = search("dspy:GEPA", tmp_path, FakeModel(), writer=writer, max_metric_calls=60)
    assert gepa.verdict is not None  # GEPA goes on with another minibatch.


def test_settings_reach_dspy_and_are_checked(tmp_path: Path) -> None:
    few = search("dspy:COPRO", tmp_path, FakeModel(), breadth=2, depth=1)
    assert few.measured == 1  # Of two pairs the seed is one.
    for name, settings, words in (
        ("dspy:COPRO", {"breadth": "1"}, "COPRO.breadth is 1; it must be at least 2"),
        ("dspy:MIPROv2", {"auto": "big"}, "auto is 'big'; it is one of light, medium, heavy"),
        ("dspy:MIPROv2", {"num_trials": "3"}, "takes num_candidates and num_trials together"),
        ("dspy:GEPA", {"bredth": "1"}, "has no setting 'bredth'"),
        ("dspy:MIPRO", {}, "Did you mean 'dspy:MIPROv2'"),
    ):
        with pytest.raises(SettingsError, match=re.escape(words)):
            make_optimizer(name, settings)


def test_they_are_listed_and_named_and_need_dspy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all_names()[-5:] == NAMES
    for name in NAMES:
        assert optimizer_name(make_optimizer(name)) == name

    def nowhere(name: str) -> None:
        assert name == "dspy"

    monkeypatch.setattr("apo.bridges.dspy_engine.find_spec", nowhere)
    model = FakeModel()
    with pytest.raises(SettingsError, match=r"dspy:GEPA needs DSPy.*pip install dspy-ai"):
        search("dspy:GEPA", Path("nowhere"), model)
    assert not model.requests


# --- the student ----------------------------------------------------------------------------

ODD = apo.Prompt(
    "\n  Sort {{it}} out.\n    Now.\n ",
    context="Of {{demos}}:",
    demos=(
        apo.Demo("Signature: a\nText: b", "x"),
        apo.Demo("written otherwise", "y"),
        apo.Demo("Signature: c\nd\nText: ", "z"),
    ),
    cue="Label:",
    template="Signature: {{signature}}\nText: {{한 줄}}",
    layout=apo.Layout(role="user", repeat_instruction=True),
    decoding=apo.Decoding(temperature=0.3),
)
ODD_FIELDS = ("signature", "한 줄", "demos", "answer", "class", "_x", "base")


@pytest.mark.parametrize(
    ("prompt", "fields"),
    [
        (apo.Prompt("Sort it."), ("input",)),
        (ODD, ODD_FIELDS),
        (replace(ODD, instruction="", cue="", demos=()), ODD_FIELDS),
    ],
    ids=["plain", "odd", "empty"],
)
def test_the_student_sends_what_apo_sends(prompt: apo.Prompt, fields: tuple[str, ...]) -> None:
    program = Program(dspy_module("a test"), prompt, fields)
    example = apo.Example({name: f"{name}=1" for name in fields}, ("t",))
    answer = program.student.answer
    same = program.prompt(answer.signature, answer.demos)
    assert sorted(same.demos, key=str) == sorted(prompt.demos, key=str)
    assert replace(same, demos=prompt.demos) == prompt
    row = program.row(example)
    assert program.key(row) == tuple(example.inputs.values())
    assert set(row.labels().keys()) == {program.output}
    changed = answer.signature.with_instructions("New.")
    made = program.prompt(changed, [row])
    assert made.instruction == "New."
    assert made.demos[-1] == prompt.demo(example.inputs, "t")
    assert (made.template, made.layout, made.decoding) == (
        prompt.template, prompt.layout, prompt.decoding,
    )  # fmt: skip
    assert program.owns(changed)
    assert not program.owns(dspy_module("a test").Signature("input -> answer"))
