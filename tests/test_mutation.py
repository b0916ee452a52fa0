"""Mutants: what is changed in a module, which tests run on it, and what is told of them."""

from pathlib import Path
from typing import Any

import pytest

from experiments.mutation import Mutant, mutated, report, same, sampled, tried

MODULE = "def least(a, b):\n    if a < b:\n        return a\n    return b\n\n\nSIZE = 3\n"
TEST = (
    "from apo.least import least\n\n\ndef test_none():\n    assert False\n\n\n"
    "def test_same():\n    assert least(1, 1) == 1\n\n\n"
    "def test_one():\n    assert least(1, 2) == 1\n"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in (("apo/least.py", MODULE), ("tests/test_least.py", TEST)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_sample_holds_lines_once_and_is_the_same_again(tree: Path) -> None:
    drawn = sampled(tree, ["apo"], 9, seed=1)
    assert [mutant.line for mutant in drawn] in ([2, 7], [7, 2])
    assert drawn == sampled(tree, ["apo/least.py"], 9, seed=1)
    for mutant in drawn:
        assert mutant.was == MODULE.splitlines()[mutant.line - 1] != mutant.became
        assert mutant.became in mutated(MODULE, mutant.operator, mutant.nth)


def test_a_mutant_is_found_again_where_its_line_stands_once(tree: Path) -> None:
    (mutant,) = (m for m in sampled(tree, ["apo"], 9, seed=1) if m.line == 2)
    path = tree / "apo/least.py"
    path.write_text(f'"""Longer."""\n\n{MODULE}')
    moved = same(tree, mutant)
    assert moved
    assert (moved.line, moved.became) == (4, mutant.became)
    path.write_text(MODULE + MODULE)
    assert same(tree, mutant) is None
    path.unlink()
    assert same(tree, mutant) is None


@pytest.mark.slow
def test_a_fault_is_noticed_by_a_test_that_passes_without_it(tree: Path) -> None:
    operator = "core/ReplaceComparisonOperator_Lt_Gt"
    mutant = Mutant("apo/least.py", 2, operator, 0, "    if a < b:", "    if a > b:")
    seen = tried(tree, mutant, ["tests/test_least.py"])
    assert seen == {"outcome": "killed", "by": "tests/test_least.py::test_one"}
    unseen = tried(tree, mutant, ["tests/test_least.py::test_same"])
    assert unseen["outcome"] == "survived"
    assert tried(tree, mutant, [])["outcome"] == "no test"
    assert (tree / "apo/least.py").read_text() == MODULE
    rows: list[dict[str, Any]] = [
        {"mutant": vars(mutant), **told, "tests": []} for told in (seen, unseen)
    ]
    assert "1 of    2 noticed, 50.0 %" in report(rows)
    assert "+ if a > b:" in report(rows)
