"""The way to a model: each call paid once, kept before it is used, retried as its error says."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from apo import (
    Budget,
    BudgetExhausted,
    Completion,
    Decoding,
    Interrupted,
    Message,
    ModelError,
    ModelUnavailable,
    Options,
    Price,
    Request,
    Result,
    Usage,
    aoptimize,
)
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.limits import Limits
from apo.calls.meter import Meter
from apo.calls.retry import Retry
from apo.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    ContextLengthError,
    MalformedReplyError,
    QuotaError,
    RateLimitError,
    SettingsError,
    TransportError,
    UnreachableError,
)
from apo.model import Allowance
from apo.storage.journal import Journal
from apo.storage.rows import Entry
from apo.testing import FakeModel, FakeOptimizerModel, fake_task
from tests.virtual_time import run_virtually

DOLLAR = Price(1_000_000.0, 1_000_000.0)
"""A dollar for each token."""
Answer = str | ModelError | Completion | asyncio.Event


class Scripted:
    """Answers each text with the next of its script; an Event in it is waited for first."""

    def __init__(self, **scripts: Answer | Sequence[Answer]) -> None:
        self.scripts = {k: [v] if isinstance(v, Answer) else list(v) for k, v in scripts.items()}
        self.asked: list[str] = []
        self.requests: list[Request] = []
        self.name = "scripted"

    async def complete(self, request: Request) -> Completion:
        text = request.messages[-1].content
        self.asked.append(text)
        self.requests.append(request)
        script = self.scripts.get(text, ["done"])
        while True:
            answer = script.pop(0) if len(script) > 1 else script[0]
            if isinstance(answer, asyncio.Event):
                await answer.wait()
                continue
            if isinstance(answer, ModelError):
                raise answer
            return Completion(text=answer) if isinstance(answer, str) else answer

    async def aclose(self) -> None:
        pass


class Sleeps:
    """Waits for nothing, and notes how long it was asked to."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


def make(
    journal: Journal, budget: Budget | None = None, concurrency: int = 4, **retry: Any
) -> Caller:
    retry.setdefault("sleep", Sleeps())
    given = Retry(**retry)
    return Caller(
        journal,
        Meter(budget or Budget()),
        limits=Limits(max_concurrency=concurrency),
        retry=given,
    )


def to(
    model: Any, text: str, *, place: str = "", price: Price | None = None, **decoding: Any
) -> Call:
    request = Request(messages=(Message("user", text),), decoding=Decoding(**decoding))
    return Call.to(Endpoint("task", model, price, max_output=10), request, place=place)


async def ask(caller: Caller, *calls: Call) -> list[str]:
    caller.charge(calls)
    return [c.text for c in await asyncio.gather(*(caller.answer(call) for call in calls))]


async def turns(n: int = 20) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


# --- what a call is -------------------------------------------------------------------------


def test_the_same_request_at_the_same_place_is_the_same_call() -> None:
    model = Scripted()
    first = to(model, "a")
    assert first.key == to(model, "a").key
    others = [
        to(model, "b"),
        to(model, "a", place="0:1"),
        to(model, "a", temperature=1.0),
        to(model, "a", stop=("x",)),
    ]
    assert len({call.key for call in [first, *others]}) == 5
    assert len({call.seed for call in [first, *others]}) == 5
    assert 0 <= first.seed < 2**31


def test_keys_and_seeds_are_those_of_journals_made_before() -> None:
    model = Scripted()
    model.name = "embedded"
    endpoint = Endpoint("task", model)
    request = Request((Message("system", "귤 or lemon?"), Message("user", "a yellow one")))
    drawn = request._replace(decoding=Decoding(temperature=1.0, max_tokens=20))
    calls = [
        Call.to(endpoint, request),
        Call.to(endpoint, drawn, place="3/1"),
        Call.to(endpoint, request._replace(continuation="lemon")),
    ]
    assert [(call.key, call.seed) for call in calls] == [
        ("c8cc3d7c934a089c", 2140488499),
        ("34b4b987ad271503", 1161218426),
        ("b37243bb17716d67", 784060589),
    ]


def test_another_model_is_another_call_with_the_same_seed() -> None:
    one, other = Scripted(), Scripted()
    other.name = "other"
    assert to(one, "a").key != to(other, "a").key
    assert to(one, "a").seed == to(other, "a").seed


# --- once, and from the journal --------------------------------------------------------------


def test_each_key_is_asked_once_even_at_once() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        model = Scripted(a=[gate, "x"])
        with Journal() as journal:
            caller = make(journal)
            calls = [to(model, "a")] * 5
            caller.charge(calls)
            work = [asyncio.create_task(caller.answer(call)) for call in calls]
            await turns()
            gate.set()
            assert [(await task).text for task in work] == ["x"] * 5
            assert await ask(caller, *calls) == ["x"] * 5
            assert model.asked == ["a"]
            assert caller.meter.spent.calls == 1

    run(main)


def test_a_failure_reaches_all_who_wait_for_the_key() -> None:
    async def main() -> None:
        model = Scripted(a=BadRequestError("no"))
        with Journal() as journal:
            caller = make(journal)
            caller.charge([to(model, "a")])
            work = [caller.answer(to(model, "a")) for _ in range(3)]
            found = await asyncio.gather(*work, return_exceptions=True)
            assert [str(error) for error in found] == ["no"] * 3
            assert model.asked == ["a"]

    run(main)


def test_answers_come_from_the_journal_in_a_later_session(tmp_path: Path) -> None:
    async def session(model: Scripted) -> Caller:
        with Journal(tmp_path / "journal.db") as journal:
            caller = make(journal)
            texts = await ask(caller, *(to(model, text, price=DOLLAR) for text in "ab"))
            assert texts == ["x", "y"]
            return caller

    used = Usage(input_tokens=3, output_tokens=2, cached_tokens=1)
    first = Scripted(
        a=Completion(text="x", usage=used, truncated=True), b=[RateLimitError("!"), "y"]
    )
    one = asyncio.run(session(first)).meter.spent
    second = Scripted()
    two = asyncio.run(session(second)).meter.spent
    assert second.asked == []
    assert two == one
    assert (two.calls, two.retries, two.cached_tokens) == (2, 1, 1)


def test_an_answer_is_in_the_journal_before_it_is_used(tmp_path: Path) -> None:
    async def main() -> None:
        model = Scripted(a="x")
        with Journal(tmp_path / "journal.db") as journal:
            caller = make(journal)
            call = to(model, "a")
            await ask(caller, call)
            found = journal.find(call.key)
            assert found is not None
            assert (found.reply, found.role, found.model) == ("x", "task", "scripted")

    run(main)


# --- errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        RateLimitError("!"),
        RateLimitError("!", retry_after=3),
        RateLimitError("!", retry_after=3600),
        TransportError("!"),
        TransportError("!", billed=True, retry_after=2),
        MalformedReplyError("!"),
    ],
)
def test_passing_errors_are_waited_out(error: ModelError) -> None:
    async def main() -> None:
        model = Scripted(a=[error, error, "x"])
        with Journal() as journal:
            sleeps = Sleeps()
            caller = make(journal, sleep=sleeps, max_wait=10)
            assert await ask(caller, to(model, "a")) == ["x"]
            assert model.asked == ["a"] * 3
            asked = getattr(error, "retry_after", None) or 0
            assert len(sleeps.waits) == 2
            assert all(min(10, asked) <= wait <= 10 for wait in sleeps.waits)
            assert (caller.meter.spent.calls, caller.meter.spent.retries) == (1, 2)
            assert caller.problem == ""  # It has passed.
            entry = journal.find(to(model, "a").key)
            assert entry is not None
            assert entry.retries == 2

    run(main)


@pytest.mark.parametrize("kind", [AuthenticationError, QuotaError, BadRequestError])
def test_final_errors_are_raised_at_once_and_leave_nothing(kind: type[ModelError]) -> None:
    async def main() -> None:
        model = Scripted(a=[kind("no"), "x"])
        with Journal() as journal:
            caller = make(journal, Budget(max_calls=1))
            with pytest.raises(kind, match="no"):
                await ask(caller, to(model, "a"))
            assert model.asked == ["a"]
            assert journal.find(to(model, "a").key) is None
            assert caller.meter.spent.calls == 0
            assert await ask(caller, to(model, "a")) == ["x"]  # Its charge was given back.

    run(main)


@pytest.mark.parametrize("kind", [ContextLengthError, ContentFilterError])
def test_refusals_for_good_are_kept_and_replayed(kind: type[ModelError], tmp_path: Path) -> None:
    async def session(model: Scripted) -> Caller:
        with Journal(tmp_path / "journal.db") as journal:
            caller = make(journal)
            with pytest.raises(kind, match=r"^too much: really$"):
                await ask(caller, to(model, "a", price=DOLLAR))
            return caller

    one = asyncio.run(session(Scripted(a=kind("too much: really"))))
    again = Scripted(a="never asked")
    two = asyncio.run(session(again))
    assert again.asked == []
    assert two.meter.spent == one.meter.spent
    assert one.meter.spent.calls == 1
    # What a filter refused was read at least, and is counted so; a long request was not.
    assert one.meter.spent.usd == (9 if kind is ContentFilterError else 0)
    assert one.meter.spent.output_tokens == 0


@pytest.mark.parametrize(
    ("stated", "took"),
    [(Usage(3, 2), (3, 2)), (Usage(3), (3, 0)), (Usage(0, 0), (9, 0)), (Usage(3, 400), (3, 400))],
)
def test_a_refusal_is_booked_at_what_it_states(
    stated: Usage, took: tuple[int, int], tmp_path: Path
) -> None:
    refusal = ContentFilterError("no")
    refusal.usage = stated

    async def session(model: Scripted) -> Caller:
        with Journal(tmp_path / "journal.db") as journal:
            caller = make(journal, Budget(max_tokens=9999))
            with pytest.raises(ContentFilterError):
                await ask(caller, to(model, "a"))
            return caller

    for model in (Scripted(a=refusal), Scripted(a="never asked")):
        spent = asyncio.run(session(model)).meter.spent
        assert (spent.input_tokens, spent.output_tokens) == took


@pytest.mark.parametrize("error", [RateLimitError("busy"), MalformedReplyError("html")])
def test_no_answer_after_all_retries_stops_the_run(error: ModelError) -> None:
    async def main() -> None:
        model = Scripted(a=error)
        with Journal() as journal:
            caller = make(journal, max_attempts=3)
            words = f"scripted gave no answer in 3 attempts; the last ended with: {error}"
            with pytest.raises(ModelUnavailable, match=words):
                await ask(caller, to(model, "a"))
            assert model.asked == ["a"] * 3
            assert journal.find(to(model, "a").key) is None

    run(main)


def test_half_a_character_takes_no_answer_away() -> None:
    async def main() -> None:
        model = Scripted(**{"a": "broken \ud83d", "b": "whole \ud83d\ude42", "\ufffd": "\ufffd"})
        with Journal() as journal:
            caller = make(journal)
            found = await ask(caller, *(to(model, text) for text in ("a", "b", "\ufffd")))
            assert found == ["broken \ufffd", "whole 🙂", "\ufffd"]
            assert model.asked == ["a", "b", "\ufffd"]  # Each once: nothing is paid again.
            assert caller.notes()[-1] == (
                "1 of 3 answers of scripted hold \ufffd, which stands for a character that came in "
                "part."
            )

    run(main)

    run(main)


def test_headers_that_stop_nothing_are_told_once() -> None:
    async def main() -> None:
        gate, left = asyncio.Event(), (Allowance("tokens", 1000, 0, 7200),)
        model = Scripted(a=Completion("bug", allowances=left), b=[gate, "bug"], c="bug")
        with Journal() as journal:
            caller = make(journal)
            await ask(caller, to(model, "a"))
            assert caller.waiting() == ""
            work = asyncio.create_task(ask(caller, to(model, "b"), to(model, "c")))
            await turns()
            assert model.asked == ["a", "b"]  # One tries it out, and the others wait.
            assert re.fullmatch(
                r"scripted says that no tokens are left until \d{4}-\d\d-\d\d \d\d:\d\d",
                caller.waiting(),
            )
            gate.set()
            await work
            assert caller.waiting() == ""
            assert caller.notes()[-1] == (
                "The headers of scripted say that no tokens are left, and it answers all the same: "
                "what they say of tokens is not believed any more."
            )

    run(main)


def test_no_more_calls_at_once_than_allowed() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        scripts: dict[str, list[Answer]] = {str(i): [gate, "x"] for i in range(10)}
        model = Scripted(**scripts)
        with Journal() as journal:
            caller = make(journal, concurrency=3)
            work = asyncio.create_task(ask(caller, *(to(model, str(i)) for i in range(10))))
            await turns()
            assert model.asked == ["0", "1", "2"]
            gate.set()
            await work
            assert len(model.asked) == 10

    run(main)


# --- stopping -------------------------------------------------------------------------------


def test_stop_lets_calls_under_way_finish_and_keeps_them() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        model = Scripted(a=[gate, "x"], b=[gate, "y"])
        with Journal() as journal:
            caller = make(journal, concurrency=2)
            calls = [to(model, text) for text in "abcd"]
            caller.charge(calls)
            work = [asyncio.create_task(caller.answer(call)) for call in calls]
            await turns()
            caller.stop()
            with pytest.raises(Interrupted):
                caller.charge([to(model, "e")])
            gate.set()
            found = await asyncio.gather(*work, return_exceptions=True)
            assert [type(each).__name__ for each in found] == [
                "Completion", "Completion", "Interrupted", "Interrupted",
            ]  # fmt: skip
            assert model.asked == ["a", "b"]
            assert [journal.find(call.key) is not None for call in calls] == [1, 1, 0, 0]

    run(main)


def test_stop_ends_a_wait_for_the_next_attempt() -> None:
    async def main() -> None:
        waiting = asyncio.Event()

        async def forever(_: float) -> None:
            waiting.set()
            await asyncio.Event().wait()

        model = Scripted(a=RateLimitError("!", retry_after=60))
        with Journal() as journal:
            caller = make(journal, sleep=forever)
            caller.charge([to(model, "a")])
            work = asyncio.create_task(caller.answer(to(model, "a")))
            await waiting.wait()
            caller.stop()
            with pytest.raises(Interrupted):
                await work
            assert model.asked == ["a"]

    run(main)


def test_drain_waits_for_the_calls_under_way_and_abandon_does_not() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        model = Scripted(a=[gate, "x"], b=[asyncio.Event()])
        with Journal() as journal:
            caller = make(journal)
            calls = [to(model, text) for text in "ab"]
            caller.charge(calls)
            work = [asyncio.create_task(caller.answer(call)) for call in calls]
            await turns()
            for task in work:
                task.cancel()  # Who waits goes; the calls go on.
            await turns()
            draining = asyncio.create_task(caller.drain())
            gate.set()
            await turns()
            assert journal.find(calls[0].key) is not None
            assert not draining.done()
            await caller.abandon()
            await draining
            assert journal.find(calls[1].key) is None
            assert caller.busy == 0
            await asyncio.gather(*work, return_exceptions=True)

    run(main)


# --- money ----------------------------------------------------------------------------------


def test_calls_that_were_not_made_are_given_back() -> None:
    async def main() -> None:
        model = Scripted(a=[AuthenticationError("no"), "x"], b="y")
        with Journal() as journal:
            caller = make(journal, Budget(max_calls=2))
            with pytest.raises(AuthenticationError):
                await ask(caller, to(model, "a"))
            await ask(caller, to(model, "a"), to(model, "b"))
            with pytest.raises(BudgetExhausted):
                caller.charge([to(model, "c")])
            caller.charge([to(model, "a"), to(model, "b")])  # Paid already.

    run(main)


def test_a_batch_that_would_overspend_is_not_begun() -> None:
    async def main() -> None:
        model = Scripted()
        with Journal() as journal:
            caller = make(journal, Budget(max_calls=2))
            with pytest.raises(BudgetExhausted):
                caller.charge([to(model, text) for text in "abc"])
            assert await ask(caller, to(model, "a"), to(model, "a"), to(model, "b")) == ["done"] * 3

    run(main)


def test_lost_money_is_counted_once_and_in_later_sessions(tmp_path: Path) -> None:
    async def session(model: Scripted, text: str) -> float:
        with Journal(tmp_path / "journal.db") as journal:
            caller = make(journal)
            await ask(caller, to(model, text, price=DOLLAR))
            return caller.meter.spent.lost_usd

    cut = TransportError("cut", billed=True)
    bound = 9 + 10  # One byte, eight for the chat's markup, ten of output.
    script: list[Answer] = [
        cut,
        TransportError("refused"),
        RateLimitError("!"),
        MalformedReplyError("html"),
        "x",
    ]
    assert asyncio.run(session(Scripted(a=script), "a")) == 2 * bound
    assert asyncio.run(session(Scripted(), "a")) == 2 * bound
    assert asyncio.run(session(Scripted(b=[cut, "y"]), "b")) == 3 * bound
    assert asyncio.run(session(Scripted(), "b")) == 3 * bound


def test_a_failed_attempt_is_lost_at_what_it_states() -> None:
    async def main() -> None:
        failed = MalformedReplyError("no text")
        failed.usage = Usage(5, 2)
        with Journal() as journal:
            caller = make(journal)
            await ask(caller, to(Scripted(a=[failed, "x"]), "a", price=DOLLAR))
            assert caller.meter.spent.lost_usd == 7

    run(main)


def test_lost_money_bounds_what_may_still_be_spent() -> None:
    async def main() -> None:
        cut = TransportError("cut", billed=True)
        model = Scripted(a=cut)
        with Journal() as journal:
            caller = make(journal, Budget(max_usd=19 * 3 + 0.5))
            with pytest.raises(BudgetExhausted):
                await ask(caller, to(model, "a", price=DOLLAR))
            assert model.asked == ["a"] * 3
            assert caller.meter.spent.lost_usd == 19 * 3

    run(main)


def test_a_limit_in_dollars_needs_a_price_that_the_server_does_not_contradict(
    tmp_path: Path,
) -> None:
    """A gateway on this machine, which is taken to cost nothing, states what it is charged."""

    async def main() -> None:
        model = Scripted(a=Completion("x", Usage(9, 1), usd=0.05))
        for _ in range(2):  # A session that goes on knows it, too.
            with Journal(tmp_path / "journal.db") as journal:
                caller = make(journal, Budget(max_usd=1))
                await ask(caller, to(model, "a", price=Price(0, 0)))
                with pytest.raises(SettingsError, match=r"states \$0\.05 .* --price 'scripted="):
                    await ask(caller, to(model, "b", price=Price(0, 0)))
        assert model.asked == ["a"]

    run(main)


def test_a_stated_cost_is_told_where_no_dollars_are_limited() -> None:
    async def main() -> None:
        dear, fair = (Completion("x", Usage(9, 1), usd=usd) for usd in (0.05, 19.5))
        with Journal() as journal:
            caller = make(journal, Budget(max_tokens=1000))
            await ask(caller, to(Scripted(a=fair), "a", price=DOLLAR))
            assert caller.notes() == ()
            await ask(caller, *(to(Scripted(a=dear), "a", place=p) for p in "12"))
            assert caller.notes() == ()  # The price is unknown, and no cost was counted.
            free = [to(Scripted(a=dear), "a", place=p, price=Price(0, 0)) for p in "34"]
            await ask(caller, *free)
            assert len(caller.notes()) == 1
            assert "states $0.05 for a call that comes to $0" in caller.notes()[0]

    run(main)


@pytest.mark.parametrize(("wrote", "told"), [(10, False), (36, False), (37, True), (9000, True)])
def test_a_server_that_writes_longer_than_it_was_asked_to_is_told(wrote: int, told: bool) -> None:
    async def main() -> None:
        said = Completion(text="x", usage=Usage(9, wrote))
        with Journal() as journal:
            caller = make(journal, Budget(max_tokens=100_000))
            await ask(caller, to(Scripted(a=said), "a"))
            assert any("does not keep to the limit" in note for note in caller.notes()) == told

    run(main)


def test_only_one_long_answer_is_paid_before_a_limit_in_tokens_ends_the_calls() -> None:
    async def main() -> None:
        model = Scripted(**dict.fromkeys("abcd", Completion(text="x", usage=Usage(9, 900))))
        with Journal() as journal:
            caller = make(journal, Budget(max_tokens=500))
            with pytest.raises(BudgetExhausted):
                await ask(caller, *(to(model, text) for text in "abcd"))
        assert len(model.asked) == 1

    run(main)


def test_every_call_states_its_longest_answer() -> None:
    async def main() -> None:
        model = Scripted()
        with Journal() as journal:
            await ask(make(journal), to(model, "a"))
            await ask(make(journal, Budget(max_tokens=1000)), to(model, "b"))
            await ask(make(journal, Budget(max_tokens=1000)), to(model, "c", max_tokens=7))
        assert [r.decoding.max_tokens for r in model.requests] == [10, 10, 7]

    run(main)


@pytest.mark.parametrize(("max_tokens", "fits"), [(1, True), (20, True), (21, True), (22, False)])
def test_a_calls_own_max_tokens_bound_it(max_tokens: int, fits: bool) -> None:
    """More than the endpoint's longest answer is reserved, and less is not waited for."""

    async def main() -> None:
        used = Usage(input_tokens=9, output_tokens=max_tokens)
        model = Scripted(a=Completion(text="x", usage=used))
        with Journal() as journal:
            caller = make(journal, Budget(max_tokens=30))
            if fits:
                await ask(caller, to(model, "a", max_tokens=max_tokens))
            else:
                with pytest.raises(BudgetExhausted):
                    await ask(caller, to(model, "a", max_tokens=max_tokens))
            assert caller.meter.spent.tokens <= 30

    run(main)


def test_usage_that_the_server_does_not_say_is_counted_at_its_bound() -> None:
    async def main() -> None:
        with Journal() as journal:
            caller = make(journal)
            await ask(caller, to(Scripted(a="x"), "a", price=DOLLAR))
            assert (caller.meter.spent.tokens, caller.meter.spent.usd) == (19, 19)

    run(main)


def test_what_earlier_sessions_spent_is_counted_before_a_new_call_is_made(tmp_path: Path) -> None:
    """The missing call stands before those that are kept, and must not run ahead of them."""
    used = Usage(input_tokens=9, output_tokens=1)

    async def session(model: Scripted, texts: str, keep: str) -> Caller:
        with Journal(tmp_path / "journal.db") as journal:
            caller = make(journal, Budget(max_tokens=45))
            calls = [to(model, text) for text in texts]
            caller.charge(calls)
            found = await asyncio.gather(*map(caller.answer, calls), return_exceptions=True)
            done = [
                t for t, answer in zip(texts, found, strict=True) if isinstance(answer, Completion)
            ]
            assert "".join(done) == keep
            return caller

    first = Scripted(**{text: Completion(text="x", usage=used) for text in "bcde"})
    asyncio.run(session(first, "bcd", "bcd"))
    second = Scripted(**{text: Completion(text="x", usage=used) for text in "abcde"})
    caller = asyncio.run(session(second, "abcd", "bcd"))
    assert second.asked == []
    assert caller.meter.spent.tokens == 30


def test_kept_answers_are_given_when_the_time_is_over(tmp_path: Path) -> None:
    async def main() -> None:
        with Journal(tmp_path / "journal.db") as journal:
            journal.add(Entry(key=to(Scripted(), "a").key, role="task", model="m", reply="x"))
            meter = Meter(Budget(max_minutes=1), earlier_seconds=90)
            caller = Caller(journal, meter)
            assert await ask(caller, to(Scripted(), "a")) == ["x"]
            with pytest.raises(BudgetExhausted, match="time"):
                caller.charge([to(Scripted(), "b")])

    run(main)


# --- whole runs under faults ----------------------------------------------------------------


def whole_run(home: Path, failures: tuple[ModelError, ...]) -> Result:
    work = aoptimize(
        fake_task(),
        "random-search",
        model=FakeModel(delay_seed=5, failures=failures),
        optimizer_model=FakeOptimizerModel(failures=failures),
        budget=Budget(max_calls=300),
        options=Options(track=False, max_concurrency=8),
        home=home,
        retry=Retry(sleep=Sleeps()),
    )
    return run_virtually(work)


def test_faults_change_neither_winner_nor_scores(tmp_path: Path) -> None:
    calm = whole_run(tmp_path / "calm", ())
    failures = (
        RateLimitError("!", 5),
        TransportError("cut", billed=True),
        MalformedReplyError("?"),
    )
    stormy = whole_run(tmp_path / "stormy", failures)
    assert stormy.best == calm.best
    assert stormy.verdict == calm.verdict
    assert stormy.spent.calls == calm.spent.calls
    assert stormy.spent.tokens == calm.spent.tokens
    assert stormy.spent.retries == 3 * stormy.spent.calls


@pytest.mark.parametrize("error", [UnreachableError("nobody"), MalformedReplyError("html")])
def test_a_server_that_was_never_reached_is_not_waited_for(error: ModelError) -> None:
    async def main() -> None:
        model = Scripted(a=[error] * 9)
        with Journal() as journal:
            caller = make(journal, sleep=Sleeps())
            with pytest.raises(ModelUnavailable, match="in 3 attempts"):
                await ask(caller, to(model, "a"))

    run(main)
