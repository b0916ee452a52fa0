"""Where a page of the docs is read: a folder with what a reader of it would have."""

import csv
import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from apo.cli import app
from apo.storage.folder import RunFolder
from tests.commands import RUNNER
from tests.e2e.told import ROOT, code

WORDS = {"billing": "invoice card paid", "technical": "crash error screen", "sales": "offer quote"}
RUN = ["support-tickets", "-o", "opro", "--max-calls", "400", "--no-track", "--max-answer", "64"]
OLD = "Sort the ticket. Be careful, and try to be good.\n\n{{ticket}}"


def make(path: Path) -> None:
    """Fill a folder with data, prompts and a finished run of support-tickets, the last one."""
    rows = [(f"case {n}: {word}", team) for team, words in WORDS.items()
            for word in words.split() for n in range(9)]  # fmt: skip
    table(path / "complaints.csv", ("text", "team"), rows)
    table(path / "후기.csv", ("후기", "분류"), rows)
    table(path / "new.csv", ("text",), [(f"new {n} invoice crash",) for n in range(9)])
    kinds = ("refund", "login")
    used = [(f"month {n}: {kinds[n % 2]}", "bug", kinds[n % 2]) for n in range(12)]
    table(path / "september.csv", ("ticket", "answer", "correction"), used)
    minutes = [(f"{n} " + "and then they spoke of the roof at length. " * 9, f"Roof {n}.")
               for n in range(40)]  # fmt: skip
    table(path / "minutes.csv", ("minutes", "summary"), minutes)
    shutil.copytree(str(files("apo.tasks") / "support-tickets"), path / "tickets")
    for name in ("deployed.txt", "first.md", "prompt.txt", "sort.prompty"):
        (path / name).write_text(OLD, "utf-8")
    (path / "sort.prompty").write_text(PROMPTY, "utf-8")
    (path / "mlflow.db").touch()
    (path / "프롬프트.md").write_text("글을 분류하세요.\n\n{{후기}}", "utf-8")
    (path / "inputs.txt").write_text("Where is my parcel?\nI was charged twice\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        for words in (
            ["init", "complaints", "--data", "complaints.csv", "--target", "team"],
            ["init", "후기분류", "--data", "후기.csv", "--target", "분류"],
            ["optimize", *RUN],
            *(
                ["export", "last", "--best", "--out", name]
                for name in ("winner.json", "prompt.json")
            ),
        ):
            done = RUNNER.invoke(app, words)
            assert done.exit_code == 0, (words, done.output, done.exception)
        shutil.copy("winner.json", "changed.json")


PROMPTY = """---
name: sort
---
system:
Sort the ticket.

user:
{{ticket}}
"""


def table(path: Path, header: tuple[str, ...], rows: list[Any]) -> None:
    """Write a CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def run_of(path: Path) -> Path:
    """The folder of the run."""
    return next((path / ".apo/runs").glob("support-tickets-opro-*"))


def values(path: Path) -> dict[str, str]:
    """What stands for a page's ids: a candidate of the run, and a test example."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        shown = json.loads(RUNNER.invoke(app, ["show", run_of(path).name, "--json"]).stdout)
    first = json.loads((run_of(path) / "test.jsonl").read_text("utf-8").splitlines()[0])
    text = " ".join(first["inputs"].values()).replace('"', "")[:60]
    return {"candidate": shown["candidates"][0]["id"][:6], "example": first["id"][:6], "text": text}


def stopped(path: Path) -> None:
    """The run as it was before it was finished."""
    run = RunFolder(run_of(path))
    (run.path / "result.json").unlink()
    run.update(state="interrupted")


def from_page(path: Path) -> None:
    """The task of `docs/code-scorer.md`, from its own blocks."""
    blocks = {kind: text for kind, text, _ in reversed([*code(page("docs/code-scorer.md"))])}
    task = path / "functions"
    task.mkdir()
    (task / "task.yaml").write_text(blocks["yaml"], "utf-8")
    (task / "problems.jsonl").write_text(blocks["json"], "utf-8")
    (path / "p.md").write_text("Write the Python function.\n\n{{problem}}", "utf-8")


def judged(path: Path) -> None:
    """The task of `docs/judges.md`, with 85 answers that were rated, and 5 that were not."""
    task = path / "answers"
    task.mkdir()
    asked = [f"question {n}: where is it?" for n in range(90)]
    table(task / "data.csv", ("question", "right"), [(q, f"there {q}") for q in asked])
    (task / "task.yaml").write_text(
        "inputs: [question]\ntarget: right\ndata: data.csv\nprompt: Answer.\n"
        "scorer: {name: judge, rubric: Correct and polite.}\n",
        "utf-8",
    )
    rated = [(q, "word " * (n % 7 + 1), n % 5 + 1 if n < 85 else "") for n, q in enumerate(asked)]
    table(path / "rated.csv", ("question", "answer", "rating"), rated)


def nothing(_: Path) -> None:
    """Nothing is to be done."""


def first(path: Path) -> None:
    """The folder without what the page makes."""
    for name in ("complaints", "후기분류"):
        shutil.rmtree(path / name)


def named(path: Path) -> None:
    """A task of a name that the page leaves to its reader."""
    shutil.copytree(path / "complaints", path / "named")


def searched(_: Path) -> None:
    """A run on complaints."""
    done = RUNNER.invoke(app, ["optimize", "complaints", "--max-calls", "120", "--no-track"])
    assert done.exit_code == 0, done.output


def between(path: Path, line: str) -> None:
    """What a person does before a command: here, filling a column of labels."""
    if line.startswith("apo annotate complaints to_label.csv"):
        with (path / "to_label.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        filled = [dict(zip(header, row, strict=True)) | {"team": "billing"} for row in rows]
        table(path / "to_label.csv", tuple(header), [tuple(row.values()) for row in filled])


def experiments(path: Path) -> None:
    """Experiments of two methods on a task, in the place of the project's own."""
    (path / "experiments").mkdir()
    for name in ("quick", "real"):
        text = "tasks: [support-tickets]\noptimizers: [random-search]\n"
        (path / f"experiments/{name}.yaml").write_text(text, "utf-8")


BEFORE = {
    "README.md": first,
    "README.ko.md": first,
    "docs/tutorial.md": first,
    "docs/ko/튜토리얼.md": first,
    "CONTRIBUTING.md": named,
    "docs/data.md": searched,
    "docs/code-scorer.md": from_page,
    "docs/compare.md": experiments,
    "docs/decisions/0013-reuse.md": experiments,
    "docs/how-a-run-works.md": stopped,
    "docs/judges.md": judged,
}
"""What is done before a page is read."""


def page(name: str) -> str:
    """The text of a page."""
    return (ROOT / name).read_text("utf-8")


def registry(uri: str) -> None:
    """Two prompts in MLflow, one with a champion, and an experiment for traces."""
    from mlflow import MlflowClient

    from apo.tracking.connection import connect

    connect(uri, "tickets-live")
    client = MlflowClient(tracking_uri=uri)
    for name, alias in (("tickets", "champion"), ("sorter", "prod")):
        client.create_prompt(name)
        client.create_prompt_version(name, OLD)
        client.set_prompt_alias(name, alias, 1)
