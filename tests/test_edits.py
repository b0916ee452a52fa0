"""Edits: pure functions of a prompt, found by name, and a door of the search to all of them."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo import (
    Budget,
    Demo,
    Example,
    Layout,
    Options,
    Prompt,
    PromptSet,
    Request,
    Result,
    Search,
    SettingsError,
    Task,
    aoptimize,
    load_task,
)
from apo.edits.edit import EDITS, edit_names, edited
from apo.edits.facts import Facts
from apo.edits.wording import SENTENCES
from apo.prompts.parts import parts_of, without
from apo.prompts.rules import Rules
from apo.storage.folder import find_run
from apo.testing import FakeModel, FakeOptimizerModel, fake_task
from apo.testing.suite import forget

FULL = Prompt(
    "Choose one of: a, b.",
    context="Shops open at nine.",
    demos=(Demo("x", "a"), Demo("y", "b")),
    template="{{text}}",
)


def task(*targets: str, **given: object) -> Task:
    rows = tuple(Example({"text": f"row {i}"}, (target,)) for i, target in enumerate(targets))
    return replace(fake_task(), train=rows, **given)  # type: ignore[arg-type]


SORTED = task("b", "a", "b", labels=("a", "b"))


def change(name: str, prompt: Prompt = FULL, of: Task = SORTED) -> Prompt:
    return dict(edited(prompt, [name], of)).get(name, prompt)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_something_once_and_keeps_the_rest(name: str) -> None:
    of = task("Seoul is big", "no", language="ko") if name in ("length", "tone", "language") else SORTED  # fmt: skip  # noqa: E501
    of = task('{"k": null, "n": 1}') if name == "key-list" else of
    before = FULL
    if name == "label-list":
        before = FULL.with_instruction("Choose.")
    if name in ("instruction-first", "demos-in-turns"):
        order = ("context", "instruction", "demos")
        before = replace(FULL, layout=Layout(order=order))  # type: ignore[arg-type]
    if name == "in-system-turn":
        before = replace(FULL, layout=Layout(role="user"))
    if name == "cold":
        before = FULL.at_temperature(0.5)
    after = change(name, before, of)
    assert after != before
    assert (after.template, after.context) == (before.template, before.context)
    if name == "demos-reversed":
        assert change(name, after, of) == before
    else:
        assert change(name, after, of) == after
    assert before.instruction in after.instruction
    assert edited(before, [name], of) == [(name, after)]  # Again the same.


@pytest.mark.parametrize(
    ("name", "of", "ends"),
    [
        ("bare-answer", SORTED, "Answer with the label only, and nothing else."),
        ("bare-answer", task("1", "2.5"), "Answer with the number only, and nothing else."),
        ("bare-answer", task('{"k": 1}'), "Answer with the JSON object only, and nothing else."),
        ("bare-answer", task("Seoul"), "Give the answer alone, with nothing before or after it."),
        ("out", SORTED, "If you are not sure, answer b."),
        ("out", task('{"k": null}'), "Where the text does not say a value, write null."),
        ("key-list", task('{"k": 1, "n": 2}'), "Answer as JSON with the keys k, n."),
        ("output-example", task('{"k": 1, "n": 2}'), 'like this: {"k": …, "n": …}'),
        ("length", task("Seoul is big", "no"), "The answer has at most 3 words."),
        ("persona", replace(SORTED, language="ko"), "Choose one of: a, b."),
        ("think", replace(SORTED, language="ko"), "'답:'이라고 쓰고 그 뒤에 답만 쓰세요."),
    ],
)
def test_a_sentence_says_what_the_task_needs(name: str, of: Task, ends: str) -> None:
    assert change(name, of=of).instruction.endswith(ends)


@pytest.mark.parametrize(
    ("name", "prompt", "of"),
    [
        ("label-list", FULL, SORTED),  # They are named already.
        ("label-list", FULL, task("Seoul")),
        ("key-list", FULL, task('{"k": 1}', '{"n": 1}')),
        ("out", FULL, task("1", "2")),
        ("length", FULL, SORTED),
        ("language", FULL, task("Berlin", language="de")),
        ("context-first", replace(FULL, context=""), SORTED),
        ("demos-in-text", FULL.with_demos(()), SORTED),
        ("demos-reversed", FULL.with_demos(FULL.demos[:1]), SORTED),
        ("cue", replace(FULL, cue="It is"), SORTED),
        ("cold", FULL, SORTED),
        ("warm", replace(FULL, decoding=replace(FULL.decoding, temperature=None)), SORTED),
    ],
)
def test_where_there_is_nothing_to_do(name: str, prompt: Prompt, of: Task) -> None:
    assert edited(prompt, [name], of) == []


def test_what_is_known_of_the_built_in_tasks() -> None:
    assert Facts.of(load_task("order-fields")).keys == ("product", "quantity", "date", "city")
    assert Facts.of(load_task("order-fields")).nulls
    assert Facts.of(load_task("word-problems")).numbers
    reviews = Facts.of(load_task("reviews-ko"))
    assert (reviews.korean, reviews.labels) == (True, ("긍정", "부정", "중립"))


@given(st.lists(st.sampled_from([*EDITS]), max_size=6))
def test_edits_add_up_and_can_be_taken_apart_again(names: list[str]) -> None:
    prompt = FULL
    for name in names:
        prompt = change(name, prompt)
    assert FULL.instruction in prompt.instruction
    added = [p for p in parts_of(prompt) if any(p.text == en for en, _ in SENTENCES.values())]
    assert FULL.instruction in without(prompt, added).instruction
    assert Prompt.from_dict(prompt.to_dict()) == prompt


def test_of_a_program_each_step_is_edited_and_the_answer_in_the_last() -> None:
    steps = PromptSet.of({"read": Prompt("Read."), "decide": Prompt("Decide.")})
    found = dict(edited(steps, ["repeat", "cue"], SORTED))
    assert [*found] == ["repeat of read", "repeat of decide", "cue of decide"]
    assert found["repeat of read"].steps["read"].layout.repeat_instruction
    assert found["cue of decide"].steps["read"].cue == ""


def test_names_are_known() -> None:
    assert edit_names(["cue", "all"])[:2] == ("cue", "instruction-first")
    with pytest.raises(SettingsError, match=r"no edit 'personna'.*'persona'"):
        edit_names(["personna"])


class Heeding(FakeModel):
    """Right where the instruction is said again after the input and the answer is begun."""

    def answer(self, request: Request) -> str:
        last = request.messages[-1].content
        word = re.findall(r"x\d+", last)[-1]
        share = 0.3 + 0.3 * ("Answer:" in last) + 0.3 * last.count("Do it")
        return word if int(word[1:]) % 20 < 20 * share else "?"


def run(home: Path, optimizer: str, of: Task, run: str | None = None, **given: object) -> Result:
    options = Options(track=False, **given)  # type: ignore[arg-type]
    return asyncio.run(
        aoptimize(of, optimizer, model=Heeding(), optimizer_model=FakeOptimizerModel(),
                  budget=Budget(max_calls=600), options=options, home=home, run=run)
    )  # fmt: skip


def test_every_optimizer_ends_with_the_edits_of_the_run(tmp_path: Path) -> None:
    of = fake_task(40, seed_prompt="Do it.")
    plain = run(tmp_path, "random-search", of)
    helped = run(tmp_path, "random-search", of, edits=("cue", "repeat", "xml"))
    assert helped.best.value > plain.best.value
    assert helped.best.prompt.cue == "Answer:"
    assert helped.best.prompt.layout.repeat_instruction
    with find_run(helped.run_id, tmp_path).open_journal() as journal:
        bodies = [e.body for e in journal.events() if e.kind == "candidate"]
    names = {body["operator"] for body in bodies}
    assert {"edit: cue", "edit: repeat"} <= names
    known = {body["prompt"]["instruction"] for body in bodies}
    assert len(known) > 2  # It has written some as well.
    assert helped.spent.calls <= 600
    forget(tmp_path, helped.run_id, keep=helped.spent.calls // 2)  # As if it had been killed.
    again = run(tmp_path, "random-search", of, edits=("cue", "repeat", "xml"), run=helped.run_id)
    assert (again.best, again.spent.calls) == (helped.best, helped.spent.calls)


def test_the_contract_refuses_an_edit_like_any_candidate(tmp_path: Path) -> None:
    of = replace(fake_task(40, seed_prompt="Do it."), contract=Rules(forbidden=("Answer:",)))
    result = run(tmp_path, "edit-search", of)
    assert result.best.prompt.cue == ""
    assert result.best.prompt.layout.repeat_instruction
    assert result.refused["n"] >= 1


def test_an_unknown_edit_is_told_before_anything_is_spent(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no edit 'cueue'"):
        run(tmp_path, "random-search", fake_task(20), edits=("cueue",))
    assert not [*tmp_path.glob("runs/*")]


def test_an_optimizer_of_ones_own_has_the_door(tmp_path: Path) -> None:
    seen: list[int] = []

    class Own:
        __dataclass_fields__: dict[str, object] = {}  # noqa: RUF012 (as the protocol has it)

        async def run(self, search: Search) -> None:
            seen.append(len(search.edited(search.seed_prompts[0], ["cue", "repeat"])))
            seen.append(len(search.edited(search.seed_prompts[0], ["cue"])))  # Seen before.
            seen.append(len(search.edited(search.seed_prompts[0])))  # The run's own: none.

    own: Callable[[], object] = Own
    asyncio.run(aoptimize(fake_task(20), own(), model=FakeModel(), optimizer_model=FakeModel(),  # type: ignore[arg-type]
                          budget=Budget(max_calls=200), options=Options(track=False),
                          home=tmp_path))  # fmt: skip
    assert seen == [2, 0, 0]
