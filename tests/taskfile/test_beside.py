"""Inputs that are no text: images on the wire, conversations as turns, and what is refused."""

import asyncio
import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import apo.files
import apo.media
from apo.audit.trials import plan
from apo.bridges.dspy_model import DspyModel
from apo.errors import ApoError, BadRequestError, DataError, PromptError, SettingsError, TaskError
from apo.evaluation.abilities import require_able
from apo.media import Image, address_of, image_of, turns_before
from apo.model import Completion, Decoding, Message, Request
from apo.models import open_model
from apo.models.providers import locate
from apo.models.responses import responses_body
from apo.programs.chain import Chain
from apo.prompts.beside import Beside
from apo.prompts.files import parse_prompt
from apo.prompts.forms.reading import read_prompt
from apo.prompts.forms.registry import FORMS, write_prompt
from apo.prompts.layout import Demo
from apo.prompts.needs import beside_of
from apo.prompts.prompt import Prompt
from apo.search.steps import shown
from apo.task import Task
from apo.taskfile.beside import as_typed
from apo.taskfile.load import load_task
from apo.testing.server import serve
from apo.usage import Usage

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
CHAT = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello?"}]
SEES = Prompt("Look.", template="{{q}}", images=("photo",))
TASK = """
name: seen
data: rows.jsonl
inputs: [photo, talk, q]
images: photo
history: talk
target: answer
prompt: Look.
"""


def folder(path: Path, photo: str = "a.png", talk: object = CHAT, more: str = "") -> Path:
    """A task of images and conversations."""
    (path / "a.png").write_bytes(PNG)
    row = {"photo": photo, "talk": talk}
    rows = [json.dumps({**row, "q": f"What is number {n}?", "answer": f"{n}"}) for n in range(20)]
    (path / "rows.jsonl").write_text("\n".join(rows))
    (path / "task.yaml").write_text(TASK + more)
    return path


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    return load_task(folder(tmp_path_factory.mktemp("seen")))


class Eye:
    """Answers with the number of bytes of the image that it is shown."""

    name = "eye"

    async def complete(self, request: Request) -> Completion:
        [image] = request.messages[-1].images
        size = len(base64.b64decode(image.partition(";base64,")[2]))
        return Completion(f"{size}", Usage(9, 1))

    async def aclose(self) -> None:
        """Nothing to close."""


def test_images_and_earlier_turns_are_on_the_wire(task: Task) -> None:
    request = Request(task.seed_prompts[0].messages(task.train[0].inputs))

    async def ask(name: str) -> str:
        model = open_model(name)
        try:
            return (await model.complete(request)).text
        finally:
            await model.aclose()

    with serve(Eye()) as server:
        assert asyncio.run(ask(server.model_name)) == "208"
        sent = server.seen[0].body["messages"]
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    question = {"type": "text", "text": task.train[0].inputs["q"]}
    assert sent == [
        {"role": "system", "content": "Look."},
        *CHAT,
        {"role": "user", "content": [question, {"type": "image_url", "image_url": {"url": url}}]},
    ]
    body = responses_body(locate("http://localhost/v1/responses#m"), request)
    assert body["input"][-1]["content"] == [
        {"type": "input_text", "text": question["text"]},
        {"type": "input_image", "image_url": url},
    ]


def test_an_audit_leaves_images_and_conversations_as_they_are(task: Task) -> None:
    for trial in plan(task, task.train, max_calls=60):
        for name in ("photo", "talk"):
            assert trial.example.inputs[name] is trial.clean.inputs[name]
    alone = replace(SEES, template="", images=("photo", "q"), history="talk")
    with pytest.raises(TaskError, match="images and conversations alone"):
        plan(replace(task, seed_prompts=(alone,)), task.train)


def test_a_typed_path_is_looked_at_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(PNG)
    found = as_typed({"photo": f"{tmp_path}/b.png", "q": "What?"}, SEES.beside)
    assert address_of(found["photo"]).startswith("data:image/png;base64,")
    assert as_typed({"photo": "https://a.b/c.png", "q": ""}, SEES.beside)["photo"][:5] == "https"
    with pytest.raises(DataError, match=r"photo is 'c\.png', and there is no file"):
        as_typed({"photo": f"{tmp_path}/c.png", "q": ""}, SEES.beside)


def test_an_optimizer_model_reads_the_name_of_an_image_and_the_talk(task: Task) -> None:
    example = task.train[0]
    text = shown(task.seed_prompts[0], example)
    assert text.splitlines()[:3] == ["user: Hi.", "assistant: Hello?", "[image photo: a.png]"]
    assert text.endswith(example.inputs["q"])
    demo = (Demo("a", "b"),)
    assert SEES.with_demos(demo) == SEES, "a demo holds no image"
    assert Prompt("x", history="talk").with_demos(demo).demos == demo
    assert "the optimizer model reads their names" in "".join(task.notes)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("../a.png", "no path inside of the folder"),
        ("/etc/passwd", "no path inside of the folder"),
        ("link.png", "no path inside of the folder"),
        ("a\0.png", "no path inside of the folder"),
        ("text.png", "its bytes are none of PNG, JPEG, GIF and WebP"),
        ("", "Is a directory"),
        ("none.png", "there is no file"),
        ("pipe.png", "it is a pipe or a device"),
        ("large.png", "the limit is 0 MB"),
        ("data:image/png;base64,AAAA", "begins with data:"),
        ("file:///etc/passwd", "begins with file:"),
    ],
)
def test_what_is_no_image_of_the_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, said: str
) -> None:
    import os

    inner = tmp_path / "inner"
    inner.mkdir()
    for path in (tmp_path / "a.png", inner / "large.png"):
        path.write_bytes(PNG)
    (inner / "text.png").write_text("no image")
    (inner / "link.png").symlink_to(tmp_path / "a.png")
    os.mkfifo(inner / "pipe.png")
    monkeypatch.setattr(apo.media, "LIMIT", 100)
    if named not in ("large.png", "text.png"):  # Nothing that is refused by its path is read.
        monkeypatch.setattr(apo.files, "read_bytes", pytest.fail)
    with pytest.raises(DataError, match="row 3") as caught:
        image_of(named, inner, "row 3")
    assert said in str(caught.value)


def test_a_web_address_is_sent_as_it_is_and_a_changed_file_is_not(tmp_path: Path) -> None:
    address = "https://example.org/cat.jpg"
    assert image_of(f" {address} ", tmp_path, "") == address
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    image = image_of("a.gif", tmp_path, "")
    (tmp_path / "a.gif").write_bytes(b"GIF89b")
    place = locate("http://localhost/v1#m")
    for shows, said in ((image, "another one than when the task"), ("typed.png", "no address")):
        with pytest.raises(BadRequestError, match=said):
            place.body(Request((Message("user", "", (shows,)),)))
    seen = place.body(Request((Message("user", "", (Image(address),)),)))["messages"]
    assert seen[0]["content"] == [{"type": "image_url", "image_url": {"url": address}}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"talk": "Hello"}, "no conversation: write its turns as JSON"),
        ({"talk": CHAT[1:]}, "Turn 1 of the conversation must be the user's"),
        ({"talk": [{"role": "system", "content": "Be."}]}, "belongs into the prompt"),
        ({"photo": "b.png"}, "photo is 'b.png', and there is no file"),
        ({"more": "steps: {a: 'See {{photo}} {{q}}'}\n"}, "steps.a: 'photo' is an image"),
        ({"more": "steps: {a: {instruction: x, images: q}}\n"}, "Write images: q into the task"),
        ({"more": "template: 'See {{photo}} {{q}}'\n"}, "take {{photo}} out of the text"),
        ({"more": "template: '{{talk}} {{q}}'\n"}, "its turns are sent as turns"),
    ],
)
def test_a_task_says_what_is_wrong_with_them(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    place = folder(tmp_path, **change)
    if "steps" in change.get("more", ""):
        text = (place / "task.yaml").read_text().replace("prompt: Look.\n", "")
        (place / "task.yaml").write_text(text)
    with pytest.raises(TaskError) as caught:
        load_task(place)
    assert said in str(caught.value)


def test_steps_show_what_they_name_and_the_first_one_the_rest(tmp_path: Path) -> None:
    place = folder(tmp_path)
    steps = "steps: {see: Say., end: {instruction: Do., template: '{{see}}', history: talk}}\n"
    text = TASK.replace("prompt: Look.\n", steps)
    (place / "task.yaml").write_text(text)
    task = load_task(place)
    prompts, inputs = task.seed_prompts[0].steps, task.train[0].inputs
    see, end = (prompts[s].messages({**inputs, "see": "A cat."}) for s in prompts)
    assert [(m.role, len(m.images)) for m in see] == [("system", 0), ("user", 1)]
    assert see[-1].content == inputs["q"]
    assert [m.content for m in end] == ["Do.", "Hi.", "Hello?", "A cat."]
    assert beside_of(task.seed_prompts[0]) == Beside(("photo",), "talk")
    seed = task.seed_prompts[0]
    assert seed.with_demos((Demo("x", "y"),)) == seed  # The first step sees an image.
    assert shown(seed, task.train[0]) == f"[image photo: a.png]\n{inputs['q']}"
    with pytest.raises(SettingsError, match="is shown images"):
        require_able(open_model("embedded"), [seed])
    elsewhere = Chain(steps=("see", "end"), models={"see": "eye"})
    require_able(open_model("embedded"), [seed], elsewhere)


def test_a_conversation_may_end_with_the_question() -> None:
    prompt = Prompt("Answer.", template="", history="talk")
    asked = prompt.messages({"talk": json.dumps([*CHAT, {"role": "user", "content": "Bye?"}])})
    assert [m.content for m in asked] == ["Answer.", "Hi.", "Hello?", "Bye?"]
    assert [m.role for m in prompt.messages({"talk": "[]"})] == ["system", "user"]
    assert turns_before(" ") == []


def test_a_model_that_cannot_says_so_before_anything_is_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "k-123456789")
    for model in (open_model("embedded"), open_model("deepseek/deepseek-chat")):
        with pytest.raises(SettingsError) as caught:
            require_able(model, [SEES])
        assert str(caught.value).startswith(f"{model.name} is shown images ({{{{photo}}}}), and ")
    assert "images" in DspyModel.lacks
    tools = [{"name": "look", "parameters": {"type": "object"}}]
    calls = Prompt("x", decoding=Decoding(extra={"tools": tools}))
    with pytest.raises(SettingsError, match=r"is given tools \(look\), and it calls none"):
        require_able(open_model("embedded"), [calls])
    require_able(open_model("http://localhost:1/v1#m"), [SEES, calls])


def test_two_forms_hold_a_conversation_and_the_others_say_so(tmp_path: Path) -> None:
    prompt = Prompt("Answer.", template="{{q}}", history="talk")
    told = "cannot hold. Take --format json or yaml, which can."
    for form in FORMS:
        if form not in ("json", "yaml"):
            with pytest.raises(PromptError, match=r"has history \(\{\{talk\}\}\)") as caught:
                write_prompt(prompt, form)
            assert str(caught.value).endswith(f"the form {form} {told}")
            continue
        path = tmp_path / f"p.{form}"
        path.write_text(write_prompt(prompt, form))
        assert read_prompt(path, ("talk", "q"), beside=prompt.beside).prompt == prompt


@pytest.mark.parametrize("form", FORMS)
def test_a_form_holds_images_or_says_what_can(form: str, tmp_path: Path) -> None:
    if "images" not in FORMS[form].holds:
        with pytest.raises(PromptError, match="has images") as caught:
            write_prompt(SEES, form)
        assert f"the form {form} cannot hold. Take --format json, yaml, messages, openai" in str(
            caught.value
        )
        return
    ending = {"yaml": ".yaml", "promptfoo": "promptfooconfig.yaml", "huggingface": ".jsonl"}
    path = tmp_path / f"p{ending.get(form, '.json')}"
    path.write_text(write_prompt(SEES, form))
    back = read_prompt(path, ("q", "photo"), beside=SEES.beside).prompt
    inputs = {"q": "What?", "photo": "https://example.org/a.png"}
    assert back.messages(inputs) == SEES.messages(inputs)
    assert read_prompt(path, ("q",), beside=None).prompt.images == ("photo",)
    with pytest.raises(PromptError, match="takes that input for text"):
        read_prompt(path, ("q", "photo"))


@pytest.mark.parametrize(
    ("role", "url", "said"),
    [
        ("user", "https://example.org/a.png", "apo shows images of the inputs"),
        ("user", "data:image/png;base64,AA", "apo shows images of the inputs"),
        ("system", "{{photo}}", "apo shows images of the inputs"),
    ],
)
def test_an_image_that_is_fixed_in_a_prompt_is_refused(role: str, url: str, said: str) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    chat: list[dict[str, Any]] = [{"role": "user", "content": "{{q}}"}]
    chat.insert(0, {"role": role, "content": [part]})
    with pytest.raises(ApoError, match=said):
        parse_prompt(chat, ("q", "photo"), None, SEES.beside)
