"""Reads a task.yaml, strictly: a key stands once, and a word stays a word.

Files of others are read as well. Nothing in them is run, and none can blow up: aliases, with which
a page of YAML unfolds to gigabytes, are refused, and so is what is too long for people to write.
"""

import re
from pathlib import Path
from typing import Any, cast

import yaml
from yaml.error import MarkedYAMLError

from apo.errors import ApoError, TaskError
from apo.files import require_file
from apo.taskfile.problems import parse_settings
from apo.taskfile.settings import TaskFile, task_name

MAX_SIZE = 2**20
"""The longest file that is read, in bytes."""


class _Loader(yaml.SafeLoader):
    """YAML without aliases, where a key may stand only once, and yes, no, on and off are texts, as
    in YAML 1.2.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own class attribute
        sign: [
            (tag, re.compile(r"true|false|True|False|TRUE|FALSE"))
            if tag == "tag:yaml.org,2002:bool"
            else (tag, pattern)
            for tag, pattern in resolvers
        ]
        for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Build a node; an alias is an error."""
        if self.check_event(yaml.AliasEvent):
            event = cast("Any", self.peek_event())  # type: ignore[no-untyped-call]  # yaml's
            raise MarkedYAMLError(
                None,
                None,
                f"*{event.anchor} is an alias, which is not taken here: write out what it stands "
                "for, or put the text in quotes",
                event.start_mark,
            )
        return super().compose_node(parent, index)

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
    given = read_mapping(path, TaskError, "inputs, target and data")
    return parse_settings(
        TaskFile, {"name": task_name(path.resolve().parent.name), **given}, str(path)
    )


def read_mapping(path: Path, kind: type[ApoError], keys: str) -> dict[str, Any]:
    """Read a YAML file that is a mapping.

    Args:
        path: the file.
        kind: the error that is raised.
        keys: some of the keys that it may have, for the message when it is no mapping.

    Raises:
        ApoError: of the kind: it cannot be read, or is no such file.
    """
    try:
        require_file(path)
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
        if len(data) > MAX_SIZE:
            raise kind(f"{path} is over {MAX_SIZE // 2**20} MB; put data and texts in other files.")
        values: Any = yaml.load(data.decode("utf-8-sig"), _Loader)  # noqa: S506 - safe
    except OSError as error:
        raise kind(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise kind(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:500]
        raise kind(f"{path} is not valid YAML: {said}.") from None
    if not isinstance(values, dict):
        raise kind(f"{path} must be a mapping of keys such as {keys}.")
    items = cast("dict[object, object]", values).items()
    return {str(key): value for key, value in items}
