"""Rows of folders that the library `datasets` saved on disk."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from apo.data.cells import Row
from apo.data.libraries import dataset_rows
from apo.errors import DataError


def saved_rows(folder: Path) -> Iterator[Row]:
    """Read a folder that `save_to_disk` of `datasets` wrote; several splits get a column "split".

    Raises:
        DataError: it is no such folder, or its rows have a column of that name already.
    """
    several = (folder / "dataset_dict.json").is_file()
    if not several and not (folder / "state.json").is_file():
        raise DataError(
            f"{folder} is a folder, and none that save_to_disk of datasets wrote: name a file in "
            "it."
        )
    load_from_disk: Any = import_module("datasets").load_from_disk
    try:
        found = load_from_disk(str(folder))
    except Exception as error:  # Each version of the library has its own tree of errors.
        raise DataError(f"{folder} cannot be read: {type(error).__name__}: {error}") from error
    if not several:
        yield from dataset_rows(found)
        return
    for split, dataset in found.items():
        for row in dataset_rows(dataset):
            if "split" in row:
                raise DataError(
                    f"{folder} holds several splits, and rows with a column 'split': name one of "
                    f"{', '.join(str(folder / name) for name in found)}."
                )
            yield {**row, "split": str(split)}
