"""A run without a result: its prompts can be looked at, and who looks is told how it goes on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from apo import Budget, Interrupted, Options, Prompt, Search, optimize
from apo.cli import app
from apo.errors import RunError, SettingsError
from apo.language.catalogue import Catalogue
from apo.report.run_page import run_page
from apo.storage.folder import RunFolder, find_run, way_on
from apo.storage.suggestions import suggestions
from tests.commands import RUNNER

TASK = """name: shop
inputs: [text]
target: label
labels: [good, bad]
data: rows.csv
contract: {forbidden: [sorry]}
prompt: Give the label of the text.
"""
LONG = "and it came on a sunny Monday in a red box with a bow"
ROWS = [f"{w} {i} {LONG},{t}" for i in range(15) for w, t in (("love it", "good"), ("poor", "bad"))]
BETTER = Prompt("Give the label.\n- good: love\n- bad: poor", template="{{text}}")


@dataclass(frozen=True)
class Stopped:
    """Measures one prompt, and is stopped by the user."""

    async def run(self, search: Search) -> None:
        await search.map(search.evaluate, search.accept([BETTER], operator="own"))
        raise Interrupted("The user stopped it.")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("place")
    (place / "shop").mkdir()
    (place / "shop/task.yaml").write_text(TASK)
    (place / "shop/rows.csv").write_text("\n".join(["text,label", *ROWS]))
    options = Options(track=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        with pytest.raises(Interrupted):
            optimize("shop", Stopped(), budget=Budget(max_calls=200), options=options)
    return place


@pytest.fixture
def folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.chdir(place)
    return find_run("last", place / ".apo")


@pytest.fixture
def running(folder: RunFolder) -> Iterator[RunFolder]:
    """The run as long as a process makes it."""
    folder.set_state("running")
    with FileLock(f"{folder.journal_path}.lock"):
        yield folder
    folder.set_state("interrupted")


def nothing(*_: object) -> list[dict[str, object]]:
    """The candidates of a run that has measured none."""
    return []


def told(*arguments: str) -> tuple[str, str]:
    done = RUNNER.invoke(app, list(arguments))
    assert done.exit_code == 0, done.exception
    return done.stdout, done.stderr


# --- what is there can be used


def test_its_best_prompt_so_far_is_tried_and_looked_at(folder: RunFolder) -> None:
    way = f"{folder.id} is not finished yet. Go on with: apo resume"
    for run in ("last", f"last:{BETTER.id}"):
        out, err = told("try", run, "--input", "love it")
        assert way in err
        assert f"\n{'the best so far' if run == 'last' else BETTER.id}: " in out
    for command in ("lint", "tokens"):
        for more in ((), ("--task", "shop")):
            of_best = told(command, "last", *more)
            assert way in of_best[1]
            assert of_best[0] == told(command, f"last:{BETTER.id}", *more)[0]


def test_without_a_measured_prompt_there_is_none(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apo.storage.summary._rows", nothing)
    for command in (["try", "last", "-i", "x"], ["lint", "last"], ["tokens", "last"]):
        done = RUNNER.invoke(app, command)
        assert isinstance(done.exception, RunError)
        assert f"{folder.id} has no best prompt yet. Go on with" in str(done.exception)


def test_a_gate_takes_a_prompt_with_a_verdict(folder: RunFolder) -> None:
    done = RUNNER.invoke(app, ["gate", "shop", "last", "last"])
    assert f"{folder.id} has no result yet. Go on with: apo resume" in str(done.exception)


# --- who goes on


def test_one_that_is_running_is_watched_and_not_resumed(running: RunFolder) -> None:
    way = f"It is running; look on with: apo watch {running.id}"
    assert f"There is no result yet. {way}" in told("show", "last")[1]
    assert f"is not finished yet. {way}" in told("lint", "last")[1]
    for command in (["export", "last"], ["show", "last", "--flips"]):
        assert way in str(RUNNER.invoke(app, command).exception)
    done = RUNNER.invoke(app, ["resume", "last"])
    assert isinstance(done.exception, RunError)
    assert str(done.exception).endswith(f"goes on already. Look on with: apo watch {running.id}")


@pytest.mark.parametrize(
    ("state", "way"),
    [
        ("running", "진행 중입니다. 지켜보려면: apo watch a-b"),
        ("failed", "계속하려면: apo resume a-b"),
    ],
)
def test_it_is_said_in_korean(state: str, way: str) -> None:
    said = f"a-b has no result yet. {way_on('a-b', state)}"
    assert Catalogue("ko").tell(said) == f"a-b에는 아직 결과가 없습니다. {way}"


@pytest.mark.slow
def test_the_page_of_one_that_is_running_says_so(running: RunFolder) -> None:
    page = run_page(running)
    assert f"the run is running. Look on with: apo watch {running.id}" in page
    assert "apo resume" not in page


# --- suggestions


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Give the label of {{nope}}.", "holds {{nope}}, which is no input field"),
        ("label " * 2500, "characters, over the limit of"),
        ("Give the label, sorry.", "sorry"),
        (f"Give the label, good for: love it 3 {LONG}", "copies a row of the data"),
        (BETTER.instruction, f"is a candidate of the run already: apo show {{run}}:{BETTER.id}"),
        ("Give the label of the text.", "is a candidate of the run already"),
    ],
)
def test_a_suggestion_that_the_search_would_refuse_is_refused_at_once(
    text: str, reason: str, folder: RunFolder
) -> None:
    done = RUNNER.invoke(app, ["suggest", "last", text])
    assert isinstance(done.exception, SettingsError)
    assert reason.replace("{run}", folder.id) in str(done.exception)
    assert not suggestions(folder.path)


def test_a_suggestion_is_left_once(folder: RunFolder) -> None:
    told("suggest", "last", "Give the right label.")
    done = RUNNER.invoke(app, ["suggest", "last", "Give the right label."])
    assert "That is suggested already" in str(done.exception)
    assert len(suggestions(folder.path)) == 1
