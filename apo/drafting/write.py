"""Writes a draft of a task into its folder."""

import json
import shutil
from pathlib import Path

from apo.drafting.draft import Draft, copy_name
from apo.errors import TaskError
from apo.files import write_whole
from apo.taskfile.places import FILE_NAME


def write_draft(draft: Draft, folder: Path) -> Path:
    """Write the task.yaml and a copy of the data, in UTF-8, into a folder.

    Returns:
        The path of the task.yaml.

    Raises:
        TaskError: one of the files is there already, or cannot be written.
    """
    path, copy = folder / FILE_NAME, folder / copy_name(draft.data, draft.rows)
    in_place = copy.exists() and copy.samefile(draft.data)
    for file in [path] if in_place else [path, copy]:
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
            with draft.data.open("rb") as data, copy.open("xb") as whole:
                shutil.copyfileobj(data, whole)
        else:
            with (
                draft.data.open(encoding=draft.encoding, newline="") as source,
                copy.open("x", encoding="utf-8", newline="") as sink,
            ):
                shutil.copyfileobj(source, sink)
        write_whole(path, text)
    except OSError as error:
        raise TaskError(f"{folder} cannot be written: {error.strerror}.") from error
    return path
