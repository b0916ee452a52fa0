"""Planted faults that the command line finds: leaks, copies, conflicts, wrong labels."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from apo import tasks
from apo.cli import app
from apo.storage.folder import find_run
from apo.storage.rows import open_for_reading, read_events

LEAKY = '''
from dataclasses import dataclass, replace
from apo import Search

@dataclass(frozen=True)
class Leaky:
    """Proposes what must not be proposed, and one good prompt."""

    async def run(self, search: Search) -> None:
        seed = search.seed_prompts[0]
        train, unseen = search.task.train[0], search.task.validation[0]
        copied = seed.with_instruction(f"Sort: {train.inputs['mail']} is {train.target}.")
        altered = unseen.inputs["mail"].replace("e", "i", 1)
        search.accept([
            copied,
            seed.with_instruction(f"Sort mails such as {altered}!"),
            seed.with_demos((seed.demo(unseen.inputs, unseen.target),)),
            replace(seed, template="What is it?"),
        ], operator="leak")
        shown = seed.with_demos((seed.demo(train.inputs, train.target),))
        text = "Answer billing, delivery or login. Never promise a refund."
        good = [seed.with_instruction(text), shown]
        for prompt in search.accept(good, operator="good"):
            await search.evaluate(prompt)
'''
LABELS = ("billing", "delivery", "login")


def rows() -> list[tuple[str, str]]:
    """Tickets with three of the labels, and what they are labelled with."""
    with (Path(tasks.__file__).parent / "support-tickets/tickets.csv").open("r", -1, "utf-8") as f:
        found = [(row["ticket"], row["intent"]) for row in csv.DictReader(f)]
    return [row for row in found if row[1] in LABELS][:160]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    write(tmp_path, rows())
    (tmp_path / "leaky.py").write_text(LEAKY, "utf-8")
    return tmp_path


def write(folder: Path, lines: list[tuple[str, str]], *extra: str) -> None:
    """Write a task whose prompt says not to promise a refund."""
    pools = {"train": lines[1::2], "validation": lines[0::4], "test": lines[2::4]}
    for name, some in pools.items():
        with (folder / f"{name}.csv").open("w", -1, "utf-8", newline="") as file:
            csv.writer(file).writerows([("mail", "team"), *some])
    settings = (
        "name: mails", "inputs: [mail]", "target: team", "labels: [billing, delivery, login]",
        "data: {train: train.csv, validation: validation.csv, test: test.csv}",
        "prompt: Sort the mail into billing, delivery or login. Never promise a refund.",
    )  # fmt: skip
    (folder / "task.yaml").write_text("\n".join([*settings, *extra]), "utf-8")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def said(result: Result) -> str:
    return " ".join(f"{result.stdout} {result.stderr} {result.exception or ''}".split())


def refused(home: Path) -> list[str]:
    """Why the candidates of the last run were refused."""
    database = open_for_reading(find_run("last", home).journal_path)
    try:
        return [event.body["reason"] for event in read_events(database, kind="refused")]
    finally:
        database.close()


def test_check_tells_planted_conflicts_copies_and_labels(folder: Path) -> None:
    clean = run("check", "task.yaml")
    assert clean.exit_code == 0
    assert "nearly the same" not in said(clean)
    lines = rows()
    for i in range(1, 20, 6):  # Wrong labels.
        lines[i] = lines[i][0], LABELS[LABELS.index(lines[i][1]) - 1]
    lines[2] = lines[0][0].upper() + "!!", LABELS[LABELS.index(lines[0][1]) - 1]  # A conflict.
    lines[6] = lines[4][0].lower().replace(",", " –"), lines[4][1]  # A copy.
    write(folder, lines)
    found = said(run("check", "task.yaml"))
    assert "Inputs of test that are nearly the same as in validation" in found
    assert "take out one of each" in found
    assert "with different targets: 1" in found
    assert "mend the target that is wrong" in found
    assert "Hint: " in found
    assert "Is its label right?" in found


def test_leaks_are_refused_and_the_reasons_kept(folder: Path) -> None:
    done = run("optimize", "task.yaml", "-o", "leaky.py:Leaky", "--max-calls", "400", "--no-track")
    assert done.exit_code == 0, done.exception
    reasons = refused(folder / ".apo")
    assert len(reasons) >= 3
    assert reasons[0].startswith("the instruction copies a row of the data: '")
    assert reasons[1].startswith("the instruction copies a row of the data: '")
    assert "lost the variable {{mail}}" in reasons[-1]
