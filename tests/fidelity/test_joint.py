"""Joint search: every part of the prompt is a variable, and Optuna chooses."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from sqlalchemy.exc import OperationalError

from apo import (
    Completion,
    Decoding,
    Demo,
    Example,
    Layout,
    Prompt,
    Request,
    SettingsError,
    Usage,
)
from apo.optimizers.joint import JointSearch
from apo.optimizers.parts import joint_storage
from apo.optimizers.parts.demo_sets import Worked
from apo.optimizers.parts.joint_pruning import PRUNERS
from apo.optimizers.parts.joint_space import Space
from apo.optimizers.parts.joint_study import Direction
from apo.optimizers.parts.joint_trials import SAMPLERS
from apo.storage.folder import find_run
from apo.testing import OptimizerSuite, fake_task
from apo.testing.suite import Observed, forget
from tests.fidelity.conftest import Reader, Run, shown_inputs, tagged

EXAMPLES = [Example({"input": "i" * n}, (f"t{n}",)) for n in (3, 1, 2)]
OWN = (True, True, False)
SET = tuple(Worked(e, f"Well: {e.target}", own) for e, own in zip(EXAMPLES, OWN, strict=True))
SHOWN = (Demo("u", "a"),)
SPACE = Space(
    seed=Prompt("A", context="C"), instructions=("A", "B"), demo_sets=((), SET),
    decoding="temperature",
)  # fmt: skip
CHOICE: dict[str, Any] = {**SPACE.seed_choice(), "demo_set": 1, "n_demos": 3}


@pytest.fixture(autouse=True)
def reads_every_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the reader find input and instruction wherever the layout puts them."""

    async def complete(self: Reader, request: Request) -> Completion:
        lines = [line for m in request.messages for line in m.content.splitlines()]
        asked = [line for line in lines if re.fullmatch(r"x\d+", line)][-1]
        right = int(asked[1:]) % self.size < max(line.count("+") for line in lines)
        usage = Usage(input_tokens=1, output_tokens=1)
        return Completion(text=asked if right else "no", usage=usage)

    monkeypatch.setattr(Reader, "complete", complete)


def proposal(n: int, _: str) -> str:
    return tagged("+" * (n % 8) + f" new {n}")


def small(**settings: Any) -> JointSearch:
    return replace(JointSearch(n_trials=6, n_demo_sets=3, decoding="none"), **settings)


def trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    """The trials in a run's own file."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / 'optuna.db'}")
    [summary] = optuna.get_all_study_summaries(storage)
    found = optuna.load_study(study_name=summary.study_name, storage=storage).trials
    storage.remove_session()
    storage.engine.dispose()
    return found


# --- the space --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed",
    [
        Prompt("A"),
        Prompt("A", layout=Layout(role="user", headings="xml", repeat_instruction=True)),
        Prompt("A", demos=SHOWN, decoding=Decoding(temperature=None, top_p=0.5)),
        Prompt("A", demos=SHOWN, layout=Layout(order=("demos", "context", "instruction"))),
        Prompt("A", demos=SHOWN, layout=Layout(order=("instruction", "context", "demos"))),
    ],
)
def test_the_seed_is_in_its_space(seed: Prompt) -> None:
    for decoding in ("temperature", "top_p", "none"):
        space = replace(SPACE, seed=seed, decoding=decoding)
        chosen = space.seed_choice()
        assert space.prompt(chosen) == seed
        assert set(chosen) == set(space.distributions())
        for name, distribution in space.distributions().items():
            assert distribution._contains(  # pyright: ignore[reportPrivateUsage]  # no public way
                distribution.to_internal_repr(chosen[name])
            )


def test_every_variable_changes_the_prompt() -> None:
    """With demos every value of every variable gives a prompt of its own."""
    for name, distribution in SPACE.distributions().items():
        values = getattr(distribution, "choices", range(1, 4))
        prompts = {SPACE.prompt({**CHOICE, name: value}) for value in values}
        expected = len(values) - (name == "decoding")  # The seed's temperature is one of them.
        assert len(prompts) == expected, name


def test_without_demos_what_concerns_them_changes_nothing() -> None:
    for name in ("demo_order", "demo_answers", "demo_place", "n_demos"):
        distribution = SPACE.distributions()[name]
        values = getattr(distribution, "choices", range(1, 4))
        chosen = SPACE.seed_choice()
        assert {SPACE.prompt({**chosen, name: value}) for value in values} == {SPACE.seed}


@pytest.mark.parametrize(
    ("chosen", "answers"),
    [
        ({}, ["Well: t3", "Well: t1", "Well: t2"]),
        ({"n_demos": 1}, ["Well: t3"]),
        ({"demo_order": "reversed"}, ["Well: t2", "Well: t1", "Well: t3"]),
        ({"demo_order": "short first"}, ["Well: t1", "Well: t2", "Well: t3"]),
        ({"demo_order": "long first", "n_demos": 2}, ["Well: t3", "Well: t1"]),
        ({"demo_answers": "target"}, ["t3", "t1", "t2"]),
    ],
)
def test_demos_by_number_order_and_answers(chosen: dict[str, Any], answers: list[str]) -> None:
    prompt = SPACE.prompt({**CHOICE, **chosen})
    assert [demo.assistant for demo in prompt.demos] == answers


def test_decoding() -> None:
    assert SPACE.prompt({**CHOICE, "decoding": 0.7}).decoding == Decoding(temperature=0.7)
    by_mass = replace(SPACE, decoding="top_p").prompt({**CHOICE, "decoding": 0.5})
    assert by_mass.decoding == Decoding(temperature=1.0, top_p=0.5)
    refusing = replace(SPACE, seed=Prompt("A", decoding=Decoding(temperature=None)))
    assert getattr(refusing.distributions()["decoding"], "choices", ()) == ("own",)


def test_a_space_round_trips_through_json() -> None:
    kept = json.loads(json.dumps(SPACE.to_dict()))
    assert Space.from_dict(kept, SPACE.seed, EXAMPLES) == SPACE
    with pytest.raises(KeyError):
        Space.from_dict(kept, SPACE.seed, EXAMPLES[1:])


# --- the search -------------------------------------------------------------------------------


def test_trials_see_the_same_examples_and_the_leaders_all_of_them(run: Run) -> None:
    seen = run(small(trial_size=4, n_trials=12), proposal, size=20)
    part, whole = seen.evaluations(whole=False), seen.evaluations(whole=True)
    assert len(part) == 1 + 12
    assert all(event.body["n"] == 4 for event in part)
    best, leaders = part[0].body["mean"], list[str]()
    for event in part[1:]:
        if event.body["mean"] > best:
            best = event.body["mean"]
            leaders.append(event.body["candidate"])
    assert leaders
    assert [event.body["candidate"] for event in whole[1:]] == leaders


def test_number_of_proposals(run: Run) -> None:
    seen = run(small(n_instructions=5, n_examples=3), proposal)
    assert [len(shown_inputs(text)) for text in seen.writer.texts] == [3] * 4
    bodies = [event.body for event in seen.events if event.kind == "candidate"]
    assert [b["operator"] for b in bodies if b["operator"] == "induce"] == ["induce"] * 4


def test_it_ends_when_the_space_is_exhausted_or_the_task_solved(run: Run) -> None:
    seen = run(small(n_trials=10**6), lambda _, __: tagged("+" * 10 + " all"))
    assert seen.result.best.mean == 1
    assert len(seen.evaluations(whole=False)) < 100


def test_the_runs_file_holds_every_trial_with_its_figures(run: Run, tmp_path: Path) -> None:
    seen = run(small(objectives="score,length,cost", n_trials=8), proposal)
    found = trials(find_run(seen.result.run_id, tmp_path).path)
    assert len(found) == 1 + 8
    part = seen.evaluations(whole=False)
    for trial, event in zip(found, part, strict=True):
        figures = trial.user_attrs
        assert figures["candidate"] == event.body["candidate"]
        assert trial.values == [figures["score"], figures["length"], figures["tokens"]]
        assert figures["score"] == event.body["mean"]
        assert figures["tokens"] == 2  # The reader counts one in and one out.
    prompts = {
        e.key: Prompt.from_dict(e.body["prompt"]) for e in seen.events if e.kind == "candidate"
    }
    assert all(
        t.user_attrs["length"] == len(prompts[t.user_attrs["candidate"]].text()) for t in found
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_samplers_choose_the_same_for_the_same_seed(sampler: str, run: Run) -> None:
    def chosen(seed: int) -> list[str]:
        seen = run(small(sampler=sampler, population_size=3), proposal, seed=seed)
        return [event.body["candidate"] for event in seen.evaluations(whole=False)]

    assert chosen(1) == chosen(1) != chosen(2)


# --- pruners ----------------------------------------------------------------------------------


def spread(n: int, _: str) -> str:
    return tagged("+" * (5 * n % 40) + f" new {n}")


def test_a_pruner_ends_trials_that_look_bad(tmp_path: Path, run: Run) -> None:
    settings: dict[str, Any] = {"n_trials": 12, "trial_size": 40, "n_demo_sets": 1}
    whole = run(small(**settings), spread, size=40)
    for pruner in PRUNERS[1:]:
        seen = run(small(**settings, pruner=pruner), spread, size=40)
        folder = find_run(seen.result.run_id, tmp_path).path
        states = {t.state.name: t for t in trials(folder)}
        assert {*states} == {"COMPLETE", "PRUNED"}, pruner
        n_seen = states["PRUNED"].user_attrs["n_seen"]
        assert n_seen in (10, 20, 30), pruner
        assert len(states["PRUNED"].intermediate_values) in (n_seen, n_seen // 10), pruner
        assert seen.result.spent.calls < whole.result.spent.calls, pruner
        assert seen.result.best.prompt == whole.result.best.prompt, pruner


def test_a_resumed_run_ends_pruned_trials_where_they_ended(tmp_path: Path) -> None:
    suite, storage = OptimizerSuite(), f"sqlite:///{tmp_path / 'shared.db'}"
    optimizer = small(storage=storage, study_name="s", n_trials=14, trial_size=40, pruner="median")
    first = suite.run(tmp_path, optimizer, 3000, task=fake_task(40))
    forget(tmp_path, first.result.run_id, keep=200)
    resumed = suite.run(tmp_path, optimizer, 3000, task=fake_task(40), run=first.result.run_id)
    assert [e[1:3] for e in resumed.events] == [e[1:3] for e in first.events]
    database = optuna.storages.RDBStorage(storage)
    states = [t.state.name for t in optuna.load_study(study_name="s", storage=database).trials]
    database.remove_session()
    database.engine.dispose()
    assert states.count("PRUNED") > 0
    assert len(states) == 15


# --- storage ----------------------------------------------------------------------------------


def candidates(outcome: Observed, operator: str) -> list[str]:
    events = [e for e in outcome.events if e.kind == "candidate"]
    return [e.key for e in events if e.body["operator"] == operator]


def test_runs_with_one_storage_search_one_space(tmp_path: Path) -> None:
    storage, suite = f"sqlite:///{tmp_path / 'shared.db'}", OptimizerSuite()
    optimizer = small(storage=storage, study_name="both", n_trials=2)
    first = suite.run(tmp_path, optimizer)
    second = suite.run(tmp_path, optimizer, seed=1)
    assert len(first.optimizer_model.requests) >= 7
    assert second.optimizer_model.requests == []
    kept = optuna.storages.RDBStorage(storage)
    study = optuna.load_study(study_name="both", storage=kept)
    names = [trial.user_attrs["name"] for trial in study.trials]
    ids = [first.result.run_id, second.result.run_id]
    assert names == ["seed", *(f"{name}:{n}" for name in ids for n in range(2))]

    forget(tmp_path, second.result.run_id, keep=30)
    resumed = suite.run(tmp_path, optimizer, seed=1, run=second.result.run_id)
    assert [e[1:3] for e in resumed.events] == [e[1:3] for e in second.events]
    assert resumed.result.best == second.result.best
    assert len(study.trials) == 5
    kept.remove_session()
    kept.engine.dispose()


SHARING = small(n_trials=9)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """A run whose database answers."""
    home = tmp_path_factory.mktemp("calm")
    return OptimizerSuite().run(home, replace(SHARING, storage=f"sqlite:///{home / 'calm.db'}"))


@pytest.mark.parametrize(
    "broken", ["create_new_trial", "set_trial_user_attr", "set_trial_state_values"]
)
def test_trials_after_a_break_are_those_without_one(
    broken: str, calm: Observed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database does what it is asked, and ends before it says so, at every seventh time."""
    whole, times = getattr(optuna.storages.RDBStorage, broken), 0

    def ends(*given: Any, **named: Any) -> Any:
        nonlocal times
        done, times = whole(*given, **named), times + 1
        if times % 7 == 1:
            raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))
        return done

    monkeypatch.setattr(optuna.storages.RDBStorage, broken, ends)
    monkeypatch.setattr(joint_storage, "PATIENCE", (0.0,) * 9)
    storage = f"sqlite:///{tmp_path / 'broken.db'}"
    seen = OptimizerSuite().run(tmp_path, replace(SHARING, storage=storage))
    assert times > 7
    assert candidates(seen, "combine") == candidates(calm, "combine")
    assert seen.result.spent.calls == calm.result.spent.calls


@pytest.mark.parametrize("directions", [["minimize"], ["maximize", "minimize"]])
def test_a_study_of_another_program_with_other_directions_is_refused(
    directions: list[Direction], tmp_path: Path
) -> None:
    storage = f"sqlite:///{tmp_path / 'shared.db'}"
    database = optuna.storages.RDBStorage(storage)
    optuna.create_study(storage=database, study_name="theirs", directions=directions)
    database.remove_session()
    database.engine.dispose()
    optimizer = small(storage=storage, study_name="theirs", n_trials=1)
    with pytest.raises(SettingsError, match=r"'theirs' is there already, to .*to maximize"):
        OptimizerSuite().run(tmp_path, optimizer)


def test_a_study_with_other_objectives_or_examples_is_refused(tmp_path: Path) -> None:
    suite = OptimizerSuite()
    storage = f"sqlite:///{tmp_path / 'shared.db'}"
    optimizer = small(storage=storage, study_name="both", n_trials=1)
    suite.run(tmp_path, optimizer)
    with pytest.raises(SettingsError, match="has the objectives 'score', not 'score,length'"):
        suite.run(tmp_path, replace(optimizer, objectives="score,length"))
    with pytest.raises(SettingsError, match="other training examples"):
        suite.run(tmp_path, optimizer, task=fake_task(3))
    with pytest.raises(SettingsError, match="cannot be opened"):
        suite.run(tmp_path, replace(optimizer, storage="nosuch://here"))
    with pytest.raises(SettingsError, match=r"package cx_Oracle.*: pip install cx_Oracle"):
        suite.run(tmp_path, replace(optimizer, storage="oracle+cx_oracle://u@h/x"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objectives": "length"}, "must hold score"),
        ({"objectives": "score,score"}, "must hold score"),
        ({"objectives": "score,speed"}, "must hold score"),
        ({"sampler": "grid"}, "one of tpe, nsga2"),
        ({"pruner": "grid"}, "one of none, median"),
        ({"pruner": "median", "objectives": "score,length"}, "score as the only objective"),
        ({"decoding": "both"}, "one of temperature, top_p, none"),
        ({"population_size": 1}, "population_size"),
    ],
)
def test_settings_out_of_range(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        replace(JointSearch(), **settings)
