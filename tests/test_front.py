"""Objectives from a journal, the front, and the cheapest prompt near the best."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.cli.results import tell_front
from apo.errors import JournalError, RunError, SettingsError
from apo.prompts.prompt import Prompt
from apo.results.front import OBJECTIVES, cheapest, objectives, price_of, with_front
from apo.results.standings import Standing, standings
from apo.storage.folder import RunFolder, create_run
from apo.storage.journal import Journal
from apo.storage.rows import Entry
from apo.usage import Usage

SEED, SHORT, LONG = Prompt("Sort the ticket."), Prompt("Sort."), Prompt("티켓을 분류하세요. " * 9)
PRICES = {"m": {"input": 1.0, "output": 10.0, "cached_input": 0.5}}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    settings: dict[str, Any] = {
        "task": "t",
        "task_ref": None,
        "optimizer": {"name": "opro", "settings": {}},
        "model": "m",
        "optimizer_model": None,
        "options": {"prices": PRICES},
    }
    return create_run(tmp_path, "t", "opro", settings)


def tell(
    journal: Journal,
    prompt: Prompt,
    value: float,
    *,
    operator: str = "improve",
    whole: bool = True,
    missed: Sequence[str] = (),
) -> None:
    body: dict[str, Any] = {"operator": operator, "parents": [], "prompt": prompt.to_dict()}
    journal.note("candidate", prompt.id, body)
    figures = {"n": 2, "value": value, "at_least": value, "mean": value, "right": 1, "wrong": 1}
    figures |= {"malformed": 0, "error": 0, "tokens": 10}
    event = {"candidate": prompt.id, "whole": whole, "calls": 1, "usd": None, **figures}
    journal.note("evaluation", f"0 {prompt.id}", {**event, "missed": [*missed]})


def ask(
    journal: Journal, prompt: Prompt, example: str, usage: Usage, seconds: float = 1.0, **more: Any
) -> None:
    key = f"{prompt.id} {example} {more.pop('place', '')}"
    given: dict[str, Any] = {"role": "task", "request": f"{prompt.id} {example}", "reply": "답"}
    journal.add(Entry(key, model="m", usage=usage, seconds=seconds, **{**given, **more}))


def three(folder: RunFolder) -> None:
    with folder.open_journal() as journal:
        tell(journal, SEED, 0.5, operator="seed")
        tell(journal, SHORT, 0.5)
        tell(journal, LONG, 0.75)
        for prompt, tokens in ((SEED, 40), (SHORT, 20), (LONG, 100)):
            ask(journal, prompt, "e1", Usage(tokens, 2), 1.0)
            ask(journal, prompt, "e2", Usage(tokens + 2, 4), 3.0)
        ask(journal, SEED, "e3", Usage(999, 999), 99.0)  # A test example: the others lack it.


def test_figures_are_of_what_all_were_asked(folder: RunFolder) -> None:
    three(folder)
    found = {s.id: s for s in standings(folder)}
    assert [s.id for s in standings(folder)] == [LONG.id, SHORT.id, SEED.id]
    seed = found[SEED.id]
    assert (seed.input_tokens, seed.output_tokens, seed.seconds) == (41.0, 3.0, 2.0)
    assert seed.usd == pytest.approx((41 * 1 + 3 * 10) / 1e6)
    assert not seed.estimated


@pytest.mark.parametrize("waited", [None, 4.0])
def test_latency_is_on_the_wire_where_the_journal_tells_it_apart(
    waited: float | None, folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with folder.open_journal() as journal:
        tell(journal, SEED, 0.5, operator="seed")
        ask(journal, SEED, "e1", Usage(40, 2), 1.0, waited=waited)
    if waited is None:  # As earlier versions wrote it.
        with sqlite3.connect(folder.journal_path) as old:
            old.execute("ALTER TABLE calls DROP COLUMN waited")
        old.close()
    (seed,) = standings(folder)
    assert (seed.seconds, seed.waited) == (1.0, waited)
    tell_front(with_front([seed], ["score", "tokens"]), ["score", "tokens"])
    said = "queue included" if waited is None else "a call, on the wire"
    assert said in " ".join(capsys.readouterr().out.split())


def test_answers_of_other_runs_have_no_latency(folder: RunFolder, tmp_path: Path) -> None:
    shared = tmp_path / "answers.db"
    with Journal(tmp_path / "other.db", shared) as other:
        ask(other, SEED, "e1", Usage(40, 2), 5.0)
    with folder.open_journal(reuse=True) as journal:
        tell(journal, SEED, 0.5, operator="seed")
        assert journal.find_all([f"{SEED.id} e1 "])
    (seed,) = standings(folder)
    assert (seed.input_tokens, seed.seconds) == (40.0, None)


def test_answers_in_batches_have_none_either(folder: RunFolder) -> None:
    folder.update(options={"batch": True, "prices": PRICES})
    three(folder)
    assert all(s.seconds is None and s.usd for s in standings(folder))


def test_without_counts_tokens_are_guessed_for_all(folder: RunFolder) -> None:
    three(folder)
    with folder.open_journal() as journal:
        tell(journal, Prompt("네"), 0.1)
        ask(journal, Prompt("네"), "e1", Usage(None, None))
        ask(journal, Prompt("네"), "e2", Usage(7, 1))
    found = standings(folder)
    assert all(s.estimated for s in found)
    last = found[-1]
    assert last.input_tokens == len(Prompt("네").text().encode()) / 4
    assert (last.usd, last.output_tokens) == (None, None)  # Unknown is not 0.
    assert objectives(found) == ["score", "tokens"]


def test_how_likely_answers_were_is_no_answer(folder: RunFolder) -> None:
    three(folder)
    with folder.open_journal() as journal:
        ask(journal, SEED, "e1", Usage(500, 1), place="likely", reply="[-0.5, -0.1]")
        ask(journal, SEED, "e2", Usage(500, 0), place="likely", reply="[]")
        ask(journal, SEED, "e2", Usage(500, 9), place="judge", role="judge")
    assert next(s for s in standings(folder) if s.id == SEED.id).input_tokens == 41.0


def test_an_unknown_price_is_no_price(folder: RunFolder) -> None:
    folder.update(options={"prices": {}})
    three(folder)
    found = standings(folder)
    assert {s.usd for s in found} == {None}
    with pytest.raises(SettingsError, match="The cost of some candidates is unknown"):
        objectives(found, ["cost"])


def test_who_breaks_what_must_pass_is_behind_and_on_no_front(folder: RunFolder) -> None:
    with folder.open_journal() as journal:
        tell(journal, SEED, 0.5, operator="seed", missed=["a"])
        tell(journal, LONG, 0.9, missed=["a", "b"])
        tell(journal, SHORT, 0.6, missed=["a"])
    found = with_front(standings(folder), ["score"])
    assert [(s.id, s.broken, s.front) for s in found] == [
        (SHORT.id, (), True),
        (SEED.id, (), False),
        (LONG.id, ("b",), False),
    ]
    assert cheapest(found, 100)[0].id != LONG.id


def test_a_run_without_anything_whole(folder: RunFolder) -> None:
    with pytest.raises(RunError, match="no candidate measured on the whole validation split yet"):
        standings(folder)
    with folder.open_journal() as journal:
        tell(journal, SEED, 0.5, operator="seed", whole=False)
    with pytest.raises(RunError, match="apo resume"):
        standings(folder)


def test_a_damaged_journal_is_told(folder: RunFolder) -> None:
    with folder.open_journal() as journal:
        tell(journal, SEED, 0.5, operator="seed")
        (event,) = (e for e in journal.events() if e.kind == "evaluation")
        journal.note("evaluation", "1", {**event.body, "missed": 7})
    with pytest.raises(JournalError, match="missed"):
        standings(folder)


def test_damaged_prices_are_told(folder: RunFolder) -> None:
    folder.update(options={"prices": {"m": {"gold": 1}}})
    three(folder)
    with pytest.raises(RunError, match="its prices are damaged"):
        standings(folder)


# --- the front, by figures alone


def standing(place: int, score: float, tokens: float, usd: float | None = None) -> Standing:
    return Standing(
        id=f"{place}", operator="x", prompt={}, score=score, input_tokens=tokens,
        output_tokens=1.0, usd=usd, seconds=0.1,
    )  # fmt: skip


figures = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3]), st.integers(1, 4)), min_size=1)


@given(figures)
def test_the_front_is_of_those_that_nobody_beats(found: list[tuple[float, int]]) -> None:
    given_ones = [standing(i, *pair) for i, pair in enumerate(found)]
    front = {int(s.id) for s in with_front(given_ones, ["score", "tokens"]) if s.front}
    points = [(score, -tokens) for score, tokens in found]

    def beats(a: tuple[float, int], b: tuple[float, int]) -> bool:
        return a != b and a[0] >= b[0] and a[1] >= b[1]

    unbeaten = {p for p in points if not any(beats(q, p) for q in points)}
    assert front == {points.index(p) for p in unbeaten}  # Of equals the first.


def test_one_objective_has_one_on_its_front() -> None:
    found = with_front([standing(0, 0.5, 9), standing(1, 0.5, 2), standing(2, 0.4, 2)], ["tokens"])
    assert [s.front for s in found] == [False, True, False]


def test_objectives_by_default_and_as_wanted() -> None:
    paid = [standing(0, 0.5, 9, 0.1), standing(1, 0.4, 2, 0.0)]
    assert objectives(paid) == ["score", "cost"]
    assert objectives([replace(s, usd=0.0) for s in paid]) == ["score", "tokens"]  # All are free.
    assert objectives(paid, ["latency", "score", "latency"]) == ["latency", "score"]
    assert set(OBJECTIVES) == {"score", "tokens", "output", "cost", "latency"}


@pytest.mark.parametrize("name", ["", "scores", "비용", "{}", "\x1b"])
def test_an_unknown_objective_lists_the_known_ones(name: str) -> None:
    with pytest.raises(SettingsError, match="Known: score, tokens, output, cost, latency"):
        objectives([standing(0, 0.5, 9)], [name])


def test_the_cheapest_within_some_points() -> None:
    found = [standing(0, 0.90, 90), standing(1, 0.895, 50), standing(2, 0.89, 40),
             standing(3, 0.5, 1)]  # fmt: skip
    chosen = {points: cheapest(found, points)[0].id for points in (0, 0.5, 1, 39.9, 40, 100)}
    assert chosen == {0: "0", 0.5: "1", 1: "2", 39.9: "2", 40: "3", 100: "3"}
    assert cheapest(found, 1)[1] == "tokens"


def test_money_decides_before_tokens_and_rank_among_equals() -> None:
    found = [standing(0, 0.9, 10, 0.5), standing(1, 0.9, 20, 0.1), standing(2, 0.9, 5, 0.1)]
    assert cheapest(found, 0) == (found[1], "cost")
    assert price_of(found[1], "cost") == 0.1
    assert price_of(found[1], "tokens") == 21.0


@pytest.mark.parametrize("points", [-1, -1e-9, 100.5, float("nan"), float("inf")])
def test_silly_points_are_refused(points: float) -> None:
    with pytest.raises(SettingsError, match="in points of the score, from 0 to 100"):
        cheapest([standing(0, 0.5, 9)], points)
