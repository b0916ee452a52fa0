"""The same run in process and over real HTTP, by both transports, with and without faults."""

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest

from apo import Budget, Options, Result, aoptimize
from apo.calls.retry import Retry
from apo.models.embedded import Embedded
from apo.testing.faults import Faults
from apo.testing.server import serve

FAULTS = Faults(rate_limit=0.1, server_error=0.1, hang=0.0015, cut=0.1, html=0.05, cut_json=0.05)

PATIENCE = 3.0
"""Seconds until the client gives a hanging request up: no honest answer takes so long, even on a
machine that has other work, or it would be paid twice."""


async def at_once(_: float) -> None:
    """Wait for nothing, but let others run."""
    await asyncio.sleep(0)


def run(home: Path, model: str, transport: Any = "aiohttp", **options: Any) -> Result:
    work = aoptimize(
        "support-tickets",
        "ape",
        settings={"n_queries": 2, "n_samples": 4, "ucb_rounds": 4, "n_iterations": 1},
        model=model,
        budget=Budget(max_calls=400),
        options=Options(track=False, transport=transport, **options),
        home=home,
        retry=Retry(max_attempts=12, sleep=at_once),
    )
    return asyncio.run(work)


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run(tmp_path_factory.mktemp("in_process"), "embedded")


@pytest.mark.parametrize("transport", ["aiohttp", "openai"])
@pytest.mark.parametrize("faults", [Faults(), FAULTS], ids=["calm", "faults"])
def test_an_endpoint_gives_the_winner_of_the_model_behind_it(
    transport: Literal["aiohttp", "openai"],
    faults: Faults,
    in_process: Result,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(Embedded(), faults=faults, key="sk-test") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        result = run(tmp_path, "openai/embedded", transport, timeout=PATIENCE)
    assert result.best == in_process.best
    assert result.verdict == in_process.verdict
    assert result.spent.calls == in_process.spent.calls == server.answered
    assert (result.spent.retries > 0) == bool(server.by_fault)
    if faults == FAULTS:
        assert set(server.by_fault) >= {"rate_limit", "server_error", "hang", "cut", "html"}


def test_a_wrong_key_ends_the_run_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from apo.errors import AuthenticationError

    with serve(Embedded(), key="sk-right") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-secret")
        with pytest.raises(AuthenticationError, match="OPENAI_API_KEY") as caught:
            run(tmp_path, "openai/embedded")
    assert server.answered == 0
    assert "sk-wrong-secret" not in str(caught.value)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"sk-wrong-secret" in content for content in files)
