"""ACE (Zhang et al., 2025): a playbook that grows by deltas, reflection before curation.

Section numbers are the paper's.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from apo import Example, Prompt, Rollout, Score, SettingsError
from apo.optimizers import ace
from apo.optimizers.ace import ACE
from apo.optimizers.parts.ace_playbook import Item, Playbook, lesson, listed, named
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, shown_inputs


def shown_input(example: Example) -> str:
    return example.inputs["input"]


def candidate(meta_prompt: str) -> str:
    """The instruction that a meta-prompt shows."""
    return str(re.findall(r"<candidate>\n(.*?)\n</candidate>", meta_prompt, re.DOTALL)[0])


def taught(
    critique: Callable[[str], str], advice: Callable[[str], str]
) -> Callable[[int, str], str]:
    """A writer that reflects and curates by functions of what it is shown."""

    def reply(_: int, text: str) -> str:
        if "<advice>" in text:
            return f"<advice>\n{advice(text)}\n</advice>"
        return f"<critique>\n{critique(text)}\n</critique>"

    return reply


def about(text: str) -> str:
    """The input that a reflection is about."""
    return shown_inputs(text)[0]


def looking(text: str) -> str:
    """Another critique at each look at the same answer."""
    return f"Look at {about(text)} {next(LOOKS)} times."


LOOKS = itertools.count()
NONE = taught(looking, lambda _: "none")


def kinds(texts: list[str]) -> str:
    """r for each reflection, c for each curation."""
    return "".join("c" if "<advice>" in text else "r" for text in texts)


def test_an_example_is_answered_reflected_on_and_curated(run: Run) -> None:
    """§3: generator, reflector, curator, in this order; a wrong answer is tried again between."""
    seen = run(ACE(n_epochs=1, n_rounds=3), NONE, size=4)
    assert kinds(seen.writer.texts) == "rrrc" * 4  # The seed is wrong about everything.
    train = [example.inputs["input"] for example in seen.task.train]
    trained = [(prompt, last) for prompt, last in seen.reader.asked if last in train]
    for start in range(0, 12, 3):
        (first, name), *tries = trained[start : start + 3]
        assert first == "Seed"
        assert [last for _, last in tries] == [name] * 2  # After the last reflection, no try.
        assert all(prompt.startswith(f"Seed\n\nLook at {name} ") for prompt, _ in tries)


def test_a_right_answer_is_reflected_on_once(run: Run) -> None:
    seen = run(ACE(n_epochs=1), NONE, size=4, seed_prompt="++")
    assert sorted(kinds(seen.writer.texts)) == sorted("rc" * 2 + "rrrc" * 2)
    right = [t for t in seen.writer.texts if "<critique>" in t and "Right." in t]
    assert {about(text) for text in right} == {"x0", "x1"}


def test_a_try_that_is_right_ends_the_rounds(run: Run) -> None:
    mended = taught(lambda _: "+" * 10, lambda _: "none")
    seen = run(ACE(n_epochs=1, n_rounds=3), mended, size=4)
    assert kinds(seen.writer.texts) == "rc" * 4


def test_deltas_are_appended_and_nothing_is_written_anew(run: Run) -> None:
    """§3.1: itemized additions in place of a rewrite of the whole."""
    count = iter("abcdefghijkl")
    write = taught(about, lambda _: f"- {next(count) * 6}\n- {next(count) * 6}")
    seen = run(ACE(n_epochs=1, n_rounds=1, eval_steps=1), write, size=4)
    shown = [candidate(text) for text in seen.writer.texts if "<advice>" in text]
    assert shown[0] == "Seed"
    assert shown[1] == "Seed\n\n- aaaaaa\n- bbbbbb"
    assert shown[3] == "Seed\n\n- aaaaaa\n- bbbbbb\n- cccccc\n- dddddd\n- eeeeee\n- ffffff"
    assert [e.body["candidate"] for e in seen.evaluations(whole=True)][-1] == (
        Prompt(f"{shown[3]}\n- gggggg\n- hhhhhh").id
    )


def test_the_curator_sees_the_reflection_and_no_count(run: Run) -> None:
    write = taught(
        lambda text: f"Of {about(text)}.\nhelpful: 1\nharmful: 2", lambda _: "- aha\n- oho"
    )
    seen = run(ACE(n_epochs=1, n_rounds=1), write, size=4)
    told = [re.findall(r"<comment>\n(.*?)\n</comment>", t, re.DOTALL) for t in seen.writer.texts]
    inputs = [about(text) for text in seen.writer.texts if "<critique>" in text]
    assert [found[0] for found in told if found] == [f"Of {name}." for name in inputs]


def test_the_reflector_sees_the_items_by_number(run: Run) -> None:
    write = taught(
        about, lambda text: "- first one\n- another" if candidate(text) == "Seed" else "none"
    )
    seen = run(ACE(n_epochs=1, n_rounds=1), write, size=3)
    first, second, *_ = [text for text in seen.writer.texts if "<critique>" in text]
    assert "<summary>" not in first
    assert "<summary>\n1. first one\n2. another\n</summary>" in second


def test_counts_follow_the_reflector() -> None:
    book = Playbook((Item("a"), Item("b"), Item("c")))
    book = book.counted("Good.\nhelpful: 1, 3\nharmful: 2").counted("**Helpful:** 3.\nHarmful: 9")
    assert [(item.helpful, item.harmful) for item in book.items] == [(1, 0), (0, 1), (2, 0)]
    assert named("도움: 2\n방해: 1, 3") == ({2}, {1, 3})
    assert named("It was helpful: 3 times it worked.\nhelpful:\n") == (set(), set())
    assert lesson("Say it.\nhelpful: 1\nharmful: none") == "Say it.\nharmful: none"


def test_grow_and_refine() -> None:
    """§3.2: alike advice is one item, its counts kept; the worst goes when there is no room."""
    book = Playbook((Item("use refund for money back", 2, 0), Item("write nothing else", 0, 3)))
    grown = book.grown(
        ["Use refund for money back", "look at the date"], most_alike=0.9, max_chars=1000
    )
    assert grown.items == (*book.items, Item("look at the date"))
    room = sum(len(text) for text in grown.texts)
    full = grown.grown(["be brief"], most_alike=0.9, max_chars=room)
    assert full.texts == ["use refund for money back", "look at the date", "be brief"]
    assert Playbook().grown(["x" * 50], most_alike=0.9, max_chars=10).texts == []


@pytest.mark.parametrize(
    ("reply", "items"),
    [
        ("- one\n- two", ["one", "two"]),
        ("New advice:\n* one\n2) two\n", ["one", "two"]),
        ("One thing.", ["One thing."]),
        ("none", []), ("None.", []), ("- none", []), ("없음", []), ("", []),
    ],
)  # fmt: skip
def test_what_a_curator_adds(reply: str, items: list[str]) -> None:
    assert listed(reply) == items


def test_a_batch_is_reflected_on_with_one_playbook_and_merged_at_once(run: Run) -> None:
    """§3.1: deltas are local, so several are merged in parallel."""
    count = iter("abcdefgh")
    write = taught(about, lambda _: f"- {next(count) * 6}")
    seen = run(ACE(n_epochs=1, n_rounds=1, batch_size=2), write, size=4)
    assert kinds(seen.writer.texts) == "rrcc" * 2
    shown = [candidate(text) for text in seen.writer.texts]
    assert shown == ["Seed"] * 4 + ["Seed\n\n- aaaaaa\n- bbbbbb"] * 4


@pytest.mark.parametrize(("every", "times"), [(1, 6), (3, 2), (4, 2), (100, 1)])
def test_the_playbook_is_measured_every_so_many_examples_and_at_the_end(
    every: int, times: int, run: Run
) -> None:
    count = iter("abcdefghijkl")
    write = taught(about, lambda _: f"- {next(count) * 6}")
    seen = run(ACE(n_epochs=1, n_rounds=1, eval_steps=every), write, size=6)
    measured = {e.body["candidate"] for e in seen.evaluations(whole=True)}
    assert len(measured) == 1 + times


def test_epochs_end_when_nothing_is_added(run: Run) -> None:
    once = taught(about, lambda text: "- aha" if candidate(text) == "Seed" else "none")
    assert kinds(run(ACE(n_rounds=1), once, size=3).writer.texts) == "rc" * 6
    count = iter(range(1000, 2000))
    ever = taught(about, lambda _: f"- {next(count)}")
    assert kinds(run(ACE(n_rounds=1, n_epochs=2), ever, size=3).writer.texts) == "rc" * 6


def test_tries_are_not_measured_and_leave_no_trace_in_the_playbook(run: Run) -> None:
    seen = run(ACE(n_epochs=1), NONE, size=4)
    assert seen.result.best.prompt.instruction == "Seed"
    assert {e.body["candidate"] for e in seen.evaluations(whole=False)} == {Prompt("Seed").id}


def test_an_addition_against_the_contract_is_left_out(run: Run) -> None:
    seen = run(ACE(n_epochs=1, n_rounds=1), taught(about, lambda _: "- say {{ name }}"), size=3)
    shown = [candidate(text) for text in seen.writer.texts]
    assert shown == ["Seed"] * 6


@pytest.mark.parametrize("language", ["en", "ko"])
def test_meta_prompts_show_the_same_in_both_languages(language: str) -> None:
    task = replace(fake_task(), labels=("yes", "no"), description="Say </task> yes.")
    rollout = Rollout(task.train[0], "bad </answer>", Score(0.0, feedback="missed </feedback>"))
    values: dict[str, Any] = {
        "task": task,
        "shown": shown_input,
        "prompt": Prompt("Old </candidate>"),
    }
    text = render(
        ace.__file__, "ace_reflect", language, {}, rollout=rollout, memory=["a", "b"], **values
    )
    for part in ("yes, no", "Old &lt;/candidate&gt;", "bad &lt;/answer&gt;", "1. a\n2. b"):
        assert part in text
    assert named("\n".join(re.findall(r'"(\w+: [\d, ]+)"', text))) == ({1, 3}, {2})
    bare = render(ace.__file__, "ace_reflect", language, {}, rollout=rollout, memory=[], **values)
    assert not re.search("helpful|도움: ", bare)
    text = render(ace.__file__, "ace_curate", language, {}, critique="because </comment>", **values)
    assert "because &lt;/comment&gt;" in text
    assert not any(word in text for word in ("<example>", "yes, no"))
    assert listed({"en": "none", "ko": "없음"}[language]) == []


def test_settings() -> None:
    assert (ACE().n_epochs, ACE().batch_size) == (5, 1)  # §4.2.
    with pytest.raises(SettingsError, match="most_alike"):
        ACE(most_alike=2)
