"""An object of another process, and all that can be asked of it.

The tests of the code scorer run in one process and the program in another, so that the program
cannot touch what judges it. It imports nothing of apo.
"""

import operator
from collections.abc import Callable
from typing import Any, Protocol, cast

_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_BITS = ("and", "or", "xor", "lshift", "rshift")
_COMPARE = ("eq", "ne", "lt", "le", "gt", "ge")


class Over(BaseException):
    """The end of all questions; no `except Exception` of a test catches it."""


class Asker(Protocol):
    """The way to the other process."""

    def ask(self, what: str, *args: Any) -> Any:
        """Have the other process do something, and give or raise what comes of it."""
        ...


class Remote:
    """An object of the other process.

    It is no number: it equals no plain value, and cannot be compared with or turned into one, so
    that a program cannot answer a test with an object that agrees to everything.
    """

    __slots__ = ("_id", "_peer")

    def __init__(self, peer: Asker, number: int) -> None:
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_id", number)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it where it is at home."""
        return _ask(self, "call", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return _ask(self, "getattr", name)

    def __setattr__(self, name: str, value: object) -> None:
        _ask(self, "setattr", name, value)

    def __delattr__(self, name: str) -> None:
        _ask(self, "delattr", name)

    def __await__(self) -> Any:
        yield from ()
        return _ask(self, "await")

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, Remote) and bool(_ask(self, "isinstance", instance))

    def __hash__(self) -> int:
        return int(_ask(self, "hash"))


def _ask(remote: Remote, what: str, *args: Any) -> Any:
    peer: Asker = object.__getattribute__(remote, "_peer")
    return peer.ask(what, remote, *args)


def number_of(remote: Remote) -> int:
    """The object's number in the process where it is at home."""
    return int(object.__getattribute__(remote, "_id"))


async def awaited(remote: Remote) -> Any:
    """A coroutine of the other process as one of this, where `asyncio.run` wants a real one."""
    return _ask(remote, "await")


def _forward(name: str, what: str) -> None:
    def method(self: Remote, *args: Any) -> Any:
        return _ask(self, what, *args)

    setattr(Remote, name, method)


def _forward_binary(name: str, what: str, *, swap: bool = False, compare: bool = False) -> None:
    def method(self: Remote, other: object) -> Any:
        if compare and not isinstance(other, Remote):
            return NotImplemented
        pair = (other, self) if swap else (self, other)
        peer: Asker = object.__getattribute__(self, "_peer")
        result = peer.ask("operator", what, *pair)
        if compare or isinstance(other, Remote | tuple) or isinstance(result, Remote):
            return result
        raise TypeError(f"An object of the program {what} a plain value gave no such object")

    setattr(Remote, name, method)


for _name in ("len", "iter", "next", "str", "repr", "bool"):
    _forward(f"__{_name}__", _name)
for _name in ("getitem", "setitem", "delitem", "contains", "enter", "exit"):
    _forward(f"__{_name}__", _name)
for _name in ("neg", "pos", "invert"):
    _forward(f"__{_name}__", _name)
for _name in _BINARY + _BITS:
    _forward_binary(f"__{_name}__", _name)
    _forward_binary(f"__r{_name}__", _name, swap=True)
for _name in _COMPARE:
    _forward_binary(f"__{_name}__", _name, compare=True)


def _exit(thing: Any, *_: Any) -> Any:
    return cast("Any", type(thing)).__exit__(thing, None, None, None)


def _wait(thing: Any) -> Any:
    import asyncio

    async def whole() -> Any:
        return await thing

    return asyncio.run(whole())


def _call(thing: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return thing(*args, **kwargs)


def _enter(thing: Any) -> Any:
    return cast("Any", type(thing)).__enter__(thing)


def _isinstance(kind: Any, thing: Any) -> bool:
    return isinstance(thing, kind)


def _operate(name: str, a: Any, b: Any) -> Any:
    return getattr(operator, f"__{name}__")(a, b)


ACTIONS: dict[str, Callable[..., Any]] = {
    "call": _call,
    "getattr": getattr,
    "setattr": setattr,
    "delattr": delattr,
    "await": _wait,
    "hash": hash,
    "isinstance": _isinstance,
    "enter": _enter,
    "exit": _exit,
    "operator": _operate,
    "len": len,
    "iter": iter,
    "next": next,
    "str": str,
    "repr": repr,
    "bool": bool,
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    "contains": operator.contains,
    "neg": operator.neg,
    "pos": operator.pos,
    "invert": operator.invert,
}
"""What one process may ask of another, and what does it."""
