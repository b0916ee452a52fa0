"""A person's prompt in a search: on equal terms, while it runs, when it was stopped, resumed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from apo import Budget, Interrupted, Options, Prompt, Result, RunError, Search, optimize, resume
from apo.cli import app
from apo.storage.folder import RunFolder, find_run
from apo.storage.record import read_record
from apo.storage.suggestions import FILE, suggest, suggestions
from apo.testing.fakes import FakeModel, FakeOptimizerModel, fake_task

BETTER, WORSE = Prompt("Answer ++++++++"), Prompt("Answer, please")


def nothing(folder: RunFolder) -> None:
    """Nothing happens beside the search."""


def better(folder: RunFolder) -> None:
    suggest(folder, BETTER)


@dataclass(frozen=True)
class Interrupter:
    """Searches a little; what happens beside it on the way is a function of the run's folder."""

    meanwhile: ClassVar[Callable[[RunFolder], None]] = staticmethod(nothing)
    rounds: int = 3

    async def run(self, search: Search) -> None:
        for number in range(self.rounds):
            found = search.accept([Prompt(f"Answer {'+' * number}")], operator="own")
            await search.map(search.evaluate, found)
            assert search.folder is not None
            type(self).meanwhile(RunFolder(search.folder))


GIVEN: dict[str, Any] = {"task": fake_task(), "model": FakeModel(),
                         "optimizer_model": FakeOptimizerModel()}  # fmt: skip


def run(home: Path, *, max_calls: int = 400) -> Result:
    return optimize(
        GIVEN["task"],
        Interrupter(),
        model=FakeModel(),
        optimizer_model=FakeOptimizerModel(),
        budget=Budget(max_calls=max_calls),
        options=Options(track=False, max_concurrency=4),
        home=home,
    )


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[RunFolder], None]], None]:
    return lambda happens: monkeypatch.setattr(Interrupter, "meanwhile", staticmethod(happens))


def worse(folder: RunFolder) -> None:
    suggest(folder, WORSE)


def forbidden(folder: RunFolder) -> None:
    suggest(folder, Prompt("x" * 9000))


def stop(_: RunFolder) -> None:
    raise Interrupted("The user stopped it.")


def test_a_suggestion_to_a_running_search_wins_where_it_is_the_best(
    tmp_path: Path, meanwhile: Any
) -> None:
    without = run(tmp_path / "without")
    meanwhile(better)
    result = run(tmp_path / "with")
    assert result.best.prompt == BETTER
    assert result.verdict is not None
    assert f"The suggested prompt {BETTER.id} was measured with the others: " in result.notes[0]
    assert result.notes[0].endswith("on validation, the best.")
    assert result.spent.calls == without.spent.calls + 20  # The validation split, once.
    record = read_record(tmp_path / "with" / "runs" / result.run_id / "journal.db")
    assert record.candidates[BETTER.id].operator == "suggested"
    assert record.best is record.candidates[BETTER.id]


def test_a_suggestion_that_is_worse_changes_no_choice(tmp_path: Path, meanwhile: Any) -> None:
    without = run(tmp_path / "without")
    meanwhile(worse)
    result = run(tmp_path / "with")
    assert result.best.prompt == without.best.prompt
    assert result.verdict == without.verdict


def test_a_stopped_search_takes_a_suggestion_when_it_goes_on(
    tmp_path: Path, meanwhile: Any
) -> None:
    meanwhile(better)
    whole = run(tmp_path / "whole")
    meanwhile(stop)
    with pytest.raises(Interrupted):
        run(tmp_path / "stopped")
    folder = find_run("last", tmp_path / "stopped")
    suggest(folder, BETTER)
    suggest(folder, BETTER)
    meanwhile(nothing)
    given: dict[str, Any] = {**GIVEN, "optimizer": Interrupter(), "home": tmp_path / "stopped"}
    result = resume(folder.id, **given)
    assert (result.best.prompt, result.verdict) == (BETTER, whole.verdict)
    assert result.spent.calls == whole.spent.calls
    folder.set_state("interrupted")  # As after a kill at the very end: nothing is paid again.
    again = resume(folder.id, **given)
    assert again.to_dict()["verdict"] == result.to_dict()["verdict"]
    assert again.spent.calls == result.spent.calls


def test_a_suggestion_comes_on_top_of_the_limit_in_calls(tmp_path: Path, meanwhile: Any) -> None:
    n = run(tmp_path / "without").spent.calls
    meanwhile(better)
    result = run(tmp_path / "with", max_calls=n)
    assert result.best.prompt == BETTER
    assert result.spent.calls <= n + 20
    assert not result.overspent


def test_what_the_contract_forbids_is_refused(tmp_path: Path, meanwhile: Any) -> None:
    meanwhile(forbidden)
    result = run(tmp_path)
    assert f"The suggested prompt {Prompt('x' * 9000).id} was refused: " in result.notes[0]
    assert result.refused["n"] == 1


def test_a_finished_run_takes_none(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.folder is not None
    with pytest.raises(RunError, match="is finished, and its verdict is reached once"):
        suggest(result.folder, BETTER)


def test_one_that_came_too_late_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def before(_: Path) -> list[Prompt]:
        return []

    def after(_: Path) -> list[Prompt]:
        return [BETTER]

    monkeypatch.setattr("apo.run.session.suggestions", before)
    monkeypatch.setattr("apo.storage.suggestions.suggestions", after)
    result = run(tmp_path)
    assert "1 suggestion came when the search had ended, and was not measured." in result.notes


def test_damaged_suggestions_are_told(tmp_path: Path) -> None:
    assert suggestions(tmp_path) == []
    for text in ("{", "[1]", '{"prompt": 1}', '{"prompt": {"nothing": 1}}'):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(RunError, match=r"suggestions\.jsonl"):
            suggestions(tmp_path)
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").touch()
    with pytest.raises(RunError, match="it is a link"):
        suggestions(tmp_path)


def test_the_command_leaves_a_text_or_a_file(
    tmp_path: Path, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    meanwhile(stop)
    with pytest.raises(Interrupted):
        run(tmp_path / ".apo")
    folder = find_run("last", tmp_path / ".apo")
    typed = CliRunner().invoke(app, ["suggest", "last", " Answer ++++++++ "])
    assert typed.exit_code == 0, typed.exception
    assert f"Suggested: {BETTER.id}." in typed.stdout
    assert f"apo resume {folder.id}" in typed.stderr
    (tmp_path / "mine.txt").write_text("답하세요.\n\n{{input}}")
    told = json.loads(CliRunner().invoke(app, ["suggest", "last", "mine.txt", "--json"]).stdout)
    assert told["state"] == "interrupted"
    first, second = suggestions(folder.path)
    assert (first, second.instruction) == (BETTER, "답하세요.")
    empty = CliRunner().invoke(app, ["suggest", "last", " "])
    assert "The suggestion is empty" in str(empty.exception)
