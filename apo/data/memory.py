"""Which pool each row was allotted to, kept in a file, so that a split never moves."""

import errno
import json
import logging
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apo.data.split import POOLS
from apo.errors import DataError
from apo.files import DATA, read_text

_log = logging.getLogger(__name__)
FORMAT = 1
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
"""What the system says of a place that may be read only."""


def file_name(task: str) -> str:
    """A task's name as a part of a file's name."""
    return re.sub(r"[^\w.-]", "_", task)


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all, and its folder where there is none.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".split-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _name(seed: int, group: Sequence[str]) -> str:
    return f"{seed} {json.dumps(group, ensure_ascii=False)}" if group else str(seed)


@dataclass(frozen=True)
class SplitMemory:
    """The file that remembers a task's split: a pool for the id of each row's inputs, by seed.

    With groups there is another split, and a pool for the id of each group beside.

    Attributes:
        path: the file; None remembers nothing.
    """

    path: Path | None

    @classmethod
    def of(cls, folder: Path | None, task: str) -> "SplitMemory":
        """The memory of a task in a folder such as .apo/splits."""
        return cls(folder and folder / f"{file_name(task)}.json")

    def read(self, seed: int, group: Sequence[str] = ()) -> dict[str, str]:
        """Give the pool of each id that was allotted under a seed.

        Args:
            seed: of the split.
            group: the columns of groups, if there are any.

        Raises:
            DataError: the file is damaged.
        """
        pools: dict[str, str] = self._seeds().get(_name(seed, group), {})
        return pools

    def write(self, seed: int, pools: Mapping[str, str], group: Sequence[str] = ()) -> None:
        """Remember the pools of a seed. The file is replaced whole, so it is never half written.

        Where the place may only be read, the split is not remembered: it is drawn again the next
        time, and is the same one as long as the data are. A warning says so.

        Raises:
            DataError: the file cannot be written.
        """
        seeds = self._seeds()
        if self.path is None or seeds.get(_name(seed, group)) == dict(pools):
            return
        value = {"apo_split": FORMAT, "seeds": {**seeds, _name(seed, group): dict(pools)}}
        text = json.dumps(value, sort_keys=True, indent=0)
        try:
            replace_file(self.path, text)
        except OSError as error:
            if error.errno in READ_ONLY:
                _log.warning("The split is not remembered in %s: %s.", self.path, error.strerror)
                return
            raise DataError(f"{self.path} cannot be written: {error.strerror}.") from error

    def _seeds(self) -> dict[str, dict[str, str]]:
        if self.path is None or not self.path.exists():
            return {}
        try:
            value: Any = json.loads(read_text(self.path, DATA))
            if value["apo_split"] != FORMAT:
                raise ValueError(f"format {value['apo_split']!r}")
            seeds = {seed: dict(pools) for seed, pools in value["seeds"].items()}
            for pool in {pool for pools in seeds.values() for pool in pools.values()} - {*POOLS}:
                raise ValueError(f"there is no pool {pool!r:.80}")
            return seeds
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DataError(
                f"{self.path}, which remembers how the data is split, cannot be read: {error}. "
                "Restore it; or delete it to draw a new split, which makes earlier results on the "
                "test split incomparable."
            ) from error
