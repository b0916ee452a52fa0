"""What follows a run, as a user types it: flips, the front, one example, export, transfer."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from apo.cli import app
from apo.errors import ApoError, RunError, SettingsError
from apo.language.catalogue import use
from apo.models.embedded import Embedded
from apo.storage.folder import RunFolder, find_run
from apo.testing.server import serve

WORDS = {"환불": "돈을 돌려", "배송": "택배가 언제", "로그인": "비밀번호를 잊"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run on Korean tickets."""
    place = tmp_path_factory.mktemp("place")
    lines = [
        f"{cue} 문의 {i} 🙂 {{{{중괄호}}}} {'길게 ' * (i % 9 * 20)},{label},{'앱웹'[i % 2]}"
        for i, (label, cue) in enumerate([*WORDS.items()] * 40)
    ]
    (place / "data.csv").write_text("\n".join(["글,뜻,채널", *lines]), encoding="utf-8")
    (place / "task.yaml").write_text(
        "name: 문의\nlanguage: ko\ninputs: [글]\ntarget: 뜻\nlabels: [환불, 배송, 로그인]\n"
        "slices: [채널]\ndata: data.csv\nprompt: 글을 읽고 뜻을 말하세요.\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        done = CliRunner().invoke(
            app, ["optimize", ".", "--max-calls", "800", "--no-track", "-o", "opro"]
        )
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


def document(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.exception
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def lost_one(folder: RunFolder) -> None:
    """Make the first test example one that was lost, long and with an escape sequence."""
    path = folder.path / "test.jsonl"
    first, *rest = path.read_text("utf-8").splitlines()
    pair = {**json.loads(first), "flip": "lost", "seed_score": 1.0, "best_score": 0.0}
    pair |= {"seed_outcome": "right", "best_outcome": "wrong", "best_output": "\x1b[2J배송"}
    pair |= {"must_pass": True, "slices": {"채널": "앱"}, "inputs": {"글": "가나다 " * 500}}
    path.write_text("\n".join([json.dumps(pair), *rest]) + "\n", encoding="utf-8")


def test_flips(apo: Callable[..., Result], folder: RunFolder) -> None:
    before = (folder.path / "test.jsonl").read_text("utf-8")
    try:
        lost_one(folder)
        text = told(apo("show", "last", "--flips"))
        flips = document(apo("show", "last", "--flips", "--json"))["flips"]
    finally:
        (folder.path / "test.jsonl").write_text(before, encoding="utf-8")
    assert "\x1b[2J" not in text
    for words in ("label: 배송", "lost 1 of", "must pass", "(2,000 characters)", "[2J배송"):
        assert words in text
    assert f"the best prompt breaks it: {flips['broken'][0]['id']}" in text
    assert flips["groups"][0]["by"] == "all"
    assert flips["groups"][0]["lost"] == len(flips["lost"]) >= 1


def test_failures_of_the_best_prompt_and_of_another(
    apo: Callable[..., Result], folder: RunFolder
) -> None:
    text = told(apo("show", "last", "--failures"))
    found = document(apo("show", "last", "--failures", "--json"))
    table, best = found["failures"], found["candidates"][0]
    assert text.count(table["page"]) == 1
    assert table["id"] == best["id"]
    pools = folder.settings["data"]
    counted = sum(table["counts"].values())
    assert pools["validation"] <= counted <= pools["validation"] + 48  # Of train and validation.
    other = next(row for row in found["candidates"] if row["whole"] and row["value"] < 1)
    missed = document(apo("show", f"last:{other['id']}", "--failures", "--json"))["failures"]
    assert missed["counts"]["wrong"] + missed["counts"]["malformed"] > 0
    assert missed["page"] in told(apo("show", f"last:{other['id'][:6]}", "--failures"))
    rows = told(apo("show", f"last:{other['id']}", "--failures", "--csv"))
    assert rows.startswith("what,value,said,n,of\n")


def test_front(apo: Callable[..., Result]) -> None:
    text = told(apo("show", "last", "--front"))
    assert "The front of high score, low tokens: " in text
    whole = document(apo("show", "last", "--front", "--json"))["front"]["candidates"]
    on = [row["id"] for row in whole if row["front"]]
    assert f"tokens: {len(on)} of {len(whole)} candidates" in text
    assert [row["id"] in text for row in whole] == [row["front"] for row in whole]
    found = document(apo("show", "last", "--objective", "score", "--objective", "output", "--json"))
    assert found["front"]["objectives"] == ["score", "output"]
    rows = found["front"]["candidates"]
    assert rows[0]["score"] == max(row["score"] for row in rows)
    assert all(row["usd"] == 0 and row["seconds"] > 0 for row in rows)


def test_one_example(apo: Callable[..., Result], folder: RunFolder) -> None:
    example = json.loads((folder.path / "test.jsonl").read_text("utf-8").splitlines()[0])
    text = told(apo("show", "last", "--example", example["id"]))
    assert f"test · {example['id']} · 채널" in text
    assert example["seed_output"] in text
    found = document(apo("show", "last", "--example", example["id"], "--json"))["example"]
    assert found["answers"][0]["output"] == example["seed_output"]
    assert found["answers"][0]["score"] == example["seed_score"]


def test_export_within(apo: Callable[..., Result], folder: RunFolder) -> None:
    near = apo("export", "last", "--within", "100")
    assert near.stdout.startswith("글을 읽고 뜻을 말하세요.")
    for words in ("is the cheapest within 100 points", "tokens a call for", "There is no verdict"):
        assert words in near.stderr
    exact = apo("export", "last", "--within", "0", "--format", "json")
    values = json.loads(exact.stdout)
    assert values.pop("provenance")["run"] == folder.id
    assert values == (folder.result or {})["best_prompt"]
    assert "The best prompt found" in exact.stderr


def test_export_says_when_the_best_is_not_proven(
    apo: Callable[..., Result], folder: RunFolder
) -> None:
    result = folder.result or {}
    try:
        verdict = {**result["verdict"], "favourable": False, "proven": False}
        folder.write("result.json", {**result, "winner": "seed", "verdict": verdict})
        best, within = apo("export", "last", "--best"), apo("export", "last", "--within", "0")
    finally:
        folder.write("result.json", result)
    assert "This is the best prompt found (not proven). Not proven: " in best.stderr
    assert "The seed prompt stays the answer." in within.stderr


@pytest.mark.parametrize(
    ("form", "said"), [("text", True), ("messages", True), ("json", False), ("python", False)]
)
def test_export_says_where_braces_of_a_demo_would_be_filled(
    apo: Callable[..., Result], folder: RunFolder, form: str, said: bool
) -> None:
    result = folder.result or {}
    demos = [{"user": '환불 {{중괄호}} {"a": 1}', "assistant": "환불"}]
    shown = {**result["best_prompt"], "demos": demos}
    try:
        folder.write("result.json", {**result, "best_prompt": shown})
        found = apo("export", "last", "--best", "--format", form)
    finally:
        folder.write("result.json", result)
    assert ("{{중괄호}} stands in it as text" in told(found)) == said


def test_transfer(apo: Callable[..., Result], folder: RunFolder) -> None:
    with serve(Embedded()) as server:
        models = ("-m", "embedded", "-m", server.model_name)
        text = told(apo("transfer", "last", *models, "--top", "2"))
        asked = len(server.seen)
        again = document(apo("transfer", "last", *models, "--top", "2", "--json"))
        assert len(server.seen) == asked > 0
    for words in ("Best on embedded:", "Best for all:", "confirm on test examples", "kept answers"):
        assert words in text
    assert again.pop("overspent") == ""
    assert again == json.loads((folder.path / "transfer.json").read_text("utf-8"))
    assert again["run_id"] == folder.id
    # The run's own model has answered all this before, and the server is the same model.
    rows = [[cell["score"] for cell in row.values()] for row in again["scores"].values()]
    assert rows[0] == rows[1] == [prompt["validation"] for prompt in again["prompts"]]


def test_what_follows_a_run_is_told_in_korean(
    apo: Callable[..., Result], folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "")
    Path("old.txt").write_text("{{글}}", encoding="utf-8")
    use("ko")
    said = ""
    try:
        for words in (
            "export last --best --format messages --out new.json",
            "gate . old.txt new.json",
            "evaluate . --prompt new.json",
            "transfer last -m embedded --top 1",
            "audit last --max-calls 40",
            "show last --flips",
        ):
            said += apo(*words.split()).output
        said += (folder.path / "audit.html").read_text("utf-8").partition("</style>")[2]
    finally:
        use("")
    said = re.sub(r"<svg.*?</svg>|<[^>]+>", "\n", said, flags=re.DOTALL)
    said = re.sub(r"apo [a-z].*|--[a-z]+ \S+", "", said)
    assert "유도" in said
    assert not re.findall(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){2}.*", said)


def test_transfer_on_test_examples_warns(apo: Callable[..., Result]) -> None:
    text = told(apo("transfer", "last", "-m", "embedded", "--top", "1", "--split", "test"))
    assert "Choosing a prompt by this table spoils the test examples" in text


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["show", "last", "--example", " "], SettingsError, "--example is empty"),
        (["show", "last", "--example", "없음"], SettingsError, "No example of '문의'"),
        (["show", "last", "--objective", "price"], SettingsError, "no objective 'price'"),
        (["show", "gone", "--flips"], RunError, "There is no run 'gone'"),
        (["export", "last", "--within", "-1"], SettingsError, "from 0 to 100"),
        (["export", "last", "--within", "nan"], SettingsError, "from 0 to 100"),
        (["export", "last", "--within", "1", "--best"], SettingsError, "not two of them"),
        (["transfer", "last", "-m", "embedded", "--top", "0"], SettingsError, "at least 1"),
        (["transfer", "last", "-m", "embedded", "--max-calls", "9"], SettingsError, "lower --top"),
        (["transfer", "last", "-m", "x/y"], SettingsError, "no provider 'x'"),
    ],
)
def test_mistakes_are_told(
    apo: Callable[..., Result], arguments: list[str], kind: type[ApoError], words: str
) -> None:
    done = apo(*arguments)
    assert done.exit_code == 1
    assert isinstance(done.exception, kind)
    assert words in str(done.exception)


def test_a_run_that_was_started_with_an_object_has_no_task_here(
    apo: Callable[..., Result], folder: RunFolder
) -> None:
    settings = folder.settings
    try:
        folder.update(task_ref=None)
        done = apo("show", "last", "--example", "문의")
    finally:
        folder.update(**settings)
    assert isinstance(done.exception, RunError)
    assert "started with a Python object as its task" in str(done.exception)
