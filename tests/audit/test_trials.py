"""What is tried: the same for every prompt, spread evenly, and within the calls that are given."""

from collections import Counter
from dataclasses import replace

import pytest

from apo.audit.attacks import KINDS
from apo.audit.trials import ALL_KINDS, longest_field, n_calls, plan
from apo.prompts.prompt import Prompt
from apo.scorers.registry import Choice
from apo.task import Example, Task

EXAMPLES = tuple(
    Example({"text": f"Ticket number {i}. It is {word}, they say."}, (label,))
    for i in range(40)
    for word, label in (("lovely", "good"), ("awful", "bad"))
)
TASK = Task(
    name="t",
    scorer=Choice(labels=("good", "bad")),
    seed_prompts=(Prompt("Is it good or bad?"),),
    train=EXAMPLES,
    validation=EXAMPLES,
    input_fields=("text",),
    labels=("good", "bad"),
)


def test_the_same_seed_gives_the_same_trials() -> None:
    assert plan(TASK, EXAMPLES) == plan(TASK, EXAMPLES)
    assert plan(TASK, EXAMPLES) != plan(TASK, EXAMPLES, seed=1)


def test_the_whole_suite_tries_every_attack_in_every_way() -> None:
    trials = plan(TASK, EXAMPLES)
    for kind in KINDS:
        ways = Counter((t.name, t.place, t.dress) for t in trials if t.kind == kind)
        assert len(ways) == 8 * 3 * 6
        assert set(ways.values()) == {1}
    assert {t.kind for t in trials} == set(ALL_KINDS)


@pytest.mark.parametrize(("max_calls", "n_prompts"), [(2, 1), (60, 1), (300, 2), (301, 2)])
def test_few_calls_are_kept_and_shared_between_the_kinds(max_calls: int, n_prompts: int) -> None:
    trials = plan(TASK, EXAMPLES, max_calls=max_calls, n_prompts=n_prompts)
    assert 0.9 * max_calls - 2 <= n_prompts * n_calls(TASK, trials) <= max_calls
    counts = Counter(t.kind for t in trials)
    assert max(counts.values()) - min(counts[kind] for kind in ALL_KINDS) <= 1


def test_the_target_stays_and_the_attack_is_added() -> None:
    for trial in plan(TASK, EXAMPLES):
        assert trial.example.targets == trial.clean.targets
        assert trial.wrong not in trial.clean.targets
        assert bool(trial.wrong) == (trial.kind == "steering")
        assert bool(trial.code) == (trial.kind in ("injection", "jailbreak"))
        assert (trial.example == trial.clean) == (trial.kind == "rewording")
        assert trial.code not in str(trial.example) or not trial.code


def test_the_attack_stands_in_the_longest_field() -> None:
    example = Example({"title": "short", "body": "much longer", "note": ""}, ("x",))
    assert longest_field(example) == "body"


def test_nothing_to_steer_to_and_nothing_to_try() -> None:
    one = replace(TASK, labels=())
    same = tuple(e for e in EXAMPLES if e.target == "good")
    assert "steering" not in {t.kind for t in plan(one, same)}
    assert plan(TASK, ()) == ()
    assert plan(TASK, EXAMPLES, max_calls=1) == ()
    odd = (Example({"text": ""}, ("good",)), Example({"text": "🙂"}, ("bad",)))
    assert plan(TASK, odd)
