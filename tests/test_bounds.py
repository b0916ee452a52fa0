"""Every answer has a bound: from targets, prompts and meta-prompts; raised, and asked otherwise."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from apo import Budget, ModelUnavailable, Options, Prompt, Usage, aoptimize, aresume
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.calls.retry import Retry
from apo.checking.check import check
from apo.errors import BadRequestError, ContextLengthError, ModelError, TimedOutError
from apo.evaluation.evaluation import Evaluation, Rollout
from apo.evaluation.measure import measure
from apo.evaluation.room import OPEN, RECKONING, SENTENCE, answer_room, with_max_answer
from apo.evaluation.widening import FEW, TRIED, WIDER, widened, widening_notes
from apo.model import Completion, Decoding, Message, Request
from apo.models.address import Address
from apo.models.dialect import Dialect
from apo.models.embedded import Embedded
from apo.models.failures import failure
from apo.prompts.layout import Demo
from apo.prompts.meta_prompts import MetaPrompt
from apo.scorers.registry import make_scorer
from apo.search.reply_room import AROUND, BRIEFER, NEW, reply_room
from apo.storage.journal import Journal
from apo.task import Example, Task
from apo.testing import FakeModel, FakeOptimizerModel, fake_task
from apo.testing.fakes import Repeat

QUIET = Options(track=False, max_concurrency=4)


def task_of(target: str, scorer: Any, prompt: str = "Answer.") -> Task:
    rows = [Example({"input": f"x{i}"}, (target,)) for i in range(3)]
    made = make_scorer(scorer, ("a", target))
    return Task(
        name="t", scorer=made, seed_prompts=(Prompt(prompt),),
        train=rows[:1], validation=rows[1:2], test=rows[2:],
    )  # fmt: skip


# --- the rule -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "scorer", "prompt", "room"),
    [
        ("feature request", "choice", "Give the label.", 15 + SENTENCE),
        ("매우 긍정적", "choice", "라벨을 고르세요.", 16 + SENTENCE),
        ("1234567", "numeric", "Give the number.", 7 + RECKONING),
        ("1234567", "numeric", "Think step by step.", 7 + OPEN),
        ("b", "choice", "Explain your choice, then give the label.", 1 + OPEN),
        ("b", "choice", "근거를 말하고 라벨을 고르세요.", 1 + OPEN),
        ("b", "choice", "Write <answer>LABEL</answer>.", 1 + OPEN),
        ("x" * 3000, "exact", "Copy it.", 3000 + SENTENCE),
        ("b", {"name": "judge", "rubric": "Is it good?"}, "Write a poem.", 1 + OPEN),
        ("b", Repeat(), "Give the label.", 1 + OPEN),
    ],
)
def test_an_answer_has_room_for_target_form_and_reasons(
    target: str, scorer: Any, prompt: str, room: int
) -> None:
    task = task_of(target, "exact" if callable(scorer) else scorer, prompt)
    if callable(scorer):  # One of the user's own.
        task = replace(task, scorer=scorer)
    assert answer_room(task, task.seed_prompts[0]) == room


def test_demos_and_a_stated_limit_count() -> None:
    task = task_of("b", "choice")
    long = Prompt("Answer.", demos=(Demo("x", "y" * 500),))
    assert answer_room(task, long) == 500 + SENTENCE
    assert answer_room(task, long.with_max_tokens(7)) == 7
    assert answer_room(replace(task, answer_tokens=4000), long) == 4000
    [stated] = with_max_answer(task, 9).seed_prompts
    assert stated.decoding == Decoding(max_tokens=9)


@pytest.mark.parametrize(
    ("text", "parent", "max_chars", "room"),
    [
        ("Write an instruction.", 0, 8000, NEW / 3 + AROUND),
        ("Write an instruction.", 600, 8000, (2 * 600 + NEW) / 3 + AROUND),
        ("Write an instruction.", 9000, 3000, 3000 / 3 + AROUND),
        ("지시문을 쓰세요.", 100, 8000, (200 + NEW * BRIEFER) * 1.5 + AROUND),
    ],
)
def test_a_reply_has_room_for_an_instruction_that_grows(
    text: str, parent: int, max_chars: int, room: float
) -> None:
    parents = (Prompt("x" * parent),) if parent else ()
    assert reply_room(MetaPrompt("m", text, parents), max_chars) == round(room)


def test_check_tells_it() -> None:
    task = task_of("feature request", "choice")
    told = [f.text for f in check(task) if f.text.startswith("An answer may take")]
    assert told == [
        f"An answer may take {15 + SENTENCE} tokens: the longest target has 15 bytes. decoding: "
        "{max_tokens: N} in the task, or --max-answer, sets another."
    ]
    [stated] = [f.text for f in check(with_max_answer(task, 40)) if "An answer" in f.text]
    assert stated == "An answer may take 40 tokens, as is stated."


# --- every call -----------------------------------------------------------------------------


def test_every_call_of_a_run_is_bounded_and_its_key_is_not_changed(tmp_path: Path) -> None:
    model, writer = FakeModel(), FakeOptimizerModel()
    result = asyncio.run(
        aoptimize(
            fake_task(6), "opro", model=model, optimizer_model=writer,
            budget=Budget(max_calls=90), options=QUIET, home=tmp_path,
        )
    )  # fmt: skip
    asked = [*model.requests, *writer.requests]
    assert len(asked) == result.spent.calls
    assert all(request.decoding.max_tokens for request in asked)
    assert {r.decoding.max_tokens for r in model.requests} == {len("x17") + OPEN}  # Its own scorer.
    endpoint, request = Endpoint("task", model), Request((Message("user", "x"),))
    assert Call.to(endpoint, request).key == Call.to(endpoint, request, room=9).key


@pytest.mark.parametrize("text", ["Improve this prompt: Classify the text.", "bug or refund?"])
def test_the_embedded_model_draws_the_same_with_another_bound(text: str) -> None:
    def drawn(limit: int | None) -> str:
        decoding = Decoding(temperature=1.0, max_tokens=limit)
        request = Request((Message("user", text),), decoding, seed=7)
        return asyncio.run(Embedded().complete(request)).text

    assert drawn(None) == drawn(1000) == drawn(2000)


# --- more room ------------------------------------------------------------------------------


@dataclass
class Wordy:
    """Answers with so many words first; what is over the limit of tokens is cut."""

    words: Callable[[Request], int]
    name: str = "wordy"
    requests: list[Request] = field(default_factory=list[Request])

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        said = [*["well"] * self.words(request), request.messages[-1].content]
        limit = request.decoding.max_tokens or 10**9
        cut = len(said) > limit
        text = " ".join(said[:limit]) if cut else said[-1]
        return Completion(text, Usage(5, min(limit, len(said))), truncated=cut)

    async def aclose(self) -> None:
        pass


def small_task() -> Task:
    return replace(fake_task(12), scorer=make_scorer("exact"))


ROOM = len("x10") + SENTENCE


def measured(
    model: Wordy, path: Path | None = None
) -> tuple[Evaluation, Task | None, Caller, list[str]]:
    async def main() -> tuple[Evaluation, Task | None, Caller, list[str]]:
        task, endpoint = small_task(), Endpoint("task", model)
        prompt = task.seed_prompts[0]
        with Journal(path) as journal:
            caller = Caller(journal, Meter(Budget(max_calls=12)))
            found = await measure(caller, endpoint, task, prompt, task.validation)
            wide = await widened(caller, endpoint, task, found)
            if wide is not None:
                found = await measure(caller, endpoint, wide, prompt, task.validation)
            return found, wide, caller, [*widening_notes(journal), *caller.notes()]

    return asyncio.run(main())


def number(request: Request) -> int:
    return int(request.messages[-1].content[1:])


def test_cut_answers_that_would_end_are_asked_for_again_with_more_room(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    model = Wordy(lambda request: 200 if number(request) % 2 else 0)
    found, wide, caller, notes = measured(model, path)
    assert wide is not None
    assert wide.answer_tokens == WIDER * ROOM
    assert found.mean == 1.0
    assert not found.cuts()
    assert [r.decoding.max_tokens for r in model.requests].count(ROOM) == 12
    assert len(model.requests) == 12 + 6
    spent = caller.meter.spent
    assert (spent.calls, spent.lost_tokens) == (12, 6 * (5 + ROOM))  # A cut one is an attempt.
    assert spent.output_tokens == 6 * 1 + 6 * 201
    assert "6 of 12 answers to the seed prompt were cut at 131 tokens, and 3 of 3" in notes[0]
    assert len(notes) == 1

    again = Wordy(lambda _: 0)
    replayed, same, caller, told = measured(again, path)
    assert not again.requests
    assert (replayed.mean, same, told) == (1.0, wide, notes)
    assert (caller.meter.spent.calls, caller.meter.spent.lost_tokens) == (12, 6 * (5 + ROOM))


def test_a_model_that_runs_on_gets_no_more_room() -> None:
    model = Wordy(lambda _: 10**6)
    found, wide, caller, notes = measured(model)
    assert wide is not None
    assert wide.answer_tokens == 0
    assert len(model.requests) == 12 + TRIED
    assert found.cuts() == {"cut": 12}
    assert "of 3 asked again" in notes[0].replace("asked for again", "asked again")
    assert "runs on" in notes[0]
    assert caller.meter.spent.calls == 12


def test_where_more_room_takes_too_long_the_cut_answers_stay(tmp_path: Path) -> None:
    class Slow(Wordy):
        async def complete(self, request: Request) -> Completion:
            found = await super().complete(request)
            if (request.decoding.max_tokens or 0) > ROOM:
                raise SLOW
            return found

    path = tmp_path / "journal.db"
    model = Slow(lambda _: 10**6)
    found, wide, caller, notes = measured(model, path)
    assert wide is not None
    assert (wide.answer_tokens, found.cuts()) == (0, {"cut": 12})
    assert len(model.requests) == 12 + TRIED  # Not sent again: there is an answer.
    assert "0 came to an end" in notes[0]
    assert caller.meter.spent.calls == 12
    again = Slow(lambda _: 0)
    same, wide, _, told = measured(again, path)
    assert not again.requests
    assert ([r.output for r in same.rollouts], told[0]) == (
        [r.output for r in found.rollouts],
        notes[0],
    )


@pytest.mark.parametrize("long", [FEW - 1, 0])
def test_few_cut_answers_change_nothing(long: int) -> None:
    model = Wordy(lambda request: 10**6 if number(request) < 12 + long else 0)
    found, wide, _, notes = measured(model)
    assert (wide, len(model.requests)) == (None, 12)
    assert [note for note in notes if "cut at 131 tokens. Where the answers" in note] == notes
    assert len(notes) == bool(long)
    assert found.cuts() == ({"cut": long} if long else {})


def test_a_stated_limit_is_kept() -> None:
    task = small_task()
    cut = Rollout(task.validation[0], "x", task.judge("x", task.validation[0]), cut=True)
    prompt = Prompt("Answer").with_max_tokens(5)
    with Journal() as journal:
        caller = Caller(journal, Meter(Budget()))
        found = Evaluation(prompt, (cut,) * 12)
        assert asyncio.run(widened(caller, Endpoint("task", FakeModel()), task, found)) is None


def test_a_run_whose_answers_need_more_goes_on_the_same_after_a_break(tmp_path: Path) -> None:
    def start(home: Path, calls: int) -> Any:
        return aoptimize(
            small_task(), "random-search",
            model=Wordy(lambda _: 300),
            optimizer_model=FakeOptimizerModel(), budget=Budget(max_calls=calls),
            options=QUIET, home=home,
        )  # fmt: skip

    whole = asyncio.run(start(tmp_path / "a", 90))
    assert any("may take 524 tokens" in note for note in whole.notes)
    assert whole.seed.mean == 1.0
    again = asyncio.run(
        aresume(
            whole.run_id, home=tmp_path / "a", task=small_task(),
            model=Scripted(BadRequestError("It is asked again."), name="wordy"),
            optimizer_model=FakeOptimizerModel(),
        )
    )  # fmt: skip
    assert again.best == whole.best
    assert replace(again.spent, lost_usd=0) == replace(whole.spent, lost_usd=0)


# --- one call -------------------------------------------------------------------------------


class Scripted:
    """Each attempt gets the next step; the last one stays."""

    def __init__(
        self,
        *steps: str | Completion | ModelError,
        name: str = "scripted",
        dialect: Dialect | None = None,
    ) -> None:
        self.steps, self.name, self.requests = steps, name, list[Request]()
        self.dialect = dialect or Dialect()

    async def complete(self, request: Request) -> Completion:
        step = self.steps[min(len(self.requests), len(self.steps) - 1)]
        self.requests.append(request)
        if isinstance(step, ModelError):
            raise step
        return step if isinstance(step, Completion) else Completion(step, Usage(5, 1))

    async def aclose(self) -> None:
        pass

    @property
    def limits(self) -> list[int | None]:
        return [request.decoding.max_tokens for request in self.requests]


def ask(
    model: Any,
    texts: str = "a",
    *,
    journal: Journal | None = None,
    budget: Budget | None = None,
    role: str = "task",
    decoding: Decoding | None = None,
) -> tuple[Caller, list[Any]]:
    async def main() -> tuple[Caller, list[Any]]:
        caller = Caller(
            journal or Journal(), Meter(budget or Budget()), retry=Retry(first_wait=0, max_wait=0)
        )
        endpoint = Endpoint(role, model, max_output=100, max_thinking=1000)
        calls = [
            Call.to(endpoint, Request((Message("user", text),), decoding or Decoding()), room=50)
            for text in texts
        ]
        kept = caller.charge(calls)
        found = [kept.get(call.key) or await _outcome(caller, call) for call in calls]
        return caller, found

    return asyncio.run(main())


async def _outcome(caller: Caller, call: Call) -> Any:
    try:
        return await caller.answer(call)
    except ModelError as error:
        return error


CUT = Completion("", Usage(5, 50, 0, 50), truncated=True, thinking="Hm")


def test_a_context_that_the_request_has_filled_is_no_thinking(tmp_path: Path) -> None:
    full = Completion("", Usage(4096, 0), truncated=True)
    with Journal(tmp_path / "journal.db") as journal:
        caller, _ = ask(Scripted(full), "a", journal=journal)
        notes = caller.notes()
    assert not any("thinks" in note for note in notes)
    assert any("the request alone fills the server's context" in note for note in notes)


def test_thinking_that_is_cut_gets_room_and_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    model = Scripted(CUT, "yes")
    with Journal(path) as journal:
        caller, found = ask(model, "ab", journal=journal)
        notes = caller.notes()
    assert [one.text for one in found] == ["yes", "yes"]
    assert model.limits == [50, 1050, 1050]
    spent = caller.meter.spent
    assert (spent.calls, spent.retries, spent.lost_tokens) == (2, 0, 55)
    assert [n for n in notes if "thinks before it answers" in n and "--max-thinking" in n]
    later = Scripted("yes")
    with Journal(path) as journal:
        ask(later, "c", journal=journal)
    assert later.limits == [1050]


@pytest.mark.parametrize(
    ("name", "thinks"),
    [
        ("openai/gpt-5-mini", True),
        ("openai/gpt-4o-mini", False),
        ("x/DeepSeek-R1-Distill-Qwen-7B", True),
        ("x/Qwen3-8B", True),
        ("x/Qwen3-4B-Instruct-2507", False),
        ("x/grok-4-fast-non-reasoning", False),
        ("x/SmolLM2-135M-Instruct", False),
    ],
)
def test_models_that_are_known_to_think_have_the_room_at_once(name: str, thinks: bool) -> None:
    model = Scripted("yes", dialect=Dialect.of(name))
    ask(model)
    assert model.limits == [1050 if thinks else 50]


def test_thinking_beyond_its_own_bound_is_cut_and_said() -> None:
    model = Scripted(CUT, CUT._replace(usage=Usage(5, 1050, 0, 1050)))
    caller, [found] = ask(model)
    assert found.truncated
    assert model.limits == [50, 1050]
    assert [n for n in caller.notes() if "cut at 1,050 tokens" in n and "--max-thinking" in n]


def test_a_stated_limit_holds_for_thinking_too() -> None:
    model = Scripted(CUT)
    _, [found] = ask(model, decoding=Decoding(max_tokens=60))
    assert (found.truncated, model.limits) == (True, [60])


FULL = ContextLengthError("4000 tokens at most")
FULL.of_limit = True
LARGE = BadRequestError("max_tokens is too large")
LARGE.of_limit = True


@pytest.mark.parametrize("error", [FULL, LARGE])
def test_room_that_the_context_lacks_is_halved(error: ModelError) -> None:
    model = Scripted(error, error, "yes")
    caller, [found] = ask(model)
    assert found.text == "yes"
    assert model.limits == [50, 25, 16]
    assert (caller.meter.spent.calls, caller.meter.spent.lost_tokens) == (1, 0)


def test_what_had_no_room_is_not_asked_for_again() -> None:
    class Small(Scripted):
        """Has a context of 40, of which a request takes a byte's worth for each byte."""

        async def complete(self, request: Request) -> Completion:
            found = await super().complete(request)
            if len(request.messages[0].content) + (request.decoding.max_tokens or 0) > 40:
                raise FULL
            return found

    model = Small("yes")
    texts = ["a" * 10, "b" * 10, "c" * 20, "d" * 5, "e" * 10]
    endpoint = Endpoint("task", model, max_output=50, max_thinking=1000)
    calls = [Call.to(endpoint, Request((Message("user", text),))) for text in texts]

    async def main() -> tuple[str, ...]:
        with Journal() as journal:
            caller = Caller(journal, Meter(Budget()))
            caller.charge(calls)
            for call in calls:
                await caller.answer(call)
            return caller.notes()

    notes = asyncio.run(main())
    # The longer one needs less still, and does not take the others' room.
    assert model.limits == [50, 25, 25, 25, 16, 50, 25, 25]
    assert [note for note in notes if "has no room" in note] == [
        "The context of scripted has no room for answers of 50 tokens beside its requests: they "
        "were asked for with 25, or what else fits. Raise it on the server (vLLM: "
        "--max-model-len), or ask for less with --max-answer or --max-thinking."
    ]


def test_a_request_that_is_too_long_itself_is_refused_at_the_least_room() -> None:
    model = Scripted(FULL)
    _, [found] = ask(model)
    assert isinstance(found, ContextLengthError)
    assert model.limits == [50, 25, 16]
    other = Scripted(ContextLengthError("too long"))
    _, [found] = ask(other)
    assert (type(found), other.limits) == (ContextLengthError, [50])


@pytest.mark.parametrize(
    ("words", "kind", "of_limit"),
    [
        ("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens "
         "(1000 in the messages, 4000 in the completion).", ContextLengthError, True),
        ("'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context "
         "length is 8192 tokens and your request has 90 input tokens.", ContextLengthError, True),
        ("max_tokens is too large: 9000. This model supports at most 4096 completion tokens, "
         "whereas you provided 9000.", BadRequestError, True),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
         BadRequestError, True),
        ("`max_tokens` must be less than or equal to `8192`", BadRequestError, True),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 512 "
         "`max_new_tokens`", ContextLengthError, True),
        ("the request exceeds the available context size (2048)", ContextLengthError, False),
        ("Invalid value for 'temperature'.", BadRequestError, False),
    ],
)  # fmt: skip
def test_servers_say_that_the_limit_is_too_high(
    words: str, kind: type[ModelError], of_limit: bool
) -> None:
    address = Address(name="x/m", model="m", url="http://x/v1", key_variable="")
    error = failure(address, 400, {}, {"error": {"message": words}})
    assert (type(error), error.of_limit) == (kind, of_limit)


def test_a_kept_answer_that_was_cut_lower_is_asked_for_again_as_one_call(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    cut = Completion("well", Usage(5, 20), truncated=True)
    with Journal(path) as journal:
        ask(Scripted(cut), journal=journal, decoding=None)
        journal.replace(next(iter(journal.find_all([_key()]).values()))._replace(bound=20))
    model = Scripted("whole")
    with Journal(path) as journal:
        caller, [found] = ask(model, journal=journal)
        assert journal.lost() == (25, 0.0)
    assert (found.text, model.limits) == ("whole", [50])
    assert (caller.meter.spent.calls, caller.meter.charged) == (1, 1)
    assert caller.meter.spent.tokens == 6
    with Journal(path) as journal:
        ask(Scripted(cut), journal=journal)
        [entry] = journal.find_all([_key()]).values()
        assert (entry.reply, entry.bound) == ("whole", 50)


def _key() -> str:
    return Call.to(
        Endpoint("task", FakeModel(name="scripted")), Request((Message("user", "a"),))
    ).key


# --- too slow -------------------------------------------------------------------------------

SLOW = TimedOutError("no answer within 120 s", billed=True)


def test_what_takes_too_long_is_sent_again_once_and_a_proposal_less_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    class Slow(Scripted):
        async def complete(self, request: Request) -> Completion:
            if request.messages[0].content == "b":
                self.requests.append(request)
                await asyncio.sleep(0)
                raise SLOW
            return await super().complete(request)

    def both(model: Any, role: str, journal: Journal) -> tuple[Caller, list[Any]]:
        async def main() -> tuple[Caller, list[Any]]:
            caller = Caller(journal, Meter(Budget()), retry=Retry(first_wait=0))
            endpoint = Endpoint(role, model, max_output=100)
            calls = [Call.to(endpoint, Request((Message("user", t),)), room=50) for t in "bacd"]
            kept = caller.charge(calls)
            todo = (_outcome(caller, call) for call in calls if call.key not in kept)
            return caller, [*kept.values(), *await asyncio.gather(*todo, return_exceptions=True)]

        return asyncio.run(main())

    model = Slow("yes", name="slow writer")
    with Journal(path) as journal:
        caller, found = both(model, "optimizer", journal)
    assert [r.messages[0].content for r in model.requests].count("b") == 2
    assert sorted(type(one).__name__ for one in found) == ["Completion"] * 3 + ["TimedOutError"]
    assert caller.meter.spent.calls == 4
    again = Slow("yes", name="slow writer")
    with Journal(path) as journal:
        _, same = both(again, "optimizer", journal)
    assert not again.requests
    assert sorted(map(str, same)) == sorted(map(str, found))
    with Journal() as journal:
        _, found = both(Slow("yes", name="slow task"), "task", journal)
    assert [type(one) for one in found].count(ModelUnavailable) == 1


def test_what_a_lost_attempt_took_is_what_the_model_reads_and_writes() -> None:
    long = "a word " * 1000
    model = Scripted(Completion("x", Usage(2, 1)), SLOW, "yes")

    async def main(budget: Budget) -> int:
        model.requests.clear()
        with Journal() as journal:
            caller = Caller(journal, Meter(budget), retry=Retry(first_wait=0))
            endpoint = Endpoint("task", model, max_output=4096)
            for text in ("a word a", long):
                call = Call.to(endpoint, Request((Message("user", text),)))
                caller.charge([call])
                await caller.answer(call)
            return caller.meter.spent.lost_tokens

    assert asyncio.run(main(Budget(max_tokens=10**6))) == 7000 + 8 + 4096
    read = asyncio.run(main(Budget()))
    assert 7000 / 4 <= read <= 7000 / 4 + 4096  # Two tokens for eight bytes, and what it wrote.


def test_a_server_without_any_limit_is_asked_without_where_calls_alone_are_limited() -> None:
    from apo.testing.dialects import InProcess

    model = InProcess(FakeModel(), "no-limit")
    caller, [found] = ask(model)
    assert found.text in ("a", "?")
    assert [n for n in caller.notes() if "refuses a limit of its answers" in n]
    _, [refused] = ask(InProcess(FakeModel(), "no-limit"), budget=Budget(max_tokens=10**6))
    assert isinstance(refused, BadRequestError)


def test_bounds_of_a_run_are_written_down(tmp_path: Path) -> None:
    options = replace(QUIET, max_answer=33, max_thinking=0)
    model = FakeModel()
    result = asyncio.run(
        aoptimize(
            fake_task(6), "random-search", model=model, optimizer_model=FakeOptimizerModel(),
            budget=Budget(max_calls=60), options=options, home=tmp_path,
        )
    )  # fmt: skip
    assert {r.decoding.max_tokens for r in model.requests} == {33}
    written = json.loads((tmp_path / "runs" / result.run_id / "run.json").read_text())["options"]
    assert (written["max_answer"], written["max_thinking"]) == (33, 0)
    assert result.best.prompt.decoding.max_tokens == 33
