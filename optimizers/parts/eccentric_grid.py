"""The factorial grid: its levels as data, its prompts, and the effect of each level."""

import json
import re
import statistics
from collections.abc import Mapping
from dataclasses import replace

from apo import Prompt, Search, SettingsError

FACTORS = ("opener", "task", "closer", "cue")
Cell = tuple[str, ...]
"""A combination: the name of a level for each factor."""
Effects = Mapping[str, Mapping[str, float]]
"""For each factor a number for each level, by name."""
_SECTION = re.compile(r"^# (\w+)[ \t]*$((?:\n(?!# ).*)*)", re.MULTILINE)
_LEVEL = re.compile(r"^- (\w+):[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def read_levels(text: str) -> dict[str, dict[str, str]]:
    """Read the levels: "# factor", and "- name: text" for each level after none.

    Raises:
        SettingsError: a factor is missing.
    """
    levels = {
        name: {"none": "", **dict(_LEVEL.findall(lines))} for name, lines in _SECTION.findall(text)
    }
    if missing := [factor for factor in FACTORS if factor not in levels]:
        raise SettingsError(
            f"eccentric_levels has no level of {', '.join(missing)}. Write a line '# {missing[0]}' "
            "and under it a line '- name: text' for each level; none need not be written."
        )
    return levels


def wrapped(seed: Prompt, opener: str, task: str, closer: str, cue: str) -> Prompt:
    """Put the texts around the seed instruction, and the cue before its answer prefix."""
    parts = [" ".join(filter(None, [opener, task])), seed.instruction, closer]
    cues = "\n".join(filter(None, [cue, seed.cue]))
    return replace(seed, instruction="\n\n".join(filter(None, parts)), cue=cues)


def main_effects(means: Mapping[Cell, float]) -> dict[str, dict[str, float]]:
    """The mean of each level: over all known combinations that hold it, each counting the same.

    Args:
        means: mean score of each combination, by its levels in the order of FACTORS.
    """
    effects: dict[str, dict[str, float]] = {}
    for i, factor in enumerate(FACTORS):
        for level in dict.fromkeys(cell[i] for cell in means):
            found = [mean for cell, mean in means.items() if cell[i] == level]
            effects.setdefault(factor, {})[level] = statistics.mean(found)
    return effects


def best_cells(means: Mapping[Cell, float], effects: Effects) -> list[Cell]:
    """Sort the known combinations by mean; of equal ones those with better levels come first."""

    def worth(cell: Cell) -> tuple[float, float]:
        return means[cell], sum(effects[f][level] for f, level in zip(FACTORS, cell, strict=True))

    return sorted(means, key=worth, reverse=True)


def write_table(search: Search, means: Mapping[Cell, float], effects: Effects) -> None:
    """Write the table of main effects, and how far the grid's scores spread."""
    if search.folder is None or not means:
        return
    values = sorted(means.values())
    spread = {"lowest": values[0], "median": values[len(values) // 2], "highest": values[-1]}
    table = {"prompts": len(means), **spread, "mean_by_level": effects}
    text = json.dumps(table, ensure_ascii=False, indent=2)
    (search.folder / "main_effects.json").write_text(f"{text}\n", encoding="utf-8")
