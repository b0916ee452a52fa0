"""Optimizers that know of a program's steps, as published: who changes which, and from what."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from apo import (
    Asked,
    Budget,
    Completion,
    Demo,
    Evaluation,
    Example,
    Prompt,
    PromptSet,
    Request,
    Rollout,
    Score,
    Search,
    Task,
    Usage,
)
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.optimizers.bootstrap import BootstrapRS
from apo.optimizers.gepa import GEPA
from apo.optimizers.miprov2 import MIPROv2
from apo.optimizers.parts.combinations import Combinations, chosen
from apo.optimizers.parts.demo_sets import Worked, with_demos_everywhere
from apo.optimizers.parts.gepa_merge import merged
from apo.optimizers.parts.gepa_pool import one_sided
from apo.optimizers.parts.simba_buckets import ExampleBucket
from apo.optimizers.simba import SIMBA, with_demo, with_rules
from apo.optimizers.textgrad import TextGrad
from apo.programs.chain import Chain
from apo.storage.journal import Journal

SEED = PromptSet.of(
    {
        "extract": Prompt("extract+", template="{{text}}"),
        "decide": Prompt("decide+", template="{{extract}}"),
    }
)
ROWS = tuple(Example({"text": f"t{i}"}, (f"T{i}",)) for i in range(12))


class Steps:
    """Says the input and how many plus signs the instruction has; writes as a function says."""

    name = "steps"

    def __init__(self, writes: Callable[[str, int], str]) -> None:
        self.asked: list[str] = []
        self._writes = writes

    async def complete(self, request: Request) -> Completion:
        first, last = request.messages[0].content, request.messages[-1].content
        if len(request.messages) == 1:
            self.asked.append(last)
            return Completion(self._writes(last, len(self.asked)), Usage(10, 1))
        return Completion(f"{last} {first.count('+')}", Usage(10, 1))

    async def aclose(self) -> None:
        pass


def judge(output: str, example: Example) -> Score:
    """Each step has up to half of the points, by how many plus signs it has, 3 at most."""
    numbers = [min(3, int(n)) for n in output.split()[1:]]
    value = sum(numbers) / 6
    return Score(value, feedback="" if value == 1 else "More plus signs.")


def run(
    optimizer: Any, writes: Callable[[str, int], str], calls: int = 900, seed: PromptSet = SEED
) -> tuple[Search, Steps, list[dict[str, Any]]]:
    task = Task(
        name="knows", scorer=judge, seed_prompts=(seed,), train=ROWS[:6], validation=ROWS[6:],
        input_fields=("text",), program=Chain(steps=("extract", "decide")),
    )  # fmt: skip
    model = Steps(writes)
    with Journal() as journal:
        caller = Caller(journal, Meter(Budget(max_calls=calls)))
        endpoint = Endpoint("task", model)
        search = Search(task, caller=caller, task_model=endpoint, optimizer_model=endpoint)
        asyncio.run(search.work(optimizer))
        return search, model, journal.told("candidate")


def pluses(prompt: Prompt) -> list[int]:
    return [step.instruction.count("+") for step in prompt.steps.values()]


def adds_a_plus(text: str, n: int) -> str:
    """The candidate that the meta-prompt shows, and a plus sign."""
    tag = next(t for t in ("advice", "critique", "instruction") if f"</{t}> tags" in text)
    shown = (
        text.split("<candidate>\n")[1].split("\n</candidate>")[0] if "<candidate>" in text else ""
    )
    return f"<{tag}>{shown if tag == 'instruction' else f'critique {n}'}+</{tag}>"


def test_gepa_takes_one_step_after_the_other() -> None:
    search, model, candidates = run(GEPA(max_iterations=6), adds_a_plus)
    assert search.best is not None
    steps = ["extract" if "step 'extract'" in text else "decide" for text in model.asked]
    assert steps[:4] == ["extract", "decide", "extract", "decide"]
    assert pluses(search.best.prompt) == [3, 3]
    assert all("<answer>\nt" in text for text in model.asked)
    found = [Prompt.from_dict(body["prompt"]) for body in candidates]
    assert {"extract+++", "decide+++"} <= {s.instruction for p in found for s in p.steps.values()}


def test_gepa_merges_what_two_relatives_changed_in_different_steps() -> None:
    first = SEED.with_instruction("extract++")
    second = SEED.focused("decide").with_instruction("decide++")
    assert one_sided(SEED, first, second)
    assert not one_sided(SEED, first, first)
    both = merged(SEED, second, first)
    assert pluses(both) == [2, 2]
    clash = first.with_instruction("extract+++")
    assert pluses(merged(SEED, clash, second.focused("extract").with_instruction("e"))) == [3, 2]
    demos = SEED.focused("decide").with_demos((Demo("a", "b"),))
    assert merged(SEED, first, demos).steps["decide"].demos == (Demo("a", "b"),)


def test_textgrad_passes_criticism_from_the_last_step_to_the_first() -> None:
    optimizer = TextGrad(minibatch_size=1, n_epochs=1, max_batches=1)
    search, model, _ = run(optimizer, adds_a_plus)
    assert search.best is not None
    assert pluses(search.best.prompt) == [2, 2], "one update of both"
    answer, instruction, passed, before, *steps = model.asked
    assert "<answer>\nt" in answer
    assert "decide+" in instruction
    assert "<comment>\ncritique 1+\n</comment>" in instruction
    assert "critique 1+" in passed, "the criticism of the last answer"
    assert "decide+" in passed, "the instruction that the next step followed"
    assert "extract+" in before
    assert "critique 3+" in before
    assert "critique 1+" not in before
    assert len(steps) == 2


def test_simba_advises_each_step_and_shows_each_what_it_did() -> None:
    @dataclass(frozen=True)
    class Rules:
        knows_steps = True

        async def run(self, search: Search) -> None:
            found = await search.evaluate(SEED, ROWS[:1])
            better = replace(found.rollouts[0], score=Score(1.0))
            metas = SIMBA().rules(search, SEED, ExampleBucket([better, found.rollouts[0]]))
            first, second = (meta.text for meta in metas)
            assert first.count("<answer>\nt0 1\n</answer>") == 2
            assert second.count("<answer>\nt0 1 1\n</answer>") == 2
            assert "extract+" in first
            assert "decide+" in second

    run(Rules(), adds_a_plus)
    rollout = Rollout(
        ROWS[0], "T0", Score(1.0),
        trace=(Asked("extract", {"text": "t0"}, "e0"), Asked("decide", {"extract": "e0"}, "T0")),
    )  # fmt: skip
    child = with_demo(SEED, rollout)
    assert [s.demos for s in child.steps.values()] == [(Demo("t0", "e0"),), (Demo("e0", "T0"),)]
    half = with_demo(SEED, replace(rollout, trace=rollout.trace[:1]))
    assert [len(s.demos) for s in half.steps.values()] == [1, 0]
    [ruled] = with_rules(SEED, [["a"], ["b"]])
    assert [s.instruction for s in ruled.steps.values()] == ["extract+\n\na", "decide+\n\nb"]
    assert [s.instruction for s in with_rules(SEED, [[], ["b"]])[0].steps.values()] == [
        "extract+",
        "decide+\n\nb",
    ]
    assert with_rules(SEED, [[], []]) == []


def test_miprov2_searches_instructions_and_demos_of_all_steps_together() -> None:
    study = Combinations(0, 3, 2, 4)
    assert list(study.space) == ["demos 0", "instruction 0", "demos 1", "instruction 1"]
    [trial] = study.ask(1)
    assert len(chosen(trial)) == 4
    study.add((0, 0, 0, 0), Evaluation(SEED, ()))
    assert study.measured == {(0, 0, 0, 0)}
    search, model, candidates = run(
        MIPROv2(preset="light", threshold=0.3),
        lambda text, n: f"<instruction>{n}{'+' * (n % 4)}</instruction><summary>s</summary>",
        4000,
    )
    assert search.best is not None
    found = [Prompt.from_dict(b["prompt"]) for b in candidates if b["operator"] == "combine"]
    changed = [
        [
            s.instruction != o.instruction
            for s, o in zip(p.steps.values(), SEED.steps.values(), strict=True)
        ]
        for p in found
    ]
    assert [True, True] in changed, "both steps in one trial"
    assert min(pluses(search.best.prompt)) >= 1
    own = [p for p in found if any(d.user.endswith(" 1") for d in p.steps["decide"].demos)]
    assert own, "demos of the second step are what it was given"
    assert any("step 'decide'" in text for text in model.asked)


def test_bootstrapped_demos_show_each_step_what_it_did() -> None:
    trace = (Asked("extract", {"text": "t0"}, "e0"), Asked("decide", {"extract": "e0"}, "T0"))
    worked = Worked(ROWS[0], "T0", True, trace)
    child = with_demos_everywhere(SEED, (worked, Worked(ROWS[1], "T1")))
    assert [s.demos for s in child.steps.values()] == [(Demo("t0", "e0"),), (Demo("e0", "T0"),)]
    assert child.focus == "decide"
    assert worked.at("extract").example.inputs == {"text": "t0"}
    search, _, candidates = run(BootstrapRS(n_candidates=1, threshold=0.3), adds_a_plus)
    del search
    [first, *_] = [b for b in candidates if b["operator"] == "bootstrap"]
    demos = Prompt.from_dict(first["prompt"]).steps
    assert demos["extract"].demos
    assert demos["decide"].demos[0].user == demos["extract"].demos[0].assistant


@pytest.mark.parametrize("kind", [GEPA, MIPROv2, TextGrad, SIMBA, BootstrapRS])
def test_they_say_that_they_know(kind: Any) -> None:
    assert kind.knows_steps
