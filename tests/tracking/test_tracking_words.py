"""Names, figures and words that a run gets in MLflow: pure functions."""

import json
import os
import re
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo.environment import ENVIRONMENT, prepare_environment
from apo.errors import SettingsError
from apo.prompts.layout import Demo
from apo.prompts.prompt import Prompt
from apo.results.outcome import outcome
from apo.storage.candidate import Point
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal
from apo.storage.record import Record
from apo.storage.rows import open_for_reading
from apo.tracking import run_url, tracking_uri, ui_command
from apo.tracking.environment import (
    absolute_uri,
    database_path,
    public_uri,
    safe_name,
    with_password,
)
from apo.tracking.files import candidate_rows, clean
from apo.tracking.parameters import experiment_name, parameters, run_name, tags, told_uri
from apo.tracking.result_points import result_points
from apo.tracking.summary import MAX_NOTE, describe, outcome_sentence
from apo.tracking.told import MAX_LINE, fenced, lost_told, shown

NAMES = st.text(max_size=200)
SETTINGS: dict[str, Any] = {"id": "t-ape-1", "task": "t", "optimizer": {"name": "ape"}}


@given(NAMES, NAMES)
def test_safe_names_are_what_the_registry_takes_and_stay_apart(one: str, other: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,120}", safe_name(one))
    assert (safe_name(one) == safe_name(other)) == (one == other)


def test_a_plain_name_stays_itself() -> None:
    assert safe_name("apo-tickets_2.1") == "apo-tickets_2.1"
    assert safe_name("apo/tickets").startswith("apo-tickets-")


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:////data/m.db", Path("/data/m.db")),
        ("sqlite+pysqlite:////data/한글 폴더/m.db?timeout=5", Path("/data/한글 폴더/m.db")),
        ("sqlite:///m.db", Path.cwd() / "m.db"),
        ("sqlite:///:memory:", None),
        ("sqlite://", None),
        ("http://host/sqlite:///x", None),
        ("postgresql://u:p@host/db", None),
        ("", None),
    ],
)
def test_database_of_a_uri(uri: str, path: Path | None) -> None:
    assert database_path(uri) == path


def test_a_relative_database_is_made_absolute() -> None:
    assert absolute_uri("sqlite:///m.db?timeout=5") == f"sqlite:///{Path.cwd()}/m.db?timeout=5"
    assert absolute_uri("http://host:5000") == "http://host:5000"


def test_addresses_lead_to_pages_that_read_well() -> None:
    assert run_url("http://h:1/", "7") == "http://h:1/#/experiments/7/evaluation-runs"
    assert run_url("http://a:b@h:1", "7", "abc") == "http://h:1/#/experiments/7/runs/abc"


def test_the_users_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "99")
    prepare_environment()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "99"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"


def test_where_runs_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    assert tracking_uri("sqlite:////before.db") == "sqlite:////before.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://h:1")
    assert tracking_uri("sqlite:////before.db") == "http://h:1"


def test_pages_of_a_database_are_served(tmp_path: Path) -> None:
    (tmp_path / "m.db").touch()
    command, environment = ui_command(f"sqlite:///{tmp_path}/m.db", port=7)
    assert command[1:5] == ["-P", "-m", "mlflow", "ui"]
    assert command[command.index("--port") + 1] == "7"
    assert environment["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert environment["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{tmp_path}/m.db"
    assert environment["UVICORN_LIFESPAN"] == "off"  # Or Ctrl-C prints a traceback.


def test_pages_of_a_server_are_there_already(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="http://h:1; open that address"):
        ui_command("http://me:pass@h:1")
    with pytest.raises(SettingsError, match="nothing has been logged there yet"):
        ui_command(f"sqlite:///{tmp_path}/none.db")


def test_settings_become_flat_params() -> None:
    settings = {
        **SETTINGS,
        "optimizer": {"name": "ape", "ref": "ape", "settings": {"n": 3, "deep": {"a": None}}},
        "model": None,
        "budget": {"max_calls": 5, "max_usd": None},
        "options": {"seed": 1, "tracking_uri": "http://me:pass@h", "prices": {"m": [1, 2]}},
        "state": "running",
    }
    expected = {"optimizer": "ape", "task": "t", "optimizer.n": "3", "budget.max_calls": "5"}
    assert parameters(settings) == {**expected, "seed": "1"}
    assert parameters(settings, {"model": "mine", "optimizer_model": None})["model"] == "mine"


def test_experiment_and_store_that_a_run_was_told() -> None:
    assert experiment_name(SETTINGS) == "apo/t"
    assert experiment_name({**SETTINGS, "options": {"experiment": "x"}}) == "x"
    assert experiment_name({**SETTINGS, "tracking": {"experiment": "y"}}) == "y"
    assert told_uri({**SETTINGS, "options": None}) == ""
    assert told_uri({**SETTINGS, "tracking": {"uri": "z"}}) == "z"


def evaluation(
    prompt: Prompt, n: int, mean: float, *, whole: bool = False, error: int = 0, **other: Any
) -> dict[str, Any]:
    body = {"candidate": prompt.id, "whole": whole, "calls": n, "usd": None, "n": n, "value": mean}
    right = round(mean * (n - error))
    body |= {"at_least": mean * (n - error) / n if n else 0.0}
    body |= {"right": right, "wrong": n - error - right, "malformed": 0}
    return {**body, "error": error, "tokens": 5, **other}


def record(*events: tuple[str, str, dict[str, Any]]) -> Record:
    read = Record()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        with Journal(path) as journal:
            for event in events:
                journal.note(*event)
        with closing(open_for_reading(path)) as reader:
            assert read.read(reader) == bool(events)
            assert not read.read(reader)
    return read


def candidate(prompt: Prompt, *parents: Prompt) -> tuple[str, str, dict[str, Any]]:
    ids = [parent.id for parent in parents]
    body = {"operator": "seed", "parents": ids, "prompt": prompt.to_dict()}
    return ("candidate", prompt.id, body)


A, B = Prompt("a"), Prompt("b")


def test_an_empty_journal_has_no_points() -> None:
    read = record()
    assert read.points(settled=True) == []
    assert candidate_rows(read) == []


def test_a_candidate_that_was_not_measured_is_a_row_without_points() -> None:
    read = record(candidate(A), ("lost", "1", {"usd": 0.1}))
    assert read.points(settled=True) == []
    assert list(read.candidates[A.id].validation(0)) == []
    assert candidate_rows(read)[0]["measured"] == "no"


def test_parts_are_weighted_by_what_was_answered() -> None:
    read = record(
        candidate(A),
        ("evaluation", "1", evaluation(A, 10, 0.5)),
        ("evaluation", "2", evaluation(A, 10, 1.0, error=8)),
        ("evaluation", "3", evaluation(A, 4, 0.0, error=4)),
    )
    figures = read.candidates[A.id].figures
    assert figures is not None
    assert figures.score == pytest.approx((10 * 0.5 + 2 * 1.0) / 12)
    assert figures.n == 24
    assert figures.counts["error"] == 12


def test_a_whole_measurement_outweighs_parts_and_the_first_one_counts() -> None:
    read = record(
        candidate(A),
        ("evaluation", "1", evaluation(A, 3, 1.0)),
        ("evaluation", "2", evaluation(A, 10, 0.4, whole=True)),
        ("evaluation", "3", evaluation(A, 10, 0.9, whole=True)),
    )
    points = read.points(settled=True)
    assert [p for p in points if p.key == "candidate/score"] == [Point("candidate/score", 0, 0.4)]


def test_unanswered_is_unknown_and_not_zero() -> None:
    read = record(candidate(A), ("evaluation", "1", evaluation(A, 4, 0.0, whole=True, error=4)))
    keys = {point.key for point in read.points(settled=True)}
    assert "candidate/score" not in keys
    assert "score" not in keys
    assert "best/validation_score" not in keys
    assert candidate_rows(read)[0].get("score") is None


def test_unknown_prices_and_numbers_that_are_none_have_no_points() -> None:
    read = record(
        candidate(A),
        ("evaluation", "1", evaluation(A, 4, 0.5, usd=float("inf"))),
        ("evaluation", "2", evaluation(A, 4, 0.5)),
    )
    assert not [p for p in read.points(settled=True) if p.key == "spend/usd"]


def test_a_score_from_parts_waits_until_it_is_settled() -> None:
    read = record(candidate(A), ("evaluation", "1", evaluation(A, 3, 1.0)))
    assert read.points(settled=False) == []
    assert Point("candidate/score", 0, 1.0) in read.points(settled=True)


def test_more_answers_beat_a_higher_mean() -> None:
    read = record(
        candidate(A),
        candidate(B, A),
        ("evaluation", "1", evaluation(A, 10, 0.6, whole=True)),
        ("evaluation", "2", evaluation(B, 10, 1.0, whole=True, error=5)),
    )
    assert read.best is read.candidates[A.id]


def test_result_points_without_verdict_or_price() -> None:
    spent: dict[str, Any] = {"calls": 3, "input_tokens": 1, "output_tokens": 1, "cached_tokens": 0}
    spent |= {"usd": None, "retries": 0, "seconds": 1.0}
    points = result_points({"spent": spent, "verdict": None})
    assert {point.key for point in points} == {
        "spend/calls", "spend/input_tokens", "spend/output_tokens", "spend/cached_tokens",
        "spend/retries", "spend/seconds",
    }  # fmt: skip


@given(st.text())
def test_no_text_closes_its_fence(text: str) -> None:
    first, *middle, last = fenced(text).split("\n")
    assert first == f"{last}text"
    assert "\n".join(middle) == text
    assert last not in text


@given(st.text("가a b\u3000-", max_size=300))
def test_long_lines_are_wrapped_and_nothing_is_lost(text: str) -> None:
    lines = shown(Prompt(text, template="")).split("\n")[1:-1]
    assert all(len(line) <= MAX_LINE for line in lines)
    assert "".join(lines) == text


@given(st.text(st.characters(codec=None)))
def test_clean_text_can_be_stored(text: str) -> None:
    kept = clean(text)
    kept.encode("utf-8")
    assert "\0" not in kept
    assert len(kept) == len(text)


def test_a_long_prompt_leaves_room_for_the_rest_of_the_note() -> None:
    read = record(candidate(Prompt("word " * 9000)))
    note = describe(SETTINGS, read, None)
    assert "whole in the artifacts" in note
    assert len(note) < MAX_NOTE
    assert "No verdict yet: the search is under way." in note


def test_what_was_measured_and_noticed_is_told() -> None:
    read = record(candidate(Prompt("a")))
    prompt = Prompt("a").to_dict()
    spent = {"calls": 1, "input_tokens": 2, "output_tokens": 3, "usd": None, "seconds": 1.0}
    result = {
        "seed_prompt": prompt, "best_prompt": prompt, "winner": "seed", "verdict": None,
        "validation": {"seed": 0.5, "best": 0.5}, "spent": {**spent, "retries": 0, "lost_usd": 0},
        "metric": "macro_f1", "judge": {"told": "Judge: κ 0.6", "warning": False},
        "gap": {"text": "82 % on validation"}, "notes": ["The judge is <noisy>.", "One was out."],
    }  # fmt: skip
    note = describe(SETTINGS, read, result)
    for told in ("macro_f1", "κ 0.6", "82 % on validation", "One was out."):
        assert told in note
    assert "<noisy>" not in note
    assert "Metric" not in describe(SETTINGS, read, {**result, "metric": ""})


def test_a_description_marks_what_changed_and_lists_what_was_lost(tmp_path: Path) -> None:
    seed, best = Prompt("Name the <b>intent</b>."), Prompt("Name the one " + "long " * 900)
    folder, row = RunFolder(tmp_path), {"inputs": {"t": "where | is\nit"}, "targets": ["a"]}
    answers = {"seed_output": "a", "best_output": "<b>" * 90, "flip": "lost"}
    assert lost_told(folder) == ""
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps(row | answers) + "\n" for _ in range(9)), "utf-8")
    lost = lost_told(folder)
    assert "4 of 9; all are in Artifacts" in lost
    assert lost.count("| where \\| is it | a | a | \\<b\\>") == 4
    path.write_text(json.dumps(row | answers | {"flip": "same"}), "utf-8")
    assert "None: what the seed prompt got right" in lost_told(folder)
    read = record(candidate(seed), candidate(best))
    result = {**RESULT, "seed_prompt": seed.to_dict(), "best_prompt": best.to_dict()}
    note = describe(SETTINGS, read, result, lost)
    assert seed.diff(best)[:60] in note
    places = [note.index(f"### {name}\n") for name in PARTS]
    assert places == sorted(places)
    assert len(note) < MAX_NOTE


PARTS = ("What changed", "Rows lost", "Best prompt", "Seed prompt")
RESULT: dict[str, Any] = {
    "verdict": None, "winner": "best", "validation": {"seed": 0.5, "best": 0.6},
    "spent": {"calls": 1, "input_tokens": 2, "output_tokens": 3, "usd": None, "seconds": 1.0},
}  # fmt: skip


VERDICT: dict[str, Any] = {
    "favourable": True, "n": 50, "seed_score": 0.366, "best_score": 0.837, "difference": 0.471,
    "interval": [0.3, 0.6], "confidence": 0.95, "p_value": 0.001, "wins": 25, "losses": 2,
    "complete": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "name", "sentence"),
    [
        (
            {},
            "✓ ape: favourable, +47.1 points, t 1",
            "Favourable: 36.6 % → 83.7 %, +47.1 points on 50",
        ),
        ({"favourable": False}, "✗ ape: not proven, +47.1 points, t 1", "Not proven: 36.6 %"),
        (
            {"favourable": False, "broken": ["a", "b"]},
            "✗ ape: broke must-pass, +47.1 points, t 1",
            "Not favourable, as 2 examples that must pass are lost: 36.6 %",
        ),
        (
            {"constant": {"answer": "billing", "score": 0.8, "beaten": False}},
            "✗ ape: no better than a constant, +47.1 points, t 1",
            "Better than the seed, but not proven better than always answering 'billing' (80.0 %):",
        ),
    ],
)
def test_a_verdict_is_named_in_the_same_words(
    more: dict[str, Any], name: str, sentence: str
) -> None:
    result = ended({**VERDICT, **more})
    assert run_name(SETTINGS, result) == name
    assert outcome_sentence(SETTINGS, result).startswith(sentence)
    kind = name.partition(": ")[2].partition(",")[0]
    assert outcome(result).kind == kind


def ended(verdict: dict[str, Any]) -> dict[str, Any]:
    return {"seed_prompt": A.to_dict(), "best_prompt": B.to_dict(), "verdict": verdict}


def test_a_description_tells_what_the_prompts_answer() -> None:
    read, prompt = record(candidate(A)), A.to_dict()
    spent = {"calls": 1, "input_tokens": 2, "output_tokens": 3, "usd": None, "seconds": 1.0}
    shares = {"a|b": [0.25, 0.0, 0.95], **{f"<{name}>": [0.1, 0.2, 0.3] for name in "cdef"}}
    verdict = {**VERDICT, "shares": shares, "form_wins": 21}
    result = {
        "seed_prompt": prompt, "best_prompt": prompt, "verdict": verdict, "spent": spent,
        "validation": {"seed": 0.5, "best": 0.5},
    }  # fmt: skip
    note = describe(SETTINGS, read, result)
    assert "a\\|b 0.0 % → 95.0 % (25.0 % of the targets);" in note
    assert "<e>" not in note
    assert note.count("of the targets") == 4
    assert "; … |" in note
    assert "21 of the 25 won are a gain in form" in note
    plain = describe(SETTINGS, read, {**result, "verdict": VERDICT})
    assert "Answers" not in plain
    assert "Form" not in plain


def test_an_incomplete_verdict_says_so() -> None:
    verdict = {
        "favourable": True, "n": 9, "seed_score": 0.1, "best_score": 0.9, "difference": 0.8,
        "interval": [0.5, 1.0], "confidence": 0.95, "p_value": 0.00001, "wins": 8, "losses": 0,
        "complete": False,
    }  # fmt: skip
    sentence = outcome_sentence(SETTINGS, ended(verdict))
    assert sentence.endswith("p = 1e-05; 8 won, 0 lost. The budget ended before all were measured.")


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
@pytest.mark.parametrize(
    ("prompt", "noted"),
    [
        (Prompt("Answer as {json}, 100%."), False),
        (Prompt('Answer {"a": {"b": 1}} or {{"label": "x"}}.'), False),
        (Prompt("Never write {{x}}."), True),
        (Prompt("a", demos=(Demo("{{ y }}", "b"),)), True),
        (Prompt("{% if %}"), True),
        (Prompt("a", context="Facts: {{facts}}"), False),
        (Prompt("a", template="{{질문}}"), True),
    ],
)
def test_what_the_registry_would_fill_wrongly_is_noted(prompt: Prompt, noted: bool) -> None:
    prepare_environment()
    from apo.tracking.registry import caution

    assert bool(caution(prompt)) == noted
    if not noted:  # Who takes it from the registry gets what apo measured.
        from mlflow.entities.model_registry import PromptVersion

        version: Any = PromptVersion  # Its types call it abstract.
        filled = dict.fromkeys(prompt.variables, "text")
        messages = [{"role": m.role, "content": m.content} for m in prompt.messages()]
        expected = [
            {"role": message.role, "content": message.content}
            for message in prompt.messages(filled)
        ]
        assert version("p", 1, messages).format(**filled) == expected


@pytest.mark.parametrize("name", ["질문", "order-id", "2nd"])
def test_a_note_on_names_says_what_to_do(name: str) -> None:
    prepare_environment()
    from mlflow.entities.model_registry import PromptVersion

    from apo.tracking.registry import caution

    prompt = Prompt("a", template=f"{{{{{name}}}}}")
    note = caution(prompt)
    assert f"format(**{{'{name}': …}})" in note
    assert "use Latin letters" in note
    version: Any = PromptVersion  # Its types call it abstract.
    text = version(
        "p", 1, [{"role": m.role, "content": m.content} for m in prompt.messages()]
    ).format(**{name: "text"})
    assert text[1]["content"] == "text"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://token@host:5000/x", "http://host:5000/x"),
        ("https://user:secret@host/a@b", "https://host/a@b"),
        ("http://host:5000/a@b", "http://host:5000/a@b"),
        ("postgresql://apo@host/db", "postgresql://apo@host/db"),
        ("postgresql+psycopg://apo:se/cr:et@host:5432/db", "postgresql+psycopg://apo@host:5432/db"),
        ("postgresql://me:pa%40ss@host/db", "postgresql://me@host/db"),
        ("mysql://apo:@host/db", "mysql://apo@host/db"),
        ("postgresql:///db?user=apo&password=secret&x=1", "postgresql:///db?user=apo&x=1"),
        ("postgresql:///db?password=secret&sslpassword=s2", "postgresql:///db?"),
        ("no way to (http://u:secret@host) 'mysql://u:secret@h'", "no way to (http://host) 'mysql://u@h'"),
        ("sqlite:////data/한글 폴더/m.db", "sqlite:////data/한글 폴더/m.db"),
    ],
)  # fmt: skip
def test_passwords_are_not_shown(uri: str, shown: str) -> None:
    assert public_uri(uri) == shown
    assert public_uri(shown) == shown


def test_a_password_that_was_not_written_down_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = "postgresql://apo:secret@host/db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", whole)
    assert with_password("postgresql://apo@host/db") == whole
    assert with_password("postgresql://apo@other/db") == "postgresql://apo@other/db"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert with_password("postgresql://apo@host/db") == "postgresql://apo@host/db"


def test_no_password_becomes_a_param_or_a_tag() -> None:
    settings = {
        **SETTINGS,
        "model": "http://u:secret@host/v1#m",
        "optimizer": {"name": "joint", "settings": {"storage": "postgresql://u:secret@host/db"}},
        "options": {"tracking_uri": "http://u:secret@host"},
    }
    given = parameters(settings)
    assert given["optimizer.storage"] == "postgresql://u@host/db"
    assert "secret" not in str([given, tags(settings, Record(), None)])
