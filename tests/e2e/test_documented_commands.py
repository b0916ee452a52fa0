"""Every command of README and docs is typed, in the order of its page, in a folder made for it.

A page's words are typed as they are, but for the lists of `stories.py`; a line that none of them
names is typed, so that one of a kind that nobody thought of fails here.
"""

import io
import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from pathlib import Path
from unittest.mock import patch

import certifi
import pytest

from apo.language.catalogue import use
from apo.testing.server import serve
from experiments.benchmarks.faults.forked import IMPORTED
from tests.commands import stay
from tests.e2e import places, stories
from tests.e2e.conftest import Done
from tests.e2e.reader import Reader
from tests.e2e.told import PAGES, ROOT, Command, commands

FORKS = multiprocessing.get_context("forkserver")
"""What starts the processes of a comparison: as forks of one that has imported apo."""
FORKS.set_forkserver_preload(["__main__", "pytest", *IMPORTED])
TOLD = {str(path.relative_to(ROOT)): commands(path.read_text("utf-8")) for path in PAGES}


def known(line: str) -> bool:
    """Whether a line is typed by another test."""
    return any(re.fullmatch(words, line) for words in stories.ELSEWHERE)


TYPED = {
    page: typed for page, told in TOLD.items() if (typed := [c for c in told if not known(c.line)])
}


class Shell:
    """Types lines: those of apo in this process, the others in a shell."""

    def __init__(self, apo: Callable[..., Done], changed: pytest.MonkeyPatch) -> None:
        self._apo = apo
        self._changed = changed

    def type(self, line: str) -> Done:
        """Type a line, and give what came of it."""
        if line.startswith("apo "):
            return self._piped(*line.partition(" | ")[::2])
        if line.startswith("export "):
            for name, _, value in (word.partition("=") for word in shlex.split(line)[1:]):
                self._changed.setenv(name, value)
            return Done("", "", 0)
        return self._other(line, "", ROOT if line.startswith("make ") else None)

    def _piped(self, line: str, reader: str) -> Done:
        words = shlex.split(line)[1:]
        written = words.pop() if ">" in words else ""
        read = words.pop() if "<" in words else ""
        text = Path(read).read_text("utf-8") if read else "Where is my parcel?\n"
        self._changed.setattr("sys.stdin", io.StringIO(text))
        done = self._apo(*(word for word in words if word not in "<>"))
        os.environ.pop("APO_HOME", None)  # What --home sets for the process ends with it.
        if written:
            Path(written).write_text(done.stdout, "utf-8")
        return self._other(reader, done.stdout) if reader else done

    def _other(self, line: str, text: str, folder: Path | None = None) -> Done:
        done = subprocess.run(
            line, shell=True, cwd=folder, input=text, capture_output=True, text=True, timeout=300
        )
        return Done(done.stdout, done.stderr, done.returncode)


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """What commands set for this process, such as by `apo trust`, ends with the test."""
    with patch.dict(os.environ):
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("place")
    places.make(path)
    return path


@pytest.fixture
def shell(here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell where no other program takes the place of this one.

    Pictures of comparisons, which take seconds, are `tests/compare/test_plot.py`'s to draw.
    """

    def blank(*_: object) -> dict[Path, str]:
        return {}

    def forked(_: str) -> BaseContext:
        return FORKS

    monkeypatch.setattr("apo.compare.plot.draw", blank)
    monkeypatch.setattr(multiprocessing, "get_context", forked)
    monkeypatch.setattr(os, "execve", stay)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    yield Shell(here, monkeypatch)
    use("")


@pytest.mark.filterwarnings("ignore")  # Of MLflow, about itself.
def test_what_the_pages_tell_to_type_works(
    place: Path, shell: Shell, tmp_path: Path, with_tables: Callable[[Path], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    registry = with_tables(tmp_path / "registry")
    places.registry(registry)
    ids = places.values(place)
    failed: list[str] = []
    before: set[tuple[str, str]] = set()
    with serve(Reader()) as server:
        given = {**ids, "served": server.base_url, "certificates": certifi.where()}
        for number, (page, told) in enumerate(TYPED.items()):
            with monkeypatch.context() as changed:
                folder = shutil.copytree(place, tmp_path / str(number))
                changed.chdir(folder)
                places.BEFORE.get(page, places.nothing)(folder)
                changed.setenv("OPENAI_BASE_URL", server.base_url)
                changed.setenv("OPENAI_API_KEY", "key")
                changed.setenv("MLFLOW_TRACKING_URI", registry)
                changed.setenv("APO_LANG", "ko" if page.startswith("docs/ko/") else "en")
                for command in told:
                    line = in_place(command.line, given)
                    words = (line, os.environ["APO_LANG"])
                    if words not in before or not re.match(stories.ONCE, line):
                        places.between(folder, line)
                        try:
                            problem = wrong(command, line, shell.type(line))
                        except Exception as error:  # So that one test names all that fail.
                            problem = repr(error)
                        if problem:
                            failed.append(f"{page}: {line}: {problem}")
                    before.add(words)
    assert not failed, "\n".join(failed)


def in_place(line: str, given: dict[str, str]) -> str:
    """A line as it is typed."""
    for words, instead in stories.INSTEAD.items():
        line = re.sub(words, instead, line)
    for name, value in given.items():
        line = line.replace(f"{{{name}}}", value)
    command = re.split(r" [|<>] ", line)[0]
    more = (more for words, more in stories.ADDED.items() if re.match(words, line))
    return line.replace(command, f"{command} {next(more, '')}".strip(), 1)


def wrong(command: Command, line: str, done: Done) -> str:
    """What is wrong with what came of a line."""
    codes = (code for words, code in stories.CODES.items() if re.match(words, line))
    if (done.code or 0) != (expected := next(codes, 0)):
        return f"code {done.code} and not {expected}: {(done.stdout + done.stderr)[-800:]}"
    part = [lines for words, lines in stories.IN_PART.items() if re.match(words, line)]
    shown = command.shown.splitlines()[: part[0] if part else None]
    there = plain(done.stdout + done.stderr)
    missing = [text for text in shown if plain(text) not in there]
    return f"the page shows {missing}, not {done.stdout}" if missing else ""


def plain(text: str) -> str:
    """A text without figures, ids and line ends."""
    text = re.sub(r"-[0-9a-f]{6}\b|http://\S+|[+-]?\d[\d.,]*(?:e-\d+)?", "#", text)
    return " ".join(text.split())
