"""Programs in a task file: their steps, what each is given, and what is wrong in words."""

import re
from pathlib import Path
from typing import Any

import pytest

from apo import Prompt, PromptSet, TaskError, load_task, task_from_data
from apo.programs.chain import Chain
from apo.programs.function import FunctionProgram
from apo.taskfile.wishes import task_wishes
from apo.taskfile.yaml_file import read_task_file
from apo.trust import FileName

ROWS = [{"ticket": f"t{n}", "team": "ab"[n % 2]} for n in range(20)]
HEAD = "inputs: [ticket]\ntarget: team\nlabels: [a, b]\ndata: rows.csv\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = "".join(f"{row['ticket']},{row['team']}\n" for row in ROWS)
    (tmp_path / "rows.csv").write_text(f"ticket,team\n{lines}")
    return tmp_path


def task_file(folder: Path, rest: str) -> Path:
    path = folder / "task.yaml"
    path.write_text(HEAD + rest)
    return path


def made(**settings: Any) -> Any:
    return task_from_data(ROWS, inputs="ticket", target="team", labels=["a", "b"], **settings)


def test_steps_are_given_the_inputs_and_the_answer_before(folder: Path) -> None:
    decide = "{instruction: Which team, decoding: {top_p: 0.5}}"
    rest = f"steps:\n  extract: Say what.\n  decide: {decide}\n"
    task = load_task(task_file(folder, rest))
    [seed] = task.seed_prompts
    assert isinstance(seed, PromptSet)
    assert {n: (p.instruction, p.template) for n, p in seed.steps.items()} == {
        "extract": ("Say what.", "{{ticket}}"),
        "decide": ("Which team", "{{extract}}"),
    }
    assert seed.steps["decide"].decoding.top_p == 0.5
    assert task.program == Chain(steps=("extract", "decide"))
    assert task.calls_per_example == 2


def test_a_step_may_show_the_input_as_well() -> None:
    both = "Facts: {{extract}}\nTicket: {{ticket}}"
    task = made(steps={"extract": "Say what.", "decide": {"instruction": "x", "template": both}})
    assert task.seed_prompts[0].steps["decide"].template == both


def test_decoding_holds_for_all_steps() -> None:
    task = made(steps={"a": "x", "b": "y"}, decoding={"temperature": 0.3})
    assert {p.decoding.temperature for p in task.seed_prompts[0].steps.values()} == {0.3}


def test_a_coroutine_runs_once_it_is_allowed(folder: Path) -> None:
    (folder / "route.py").write_text("async def answer(ask, ticket):\n    return await ask('a')\n")
    path = task_file(folder, "program: route.py:answer\ncalls: 3\nsteps: {a: x, b: y}\n")
    assert [wish.told for wish in task_wishes(read_task_file(path), folder)] == [
        "run the Python file route.py (program)"
    ]
    task = load_task(path)
    assert isinstance(task.program, FunctionProgram)
    assert (task.program.steps, task.program.calls) == (("a", "b"), 3)


def test_models_of_steps_are_asked_about(folder: Path) -> None:
    rest = "steps:\n  a: x\n  b: {instruction: y, model: openai/gpt-5-mini}\n"
    [wish] = task_wishes(read_task_file(task_file(folder, rest)), folder)
    assert wish.told.startswith("ask the model openai/gpt-5-mini")
    assert isinstance(load_task(task_file(folder, rest)).program.models["b"], FileName)  # type: ignore[union-attr]
    task = made(steps={"a": "x", "b": {"instruction": "y", "model": "embedded"}})
    assert task.program == Chain(steps=("a", "b"), models={"b": "embedded"})


async def answer(ask: Any, ticket: str) -> str:
    said: str = await ask(ticket=ticket)
    return said


class Mine:
    steps = ("",)
    calls = 4
    models: dict[str, str] = {}  # noqa: RUF012 (as a user writes it)

    async def answer(self, ask: Any, inputs: Any) -> str:
        return "a"


def test_a_program_may_have_one_prompt() -> None:
    task = made(prompt="Which?", program=answer)
    assert task.seed_prompts == (Prompt("Which?", template="{{ticket}}"),)
    assert task.program is not None
    assert task.program.steps == ("",)
    mine = Mine()
    assert made(prompt="Which?", program=mine).program is mine
    assert made(prompt="Which?", program=mine).calls_per_example == 4


def sync(ask: Any, ticket: str) -> str:
    return ticket


TWO = {"a": "x", "b": "y"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": {}}, "give a prompt, or steps with a prompt each"),
        ({"steps": TWO, "prompt": "x"}, "prompt and template, or steps"),
        ({"steps": TWO, "template": "{{ticket}}"}, "prompt and template, or steps"),
        ({"steps": {"ticket": "x"}}, "step 'ticket' has the name of an input field"),
        ({"steps": {"a b": "x"}}, "'a b' is no name of a step"),
        ({"steps": {"a": 7}}, "a: must be a text, a list of chat messages, or a mapping"),
        ({"steps": {"a": {"instruction": "x", "model": 7}}}, "model must be the name of a model"),
        ({"steps": {"a": "x", "b": ""}}, "steps.b: The prompt is empty"),
        ({"steps": {"a": "x", "b": "y {{c}}"}}, "Step 'b' has a variable {{c}}"),
        ({"steps": {"a": "x {{b}}", "b": "y"}}, "Step 'a' has a variable {{b}}"),
        ({"steps": {"a": "x", "b": "y {{ticket}}"}}, "No step is given {{a}}"),
        ({"steps": {"a": {"instruction": "x", "template": "go"}, "b": "y"}}, "given {{ticket}}"),
        ({"steps": TWO, "calls": 3}, "calls is the most that a program of your own makes"),
        ({"steps": TWO, "program": "route"}, "must be file.py:name, a coroutine function"),
        ({"steps": TWO, "program": sync}, "program sync must be a coroutine function"),
        ({"steps": TWO, "program": answer, "calls": 101}, "an example may take 1 to 100 calls"),
        ({"steps": TWO, "program": Mine()}, "takes one prompt, and this has a prompt for each"),
    ],
)
def test_what_is_wrong_is_said(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskError, match=re.escape(said)):
        made(**settings)
