"""Data files of every kind become tasks that `apo check` finds usable, or say what to do."""

from pathlib import Path

import pytest

from apo.checking.check import check
from apo.drafting.draft import draft_task
from apo.drafting.format import Wanted
from apo.drafting.write import write_draft
from apo.errors import DataError
from apo.taskfile.load import load_task
from experiments.benchmarks.data_kinds import Kind, kinds

pytestmark = pytest.mark.slow


def wanted(kind: Kind) -> Wanted:
    given = dict(zip(kind.flags[::2], kind.flags[1::2], strict=True))
    return Wanted(
        inputs=[given["--input"]] if "--input" in given else (),
        target=given.get("--target"),
        lists="any" if "--lists" in given else None,
    )


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_every_kind_of_file(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / kind.file
    kind.write(path)
    if kind.stops:
        with pytest.raises(DataError) as caught:
            draft_task("t", path, wanted(kind))
        assert kind.said in str(caught.value)
        return
    draft = draft_task("t", path, wanted(kind))
    assert kind.said in " ".join(draft.explanations)
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert len(task.train) >= 30
    assert not [finding.text for finding in check(task) if finding.level == "error"]
    assert all(task.takes_target(example) for example in task.validation)
