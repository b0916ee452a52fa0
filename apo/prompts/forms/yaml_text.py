"""YAML as people like to read it: texts of several lines as blocks; and its front matter."""

import re
from typing import Any

from apo.errors import PromptError
from apo.prompts.forms.found import mapping

_HEAD = re.compile(
    r"\A---[ \t]*\r?\n(.*?)(?:\r?\n)?^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)


def dump(value: object) -> str:
    """Write a value as YAML; texts of several lines are blocks where YAML can."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: Any, data: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=_style(data))

    Dumper.add_representer(str, text)
    return yaml.dump(value, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=96)


def _style(text: str) -> str | None:
    """A block where every reader of YAML gives the same text back."""
    if any(c != "\n" and not c.isprintable() for c in text):
        return '"'
    plain = "\n" in text and not text.startswith((" ", "\n")) and text.strip()
    return "|" if plain and not re.search(r"[ \t]\n|[ \t]\Z", text) else None


def load(text: str) -> Any:
    """Read YAML.

    Raises:
        PromptError: it is not valid.
    """
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise PromptError(f"It is not valid YAML: {' '.join(str(error).split())[:200]}.") from error


def parted(text: str) -> tuple[dict[str, Any], str]:
    """The front matter between lines of ---, and the text below it."""
    match = _HEAD.match(text)
    if match is None:
        return {}, text
    return mapping(load(match[1]), "The front matter"), text[match.end() :]
