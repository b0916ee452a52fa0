"""Files that apo writes, read by the programs that they are for: the same messages come out.

langchain-core is too large to be installed for a test (45 MB with what it brings), so its test is
skipped unless it is there; GitHub Models and promptfoo are no Python packages.
"""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter

from apo import Decoding, Demo, Layout, Prompt
from apo.prompts.forms.registry import write_prompt
from apo.testing.fakes import FakeModel
from apo.testing.server import serve
from tests.prompts.test_round_trips import KNOWN

VALUE = 'it\'s {{input}} "한" $HOME `id` 🙂'
PROMPTS = [
    Prompt("Sort it.\n\nUse labels.", template="{{input}}"),
    Prompt(
        'Answer as {"label": "…"}; keep {{input}} and {% raw %}.\n- 환불 🙂 \\ it\'s',
        context="About \\{{input}}}:\n{ x }",
        demos=(
            Demo("T: {{{#if x}} {0} {}\n\n#{x}", "} 끝"),
            Demo("T: {b\\}\n\n#{x}", "{ok}"),
        ),
        cue="Label:",
        template="T: {{{input}}}\n\n#{x}",
        decoding=Decoding(temperature=0.3, top_p=0.9, max_tokens=50),
    ),
    Prompt("Do.", template="{{input}}", layout=Layout(role="user"), demos=(Demo("a", "b"),)),
]
each = pytest.mark.parametrize("prompt", PROMPTS, ids=["plain", "odd", "one turn"])


def wanted(prompt: Prompt, **roles: str) -> list[tuple[str, str]]:
    return [(roles.get(m.role, m.role), m.content) for m in prompt.messages({"input": VALUE})]


@each
def test_prompty(prompt: Prompt, tmp_path: Path) -> None:
    prompty: Any = pytest.importorskip("prompty")
    path = tmp_path / "p.prompty"
    path.write_text(write_prompt(prompt, "prompty", KNOWN).replace("${env:OPENAI_API_KEY}", "k"))
    agent = prompty.load(path)
    messages = prompty.prepare(agent, inputs={"input": VALUE})
    found = [(m.role, "".join(part.value for part in m.parts)) for m in messages]
    assert found == wanted(prompt)
    assert agent.model.id == "gpt-5-mini"
    assert agent.model.options.temperature == prompt.decoding.temperature
    assert agent.model.options.max_output_tokens == prompt.decoding.max_tokens
    assert agent.metadata["data"] == "ff00"


@each
def test_dotprompt(prompt: Prompt) -> None:
    dotpromptz: Any = pytest.importorskip("dotpromptz")
    text = write_prompt(prompt, "dotprompt", KNOWN)
    render = dotpromptz.Dotprompt().render(text, dotpromptz.DataArgument(input={"input": VALUE}))
    done = asyncio.run(render)
    found = [
        (str(m.role.value), "".join(getattr(part, "root", part).text for part in m.content))
        for m in done.messages
    ]
    assert found == wanted(prompt, assistant="model")
    assert done.config["temperature"] == prompt.decoding.temperature


@each
def test_langchain(prompt: Prompt) -> None:
    pytest.importorskip("langchain_core", reason="langchain-core is large: tried by hand")
    space: dict[str, Any] = {}
    exec(write_prompt(prompt, "langchain", KNOWN), space)
    messages = space["prompt"].format_messages(input=VALUE)
    assert [(m.type, m.content) for m in messages] == wanted(prompt, user="human", assistant="ai")


@each
def test_openai_takes_the_body(prompt: Prompt) -> None:
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

    body = json.loads(write_prompt(prompt, "openai", KNOWN))
    TypeAdapter(ResponseCreateParamsNonStreaming).validate_python(body, strict=False)
    assert all(len(v) <= 512 for v in body["metadata"].values())
    assert len(body["metadata"]) <= 16
    known: set[str] = set(get_type_hints(ResponseCreateParamsNonStreaming))
    assert set(body) <= known


@each
def test_hugging_face_loads_the_row(prompt: Prompt, tmp_path: Path) -> None:
    datasets: Any = pytest.importorskip("datasets")
    path = tmp_path / "p.jsonl"
    path.write_text(write_prompt(prompt, "huggingface", KNOWN), encoding="utf-8")
    (row,) = datasets.Dataset.from_json(str(path), cache_dir=str(tmp_path / "cache"))
    assert row["messages"] == [{"role": m.role, "content": m.content} for m in prompt.messages()]
    assert row["provenance"]["score"] == KNOWN.score


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
@each
def test_curl_sends_the_messages(prompt: Prompt, tmp_path: Path) -> None:
    model = FakeModel()
    path = tmp_path / "p.sh"
    path.write_text(write_prompt(prompt, "curl", KNOWN), encoding="utf-8")
    with serve(model) as server:
        url = server.model_name.partition("#")[0]
        done = subprocess.run(
            ["sh", str(path), VALUE],
            env={**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "k"},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["choices"][0]["message"]["role"] == "assistant"
    (request,) = model.requests
    assert [(m.role, m.content) for m in request.messages] == wanted(prompt)
    assert request.decoding.temperature == prompt.decoding.temperature


@pytest.mark.slow  # DSPy takes seconds to load.
@each
def test_dspy_loads_the_state_and_sends_the_messages(prompt: Prompt, tmp_path: Path) -> None:
    """With the adapter of docs/prompt-files.md; with DSPy's own, its words stand around them."""
    dspy: Any = pytest.importorskip("dspy")
    page = (Path(__file__).parents[2] / "docs/prompt-files.md").read_text("utf-8")
    adapter = page[page.index("class PlainAdapter") : page.index("program = dspy.Predict")]
    space: dict[str, Any] = {"dspy": dspy}
    exec(write_prompt(prompt, "python", KNOWN) + adapter, space)
    path = tmp_path / "winner.json"
    path.write_text(write_prompt(prompt, "dspy", KNOWN), encoding="utf-8")
    program = dspy.Predict("input -> answer")
    program.load(path)
    texts = [prompt.instruction, prompt.context]
    assert program.signature.instructions == "\n\n".join(filter(None, texts))
    demos = [prompt.demo({"input": demo["input"]}, demo["answer"]) for demo in program.demos]
    assert demos == list(prompt.demos)
    plain, chat = (_sent(dspy, program, a) for a in (space["PlainAdapter"](), dspy.ChatAdapter()))
    assert plain == wanted(prompt)
    assert prompt.instruction.split("\n")[0] in chat[0][1]
    assert chat != plain


def _sent(dspy: Any, program: Any, adapter: Any) -> list[tuple[str, str]]:
    """The messages that a program sends."""
    kinds, sent = dspy.lm15, list[Any]()

    class Engine:
        def complete(self, request: Any) -> Any:
            sent.append(request)
            part = kinds.TextPart("[[ ## answer ## ]]\n끝")
            said = kinds.Message(role="assistant", parts=(part,))
            usage = kinds.Usage(input_tokens=1, output_tokens=1, total_tokens=2)
            return kinds.Response(
                id=None, model=request.model, message=said, finish_reason="stop", usage=usage
            )

    lm = dspy.LM("fake/fake", engine=Engine(), cache=False, num_retries=0)
    with dspy.context(lm=lm, adapter=adapter):
        assert "끝" in program(input=VALUE).answer
    (request,) = sent
    lead = [("system", request.system)] if request.system else []
    return [*lead, *((m.role, m.text) for m in request.messages)]
