"""The prompt contract, a drifting scorer and the gap, from the command line."""

import json
from pathlib import Path

import pytest

from apo import Budget, Options, Prompt, SettingsError, TaskError, optimize
from apo.prompts.rules import Rules
from apo.storage.folder import find_run
from apo.taskfile.load import load_task
from tests.guards.test_cli_checks import LABELS, folder, refused, rows, run, said, write

__all__ = ["folder"]

GIVEN = ("--max-calls", "400", "--no-track")


def test_a_contract_holds_in_a_run(folder: Path) -> None:
    write(
        folder, rows(), "contract:", "  frozen: [Never promise a refund.]",
        "  forbidden: [lawyer, '/\\d{6}/']", "  max_tokens: 200", "  language: en",
    )  # fmt: skip
    task = load_task("task.yaml")
    assert task.contract == Rules(
        frozen=("Never promise a refund.",), forbidden=("lawyer", "/\\d{6}/"), max_tokens=200,
        language="en",
    )  # fmt: skip
    assert run("check", "task.yaml").exit_code == 0
    done = run("optimize", "task.yaml", "-o", "random-search", *GIVEN)
    assert done.exit_code == 0, done.exception
    # The embedded model does not keep the passage, so all that it writes is refused.
    assert {reason for reason in refused(folder / ".apo") if "copies" not in reason} >= {
        "the frozen passage 'Never promise a refund.' is gone; it must stay word for word"
    }
    leaky = run("optimize", "task.yaml", "-o", "leaky.py:Leaky", *GIVEN)
    assert leaky.exit_code == 0, leaky.exception
    assert any("a demo shows a row of validation" in reason for reason in refused(folder / ".apo"))
    best = find_run("last", folder / ".apo").read("result.json")["best_prompt"]
    assert "Never promise a refund." in best["instruction"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("contract: {frozen: Be kind.}",), "the frozen passage 'Be kind.' is gone"),
        (("contract: {language: ko}",), "the instruction is not in Korean"),
        (("contract: {max_tokens: 5}",), "over the contract's limit of 5"),
        (("contract: {forbidden: ['/refund|money/']}",), "'refund', which the contract forbids"),
        (("contract: {forbidden: ['/(a/']}",), "is no regular expression"),
        (("contract: {frosen: [x]}",), "Did you mean 'frozen'?"),
        (("contract: {max_tokens: 0}",), "contract.max_tokens"),
        (("contract: {frozen: [7]}",), "contract.frozen"),
        (("contract: {language: fr}",), "contract.language"),
        (("contract: x",), "contract"),
    ],
)
def test_a_contract_that_cannot_be_kept_or_read(
    folder: Path, lines: tuple[str, ...], words: str
) -> None:
    write(folder, rows(), *lines)
    for command in (("check", "task.yaml"), ("optimize", "task.yaml", *GIVEN)):
        done = run(*command)
        assert done.exit_code == 1
        assert words in said(done)


def test_another_seed_prompt_is_held_to_it_too(folder: Path) -> None:
    write(folder, rows(), "contract: {frozen: Never promise a refund.}")
    with pytest.raises(TaskError, match="the seed prompt breaks the task's own contract"):
        optimize(
            "task.yaml", prompt=Prompt("Which team?", template="{{mail}}"),
            budget=Budget(max_calls=200), options=Options(track=False),
        )  # fmt: skip


def test_a_drifting_scorer_ends_the_run_before_the_search(folder: Path) -> None:
    (folder / "score.py").write_text(
        "seen = set()\n"
        "def mine(output, example):\n"
        "    again = (output, example) in seen\n"
        "    seen.add((output, example))\n"
        "    return 0.7 if again else 0.4\n",
        "utf-8",
    )
    write(folder, rows(), "scorer: score.py:mine")
    done = run("optimize", "task.yaml", "-o", "random-search", *GIVEN)
    assert done.exit_code == 1
    assert isinstance(done.exception, TaskError | SettingsError)
    assert "for the same answer" in said(done)
    assert "Make it deterministic" in said(done)


def test_the_gap_is_explained(folder: Path) -> None:
    noisy = [
        (text, label if i % 5 else LABELS[LABELS.index(label) - 1])
        for i, (text, label) in enumerate(rows())
    ]
    write(folder, noisy)
    done = run("optimize", "task.yaml", "-o", "random-search", *GIVEN, "--json")
    assert done.exit_code == 0, done.exception
    gap = json.loads(done.stdout)["gap"]
    assert gap["n_validation"] == 40
    assert gap["expected"] <= gap["validation"]
    shown = run("show", "last")
    assert gap["text"] in said(shown)
