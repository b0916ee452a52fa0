"""The rooms of apo/ as its imports make them: floors, doors, circles, and the picture of the map.

A room is a folder of modules, or a module that stands alone in apo/. `python -m experiments.house`
draws docs/house.svg, writes the table of rooms into docs/how-a-run-works.md, and into each room's
`__init__` what others import of it and what it rests on.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs" / "how-a-run-works.md", ROOT / "docs" / "house.svg"
START, END = "<!-- rooms: start -->\n", "<!-- rooms: end -->\n"
WIDTH, FLOOR, BOX = 1180, 74, (104, 30)


@dataclass(frozen=True)
class House:
    """The modules of apo/ and what they import of one another, by module name.

    Attributes:
        files: of each module, its file.
    """

    files: Mapping[str, Path]

    @classmethod
    def standing(cls, root: Path = ROOT) -> "House":
        """Find the modules; apo's links to optimizers and tasks are not followed."""
        files: dict[str, Path] = {}
        for path in sorted((root / "apo").rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if parts[1] not in ("optimizers", "tasks"):
                files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        return cls(files)

    def room(self, module: str) -> str:
        """The room of a module, without the leading "apo."; "" for apo/__init__.py."""
        alone = self.files[module].name == "__init__.py" or module.count(".") == 1
        return (module if alone else module.rpartition(".")[0]).partition(".")[2]

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """The modules that each module imports, wherever in it the import stands."""
        return {name: {*self._imports(path)} - {name} for name, path in self.files.items()}

    def _imports(self, path: Path) -> Iterator[str]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    name = whole if whole in self.files else node.module
                    if name in self.files:
                        yield name
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name in self.files)

    @cached_property
    def rests(self) -> dict[str, set[str]]:
        """The rooms that each room imports from."""
        found: dict[str, set[str]] = {self.room(name): set() for name in self.files}
        for name, others in self.imports.items():
            found[self.room(name)] |= {self.room(other) for other in others}
        found.pop("", None)
        return {room: others - {room, ""} for room, others in found.items()}

    @cached_property
    def doors(self) -> dict[str, set[str]]:
        """The modules of each room that other rooms import; "" for the room's own `__init__`."""
        found: dict[str, set[str]] = {room: set() for room in self.rests}
        for name, others in self.imports.items():
            for other in others:
                room = self.room(other)
                if room and room != self.room(name):
                    found[room].add(other.partition(".")[2][len(room) + 1 :])
        return found

    @cached_property
    def floors(self) -> list[list[str]]:
        """The rooms by floor, the lowest first: a room stands above all that it rests on.

        Raises:
            graphlib.CycleError: rooms import in a circle.
        """
        floor: dict[str, int] = {}
        for room in TopologicalSorter(self.rests).static_order():
            floor[room] = 1 + max((floor[other] for other in self.rests[room]), default=-1)
        top = max(floor.values())
        return [sorted(r for r, at in floor.items() if at == level) for level in range(top + 1)]

    def stands(self) -> None:
        """See that the map can be drawn.

        Raises:
            SystemExit: a folder has no `__init__`, or rooms import in a circle; with names.
        """
        for room in self.rests:
            if f"apo.{room}" not in self.files:
                raise SystemExit(f"apo/{room.replace('.', '/')}/ holds code and no __init__.py")
        try:
            _ = self.floors
        except CycleError as error:
            # The rooms of the circle, each imported by the one after it.
            circle = " → ".join(reversed(error.args[1]))
            raise SystemExit(f"Rooms import in a circle: {circle}") from None

    def sentence(self, room: str) -> str:
        """What lives in a room: the first sentence of its docstring."""
        text = ast.get_docstring(ast.parse(self.files[f"apo.{room}"].read_text("utf-8"))) or ""
        return " ".join(text.split("\n\n")[0].split())

    def lines(self, room: str) -> str:
        """What a room's `__init__` says of its doors, and of the rooms that it may import."""
        doors = ", ".join(sorted(filter(None, self.doors[room]))) or "none but this one"
        rests = ", ".join(sorted(self.rests[room])) or "nothing"
        return f"Doors: {doors}.\nRests on: {rests}."


def wrapped(text: str, width: int = 98) -> str:
    """Lines of at most so many characters, one after the other indented as one paragraph."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            if line and len(line) + 1 + len(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append(line)
    return "\n".join(lines)


def told(house: House, room: str, source: str) -> str:
    """A room's `__init__` with its doors and what it rests on at the end of its docstring.

    Raises:
        SystemExit: it begins with something else, which would end up in the docstring.
    """
    if not (source.startswith('"""') and ast.get_docstring(ast.parse(source))):
        where = "/".join(("apo", *room.split("."), "__init__.py"))
        raise SystemExit(f'{where} must begin with a """docstring""" that says what lives there')
    node = ast.parse(source).body[0]
    quoted = "\n".join(source.split("\n")[: node.end_lineno])
    text = quoted.removeprefix('"""').removesuffix('"""')
    text = re.sub(r"\n\nDoors: .*", "", text, flags=re.DOTALL).rstrip()
    rest = source[len(quoted) :]
    return f'"""{text}\n\n{wrapped(house.lines(room))}\n"""{rest}'


def table(house: House) -> str:
    """The rooms of each floor, the highest first, with a sentence each."""
    rows = ["| floor | room | what lives there |", "|---|---|---|"]
    for level in reversed(range(len(house.floors))):
        rows += [f"| {level} | `{room}` | {house.sentence(room)} |" for room in house.floors[level]]
    return "\n".join(rows) + "\n"


def needed(house: House) -> list[tuple[str, str]]:
    """The imports between rooms that no longer way replaces; all others follow from them."""
    below: dict[str, set[str]] = {}
    for room in (room for rooms in house.floors for room in rooms):
        below[room] = set().union(*({other, *below[other]} for other in house.rests[room]))
    return [
        (room, other)
        for room in sorted(house.rests)
        for other in sorted(house.rests[room])
        if not any(other in below[third] for third in house.rests[room] - {other})
    ]


def _middle(
    room: str, arrows: list[tuple[str, str]], place: dict[str, tuple[float, float]]
) -> float:
    """Where a room crosses the fewest lines: below the middle of those that rest on it."""
    above = [place[upper][0] for upper, lower in arrows if lower == room]
    return sum(above) / len(above) if above else WIDTH / 2


def picture(house: House) -> str:
    """The floors as rows of boxes, and lines from each room to those that it rests on directly."""
    place: dict[str, tuple[float, float]] = {}
    arrows = needed(house)
    for level, rooms in enumerate(reversed(house.floors)):
        for i, room in enumerate(sorted(rooms, key=lambda r: _middle(r, arrows, place))):
            place[room] = (WIDTH * (i + 1) / (len(rooms) + 1), FLOOR * (level + 0.5))
    height = FLOOR * len(house.floors)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-label="The rooms of apo and what they rest on" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for level in range(1, len(house.floors), 2):
        parts.append(f'<rect y="{FLOOR * level}" width="{WIDTH}" height="{FLOOR}" fill="#f4f6f8"/>')
    for room, other in arrows:
        (x1, y1), (x2, y2) = place[room], place[other]
        y1, y2 = y1 + BOX[1] / 2, y2 - BOX[1] / 2
        bend = (y2 - y1) / 2
        parts.append(
            f'<path d="M{x1:.0f} {y1:.0f} C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} '
            f'{x2:.0f} {y2:.0f}" fill="none" stroke="#9aa5b1" stroke-width="1.2"/>'
        )
    for room, (x, y) in place.items():
        parts.append(
            f'<rect x="{x - BOX[0] / 2:.0f}" y="{y - BOX[1] / 2:.0f}" width="{BOX[0]}" '
            f'height="{BOX[1]}" rx="6" fill="#fff" stroke="#34495e"/><text x="{x:.0f}" '
            f'y="{y + 4:.0f}" font-size="12" text-anchor="middle" fill="#1b2631">'
            f"{escape(room)}</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def page(house: House, text: str) -> str:
    """The page with the table of rooms made anew."""
    before, rest = text.split(START)
    return f"{before}{START}{table(house)}{END}{rest.split(END)[1]}"


def main() -> None:
    """Write the picture, the table and the rooms' own lines; say the numbers.

    All is made before any of it is written: a fault leaves the files as they were.
    """
    house = House.standing()
    house.stands()
    paths = [house.files[f"apo.{room}"] for room in house.rests]
    texts = {
        path: told(house, room, path.read_text("utf-8"))
        for room, path in zip(house.rests, paths, strict=True)
        if path.name == "__init__.py"
    }
    texts |= {PICTURE: picture(house), PAGE: page(house, PAGE.read_text("utf-8"))}
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    print(f"{len(house.rests)} rooms on {len(house.floors)} floors, {len(house.files)} modules")


if __name__ == "__main__":
    main()
