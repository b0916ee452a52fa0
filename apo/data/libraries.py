"""Rows from what libraries hold: pandas, `datasets` and the Hugging Face Hub.

The libraries have no types of their own, so they are imported by name, as Any, where they are used.
"""

import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any, cast
from urllib.parse import urlsplit

from apo.data.arrow_types import change_of, change_of_series
from apo.data.cells import Row
from apo.data.records import records
from apo.data.typed import Typed
from apo.data.unnamed import column_names
from apo.errors import DataError

_HUB = re.compile(
    r"hf:(?P<name>[\w.-]+/[\w.-]+)(?::(?P<config>[\w.+-]+))?(?:/(?P<split>[\w.\[\]:%+-]+))?"
    r"(?:@(?P<revision>[\w./-]+))?"
)
_HUB_TIMEOUT = 5.0  # seconds to find out that there is no way to the Hub


def frame_rows(frame: Any) -> Iterator[Row]:
    """Read a pandas DataFrame; NaN, None and NaT are missing values.

    Raises:
        DataError: it is no DataFrame, or two columns have the same name.
    """
    if not hasattr(frame, "itertuples"):
        raise DataError(f"Give a DataFrame, not a {type(frame).__name__}.")
    header = column_names(list(frame.columns), "the DataFrame")
    typed = Typed(partial(_frame_values, frame, header))
    for values in _frame_values(frame, header):
        yield typed.row(values)


def _frame_values(frame: Any, header: list[str]) -> Iterator[dict[str, Any]]:
    columns = list[Iterable[Any]]()
    for place in range(len(header)):
        series = frame.iloc[:, place]
        change = change_of_series(series.dtype)
        columns.append(map(change, series) if change else series)
    for values in zip(*columns, strict=True):
        yield dict(zip(header, values, strict=True))


def evaluation_rows(source: Any) -> Iterator[Row]:
    """Read an evaluation data set of MLflow: each input and each expectation is a column.

    Raises:
        DataError: an input has the name of an expectation, or they are no objects.
    """
    frame = source if hasattr(source, "itertuples") else source.to_df()
    found = list[dict[str, Any]]()
    for number, parts in enumerate(zip(frame["inputs"], frame["expectations"], strict=True), 1):
        inputs, expected = (
            dict(cast("Mapping[str, Any]", part)) if isinstance(part, Mapping) else {}
            for part in cast("tuple[object, object]", parts)
        )
        if not inputs:
            raise DataError(f"Record {number} of the data set has no inputs.")
        if twice := inputs.keys() & expected.keys():
            raise DataError(
                f"Record {number} of the data set has {', '.join(sorted(twice))} among its inputs "
                "and its expectations: one of the two needs another name."
            )
        found.append({**inputs, **expected})
    names = dict.fromkeys(name for row in found for name in row)
    return records([{name: row.get(name) for name in names} for row in found], "record")


def dataset_rows(dataset: Any) -> Iterator[Row]:
    """Read a Dataset or IterableDataset; class labels are given by name.

    Raises:
        DataError: it holds several splits.
    """
    if isinstance(dataset, Mapping):
        raise DataError(
            "This data set has several splits; give one of them, such as data['train'], or a dict "
            "of train, validation and test."
        )
    dataset, features = _undecoded(dataset)
    held = hasattr(dataset, "__len__")  # What is streamed may come a long way: only once.
    typed = Typed(partial(_dataset_values, dataset, features) if held else None)
    for values in _dataset_values(dataset, features):
        yield typed.row(values)


def _dataset_values(dataset: Any, features: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    schema: Any = getattr(features, "arrow_schema", None) or ()
    found = {field.name: change_of(field.type) for field in schema}
    changes = {name: change for name, change in found.items() if change is not None}
    for values in dataset:
        row = {
            key: _named(features.get(key), changes[key](value) if key in changes else value)
            for key, value in dict(values).items()
        }
        yield dict(zip(column_names(list(row), "the data set"), row.values(), strict=True))


def _undecoded(dataset: Any) -> tuple[Any, Mapping[str, Any]]:
    """Leave images, audio and video as they are stored: a look at them may take a library."""
    features: Mapping[str, Any] = getattr(dataset, "features", None) or {}
    for key, kind in features.items():
        if getattr(kind, "decode", False) is True:
            dataset = dataset.cast_column(key, replace(kind, decode=False))
    return dataset, features


def _named(kind: Any, value: Any) -> Any:
    """Put names in place of the numbers of class labels, also within lists and objects."""
    given: object = value
    if hasattr(kind, "names") and isinstance(given, int):
        return kind.names[given] if 0 <= given < len(kind.names) else None
    if isinstance(given, list):
        several = isinstance(cast("object", kind), list)
        inner = kind[0] if several else getattr(kind, "feature", None)
        return [_named(inner, item) for item in cast("list[object]", given)]
    if isinstance(given, dict) and hasattr(kind, "get"):
        cells = cast("dict[str, object]", given)
        return {key: _named(kind.get(key), item) for key, item in cells.items()}
    return value


def hub_rows(source: str) -> Iterator[Row]:
    """Stream a data set from the Hugging Face Hub, or take it from the local cache when offline.

    Args:
        source: "hf:owner/name", "hf:owner/name:config/split@revision"; the split is "train" by
            default, and may be a part of one, "train[:500]". A revision is a commit, tag or branch.

    Raises:
        DataError: a name of the wrong form, no connection, or no such data set, config or split.
    """
    match = _HUB.fullmatch(source)
    if match is None:
        raise DataError(
            f"{source!r} does not read like hf:owner/name, hf:owner/name/split, "
            "hf:owner/name:config/split or hf:owner/name@revision."
        )
    offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
    if not offline:
        _require_hub(source)
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "10")  # seconds; both before the first import
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "20")
    load_dataset: Any = import_module("datasets").load_dataset
    split = match["split"] or "train"
    try:
        # A cached data set cannot be streamed, nor a part of a split.
        dataset = load_dataset(
            match["name"],
            match["config"],
            split=split,
            revision=match["revision"],
            streaming=not offline and "[" not in split,
        )
        yield from dataset_rows(dataset)
    except DataError:
        raise
    except Exception as error:  # Each version of the client has its own tree of errors.
        text = " ".join(str(error).split())[:300]
        hint = "It is not in the local cache." if offline else "Check name, config and split."
        raise DataError(
            f"{source} cannot be read: {type(error).__name__}: {text} {hint} A private or gated "
            "data set needs HF_TOKEN in the environment."
        ) from error


def _require_hub(source: str) -> None:
    """Find out in seconds, instead of after many retries, that there is no connection."""
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return  # Only the proxy knows.
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    url = urlsplit(endpoint)
    port = url.port or (80 if url.scheme == "http" else 443)
    try:
        socket.create_connection((url.hostname or "", port), timeout=_HUB_TIMEOUT).close()
    except (OSError, UnicodeError) as error:
        raise DataError(
            f"{source} cannot be read: no connection to {endpoint} ({error}). Download the data "
            "set as a file and give its path; or, if it is in the local cache already, set "
            "HF_HUB_OFFLINE=1."
        ) from error
