"""The server that benchmarks run against: latency, faults by seed, and answers by the prompt."""

import json
import urllib.error
import urllib.request
from collections.abc import Generator

import pytest

from experiments.benchmarks.loopback import Loopback, loopback
from experiments.benchmarks.loopback_answers import TEST, Answers, label_of
from experiments.benchmarks.searches import shape


@pytest.fixture(scope="module")
def server() -> Generator[Loopback]:
    with loopback() as started:
        yield started


def ask(server: Loopback, text: str) -> tuple[int, str, str]:
    """Status, Retry-After and answer."""
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
    try:
        with urllib.request.urlopen(f"{server.url}/chat/completions", body, timeout=30) as reply:
            return 200, "", json.loads(reply.read())["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("retry-after", ""), ""


def content(answers: Answers, text: str, **more: object) -> str:
    request = {"messages": [{"role": "user", "content": text}], **more}
    return str(answers.completion(request)["choices"][0]["message"]["content"])


def test_latency_counts_and_kinds(server: Loopback) -> None:
    server.reset(latency_ms=20)
    ask(server, "Sort this. [[EX:1]] late parcel")
    ask(server, f"Sort this. [[EX:{TEST}]] late parcel")
    ask(server, "Write one between <instruction> and </instruction> tags.")
    trace = server.trace()
    assert [kind for *_, kind, _ in trace] == ["task", "test", "meta"]
    assert min(end - start for start, end, *_ in trace) >= 0.02
    assert server.stats()["by_status"] == {"200": 3}
    assert server.stats()["max_in_flight"] == 1


def test_faults_follow_the_seed(server: Loopback) -> None:
    def statuses(seed: int) -> list[int]:
        server.reset(latency_ms=0, rate_429=0.3, rate_500=0.3, seed=seed)
        return [ask(server, "[[EX:1]]")[0] for _ in range(30)]

    assert statuses(1) == statuses(1) != statuses(2)
    assert set(statuses(1)) == {200, 429, 500}
    server.reset(rate_429=1, rate_500=0, retry_after=2)
    assert ask(server, "[[EX:1]]")[:2] == (429, "2")
    server.reset(rate_429=0, rate_500=0, seed=0)


def test_prompts_differ_in_quality_and_keep_it() -> None:
    def right(prompt: str) -> int:
        answers = Answers(0)
        found = [content(answers, f"{prompt} [[EX:{i}]] text") for i in range(300)]
        return sum(label_of(i) in answer for i, answer in enumerate(found))

    shares = [right(f"Prompt {i}.") / 300 for i in range(20)]
    assert shares[:3] == [right(f"Prompt {i}.") / 300 for i in range(3)]
    assert 0.45 < min(shares) < max(shares) - 0.2 < 0.8


@pytest.mark.parametrize(
    ("asked", "start"),
    [
        ("Reply between <summary> and </summary> tags.", "<summary>"),
        ("Reply between <instruction> and </instruction> tags.", "<instruction>"),
        ("New instructions within ``` blocks, please.", "The mistakes have"),
        ("Put it into <prompt> tags.", "<prompt>"),
        (
            "Respond with the corresponding output fields, starting with the field "
            "`[[ ## proposed_instruction ## ]]`.",
            "[[ ## proposed_instruction ## ]]\n",
        ),
        ("Respond with a JSON object in the following order: `new_instruction`.", "{"),
    ],
)
def test_meta_requests_get_their_form_and_always_another_variant(asked: str, start: str) -> None:
    text, answers = f"The example [[EX:3]] was wrong. {asked}", Answers(0)
    first, second = content(answers, text), content(answers, text)
    assert first.startswith(start)
    assert second.startswith(start)
    assert first != second
    assert first == content(Answers(0), text)
    assert content(Answers(0), text, seed=1) != first


def test_a_task_request_of_dspy_gets_its_field() -> None:
    text = "[[EX:3]] late\n\nRespond with the corresponding output fields: `[[ ## label ## ]]`."
    answer = content(Answers(0), text)
    assert answer.startswith("[[ ## label ## ]]\n")
    assert answer.endswith("[[ ## completed ## ]]")


def test_shape_of_a_trace() -> None:
    trace = [
        (1.0, 1.2, "task", 200),
        (1.0, 1.005, "task", 429),
        (1.2, 1.4, "meta", 200),
        (1.5, 1.7, "test", 200),
    ]
    found = shape(trace)
    assert (found["calls"], found["meta"]) == (3, 1)
    assert found["span_s"] == pytest.approx(0.7)
    assert found["x"] == pytest.approx(0.7 / (3 * 0.2 / 32))
    assert found["x_search"] == pytest.approx(0.4 / (2 * 0.2 / 32))
    assert found["busy"] == pytest.approx(0.605 / 0.7)
