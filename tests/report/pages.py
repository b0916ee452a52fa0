"""Reads a page as a browser does: its elements, their attributes, and the text that is seen."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(("meta", "br", "link", "img", "input"))


@dataclass
class Page(HTMLParser):
    """A page that was read.

    Attributes:
        html: all of it.
        elements: the name and the attributes of each element, in order.
        seen: what a reader sees, without its style.
        unclosed: elements that were opened and not closed in their turn.
    """

    html: str
    elements: list[tuple[str, dict[str, str]]] = field(
        default_factory=list[tuple[str, dict[str, str]]]
    )
    unclosed: list[str] = field(default_factory=list[str])
    _open: list[str] = field(default_factory=list[str])
    _texts: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)
        self.feed(self.html)
        self.close()
        self.unclosed += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unclosed.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self._texts.append(data)

    @property
    def seen(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self._texts))

    def faults(self) -> list[str]:
        """What no page of apo may have: what acts or is fetched, an id that stands twice."""
        found = [f"<{tag}>" for tag, _ in self.elements if tag in ACTIVE]
        found += [
            f"<{tag} {name}={value!r}>"
            for tag, attributes in self.elements
            for name, value in attributes.items()
            if name.startswith("on")
            or (name in ("href", "src", "xlink:href", "action") and not value.startswith("#"))
        ]
        ids = [attributes["id"] for _, attributes in self.elements if "id" in attributes]
        found += [f"id {name} twice" for name in {*ids} if ids.count(name) > 1]
        links = [a["href"] for tag, a in self.elements if tag == "a"]
        return found + [f"{link} leads nowhere" for link in links if link[1:] not in ids]


ACTIVE = frozenset(("script", "iframe", "object", "embed", "form", "img", "link", "base", "b64"))
