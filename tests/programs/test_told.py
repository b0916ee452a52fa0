"""What is shown and kept of a run of a program: answers, tables, files, the registry."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from apo import Budget, Evaluation, Options, Prompt, PromptError, PromptSet, Score, Task, aoptimize
from apo.bridges.served import log_served
from apo.programs.chain import Chain
from apo.prompts.forms.provenance import Provenance
from apo.results.history import history
from apo.storage.folder import RunFolder, find_run
from apo.storage.record import read_record
from apo.tracking.files import write_files
from apo.tracking.registry import register
from tests.programs.test_running import ROWS, STEPS, Upper


def graded(output: str, example: Any) -> Score:
    return Score(0.5 + 0.5 * output.startswith("settle"), feedback="Settle it.")


class Writer(Upper):
    name = "writer"

    async def complete(self, request: Any) -> Any:
        text = request.messages[-1].content
        said = "settle it" if "step 'decide'" in text else "take it"
        return (await super().complete(request))._replace(text=f"<instruction>{said}</instruction>")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    home = tmp_path_factory.mktemp("home")
    task = the_task()
    result = asyncio.run(
        aoptimize(
            task, "gepa", settings={"max_iterations": 3}, model=Upper(), optimizer_model=Writer(),
            budget=Budget(max_calls=200), options=Options(track=False), home=home,
        )
    )  # fmt: skip
    return find_run(result.run_id, home)


def the_task() -> Task:
    return Task(
        name="told", scorer=graded, seed_prompts=(PromptSet.of(STEPS),), train=ROWS,
        validation=ROWS, test=ROWS, input_fields=("text",),
        program=Chain(steps=("extract", "decide")),
    )  # fmt: skip


def test_how_each_candidate_answered_an_example(folder: RunFolder) -> None:
    found = history(folder, the_task(), ROWS[0].id)
    answers = {answer.instruction: answer.output for answer in found.answers}
    assert answers["[extract] extract it\n\n[decide] decide it"] == "decide(extract(t0))"
    assert any(output.startswith("settle(") for output in answers.values())


def test_files_of_the_run_hold_the_prompts_of_all_steps(folder: RunFolder, tmp_path: Path) -> None:
    write_files(folder, read_record(folder.journal_path), tmp_path)
    names = sorted(path.name for path in (tmp_path / "prompts").iterdir())
    assert names == ["best.json", "best.txt", "seed.json", "seed.txt"]
    assert "[decide]\nsettle it" in (tmp_path / "prompts" / "best.txt").read_text("utf-8")
    assert "[decide] settle it" in (tmp_path / "candidates.json").read_text("utf-8")


def test_what_holds_one_prompt_is_refused_in_words(folder: RunFolder) -> None:
    result = folder.need_result()
    found = register(None, result, "0")  # type: ignore[arg-type]  # no store is asked
    assert found.version == ""
    assert "one for each of the steps extract, decide" in found.note
    best = Prompt.from_dict(result["best_prompt"])
    with pytest.raises(PromptError, match="a served model answers with one prompt"):
        log_served("models:/x", best, Provenance())


def test_an_evaluation_names_the_whole(folder: RunFolder) -> None:
    best = Prompt.from_dict(folder.need_result()["best_prompt"])
    assert best.steps["decide"].instruction == "settle it"
    assert Evaluation(best, ()).prompt.text().startswith("[extract]\n")
