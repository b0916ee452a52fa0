"""Writes a draft of a task into its folder."""

import json
import shutil
from pathlib import Path

from apo.drafting.draft import Draft, copy_name
from apo.errors import TaskError
from apo.files import write_whole
from apo.taskfile.places import FILE_NAME


def write_draft(draft: Draft, folder: Path) -> Path:
    """Write the task.yaml and copies of the data, in UTF-8, and of a database into a folder.

    Returns:
        The path of the task.yaml.

    Raises:
        TaskError: one of the files is there already, or cannot be written.
    """
    path, copy = folder / FILE_NAME, folder / copy_name(draft.data, draft.rows)
    in_place = copy.exists() and copy.samefile(draft.data)
    copied = {} if draft.database is None else {folder / draft.database.name: draft.database}
    copied = {new: old for new, old in copied.items() if not (new.exists() and new.samefile(old))}
    for file in (path, *([] if in_place else [copy]), *copied):
        if file.exists():
            raise TaskError(f"{file} is there already; it is not overwritten. Choose another name.")
    text = draft.yaml
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if in_place:
            text += f"encoding: {draft.encoding}\n" if draft.encoding != "utf-8" else ""
        elif draft.rows:
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in draft.rows)
            write_whole(copy, "".join(lines), errors="backslashreplace")
        elif draft.encoding == "utf-8":
            _copy(draft.data, copy)
        else:
            with (
                draft.data.open(encoding=draft.encoding, newline="") as source,
                copy.open("x", encoding="utf-8", newline="") as sink,
            ):
                shutil.copyfileobj(source, sink)
        for new, old in copied.items():
            _copy(old, new)
        write_whole(path, text)
    except OSError as error:
        raise TaskError(f"{folder} cannot be written: {error.strerror}.") from error
    return path


def _copy(source: Path, new: Path) -> None:
    with source.open("rb") as data, new.open("xb") as whole:
        shutil.copyfileobj(data, whole)
