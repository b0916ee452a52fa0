"""How values travel between two processes as JSON, and how what cannot travel is named.

Numbers, texts, containers and some classes of values are copied. An object of any other class stays
at home, has a number, and is a `Remote` on the other side. It imports nothing of apo.
"""

import builtins
import sys
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Callable
from importlib import import_module
from types import BuiltinFunctionType, CoroutineType, FunctionType
from typing import Any, cast

from apo.scorers.remote import Over, Remote, awaited, number_of

_VALUES: dict[str, Callable[[Any], list[Any]]] = {
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

_Mutable = list[Any] | set[Any] | dict[Any, Any] | bytearray


class Shared:
    """The containers that one question and its answer name: the same on both sides."""

    def __init__(self) -> None:
        self.all: list[_Mutable] = []
        self.keys: dict[int, int] = {}
        self.before: list[list[Any]] = []

    def add(self, thing: _Mutable) -> int:
        """Number a container."""
        self.keys[id(thing)] = len(self.all)
        self.all.append(thing)
        return len(self.all) - 1

    def remember(self) -> None:
        """Note what the containers hold, to find those that change."""
        self.before = [parts_of(thing) for thing in self.all]

    def changed(self) -> list[int]:
        """The containers that hold something else than they did."""
        both = zip(self.before, map(parts_of, self.all), strict=False)
        return [
            i
            for i, (a, b) in enumerate(both)
            if len(a) != len(b) or any(x is not y for x, y in zip(a, b, strict=True))
        ]


def parts_of(thing: _Mutable) -> list[Any]:
    """Give what a container holds; of a dict its keys and values in turn."""
    return (
        [part for pair in thing.items() for part in pair] if isinstance(thing, dict) else [*thing]
    )


def put(thing: _Mutable, parts: list[Any]) -> None:
    """Have a container hold what `parts_of` gave, and nothing else."""
    if isinstance(thing, list | bytearray):
        thing[:] = parts
        return
    thing.clear()
    thing.update(zip(parts[::2], parts[1::2], strict=True) if isinstance(thing, dict) else parts)


class Wire(ABC):
    """Turns values into JSON and back, for one end of a connection.

    Attributes:
        home: where the classes stand whose objects the other side may look into; None for all, as
            it has the program's process. Such names of the other side are not followed that could
            be more than values.
        objects: what the other side was told of, by number.
    """

    def __init__(self, home: str | None = None) -> None:
        self.home = home
        self.objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._theirs: dict[int, Any] = {}

    @abstractmethod
    def ask(self, what: str, *args: Any) -> Any:
        """Have the other side do something with its objects."""

    def encode(self, value: Any, shared: Shared) -> Any:
        """Turn a value into JSON; an object of another class into its number."""
        kind = cast("Any", type(value))

        def all_of(parts: Any) -> list[Any]:
            return [self.encode(part, shared) for part in parts]

        if kind in (type(None), bool, str, float) or (kind is int and abs(value) < 2**53):
            return value
        if kind in (list, set, dict, bytearray):
            if (key := shared.keys.get(id(value))) is not None:
                return ["same", key]
            shared.add(value)
            return [kind.__name__, all_of(parts_of(value))]
        if kind is Remote:
            return ["yours", number_of(value)]
        if kind is int:
            return ["int", hex(value)]
        if kind is bytes:
            return ["bytes", value.decode("latin-1")]
        if kind is complex:
            return ["complex", value.real, value.imag]
        if kind in (tuple, frozenset):
            return [kind.__name__, all_of(value)]
        if kind in (range, slice):
            return [kind.__name__, all_of([value.start, value.stop, value.step])]
        if tuple in kind.__mro__ and (names := getattr(kind, "_fields", None)):
            return ["named", kind.__name__, [*names], all_of(value)]
        name = f"{kind.__module__}.{kind.__qualname__}"
        if name in _VALUES and _named(name) is kind and not getattr(value, "tzinfo", None):
            return ["value", name, all_of(_VALUES[name](value))]
        if kind.__module__ == "numpy" and hasattr(value, "item"):
            return self.encode(value.item(), shared)
        if isinstance(value, BaseException):
            return ["error", *all_of([kind, [*value.args], [*vars(value).items()]])]
        if isinstance(value, type | FunctionType | BuiltinFunctionType):
            name = f"{value.__module__}.{value.__qualname__}"
            if self._may_name(name) and _named(name) is value:
                return ["named thing", name]
        number = self._number(value)
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["error class", number, value.__name__, all_of(value.__bases__)]
        return ["coroutine" if kind is CoroutineType else "mine", number]

    def decode(self, code: Any, shared: Shared) -> Any:
        """Turn what `encode` gave on the other side back into a value, or a `Remote`."""
        if not isinstance(code, list):
            return code
        message: list[Any] = [*cast("Any", code)]
        tag, rest = message[0], message[1:]

        def all_of(parts: Any) -> list[Any]:
            return [self.decode(part, shared) for part in parts]

        if tag in ("list", "set", "dict", "bytearray"):
            made: Any = getattr(builtins, tag)()
            shared.add(made)
            put(made, all_of(rest[0]))
            return made
        if tag in ("yours", "same"):
            return self.objects[rest[0]] if tag == "yours" else shared.all[rest[0]]
        if tag in _MAKE:
            return _MAKE[tag](all_of(rest[0]) if isinstance(rest[0], list) else rest[0])
        if tag == "complex":
            return complex(*rest)
        if tag == "named":
            make: Any = namedtuple  # Its fields are known only here.
            return make(rest[0], rest[1])(*all_of(rest[2]))
        if tag == "value" and rest[0] in _VALUES:
            made = _named(rest[0])
            return (import_module("numpy").array if rest[0].startswith("numpy") else made)(
                *all_of(rest[1])
            )
        if tag == "error":
            return _error(*all_of(rest))
        if tag == "named thing" and (self.home is None or _is_harmless(rest[0])):
            return _named(rest[0])
        if tag in ("mine", "coroutine", "error class"):
            number = rest[0]
            if number not in self._theirs:
                self._theirs[number] = (
                    type(rest[1], (*all_of(rest[2]),), {})
                    if tag == "error class"
                    else Remote(self, number)
                )
            found = self._theirs[number]
            return awaited(found) if tag == "coroutine" else found
        raise ValueError(f"The other process sent {code!r:.100}")

    def _may_name(self, name: str) -> bool:
        if self.home is None:
            return _is_harmless(name)
        return name.split(".")[0] in sys.stdlib_module_names and "<" not in name

    def _number(self, value: Any) -> int:
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self.objects)
            self.objects.append(value)  # It stays, so its id is not another's later.
        return self._numbers[id(value)]


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


_MAKE: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16),
    "bytes": lambda text: text.encode("latin-1"),
    "tuple": tuple,
    "frozenset": frozenset,
    "range": lambda parts: range(*parts),
    "slice": lambda parts: slice(*parts),
}
