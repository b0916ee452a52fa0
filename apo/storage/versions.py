"""What a run was made with: versions of packages, and the commit of the folder it ran in."""

import platform
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("apo", "mlflow", "openai", "dspy", "optuna", "datasets", "pandas", "scipy", "aiohttp")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that bear on a result."""
    return {"python": platform.python_version(), **dict(_packages())}


@cache  # A process keeps the packages that it began with, and reading each takes 2 ms.
def _packages() -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found.append((name, version(name)))
    return tuple(found)


def git_commit() -> str | None:
    """The commit checked out in the working directory, with "+" for changes; None outside git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}+" if _git("status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603 (fixed arguments)
    return done.stdout.strip()
