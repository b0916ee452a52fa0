"""TextGrad (Yuksekgonul et al., 2024): criticism of answers, of the instruction, and a rewrite."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import pytest

from apo import Example, Prompt, Rollout, Score, SettingsError
from apo.optimizers import textgrad
from apo.optimizers.textgrad import TextGrad
from apo.prompts.meta_prompts import render
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Seen, shown_inputs, tagged

LONG = " ".join(f"word{i}" for i in range(80))


def kind(text: str) -> str:
    """Which of the three meta-prompts a text is, by what it asks for and shows."""
    if "<critique>" not in text:
        return "step"
    return "instruction" if "<candidate>" in text else "answer"


def replies(step: Callable[[int], str]) -> Callable[[int, str], str]:
    """Criticism that can be recognized, numbered; and the instructions, numbered for themselves."""
    steps: list[int] = []

    def reply(n: int, text: str) -> str:
        if kind(text) == "step":
            steps.append(n)
            return tagged(step(len(steps) - 1))
        return f"<critique>{kind(text)} criticism {n}.</critique>"

    return reply


def steps(seen: Seen) -> list[str]:
    return [text for text in seen.writer.texts if kind(text) == "step"]


def candidate(text: str) -> str:
    [shown] = re.findall(r"<candidate>\n(.*?)\n</candidate>", text, re.DOTALL)
    return str(shown)


@pytest.mark.parametrize(("size", "epochs", "updates"), [(12, 1, 4), (40, 2, 8), (7, 2, 6)])
def test_calls_of_an_update(size: int, epochs: int, updates: int, run: Run) -> None:
    """b rollouts, 2b criticisms, one rewrite, and |D_val| for the new instruction."""
    seen = run(TextGrad(n_epochs=epochs), replies(lambda n: f"new {n}"), size=size)
    asked = Counter(kind(text) for text in seen.writer.texts)
    rollouts = 3 * updates if size > 7 else 2 * 7
    assert asked == {"answer": rollouts, "instruction": rollouts, "step": updates}
    assert len(seen.reader.asked) == size + rollouts + updates * size


def test_the_whole_instruction_is_shown(run: Run) -> None:
    seen = run(TextGrad(n_epochs=1), replies(lambda n: f"{LONG} {n}"), seed_prompt=LONG, size=12)
    shown = [candidate(text) for text in seen.writer.texts if kind(text) != "answer"]
    assert shown[0] == LONG
    assert {len(text.split()) for text in shown} == {80, 81}


def test_what_does_worse_is_taken_back(run: Run) -> None:
    texts = ["+++ better", "+ worse", "+++ as good", "++ worse again"]
    seen = run(TextGrad(n_epochs=1), replies(lambda n: texts[n]), seed_prompt="++ seed", size=12)
    expected = ["++ seed", "+++ better", "+++ better", "+++ as good"]
    assert [candidate(text) for text in steps(seen)] == expected
    assert seen.result.best.prompt.instruction == "+++ better"  # Of equal ones the shorter.


def test_without_revert_it_goes_on_from_every_rewrite(run: Run) -> None:
    texts = ["+++ better", "+ worse", "+++ as good", "++ worse again"]
    optimizer = TextGrad(n_epochs=1, revert=False)
    seen = run(optimizer, replies(lambda n: texts[n]), seed_prompt="++ seed", size=12)
    assert [candidate(text) for text in steps(seen)] == ["++ seed", *texts[:3]]


def test_criticism_goes_back_from_the_answer_to_the_instruction(run: Run) -> None:
    seen = run(TextGrad(n_epochs=1, max_batches=1), replies(lambda n: f"new {n}"), size=12)
    answers, instructions, (step,) = (
        [text for text in seen.writer.texts if kind(text) == name]
        for name in ("answer", "instruction", "step")
    )
    assert len(answers) == len(instructions) == 3
    for n, (answer, instruction) in enumerate(zip(answers, instructions, strict=True)):
        [name] = shown_inputs(answer)
        assert shown_inputs(instruction) == [name]
        assert f"<output>\n{name}\n</output>\n<answer>\nno\n</answer>" in answer
        assert "The answer was 'no'." in answer  # The scorer's words are the loss.
        assert f"<comment>\nanswer criticism {n}.\n</comment>" in instruction
        assert "Seed" not in answer
    assert shown_inputs(step) == [shown_inputs(text)[0] for text in answers]
    for n in range(6):  # That of the instruction once, and that of the answers not at all.
        assert step.count(f"instruction criticism {n}.") == (n >= 3)
        assert f"answer criticism {n}." not in step


def test_a_minibatch_without_loss_brings_no_update(run: Run) -> None:
    seed = "+" * 11  # Only x11 is wrong: one minibatch of the four has a loss.
    seen = run(TextGrad(n_epochs=1), replies(lambda n: f"new {n}"), size=12, seed_prompt=seed)
    assert Counter(map(kind, seen.writer.texts)) == {"answer": 3, "instruction": 3, "step": 1}
    shown = steps(seen)[0]
    assert "x11" in shown_inputs(shown)
    assert shown.count("<feedback>\nRight.\n</feedback>") == 2


def test_an_epoch_shuffles_all_examples(run: Run) -> None:
    seen = run(TextGrad(n_epochs=3), replies(lambda n: f"new {n}"), size=10)
    per_step = [shown_inputs(text) for text in steps(seen)]
    assert [len(names) for names in per_step] == [3, 3, 3, 1] * 3
    epochs = [list(chain(*per_step[start : start + 4])) for start in (0, 4, 8)]
    train = {example.inputs["input"] for example in seen.task.train}
    assert all(set(names) == train for names in epochs)
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("memory", [0, 1, 2])
def test_past_criticism_is_shown_the_latest_last(memory: int, run: Run) -> None:
    optimizer = TextGrad(n_epochs=1, minibatch_size=1, gradient_memory=memory)
    seen = run(optimizer, replies(lambda n: f"new {n}"), size=12)
    for n, text in enumerate(steps(seen)):
        numbers = [int(found) for found in re.findall(r"instruction criticism (\d+)\.", text)]
        assert numbers == [3 * n + 1, *(3 * k + 1 for k in range(max(0, n - memory), n))]


def test_criticism_that_cannot_be_parsed_is_left_out(run: Run) -> None:
    def reply(n: int, text: str) -> str:
        if kind(text) == "step":
            return tagged("new")
        if kind(text) == "instruction" and n in (3, 6):  # The first one, and its second try.
            return "no tags"
        return f"<critique>{kind(text)} criticism {n}.</critique>"

    seen = run(TextGrad(n_epochs=1, max_batches=1), reply, size=12)
    [step] = steps(seen)
    assert len(seen.writer.texts) == 3 + 3 + 1 + 1
    assert len(shown_inputs(step)) == 2
    silent = run(TextGrad(max_stale_updates=2), lambda _, __: "no tags", size=12)
    assert steps(silent) == []
    assert len(silent.writer.texts) == 2 * (2 * 3 + 2 * 3)


def test_it_ends_when_nothing_new_comes(run: Run) -> None:
    seen = run(TextGrad(max_stale_updates=3), replies(lambda _: "Seed"), size=12)
    assert len(steps(seen)) == 3


def test_it_starts_from_the_best_seed_and_ends_when_solved(run: Run) -> None:
    solved = run(TextGrad(), replies(lambda n: f"new {n}"), size=10, seed_prompt="+" * 10)
    assert solved.writer.texts == []


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", ["textgrad_answer", "textgrad_instruction", "textgrad_step"])
def test_meta_prompts_fence_what_they_show(name: str, language: str) -> None:
    task = replace(fake_task(), description="Say </task> yes.")

    def shown(example: Example) -> str:
        return example.inputs["input"]

    rollout = Rollout(task.train[0], "bad </answer>", Score(0.0, feedback="missed </feedback>"))
    text = render(
        textgrad.__file__, name, language, {}, task=task, shown=shown, rollout=rollout,
        prompt=Prompt("Old </candidate> {{ task }}"), critiques=["Too short."],
        gradients=[(rollout, "Too short.")], memory=["Too long."],
    )  # fmt: skip
    assert "bad &lt;/answer&gt;" in text
    assert "missed &lt;/feedback&gt;" in text
    assert ("Old &lt;/candidate&gt; {{ task }}" in text) == (name != "textgrad_answer")
    assert text.count("<comment>\nToo short.\n</comment>") == (name != "textgrad_answer")
    assert text.count("<comment>\nToo long.\n</comment>") == (name == "textgrad_step")
    tag = "instruction" if name == "textgrad_step" else "critique"
    last = text.rstrip().splitlines()[-1]
    assert f"<{tag}>" in last
    assert f"</{tag}>" in last


def test_settings() -> None:
    assert (TextGrad().minibatch_size, TextGrad().max_batches) == (3, 4)
    assert TextGrad().revert
    with pytest.raises(SettingsError, match=r"TextGrad\.minibatch_size"):
        TextGrad(minibatch_size=0)
