"""What a run was made with: versions of packages, and the commit of the folder it ran in."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("apo", "mlflow", "openai", "dspy", "optuna", "datasets", "pandas", "scipy", "aiohttp")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that bear on a result."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


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
