"""Reads a task.yaml, strictly: a key stands once, and a word stays a word."""

import re
from pathlib import Path
from typing import Any, cast

import yaml

from apo.errors import TaskError
from apo.taskfile.settings import TaskFile, parse_settings


class _Loader(yaml.SafeLoader):
    """YAML where a key may stand only once, and yes, no, on and off are texts, as in YAML 1.2."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own class attribute
        sign: [
            (tag, re.compile(r"true|false|True|False|TRUE|FALSE"))
            if tag == "tag:yaml.org,2002:bool"
            else (tag, pattern)
            for tag, pattern in resolvers
        ]
        for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; a key that stands twice is an error."""
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} stands twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_task_file(path: Path) -> TaskFile:
    """Read a task.yaml; the name is that of its folder where it gives none.

    Raises:
        TaskError: it cannot be read, is no YAML, or says something that it may not.
    """
    try:
        values: Any = yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)  # noqa: S506 - safe
    except OSError as error:
        raise TaskError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TaskError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TaskError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(values, dict):
        raise TaskError(f"{path} must be a mapping of keys such as inputs, target and data.")
    items = cast("dict[object, object]", values).items()
    given = {str(key): value for key, value in items}
    return parse_settings(TaskFile, {"name": path.resolve().parent.name, **given}, str(path))
