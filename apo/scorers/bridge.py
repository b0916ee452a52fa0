"""Two processes that use each other's objects, in JSON: questions, answers, questions meanwhile.

Numbers, texts, containers and some classes of values are copied; what a call changes in a container
is changed at home too. An object of any other class stays at home, has a number, and is a `Remote`
on the other side. It imports nothing of apo beside its neighbours.
"""

import builtins
import json
import os
import sys
from collections import namedtuple
from collections.abc import Callable
from importlib import import_module
from itertools import chain
from types import BuiltinFunctionType, CoroutineType, FunctionType
from typing import Any, cast

from apo.scorers.remote import ACTIONS, Over, Remote, awaited, number_of

MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of one message; what is longer ends the connection."""

_VALUES: dict[str, Callable[[Any], list[Any]]] = {
    "builtins.bytes": lambda x: [x.decode("latin-1"), "latin-1"],
    "builtins.complex": lambda x: [x.real, x.imag],
    "builtins.frozenset": lambda x: [list(x)],
    "builtins.int": lambda x: [hex(x), 16],
    "builtins.range": lambda x: [x.start, x.stop, x.step],
    "builtins.slice": lambda x: [x.start, x.stop, x.step],
    "builtins.tuple": lambda x: [list(x)],
    "collections.Counter": lambda x: [dict(x)],
    "collections.OrderedDict": lambda x: [list(x.items())],
    "collections.defaultdict": lambda x: [None, dict(x)],
    "collections.deque": lambda x: [list(x), x.maxlen],
    "datetime.date": lambda x: [x.year, x.month, x.day],
    "datetime.datetime": lambda x: [*x.timetuple()[:6], x.microsecond],
    "datetime.time": lambda x: [x.hour, x.minute, x.second, x.microsecond],
    "datetime.timedelta": lambda x: [x.days, x.seconds, x.microseconds],
    "decimal.Decimal": lambda x: [str(x)],
    "fractions.Fraction": lambda x: [str(x)],
    "numpy.ndarray": lambda x: [x.tolist(), x.dtype.str],
}
"""Classes of values that are copied, with what makes an equal one; others stay at home."""


class _Shared:
    """The containers that one question and its answer name: the same on both sides."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self.keys: dict[int, int] = {}

    def add(self, thing: Any) -> None:
        self.keys[id(thing)] = len(self.all)
        self.all.append(thing)


def _parts(thing: Any) -> list[Any]:
    """What a container holds; of a dict its keys and values in turn."""
    pairs: Any = getattr(thing, "items", None)
    return [*chain.from_iterable(pairs())] if pairs else [*thing]


def _put(thing: Any, parts: list[Any]) -> None:
    """Have a container hold what `_parts` gave, and nothing else."""
    if isinstance(thing, list | bytearray):
        thing[:] = parts
        return
    thing.clear()
    thing.update(zip(parts[::2], parts[1::2], strict=True) if isinstance(thing, dict) else parts)


def _same(before: list[Any], after: list[Any]) -> bool:
    return len(before) == len(after) and all(map(lambda x, y: x is y, before, after))


class Peer:
    """One end of a connection: a pipe to read from and one to write to.

    Attributes:
        home: where the classes stand whose objects the other side may look into; None for all, as
            it has the program's process. Such names of the other side are not followed that could
            be more than values.
        objects: what the other side was told of, by number.
    """

    def __init__(self, pipes: tuple[int, int], home: str | None = None) -> None:
        self._in, self._out = pipes
        self.home = home
        self.objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._theirs: dict[int, Any] = {}

    def ask(self, what: str, *args: Any) -> Any:
        """Have the other side do something, and answer what it asks meanwhile."""
        shared = _Shared()
        self._send(["ask", what, self._encode(list(args), shared)])
        while (message := self._receive())[0] == "ask":
            self._answer(message)
        _, changed, result, raised = message
        for key, parts in changed:
            _put(shared.all[key], self._decode(parts, shared))
        found = self._decode(result, shared)
        if raised:
            raise found
        return found

    def serve(self) -> None:
        """Answer until the other side has gone."""
        while True:
            self._answer(self._receive())

    def _answer(self, message: list[Any]) -> None:
        """Do what the other side asks, and say what came of it."""
        shared = _Shared()
        before: list[list[Any]] = []
        raised = False
        try:
            args = self._decode(message[2], shared)
            before = [_parts(thing) for thing in shared.all]
            self._check(message[1], args)
            result = ACTIONS[message[1]](*args)
        except Over:
            raise
        except BaseException as error:  # Also SystemExit: it ends this question alone.
            result, raised = error, True
        try:
            now = enumerate([_parts(thing) for thing in shared.all[: len(before)]])
            changed = [
                [key, self._encode(parts, shared)]
                for key, parts in now
                if not _same(before[key], parts)
            ]
            self._send(["done", changed, self._encode(result, shared), raised])
        except (RecursionError, MemoryError, ValueError) as error:
            lost = ValueError(f"{type(error).__name__} while the result was sent: {error}")
            self._send(["done", [], self._encode(lost, _Shared()), True])

    def _check(self, what: str, args: list[Any]) -> None:
        if self.home is not None and what in ("getattr", "setattr", "delattr"):
            thing, name = args[:2]
            if type(thing).__module__ != self.home or str(name).startswith("_"):
                raise AttributeError(f"The tests do not show {name!r:.100}")

    def _encode(self, value: Any, shared: _Shared) -> Any:
        """Turn a value into JSON; an object of another class into its number."""
        kind = cast("Any", type(value))

        def all_of(parts: Any) -> list[Any]:
            return [self._encode(part, shared) for part in parts]

        if kind in (type(None), bool, str, float) or (kind is int and abs(value) < 2**53):
            return value
        if kind in (list, set, dict, bytearray):
            if (key := shared.keys.get(id(value))) is not None:
                return ["same", key]
            shared.add(value)
            return [kind.__name__, all_of(_parts(value))]
        if kind is Remote:
            return ["yours", number_of(value)]
        if tuple in kind.__mro__ and (names := getattr(kind, "_fields", None)):
            return ["named", kind.__name__, [*names], all_of(value)]
        name = f"{kind.__module__}.{kind.__qualname__}"
        if name in _VALUES and _named(name) is kind and not getattr(value, "tzinfo", None):
            return ["value", name, all_of(_VALUES[name](value))]
        if kind.__module__ == "numpy" and hasattr(value, "item"):
            return self._encode(value.item(), shared)
        if isinstance(value, BaseException):
            return ["error", *all_of([kind, [*value.args], [*vars(value).items()]])]
        if isinstance(value, type | FunctionType | BuiltinFunctionType):
            name = f"{value.__module__}.{value.__qualname__}"
            if self._may_name(name) and _named(name) is value:
                return ["thing", name]
        number = self._number(value)
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["error class", number, value.__name__, all_of(value.__bases__)]
        return ["coroutine" if kind is CoroutineType else "mine", number]

    def _decode(self, code: Any, shared: _Shared) -> Any:
        """Turn what `_encode` gave on the other side back into a value, or a `Remote`."""

        def all_of(parts: list[Any]) -> list[Any]:
            return [self._decode(part, shared) for part in parts]

        match code:
            case ["list" | "set" | "dict" | "bytearray" as kind, parts]:
                made = getattr(builtins, kind)()
                shared.add(made)
                _put(made, all_of(parts))
                return made
            case ["same", key]:
                return shared.all[key]
            case ["yours", number]:
                return self.objects[number]
            case ["named", name, fields, parts]:
                make: Any = namedtuple  # Its fields are known only here.
                return make(name, fields)(*all_of(parts))
            case ["value", name, parts] if name in _VALUES:
                make = import_module("numpy").array if name == "numpy.ndarray" else _named(name)
                return make(*all_of(parts))
            case ["error", *parts]:
                return _error(*all_of(parts))
            case ["thing", name] if self.home is None or _is_harmless(name):
                return _named(name)
            case ["error class", number, name, bases]:
                if number not in self._theirs:
                    self._theirs[number] = type(name, tuple(all_of(bases)), {})
                return self._theirs[number]
            case ["mine" | "coroutine" as kind, number]:
                found = self._theirs.setdefault(number, Remote(self, number))
                return awaited(found) if kind == "coroutine" else found
            case [*_]:
                raise ValueError(f"The other process sent {code!r:.100}")
            case _:
                return code

    def _may_name(self, name: str) -> bool:
        if self.home is None:
            return _is_harmless(name)
        return name.split(".")[0] in sys.stdlib_module_names and "<" not in name

    def _number(self, value: Any) -> int:
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self.objects)
            self.objects.append(value)  # It stays, so its id is not another's later.
        return self._numbers[id(value)]

    def _send(self, message: list[Any]) -> None:
        text = json.dumps(message, separators=(",", ":")).encode("ascii")
        if len(text) > MAX_MESSAGE:
            raise ValueError(f"{len(text):,} bytes, of at most {MAX_MESSAGE:,}")
        rest = memoryview(len(text).to_bytes(8, "big") + text)
        try:
            while rest:
                rest = rest[os.write(self._out, rest) :]
        except OSError as error:
            raise Over("the program ended its process") from error

    def _receive(self) -> list[Any]:
        size = int.from_bytes(self._read(8), "big")
        if size > MAX_MESSAGE:
            raise Over(f"the program sent {size:,} bytes")
        message: Any = json.loads(self._read(size))
        if not (isinstance(message, list) and message):
            raise Over("the program sent what is no message")
        return [*cast("Any", message)]

    def _read(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            try:
                part = os.read(self._in, min(size - len(parts), 1 << 20))
            except OSError:
                part = b""
            if not part:
                raise Over("the program ended its process")
            parts += part
        return bytes(parts)


def _error(kind: Any, args: list[Any], attributes: list[Any]) -> BaseException:
    made: Any = kind.__new__(kind, *args) if issubclass(kind, BaseException) else None
    if isinstance(made, Over) or made is None:
        raise ValueError("The other process sent what is no error")
    made.args = tuple(args)
    vars(made).update(attributes)
    return cast("BaseException", made)


def _is_harmless(name: str) -> bool:
    """Whether a name from the program is only a class of values: what it makes can be compared."""
    module, _, rest = name.partition(".")
    return name in _VALUES or (
        module == "builtins" and isinstance(_named(f"builtins.{rest}"), type)
    )


def _named(name: str) -> Any:
    """What a full name stands for, or None."""
    module, _, rest = name.partition(".")
    found: Any = sys.modules.get(module) or import_module(module)
    for part in rest.split("."):
        found = getattr(found, part, None)
    return found
