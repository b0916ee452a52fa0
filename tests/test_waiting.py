"""What ends a run in a script: Ctrl-C with the run's name, and servers that are too slow."""

import asyncio
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from apo import Budget, ModelUnavailable, Options, SettingsError, optimize, optimize_folds, resume
from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.calls.retry import Retry
from apo.errors import TimedOutError
from apo.model import Completion, Message, Request
from apo.storage.folder import find_run, list_runs
from apo.storage.journal import Journal
from apo.testing import FakeModel, fake_task
from tests.virtual_time import run_virtually


class Interrupting(FakeModel):
    """Presses Ctrl-C at a call, and never answers it."""

    async def complete(self, request: Request) -> Completion:
        if len(self.requests) < 3:
            return await super().complete(request)
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(3600)
        raise AssertionError


def by_itself(home: Path, model: FakeModel) -> object:
    return optimize(
        fake_task(6), model=model, budget=Budget(max_calls=60), options=OPTIONS, home=home
    )


def on_folds(home: Path, model: FakeModel) -> object:
    budget = Budget(max_calls=400)
    return optimize_folds(
        fake_task(12), folds=2, model=model, budget=budget, options=OPTIONS, home=home
    )


OPTIONS = Options(track=False, max_concurrency=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "function"), [(by_itself, "apo.resume"), (on_folds, "apo.resume_folds")]
)
def test_ctrl_c_names_the_run_and_how_to_go_on(
    start: Callable[[Path, FakeModel], object], function: str, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        start(tmp_path, Interrupting())
    (note,) = caught.value.__notes__
    (folder,) = list_runs(tmp_path)
    assert f"The run {folder.id} was stopped. What was paid is kept." in note
    assert f"{function}('{folder.id}')" in note
    assert f"apo resume {folder.id}" in note
    assert folder.state == "interrupted"


@pytest.mark.slow
def test_ctrl_c_while_it_resumes_names_it_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        by_itself(tmp_path, Interrupting())
    run = find_run("last", tmp_path).id
    with pytest.raises(KeyboardInterrupt) as caught:
        resume("last", home=tmp_path, task=fake_task(6), model=Interrupting())
    assert run in caught.value.__notes__[0]
    done = resume("last", home=tmp_path, task=fake_task(6), model=FakeModel())
    assert done.run_id == run


@pytest.mark.slow
def test_ctrl_c_in_a_notebook_ends_the_run_and_does_not_wait_for_it(tmp_path: Path) -> None:
    class Hanging(FakeModel):
        async def complete(self, request: Request) -> Completion:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            await asyncio.sleep(3600)
            raise AssertionError

    async def cell() -> None:
        by_itself(tmp_path, Hanging())

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    loop = asyncio.new_event_loop()  # As a notebook's: without a handler of its own for Ctrl-C.
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            loop.run_until_complete(cell())
    finally:
        loop.close()
        signal.signal(signal.SIGINT, before)
    assert "was stopped" in caught.value.__notes__[0]
    assert find_run("last", tmp_path).state == "interrupted"


@pytest.mark.slow
def test_an_error_names_its_run(tmp_path: Path) -> None:
    class Failing(FakeModel):
        async def complete(self, request: Request) -> Completion:
            raise SettingsError("no")

    with pytest.raises(SettingsError) as caught:
        by_itself(tmp_path, Failing())
    assert caught.value.run_id == find_run("last", tmp_path).id


# --- servers that are too slow --------------------------------------------------------------


class Slow:
    """Takes longer than it may for calls whose text begins with "slow", a number of times."""

    name = "m"

    def __init__(self, times: int) -> None:
        self.times, self.asked = times, list[str]()

    async def complete(self, request: Request) -> Completion:
        text = request.messages[0].content
        self.asked.append(text)
        late = text.startswith("slow") and self.asked.count(text) <= self.times
        await asyncio.sleep(2 if late else 0.5)
        if late:
            raise TimedOutError("m: no answer within 2 s (--timeout).", billed=True)
        return Completion("x")

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize(
    ("texts", "times", "asked", "seconds"),
    [
        (["slow"], 9, 2, 5),  # It is sent again once, whoever else is answered.
        (["slow", "slow too"], 9, 2, 5),
        (["slow", "a", "b"], 9, 2, 5),
        (["slow", "a", "b"], 1, 2, 5),
        (["slow"], 1, 2, 5),
    ],
)
def test_a_call_that_takes_too_long_is_not_sent_again_and_again(
    texts: list[str], times: int, asked: int, seconds: float
) -> None:
    async def run() -> None:
        model = Slow(times)
        endpoint = Endpoint("task", model)
        calls = [Call.to(endpoint, Request((Message("user", text),))) for text in texts]
        with Journal() as journal:
            caller = Caller(journal, Meter(Budget()), retry=Retry())
            caller.charge(calls)
            work = [caller.answer(call) for call in calls]
            first, *_ = await asyncio.gather(*work, return_exceptions=True)
        assert asyncio.get_running_loop().time() <= seconds
        assert model.asked.count("slow") == asked
        if times < asked:
            assert isinstance(first, Completion)
            return
        assert isinstance(first, ModelUnavailable)
        assert "no answer within 2 s" in str(first)
        assert "give a higher --timeout" in str(first)

    run_virtually(run())


def test_five_hundred_calls_do_not_each_wait_in_vain() -> None:
    async def run() -> None:
        model = Slow(9)
        endpoint = Endpoint("task", model)
        calls = [Call.to(endpoint, Request((Message("user", f"slow {i}"),))) for i in range(500)]
        with Journal() as journal:
            caller = Caller(journal, Meter(Budget()), retry=Retry())
            caller.charge(calls)
            work = [caller.answer(call) for call in calls]
            found = await asyncio.gather(*work, return_exceptions=True)
        assert {type(one) for one in found} == {ModelUnavailable}
        assert asyncio.get_running_loop().time() < 10
        assert len(model.asked) < 60

    run_virtually(run())
