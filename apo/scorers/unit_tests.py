"""Unit tests of three kinds, told apart and run one by one: asserts, `test_*`, `check(candidate)`.

It imports nothing of apo beside its neighbours, since it also runs in containers without apo.
"""

import ast
import builtins
import importlib
import operator
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from reprlib import Repr
from types import CoroutineType, ModuleType
from typing import Any, cast

from apo.scorers.remote import Over, Remote

_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPARED: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 120
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = 12


class Broken(Exception):
    """The tests cannot be run, whatever the program."""


def run_tests(
    text: str,
    get: Callable[[str], Any],
    names: Sequence[str],
    entry_point: str,
    say: Callable[..., None],
) -> None:
    """Run the tests of a text against a program.

    Args:
        text: Python with asserts at its top, functions `test_*`, or a function `check`.
        get: gives what the program calls so.
        names: what the program defines.
        entry_point: the function that `check` gets, and that may bear a builtin's name; or "".
        say: told how many tests there are, and of each whether it passed.

    Raises:
        Broken: the text is no Python, holds no test, or needs what is not there.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Broken(f"they are no Python: {type(error).__name__}: {error}") from None
    module = ModuleType("tests")
    sys.modules["tests"] = module
    space = vars(module)
    given = _given(tree, get, names, entry_point)
    space.update(given)
    solution: Any = ModuleType("solution")
    solution.__getattr__ = partial(_get_or_fail, get, names)
    solution.__all__ = [name for name in names if not name.startswith("_")]
    sys.modules["solution"] = solution
    steps = list(_steps(tree.body, space, get, names, entry_point))
    total = sum(is_test for _, is_test, _ in steps)
    if not total:
        raise Broken(
            "they hold no test: write asserts, functions called test_…, or a function "
            "check(candidate)"
        )
    say(tests=total)
    for source, is_test, step in steps:
        for name, old in given.items():
            # A value is a copy; what a call has changed since is seen by the next statement.
            if space.get(name) is old and not isinstance(old, Remote | ModuleType | type):
                space[name] = given[name] = get(name)
        how = _how(step, must_work=not is_test)
        if is_test:
            say(test=source[:300], failed=how[:500])


def _how(step: Callable[[], None], *, must_work: bool) -> str:
    try:
        step()
    except (Over, Broken):
        raise
    except ImportError as error:
        if must_work and error.name != "solution":
            raise Broken(f"they import what is not there: {error}") from None
        return f"ImportError: {error}"
    except BaseException as error:  # Also SystemExit, from the program or from a test.
        try:
            words = str(error)
        except Exception:  # The program's own __str__ may do anything.
            words = ""
        kind = type(error).__name__
        return words or kind if kind == "AssertionError" else f"{kind}: {words}"
    return ""


def _get_or_fail(get: Callable[[str], Any], names: Sequence[str], name: str) -> Any:
    if name in names:
        return get(name)
    raise AttributeError(f"The program does not define {name}")


def _given(
    tree: ast.Module, get: Callable[[str], Any], names: Sequence[str], entry_point: str
) -> dict[str, Any]:
    """What the tests use of the program; never in place of a builtin, or of a module of Python."""
    nodes = list(ast.walk(tree))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    of_modules = {
        node.value.id
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    } & set(sys.stdlib_module_names)
    given: dict[str, Any] = {}
    for name in used & set(names):
        if name == entry_point or not (hasattr(builtins, name) or name in of_modules):
            given[name] = get(name)
        elif name in of_modules:
            given[name] = importlib.import_module(name)
    return given


_Step = tuple[str, bool, Callable[[], None]]


def _steps(
    body: list[ast.stmt],
    space: dict[str, Any],
    get: Callable[[str], Any],
    names: Sequence[str],
    entry_point: str,
) -> Iterator[_Step]:
    """Each statement: its text, whether it is a test, and what runs it."""
    functions = {node.name: node for node in body if isinstance(node, _FUNCTION)}
    called = {name for node in body if (name := _called(node)) in functions}
    for node in body:
        if _is_main(node):
            continue
        source = ast.unparse(node)
        if isinstance(node, ast.Assert):
            yield source, True, partial(_assert, node, space)
        else:
            is_test = _called(node) in functions or _holds_assert(node)
            yield source, is_test, partial(_run, node, space)
    for name, function in functions.items():
        if name in called:
            continue
        if name.startswith("test"):
            if _needed(function):
                raise Broken(f"{name} takes {_needed(function)}; a test function takes nothing")
            yield name, True, partial(_call_named, name, space)
        elif name == "check" and len(_needed(function)) == 1:
            yield from _check(function, space, get, names, entry_point)


def _check(
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    space: dict[str, Any],
    get: Callable[[str], Any],
    names: Sequence[str],
    entry_point: str,
) -> Iterator[_Step]:
    """The statements of `check(candidate)` one by one, so that each of its asserts counts."""
    if not entry_point:
        raise Broken(
            "check(candidate) is not called: end them with check(name of the function), or name "
            "the input field that holds the function's name with entry_point"
        )

    candidate = _needed(function)[0]

    def give() -> None:
        space[candidate] = _get_or_fail(get, names, entry_point)

    yield "", False, give
    if any(isinstance(node, ast.Return | ast.Nonlocal) for node in ast.walk(function)):
        yield f"check({entry_point})", True, partial(_call_named, "check", space, candidate)
    else:
        yield from _steps(function.body, space, get, names, "")


def _called(node: ast.stmt) -> str:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))):
            return name
        case _:
            return ""


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _holds_assert(node: ast.stmt) -> bool:
    if isinstance(node, (*_FUNCTION, ast.ClassDef)):
        return False
    return any(
        isinstance(part, ast.Assert)
        or (isinstance(part, ast.With) and "raises" in ast.unparse(part.items[0]))
        for part in ast.walk(node)
    )


def _needed(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The parameters that must be given."""
    given = function.args
    names = [arg.arg for arg in (*given.posonlyargs, *given.args)]
    return names[: len(names) - len(given.defaults)]


def _run(node: ast.stmt, space: dict[str, Any]) -> None:
    code = compile(ast.Module([node], []), "tests", "exec", dont_inherit=True)
    exec(code, space)  # noqa: S102 - what this process is for


def _call_named(name: str, space: dict[str, Any], *args: str) -> None:
    result: object = space[name](*(space[arg] for arg in args))
    if isinstance(result, CoroutineType):
        import asyncio

        asyncio.run(cast("Coroutine[Any, Any, None]", result))


def _value(node: ast.expr, space: dict[str, Any]) -> Any:
    code = compile(ast.Expression(node), "tests", "eval", dont_inherit=True)
    return eval(code, space)  # noqa: S307 - what this process is for


def _assert(node: ast.Assert, space: dict[str, Any]) -> None:
    """Run an assert; a failed comparison says what was there."""
    test = node.test
    if not (
        isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _COMPARED
    ):
        _run(node, space)
        return
    sign, compare = _COMPARED[type(test.ops[0])]
    left, right = _value(test.left, space), _value(test.comparators[0], space)
    if not compare(left, right):
        raise AssertionError(f"{_shown(left)} {sign} {_shown(right)} does not hold")


def _shown(value: object) -> str:
    if type(value) is int and value.bit_length() > 4000:  # To write it could take minutes.
        return f"a whole number of {value.bit_length():,} bits"
    return _SHORT.repr(value)
