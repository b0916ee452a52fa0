"""Further fields of a request's body: sent as they are, part of what an answer is kept under."""

import asyncio
import copy
import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from apo import Prompt, PromptError, Usage
from apo.body import RESERVED
from apo.calls.call import Call, Endpoint
from apo.cli import app
from apo.cli.values import body as read_body
from apo.errors import SettingsError
from apo.model import Completion, Decoding, Message, Model, Request
from apo.models import Transport, open_model
from apo.models.batches.batch import BatchModel
from apo.models.batches.log import BatchLog
from apo.models.providers import locate
from apo.prompts.forms.registry import write_prompt
from apo.storage.folder import find_run
from apo.testing import FakeModel
from apo.testing.chat_server import ChatServer
from apo.testing.server import serve

EXTRA: dict[str, Any] = {
    "reasoning_effort": "low",
    "options": {"num_ctx": 8192},
    "chat_template_kwargs": {"enable_thinking": False},
    "top_k": 20,
}
ASKED = Request((Message("user", "x"),), Decoding(extra=EXTRA))


def sent(server: ChatServer) -> list[dict[str, Any]]:
    return [{k: v for k, v in seen.body.items() if k in EXTRA} for seen in server.seen]


@pytest.mark.parametrize("transport", ["aiohttp", "openai"])
def test_each_transport_sends_them(transport: Transport) -> None:
    async def run() -> None:
        async with ChatServer(FakeModel()) as server:
            model = open_model(server.model_name, transport=transport)
            await model.complete(ASKED)
            await model.complete(ASKED._replace(decoding=Decoding()))
            await model.aclose()
            assert sent(server) == [EXTRA, {}]

    asyncio.run(run())


def test_batches_send_them(tmp_path: Path) -> None:
    class Keeping(FakeModel):
        async def complete(self, request: Request) -> Completion:
            return Completion("x", Usage(1, 1))

    async def run(extra: Mapping[str, Any]) -> str:
        async with ChatServer(Keeping()) as server:
            address = locate(server.model_name)
            log = BatchLog(tmp_path / f"{len(extra)}.jsonl")

            async def no_wait(_: float) -> None:
                await asyncio.sleep(0)

            model = BatchModel(address, log, quiet=0.0, sleep=no_wait)
            request = ASKED._replace(decoding=Decoding(extra=extra))
            await model.complete(request)
            await model.aclose()
            assert {k: v for k, v in address.body(request).items() if k in EXTRA} == extra
            (kept,) = server.batches.answered
            return kept

    # The server knows a batch's request by a hash of its body.
    assert asyncio.run(run(EXTRA)) != asyncio.run(run({}))


def test_they_are_part_of_what_an_answer_is_kept_under() -> None:
    endpoint = Endpoint("task", FakeModel())

    def key(decoding: Decoding) -> str:
        return Call.to(endpoint, Request((Message("user", "x"),), decoding)).key

    # As before there were such fields.
    assert key(Decoding()) == key(Decoding(extra={})) == "b85002a33a1a3bcb"
    assert key(Decoding(temperature=None, max_tokens=9, stop=("a",))) == "c514edd4e54db6f9"
    assert Prompt("x").id == "a1a432d0c961"
    keys = [key(Decoding(extra={"options": {"num_ctx": n}})) for n in (1, 1, 2)]
    assert keys[0] == keys[1] != keys[2] != key(Decoding())


def test_a_prompt_holds_them_whatever_their_order() -> None:
    one, other = (Prompt("x").with_extra(dict(e)) for e in (EXTRA.items(), [*EXTRA.items()][::-1]))
    assert (one, one.id, hash(one)) == (other, other.id, hash(other))
    assert one != Prompt("x")
    again = Prompt.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again == one == copy.deepcopy(one) == pickle.loads(pickle.dumps(one))
    assert one.with_extra({"top_k": 5}).decoding.extra == {**EXTRA, "top_k": 5}
    assert one.with_extra({}) is one
    assert one.with_instruction("y").decoding.extra == EXTRA
    made: dict[str, Any] = {}
    exec(write_prompt(one, "python"), made)
    assert (made["EXTRA_BODY"], made["DECODING"]) == (EXTRA, {"temperature": 0.0})
    assert "EXTRA_BODY" not in write_prompt(Prompt("x"), "python")


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_what_apo_sets_itself_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(PromptError, match=f"decoding.extra cannot hold '{name}': ") as caught:
        Decoding(extra={name: 1})
    assert "{" not in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"api_key": "x"}, "keys come from the environment"),
        ({"x": float("nan")}, "no JSON value"),
        ({"x": {1, 2}}, "no JSON value"),
        ({"": 1}, "no name of a field"),
        ({2: 1}, "no name of a field"),
        (["top_k"], "fields of the request's body by name"),
        ("top_k=1", "fields of the request's body by name"),
    ],
)
def test_what_cannot_be_sent_is_refused(extra: Any, said: str) -> None:
    with pytest.raises(PromptError, match=said):
        Decoding.from_dict({"extra": extra})


def test_values_are_json_or_else_texts() -> None:
    given = ["a=low", "b=20", "c=true", "d=null", 'e={"x": [1]}', 'f="20"', "g=a=b", "h="]
    found = {"a": "low", "b": 20, "c": True, "d": None, "e": {"x": [1]}, "f": "20", "g": "a=b"}
    assert read_body(given) == {**found, "h": ""}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["top_k"], "has no '='"),
        (["a=1", "a=2"], "given twice"),
        (["options={num_ctx: 1}"], "begins like JSON, and is none"),
    ],
)
def test_what_cannot_be_read_is_said(given: list[str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_body(given)


# --- from the command line ------------------------------------------------------------------


class Kept(FakeModel):
    """Says the right label of half of the rows, whatever the prompt."""

    def answer(self, request: Request) -> str:
        return "bug"


@pytest.fixture
def apo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Commands in a folder with a task whose prompt has a field of its own."""
    task = {
        "name": "t", "inputs": ["text"], "target": "label", "labels": ["bug", "login"],
        "scorer": "choice", "prompt": "Give the label.", "data": "rows.jsonl",
        "decoding": {"extra": {"top_k": 7}},
    }  # fmt: skip
    rows = [{"text": f"row {i}", "label": ("bug", "login")[i % 2]} for i in range(60)]
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(task))
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def bodies(server: ChatServer) -> set[tuple[Any, Any]]:
    """What was sent of two fields to the task model; who writes prompts gets no system turn."""
    asked = [seen.body for seen in server.seen if seen.body["messages"][0]["role"] == "system"]
    return {(body.get("top_k"), body.get("reasoning_effort")) for body in asked}


@pytest.mark.slow
def test_a_run_its_resumption_and_its_prompt_have_them(apo: Callable[..., Result]) -> None:
    model: Model = Kept()
    with serve(model) as server:
        at = ["-m", server.model_name, "--no-track", "--json"]
        flags = ["--body", "reasoning_effort=low", "--max-calls", "60"]
        assert apo("estimate", ".", *at, *flags).exit_code == 0
        assert bodies(server) == {(7, "low")}
        assert apo("resume", "last", "--json").exit_code == 0
        assert bodies(server) == {(7, "low")}
        folder = find_run("last")
        seed = Prompt.from_dict(folder.need_result()["seed_prompt"])
        assert seed.decoding.extra == {"reasoning_effort": "low", "top_k": 7}
        held = apo("export", "last", "--format", "messages")
        assert "reasoning_effort low" in held.stderr
        assert "does not hold" in held.stderr
        apo("export", "last", "--format", "json", "--out", "p.json")
        server.seen.clear()
        given = ["evaluate", ".", "--prompt", "p.json", "-m", server.model_name, "--json"]
        assert json.loads(apo(*given, "--split", "validation").stdout)["n"]
        assert bodies(server) == {(7, "low")}
        server.seen.clear()
        assert apo(*given, "--split", "validation", "--body", "top_k=9").exit_code == 0
        assert bodies(server) == {(9, "low")}


def test_a_reserved_field_ends_before_the_first_call(apo: Callable[..., Result]) -> None:
    with serve(Kept()) as server:
        for given in ("stream=true", "n=3", "max_tokens=10"):
            done = apo("optimize", ".", "-m", server.model_name, "--body", given)
            assert isinstance(done.exception, PromptError)
        assert server.requests == 0
        done = apo("check", ".", "--ping", "-m", server.model_name, "--body", "top_k=3")
        assert done.exit_code == 0
        assert bodies(server) == {(3, None)}


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "inf"])
def test_a_number_that_is_none_is_not_sent_as_a_text(text: str) -> None:
    with pytest.raises(SettingsError, match=f"--body x={text} is no value of JSON. Give a number"):
        read_body([f"x={text}"])
    assert read_body([f'x="{text}"']) == {"x": text}
