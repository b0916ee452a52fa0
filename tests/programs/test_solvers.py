"""Solvers: what each asks, how many calls it takes, and what it makes of the answers."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from apo import (
    Budget,
    Completion,
    Decoding,
    Evaluation,
    Example,
    ModelError,
    Prompt,
    Request,
    Task,
    TaskError,
)
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.checking.check import check
from apo.evaluation.measure import measure
from apo.evaluation.room import answer_room
from apo.programs.program_aided import ProgramAided
from apo.programs.react import ReAct
from apo.programs.reasoning import ChainOfThought, SelfConsistency, marked_answer, voted
from apo.programs.tools import Documents, calculate
from apo.programs.two_calls import Decomposition, GeneratedKnowledge, in_words
from apo.scorers.solution import run_solution
from apo.scorers.text import Exact
from apo.storage.journal import Journal
from apo.taskfile.load import load_task, task_from_data

PROMPT = Prompt("Solve it.", template="{{problem}}")
TOOLS = [{"name": "look", "parameters": {"type": "object"}}]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
ROWS = tuple(Example({"problem": f"{i} + 1?"}, (str(i + 1),)) for i in range(3))


class Told:
    """Answers what a function of the messages says."""

    name = "told"

    def __init__(self, says: Callable[[Sequence[str], Request], str | ModelError]) -> None:
        self.asked: list[list[str]] = []
        self.requests: list[Request] = []
        self._says = says

    async def complete(self, request: Request) -> Completion:
        texts = [message.content for message in request.messages]
        self.asked.append(texts)
        self.requests.append(request)
        said = self._says(texts, request)
        if isinstance(said, ModelError):
            raise said
        return Completion(said)

    async def aclose(self) -> None:
        pass


def always(said: str) -> Callable[[Sequence[str], Request], str]:
    """A model that says one thing."""
    return lambda texts, request: said


def first(words: str, said: str, then: str) -> Callable[[Sequence[str], Request], str]:
    """A model that says one thing where the instruction holds some words, else another."""
    return lambda texts, request: said if words in texts[0] else then


def solve(
    program: Any, says: Callable[[Sequence[str], Request], str], n: int = 1
) -> tuple[Evaluation, Told, int]:
    task = Task(
        name="sums", scorer=Exact(), seed_prompts=(PROMPT,), train=ROWS, validation=ROWS,
        input_fields=("problem",), program=program,
    )  # fmt: skip
    model = Told(says)
    with Journal() as journal:
        caller = Caller(journal, Meter(Budget(max_calls=program.calls * n)))
        found = asyncio.run(measure(caller, Endpoint("task", model), task, PROMPT, ROWS[:n]))
        return found, model, caller.meter.charged


@pytest.mark.parametrize("korean", [False, True])
def test_chain_of_thought_gives_the_marked_answer_alone(korean: bool) -> None:
    says = always("0 and 1 make <answer>2</answer>. No: <answer> 1 </answer>")
    found, model, charged = solve(ChainOfThought(korean=korean), says)
    [[system, user]] = model.asked
    assert system.startswith("Solve it.\n\n")
    assert "<answer>" in system
    assert ("단계별" in system) == korean
    assert user == "0 + 1?"
    assert (found.rollouts[0].output, found.value, charged) == ("1", 1, 1)
    assert found.rollouts[0].demo(PROMPT).assistant.startswith("0 and 1 make")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("so <answer>7</answer>", "7"),
        ("<ANSWER>7", "7"),
        ("<answer></answer> 7", "<answer></answer> 7"),
        ("답은 <답>칠</답>", "칠"),
        (" 7 ", "7"),
    ],
)
def test_marked_answers(said: str, answer: str) -> None:
    assert marked_answer(said) == answer


def test_self_consistency_draws_and_votes() -> None:
    answers = iter(["1", "2", "**2**", "1", "2 "])
    solver = SelfConsistency(n=5, temperature=0.9)

    def draws(texts: Sequence[str], request: Request) -> str:
        return f"<answer>{next(answers)}</answer>"

    found, model, charged = solve(solver, draws)
    assert charged == len({request.seed for request in model.requests}) == 5
    assert {request.decoding.temperature for request in model.requests} == {0.9}
    assert found.rollouts[0].output == "2"
    assert len(found.rollouts[0].trace) == 5
    plain, model, _ = solve(SelfConsistency(n=2, reason=False), always("1"))
    assert model.asked[0] == ["Solve it.", "0 + 1?"]
    assert plain.value == 1


@pytest.mark.parametrize(
    ("answers", "answer"),
    [
        (["a", "b"], "a"),
        (["b", "a", "A."], "a"),
        (["", "x"], "x"),
        (["", ""], ""),
        (["?"], "?"),
        (["2", "1,200", "1200.0"], "1,200"),
        (["b", '{"n": 1, "m": 2}', '```json\n{"m":2,"n":1}\n```'], '{"n": 1, "m": 2}'),
        (["[2]", "[1]", "[1,]", "[ 1 ]"], "[1]"),
        (["2 cats", "2 dogs", "2 dogs"], "2 dogs"),
        (["1" * 500, "2", "2"], "2"),
    ],
)
def test_votes(answers: list[str], answer: str) -> None:
    assert voted(answers) == answer


def test_knowledge_is_generated_first_and_shown_with_the_input() -> None:
    says = first("Do not answer yet", "A fact {{problem}}.", "1")
    found, model, charged = solve(GeneratedKnowledge(), says)
    assert model.asked[1] == ["Solve it.", "0 + 1?\n\nWhat may help:\nA fact {{problem}}."]
    assert (found.value, charged) == (1, 2)
    assert found.rollouts[0].trace[1].inputs["knowledge"] == "A fact {{problem}}."


def test_decomposition_answers_the_parts_first() -> None:
    says = first("smaller questions", "1. one?", "<answer>1</answer>")
    found, model, charged = solve(Decomposition(), says)
    assert "Worked out so far:\n1. one?" in model.asked[1][-1]
    assert "<answer>" in model.asked[1][0]
    assert (found.rollouts[0].output, charged) == ("1", 2)


def test_react_acts_until_it_knows() -> None:
    def says(texts: Sequence[str], _: Request) -> str:
        turn = len(texts)
        if turn == 2:
            return "Thought: I look.\nAction: search[plus sign]\nObservation: made up"
        if turn == 4:
            assert texts[-1] == "Observation: - The plus sign adds."
            assert texts[-2].endswith("search[plus sign]"), "what is made up is left out"
            return "Action: calculate[0 + 1]"
        assert texts[-1] == "Observation: 1"
        return "Final: 1"

    documents = ("The plus sign adds.", "Cats purr.")
    found, model, charged = solve(ReAct(documents=documents), says)
    assert (found.rollouts[0].output, charged) == ("1", 3)
    assert "search[words]" in model.asked[0][0]
    assert "calculate[" in model.asked[0][0]


def test_react_ends_at_its_last_turn() -> None:
    found, model, charged = solve(ReAct(max_steps=3), always("Action: calculate[1/0]"))
    assert charged == 3
    assert "cannot be calculated" in model.asked[1][-1]
    assert model.asked[2][-1].endswith("Give the answer now:\nFinal: …")
    assert "search[" not in model.asked[0][0]
    assert found.value == 0
    direct, _, n = solve(ReAct(), always("1"))
    assert (direct.rollouts[0].output, n) == ("1", 1)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("So:\n```python\ndef solution():\n    return 6 * 7\n```", "42"),
        (
            "```python\ndef solution():\n    return 1 / 0\n```",
            "The program failed: ZeroDivisionError.",
        ),
        ("```python\ndef solution(:\n```", "The program failed: SyntaxError."),
        ("It is 42.", "The answer holds no function solution()."),
        (
            "```python\ndef solution():\n    return {'n': ['é', None]}\n```\nSo:\n```\n7\n```\n"
            "```python\nprint(solution())\n```",
            '{"n": ["é", null]}',
        ),
        (
            "```python\ndef solution():\n    yield 42\n```",
            "The function solution() returns nothing.",
        ),
        (
            "```python\ndef solution():\n    raise SystemExit(42)\n```",
            "The program failed: SystemExit.",
        ),
        (
            "```python\ndef solution():\n    print(42)\n```",
            "The function solution() returns nothing.",
        ),
    ],
)
def test_a_program_gives_the_answer(said: str, answer: str) -> None:
    found, model, charged = solve(ProgramAided(run=run_solution), always(said))
    assert (found.rollouts[0].output, charged) == (answer, 1)
    assert "solution()" in model.asked[0][0]


def test_a_task_names_the_program_aided_solver() -> None:
    assert made(solver="program-aided").program == ProgramAided(run=run_solution)
    with pytest.raises(TaskError, match="no settings; leave out run"):
        made(solver={"name": "program-aided", "run": "x"})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", "14"), ("(1,200 - 200) / 4", "250"), ("2^10", "1024"), ("7 // 2", "3"),
        ("-3 % 5", "2"), ("1/3", "0.3333333333"), ("2 × 3 ÷ 4", "1.5"),
    ],
)  # fmt: skip
def test_the_calculator(expression: str, value: str) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "1/0",
        "9**9**9",
        "__import__('os')",
        "x + 1",
        "'a' * 9",
        "",
        "(-1) ** 0.5",
        "True + 1",
        "(" * 500,
    ],
)
def test_what_no_calculator_takes(expression: str) -> None:
    assert "cannot be calculated" in calculate(expression)


def test_documents_are_found_by_their_words() -> None:
    library = Documents(["Cats purr and sleep.", "Dogs bark.", "Cats and dogs.", "Fish swim."])
    assert library.search("why do CATS purr?", 1) == "- Cats purr and sleep."
    assert library.search("dogs").splitlines()[0] == "- Dogs bark."
    assert library.search("zebra") == "Nothing is found for these words."


DATA = [{"problem": f"{i} + 1?", "answer": str(i + 1)} for i in range(20)]


def made(**settings: Any) -> Task:
    return task_from_data(DATA, inputs="problem", target="answer", prompt="Solve it.", **settings)


def test_a_task_names_its_solver() -> None:
    assert made(solver="direct").program is None
    assert made(solver="chain-of-thought", language="ko").program == ChainOfThought(korean=True)
    task = made(solver={"name": "self-consistency", "n": 3})
    assert task.program == SelfConsistency(n=3)
    assert task.calls_per_example == 3
    assert any("self-consistency" in note and "3 calls" in note for note in task.notes)
    handbook = {"name": "react", "documents": ["One is a number.", "Two follows.\n"]}
    assert made(solver=handbook).program == ReAct(documents=("One is a number.", "Two follows.\n"))


@pytest.mark.parametrize(
    ("solver", "tokens", "room", "warned"),
    [
        ("chain-of-thought", None, 1024, False),
        ("chain-of-thought", 8, 8, True),
        ("generated-knowledge", 8, 8, True),
        ("react", 400, 400, False),
        ({"name": "self-consistency", "reason": False}, 8, 8, False),
        ("direct", 8, 8, False),
    ],
)
def test_more_than_an_answer_needs_its_room(
    solver: Any, tokens: int | None, room: int, warned: bool
) -> None:
    task = made(solver=solver, decoding={} if tokens is None else {"max_tokens": tokens})
    assert answer_room(task, task.seed_prompts[0]) == room
    told = [finding.text for finding in check(task) if finding.level == "warning"]
    assert any("the solver asks for more" in text for text in told) == warned


def test_documents_come_from_a_file_of_the_task(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "problem,answer\n" + "".join(f"{i}+1,{i + 1}\n" for i in range(20))
    )
    (tmp_path / "facts.txt").write_text("One is a number.\n\nTwo\nfollows.\n")
    (tmp_path / "task.yaml").write_text(
        "inputs: [problem]\ntarget: answer\ndata: rows.csv\nprompt: Solve it.\n"
        "solver: {name: react, documents: facts.txt, calculator: false}\n"
    )
    task = load_task(tmp_path)
    found = ("One is a number.", "Two\nfollows.")
    assert task.program == ReAct(documents=found, calculator=False)
    assert any("searches 2 documents" in note and "16 characters" in note for note in task.notes)


def test_documents_that_hold_the_test_rows_are_warned_of() -> None:
    rows = [{"problem": f"How much is {i} + 1?", "answer": str(i + 1)} for i in range(20)]
    texts = [f"How much is {i} + 1? It is {i + 1}." for i in range(20)]
    for documents, held in ((texts, True), (["One and one make two."], False)):
        task = task_from_data(
            rows, inputs="problem", target="answer", prompt="Solve it.",
            solver={"name": "react", "documents": documents},
        )  # fmt: skip
        told = [f.text for f in check(task) if "documents hold the inputs of 8 of 8" in f.text]
        assert bool(told) == held


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"solver": "chain-of-though"}, "no solver 'chain-of-though'.*chain-of-thought"),
        ({"solver": {"name": "react", "max_step": 3}}, "no setting 'max_step'.*max_steps"),
        ({"solver": {"name": "chain-of-thought", "n": 3}}, "has no settings; leave out n"),
        ({"solver": {"name": "react", "documents": 7}}, "must be the name of a text file"),
        ({"solver": {"name": "react", "documents": ["a.txt"]}}, "a list with 'a.txt'"),
        ({"solver": {"name": "self-consistency", "n": 1}}, "2 to 100; n is 1"),
        (
            {"solver": {"name": "self-consistency", "n": "many"}},
            "self-consistency.n is .many.; such as 5 fits",
        ),
        ({"solver": {"name": "self-consistency", "temperature": 0}}, "above 0"),
        ({"solver": {"name": "react", "calculator": False}}, "needs a tool"),
        ({"solver": {"name": "react", "documents": "nowhere.txt"}}, "nowhere.txt"),
        ({"solver": {"name": "direct", "n": 2}}, "no solver|direct"),
        ({"solver": "react", "tools": TOOLS}, "leave out tools, or take"),
        ({"solver": "program-aided", "output_schema": SCHEMA}, "write nothing else"),
        ({"solver": "self-consistency", "output_schema": SCHEMA}, "take generated-knowledge"),
        ({"solver": 7}, "must be the name of a solver"),
        ({"solver": {"n": 2}}, "must be the name of a solver"),
    ],
)
def test_what_is_wrong_with_a_solver_is_said(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskError, match=f"(?s){said}"):
        made(**settings)


def test_tools_and_form_go_with_the_answer_alone() -> None:
    both = made(solver="generated-knowledge", tools=TOOLS, output_schema=SCHEMA)
    made(solver={"name": "self-consistency", "reason": False}, output_schema=SCHEMA)
    extra = both.seed_prompts[0].decoding.extra
    assert {*extra} == {"tools", "response_format"}
    made(solver="chain-of-thought", tools=TOOLS)
    asked = Prompt("x", decoding=Decoding(temperature=0.3, extra=extra))
    assert in_words(asked) == Decoding(temperature=0.3)


def test_a_solver_and_a_program_are_not_both() -> None:
    async def answer(ask: Any, problem: str) -> str:
        return problem

    with pytest.raises(TaskError, match="solver, or a program or steps"):
        made(solver="chain-of-thought", program=answer)
    with pytest.raises(TaskError, match="solver, or a program or steps"):
        task_from_data(
            DATA, inputs="problem", target="answer", steps={"a": "x"}, solver="chain-of-thought"
        )
