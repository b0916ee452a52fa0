"""Runs through the Batch API: the same winner, nothing paid twice, whenever the process dies."""

import asyncio
import json
import os
import signal
import threading
from pathlib import Path

import pytest

from apo import Budget, Options, Result, aoptimize
from apo.calls.progress import Progress
from apo.calls.retry import Retry
from apo.cli import main
from apo.errors import Interrupted, SettingsError
from apo.models.embedded import Embedded
from apo.run.resume import aresume
from apo.testing.chat_server import ChatServer
from apo.testing.server import serve
from experiments.benchmarks.faults.forked import Forked

SETTINGS = {"n_queries": 2, "n_samples": 4, "ucb_rounds": 4, "n_iterations": 1}
CALLS = Budget(max_calls=400)


async def at_once(_: float) -> None:
    """Wait for nothing, but let others run."""
    await asyncio.sleep(0)


def run(home: Path, model: str, *, batch: bool, budget: Budget = CALLS) -> Result:
    work = aoptimize(
        "support-tickets",
        "ape",
        settings=SETTINGS,
        model=model,
        budget=budget,
        options=Options(track=False, batch=batch),
        home=home,
        retry=Retry(max_attempts=12, sleep=at_once),
    )
    return asyncio.run(work)


def paid(server: ChatServer) -> int:
    assert set(server.batches.answered.values()) == {1}
    return server.answered + len(server.batches.answered)


@pytest.mark.parametrize("faulty", [False, True], ids=["calm", "faults"])
def test_the_winner_is_that_of_direct_calls(
    faulty: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Embedded()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        direct = run(tmp_path / "direct", "openai/embedded", batch=False)
        assert server.answered == direct.spent.calls
        assert not server.batches.made
        server.answered = 0
        if faulty:
            server.batches.failing = server.batches.expiring = 0.1
        result = run(tmp_path / "batch", "openai/embedded", batch=True)
        assert paid(server) == result.spent.calls == direct.spent.calls
        assert server.answered < 20  # The optimizer model's alone.
        assert len(server.batches.made) < (60 if faulty else 20)
    assert result.best == direct.best
    assert result.verdict == direct.verdict
    assert (result.spent.retries > 0) == faulty


def test_a_stop_leaves_the_batch_and_a_resumed_run_takes_it(tmp_path: Path) -> None:
    progress, held = Progress(), list[str]()
    loops: list[asyncio.AbstractEventLoop] = []

    async def stopped(model: str) -> None:
        loops.append(asyncio.get_running_loop())
        with pytest.raises(Interrupted, match="go on at the provider"):
            await aoptimize(
                "support-tickets",
                "ape",
                settings=SETTINGS,
                model=model,
                budget=CALLS,
                options=Options(track=False, batch=True),
                home=tmp_path / "batch",
                progress=progress,
            )

    with serve(Embedded()) as server:
        direct = run(tmp_path / "direct", server.model_name, batch=False)
        server.answered = 0
        batches = server.batches

        def moment(now: str) -> None:
            if now == "uploaded" and len(batches.made) == 1:
                batches.seconds = float("inf")
            if now == "asked" and not held:
                held.append(progress.waiting())
                loops[0].call_soon_threadsafe(progress.stop)

        batches.moment = moment
        asyncio.run(stopped(server.model_name))
        assert "Batch API" in held[0]
        assert [batch["status"] for batch in batches.made] == ["completed", "in_progress"]
        batches.moment, batches.seconds = str, 0.0
        result = asyncio.run(aresume("last", home=tmp_path / "batch"))
        assert paid(server) == result.spent.calls == direct.spent.calls
    assert (result.best, result.verdict) == (direct.best, direct.verdict)
    assert result.spent.retries == 0


def test_four_kills_pay_nothing_twice(tmp_path: Path) -> None:
    moments = ["uploaded", "created", "asked", "fetched"]
    lock = threading.Lock()
    victim: list[Forked] = []

    def moment(now: str) -> None:
        with lock:
            if moments and now == moments[0] and victim:
                moments.pop(0)
                victim.pop().kill()

    with serve(Embedded()) as server:
        direct = run(tmp_path / "direct", server.model_name, batch=False)
        server.answered = 0
        server.batches.moment, server.batches.seconds = moment, 0.1

        def apo(*arguments: str) -> Forked:
            with lock:
                process = Forked(main, [*arguments, "--json"], tmp_path, os.environ)
                victim[:] = [process]
            return process

        flags = [f"--set={name}={value}" for name, value in SETTINGS.items()]
        limits = ["--max-calls", "400", "--batch", "--no-track"]
        process = apo(
            "optimize", "support-tickets", "-o", "ape", "-m", server.model_name, *flags, *limits
        )
        for _ in range(4):
            _, err = process.communicate(timeout=120)
            assert process.returncode == -signal.SIGKILL, err
            if not moments:
                server.batches.seconds = 0.0
            process = apo("resume", "last")
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        result = json.loads(out)
        # The optimizer model is asked directly; what was under way at a kill may be asked again.
        assert set(server.batches.answered.values()) == {1}
        assert result["spent"]["calls"] == direct.spent.calls
    assert result["best_prompt"] == direct.to_dict()["best_prompt"]
    assert result["verdict"] == direct.to_dict()["verdict"]


def test_a_limit_in_tokens_sends_what_fits(tmp_path: Path) -> None:
    budget = Budget(max_tokens=60_000)
    with serve(Embedded()) as server:
        result = run(tmp_path, server.model_name, batch=True, budget=budget)
        assert paid(server) == result.spent.calls
        assert result.spent.tokens <= 60_000
        sizes = [batch["request_counts"]["total"] for batch in server.batches.made]
    # A call may take over 143 tokens out, and its bytes in, until it is known what it took.
    assert 1 < max(sizes) < 60_000 / 143


def test_a_model_without_batches_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--batch cannot be used with 'embedded'"):
        run(tmp_path, "embedded", batch=True)
    assert not (tmp_path / "runs").exists()
