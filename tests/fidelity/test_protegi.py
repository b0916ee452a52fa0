"""ProTeGi (Pryzant et al., 2023): textual gradients, beam search, and a bandit that selects.

Section numbers are the paper's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from apo import Example, Prompt, Rollout, Score, Search, SettingsError
from apo.errors import ContentFilterError
from apo.optimizers import protegi
from apo.optimizers.protegi import ProTeGi
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Seen, shown_inputs, tagged

CRITIC, EDITOR, PARAPHRASER = "<reason>", "<comment>", "variation"


def kind(text: str) -> str:
    return next(name for name in (CRITIC, EDITOR, PARAPHRASER) if name in text)


def reply(n: int, text: str) -> str:
    """A reason for a critic's request; else an instruction of its own, of some score."""
    if kind(text) == CRITIC:
        return f"Well. <reason>Reason {n}.</reason>"
    return tagged("+" * (n % 4) + f" new {n}")


def candidate(text: str) -> str:
    (found,) = re.findall(r"<candidate>\n(.*?)\n</candidate>", text, re.DOTALL)
    return str(found)


def kinds(texts: Sequence[str]) -> list[int]:
    return [[kind(text) for text in texts].count(name) for name in (CRITIC, EDITOR, PARAPHRASER)]


@dataclass
class Selections:
    """Stands in for `apo.allocate`: keeps what it was given, and returns the first of the pool."""

    pools: list[list[Prompt]] = field(default_factory=list[list[Prompt]])
    settings: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def __call__(
        self, search: Search, pool: Sequence[Prompt], n: int, **settings: Any
    ) -> list[Prompt]:
        if pool:
            self.pools.append(list(pool))
            self.settings.append(settings)
        return sorted(pool, key=lambda prompt: -prompt.instruction.count("+"))[:n]


@pytest.fixture
def selections(monkeypatch: pytest.MonkeyPatch) -> Selections:
    spy = Selections()
    monkeypatch.setattr("apo.optimizers.protegi.allocate", spy)
    return spy


# --- algorithm 2, expansion -----------------------------------------------------------------


def test_number_of_requests(run: Run, selections: Selections) -> None:
    """For each prompt 4 gradients, 4 edits, and 2 paraphrases of each edit and of itself."""
    seen = run(ProTeGi(n_rounds=2), reply)
    assert kinds(seen.writer.texts[:18]) == [4, 4, 10]
    assert kinds(seen.writer.texts[18:]) == [4 * 4, 4 * 4, 4 * 10]


@pytest.mark.parametrize(("gradients", "steps", "samples"), [(1, 1, 0), (2, 3, 1), (3, 1, 2)])
def test_number_of_requests_follows_the_settings(
    gradients: int, steps: int, samples: int, run: Run, selections: Selections
) -> None:
    optimizer = ProTeGi(
        n_rounds=1, n_gradients=gradients, steps_per_gradient=steps, mc_samples_per_step=samples
    )
    edits = gradients * steps
    seen = run(optimizer, reply)
    assert kinds(seen.writer.texts) == [gradients, edits, samples * (edits + 1)]


def test_rollouts_of_a_round(run: Run, selections: Selections) -> None:
    """beam · minibatch_size, and the leaders in full; what a selection takes is the allocator's."""
    optimizer = ProTeGi(n_rounds=2, minibatch_size=6, n_leaders=2)
    seen = run(optimizer, reply, size=10)
    parts = [event.body["n"] for event in seen.evaluations(whole=False)]
    assert parts == [6] * (1 + 4)
    assert len(seen.evaluations(whole=True)) == 1 + 1 + 2 + 2  # The run measures the seed, too.


def test_all_parents_look_at_one_minibatch_of_64(run: Run, selections: Selections) -> None:
    seen = run(ProTeGi(n_rounds=2), reply, size=80)
    train = {example.inputs["input"] for example in seen.task.train}
    asked = {name: [x for x in seen.asked_for(name) if x in train] for name in seen.instructions}
    beam = {prompt.instruction for prompt in selections.pools[-1][:4]}
    looked = [set(asked[name]) for name in beam - {"Seed"}]
    assert all(inputs == looked[0] for inputs in looked)
    assert len(looked[0]) == 64
    assert len(set(asked["Seed"])) == 64


def test_a_critic_sees_some_errors_with_the_answers_given(run: Run, selections: Selections) -> None:
    seen = run(ProTeGi(n_rounds=1, minibatch_size=8), reply, seed_prompt="+++ Seed")
    critics, editors = seen.writer.texts[:4], seen.writer.texts[4:8]
    for i, (critic, editor) in enumerate(zip(critics, editors, strict=True)):
        assert candidate(critic) == candidate(editor) == "+++ Seed"
        errors = shown_inputs(critic)
        assert len(set(errors)) == 4
        assert all(int(name[1:]) % 10 >= 3 for name in errors)
        assert critic.count("<answer>\nno\n</answer>") == 4
        assert shown_inputs(editor) == errors  # The step is taken with the same errors in view.
        assert f"<comment>\nReason {i}.\n</comment>" in editor
        assert "<comment>" not in critic
    assert len({tuple(shown_inputs(critic)) for critic in critics}) > 1


def test_fewer_errors_than_a_critic_may_see(run: Run, selections: Selections) -> None:
    seen = run(ProTeGi(n_rounds=1), reply, seed_prompt="++++++++ Seed")
    assert [len(shown_inputs(text)) for text in seen.writer.texts[:4]] == [2] * 4


def test_edits_and_the_prompt_itself_are_paraphrased(run: Run, selections: Selections) -> None:
    seen = run(ProTeGi(n_rounds=1), reply)
    sources = [candidate(text) for text in seen.writer.texts[8:]]
    edits = ["new 4", "+ new 5", "++ new 6", "+++ new 7"]
    assert sources == [name for name in [*edits, "Seed"] for _ in range(2)]


def test_a_failed_gradient_makes_no_edit(run: Run, selections: Selections) -> None:
    seen = run(ProTeGi(n_rounds=1), lambda n, text: "?" if n in (1, 4) else reply(n, text))
    assert kinds(seen.writer.texts) == [4 + 1, 3, 8]


def test_a_prompt_without_errors_is_only_paraphrased(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(n: int, text: str) -> str:
        return tagged("+" * 10) if kind(text) == EDITOR and n == 4 else reply(n, text)

    async def perfect_last(
        search: Search, pool: Sequence[Prompt], n: int, **_: Any
    ) -> list[Prompt]:
        """The perfect one is no leader, so nobody knows yet that it solves the task."""
        ranked = sorted(pool, key=lambda prompt: prompt.instruction.count("+"))
        return ranked[-2:]

    monkeypatch.setattr("apo.optimizers.protegi.allocate", perfect_last)
    seen = run(ProTeGi(n_rounds=2, n_leaders=1, max_expansion_factor=99), script)
    second = seen.writer.texts[18:]
    assert kinds(second) == [4, 4, 2 * (4 + 2)]
    assert [candidate(text) for text in second].count("+" * 10) == 2


def test_the_search_ends_when_no_prompt_of_the_beam_has_errors(
    run: Run, selections: Selections
) -> None:
    ended: set[bool] = set()
    for seed in range(8):
        optimizer = ProTeGi(n_rounds=1, minibatch_size=1)
        seen = run(optimizer, reply, seed_prompt="+++++ Seed", seed=seed)
        (event,) = seen.evaluations(whole=False)
        assert (seen.writer.texts == []) == (event.body["right"] == 1)
        ended.add(seen.writer.texts == [])
    assert ended == {True, False}


# --- the pool -------------------------------------------------------------------------------


def test_parents_survive_into_a_pool_of_limited_size(run: Run, selections: Selections) -> None:
    run(ProTeGi(n_rounds=4), reply)
    assert [len(pool) for pool in selections.pools] == [1 + 8, *[4 + 4 * 8] * 3]
    for before, after in zip(selections.pools, selections.pools[1:], strict=False):
        beam = sorted(before, key=lambda prompt: -prompt.instruction.count("+"))[:4]
        assert after[:4] == beam
        assert len(set(after)) == len(after)


def test_the_children_kept_are_random_ones(run: Run, selections: Selections) -> None:
    kept: set[tuple[str, ...]] = set()
    for seed in range(4):
        run(ProTeGi(n_rounds=1), reply, seed=seed)
        kept.add(tuple(prompt.instruction for prompt in selections.pools[-1][1:]))
    assert len(kept) == 4


def test_every_child_descends_from_its_parent(run: Run, selections: Selections) -> None:
    seen = run(ProTeGi(n_rounds=2), reply)
    bodies = {e.key: e.body for e in seen.events if e.kind == "candidate"}
    operators = [body["operator"] for body in bodies.values()]
    assert set(operators) == {"seed", "protegi_edit", "reword"}
    beam = [prompt.id for prompt in selections.pools[1][:4]]
    parents = [bodies[prompt.id]["parents"] for prompt in selections.pools[1][4:]]
    assert parents == [[parent] for parent in beam for _ in range(8)]


def test_the_error_filter_keeps_those_that_mend_most(run: Run, selections: Selections) -> None:
    optimizer = ProTeGi(
        n_rounds=1, n_gradients=8, reject_on_errors=True, max_expansion_factor=4, minibatch_size=30
    )
    seen = run(optimizer, reply, size=30, seed_prompt="Seed")
    looked, *tried = seen.evaluations(whole=False)
    assert looked.body["n"] == 30
    assert [event.body["n"] for event in tried] == [16] * 8
    means = {event.body["candidate"]: event.body["mean"] for event in tried}
    kept = [prompt.id for prompt in selections.pools[0][1:]]
    assert [means[name] for name in kept] == sorted(means.values(), reverse=True)[:4]


def test_rounds_without_anything_new_select_nothing(run: Run, selections: Selections) -> None:
    def script(_: int, text: str) -> str:
        return "<reason>R</reason>" if kind(text) == CRITIC else tagged("Seed")

    seen = run(ProTeGi(n_rounds=3), script)
    assert selections.pools == []
    assert len(seen.writer.texts) == 3 * 18


# --- §2.3, selection ------------------------------------------------------------------------


def test_the_allocator_and_its_rollouts(run: Run, selections: Selections) -> None:
    run(ProTeGi(n_rounds=1, allocator="uniform", max_rollouts=77), reply)
    assert selections.settings == [{"rollouts": 77, "allocator": "uniform"}]
    assert ProTeGi().allocator == "ucb"


def test_a_wrong_allocator_is_told_before_anything_is_spent() -> None:
    with pytest.raises(SettingsError, match=r"allocator is 'uct'; it is one of .*ucb"):
        ProTeGi(allocator="uct")


@pytest.mark.parametrize("allocator", ["ucb", "uniform", "successive-rejects"])
def test_no_prompt_is_repeated_before_all_were_tried(allocator: str, run: Run) -> None:
    seen = run(ProTeGi(n_rounds=1, minibatch_size=2, allocator=allocator), reply, size=40)
    pulled = [event.body["candidate"] for event in seen.evaluations(whole=False)][1:]
    assert len(set(pulled[:9])) == 9


def test_a_selection_spends_what_it_may(run: Run) -> None:
    optimizer = ProTeGi(n_rounds=1, minibatch_size=40, max_rollouts=90)
    seen = run(optimizer, reply, size=40)
    _, *pulls = seen.evaluations(whole=False)
    assert sum(event.body["n"] for event in pulls) == 90


def test_the_leaders_are_measured_on_all_of_validation(run: Run, selections: Selections) -> None:
    seen = run(ProTeGi(n_rounds=1, n_leaders=3), reply)
    best = sorted(selections.pools[0], key=lambda prompt: -prompt.instruction.count("+"))[:3]
    ids = [event.body["candidate"] for event in seen.evaluations(whole=True)][-3:]
    assert ids == [prompt.id for prompt in best]


def test_it_ends_when_the_task_is_solved(run: Run) -> None:
    def script(n: int, text: str) -> str:
        return tagged("+" * 10 + f" {n}") if kind(text) != CRITIC else reply(n, text)

    assert len(run(ProTeGi(), script).writer.texts) == 18
    assert run(ProTeGi(), reply, seed_prompt="+" * 10).writer.texts == []


def test_a_task_model_that_refuses_everything_is_no_crash(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(self: object, request: object) -> object:
        raise ContentFilterError("!")

    monkeypatch.setattr("tests.fidelity.conftest.Reader.complete", refuse)
    seen: Seen = run(ProTeGi(), reply)
    assert seen.result.best.answered == ()
    assert seen.writer.texts == []


# --- the meta-prompts -----------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", ["criticize", "edit"])
def test_what_the_meta_prompts_show(name: str, language: str) -> None:
    example = Example({"input": "q"}, ("gold",))
    errors = [
        Rollout(example, "said", Score(0, feedback="Too short.")),
        Rollout(example, "plain", Score(0)),
    ]

    def shown(example: Example) -> str:
        return example.inputs["input"]

    text = render(
        protegi.__file__, f"protegi_{name}", language, {},
        task=replace(fake_task(), labels=("a", "b")), shown=shown,
        prompt=Prompt("Do."), rollouts=errors, reason="Vague.",
    )  # fmt: skip
    assert candidate(text) == "Do."
    assert re.search(r"<output>\ngold\n</output>\n<answer>\nsaid\n</answer>\n<feedback>", text)
    assert text.count("<feedback>") == 1
    assert "<labels>\na, b\n</labels>" in text
    assert "Repeat the word." in text
    wanted = "reason" if name == "criticize" else "instruction"
    assert f"<{wanted}>" in text.split("</example>")[-1]
    assert ("<comment>\nVague.\n</comment>" in text) == (name == "edit")


def test_the_settings_are_the_authors() -> None:
    optimizer = ProTeGi()
    assert (optimizer.n_rounds, optimizer.beam_size, optimizer.minibatch_size) == (6, 4, 64)
    assert (optimizer.n_gradients, optimizer.errors_per_gradient) == (4, 4)
    assert (optimizer.steps_per_gradient, optimizer.mc_samples_per_step) == (1, 2)
    assert (optimizer.max_expansion_factor, optimizer.temperature) == (8, 1.0)
