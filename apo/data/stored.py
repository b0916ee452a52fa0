"""Pools of large data, stored so that the data are read once, and not at every start.

What is stored is what `make_pools` gave, under all that it was made of: the files' sizes and
times, the columns, the split and the pools remembered. When any of these is another, the data are
read again; so a stored result is never anything but a shorter way to the same pools.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apo.data.examples import Columns
from apo.data.memory import SplitMemory, file_name, replace_file
from apo.data.pools import POOLS, Pools, make_pools
from apo.data.rows import read_rows
from apo.data.split import Split
from apo.files import DATA, read_text
from apo.task import Example, content_hash

FORMAT = 3
"""Another one where the same rows would give other pools."""
LARGE = 100_000
"""Usable rows from which on pools are stored: fewer are read in less than a second."""


def read_pools(
    sources: Mapping[str, Any],
    columns: Columns,
    split: Split,
    folder: Path | None,
    task: str,
    encoding: str = "utf-8",
    delimiter: str | None = None,
) -> Pools:
    """Read sources into pools; large files only once.

    Args:
        sources: what `apo.data.rows.read_rows` takes, by pool; or one under another name.
        columns: which columns are what.
        split: how rows become pools.
        folder: where splits are remembered, such as .apo/splits; None remembers nothing.
        task: the task's name, under which they are remembered.
        encoding: of text files.
        delimiter: of text tables; None for what the file's name says.

    Raises:
        DataError: unusable rows, or too few of them.
    """
    memory = SplitMemory.of(folder, task)
    made_of = [FORMAT, encoding, delimiter or "", asdict(columns), asdict(split), _states(sources)]
    stored = None
    if folder is not None and None not in made_of:
        stored = StoredPools(folder / "pools" / f"{file_name(task)}-{split.seed}.json", made_of)
        if (pools := stored.read(memory.read(split.seed, columns.group))) is not None:
            return pools
    rows = {
        name: read_rows(source, encoding=encoding, delimiter=delimiter, wanted=columns.names)
        for name, source in sources.items()
    }
    pools = make_pools(rows, columns, split, memory)
    if stored is not None and pools.rows >= LARGE:
        stored.write(pools, memory.read(split.seed, columns.group))
    return pools


def _states(sources: Mapping[str, Any]) -> list[list[object]] | None:
    """What shows that files are still the same ones; None when a source is no file."""
    states: list[list[object]] = []
    for name, source in sources.items():
        if not isinstance(source, str | Path):
            return None
        try:
            path = Path(source).resolve()
            found = path.stat()
        except (OSError, ValueError):  # hf:owner/name; or no such file, which reading it tells.
            return None
        times = (found.st_mtime_ns, found.st_ctime_ns)  # The second cannot be set back.
        states.append([name, str(path), found.st_size, *times])
    return states


@dataclass(frozen=True)
class StoredPools:
    """The file with the pools of one task and seed.

    Attributes:
        path: the file.
        made_of: what the pools depend on, beside the pools remembered; a JSON value.
    """

    path: Path
    made_of: list[Any]

    def read(self, remembered: Mapping[str, str]) -> Pools | None:
        """Give the pools; None when there are none, they are of other data, or damaged."""
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            value: Any = json.loads(read_text(self.path, 4 * DATA))
            body = value["pools"]
            if value["key"] != self._key(remembered) or value["hash"] != content_hash(body):
                return None
            pools = {
                name: tuple(
                    Example(dict(inputs), tuple(targets), dict(slices), must_pass, group)
                    for inputs, targets, slices, must_pass, group in body[name]
                )
                for name in POOLS
            }
            notes, warnings = tuple(body["notes"]), tuple(body["warnings"])
            return Pools(**pools, notes=notes, rows=body["rows"], warnings=warnings)
        return None

    def write(self, pools: Pools, remembered: Mapping[str, str]) -> None:
        """Store pools; where that fails, the data are read again the next time."""
        body: dict[str, Any] = {
            name: [
                [dict(e.inputs), e.targets, dict(e.slices), e.must_pass, e.group]
                for e in getattr(pools, name)
            ]
            for name in POOLS
        }
        body |= {"notes": pools.notes, "warnings": pools.warnings, "rows": pools.rows}
        value = {"key": self._key(remembered), "hash": content_hash(body), "pools": body}
        with suppress(OSError):
            replace_file(self.path, json.dumps(value, ensure_ascii=False))

    def _key(self, remembered: Mapping[str, str]) -> str:
        return content_hash([self.made_of, dict(remembered)])
