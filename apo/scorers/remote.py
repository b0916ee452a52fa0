"""An object of another process, and all that can be asked of it.

The tests of the code scorer run in one process and the program in another, so that the program
cannot touch what judges it. It imports nothing of apo.
"""

import builtins
import operator
from collections.abc import Callable
from typing import Any, Protocol, cast

_BINARY = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("and", "or", "xor", "lshift", "rshift"),
)
_COMPARE = ("eq", "ne", "lt", "le", "gt", "ge")
_OTHER = (
    *("len", "iter", "next", "str", "repr", "bool", "neg", "pos", "invert"),
    *("getitem", "setitem", "delitem", "contains"),
)


class Over(BaseException):
    """The end of all questions; no `except Exception` of a test catches it."""


class Channel(Protocol):
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

    def __init__(self, peer: Channel, number: int) -> None:
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

    def __enter__(self) -> Any:
        return _ask(self, "enter")

    def __exit__(self, *_: object) -> Any:
        return _ask(self, "exit")

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, Remote) and bool(_ask(self, "isinstance", instance))

    def __hash__(self) -> int:
        return int(_ask(self, "hash"))


def _ask(remote: Remote, what: str, *args: Any) -> Any:
    peer: Channel = object.__getattribute__(remote, "_peer")
    return peer.ask(what, *((args[0], remote) if what == "isinstance" else (remote, *args)))


def number_of(remote: Remote) -> int:
    """The object's number in the process where it is at home."""
    return int(object.__getattribute__(remote, "_id"))


async def awaited(remote: Remote) -> Any:
    """A coroutine of the other process as one of this, where `asyncio.run` wants a real one."""
    return _ask(remote, "await")


def _forward(name: str, what: str, *, swap: bool = False) -> None:
    def method(self: Remote, *args: Any) -> Any:
        if what in _COMPARE and not isinstance(args[0], Remote):
            return NotImplemented
        peer: Channel = object.__getattribute__(self, "_peer")
        result = peer.ask(what, *((args[0], self) if swap else (self, *args)))
        if what in _BINARY and not (
            isinstance(args[0], Remote | tuple) or isinstance(result, Remote)
        ):
            raise TypeError(f"An object of the program {what} a plain value gave no such object")
        return result

    setattr(Remote, name, method)


for _name in _BINARY + _COMPARE + _OTHER:
    _forward(f"__{_name}__", _name)
for _name in _BINARY:
    _forward(f"__r{_name}__", _name, swap=True)


def _wait(thing: Any) -> Any:
    import asyncio

    async def whole() -> Any:
        return await thing

    return asyncio.run(whole())


def _call(thing: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return thing(*args, **kwargs)


def _enter(thing: Any) -> Any:
    return cast("Any", type(thing)).__enter__(thing)


def _exit(thing: Any) -> Any:
    return cast("Any", type(thing)).__exit__(thing, None, None, None)


_PLAIN = ("getattr", "setattr", "delattr", "hash", "isinstance", *_BINARY, *_COMPARE, *_OTHER)
ACTIONS: dict[str, Callable[..., Any]] = {
    name: vars(operator).get(f"__{name}__") or getattr(builtins, name) for name in _PLAIN
} | {"call": _call, "await": _wait, "enter": _enter, "exit": _exit}
"""What one process may ask of another, and what does it."""
