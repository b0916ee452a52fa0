"""Values of Arrow and pandas types that Python has no type for, such as single precision."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from apo.data.cells import own, short

Change = Callable[[Any], Any]


def change_of(kind: Any) -> Change | None:
    """Give what the values of an Arrow type must go through; None where they stay as they are.

    A number of single precision becomes the shortest one, a map an object, also within others.
    """
    types: Any = import_module("pyarrow").types
    if types.is_float32(kind) or types.is_float16(kind):
        single: Any = kind.to_pandas_dtype()
        return _given(lambda value: short(single(value)))
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return change_of(kind.value_type)
    if types.is_map(kind):
        name, item = change_of(kind.key_type) or _same, change_of(kind.item_type) or _same
        return _given(lambda pairs: {name(key): item(value) for key, value in pairs})
    if types.is_struct(kind):
        inner = {field.name: change_of(field.type) for field in kind}
        changes = {key: change for key, change in inner.items() if change is not None}
        return _given(lambda value: _fields(value, changes)) if changes else None
    if hasattr(kind, "storage_type"):
        return change_of(kind.storage_type)
    change = change_of(kind.value_type) if hasattr(kind, "value_type") else None  # Lists.
    return _given(lambda values: [change(value) for value in values]) if change else None


def change_of_series(kind: Any) -> Change | None:
    """Do the same for the values of a pandas column of this dtype."""
    if hasattr(kind, "pyarrow_dtype"):
        return change_of(kind.pyarrow_dtype)
    if hasattr(kind, "categories"):
        return change_of_series(kind.categories.dtype)
    kind = getattr(kind, "subtype", kind)  # Of sparse columns.
    if kind.name.lower() in ("float16", "float32"):
        single: Any = import_module("numpy").dtype(kind.name.lower()).type
        return _given(lambda value: short(single(value)))
    return None


def _fields(value: dict[str, Any], changes: dict[str, Change]) -> dict[str, Any]:
    return {key: changes.get(key, _same)(item) for key, item in value.items()}


def _given(change: Change) -> Change:
    return lambda value: None if own(value) is None else change(value)


def _same(value: Any) -> Any:
    return value
