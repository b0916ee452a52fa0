"""Tools, log-probabilities and moderation on the wire of both APIs, and in a task."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apo.calls.counting import mean_logprob
from apo.errors import BadRequestError, ContentFilterError, PromptError, TaskError
from apo.model import Completion, Decoding, Message, Request
from apo.models.failures import failure
from apo.models.providers import locate
from apo.models.refusals import refused_option
from apo.models.replies import completion
from apo.models.responses import as_chat, responses_body
from apo.prompts.forms.reading import read_prompt
from apo.prompts.forms.registry import FORMS, write_prompt
from apo.prompts.needs import as_task_asks
from apo.prompts.prompt import Prompt
from apo.prompts.prompt_set import PromptSet
from apo.taskfile.load import load_task
from apo.tools import declared

WEATHER: dict[str, Any] = {
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TOOLS = [{"type": "function", "function": WEATHER}]
HERE = locate("http://localhost/v1#m")
CALLS = Prompt("Call.", template="{{q}}", decoding=Decoding(extra={"tools": TOOLS}))
PROBABLE = Prompt("Say.", decoding=Decoding(extra={"logprobs": True, "top_logprobs": 2}))


def chat(**message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}


def call(name: str, arguments: object) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        (
            [call("weather", '{"city": "서울"}')],
            '{"name": "weather", "arguments": {"city": "서울"}}',
        ),
        ([call("weather", "")], '{"name": "weather", "arguments": {}}'),
        ([call("weather", "{city")], '{"name": "weather", "arguments": "{city"}'),
        (
            [call("a", "{}"), call("b", "{}")],
            '[{"name": "a", "arguments": {}}, {"name": "b", "arguments": {}}]',
        ),
    ],
)
def test_a_call_is_the_answer_where_tools_are_declared(
    calls: list[dict[str, Any]], said: str
) -> None:
    body = chat(content="I look.", tool_calls=calls)
    assert completion(HERE, body, tools=True).text == said
    flat = [{"type": "function_call", **one["function"]} for one in calls]
    assert completion(HERE, as_chat({"output": flat}), tools=True).text == said
    assert completion(HERE, chat(content="It is sunny."), tools=True).text == "It is sunny."
    with pytest.raises(BadRequestError, match="called a tool"):
        completion(HERE, chat(content=None, tool_calls=calls))


def test_tools_go_where_each_api_has_them() -> None:
    request = Request((Message("user", "x"),), CALLS.decoding)
    assert HERE.body(request)["tools"] == TOOLS
    assert responses_body(HERE, request)["tools"] == [{"type": "function", **WEATHER}]
    assert declared([WEATHER]) == declared(TOOLS) == TOOLS
    assert responses_body(HERE, Request(PROBABLE.messages(), PROBABLE.decoding))["include"] == [
        "message.output_text.logprobs"
    ]


NO_TOOLS: list[tuple[Any, str]] = [
    ([{"type": "web_search"}], "which the provider itself would run"),
    ([{"function": {}}], "which has no name"),
    (TOOLS * 2, "declares 'weather' twice"),
    ("weather", "must be a list"),
    ([], "must be a list"),
]


@pytest.mark.parametrize(("tools", "said"), NO_TOOLS)
def test_what_is_no_tool_is_refused(tools: object, said: str) -> None:
    with pytest.raises(PromptError, match=said):
        Decoding(extra={"tools": tools})


def test_a_task_reads_tools_from_a_file(tmp_path: Path) -> None:
    rows = [
        {
            "q": f"Weather in {city}?",
            "call": json.dumps({"name": "weather", "arguments": {"city": city}}),
        }
        for city in map(str, range(20))
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "tools.json").write_text(json.dumps([WEATHER]))
    text = (
        "name: t\ninputs: [q]\ntarget: call\nscorer: json\ndata: rows.jsonl\n"
        "prompt: Call.\ntools: tools.json\n"
    )
    (tmp_path / "task.yaml").write_text(text)
    task = load_task(tmp_path)
    assert task.seed_prompts[0].decoding.extra["tools"] == TOOLS
    assert "no tool is run" in "".join(task.notes)
    example = task.train[0]
    city = example.target.replace('": ', '":')
    assert task.judge(city, example).value == 1
    assert task.judge('{"name": "weather", "arguments": {"city": "Rome"}}', example).value < 1
    (tmp_path / "tools.json").write_text("{")
    with pytest.raises(TaskError, match=r"tools, tools\.json is no JSON"):
        load_task(tmp_path)


def test_a_prompt_of_another_file_is_asked_with_the_tasks_tools() -> None:
    plain, own = Prompt("Say.", template="{{q}}"), CALLS.with_extra({"tools": [{"name": "mine"}]})
    form = plain.with_extra({"response_format": {"type": "json_object"}})
    assert as_task_asks(plain, CALLS) == plain.with_extra({"tools": TOOLS})
    assert as_task_asks(own, CALLS) is own
    assert as_task_asks(plain, form) == form
    steps = PromptSet.of({"a": plain, "b": plain})
    asked = as_task_asks(steps, PromptSet.of({"a": plain, "b": CALLS})).steps
    assert [*map(dict, (step.decoding.extra for step in asked.values()))] == [{}, {"tools": TOOLS}]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_holds_tools_or_says_what_can(form: str, tmp_path: Path) -> None:
    if "tools" not in FORMS[form].holds:
        with pytest.raises(PromptError, match=r"has tools \(weather\)") as caught:
            write_prompt(CALLS, form)
        assert f"the form {form} cannot hold. Take --format json, yaml, markdown" in str(
            caught.value
        )
        return
    text = write_prompt(CALLS, form)
    if not FORMS[form].reads:
        assert '"weather"' in text or "'weather'" in text
        return
    endings = {
        "yaml": ".yaml", "promptfoo": "promptfooconfig.yaml", "huggingface": ".jsonl",
        "markdown": ".md",
    }  # fmt: skip
    path = tmp_path / f"p{endings.get(form, '.json')}"
    path.write_text(text)
    back = read_prompt(path, ("q",)).prompt
    assert back.decoding.extra["tools"] == TOOLS
    assert back.messages({"q": "x"}) == CALLS.messages({"q": "x"})


def test_log_probabilities_of_an_answer_are_read_and_meant() -> None:
    tokens: list[dict[str, Any]] = [
        {"token": "a", "logprob": -0.5},
        {"token": "b", "logprob": -1.5},
    ]
    said = {"choices": [{"message": {"content": "ab"}, "logprobs": {"content": tokens}}]}
    text = {"type": "output_text", "text": "ab", "logprobs": tokens}
    asked = Request((Message("user", "x"),), PROBABLE.decoding)
    for body in (said, as_chat({"output": [{"content": [text]}]})):
        assert mean_logprob(asked, completion(HERE, body)) == -1.0
    tokens[1]["logprob"] = None
    assert mean_logprob(asked, completion(HERE, said)) is None
    assert mean_logprob(asked._replace(continuation="ab"), Completion("", logprobs=(-1.0,))) is None


@pytest.mark.parametrize(
    ("message", "option"),
    [
        ("Unrecognized request argument supplied: reasoning_effort", "reasoning_effort"),
        ("Unsupported parameter: 'reasoning.effort' is not supported", "reasoning_effort"),
        ("This model does not support logprobs", "logprobs"),
        ("Unsupported parameter: 'logprobs'", "logprobs"),
        (
            "Unsupported value: 'reasoning_effort' does not support 'none'. Supported values "
            "are: 'low' and 'high'",
            "",
        ),
    ],
)
def test_an_effort_that_a_model_lacks_is_left_out_and_a_wrong_one_is_told(
    message: str, option: str
) -> None:
    found = refused_option(400, {"message": message}, message)
    assert found == option


FILTERED = {"violence": {"filtered": True}, "hate": {"filtered": False}}


@pytest.mark.parametrize(
    "raised",
    [
        lambda: completion(
            HERE, {"choices": [{"finish_reason": "content_filter", "message": {},
                                "content_filter_results": FILTERED}]},
        ),
        lambda: completion(
            HERE, {"choices": [], "prompt_filter_results": [{"content_filter_results": FILTERED}]}
        ),
        lambda: failure(
            HERE, 400, {}, {"error": {"code": "content_filter", "message": "Filtered.",
                            "innererror": {"content_filter_result": FILTERED}}},
        ),
    ],
)  # fmt: skip
def test_moderation_says_what_for(raised: Callable[[], object]) -> None:
    try:
        error = raised()
    except ContentFilterError as caught:
        error = caught
    assert isinstance(error, ContentFilterError)
    assert "held" in str(error)
    assert " for violence" in str(error)
