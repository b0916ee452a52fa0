"""The code scorer on honest programs: what it reads, runs, counts and says. Starts processes."""

import asyncio
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from apo.errors import TaskError
from apo.scorers import jail, sandbox
from apo.scorers.code import Code, program_in
from apo.scorers.registry import make_scorer
from apo.task import Example, Score

pytestmark = pytest.mark.slow

HERE = Code(seconds=2, memory=512, allow=("files", "network"))


def score(program: str, tests: str, scorer: Code = HERE, **inputs: str) -> Score:
    example = Example({"input": "x", **inputs}, (textwrap.dedent(tests),))
    return scorer(f"Here it is:\n```python\n{textwrap.dedent(program)}\n```\nDone.", example)


def passes(program: str, tests: str) -> None:
    found = score(program, tests)
    assert found == Score(1.0), found.feedback


# --- finding the program


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        ("x = 1", "x = 1"),
        ("```python\nx = 1\n```", "x = 1"),
        ("```\nx = 1\n```", "x = 1"),
        ("~~~py\nx = 1\n~~~", "x = 1"),
        ("a\r\n```python\r\nx = 1\r\ny = 2\r\n```\r\nb", "x = 1\ny = 2"),
        ("```python\nold\n```\nBetter:\n```Python\nnew\n```", "new"),
        ("```python\nx = 1\n```\nIt prints:\n```text\n1\n```", "x = 1"),
        ("```bash\nls\n```", "ls"),
        ("```python\nx = '''\n````\n'''", "x = '''"),
        ("```python\nx = 1", "x = 1"),
        ("1. So:\n   ```python\n   x = 1\n   ```", "x = 1"),
        ("````python\ns = '```'\n```\n````", "s = '```'\n```"),
        ("inline `x` and ```y``` alone", "inline `x` and ```y``` alone"),
        ("```python\n```", ""),
        ("", ""),
        ("```python\n한글 = '귤🍊'\n```", "한글 = '귤🍊'"),
    ],
)
def test_the_program_is_the_last_block_of_python(answer: str, program: str) -> None:
    assert program_in(answer) == program


def test_a_huge_answer_is_read_in_good_time() -> None:
    started = time.monotonic()
    for answer in ("```\n" * 200_000, "`" * 500_000, "~~~ " * 100_000, "```python\n" * 100_000):
        program_in(answer)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "answer",
    ["", " \n", "```python\n\n```", "I cannot do that.", "def f(:", "x = \0",
     "```python\nx = '\ud800\n```", "(" * 100_000],
)  # fmt: skip
def test_no_program_is_badly_formed(answer: str) -> None:
    found = HERE(answer, Example({"input": "x"}, ("assert f(1)",)))
    assert (found.value, found.well_formed) == (0, False)
    assert "program" in found.feedback


# --- tests of three kinds


ADD = "def add(a, b):\n    return a + b"


def test_the_share_of_asserts_that_pass() -> None:
    tests = (
        "assert add(1, 2) == 3\nassert add(1, 2) == 4\n"
        "assert add('a', 'b') == 'ab'\nassert add([1], 2)"
    )
    found = score(ADD, tests)
    assert found.value == 0.5
    assert found.well_formed
    assert found.feedback == (
        "2 of 4 tests passed.\n- assert add(1, 2) == 4: 3 == 4 does not hold\n"
        '- assert add([1], 2): TypeError: can only concatenate list (not "int") to list'
    )
    assert score(ADD, tests, Code(all_or_nothing=True, allow=HERE.allow)).value == 0


def test_functions_are_tests() -> None:
    tests = """
        import math
        def helper(x):
            return math.floor(x)
        def test_one():
            assert add(1, 2) == helper(3.5)
        def test_two():
            assert add(1, 2) == 4, 'they differ'
        async def test_three():
            assert add(0, 0) == 0
    """
    found = score(ADD, tests)
    assert found.value == pytest.approx(2 / 3)
    assert "test_two: they differ" in found.feedback


def test_check_takes_the_candidate() -> None:
    tests = """
        def check(candidate):
            total = 3
            assert candidate(1, 2) == total
            for i in range(3):
                assert candidate(i, i) == 2 * i
            assert candidate(1, 1) == 3
    """
    named = Code(entry_point="name", allow=HERE.allow)
    assert score(ADD, tests, named, name="add").value == pytest.approx(2 / 3)
    assert score(ADD, tests, named, name="minus").value == 0
    assert score(ADD, tests + "\n        check(add)").value == 0  # One call is one test.
    with pytest.raises(TaskError, match="entry_point"):
        score(ADD, tests)


@pytest.mark.parametrize(
    ("tests", "value"),
    [
        ("for i in range(3):\n    assert add(i, 1) == i + 1", 1),
        ("try:\n    add(1, None)\n    assert False\nexcept TypeError:\n    pass", 1),
        ("import pytest\nwith pytest.raises(TypeError):\n    add(1, None)", 1),
        ("import pytest\nassert add(0.1, 0.2) == pytest.approx(0.3)", 1),
        ("from solution import add as plus\nassert plus(1, 2) == 3", 1),
        ("import solution\nassert solution.add(1, 2) == 3", 1),
        ("from solution import minus\nassert minus(1, 2) == 3", 0),
        ("x = minus(1, 2)\nassert add(1, 2) == 3", 1),
        ("assert 1 < add(1, 1) < 3\nassert add(1, 1) in (1, 2)\nassert not add(0, 0)", 1),
        ("if __name__ == '__main__':\n    assert add(1, 2) == 4\nassert add(1, 2) == 3", 1),
        ("assert minus(1, 2) == 3\nassert add(1, 2) == 3", 0.5),
    ],
)
def test_other_ways_to_write_tests(tests: str, value: float) -> None:
    found = score(ADD, tests)
    assert found.value == value, found.feedback


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        ("assert add(", "no Python"),
        ("3", "no test"),
        ("\0", "no Python"),
        ("", "no test"),
        ("x = add(1, 2)", "no test"),
        ("import not_there_at_all\nassert add(1, 2) == 3", "not_there_at_all"),
        ("def test_one(tmp_path):\n    assert add(1, 2) == 3", "tmp_path"),
    ],
)
def test_what_is_wrong_with_the_tests_is_no_score(tests: str, told: str) -> None:
    with pytest.raises(TaskError, match=told):
        score(ADD, tests)


def test_all_targets_count_together() -> None:
    example = Example({"input": "x"}, ("assert add(1, 2) == 3", "assert add(1, 2) == 4"))
    assert HERE(ADD, example).value == 0.5


def test_tests_may_stand_in_an_input() -> None:
    example = Example({"input": "x", "tests": "assert add(1, 2) == 3"}, ("as in tests",))
    assert Code(tests="tests", allow=HERE.allow)(ADD, example).value == 1
    with pytest.raises(TaskError, match="Did you mean 'tests'"):
        Code(tests="test")(ADD, example)


# --- the two processes


@pytest.mark.parametrize(
    "value",
    ["None", "True", "-7", "2**70", "-(10**5000)", "0.1", "float('inf')", "1j", "'귤🍊\\x00'",
     "'\\ud800'", "b'\\xff'", "bytearray(b'x')", "[1, [2, 'a'], (3,)]", "{1: 'a', (1, 2): [None]}",
     "{1, 2, 3}", "frozenset({1})", "range(1, 9, 2)", "Counter('aab')", "deque([1, 2], 3)",
     "OrderedDict(a=1)", "Fraction(1, 3)", "Decimal('0.10')", "date(2026, 3, 1)", "int", "KeyError",
     "datetime(2026, 3, 1, 12, 30, 1, 5)", "timedelta(days=1.5)", "Point(1, 2)", "[]", "{}", "()"],
)  # fmt: skip
def test_values_travel_both_ways(value: str) -> None:
    imports = (
        "from collections import Counter, OrderedDict, deque, namedtuple\n"
        "from datetime import date, datetime, timedelta\nfrom decimal import Decimal\n"
        "from fractions import Fraction\nPoint = namedtuple('Point', 'x y')\n"
    )
    program = f"{imports}def give():\n    return {value}\ndef same(x):\n    return x"
    passes(program, f"{imports}assert give() == {value}\nassert same({value}) == {value}\n"
                    f"assert type(give()).__name__ == type({value}).__name__")  # fmt: skip


def test_what_a_call_changes_is_changed() -> None:
    passes(
        """
        def sort(items, log, seen):
            items.sort()
            log['n'] = len(items)
            seen.add(1)
            return items
        def nest(rows):
            rows[0].append(9)
            rows.append(rows[0])
        """,
        """
        items, log, seen = [3, 1, 2], {}, set()
        result = sort(items, log, seen)
        assert items == [1, 2, 3] and result is items
        assert log == {'n': 3} and seen == {1}
        rows = [[1], [2]]
        first = rows[0]
        nest(rows)
        assert first == [1, 9] and rows[2] is first
        """,
    )


def test_what_a_call_changes_in_the_program_is_seen() -> None:
    passes(
        "count, seen = 0, []\ndef step(x):\n    global count\n    count += 1\n    seen.append(x)",
        "step('a')\nassert count == 1 and seen == ['a']\nstep('b')\nassert count == 2\n"
        "count = 9\nstep('c')\nassert count == 9 and len(seen) == 3",
    )


def test_objects_of_the_program() -> None:
    passes(
        """
        from dataclasses import dataclass
        from enum import Enum
        class Color(Enum):
            RED = 1
        @dataclass
        class Vector:
            x: int
            y: int = 0
            def __add__(self, other):
                return Vector(self.x + other.x, self.y + other.y)
            def __mul__(self, k):
                return Vector(self.x * k, self.y * k)
            __rmul__ = __mul__
        class Stack:
            kind = 'stack'
            def __init__(self):
                self.items = []
            def push(self, x):
                self.items.append(x)
                return self
            def __len__(self):
                return len(self.items)
            def __getitem__(self, i):
                return self.items[i]
            def __contains__(self, x):
                return x in self.items
            @property
            def top(self):
                return self.items[-1]
            def __enter__(self):
                return self
            def __exit__(self, *_):
                self.items.clear()
        """,
        """
        s = Stack()
        assert len(s) == 0 and not s
        s.push(1).push(2)
        assert len(s) == 2 and s.top == 2 and s[0] == 1 and 2 in s and s
        assert list(s) == [1, 2] and s.kind == Stack.kind
        s.name = 'mine'
        assert s.name == 'mine' and hasattr(s, 'top') and not hasattr(s, 'bottom')
        with s as same:
            assert same is s
        assert len(s) == 0
        assert Vector(1, 2) + Vector(1, 1) == Vector(2, 3)
        assert Vector(1) * 2 == Vector(2) == 2 * Vector(1) and Vector(1) != Vector(2)
        assert repr(Vector(1)) == 'Vector(x=1, y=0)' and f'{Vector(1)}' == str(Vector(1))
        assert Color.RED == Color.RED and Color(1) is Color.RED and Color.RED.value == 1
        assert isinstance(s, Stack) and not isinstance(s, Vector) and not isinstance(3, Stack)
        assert Vector.__name__ == 'Vector' and {Color.RED: 1}[Color.RED] == 1
        """,
    )


def test_generators_callbacks_and_coroutines() -> None:
    passes(
        """
        def count(n):
            yield from range(n)
        def apply(f, items):
            return [f(i) for i in items]
        def best(items, key=None):
            return max(items, key=key)
        def compose(f, g):
            return lambda x: f(g(x))
        async def later(x):
            return x + 1
        def walk(node):
            return [] if node is None else [node.value, *walk(node.next)]
        def take(items):
            return sum(items)
        """,
        """
        import asyncio
        class Node:
            def __init__(self, value, next=None):
                self.value, self.next = value, next
        assert list(count(3)) == [0, 1, 2] and next(count(1)) == 0
        assert apply(lambda x: x * 2, [1, 2]) == [2, 4]
        assert apply(str, [1]) == ['1'] and apply(abs, [-1]) == [1]
        assert best(['a', 'bbb'], key=len) == 'bbb'
        assert compose(lambda x: x + 1, lambda x: x * 2)(5) == 11
        assert asyncio.run(later(1)) == 2
        assert walk(Node(1, Node(2))) == [1, 2]
        assert take(x * x for x in range(4)) == 14
        """,
    )


def test_errors_are_raised_as_what_they_are() -> None:
    passes(
        """
        class Empty(ValueError):
            def __init__(self, code, more):
                super().__init__(f'code {code}')
                self.code = code
        class Other(Empty):
            pass
        def fail(kind):
            if kind == 'own':
                raise Other(7, 'x')
            raise {'key': KeyError('k'), 'os': FileNotFoundError(2, 'gone'),
                   'stop': StopIteration(3), 'exit': SystemExit(4)}[kind]
        """,
        """
        import pytest
        with pytest.raises(Empty, match='code 7') as caught:
            fail('own')
        try:
            fail('own')
            assert False
        except ValueError as error:
            assert error.code == 7 and isinstance(error, Other)
        for kind, error in (('key', KeyError), ('os', OSError), ('stop', StopIteration)):
            with pytest.raises(error):
                fail(kind)
        with pytest.raises(SystemExit):
            fail('exit')
        """,
    )


def test_numpy_where_it_is_installed() -> None:
    pytest.importorskip("numpy")
    passes(
        "import numpy as np\ndef double(x):\n    return x * 2\ndef mean(x):\n    return np.mean(x)",
        """
        import numpy as np
        assert np.array_equal(double(np.arange(4).reshape(2, 2)), [[0, 2], [4, 6]])
        assert mean([1, 2]) == 1.5
        assert double(np.float32(2)) == 4
        """,
    )


def test_korean_names_windows_lines_and_strange_signs() -> None:
    program = "def 더하기(가, 나):\r\n\treturn 가 + 나\r\n인사 = '안녕 🍊 {x} {{y}} %s'\r\n"
    tests = "assert 더하기(1, 2) == 3\r\nassert 인사 == '안녕 🍊 {x} {{y}} %s'\r\n"
    example = Example({"input": "x"}, (tests,))
    assert HERE(f"```python\r\n{program}```", example) == Score(1.0)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("input()", "EOFError"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("import nothing_there", "nothing_there"),
    ],
)
def test_a_program_that_fails_at_once(body: str, told: str) -> None:
    found = score(f"{ADD}\n{body}", "assert add(1, 2) == 3")
    assert (found.value, found.well_formed) == (0, True)
    assert told in found.feedback


def test_the_main_part_of_a_program_is_not_run() -> None:
    passes(f"{ADD}\nif __name__ == '__main__':\n    raise SystemExit(1)", "assert add(1, 2) == 3")


def test_the_time_that_was_up_is_told() -> None:
    slow = "import time\ndef add(a, b):\n    if a:\n        time.sleep(99)\n    return a + b"
    quick = Code(seconds=0.3, allow=HERE.allow)
    found = score(
        slow, "assert add(0, 2) == 2\nassert add(1, 2) == 3\nassert add(0, 1) == 1", quick
    )
    assert found.value == pytest.approx(1 / 3)
    assert found.feedback == (
        "1 of 3 tests passed.\n- 2 tests were not reached: the time was up after 0.6 s."
    )


# --- as a scorer


def test_scores_at_once_while_the_loop_goes_on() -> None:
    ticks: list[int] = []

    async def tick() -> None:
        while True:
            ticks.append(1)
            await asyncio.sleep(0)

    async def main() -> list[Score]:
        ticking = asyncio.create_task(tick())
        scorer = Code(allow=HERE.allow, at_once=2)
        example = Example({"input": "x"}, ("assert add(1, 2) == 3",))
        found = await asyncio.gather(*(scorer.score(ADD, example) for _ in range(4)))
        ticking.cancel()
        return found

    assert asyncio.run(main()) == [Score(1.0)] * 4
    assert len(ticks) > 10


def test_it_can_be_called_where_a_loop_runs() -> None:
    async def main() -> Score:
        return score(ADD, "assert add(1, 2) == 3")

    assert asyncio.run(main()).value == 1


def test_cancelled_it_leaves_no_process() -> None:
    async def main() -> None:
        example = Example({"input": "x"}, ("assert add(1, 2) == 3",))
        scoring = asyncio.create_task(HERE.score("while True:\n    pass", example))
        await asyncio.sleep(0.2)
        scoring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scoring

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"seconds": 0}, "from 0.1"),
        ({"seconds": float("nan")}, "from 0.1"),
        ({"memory": 1}, "from 64"),
        ({"at_once": -1}, "from 0"),
        ({"allow": ["netwrok"]}, "Did you mean 'network'"),
        ({"second": 3}, "Did you mean 'seconds'"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        make_scorer({"name": "code", **settings})


# --- where there is no protection, and containers


def test_it_refuses_where_nothing_protects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "START", _without_protection())
    monkeypatch.setattr(sandbox, "no_bubblewrap", lambda: "bubblewrap is not installed")
    with pytest.raises(
        TaskError, match=r"cannot keep a program from files and network.*docker run"
    ):
        score(ADD, "assert add(1, 2) == 3", Code())
    with pytest.raises(TaskError, match=r"from files: "):
        score(ADD, "assert add(1, 2) == 3", Code(allow=("network",)))
    with pytest.raises(TaskError, match=r"takes bubblewrap \(bubblewrap is not installed\), or"):
        Code().sandbox.told()
    assert score(ADD, "assert add(1, 2) == 3").value == 1
    assert HERE.sandbox.told().endswith("kept from: nothing.")


def test_why_bubblewrap_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    anew = sandbox.no_bubblewrap.__wrapped__
    monkeypatch.setenv("PATH", str(tmp_path))
    assert anew() == "bubblewrap is not installed"
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho bwrap: No permissions to create new namespace >&2\nexit 1\n")
    fake.chmod(0o755)
    assert anew() == "bubblewrap fails: bwrap: No permissions to create new namespace"
    fake.write_text("#!/bin/sh\nexit 3\n")
    assert anew() == "bubblewrap fails: 3"
    fake.write_text("no program")
    assert anew().startswith("bubblewrap fails: ")


def test_where_no_folder_can_be_private_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    if "files" not in HERE.sandbox.told():
        pytest.skip("this kernel has no Landlock or no seccomp")
    start = sandbox.START.replace(
        "main(read)",
        "import apo.scorers.examiner as e\ne.private_folder = lambda *_: False\nmain(read)",
    )
    monkeypatch.setattr(sandbox, "START", start)
    write = f"{ADD}\ndef write():\n    open('x', 'w')"
    found = score(write, "assert add(1, 2) == 3\nwrite()\nassert write()", Code())
    assert found.value == 0.5
    assert "PermissionError" in found.feedback or "Read-only file system" in found.feedback


def _without_protection() -> str:
    """The start of a machine whose kernel has none of it."""
    return sandbox.START.replace("main(read)", "import apo.scorers.examiner as e\n"
                         "e.close = lambda *_, **__: set()\nmain(read)")  # fmt: skip


def test_a_command_gets_all_that_it_needs_on_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # A container goes with its folders; this stays.
    other = Code(command=f"{sys.executable} -I", seconds=2)
    assert score(ADD, "assert add(1, 2) == 3", other) == Score(1.0)
    with pytest.raises(TaskError, match="cannot start 'no-such-docker'"):
        score(ADD, "assert add(1, 2) == 3", Code(command="no-such-docker run python"))
    broken = Code(command=f"{sys.executable} -c 'import sys; sys.exit(\"no daemon\")'")
    with pytest.raises(TaskError, match="no daemon"):
        score(ADD, "assert add(1, 2) == 3", broken)


def test_other_machines_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert jail.close(".", [], writable=True) == set()
    assert not jail.private_folder(".", 1)
