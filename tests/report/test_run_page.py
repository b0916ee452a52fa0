"""The report of a run: what it tells, that nothing of others acts in it, and how large it gets."""

import asyncio
import re
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from apo import Budget, Options, Prompt, Result, RunError, Search, optimize
from apo.display.page import POLICY, told
from apo.display.picture import style
from apo.display.plots import curve_plot
from apo.prompts.prompt_set import PromptSet
from apo.report.allowance import Allowance
from apo.report.audit_page import audit_page
from apo.report.points import clouds
from apo.report.run_page import run_page
from apo.report.tree import MAX_DEPTH, Node, shortened, tree_of
from apo.results.outcome import outcome
from apo.results.standings import standings
from apo.storage.folder import RunFolder
from apo.storage.summary import summary
from tests.report.conftest import HOSTILE, HostileModel, hostile_task
from tests.report.pages import Page


@pytest.fixture(scope="module")
def folder(hostile: Result) -> RunFolder:
    assert hostile.folder is not None
    return hostile.folder


@pytest.fixture(scope="module")
def page(folder: RunFolder) -> Page:
    return Page(run_page(folder))


def test_nothing_of_others_acts_in_a_page(page: Page) -> None:
    assert not page.faults()
    assert not page.unclosed
    for text in HOSTILE[:3]:
        assert text in page.seen
        assert text not in page.html
    assert "{{ 7 * 7 }}" in page.seen
    assert not re.search(r"[\x00-\x08\x1b\u202e\u2066\ud800-\udfff]", page.html)


def test_a_page_fetches_nothing(page: Page) -> None:
    policies = [a["content"] for tag, a in page.elements
                if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    assert policies == [POLICY]
    assert "script-src" not in POLICY
    assert POLICY.startswith("default-src 'none'")
    assert not re.search(r"@import|url\((?!#)", page.html)
    assert not re.findall(r"https?://(?!www\.w3\.org/)", page.html)


def test_the_outcome_is_told_in_the_words_of_the_run(folder: RunFolder, page: Page) -> None:
    document = summary(folder)
    assert outcome(document).reason in page.seen
    assert all(" ".join(note.split()) in page.seen for note in document["notes"])
    verdict = document["verdict"]
    assert f"{100 * verdict['best_score']:.1f} %" in page.seen
    assert f"Lost: {verdict['losses']}" in page.seen
    assert f"Won: {verdict['wins']}" in page.seen


def test_each_candidate_and_each_refused_text_has_its_place(folder: RunFolder, page: Page) -> None:
    document = summary(folder)
    places = [
        a["id"] for tag, a in page.elements if tag == "li" and a.get("id", "").startswith("c-")
    ]
    assert len(places) == len(document["candidates"])
    assert page.seen.count("refused · ") == document["refused"]["n"]


def test_pictures_tell_themselves_and_have_a_table(page: Page) -> None:
    pictures = [a for tag, a in page.elements if tag == "svg"]
    assert len(pictures) == 4  # Interval, curve, length, tokens.
    assert all(a["role"] == "img" and len(a["aria-label"]) > 30 for a in pictures)
    for caption in ("Rises of the best validation score", "The front", "Answered calls by role"):
        assert caption in page.seen
    tables = [tag for tag, _ in page.elements if tag in ("table", "caption")]
    assert tables.count("table") == tables.count("caption")


@dataclass(frozen=True)
class Nothing:
    """An optimizer that tries nothing, so that the seed prompt stays alone."""

    async def run(self, search: Search) -> None:
        """Return at once."""


def test_one_prompt_alone_is_no_picture_and_has_no_interval(tmp_path: Path) -> None:
    alone = optimize(
        hostile_task(), Nothing(), model=HostileModel(), budget=Budget(max_calls=260),
        options=Options(track=False), home=tmp_path,
    )  # fmt: skip
    assert alone.folder is not None
    told = Page(run_page(alone.folder))
    assert not [tag for tag, _ in told.elements if tag == "svg"]
    assert "One prompt alone was measured on the whole validation split: " in told.seen
    assert "95 % interval" not in told.seen
    assert not told.faults()


def test_axes_name_whole_calls_and_no_score_above_all() -> None:
    with style():
        figure = curve_plot([16, 17], [0.9, 1.0], 18, tried=[(16, 0.9), (17, 1.0)])
        figure.canvas.draw()
    (axes,) = figure.axes
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert "100 %" in shown
    assert all(float(text[:-2]) <= 100 for text in shown if text)
    assert all("." not in label.get_text() for label in axes.get_xticklabels())


def test_the_spend_adds_up(folder: RunFolder, page: Page) -> None:
    spent = (folder.result or {})["spent"]
    rows = re.findall(r"(task|optimizer) fake(?:-optimizer)? ([\d,]+) ", page.seen)
    assert sum(int(n.replace(",", "")) for _, n in rows) == spent["calls"]


def test_a_key_of_this_process_is_in_no_page(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = RunFolder(shutil.copytree(folder.path, tmp_path / "copy"))
    key = 'sk-"7zq&a91c<24'
    copy.update(options={"note": f"my {key}"}, where="https://me:pw@host/v1")
    monkeypatch.setenv("SOME_API_KEY", key)
    told = Page(run_page(copy))
    assert "my ***" in told.seen
    assert "7zq" not in told.html  # No letters of a commit.
    assert "https://***@host/v1" in told.seen


def test_a_run_without_a_result_has_a_page(folder: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(shutil.copytree(folder.path, tmp_path / "copy"))
    (copy.path / "result.json").unlink()
    (copy.path / "test.jsonl").unlink()
    copy.set_state("interrupted")
    told = Page(run_page(copy))
    assert (
        "There is no result yet: the run is interrupted. Go on with: apo resume copy" in told.seen
    )
    assert not told.faults()
    (copy.path / "journal.db").unlink()  # Nor has one that has not begun.
    assert "Nothing was measured on the whole validation split yet" in Page(run_page(copy)).seen


def test_a_candidate_that_came_while_the_page_was_made_is_shown(folder: RunFolder) -> None:
    found = standings(folder)
    with style():
        first, *_ = clouds(found, {found[0].id: "first"}, found[0].id)
    assert first.front[0][0] in ("first", *(s.id for s in found))
    assert all(s.id in str(first.picture) for s in found[1:])
    assert "first, " in str(first.picture)


def test_a_damaged_audit_is_told(folder: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(shutil.copytree(folder.path, tmp_path / "copy"))
    (copy.path / "audit.json").write_text("{")
    with pytest.raises(RunError, match=r"audit\.json cannot be read: .* Audit anew\."):
        run_page(copy)


@pytest.mark.parametrize("audit", [[], {"task": "x"}, {"prompts": {"a": 1}}])
def test_an_audit_of_the_wrong_shape_is_told(audit: Any) -> None:
    with pytest.raises(RunError, match=r"audit\.json"):
        audit_page(audit)


def test_the_page_of_a_large_run_is_small_and_soon_there(large: RunFolder) -> None:
    begun = time.monotonic()
    told = Page(run_page(large))
    assert time.monotonic() - begun < 10
    assert len(told.html.encode()) < 3_000_000
    assert not told.faults()
    assert "300 more candidates" in told.seen
    assert re.search(r"The page has no room for \d+ more: apo show \S+ --flips --json", told.seen)


# --- its parts ------------------------------------------------------------------------------


def row(name: str, ordinal: int, *parents: str) -> dict[str, Any]:
    prompt = {"instruction": f"Do {name}"}
    above = [parent * 12 for parent in parents]
    return {"id": name * 12, "ordinal": ordinal, "parents": above, "n": 1, "operator": "x",
            "prompt": prompt, "value": 0.5, "whole": True, "broken": []}  # fmt: skip


def outline(nodes: list[Node]) -> list[Any]:
    return [(node.name[0], outline(node.children)) if node.children else node.name[0]
            for node in nodes]  # fmt: skip


def test_candidates_stand_under_the_first_of_their_parents() -> None:
    rows = [
        row("c", 2, "b", "a"),
        row("a", 0),
        row("b", 1, "a"),
        row("d", 3, "gone"),
        row("e", 4, "a"),
    ]
    refused: list[dict[str, Any]] = [
        {"parents": ["b" * 12], "operator": "x", "reason": "copies a row", "text": "no"},
        {"parents": [], "operator": "x", "reason": "empty", "text": ""},
    ]
    tree = tree_of(rows, refused, "c" * 12, Allowance(10_000))
    assert outline(tree.roots) == [("a", [("b", ["c"]), "e"]), "d"]
    b = tree.roots[0].children[0]
    assert [text["reason"] for text in b.refused] == ["copies a row"]
    assert [text["reason"] for text in tree.refused] == ["empty"]
    assert [n.way for n in (tree.roots[0], b, b.children[0], tree.roots[1])] == [True] * 3 + [False]
    assert b.children[0].best
    assert b.children[0].parents == ("bbbbbb", "aaaaaa")
    assert ("removed", "b") in b.children[0].changes


def test_a_long_line_of_descent_is_no_deep_list() -> None:
    names = "abcdefghijklmnop"
    rows = [row(name, i, *names[i - 1 : i]) for i, name in enumerate(names)]
    tree = tree_of(rows, [], "", Allowance(10_000))
    depth, node = 0, tree.roots[0]
    while node.children:
        depth, node = depth + 1, node.children[0]
    assert depth == MAX_DEPTH
    text = str(outline(tree.roots))
    assert all(f"'{name}'" in text for name in names)


def test_what_there_is_no_room_for_is_counted() -> None:
    rows = [row(name, i) for i, name in enumerate("abc")]
    refused: list[dict[str, Any]] = [{"parents": [], "reason": "x", "text": "y" * 700}] * 5
    tree = tree_of(rows, refused, "", Allowance(1200))
    assert (len(tree.refused), tree.refused_left_out) == (2, 3)
    assert tree.refused[0]["text"].endswith("yy… (700 characters)")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([("same", "a" * 900), ("added", "new")], ["skipped", "same", "added"]),
        ([("removed", "old"), ("same", "a" * 900)], ["removed", "same", "skipped"]),
        ([("added", "x"), ("same", "a" * 900), ("removed", "y")],
         ["added", "same", "skipped", "same", "removed"]),
        ([("same", "short"), ("added", "x")], ["same", "added"]),
    ],
)  # fmt: skip
def test_what_did_not_change_is_left_out(changes: list[tuple[str, str]], told: list[str]) -> None:
    found = shortened(changes)
    assert [kind for kind, _ in found] == told
    left = sum(int(re.sub(r"\D", "", text)) for kind, text in found if kind == "skipped")
    kept = sum(len(text) for kind, text in found if kind != "skipped")
    assert left + kept == sum(len(text) for _, text in changes)


# --- in a notebook --------------------------------------------------------------------------


def test_a_result_and_its_parts_are_shown_in_a_notebook(hostile: Result) -> None:
    assert hostile.verdict is not None
    shown: list[Any] = [hostile, hostile.verdict, hostile.best, hostile.best.prompt]
    for thing in shown:
        told = Page(thing._repr_html_())
        assert not told.faults()
        assert not told.unclosed
        assert len(told.seen) > 30
    assert outcome(hostile.to_dict()).reason in Page(shown[0]._repr_html_()).seen
    changes = Page(hostile.seed.prompt.diff_html(hostile.best.prompt))
    same = hostile.best.prompt == hostile.seed.prompt
    assert any(tag == "ins" for tag, _ in changes.elements) != same
    assert (
        "The texts are the same." in Page(hostile.best.prompt.diff_html(hostile.best.prompt)).seen
    )


def test_a_program_shows_each_of_its_steps() -> None:
    steps = {"find <it>": Prompt("Find."), "answer": Prompt("Answer.")}
    shown: Any = PromptSet.of(steps)
    told = Page(shown._repr_html_())
    assert "step find <it>" in told.seen
    assert not told.faults()
    candidate = {**row("a", 0), "prompt": shown.to_dict()}
    (node,) = tree_of([candidate], [], "", Allowance(900)).roots
    assert node.opening == "[find <it>] Find. [answer] Answer."


def test_a_result_gives_tidy_tables(hostile: Result) -> None:
    candidates, rows, calls, curve = (
        hostile.candidates(), hostile.rows(), hostile.calls(), hostile.curve(),
    )  # fmt: skip
    assert hostile.verdict is not None
    assert candidates["best"].sum() == 1
    assert candidates.iloc[0]["id"] == hostile.best.prompt.id
    assert list(candidates.columns[:5]) == ["id", "ordinal", "operator", "parents", "score"]
    flips = rows["flip"].value_counts()
    assert flips.get("won", 0) == hostile.verdict.wins
    assert rows["best_score"].mean() == pytest.approx(hostile.verdict.best_score)
    assert 'input_a"b<c>' in rows.columns
    assert len(calls) == hostile.spent.calls
    assert set(calls["role"]) == {"task", "optimizer"}
    task = calls[calls["role"] == "task"]
    assert set(task["prompt"]) == set(candidates[candidates["n"] > 0]["id"])
    assert set(rows["id"]) <= set(task["example"])
    assert curve["best_score"].is_monotonic_increasing
    assert curve["best_score"].iloc[-1] == hostile.best.at_least
    assert curve.iloc[0]["candidate"] == hostile.seed.prompt.id


def test_a_result_draws_its_curve(hostile: Result, tmp_path: Path) -> None:
    picture: Any = hostile.plot()
    assert "best so far" in picture._repr_svg_()
    picture.save(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_result_whose_folder_is_gone_says_so(hostile: Result, tmp_path: Path) -> None:
    gone = replace(hostile, folder=RunFolder(tmp_path / "gone"))
    with pytest.raises(RunError, match=r"is not there at .*gone"):
        gone.rows()
    with pytest.raises(RunError, match="is not there, and its tables"):
        replace(hostile, folder=None).plot()


def test_a_page_is_made_while_a_loop_runs(folder: RunFolder) -> None:
    async def within() -> str:
        return run_page(folder)

    assert asyncio.run(within()).startswith("<!DOCTYPE html>")


def test_no_line_ends_within_a_figure() -> None:
    assert told("p = 1.4e-07; the-rest") == "p\u00a0=\u00a01.4e\u201107; the-rest"
    assert told("39.4 % → 57.7 %, 95 % sure") == "39.4\u00a0% → 57.7\u00a0%, 95\u00a0% sure"
