"""Why a prompt scores otherwise than in the run that found it: other rows, model, or form."""

from pathlib import Path
from typing import Any, NamedTuple

from apo.errors import RunError
from apo.models.base_url import public_name
from apo.prompts.prompt import Prompt
from apo.run.recorded import same_pools
from apo.storage.folder import RunFolder, list_runs
from apo.storage.shapes import SETTINGS, require, require_result
from apo.storage.summary import candidates
from apo.task import Task


class Measured(NamedTuple):
    """A prompt as a run measured it on a split."""

    folder: RunFolder
    prompt: Prompt
    score: float
    n: int


def why_other(home: Path, task: Task, prompt: Prompt, split: str, model: str) -> tuple[str, ...]:
    """Say why a prompt's score differs from the one in the newest run that measured it, if it may.

    Args:
        home: folder that holds `runs/`.
        task: the task, with the pools that the prompt was measured on now.
        prompt: what was measured; a run knows it by its text.
        split: where.
        model: name of the model that answered.
    """
    for folder in list_runs(home):
        try:
            found = _find(folder, task.name, prompt, split)
        except RunError:  # One that is damaged says nothing of this prompt.
            continue
        if found is not None:
            return _told(found, _reasons(found, task, prompt, split, model), task, split)
    return ()


def _find(folder: RunFolder, task: str, prompt: Prompt, split: str) -> Measured | None:
    settings, result = folder.settings, folder.result
    require(settings, SETTINGS, str(folder.path / "run.json"))
    if settings["task"] != task or "folds" in settings or result is None:
        return None
    require_result(result, str(folder.path / "result.json"))
    text, verdict = prompt.text().strip(), result["verdict"]
    for name in ("best", "seed"):
        known = Prompt.from_dict(result[f"{name}_prompt"])
        if known.text().strip() == text and split == "test" and verdict is not None:
            return Measured(folder, known, verdict[f"{name}_score"], verdict["n"])
    for row in candidates(folder) if split == "validation" else ():
        known = Prompt.from_dict(row["prompt"])
        if row["whole"] and known.text().strip() == text:
            return Measured(folder, known, row["value"], row["n"])
    return None


def _reasons(found: Measured, task: Task, prompt: Prompt, split: str, model: str) -> list[str]:
    run, settings = found.folder.id, found.folder.settings
    reasons: list[str] = []
    here: tuple[Any, ...] = getattr(task, split)
    try:
        there: tuple[Any, ...] = getattr(same_pools(found.folder, task), split)
    except RunError:
        reasons.append("The data have changed since then, so the rows cannot be taken again.")
    else:
        if [e.id for e in there] != [e.id for e in here]:
            reasons.append(
                f"Its limits had fitted the split to {len(there)} of them; --like {run} measures "
                "on the same rows."
            )
        elif found.n < len(there):
            reasons.append(f"Of the {len(there)} there, no more were answered.")
    named = settings["model"]
    if named is not None and named != public_name(model):
        reasons.append(
            f"It asked {named}, and this is {public_name(model)}; --model {named} asks the same."
        )
    if found.prompt != prompt:
        reasons.append(
            "The prompt has the same text, but other turns or decoding, as a file of text or "
            "messages does not hold them; apo export --format json does."
        )
    return reasons


def _told(found: Measured, reasons: list[str], task: Task, split: str) -> tuple[str, ...]:
    if not reasons:
        return ()
    n = len(getattr(task, split))
    return (
        f"In {found.folder.id} this prompt scored {100 * found.score:.1f} % on {found.n} {split} "
        f"examples; these are {n}. {' '.join(reasons)}",
    )
