"""Whole runs against servers that set limits, or that go away."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apo import Budget, Options, Result, aoptimize
from apo.cli import main as apo
from apo.errors import RateLimitError
from apo.model import Completion, Request
from apo.models.embedded import Embedded
from apo.testing.chat_server import ChatServer
from apo.testing.server import serve
from apo.usage import Usage
from experiments.benchmarks.faults.forked import Forked
from tests.e2e.conftest import Done

FLAGS = ["-o", "ape", "--set", "n_queries=2", "--set", "n_samples=4", "--set", "ucb_rounds=4"]


async def run(home: Path, model: str, **options: Any) -> Result:
    return await aoptimize(
        "support-tickets",
        "ape",
        settings={"n_queries": 2, "n_samples": 4, "ucb_rounds": 4},
        model=model,
        budget=Budget(max_calls=400),
        options=Options(track=False, **options),
        home=home,
    )


class Ending:
    """The embedded model; calls back at its so many-th answer, and may refuse all after it."""

    name = "embedded"

    def __init__(self, at: int, *, refuses: bool = False) -> None:
        self.left, self.reached, self._refuses = at, asyncio.Event(), refuses
        self.seen = threading.Event()  # The same, for a thread that waits.
        self._model = Embedded()

    async def complete(self, request: Request) -> Completion:
        self.left -= 1
        if self._refuses and self.left < 0:
            raise RateLimitError("No requests are left today.")
        if self.left == 0:
            self.reached.set()
            self.seen.set()
        return await self._model.complete(request)

    async def aclose(self) -> None:
        pass


class Overcounting:
    """The embedded model; from its so many-th answer on it states tokens that no call takes."""

    name = "embedded"

    def __init__(self, at: int) -> None:
        self.left = at
        self._model = Embedded()

    async def complete(self, request: Request) -> Completion:
        self.left -= 1
        found = await self._model.complete(request)
        return found if self.left > 0 else found._replace(usage=Usage(20_000, 3_000))

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (["--max-usd", "0.06"], "Overspent: $0."),
        (["--max-tokens", "60000"], "of 60,000 tokens. http"),
    ],
)
def test_a_run_that_overspent_ends_with_code_3(
    limit: list[str], said: str, here: Callable[..., Done]
) -> None:
    with serve(Overcounting(at=150)) as server:
        name = server.model_name
        given = ["--model", name, "--price", f"{name}=1,1", "--max-calls", "400", "-c", "4"]
        done = here("optimize", "support-tickets", *FLAGS, *given, *limit, "--no-track", "--json")
    found = json.loads(done.stdout)["overspent"]
    assert said in found
    assert "counted 23,000 tokens for a call that takes" in found
    assert done.code == 3


@pytest.mark.parametrize("limit", [["--max-usd", "0.01"], ["--max-tokens", "9000"]], ids=str)
def test_a_run_that_overspent_before_the_seed_was_measured_ends_with_code_3(
    limit: list[str], here: Callable[..., Done]
) -> None:
    with serve(Overcounting(at=1)) as server:
        name = server.model_name
        given = ["--model", name, "--price", f"{name}=1,1", "--max-calls", "400", "-c", "4"]
        done = here("optimize", "support-tickets", *FLAGS, *given, *limit, "--no-track", "--json")
    assert "Overspent: " in json.loads(done.stdout)["error"]["message"]
    assert done.code == 3


ASKING = {
    "evaluate": ["evaluate", "small", "--prompt", "p.md"],
    "gate": ["gate", "small", "p.md", "q.md"],
    "audit": ["audit", "p.md", "-t", "small", "--max-calls", "20"],
    "annotate": ["annotate", "small", "new.csv", "--prompt", "p.md", "--prompt", "q.md"],
}


@pytest.mark.parametrize("command", ASKING)
def test_what_models_were_asked_beyond_the_limit_ends_with_code_3(
    command: str, here: Callable[..., Done], tmp_path: Path
) -> None:
    """The last call alone breaks the bound, so that the result is there, and is told as well."""
    (tmp_path / "small").mkdir()
    rows = [f"note {i},{'bug' if i % 2 else 'login'},{'train' if i < 6 else 'test'}"
            for i in range(18)]  # fmt: skip
    (tmp_path / "small" / "d.csv").write_text("\n".join(["ticket,intent,pool", *rows]), "utf-8")
    (tmp_path / "small" / "task.yaml").write_text(
        "inputs: [ticket]\ntarget: intent\nlabels: [bug, login]\ndata: d.csv\n"
        "split: {column: pool}\nprompt: Bug or login?\n",
        "utf-8",
    )
    (tmp_path / "new.csv").write_text("ticket\n" + "\n".join(f"new {i}" for i in range(9)), "utf-8")
    for name in "pq":
        (tmp_path / f"{name}.md").write_text(f"Is it {name}, bug or login?", "utf-8")
    counted = 10**6
    ended: list[Done] = []
    for _ in range(2):  # The first time to learn how many calls there are.
        with serve(Overcounting(at=counted)) as server:
            given = ["--model", server.model_name, "--price", f"{server.model_name}=1,1"]
            ended.append(here(*ASKING[command], *given, "--max-usd", "0.02", "-c", "1", "--fresh"))
            counted = server.answered
    whole, done = ended
    assert (whole.code, done.code) == (1 if command == "gate" else 0, 3)
    assert "Overspent: $0.02" in done.stderr
    assert "counted 23,000 tokens for a call that takes" in done.stderr
    assert "$0.02" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_run_that_waits_for_a_rate_limit_of_a_day(
    number: signal.Signals, tmp_path: Path
) -> None:
    stated = {
        "x-ratelimit-limit-requests": "12",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "23h",
    }
    ending = Ending(at=1, refuses=True)
    with serve(ending, headers=stated) as server:
        given = ["--model", server.model_name, "--max-calls", "200", "-c", "1", "--no-track"]
        environment = {**os.environ, "APO_API_KEY": ""}
        process = Forked(apo, ["optimize", "support-tickets", *given], tmp_path, environment)
        assert ending.seen.wait(60)
        process.send_signal(number)
        start = time.monotonic()
        _, err = process.communicate(timeout=40)
    assert time.monotonic() - start < 30
    assert process.returncode not in (0, 1, None)
    assert "apo resume" in err
    assert "Traceback" not in err
    assert ending.left >= -3


def test_a_server_that_is_killed_half_way_changes_no_winner(tmp_path: Path) -> None:
    async def main() -> tuple[Result, Result]:
        one = await run(tmp_path / "one", "embedded")
        ending = Ending(at=60)
        async with ChatServer(Embedded()) as stays:
            goes = ChatServer(ending)
            await goes.__aenter__()
            name = f"{stays.base_url},{goes.base_url}#embedded"
            work = asyncio.create_task(run(tmp_path / "two", name))
            await ending.reached.wait()
            await goes.__aexit__()
            two = await work
            assert goes.answered >= 50
            assert stays.answered > goes.answered
            assert stays.answered + goes.answered >= two.spent.calls
            return one, two

    one, two = asyncio.run(main())
    assert two.best == one.best
    assert two.verdict == one.verdict
    assert two.spent.calls == one.spent.calls
    assert two.spent.usd == 0


def test_the_command_takes_several_servers(tmp_path: Path) -> None:
    with serve(Embedded()) as a, serve(Embedded()) as b:
        name = f"{a.base_url},{b.base_url}#embedded"
        given = ["--model", name, "--max-calls", "200", "--rpm", "600000", "--tpm", "60000000"]
        flags = [*FLAGS, *given, "--hedge", "--reuse", "--no-track", "--json"]
        environment = {**os.environ, "APO_API_KEY": ""}
        process = Forked(apo, ["optimize", "support-tickets", *flags], tmp_path, environment)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        spent = json.loads(out)["spent"]
        assert a.answered > 0
        assert b.answered > 0
        assert a.answered + b.answered >= spent["calls"]
        assert (tmp_path / ".apo" / "answers.db").exists()
