"""Candidates by their ids, and why a prompt scores otherwise than in the run that found it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from apo.cli import app
from apo.errors import ApoError, RunError, SettingsError
from apo.storage.folder import RunFolder, find_run
from apo.storage.lineage import find_candidate, lineage, short_ids
from apo.storage.summary import candidates

pytestmark = pytest.mark.slow

TASK = "support-tickets"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run whose limits fitted the test split."""
    place = tmp_path_factory.mktemp("place")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        given = ["optimize", TASK, "--max-calls", "400", "--no-track", "-o", "joint"]
        done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.exception
    return place


@pytest.fixture
def apo(place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(place)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def folder(place: Path) -> RunFolder:
    return find_run("last", place / ".apo")


def told(result: Result) -> str:
    assert result.exit_code == 0, result.exception
    return result.output


def choose(folder: RunFolder, row: dict[str, Any], winner: str = "best") -> dict[str, Any]:
    """Make a candidate the run's best prompt; gives the result as it was."""
    before = folder.need_result()
    folder.write("result.json", {**before, "best_prompt": row["prompt"], "winner": winner})
    return before


@pytest.mark.parametrize("place_of_best", [0, 1, -1])
def test_the_winner_stands_first_and_is_marked(
    apo: Callable[..., Result], folder: RunFolder, place_of_best: int
) -> None:
    row = candidates(folder)[place_of_best]
    before = choose(folder, row)
    try:
        text = told(apo("show", "last"))
        first = json.loads(apo("show", "last", "--json").stdout)["candidates"][0]
    finally:
        folder.write("result.json", before)
    lines = text.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("   id "))
    assert lines[place - 1].strip() == "candidates"
    marked = [line for line in lines[place:] if re.match(r"\*  \w{6}  ", line)]
    assert marked == [lines[place + 1]]
    assert marked[0].split()[1] == row["id"][:6]
    assert first["id"] == row["id"]


def test_a_candidate_goes_wherever_a_prompt_goes(
    apo: Callable[..., Result], folder: RunFolder
) -> None:
    row = next(r for r in candidates(folder)[1:] if r["n"] and r["operator"] != "seed")
    name = f"last:{row['id'][:6]}"
    shown = told(apo("show", name))
    assert row["id"] in shown
    assert "── user ──" in shown
    exported = apo("export", name, "--format", "json")
    values = json.loads(exported.stdout)
    known = values.pop("provenance")
    assert values == row["prompt"]
    assert (known["prompt"], known["run"], known["model"]) == (row["id"], folder.id, "embedded")
    assert (known["split"], known["n"]) == ("validation", row["n"])
    assert "There is no verdict on this prompt" in exported.stderr
    found = json.loads(apo("evaluate", TASK, "--prompt", name, "--json").stdout)
    assert found["prompt_id"] == row["id"]
    (seed,) = [r["id"] for r in candidates(folder) if r["operator"] == "seed"]
    gate = json.loads(apo("gate", TASK, f"last:{seed}", name, "--json").stdout)
    assert 0 < gate["n"] <= gate["rows"]
    assert gate["old_score"] != gate["new_score"]
    assert f"support-tickets, {row['id']}: " in told(apo("audit", name, "--max-calls", "30"))
    assert not (folder.path / "audit.json").exists()  # That is of the run's own two prompts.


def test_lineage(apo: Callable[..., Result], folder: RunFolder) -> None:
    row = next(r for r in candidates(folder) if r["parents"])
    text = told(apo("show", f"last:{row['id'][:6]}", "--lineage"))
    assert text.index(row["parents"][0][:6]) < text.rindex(row["id"][:6])
    whole = json.loads(apo("show", "last", "--lineage", "--json").stdout)["lineage"]
    assert whole[-1]["id"] == candidates(folder)[0]["id"]


def rows(**parents: str) -> list[dict[str, Any]]:
    return [
        {"id": name, "parents": given.split(), "ordinal": i}
        for i, (name, given) in enumerate(parents.items())
    ]


@pytest.mark.parametrize(
    ("known", "last", "expected"),
    [
        (rows(s="", a="s", b="s", c="a"), "c", "sac"),
        (rows(s="", a="s", b="s", c="a b"), "c", "sabc"),  # Two parents.
        (rows(s="", a="s", b="a s", c="b a"), "c", "sabc"),  # A parent of a parent.
        (rows(s="", a=""), "a", "a"),  # Written from the task alone.
        (rows(s="b", b="s"), "b", "sb"),  # Damaged: a circle.
        (rows(s="", a="gone"), "a", "a"),
    ],
)
def test_where_a_candidate_came_from(known: list[dict[str, Any]], last: str, expected: str) -> None:
    assert "".join(row["id"] for row in lineage(known, last)) == expected


def test_ids_are_as_long_as_tells_them_apart() -> None:
    assert short_ids(["abcdef123456", "abcdef1f3456", "bbbbbbbbbbbb"]) == {
        "abcdef123456": "abcdef12",
        "abcdef1f3456": "abcdef1f",
        "bbbbbbbbbbbb": "bbbbbbbb",
    }


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("abd", "fits several candidates of r: abd111222333, abd444555666"),
        ("abd112", "no candidate 'abd112'. Did you mean 'abd111'?"),
        ("", "no candidate ''"),
    ],
)
def test_errors_name_near_ids(wanted: str, words: str) -> None:
    known = [{"id": name} for name in ("abd111222333", "abd444555666", "123456789abc")]
    with pytest.raises(RunError) as error:
        find_candidate(known, wanted, "r")
    assert words in str(error.value)
    assert find_candidate(known, "ABD1", "r")["id"] == "abd111222333"


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["show", "last:zzz"], RunError, "has no candidate 'zzz'"),
        (["show", "last:SEED", "--flips"], SettingsError, "are of a whole run"),
        (["export", "last:SEED", "--best"], SettingsError, "not two of them"),
        (["resume", "last:SEED"], RunError, "give the run alone here: last"),
        (["evaluate", TASK, "--prompt", "last:zzz"], ApoError, "has no candidate 'zzz'"),
        (["gate", TASK, "last", "last:zzz"], ApoError, "has no candidate 'zzz'"),
        (["optimize", TASK, "--prompt", "last:zzz"], ApoError, "has no candidate 'zzz'"),
    ],
)
def test_mistakes_are_told(
    apo: Callable[..., Result],
    folder: RunFolder,
    arguments: list[str],
    kind: type[ApoError],
    words: str,
) -> None:
    (seed,) = [row["id"] for row in candidates(folder) if row["operator"] == "seed"]
    done = apo(*(argument.replace("SEED", seed) for argument in arguments))
    assert isinstance(done.exception, kind)
    assert words in str(done.exception)


@pytest.mark.parametrize(
    ("split", "like", "words"),
    [
        ("test", False, ("test examples; these are 208. Its limits had fitted the split to 60",)),
        ("validation", False, ("validation examples; these are 104. Its limits had fitted",)),
        ("test", True, ()),
        ("train", False, ()),
    ],
)
def test_it_is_said_why_a_score_is_not_that_of_the_run(
    apo: Callable[..., Result],
    folder: RunFolder,
    tmp_path: Path,
    split: str,
    like: bool,
    words: tuple[str, ...],
) -> None:
    file = tmp_path / "winner.json"
    file.write_text(json.dumps(folder.need_result()["best_prompt"]), encoding="utf-8")
    given = ["evaluate", TASK, "--prompt", str(file), "--split", split]
    text = told(apo(*given, *(["--like", "last"] if like else [])))
    if words:
        assert words[0] in text
        assert f"--like {folder.id} measures on the same rows" in text
    else:
        assert "this prompt scored" not in text


def test_another_model_and_lost_decoding_are_reasons_too(
    apo: Callable[..., Result], folder: RunFolder, tmp_path: Path
) -> None:
    best = folder.need_result()["best_prompt"]
    warm = {**best, "decoding": {"temperature": 0.3}}
    before, model = choose(folder, {"prompt": warm}), folder.settings["model"]
    folder.update(model="openai/gpt-5-mini")
    try:
        exported = apo("export", "last", "--format", "messages")
        (tmp_path / "m.json").write_text(exported.stdout, encoding="utf-8")
        text = told(apo("evaluate", TASK, "--prompt", str(tmp_path / "m.json")))
    finally:
        folder.write("result.json", before)
        folder.update(model=model)
    assert "measured with temperature 0.3, which this form does not hold" in exported.stderr
    assert "It asked openai/gpt-5-mini, and this is embedded" in text
    assert "other turns or decoding" in text


@pytest.mark.parametrize("form", ["json", "python"])
def test_forms_that_hold_the_decoding_say_nothing(
    apo: Callable[..., Result], folder: RunFolder, form: str
) -> None:
    best = folder.need_result()["best_prompt"]
    before = choose(folder, {"prompt": {**best, "decoding": {"temperature": 0.3}}})
    try:
        exported = apo("export", "last", "--format", form)
    finally:
        folder.write("result.json", before)
    assert "0.3" in exported.stdout
    assert "does not hold" not in exported.stderr
