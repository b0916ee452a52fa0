"""Every notebook runs from top to bottom, one after the other in one kernel, each in its folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
SHELL = """
import os, shlex, threading
from apo.cli import app as _app

def _in_process(line):
    # A line such as `!apo check mine` without a process of its own, as the kernel has all imports.
    name, *words = shlex.split(line)
    assert name == "apo", line
    ended = []
    def run():
        try:
            _app(words, standalone_mode=False)
        except SystemExit as end:
            ended.append(end.code)
        except BaseException as error:
            ended.append(error)
    thread = threading.Thread(target=run)
    thread.start(), thread.join()
    assert not any(ended), (line, ended)

get_ipython().system = _in_process
"""


def cells(path: Path, folder: Path) -> Iterator[Any]:
    """The cells of a notebook, which begin in a folder of their own."""
    yield nbformat.v4.new_code_cell(f"os.chdir({str(folder)!r})")  # type: ignore[no-untyped-call]
    read: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    yield from read.cells


@pytest.mark.filterwarnings("ignore:Proactor event loop:RuntimeWarning")
def test_the_notebooks_run(
    tmp_path: Path, with_tables: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    notebook: Any = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    notebook.cells = [nbformat.v4.new_code_cell(SHELL)]  # type: ignore[no-untyped-call]
    for path in NOTEBOOKS:
        with_tables(tmp_path / path.stem)
        notebook.cells += cells(path, tmp_path / path.stem)
    client = NotebookClient(
        notebook,  # pyright: ignore[reportUnknownArgumentType] (nbformat is untyped)
        timeout=300,
        resources={"metadata": {"path": str(tmp_path)}},
        kernel_name="python3",
    )
    client.execute()
    assert len(NOTEBOOKS) == 6
    assert all((tmp_path / path.stem / ".apo/runs").is_dir() for path in NOTEBOOKS)
