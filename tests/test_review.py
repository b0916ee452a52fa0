"""A person reviews what a search proposes: accepted, edited or vetoed, and asked once."""

import builtins
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from apo import Budget, Demo, Interrupted, Options, Prompt, Result, Search, SettingsError
from apo.calls.meter import Meter
from apo.calls.progress import Progress
from apo.cli import app
from apo.cli import review as at_terminal
from apo.cli.console import notes
from apo.guards.contract import Contract
from apo.run.optimize import optimize
from apo.run.resume import resume
from apo.search.candidates import Candidates
from apo.search.review import EDITED, Proposal, Review, Reviews
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal
from apo.storage.record import read_record
from apo.storage.suggestions import suggest
from apo.testing.fakes import FakeModel, FakeOptimizerModel, fake_task

GOOD, BAD, OTHER = Prompt("Answer ++++"), Prompt("Answer +++++"), Prompt("Answer +")
VETO = Review(answer="veto", reason="It shouts.")


@dataclass(frozen=True)
class Proposer:
    """Proposes what it is told to, and asks the writer for one more, round by round."""

    rounds: int = 2

    async def run(self, search: Search) -> None:
        for _ in range(self.rounds):
            for prompt in (
                GOOD,
                BAD,
                replace(BAD, demos=(Demo("x", "x"),)),
                Prompt(" Answer  +++++"),
            ):
                found = search.accept([prompt], operator="own")
                if found:  # As methods do that go on with what they proposed.
                    evaluation = await search.evaluate(prompt)
                    assert evaluation.prompt == prompt
            await search.map(search.evaluate, await search.propose([self.meta(search)]))

    def meta(self, search: Search) -> Any:
        from apo.optimizers import opro

        return search.meta_prompt(
            opro.__file__, "improve", history=search.archive, examples=search.task.train[:2]
        )


@dataclass
class Person:
    """Answers by the instruction; ends the run instead at one question."""

    says: dict[str, Review] = field(default_factory=dict[str, Review])
    ends_at: int = 99
    asked: list[Proposal] = field(default_factory=list[Proposal])

    def __call__(self, proposal: Proposal) -> Review:
        if len(self.asked) == self.ends_at:
            raise Interrupted("The person left.")
        self.asked.append(proposal)
        text = " ".join(proposal.prompt.instruction.split())
        return self.says.get(text, Review(answer="accept"))


def given(home: Path, language: str = "en") -> dict[str, Any]:
    task = replace(fake_task(6), language=language)
    return {"task": task, "optimizer": Proposer(), "model": FakeModel(),
            "optimizer_model": FakeOptimizerModel(), "home": home}  # fmt: skip


def reviewed(home: Path, person: Person | None, *, language: str = "en", **more: Any) -> Result:
    return optimize(
        **{**given(home, language), **more},
        budget=Budget(max_calls=400),
        options=Options(track=False),
        reviewer=person,
    )


def record_of(result: Result) -> Any:
    assert result.folder is not None
    return read_record(result.folder.journal_path)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_vetoed_prompt_never_comes_back_and_the_writer_is_told_why(
    language: str, tmp_path: Path
) -> None:
    writer, person = FakeOptimizerModel(), Person({BAD.instruction: VETO})
    result = reviewed(tmp_path, person, language=language, optimizer_model=writer)
    record = record_of(result)
    assert BAD.instruction not in {c.prompt.instruction for c in record.candidates.values()}
    reasons = [body["reason"] for body in record.refused if "+++++" in body["text"]]
    # The same again, with demos, and wrapped otherwise; in the second round all three once more.
    assert reasons[:6] == ["vetoed by a person: It shouts"] * 6
    assert [p.prompt for p in person.asked[:2]] == [GOOD, BAD]
    assert len(person.asked) == len({p.prompt for p in person.asked})
    assert (person.asked[0].operator, person.asked[0].parent) == ("own", Prompt("Answer"))
    assert [(p.round, p.number) for p in person.asked[:3]] == [(1, 1), (2, 1), (3, 1)]
    told = writer.requests[0].messages[-1].content
    assert told.endswith("<feedback>\nIt shouts.\n</feedback>")
    assert f"<candidate>\n{BAD.instruction}\n</candidate>" in told
    assert ("People have reviewed" in told) == (language == "en")


def test_words_of_a_candidate_outlive_a_veto_on_its_demos(tmp_path: Path) -> None:
    with Journal() as journal:
        reviews = Reviews(journal, lambda _: VETO)
        shown = replace(GOOD, demos=(Demo("x", "x"),))
        reviews.about(shown, "own", GOOD, lambda _: "", words_stand=True)
        assert reviews.veto(shown)
        assert not reviews.veto(GOOD)


@pytest.fixture
def says() -> dict[str, Review]:
    edit = Review(answer="edit", instruction=OTHER.instruction, reason="Say less.")
    return {GOOD.instruction: edit, BAD.instruction: VETO}


def test_an_edited_prompt_stands_in_the_place_of_the_proposal(
    tmp_path: Path, says: dict[str, Review]
) -> None:
    result = reviewed(tmp_path, Person(says))
    record = record_of(result)
    assert record.candidates[OTHER.id].operator == EDITED
    assert record.candidates[OTHER.id].whole is not None
    assert GOOD.id not in record.candidates


@pytest.mark.parametrize(
    ("instruction", "refused"),
    [
        ("Answer", "seen before"),
        ("Answer {{input}}", "the instruction holds the variable {{input}} of the user turn"),
        ("", "the instruction is empty"),
    ],
)
def test_an_edit_that_can_be_no_new_candidate_is_refused(instruction: str, refused: str) -> None:
    def ask(_: Proposal) -> Review:
        return Review(answer="edit", instruction=instruction)

    seed = Prompt("Answer")
    with Journal() as journal:
        contract = Contract([seed], fake_task(6).train, max_chars=100)
        found = Candidates(journal, contract, [seed], Reviews(journal, ask))
        assert found.accept([GOOD], "1", "own", [seed]) == []
        reasons = [event.body["reason"] for event in journal.events() if event.kind == "refused"]
        assert reasons == [refused]
        assert found.standing_for(GOOD) == (seed if instruction == "Answer" else GOOD)


def test_a_resumed_run_asks_nothing_twice_and_ends_the_same(
    tmp_path: Path, says: dict[str, Review]
) -> None:
    whole = Person(says)
    expected = reviewed(tmp_path / "whole", whole)
    first, second = Person(says, ends_at=3), Person(says)
    with pytest.raises(Interrupted, match="The person left") as stopped:
        reviewed(tmp_path / "parts", first)
    run = stopped.value.run_id
    again = given(tmp_path / "parts")
    with pytest.raises(SettingsError, match="nobody is there to be asked"):
        resume(run, **again)
    suggest(RunFolder(tmp_path / "parts" / "runs" / run), BAD)
    result = resume(run, **again, reviewer=second)
    assert [p.prompt for p in first.asked + second.asked] == [p.prompt for p in whole.asked]
    assert result.best == expected.best
    assert result.spent.calls == expected.spent.calls
    refused = f"The suggested prompt {BAD.id} was refused: vetoed by a person: It shouts."
    assert refused in result.notes


def test_the_time_of_a_person_is_no_running_time(tmp_path: Path) -> None:
    now = [0.0]
    meter = Meter(Budget(max_minutes=1), clock=lambda: now[0])
    now[0] = 50.0
    meter.leave_out(45.0)
    assert meter.seconds == 5.0
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        body = {"answer": "accept", "reason": "", "instruction": "", "seconds": 45.0}
        journal.note("review", "x", body)
    with Journal(path) as journal:
        assert -46 < journal.earlier_seconds() < -40


# --- on the terminal ---------------------------------------------------------------------------


def typing(monkeypatch: pytest.MonkeyPatch, lines: Iterable[str]) -> None:
    left = iter(lines)

    def line(_: str = "") -> str:
        said = next(left, None)
        if said is None:
            raise EOFError
        return said

    monkeypatch.setattr(builtins, "input", line)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Review]:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(type(notes), "is_terminal", True)
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    reviewer = at_terminal.reviewer(Progress())

    def asked(*lines: str, number: int = 1) -> Review:
        typing(monkeypatch, lines)
        return reviewer(
            Proposal(
                prompt=GOOD,
                operator="own",
                parent=Prompt("Answer"),
                round=number,
                number=1,
                refusal=lambda prompt: "" if "+" in prompt.instruction else "it lacks a plus",
            )
        )

    return asked


def test_what_is_typed_is_what_is_meant(
    ask: Callable[..., Review], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask("what?", "a") == Review(answer="accept")
    assert ask("V", "It shouts.") == VETO
    assert ask("v", "") == Review(answer="veto")
    edited = ask("e", "Answer", "e", "", "e", "Answer +", "Say less.")
    assert edited == Review(answer="edit", instruction="Answer +", reason="Say less.")
    told = capsys.readouterr().err
    assert "Round 1, proposal 1, by own" in told
    assert "Answer{+ +++++}" in told
    assert "That cannot be a candidate: it lacks a plus." in told
    assert ask("r", number=7) == Review(answer="accept")
    assert ask(number=7) == Review(answer="accept")
    with pytest.raises(Interrupted, match="asks about that one first"):
        ask(number=8)
    with pytest.raises(Interrupted):
        ask("q", number=8)


def test_nobody_answers_in_a_pipe_or_on_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    piped = CliRunner().invoke(app, ["optimize", "support-tickets", "--review"])
    assert "nobody can answer where input and notes are no terminal" in str(piped.exception)
    assert not (tmp_path / ".apo").exists()
