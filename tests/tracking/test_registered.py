"""Prompts of MLflow's registry as seed prompts, and back there as the next version."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from apo import Decoding, Demo, Layout, Prompt, PromptError
from apo.bridges.served import answers, log_served
from apo.prompts.forms.provenance import Provenance
from apo.tracking.registered import (
    address_of,
    latest_of,
    pinned,
    promote,
    register_next,
    registered_prompt,
)

pytestmark = pytest.mark.slow  # MLflow comes in.
KNOWN = Provenance(prompt="0a1b", run="r-1", model="embedded", score=0.5, interval=(0.4, 0.6), n=9)
SCHEMA = {"type": "object", "title": "Sorted it", "properties": {"label": {"type": "string"}}}


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, with_tables: Callable[[Path], str]
) -> Iterator[MlflowClient]:
    uri = with_tables(tmp_path_factory.mktemp("registry"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        client = MlflowClient(uri, registry_uri=uri)
        for name in ("text", "chat"):
            client.create_prompt(name)
        client.create_prompt_version("text", "Sort it.\n\nText: {{text}}")
        client.create_prompt_version(
            "chat",
            [{"role": "system", "content": "Sort 한 it."}, {"role": "user", "content": "{{text}}"}],
            response_format=SCHEMA,
            model_config={
                "provider": "openai", "model_name": "gpt-5", "temperature": 0.2, "max_tokens": 9,
                "stop_sequences": ["끝"], "top_k": 3, "extra_params": {"reasoning_effort": "low"},
            },
        )  # fmt: skip
        client.create_prompt_version("chat", [{"role": "user", "content": "Later: {{text}}"}])
        client.set_prompt_alias("chat", "prod", 1)
        yield client


@pytest.mark.usefixtures("client")
def test_a_seed_prompt_is_what_the_registry_holds() -> None:
    found, pinned = registered_prompt("prompts:/text", ["text"])
    assert pinned == "prompts:/text/1"
    assert found.prompt.decoding == Decoding()
    assert [m.content for m in found.prompt.messages({"text": "X"})] == ["Sort it.\n\nText: X"]
    found, pinned = registered_prompt("prompts:/chat@prod", ["text"])
    assert pinned == "prompts:/chat/1"
    assert [m.content for m in found.prompt.messages({"text": "X"})] == ["Sort 한 it.", "X"]
    decoding = found.prompt.decoding
    assert (decoding.temperature, decoding.max_tokens, decoding.stop) == (0.2, 9, ("끝",))
    assert decoding.extra["top_k"] == 3
    assert decoding.extra["reasoning_effort"] == "low"
    assert decoding.extra["response_format"]["json_schema"] == {
        "name": "Sorted_it",
        "schema": SCHEMA,
    }
    assert found.left_out == ("model_config.provider", "model_config.model_name")
    assert registered_prompt("prompts:/chat", ["text"])[1] == "prompts:/chat/2"


def test_a_winner_is_the_next_version_and_reads_back_the_same(client: MlflowClient) -> None:
    seed = registered_prompt("prompts:/chat@prod", ["text"])[0].prompt
    winner = Prompt("Better.", demos=(Demo("a", "b"),), template="{{text}}", decoding=seed.decoding)
    assert register_next("prompts:/chat", winner, KNOWN) == "prompts:/chat/3"
    kept = registered_prompt("prompts:/chat/3", ["text"])[0]
    assert kept.left_out == ()
    again = kept.prompt
    assert again.messages() == winner.messages()
    assert again.decoding == winner.decoding
    made: Any = client.get_prompt_version("chat", 3)
    assert made.response_format == SCHEMA
    assert made.tags["apo.score"] == "0.5"
    assert made.tags["apo.interval"] == "[0.4, 0.6]"
    text = Prompt("Better.", template="{{text}}", layout=Layout(role="user"))
    assert register_next("prompts:/text", text, KNOWN) == "prompts:/text/2"
    version: Any = client.get_prompt_version("text", 2)
    assert version.template == "Better.\n\n{{text}}"
    assert registered_prompt("prompts:/text", ["text"])[0].prompt.messages() == text.messages()
    assert register_next("prompts:/new", winner, Provenance()) == "prompts:/new/1"


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("prompts:/nobody", "no prompt prompts:/nobody in sqlite.*MLFLOW_TRACKING_URI"),
        ("prompts:/chat/77", "prompts:/chat/77"),
        ("prompts:/chat@nobody", "chat@nobody"),
        ("prompts:/a/b/c", "must be prompts:/NAME, prompts:/NAME/VERSION"),
    ],
)
def test_what_is_not_there_is_said(uri: str, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        registered_prompt(uri, ["text"])


@pytest.mark.usefixtures("client")
def test_places_that_are_refused() -> None:
    with pytest.raises(PromptError, match="without a version or an alias"):
        register_next("prompts:/chat@prod", Prompt("x"), KNOWN)
    with pytest.raises(PromptError, match="no input field"):
        registered_prompt("prompts:/text", ["other"])
    with pytest.raises(PromptError, match="chat is a prompt in MLflow's registry"):
        log_served("models:/chat", Prompt("x"), KNOWN)
    with pytest.raises(PromptError, match="only one that has a name is served"):
        log_served("models:/m", Prompt("x"), Provenance())
    with pytest.raises(PromptError, match="must be models:/NAME"):
        log_served("models:/m/1", Prompt("x"), KNOWN)


@pytest.mark.filterwarnings("ignore")  # Of MLflow, about itself.
@pytest.mark.usefixtures("client")
def test_a_logged_model_answers_as_apo_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`experiments/served_model.py` asks a real server."""
    import mlflow

    monkeypatch.chdir(tmp_path)
    prompt = Prompt("Answer with yes or no.", template="Q: {{text}}")
    place = log_served("models:/served", prompt, KNOWN)
    assert place == "models:/served/1"
    rows = [{"text": "is 한 it? {{x}}"}, {"text": "no"}]
    assert mlflow.pyfunc.load_model(place).predict(rows) == answers(prompt.to_dict(), "embedded")(
        rows
    )


def test_addresses() -> None:
    assert address_of("prompts:/a@b") == ("a", "", "b")
    assert address_of("prompts:/a/3") == ("a", "3", "")


def test_previous_is_what_was_deployed_though_the_run_has_moved_the_alias(
    client: MlflowClient,
) -> None:
    winner = Prompt("New.", template="{{text}}")
    client.create_prompt("moved")
    turns = [{"role": m.role, "content": m.content} for m in winner.messages()]
    for text in ("Old: {{text}}", turns):
        client.create_prompt_version("moved", text)
    client.set_prompt_alias("moved", "champion", 1)
    before = pinned("prompts:/moved@champion")
    client.set_prompt_alias("moved", "champion", 2)  # As a tracked run does.
    assert latest_of("moved", winner) == "prompts:/moved/2"
    assert latest_of("moved", Prompt("Other.", template="{{text}}")) == ""
    promote("prompts:/moved/2", "champion", before)
    versions = {a: client.get_prompt_version_by_alias("moved", a).version
                for a in ("champion", "previous")}  # fmt: skip
    assert {name: int(version) for name, version in versions.items()} == {
        "champion": 2, "previous": 1,
    }  # fmt: skip
