"""The way in: names and objects, resumption, what is refused, and how a run ends."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from apo import (
    ApoError,
    Budget,
    Example,
    Interrupted,
    Options,
    Price,
    Prompt,
    PromptError,
    Request,
    Result,
    RunError,
    Search,
    SettingsError,
    Task,
    TaskError,
    aoptimize,
    aresume,
    optimize,
    resume,
)
from apo.calls.progress import Progress
from apo.model import Completion
from apo.optimizers import OPRO, RandomSearch
from apo.storage.folder import find_run, list_runs
from apo.testing import FakeModel, FakeOptimizerModel, fake_task

QUIET = Options(track=False, max_concurrency=4)
SMALL = Budget(max_calls=60)


def run(home: Path, task: Any = None, optimizer: Any = "random-search", **given: Any) -> Result:
    defaults: dict[str, Any] = {
        "model": FakeModel(),
        "optimizer_model": FakeOptimizerModel(),
        "budget": SMALL,
        "options": QUIET,
    }
    return optimize(task or fake_task(), optimizer, home=home, **{**defaults, **given})


def objects(task: Task | None = None) -> dict[str, Any]:
    return {
        "task": task or fake_task(),
        "model": FakeModel(),
        "optimizer_model": FakeOptimizerModel(),
    }


# --- what comes back ------------------------------------------------------------------------


def test_a_result_is_written_as_it_is_returned(tmp_path: Path) -> None:
    result = run(tmp_path)
    folder = find_run("last", tmp_path)
    assert folder.result == json.loads(json.dumps(result.to_dict()))
    document = result.to_dict()
    assert document["run_id"] == folder.id == result.run_id
    assert document["task"] == "fake"
    assert (document["model"], document["optimizer_model"]) == ("fake", "fake-optimizer")
    assert Prompt.from_dict(document["best_prompt"]) == result.best.prompt
    assert document["winner"] in ("seed", "best")
    settings = folder.settings
    assert settings["objects"] == ["task", "model", "optimizer_model"]
    assert settings["budget"]["max_calls"] == 60
    assert settings["optimizer"]["settings"]["n_proposals"] == 8
    assert settings["state"] == "finished"
    assert settings["data"]["validation"] == 5
    assert not list(folder.path.glob("*.part"))


def test_progress_is_filled_in(tmp_path: Path) -> None:
    progress = Progress()
    run(tmp_path, progress=progress)
    assert progress.phase == "done"
    assert progress.search is not None
    assert progress.search.best is not None
    assert progress.caller is not None
    assert progress.caller.meter.spent.calls <= 60


def test_names_and_objects_come_to_the_same(tmp_path: Path) -> None:
    named = run(tmp_path, optimizer="random-search", settings={"n_demos": "3", "n_proposals": 2})
    made = run(tmp_path, optimizer=RandomSearch(n_demos=3, n_proposals=2))
    assert (named.best, named.verdict) == (made.best, made.verdict)
    assert len(list(list_runs(tmp_path))) == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": object()}, r"is no model.*dspy.LM as apo.DspyModel\(lm\)"),
        ({"optimizer": object()}, "is no optimizer of apo.*by its name, such as dspy:MIPROv2"),
        ({"budget": 100}, r"budget is 100; give it as apo.Budget\(max_calls=500\)"),
    ],
)
def test_what_other_libraries_take_is_told(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=said):
        run(tmp_path, **given)
    assert not list(list_runs(tmp_path))


def test_a_prompt_takes_the_place_of_the_seed(tmp_path: Path) -> None:
    prompt = Prompt("Say it again++")
    assert run(tmp_path, prompt=prompt).seed.prompt == prompt


def test_seeds_make_runs_differ_and_repeat(tmp_path: Path) -> None:
    one, again, other = (run(tmp_path, options=replace(QUIET, seed=s)) for s in (1, 1, 2))
    assert one.best == again.best
    assert one.best != other.best


def test_in_a_running_loop_as_in_a_notebook(tmp_path: Path) -> None:
    async def cell() -> Result:
        first = run(tmp_path)
        again = resume("last", home=tmp_path, **objects())
        assert again.best == first.best
        return first

    assert asyncio.run(cell()).verdict is not None


def test_two_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    async def both() -> list[Result]:
        work = [
            aoptimize(
                fake_task(),
                RandomSearch(),
                model=FakeModel(delay_seed=delay),
                optimizer_model=FakeOptimizerModel(delay_seed=delay),
                budget=SMALL,
                options=QUIET,
                home=tmp_path,
            )
            for delay in (1, 2)
        ]
        return await asyncio.gather(*work)

    alone = run(tmp_path)
    for result in asyncio.run(both()):
        assert (result.best, result.verdict) == (alone.best, alone.verdict)


def test_two_equal_models_are_two_models(tmp_path: Path) -> None:
    class Same(FakeModel):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, FakeModel)

        __hash__ = None  # type: ignore[assignment] # pyright: ignore (models need none)

        def answer(self, request: Request) -> str:
            return FakeOptimizerModel().answer(request)

    writer = Same()
    run(tmp_path, optimizer_model=writer)
    assert writer.requests


# --- resumption -----------------------------------------------------------------------------


def test_a_finished_run_resumed_makes_no_call_and_says_the_same(tmp_path: Path) -> None:
    first = run(tmp_path)
    given = objects()
    again = resume(first.run_id[-6:], home=tmp_path, **given)
    assert (again.best, again.verdict, again.spent) == (first.best, first.verdict, first.spent)
    assert given["model"].requests == given["optimizer_model"].requests == []
    assert again.seconds >= first.seconds
    assert len(list(list_runs(tmp_path))) == 1


def test_a_finished_run_does_not_go_on_longer(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(RunError, match="is finished: its test examples have been read"):
        resume("last", home=tmp_path, budget=Budget(max_calls=200), **objects())


def test_a_stopped_run_goes_on_with_the_limits_that_are_not_named(tmp_path: Path) -> None:
    first = run(tmp_path, budget=Budget(max_calls=60, max_minutes=60))
    find_run("last", tmp_path).set_state("interrupted")
    again = resume("last", home=tmp_path, budget=Budget(max_calls=200), **objects())
    assert first.spent.calls < again.spent.calls <= 200
    assert again.best.mean >= first.best.mean
    assert len(again.best.rollouts) == len(first.best.rollouts)
    assert find_run("last", tmp_path).settings["budget"] == {
        "max_calls": 200,
        "max_tokens": None,
        "max_usd": None,
        "max_minutes": 60,
    }


@pytest.mark.parametrize("missing", ["task", "model", "optimizer_model"])
def test_objects_must_be_given_again(missing: str, tmp_path: Path) -> None:
    run(tmp_path)
    given = objects()
    del given[missing]
    with pytest.raises(RunError, match=f"from Python with its own .*{missing}.*apo.resume"):
        resume("last", home=tmp_path, **given)


def test_an_own_optimizer_must_be_given_again(tmp_path: Path) -> None:
    first = run(tmp_path, optimizer=OPRO(n_samples=3))
    with pytest.raises(RunError, match="optimizer"):
        resume("last", home=tmp_path, **objects())
    again = resume("last", home=tmp_path, optimizer=OPRO(n_samples=3), **objects())
    assert again.best == first.best


def test_settings_given_by_name_are_kept(tmp_path: Path) -> None:
    first = run(tmp_path, optimizer="opro", settings={"n_samples": "3"}, prompt=Prompt("Say+"))
    again = resume("last", home=tmp_path, **objects())
    assert again.best == first.best
    assert again.seed.prompt == Prompt("Say+")


def test_changed_data_are_refused(tmp_path: Path) -> None:
    run(tmp_path)
    task = fake_task()
    changed = [
        replace(task, train=task.train[1:]),
        replace(task, validation=[Example({"input": "new"}, ("new",)), *task.validation[:4]]),
        replace(task, test=[*task.test[:5], Example({"input": "x"}, ("other",))]),
    ]
    for other in changed:
        with pytest.raises(RunError, match="data of 'fake' changed since fake-random-search-"):
            resume("last", home=tmp_path, **objects(other))
    assert find_run("last", tmp_path).settings["state"] == "finished"


def test_a_run_of_before_the_optimizer_got_a_setting_goes_on(tmp_path: Path) -> None:
    first = run(tmp_path, optimizer="opro")
    folder = find_run("last", tmp_path)
    method = folder.settings["optimizer"]
    older = {name: value for name, value in method["settings"].items() if name != "n_samples"}
    folder.update(optimizer={**method, "settings": older})
    assert resume("last", home=tmp_path, **objects()).best == first.best


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("prompt", (Prompt("Another"),)),
        ("labels", ("a", "b")),
        ("description", "Another"),
        ("language", "ko"),
    ],
)
def test_changed_words_are_refused_and_nothing_is_paid(
    part: str, value: Any, tmp_path: Path
) -> None:
    first = run(tmp_path)
    name = "seed_prompts" if part == "prompt" else part
    given = objects(replace(fake_task(), **{name: value}))
    with pytest.raises(RunError, match=f"The {part} of 'fake' changed since fake-random-search-"):
        resume("last", home=tmp_path, **given)
    assert resume("last", home=tmp_path, **objects()).spent == first.spent


def test_no_such_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds none"):
        resume("last", home=tmp_path)
    run(tmp_path)
    with pytest.raises(RunError, match="There is no run 'other'"):
        asyncio.run(aresume("other", home=tmp_path))


# --- what is refused before anything is paid ------------------------------------------------


def bare(task: Task, **parts: Any) -> Task:
    return replace(task, **parts)


@dataclass(frozen=True)
class Lost:
    """An optimizer that measures a prompt that shows no input."""

    async def run(self, search: Search) -> None:
        await search.evaluate(Prompt("x", template="no variable"))


REFUSED: list[tuple[dict[str, Any], type[ApoError], str]] = [
    ({"budget": Budget(max_calls=10)}, SettingsError, "10 calls are too few"),
    ({"optimizer": "oproo"}, SettingsError, "Did you mean 'opro'"),
    ({"settings": {"n_demo": 5}}, SettingsError, "Did you mean 'n_demos'"),
    ({"settings": {"n_demos": 0}}, SettingsError, "n_demos is 0; it must be at least 1"),
    ({"model": "nobody/model"}, SettingsError, "provider 'nobody'"),
    ({"optimizer_model": "nobody/model"}, SettingsError, "provider 'nobody'"),
    ({"budget": Budget(max_usd=1.0)}, SettingsError, "price of fake is unknown.*--price 'fake=IN"),
    ({"task": "no-such-task"}, TaskError, "no-such-task"),
    ({"prompt": Prompt("x", template="{{inptu}}")}, PromptError, "Did you mean 'input'"),
    ({"prompt": Prompt("x", template="y")}, PromptError, r"\{\{input\}\} is missing"),
    ({"task": bare(fake_task(), train=())}, SettingsError, "needs examples in train"),
    ({"task": bare(fake_task(), validation=())}, SettingsError, "and in validation"),
    ({"task": bare(fake_task(), seed_prompts=())}, SettingsError, "needs a seed prompt"),
]


@pytest.mark.parametrize(("given", "kind", "words"), REFUSED, ids=lambda v: str(v)[:30])
def test_refused_and_no_folder_made(
    given: dict[str, Any], kind: type[ApoError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words):
        run(tmp_path, **given)
    assert list(list_runs(tmp_path)) == []


def test_an_optimizer_that_goes_astray_fails_the_run(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="user turn"):
        run(tmp_path, optimizer=Lost())
    assert find_run("last", tmp_path).settings["state"] == "failed"


def test_a_limit_in_dollars_with_a_price_is_kept(tmp_path: Path) -> None:
    prices = {"fake": Price(1.0, 1.0), "fake-optimizer": Price(2.0, 2.0)}
    budget = Budget(max_usd=0.02)
    result = run(tmp_path, budget=budget, options=replace(QUIET, prices=prices))
    assert result.spent.usd is not None
    assert 0 < result.spent.usd <= 0.02
    again = resume("last", home=tmp_path, **objects())  # The prices are written down.
    assert again.spent.usd == pytest.approx(result.spent.usd)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_concurrency": 0}, "at least 1"),
        ({"timeout": 0.0}, "greater than 0"),
        ({"timeout": float("nan")}, "greater than 0"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Options(**options)


def test_options_are_read_back() -> None:
    from dataclasses import asdict

    options = Options(seed=3, prices={"m": Price(1.0, 2.0, 0.5)}, meta_prompts={"induce": "x"})
    assert Options.from_dict(json.loads(json.dumps(asdict(options)))) == options


# --- an optimizer of one's own --------------------------------------------------------------


def double(value: int) -> int:
    return 2 * value


@dataclass(frozen=True)
class Mine:
    """Settings that JSON has no form for."""

    function: Any = double
    table: Mapping[str, int] = field(default_factory=dict[str, int])
    shared: ClassVar[int] = 1

    async def run(self, search: Search) -> None:
        await search.evaluate(search.accept([Prompt("Answer++")], operator="mine")[0])


def test_an_optimizer_whose_settings_json_cannot_hold(tmp_path: Path) -> None:
    result = run(tmp_path, optimizer=Mine())
    assert result.best.mean >= result.seed.mean
    record = find_run("last", tmp_path).settings["optimizer"]
    assert record["name"] == "mine"
    assert "double" in record["settings"]["function"]


def test_a_model_of_ones_own(tmp_path: Path) -> None:
    class Plain:
        """Nothing but what the protocol asks for."""

        name = "plain"

        async def complete(self, request: Request) -> Completion:
            return Completion(text=request.messages[-1].content)

        async def aclose(self) -> None:
            pass

    result = run(tmp_path, model=Plain())
    assert result.seed.mean == 1
    assert result.winner == "seed"


class StopsAfter(FakeModel):
    """Is stopped by its user after so many answers."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    async def complete(self, request: Request) -> Completion:
        self.left -= 1
        if self.left < 0:
            raise Interrupted("The run was stopped by the user.")
        return await super().complete(request)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"max_calls": 20}, r"\d+ calls are already spent, and \d+ more .*a limit of 20 is below"),
        ({"max_tokens": 30}, r"[\d,]+ tokens are already spent: a limit of 30 is below"),
        ({"max_usd": 1e-9}, r"\$\d.\d+ are already spent: a limit of 1e-09 is below"),
        ({"max_minutes": 1e-9}, r"[\d.]+ minutes are already spent: a limit of 1e-09 is below"),
    ],
)
def test_a_limit_below_what_is_spent_is_one_sentence_and_changes_nothing(
    tmp_path: Path, limit: dict[str, Any], said: str
) -> None:
    prices = {name: Price(100.0, 100.0) for name in ("fake", "fake-optimizer")}
    run(tmp_path, options=replace(QUIET, prices=prices))
    folder = find_run("last", tmp_path)
    folder.set_state("interrupted")
    before = folder.settings
    with pytest.raises(SettingsError, match=said):
        resume("last", home=tmp_path, budget=Budget(**limit), **objects())
    assert folder.settings == before
    assert resume("last", home=tmp_path, **objects()).spent.calls <= 60


def test_a_lower_limit_that_leaves_room_for_the_verdict_is_kept_to(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, budget=Budget(max_calls=150), model=StopsAfter(40))
    again = resume("last", home=tmp_path, budget=Budget(max_calls=110), **objects())
    assert again.spent.calls <= 110
    with find_run("last", tmp_path).open_journal(begun=True) as journal:
        assert sum(n for _, n, _ in journal.taken()) == again.spent.calls
