"""Files that a scorer's settings name, found from the task's folder."""

from pathlib import Path

from apo.errors import TaskError
from apo.files import RESULTS, read_text


def found(setting: str, name: str, folder: Path) -> Path:
    """Give the file of a setting.

    Args:
        setting: what to call it in messages, such as "sql.database".
        name: the path, absolute or from the folder.
        folder: the task's.

    Raises:
        TaskError: there is no such file.
    """
    path = folder / name
    if not path.is_file():
        raise TaskError(
            f"The setting {setting} is {name!r:.200}, but there is no file {path}. Its path "
            "starts at the folder of the task."
        )
    return path


def text_of(setting: str, name: str, folder: Path) -> str:
    """Read the text file of a setting, which must be UTF-8.

    Raises:
        TaskError: there is no such file, or it cannot be read.
    """
    path = found(setting, name, folder)
    try:
        return read_text(path, RESULTS, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TaskError(
            f"{path} is not UTF-8 (byte {error.start + 1}); save it as UTF-8."
        ) from error
    except OSError as error:
        raise TaskError(f"{path} cannot be read: {error.strerror}.") from error
