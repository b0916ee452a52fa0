"""A draft of a task as the text of a task file."""

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Lists on one line, texts of several lines as blocks."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


_LISTS = {
    "label_set": "# A target is a set of labels, all of which are right together. score: f1, "
    "jaccard or\n# exact. Where any one of them is a right answer: scorer: choice.\n",
    "set": "# A target is a list of items, all of which are right together. Where any one of them "
    "is a\n# right answer: scorer: exact.\n",
}


def _name(scorer: str | dict[str, Any]) -> str:
    return scorer if isinstance(scorer, str) else str(scorer["name"])


def dump(settings: dict[str, Any]) -> str:
    """Give the text of a task file with these keys."""
    text = yaml.dump(
        settings,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=100,
    )
    lists = _LISTS.get(_name(settings["scorer"]), "")
    return f"# A draft by `apo init`; docs/tasks.md explains the keys.\n{lists}{text}"
