"""What each part of a prompt is worth: found in few calls, within them, and proven on test rows."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from apo import Budget, Options, Prompt, Request, SettingsError, Task, optimize
from apo.assessment.ablate import Ablated, aablate, plan
from apo.assessment.gate import agate
from apo.cli import app
from apo.prompts.layout import Demo
from apo.prompts.rules import Rules
from apo.storage.uses import uses_of
from apo.testing import FakeModel, fake_task

TASK = fake_task(100)
USEFUL = {"Alpha.": 0.3, "Beta.": 0.25, "Gamma.": 0.5}
TEXT = "Alpha. Please take your time. Beta. 고맙습니다. Gamma. We like it."


class Needy(FakeModel):
    """Right where the prompt has all sentences that a row needs."""

    def answer(self, request: Request) -> str:
        from apo.testing.fakes import draw

        said, last = request.messages[0].content, request.messages[-1].content
        needs = [text for text, share in USEFUL.items() if draw(f"{text} {last}") < share]
        return last if all(text in said for text in needs) else "?"


def ablated(text: str = TEXT, task: Task = TASK, **given: Any) -> tuple[Ablated, Needy]:
    model = Needy()
    prompt = text if isinstance(text, Prompt) else Prompt(text)
    return asyncio.run(aablate(task, prompt, model=model, **given)), model


def told(done: Ablated) -> dict[str, str]:
    return {part.text: finding for part, finding in done.found.findings.items()}


def test_useful_sentences_earn_and_the_others_go() -> None:
    done, model = ablated()
    assert told(done) == {
        "Alpha.": "earns",
        "Please take your time.": "idle",
        "Beta.": "earns",
        "고맙습니다.": "idle",
        "Gamma.": "earns",
        "We like it.": "idle",
    }
    assert done.found.shorter.instruction == "Alpha. Beta. Gamma."
    assert done.found.loss is not None
    assert done.found.loss[0] == 0
    assert done.proof is not None
    assert done.proof.decision == "open"  # 100 rows show 3.7 points.
    assert len(model.requests) == done.spent.calls < 7 * 200  # Each part alone on all rows.
    for part, trial in done.found.trials.items():
        assert trial is not None
        low, high = trial.interval
        assert low <= trial.gain <= high
        assert (trial.p_value <= 0.05) == (done.found.findings[part] == "earns")


def test_of_two_that_say_the_same_one_stays() -> None:
    class Either(FakeModel):
        def answer(self, request: Request) -> str:
            said, last = request.messages[0].content, request.messages[-1].content
            return last if "One" in said or "Uno" in said else "?"

    prompt = Prompt("One. Two. Uno. Three.")
    done = asyncio.run(aablate(TASK, prompt, model=Either(), margin=0.05))
    assert done.found.shorter.instruction == "One."  # Whatever the order of sets, the first stays.
    assert done.proof is not None
    assert done.proof.decision == "no worse"
    kept = next(part for part in done.found.parts if done.found.findings[part] != "idle")
    assert done.found.findings[kept] == "earns"


def test_what_the_contract_keeps_is_needed_and_never_asked_about() -> None:
    task = replace(TASK, contract=Rules(frozen=("We like it.",)))
    done, model = ablated(task=task)
    assert told(done)["We like it."] == "needed"
    assert all("We like it." in request.messages[0].content for request in model.requests)


def test_the_budget_is_kept_and_what_is_not_clear_stays() -> None:
    for calls in (745, 900):
        done, model = ablated(budget=Budget(max_calls=calls))
        assert len(model.requests) == done.spent.calls <= calls
        assert {*USEFUL} <= {*done.found.shorter.instruction.split()}
        assert ("open" in {*told(done).values()}) == (calls < 900)
    with pytest.raises(SettingsError, match=r"300 calls are too few for 6 parts: it takes 740 at"):
        plan(TASK, Prompt(TEXT), 300)
    assert plan(TASK, Prompt(TEXT), 600, test=False).calls == 600
    with pytest.raises(SettingsError, match="one sentence"):
        plan(TASK, Prompt("Answer."), None)


def test_rows_that_a_demo_shows_are_not_asked_about() -> None:
    shown = TASK.train[7].inputs["input"]
    prompt = Prompt(TEXT, demos=(Demo(shown, "x7"), Demo("other", "y")))
    rows = plan(TASK, prompt, None).rows
    assert len(rows) == 199
    assert TASK.train[7] not in rows
    assert not {*rows} & {*TASK.test}


def test_no_worse_by_a_margin() -> None:
    class Same(FakeModel):
        def answer(self, request: Request) -> str:
            return request.messages[-1].content if "bad" not in request.messages[0].content else "?"

    def gate(new: str, margin: float) -> Any:
        return asyncio.run(agate(TASK, Prompt("Old"), Prompt(new), model=Same(), margin=margin))

    assert gate("New", 0.05).decision == "no worse"
    assert gate("New", 0.03).decision == "open"
    assert gate("New", 0.05).interval[0] == pytest.approx(-0.0362, abs=1e-3)
    worse = gate("bad", 0.05)
    assert (worse.decision, worse.n) == ("worse", 20)
    with pytest.raises(SettingsError, match="between 0 and 1"):
        gate("New", 3)


def test_the_command_on_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home, labels = tmp_path / ".apo", ("billing", "login")
    monkeypatch.setenv("APO_HOME", str(home))
    rows = [f"{word} {i},{label}" for i in range(70)
            for word, label in zip(("invoice", "password"), labels, strict=True)]  # fmt: skip
    Path("rows.csv").write_text("\n".join(["text,label", *rows]))
    Path("task.yaml").write_text(
        "name: small\ninputs: [text]\ntarget: label\nlabels: [billing, login]\ndata: rows.csv\n"
        "prompt: |\n  Choose one of: billing, login.\n  - login: password\n  Breathe.\n"
        "  Answer with the label only.\n"
    )
    options = Options(track=False)
    result = optimize("task.yaml", "ape", budget=Budget(max_calls=400), options=options, home=home)
    folder = home / "runs" / result.run_id
    test = [json.loads(line)["id"] for line in (folder / "test.jsonl").read_text().splitlines()]
    before = uses_of(test, home)
    assert (len(before.prompts), before.runs, before.outside) == (1, 1, False)  # Nothing is better.

    def run(*given: str) -> Any:
        return CliRunner().invoke(app, ["ablate", "last", *given])

    done = run("--out", "shorter.json")
    assert done.exit_code == 0, done.output
    assert "Parts that are left out in turn: 4, on" in done.stderr
    assert "used for 1 prompt before, in 1 run: the more often" in done.stderr
    shorter = json.loads(Path("shorter.json").read_text())["instruction"]
    assert "Breathe." not in shorter
    assert "- login: password" in shorter
    again = json.loads(run("--json").stdout)
    assert again["test_used_before"] == {"prompts": 2, "runs": 1}
    assert {"text": "Breathe.", "finding": "idle"}.items() <= again["parts"][2].items()
    assert json.loads((folder / "ablation.json").read_text())["parts"] == again["parts"]
    assert "50 calls are too few for 4 parts" in str(run("--max-calls", "50").exception)
