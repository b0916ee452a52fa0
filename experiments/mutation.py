"""How many small faults in the code the tests notice: mutation testing on a seeded sample.

python -m experiments.mutation --mutants 120 --out mutants.jsonl

A mutant is the code with one operator, number or keyword changed (cosmic-ray); the tests that reach
the changed line run on it, and should fail. Which tests those are is known from one run of them all
under coverage, in a copy of the tree. What is in the file already is not run again.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from coverage import CoverageData

ROOT = Path(__file__).parents[1]
ROOMS = ("apo/calls", "apo/results", "apo/search", "apo/scorers")
OUTSIDE = ("e2e", "faults", "fidelity", "fuzz", "tracking")
"""Tests of whole runs, which take minutes; the others are to find a fault in a module."""
OPERATORS = re.compile(
    r"core/(ReplaceComparison|ReplaceBinaryOperator|NumberReplacer|ReplaceTrue|ReplaceFalse|"
    r"ReplaceAnd|ReplaceOr|AddNot|ReplaceBreak|ReplaceContinue|ReplaceUnary|ZeroIteration)"
    r"(?!.*BitOr)"  # Mostly between types.
)
MAX_TESTS = 80
SLOW = 5.0
"""Seconds from which a test is left out: most such simulate, and a mutant runs dozens of tests."""
SECONDS = 600.0
"""Until a mutant is taken to hang, which is noticed as well."""


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        path: of the module.
        line: the number of the line that is changed.
        operator: of cosmic-ray.
        nth: which of the places that the operator can change.
        was: the line.
        became: the line, or lines, in its place.
    """

    path: str
    line: int
    operator: str
    nth: int
    was: str
    became: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Run mutants, and print the score with those that no test noticed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mutants", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--rooms",
        nargs="+",
        default=ROOMS,
        help="what is changed, in equal shares: files and folders with commas",
    )
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"))
    parser.add_argument(
        "--tree", type=Path, help="a copy of the tree to work in; default: a new one"
    )
    parser.add_argument("--among", type=Path, help="another --out: run its mutants that exist here")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="apo-mutants-") as folder:
        tree = given.tree or copied(Path(folder))
        if not given.among and not (tree / ".coverage").exists():
            run_all(tree)
        done = {json.dumps(row["mutant"]) for row in rows(given.out)}
        for mutant, tests in chosen(tree, given):
            if json.dumps(asdict(mutant)) not in done:
                row = {"mutant": asdict(mutant), **tried(tree, mutant, tests), "tests": tests}
                with given.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    print(report(rows(given.out)))


def chosen(tree: Path, given: argparse.Namespace) -> Iterator[tuple[Mutant, list[str]]]:
    """The mutants with the tests that are to notice them.

    In another tree those are the tests of the same names, and then what else stands in their files.
    """
    if not given.among:
        for mutant in sampled(tree, given.rooms, given.mutants, given.seed):
            yield mutant, reaching(tree, mutant)
        return
    for row in rows(given.among):
        if found := same(tree, Mutant(**row["mutant"])):
            files = dict.fromkeys(test.partition("::")[0] for test in row["tests"])
            there = [test for file in files for test in _tests_in(tree, file)]
            yield found, sorted(there, key=lambda test: test not in row["tests"])[: 2 * MAX_TESTS]


def _tests_in(tree: Path, file: str) -> list[str]:
    text = (tree / file).read_text(encoding="utf-8") if (tree / file).exists() else ""
    return [f"{file}::{name}" for name in re.findall(r"^(?:async )?def (test_\w+)", text, re.M)]


def copied(folder: Path) -> Path:
    """Copy what is committed."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "x"], cwd=folder, input=archive.stdout, check=True)
    return folder


def run_all(tree: Path) -> None:
    """Run the tests of modules, and note which test reaches which line."""
    left_out = [f"--ignore=tests/{name}" for name in OUTSIDE]
    options = ["-n", "2", *left_out, "--cov=apo", "--cov-context=test", "--cov-report="]
    said = pytest(tree, [*options, "--durations=0", f"--durations-min={SLOW}"], timeout=None)
    slow = re.findall(r"^[\d.]+s \w+ +(tests/.+)$", said, re.MULTILINE)
    (tree / "slow.json").write_text(json.dumps([*map(_function, slow)]), encoding="utf-8")


def pytest(tree: Path, options: Sequence[str], timeout: float | None) -> str:
    """Run tests in a tree; what they printed, with the exit code at the end."""
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        command,
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return f"{done.stdout}\n{done.stderr}\n{done.returncode}"


def sampled(tree: Path, rooms: Sequence[str], n: int, seed: int) -> list[Mutant]:
    """Draw mutants, as many of each room: lines first, so that no operator prevails."""
    rng = Random(seed)
    found: list[Mutant] = []
    for room in rooms:
        lines: dict[tuple[str, int], list[tuple[Path, str, int, int]]] = {}
        for path in (path for part in room.split(",") for path in _modules(tree / part)):
            for place in _places(path.read_text(encoding="utf-8")):
                lines.setdefault((str(path), place[2]), []).append((path, *place))
        drawn = rng.sample(sorted(lines), min(n // len(rooms), len(lines)))
        found += [_mutant(tree, *rng.choice(lines[line])) for line in drawn]
    return found


def _modules(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


@cache
def _places(text: str) -> list[tuple[str, int, int]]:
    """What can be changed in a module: operator, which of its places, line."""
    ast, plugins = import_module("cosmic_ray.ast"), import_module("cosmic_ray.plugins")
    nodes = list(ast.ast_nodes(ast.get_ast(text)))
    found: list[tuple[str, int, int]] = []
    for name in sorted(plugins.operator_names()):
        if OPERATORS.match(name):
            operator = plugins.get_operator(name)()
            starts = (start for node in nodes for start, _ in operator.mutation_positions(node))
            found += [(name, nth, start[0]) for nth, start in enumerate(starts)]
    return found


def _mutant(tree: Path, path: Path, operator: str, nth: int, line: int) -> Mutant:
    text = path.read_text(encoding="utf-8")
    was, became = text.splitlines(), mutated(text, operator, nth).splitlines()
    more = len(became) - len(was)
    first = line - 1 + min(0, more)  # A number at the start of a line is put behind the one before.
    new = "\n".join(became[first : line + max(0, more)])
    return Mutant(str(path.relative_to(tree)), line, operator, nth, was[line - 1], new)


def mutated(text: str, operator: str, nth: int) -> str:
    """The text of a module with one change."""
    mutating, plugins = import_module("cosmic_ray.mutating"), import_module("cosmic_ray.plugins")
    return str(mutating.mutate_code(text, plugins.get_operator(operator)(), nth))


def same(tree: Path, mutant: Mutant) -> Mutant | None:
    """The same change to the same line of another tree, where that line stands there once."""
    path = tree / mutant.path
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text.splitlines().count(mutant.was) != 1:
        return None
    line = text.splitlines().index(mutant.was) + 1
    for operator, nth, at in _places(text):
        if (operator, at) == (mutant.operator, line):
            found = _mutant(tree, path, operator, nth, line)
            if found.became == mutant.became:
                return found
    return None


def tried(tree: Path, mutant: Mutant, tests: Sequence[str]) -> dict[str, Any]:
    """Run the tests of a mutant: how it ended, and by which of them."""
    path = tree / mutant.path
    text = path.read_text(encoding="utf-8")
    left_out: list[str] = []
    while True:
        path.write_text(mutated(text, mutant.operator, mutant.nth), encoding="utf-8")
        try:
            said = pytest(tree, ["-n", "0", "-x", *left_out, *tests], SECONDS) if tests else "\n5"
        except subprocess.TimeoutExpired:
            return {"outcome": "killed", "by": "time"}
        finally:
            path.write_text(text, encoding="utf-8")
        if said.endswith(("\n0", "\n5")):  # All pass, or none is left.
            return {"outcome": "survived" if tests else "no test", "by": ""}
        by = re.search(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", said, re.MULTILINE)
        if not by or not pytest(tree, ["-n", "0", by[1]], SECONDS).endswith("\n1"):
            return {"outcome": "killed", "by": by[1] if by else "collection"}
        left_out.append(f"--deselect={by[1]}")  # It fails without the change, too.


def reaching(tree: Path, mutant: Mutant) -> list[str]:
    """Test functions that reach a line, those of its own test file first."""
    lines = _contexts(tree)[mutant.path]
    # A statement of several lines is noted at its first.
    start = next((n for n in range(mutant.line, max(0, mutant.line - 15), -1) if lines.get(n)), 0)
    found = lines.get(start, set[str]()) or {test for tests in lines.values() for test in tests}
    stem = Path(mutant.path).stem
    slow = json.loads((tree / "slow.json").read_text(encoding="utf-8"))
    usable = sorted(found.difference(slow))
    Random(mutant.line).shuffle(usable)
    return sorted(usable, key=lambda test: stem not in test.partition("::")[0])[:MAX_TESTS]


@cache
def _contexts(tree: Path) -> dict[str, dict[int, set[str]]]:
    data = CoverageData(str(tree / ".coverage"))
    data.read()
    found: dict[str, dict[int, set[str]]] = {}
    for file in data.measured_files():
        if Path(file).is_relative_to(tree):
            of_lines = data.contexts_by_lineno(file)
            tests = {line: {_function(c) for c in cs if c} for line, cs in of_lines.items()}
            found[str(Path(file).relative_to(tree))] = tests
    return found


def _function(context: str) -> str:
    """The test function of a context, without parameters and phase."""
    return context.partition("|")[0].partition("[")[0]


def rows(path: Path) -> list[dict[str, Any]]:
    """What a file holds; nothing where there is none."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def report(found: Sequence[dict[str, Any]]) -> str:
    """The score by room, and the mutants that no test noticed."""
    return "\n".join([*_scores(found), "", *_survivors(found)])


def _scores(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    rooms = ["", *sorted({"/".join(row["mutant"]["path"].split("/")[:2]) for row in found})]
    for room in rooms:
        here = [row for row in found if row["mutant"]["path"].startswith(room)]
        killed = sum(row["outcome"] == "killed" for row in here)
        share = 100 * killed / max(1, len(here))
        yield f"{room or 'all':<24} {killed:>4} of {len(here):>4} noticed, {share:.1f} %"


def _survivors(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    for row in found:
        if row["outcome"] != "killed":
            mutant = row["mutant"]
            yield f"{mutant['path']}:{mutant['line']} ({row['outcome']}, {len(row['tests'])} tests)"
            yield f"    - {mutant['was'].strip()}\n    + {mutant['became'].strip()}"


if __name__ == "__main__":
    main()
