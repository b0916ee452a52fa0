"""A draft of a task as the text of a task file."""

from textwrap import wrap
from typing import Any

import yaml

from apo.language.catalogue import message, translated


class _Dumper(yaml.SafeDumper):
    """Lists on one line, texts of several lines as blocks."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


HEAD = message("A draft by `apo init`; docs/tasks.md explains the keys.")
_LISTS = {
    "label_set": message(
        "A target is a set of labels, all of which are right together. score: f1, jaccard or "
        "exact. Where any one of them is a right answer: scorer: choice."
    ),
    "set": message(
        "A target is a list of items, all of which are right together. Where any one of them is a "
        "right answer: scorer: exact."
    ),
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
    told = [HEAD, _LISTS.get(_name(settings["scorer"]), "")]
    return "".join(f"# {line}\n" for one in told for line in wrap(translated(one), 90)) + text
