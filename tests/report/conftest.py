"""A finished run on hostile data, and a made one of the size of a large run."""

import json
from pathlib import Path
from typing import Any

import pytest

from apo import Budget, Completion, Example, Options, Prompt, Request, Result, Task, optimize
from apo.optimizers import OPRO
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal
from apo.testing.fakes import FakeModel, FakeOptimizerModel, Repeat

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></li></main><h1 id=verdict>owned",
    "{{ 7 * 7 }} {% include 'page.css' %}",
    "]]><!-- \u202emoc.live\u2066 \x1b[2J --> &lt;b&gt;",
    "half \ud83d of an emoji, 환불 🙂",
)


class HostileModel(FakeModel):
    """Answers with the hostile text that stands in the last turn, or with another."""

    def answer(self, request: Request) -> str:
        said = super().answer(request).encode("utf-8", "replace").decode()  # No half characters.
        return said.replace("?", HOSTILE[1])


class HostileWriter(FakeOptimizerModel):
    """Writes instructions with tags in them."""

    async def complete(self, request: Request) -> Completion:
        made = await super().complete(request)
        text = made.text.replace("Answer", f"Answer {HOSTILE[len(made.text) % 3]}")
        return made._replace(text=text)


def hostile_task() -> Task:
    inputs = [f"{text} {i}" for i in range(8) for text in HOSTILE]
    examples = [
        Example({'a"b<c>': text}, (text,), slices={"<i>slice": HOSTILE[i % 2]})
        for i, text in enumerate(inputs)
    ]
    return Task(
        name="hostile <task>",
        scorer=Repeat(),
        seed_prompts=(Prompt(f"Answer {HOSTILE[0]}", template='{{a"b<c>}}'),),
        train=examples[:16],
        validation=examples[16:32],
        test=examples[32:],
    )


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A run whose data, answers and prompts are all hostile to a page."""
    return optimize(
        hostile_task(),
        OPRO(),
        model=HostileModel(),
        optimizer_model=HostileWriter(),
        budget=Budget(max_calls=260),
        options=Options(track=False),
        home=tmp_path_factory.mktemp("hostile"),
    )


@pytest.fixture
def large(hostile: Result, tmp_path: Path) -> RunFolder:
    """A run with 700 long candidates, 250 refused texts, and 300 long test rows."""
    assert hostile.folder is not None
    folder = RunFolder(tmp_path / "large")
    folder.path.mkdir()
    for name in ("run.json", "result.json"):
        text = (hostile.folder.path / name).read_text("utf-8", "surrogatepass")
        (folder.path / name).write_text(text, "utf-8", "surrogatepass")
    line: dict[str, Any] = json.loads(
        (hostile.folder.path / "test.jsonl").read_text("utf-8", "surrogatepass").splitlines()[0]
    )
    long = "환불 " * 600
    line |= {"inputs": {"글": long}, "seed_output": long, "best_output": long, "targets": [long]}
    flips = ({"flip": "lost", "seed_score": 1.0, "best_score": 0.0},
             {"flip": "won", "seed_score": 0.0, "best_score": 1.0})  # fmt: skip
    lines = [json.dumps({**line, **flips[i % 2], "id": f"row{i}"}) for i in range(300)]
    (folder.path / "test.jsonl").write_text("\n".join(lines), "utf-8")
    journal = Journal(folder.journal_path)
    seed, before = Prompt.from_dict((hostile.to_dict())["seed_prompt"]), ""
    counts = {"right": 10, "wrong": 6, "malformed": 0, "error": 0, "tokens": 10, "n": 16}
    for i in range(700):
        prompt = (
            seed
            if not i
            else seed.with_instruction(f"{'규칙 하나 더 '.join(map(str, range(i, i + 120)))}")
        )
        body: dict[str, Any] = {
            "operator": "rewrite" if i else "seed",
            "parents": [before] if i else [],
        }
        journal.note("candidate", prompt.id, {**body, "prompt": prompt.to_dict()})
        value = (i % 97) / 100
        measured = {**counts, "candidate": prompt.id, "whole": i < 200, "value": value}
        measured |= {"at_least": value, "calls": 16 * (i + 1), "usd": None}
        journal.note("evaluation", f"e{i}", measured)
        before = prompt.id
        if i < 250:
            refused = {"operator": "rewrite", "parents": [before], "reason": f"too long: {i}"}
            journal.note("refused", f"r{i}", {**refused, "text": long})
    journal.close()
    return folder
