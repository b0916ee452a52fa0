"""Labelled rows added to a task's data: they go to train, and no other row changes its pool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apo.data.append import appended
from apo.data.groups import group_of, unit_id
from apo.data.memory import SplitMemory
from apo.data.sampling import inputs_id
from apo.data.split import POOLS
from apo.errors import DataError, TaskError
from apo.files import write_whole
from apo.task import Example, Task
from apo.taskfile.load import load_task, rows_of
from apo.taskfile.places import builtin_folder, path_of
from apo.taskfile.settings import TaskFile
from apo.taskfile.wishes import inside
from apo.taskfile.yaml_file import read_task_file
from apo.user_code import is_python_reference


@dataclass(frozen=True)
class TaskData:
    """A task's training rows, and the memory of its split.

    Attributes:
        ref: the task, as `load_task` takes it.
        settings: of its task.yaml.
        folder: of the task.yaml.
        splits: folder where splits are remembered.
    """

    ref: str
    settings: TaskFile
    folder: Path
    splits: Path

    @classmethod
    def of(cls, ref: str, splits: Path) -> "TaskData":
        """Find the task's settings.

        Raises:
            TaskError: it is made in Python, or there is no such task.
        """
        if is_python_reference(ref):
            raise TaskError(
                f"{ref} is made in Python: no rows are added to it. Make a task of your own data: "
                "apo init."
            )
        place = path_of(ref)
        return cls(ref, read_task_file(place), place.parent, splits)

    @property
    def path(self) -> Path:
        """The file that training rows come from.

        Raises:
            TaskError: there is none that rows could be added to.
        """
        given = self.settings.data
        source = given if isinstance(given, str) else given["train"]
        if self.folder.is_relative_to(builtin_folder()):
            raise TaskError(
                f"{self.ref} is built in: no rows are added to it. Make a task of your own data: "
                "apo init."
            )
        if source.startswith("hf:"):
            raise TaskError(f"{self.ref} has its rows from {source}, where none can be added.")
        named = Path(source)
        return named if named.is_absolute() else inside(self.folder, source, "data")

    @property
    def inputs(self) -> Mapping[str, str]:
        """The input columns, by field."""
        return self.settings.inputs

    @property
    def target(self) -> str:
        """The column of the right answer."""
        return self.settings.target[0]

    def load(self) -> Task:
        """Load the task, with the split that is remembered.

        Raises:
            TaskError, TrustError: as for `load_task`.
        """
        return load_task(self.ref, memory=self.splits)

    def known(self) -> set[str]:
        """The ids of the inputs of all rows that are there, labelled or not."""
        _, rows = rows_of(self.ref) or (None, ())
        return {self.id_of(row) for row in rows}

    def id_of(self, row: Mapping[str, str | None]) -> str:
        """The id of a row's inputs."""
        return inputs_id({field: row.get(column) or "" for field, column in self.inputs.items()})

    def row(self, given: Mapping[str, str | None], target: str) -> dict[str, str]:
        """A row for the file: its columns as far as they are given, and the answer."""
        settings = self.settings
        marks = (settings.must_pass,) if settings.must_pass else ()
        names = (*self.inputs.values(), *settings.slices, *settings.group, *marks)
        row = {name: given.get(name) or "" for name in names}
        pool = {settings.split.column: "train"} if settings.split.column else {}
        return {**row, self.target: target, **pool}

    def add(self, rows: Sequence[Mapping[str, str]]) -> tuple[Task, Task]:
        """Add rows, and give the task as it was and as it is.

        New rows are for train: chosen ones are no fair sample, and would bend validation and test.
        Both files are as before where anything is wrong.

        Raises:
            DataError: a row's group is in validation or test, its answer cannot be judged, or other
                rows would change their pools.
        """
        before, path = self.load(), self.path
        seed, group = self.settings.split.split(0).seed, self.settings.group
        memory = SplitMemory.of(self.splits, self.settings.name)
        pools = memory.read(seed, group)
        added = {} if self.settings.split.column else self._pools(rows, pools)
        old, new = appended(
            path, rows, encoding=self.settings.encoding, delimiter=self.settings.delimiter
        )
        try:
            memory.write(seed, {**pools, **added}, group)
            write_whole(path, new)
            after = self.load()
            self._require_same(before, after)
        except BaseException:  # A cancellation too: rows and memory must say the same.
            write_whole(path, old)
            memory.write(seed, pools, group)
            raise
        return before, after

    def _pools(self, rows: Sequence[Mapping[str, str]], known: Mapping[str, str]) -> dict[str, str]:
        """Where each new row is to go: by the ids that a split is remembered by."""
        found: dict[str, str] = {}
        for row in rows:
            group, identity = group_of([row[n] for n in self.settings.group]), self.id_of(row)
            unit = unit_id(group, identity)
            if known.get(unit, POOLS[0]) != POOLS[0]:
                raise DataError(
                    f"The group {group!r:.80} is in {known[unit]}, which stays as it is: a row of "
                    "it cannot be learnt from. Leave it out."
                )
            found |= {identity: POOLS[0]} | ({unit: POOLS[0]} if self.settings.group else {})
        return found

    def _require_same(self, before: Task, after: Task) -> None:
        for pool in POOLS[1:]:
            one, two = ({e.id for e in _pool(task, pool)} for task in (before, after))
            if one != two:
                raise DataError(
                    f"{self.path}: with these rows {len(one ^ two)} others would come into or "
                    f"leave {pool}, so none was added. Give {pool} a file of its own: data: "
                    f"{{train: …, {pool}: …}}."
                )


def _pool(task: Task, name: str) -> Sequence[Example]:
    found: Sequence[Example] = getattr(task, name)
    return found
