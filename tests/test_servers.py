"""What a server gives away of itself: another model behind the name, and inputs that it cuts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from apo import Budget, Options, Prompt, Request, Search, Usage, aoptimize
from apo.assessment.gate import agate
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.model import Completion, Message
from apo.models.stream import read_stream
from apo.storage.journal import Journal
from apo.storage.servers import ALIKE, Server, changes, cut_at
from apo.testing import FakeModel, fake_task


class Answers:
    """Answers by the number of the call."""

    name = "m"

    def __init__(self, answer: Callable[[int, Request], Completion]) -> None:
        self.answer, self.asked = answer, list[Request]()

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        return self.answer(len(self.asked) - 1, request)

    async def aclose(self) -> None:
        pass


def notes_of(model: Answers, texts: list[str], path: Path | None = None) -> tuple[str, ...]:
    async def run() -> tuple[str, ...]:
        endpoint = Endpoint("task", model)
        calls = [Call.to(endpoint, Request((Message("user", text),))) for text in texts]
        with Journal(path) as journal:
            caller = Caller(journal, Meter(Budget()))
            kept = caller.charge(calls)
            for call in calls:
                if call.key not in kept:
                    await caller.answer(call)
            return (*caller.kept_notes(), *caller.notes())

    return asyncio.run(run())


# --- another model behind the name ----------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (("m", ""), ("m", ""), ""),
        (("a", ""), ("b", ""), "name 2 models: a (2 answers from"),
        (("a", "fp_1"), ("b", "fp_1"), "name 2 models: a [fp_1] (2 answers from"),
        (("m", "fp_1"), ("m", "fp_2"), "have 2 fingerprints: m [fp_1] (2 answers from"),
        (("", ""), ("", ""), ""),
    ],
)
def test_a_change_behind_the_name_is_told_of_new_and_of_kept_answers(
    first: tuple[str, str], second: tuple[str, str], said: str, tmp_path: Path
) -> None:
    def answer(i: int, _: Request) -> Completion:
        model, fingerprint = first if i < 2 else second
        return Completion("x", model=model, fingerprint=fingerprint)

    path = tmp_path / "journal.db"
    for kept in (False, True):
        found = " ".join(notes_of(Answers(answer), ["1", "2", "3"], path))
        assert said in found
        assert ("kept from" in found) == kept
        assert ("The answers of m" in found) == bool(said)
    assert [line.partition("(")[0] for line in changes(path)] == (
        [f"The answers of m {said.partition('(')[0]}"] if said else []
    )


@pytest.mark.parametrize(
    ("asked", "served", "same"),
    [
        ("openai/gpt-4o", "gpt-4o-2024-08-06", True),
        ("anthropic/claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022", True),
        ("ollama/qwen2.5:7b", "Qwen2.5:7B", True),
        ("ollama/qwen2.5", "qwen2.5:latest", True),
        ("http://h/v1#Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b-instruct", True),
        ("http://h/v1#qwen", "C:\\models\\Qwen2.5-7B.Q4_K_M.gguf", True),
        ("gemini/gemini-1.5-pro", "models/gemini-1.5-pro-002", True),
        ("openai/ft:gpt-4o-mini:acme::x", "ft:gpt-4o-mini-2024-07-18:acme::x", True),
        ("azure/our-deployment", "gpt-4o-2024-08-06", True),
        ("http://h/v1#m", "qwen2.5-0.5b-instruct", False),
        ("openai/gpt-4o", "gpt-3.5-turbo", False),
        ("http://h/v1#llama-3.1-70b", "llama-3.1-8b", False),
    ],
)
def test_another_model_than_was_asked_for_is_told(
    asked: str, served: str, same: bool, tmp_path: Path
) -> None:
    model = Answers(lambda _, __: Completion("x", model=served))
    model.name = asked
    found = notes_of(model, ["1", "2"], tmp_path / "journal.db")
    said = f"The answers of {asked} name another model, {served}: "
    for told in (found, changes(tmp_path / "journal.db")):
        assert [note.startswith(said) for note in told if "name" in note] == [True] * (not same)


def test_a_stream_has_a_fingerprint() -> None:
    found = read_stream(
        'data: {"model": "a", "system_fingerprint": "fp", "choices": [{"delta": {"content": "x"}, '
        '"finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    )
    assert found is not None
    assert (found["model"], found["system_fingerprint"]) == ("a", "fp")


# --- inputs that are cut --------------------------------------------------------------------


def sizes(lengths: list[int], limit: int = 10**9) -> list[tuple[int, int]]:
    """Texts of so many tokens, of 3 to 5 bytes a token, counted up to the limit."""
    rng = Random(0)
    return [(min(n, limit), round(n * rng.uniform(3, 5))) for n in lengths]


def test_inputs_that_are_cut_are_found() -> None:
    assert cut_at(sizes([*range(500, 6000, 50)], limit=4096)) == 4096
    assert cut_at(sizes([9000, 20_000, 30_000, 60_000], limit=2048)) == 2048  # All of them.
    assert cut_at(sizes([300, 310, 320, 900, 900, 1000, 1100], limit=512)) == 512
    # A writer's, beside answers to short rows alone.
    assert cut_at(sizes([*range(60, 90), *range(600, 2000, 100)], limit=512)) == 512


@pytest.mark.parametrize(
    "found",
    [
        [],
        sizes([*range(500, 6000, 50)]),
        sizes([*range(500, 4000, 50)], limit=4096),
        sizes([512] * 500 + [*range(100, 500)]),  # A chunker's.
        sizes([1000, 5000, 6000], limit=4096),  # Too few to tell.
        sizes([9000] * 5 + [100] * 5, limit=60),  # Counts of a server that counts otherwise.
        [(300, 900)] * (ALIKE + 5),
        # One request to a writer several times, beside short rows that markup makes dense.
        [(40, 80)] * 50 + [(300, 1200)] * 5,
    ],
)
def test_inputs_that_are_not_cut_are_not_taken_for_it(found: list[tuple[int, int]]) -> None:
    assert cut_at(found) == 0


def test_counts_of_what_is_cut_may_differ_by_a_little() -> None:
    cut = [
        (tokens - i % 3 * (tokens == 4096), size)
        for i, (tokens, size) in enumerate(sizes([*range(500, 6000, 50)], limit=4096))
    ]
    assert cut_at(cut) == 4096
    server = Server(sizes=cut)
    [note] = server.notes("ollama/m")
    assert "were all counted as 4,094-4,096 tokens" in note


def test_a_server_that_cuts_is_told() -> None:
    def answer(_: int, request: Request) -> Completion:
        return Completion("x", Usage(min(2048, len(request.messages[0].content) // 4), 1))

    texts = ["word " * n for n in range(100, 4000, 100)]
    found = notes_of(Answers(answer), texts)
    assert any("all counted as 2,048 tokens" in note and "num_ctx" in note for note in found)
    assert not notes_of(Answers(answer), texts[:12])


# --- both prompts in turns ------------------------------------------------------------------


class Recording(FakeModel):
    """Is right where the prompt is the better one, and keeps the order of what it was asked."""

    def answer(self, request: Request) -> str:
        *before, last = [message.content for message in request.messages]
        return last if "+" in "".join(before) else "?"


def order(model: FakeModel, words: set[str]) -> list[tuple[str, bool]]:
    """Word and whether the better prompt asked, of the requests on these words."""
    asked = [(r.messages[-1].content, "+" in r.messages[0].content) for r in model.requests]
    return [one for one in asked if one[0] in words]


def assert_row_by_row(asked: list[tuple[str, bool]]) -> None:
    """Each word by both prompts before the next, now the one and now the other first."""
    rows = list(zip(asked[::2], asked[1::2], strict=True))
    assert all(one[0] == other[0] and one[1] != other[1] for one, other in rows)
    assert 0.2 < sum(better for (_, better), _ in rows) / len(rows) < 0.8


@dataclass(frozen=True)
class TakeOne:
    """A search of one candidate."""

    async def run(self, search: Search) -> None:
        await search.map(search.evaluate, search.accept([Prompt("Answer++")], operator="x"))


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [1, 16])
def test_the_final_test_asks_both_prompts_row_by_row(concurrency: int, tmp_path: Path) -> None:
    model, task = Recording(), fake_task(12)
    result = asyncio.run(
        aoptimize(
            task,
            TakeOne(),
            model=model,
            budget=Budget(max_calls=200),
            options=Options(track=False, max_concurrency=concurrency),
            home=tmp_path,
        )
    )
    assert result.verdict is not None
    assert (result.verdict.seed_score, result.verdict.best_score) == (0, 1)
    tested = {example.target for example in task.test}
    asked = order(model, tested)
    assert_row_by_row(asked)
    assert [word for word, _ in asked[::2]] == [example.target for example in task.test]


def test_a_gate_asks_both_prompts_row_by_row() -> None:
    model, task = Recording(), fake_task(30)
    asyncio.run(agate(task, Prompt("Answer"), Prompt("Answer+"), model=model))
    asked = order(model, {e.target for e in task.test})
    assert len(asked) >= 2 * 20
    assert_row_by_row(asked)


@pytest.mark.slow
def test_a_model_swapped_in_the_middle_of_the_test_brings_no_gain(tmp_path: Path) -> None:
    """With one prompt after the other, all of the better model's answers were the best one's."""

    class Swapped(Recording):
        def answer(self, request: Request) -> str:
            *before, last = [message.content for message in request.messages]
            if last not in tested:
                return last if "+" in "".join(before) else "?"
            swapped = len(order(self, tested)) > len(tested)
            return last if swapped else "?"

    task = replace(fake_task(12), test=fake_task(60).test)
    tested = {example.target for example in task.test}
    result = asyncio.run(
        aoptimize(
            task,
            TakeOne(),
            model=Swapped(),
            budget=Budget(max_calls=400),
            options=Options(track=False),
            home=tmp_path,
        )
    )
    assert result.best.prompt != result.seed.prompt
    assert result.verdict is not None
    assert result.verdict.seed_score == pytest.approx(0.5, abs=0.02)
    assert abs(result.verdict.difference) < 0.02
    assert not result.verdict.favourable
