"""What a run was made with: versions of packages, and the commit of the folder it ran in."""

import os
import platform
import re
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("apo", "mlflow", "openai", "dspy", "optuna", "datasets", "pandas", "scipy", "aiohttp")

_KEPT = ("PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CEILING_DIRECTORIES")
"""What git is told of the environment: no keys."""


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
    """The commit checked out in the working directory; None outside git.

    Whether files were changed since is not asked: to compare them, git runs programs that the
    repository names, and it may be one of others.
    """
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    command += ["--no-pager", "--no-optional-locks", "rev-parse", "--verify", "HEAD"]
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 (fixed arguments)
            command, capture_output=True, text=True, timeout=5, check=True, env=kept
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    commit = done.stdout.strip()
    return commit if re.fullmatch("[0-9a-f]{40,64}", commit) else None
