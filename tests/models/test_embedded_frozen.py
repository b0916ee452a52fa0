"""The embedded model is frozen: published figures and resumed runs rest on its answers."""

import asyncio
import hashlib
from collections.abc import Iterator

import pytest

from apo.model import Completion, Decoding, Message, Request
from apo.models.embedded import Embedded
from apo.task import Example, Task
from apo.taskfile.load import load_task

ASKS = (
    "Write one instruction. Reply between <instruction> and </instruction> tags.",
    "지시문을 한국어로 쓰고, <instruction> 태그와 </instruction> 태그 사이에 답하세요.",
    "Give a reason between <reason> and </reason>.",
)
COMPARE = "Which set is better? Reply between <choice> and </choice> tags."


def shown(example: Example, answer: str) -> str:
    parts = {"input": example.inputs, "output": example.target, "answer": answer}
    texts = {k: "\n".join(v.values()) if isinstance(v, dict) else v for k, v in parts.items()}
    inside = "\n".join(f"<{name}>\n{text}\n</{name}>" for name, text in texts.items() if text)
    return f"<example>\n{inside}\n</example>"


def requests(task: Task) -> Iterator[Request]:
    """What apo asks of it: answers by the seed prompt with and without demos, and writing."""
    prompt = task.seed_prompts[0]
    drawn = Decoding(temperature=1.0)
    for seed, example in enumerate(task.validation[:12]):
        messages = prompt.messages(example.inputs)
        yield Request(messages=messages)
        yield Request(messages=messages, decoding=drawn, seed=seed)
        yield Request(messages=messages, continuation=example.target)
        demos = [
            turn
            for row in task.train[:6]
            for turn in (
                Message("user", "\n".join(row.inputs.values())),
                Message("assistant", row.target),
            )
        ]
        yield Request(messages=(messages[0], *demos, messages[-1]))
    for seed, ask in enumerate(ASKS):
        rows = task.train[seed : seed + 30]
        wrong = [*(row.target for row in rows[1:]), ""]
        data = "\n".join(map(shown, rows, wrong if seed else [""] * len(rows)))
        labels = f"<labels>\n{', '.join(task.labels)}\n</labels>\n" if task.labels else ""
        tried = f'<candidate score="40">\n{prompt.instruction}\n</candidate>\n'
        turn = Message("user", f"{labels}{tried}{data}\n{ask}")
        yield Request(messages=(turn,))
        for draw in range(6):
            yield Request(messages=(turn,), decoding=drawn, seed=draw)
    compared = "\n".join(
        f'<input>\n{row}\n</input>\n<answer name="{"AB"[i % 2]}">\n{answer}\n</answer>'
        for i, (row, answer) in enumerate(
            (" ".join(e.inputs.values()), text)
            for e in task.train[:4]
            for text in (e.target, "I do not know.")
        )
    )
    turn = Message("user", f"<task>\n{prompt.instruction}\n</task>\n{compared}\n{COMPARE}")
    yield Request(messages=(turn,))
    yield Request(messages=(turn,), decoding=drawn, seed=3)


def told(answer: Completion) -> str:
    likely = [f"{value:.9f}" for value in answer.logprobs]
    return repr((answer.text, answer.usage, answer.truncated, likely))


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("order-fields", "dfb46ec6f91e26d4"),
        ("reviews-ko", "b7833dc573fb0d1b"),
        ("support-tickets", "d2b45384d2ef7c0c"),
        ("word-problems", "7aabd691e76bb297"),
    ],
)
def test_its_answers_are_those_that_were_published(name: str, digest: str) -> None:
    model = Embedded()

    async def answers() -> list[str]:
        return [told(await model.complete(request)) for request in requests(load_task(name))]

    said = asyncio.run(answers())
    assert len(set(said)) > 40
    assert hashlib.sha256("\n".join(said).encode()).hexdigest()[:16] == digest
