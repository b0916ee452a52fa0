"""VISTA (Liu et al., 2026): labelled hypotheses side by side, and restarts from next to nothing.

Section and algorithm numbers are the paper's.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from apo import (
    Completion,
    Example,
    Options,
    Prompt,
    Request,
    Rollout,
    Score,
    SettingsError,
    Usage,
    aoptimize,
)
from apo.optimizers import vista
from apo.optimizers.parts.vista_trace import Hypothesis, Trace, read_hypotheses
from apo.optimizers.vista import VISTA
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Seen, Writer, tagged

CAUSES = "form: say the form\nknowledge: name the rule\nedges: tell of doubts"


def asks_causes(text: str) -> bool:
    return "<observations>" in text


def writing(
    rewrite: Callable[[str], str], causes: Callable[[str], str] = lambda _: CAUSES
) -> Callable[[int, str], str]:
    """A writer that names the causes, and rewrites by a function of the label that it is told."""

    def reply(n: int, text: str) -> str:
        if asks_causes(text):
            return f"<observations>\n{causes(text)}\n</observations>"
        label = re.findall(r"<comment>\n(.*?):", text)
        return tagged(f"{rewrite(label[0] if label else 'restart')} {n}")

    return reply


Plain = partial(VISTA, epsilon=0.0, restart_share=0.0)
"""Settings without exploration."""
USELESS = writing(lambda label: label)


def whole(seen: Seen) -> list[str]:
    """Ids of what was measured on the validation split, in order."""
    found = [event.body["candidate"] for event in seen.evaluations(whole=True)]
    return list(dict.fromkeys(found))


def test_calls_of_a_round(run: Run) -> None:
    """b rollouts of the parent, one reply with K causes, K rewrites and K · b rollouts."""
    seen = run(Plain(max_rounds=3), USELESS, size=20)
    assert [asks_causes(text) for text in seen.writer.texts] == [True, False, False, False] * 3
    train = {last for prompt, last in seen.reader.asked if prompt == "Seed"}
    assert len(seen.reader.asked) == len(train) + 3 * 3 * 8  # The parent's answers are kept.
    fewer = run(Plain(max_rounds=1, n_hypotheses=2, minibatch_size=4), USELESS, size=20)
    assert len(fewer.writer.texts) == 1 + 2
    assert len(fewer.reader.asked) == 20 + (1 + 2) * 4


def test_the_published_settings() -> None:
    """Appendix: K = 3, p = 0.2, epsilon = 0.1, b = 8."""
    one = VISTA()
    assert (one.n_hypotheses, one.restart_share, one.epsilon, one.minibatch_size) == (
        3,
        0.2,
        0.1,
        8,
    )
    with pytest.raises(SettingsError, match="epsilon"):
        VISTA(epsilon=2)


def test_parent_and_rewrites_see_the_same_minibatch(run: Run) -> None:
    seen = run(Plain(max_rounds=1), USELESS, size=20)
    asked = [last for _, last in seen.reader.asked[20:]]
    batches = [asked[k : k + 8] for k in range(0, 32, 8)]
    assert batches[1:] == batches[:1] * 3


def test_the_rewrite_that_gains_most_joins_the_pool_alone(run: Run) -> None:
    plus = {"form": "+" * 4, "knowledge": "+" * 12, "edges": "+" * 8}
    seen = run(Plain(max_rounds=1), writing(lambda label: plus[label]), size=12)
    assert whole(seen) == [Prompt("Seed").id, Prompt(f"{'+' * 12} 2").id]
    none = run(Plain(max_rounds=3), USELESS, size=12)  # No gain, none joins.
    assert whole(none) == [Prompt("Seed").id]


def test_each_cause_is_rewritten_apart_and_marks_what_it_brings(run: Run) -> None:
    seen = run(Plain(max_rounds=1), USELESS, size=12)
    _, *rewrites = seen.writer.texts
    assert [re.findall(r"<comment>\n(.*?)\n</comment>", text)[0] for text in rewrites] == (
        CAUSES.splitlines()
    )
    made = [e.body["operator"] for e in seen.events if e.kind == "candidate"]
    assert made == ["seed", "vista: form", "vista: knowledge", "vista: edges"]


def kinds_shown(text: str) -> bool:
    return "knowledge: a fact" in text


def test_causes_come_from_the_list_of_kinds_but_for_a_share_that_is_free(run: Run) -> None:
    """§4.4, layer 2: each of K slots is free with the chance epsilon."""
    guided = run(Plain(max_rounds=4), USELESS, size=20)
    assert all(kinds_shown(text) for text in guided.writer.texts if asks_causes(text))
    optimizer = VISTA(max_rounds=4, epsilon=1.0, restart_share=0.0)
    free = run(optimizer, USELESS, size=20)
    asked = [text for text in free.writer.texts if asks_causes(text)]
    assert len(asked) == 4 * 3
    assert not any(kinds_shown(text) for text in asked)
    assert len(free.writer.texts) == 4 * (3 + 3)  # Of each free reply the first cause counts.

    optimizer = VISTA(max_rounds=60, epsilon=0.3, restart_share=0.0, minibatch_size=2)
    mixed = run(optimizer, USELESS, size=20)
    asked = [text for text in mixed.writer.texts if asks_causes(text)]
    share = sum(not kinds_shown(text) for text in asked) / (3 * 60)
    assert share == pytest.approx(0.3, abs=0.08)


def test_what_was_tried_is_told_to_who_looks_for_causes(run: Run) -> None:
    """Labels and gains of the prompt and of those before it."""
    plus = {"form": "+" * 5, "knowledge": "", "edges": "+" * 2}
    seen = run(Plain(max_rounds=2), writing(lambda label: plus[label]), size=8)
    first, second = [text for text in seen.writer.texts if asks_causes(text)]
    assert "<summary>" not in first
    told = re.findall(r"<summary>\n(.*?)\n</summary>", second, re.DOTALL)[0].splitlines()
    assert told == ["form: +5, kept", "knowledge: +0", "edges: +2"]


def test_a_trace_tells_of_the_lineage_alone() -> None:
    trace = Trace([(0, "form", 2.0, True), (1, "edges", -1.0, False), (2, "task", 0.5, False)])
    assert trace.lines({0, 2}) == ["form: +2, kept", "task: +0.5"]
    assert len(Trace([(0, "form", 0.0, False)] * 50).lines({0})) == 12


def test_a_minibatch_without_mistakes_asks_nothing(run: Run) -> None:
    seen = run(Plain(max_rounds=5), USELESS, size=30, seed_prompt="+" * 29)
    asked = [text for text in seen.writer.texts if asks_causes(text)]
    wrong = [last for _, last in seen.reader.asked[30:] if last == "x29"]
    assert len(asked) == (1 if wrong else 0)


def test_at_most_so_many_mistakes_are_shown(run: Run) -> None:
    seen = run(Plain(max_rounds=1, n_shown=2), USELESS, size=12)
    assert [text.count("<example>") for text in seen.writer.texts] == [2] * 4


@dataclass
class Bare:
    """A task model whose answers cannot be read until an instruction names the form."""

    name: str = "bare"
    requests: list[Request] = field(default_factory=list[Request])

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        instruction, last = request.messages[0].content, request.messages[-1].content
        said = last if "++" in instruction else "wrong" if "+" in instruction else "?"
        return Completion(text=said, usage=Usage(input_tokens=1, output_tokens=1))

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize(
    ("replies", "looks", "tried"),
    [
        (["A", "B +", "C"], 3, "B +"),  # Read at last, so no further reply is asked for.
        (["A ++"], 3, "A ++"),
        (["A", "B", "C", "D"], 3, "C"),  # Never read: the last one is tried all the same.
        (["A", "B +"], 1, "A"),
    ],
)
def test_a_restart_goes_on_until_the_answer_can_be_read(
    replies: list[str], looks: int, tried: str, tmp_path: Path
) -> None:
    """§4.4, layer 1: from what the model answers by itself, not from the seed."""
    model, writer = Bare(), Writer(lambda n, _: tagged(replies[n]))
    work = aoptimize(
        replace(fake_task(10, seed_prompt="Seed"), test=()),
        VISTA(max_rounds=1, restart_share=1.0, n_looks=looks),
        model=model,
        optimizer_model=writer,
        options=Options(track=False, max_concurrency=1),
        home=tmp_path,
    )
    result = asyncio.run(work)
    asked = [request.messages[0].content for request in model.requests]
    assert asked[18] == "Answer."  # After the seed on validation and on the minibatch.
    assert asked[19 + replies.index(tried) :][:8].count(tried) == 8
    assert len(writer.texts) == replies.index(tried) + 1
    assert all("Seed" not in text for text in writer.texts)
    assert (result.best.prompt.instruction == "A ++") == (tried == "A ++")


def test_restarts_are_drawn_by_their_share(run: Run) -> None:
    optimizer = VISTA(max_rounds=80, minibatch_size=1)
    seen = run(optimizer, USELESS, size=20)
    restarts = [prompt for prompt, _ in seen.reader.asked].count("Answer.")
    assert restarts / 80 == pytest.approx(0.2, abs=0.08)


@pytest.mark.parametrize(
    ("reply", "n", "causes"),
    [
        ("form: say it\nedges: tell", 3, [("form", "say it"), ("edges", "tell")]),
        ("1. **form**: say it.\n- edges：tell", 3, [("form", "say it."), ("edges", "tell")]),
        ("Causes:\nform: one\ntask: two", 1, [("form", "one")]),
        ("[red]: [/red] say it", 3, [("red", "[/red] say it")]),
        ("Say it, or not: it fails.", 3, [("other", "Say it, or not: it fails.")]),
        ("It lacks the rule.", 3, [("other", "It lacks the rule.")]),
        ("", 3, []),
    ],
)
def test_causes_are_read_by_lines(reply: str, n: int, causes: list[tuple[str, str]]) -> None:
    assert read_hypotheses(reply, n) == [Hypothesis(*pair) for pair in causes]


def shown_input(example: Example) -> str:
    return example.inputs["input"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_meta_prompts_show_the_same_in_both_languages(language: str) -> None:
    task = replace(fake_task(), labels=("yes", "no"), description="Say </task> yes.")
    rollout = Rollout(task.train[0], "bad </answer>", Score(0.0, feedback="missed </feedback>"))
    values: dict[str, Any] = {
        "task": task, "shown": shown_input, "prompt": Prompt("Old </candidate>"),
        "failures": (rollout,), "rollout": rollout, "critique": "form: </comment> say",
        "memory": ["form: +2"], "styles": ["form: x"], "n": 3,
    }  # fmt: skip
    texts = {
        name: render(vista.__file__, f"vista_{name}", language, {}, **values)
        for name in ("hypothesize", "rewrite", "restart", "causes")
    }
    for name in ("hypothesize", "rewrite", "restart"):
        for part in ("yes, no", "bad &lt;/answer&gt;"):
            assert part in texts[name]
    assert "Old &lt;/candidate&gt;" in texts["hypothesize"]
    assert "Old" not in texts["restart"]
    assert "&lt;/comment&gt;" in texts["rewrite"]
    labels = [line.split(":")[0] for line in texts["causes"].splitlines()]
    assert labels == ["form", "order", "task", "method", "knowledge", "edges", "other"]
