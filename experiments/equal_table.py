"""The table of docs/scorers.md that says what each scorer reads as equal, made from the scorers.

`python -m experiments.equal_table` writes it into the page.
"""

from pathlib import Path
from typing import Any

from apo.scorers.registry import make_scorer
from apo.task import Example

PAGE = Path(__file__).parents[1] / "docs" / "scorers.md"
START, END = "<!-- equal: start -->\n", "<!-- equal: end -->\n"

_INPUT = "What is a whale?\nA. A bird\nB. A mammal\nC. A fish"
_CASES: tuple[tuple[str | dict[str, Any], tuple[str, ...], str, tuple[str, ...]], ...] = (
    (
        "exact", (), "New York",
        (" new york ", '"New York".', "**New York**", "New-York", "New York, USA", "NY"),
    ),
    (
        {"name": "exact", "ignore_typography": True}, (), "it’s 3–5",
        ("it's 3-5", "It‘s ３—５", "its 3-5"),
    ),
    (
        "contains", (), "New York",
        ("It is new york.", "New York City", "New-York", "NewYork", "York"),
    ),
    (
        "choice", ("safe", "unsafe"), "unsafe",
        ("Unsafe.", "Answer: unsafe", "not safe", "un-safe", "safe or unsafe", "not unsafe",
         "unsafely"),
    ),
    (
        "choice", ("A", "B", "C"), "B",
        ("b", "(B)", "B. A mammal", "Answer: B, a bird", "B or C", "A bird", "C"),
    ),
    (
        "choice", ("1", "2", "3", "4", "5"), "4",
        ("4.0", "4/5", "4 out of 5", "5점 만점에 4점", "4/10", "4.5", "four"),
    ),
    (
        "multiple_choice", (), "B",
        ("b", "(B)", "Answer: (B) A mammal", "a mammal.", "2번", "B, a bird", "A mammal or a fish",
         "A. A mammal", "A bird", "not a fish"),
    ),
    (
        "numeric", (), "1234.5",
        ("1,234.50", "1.234,5", "1 234,5", "$1,234.50", "Answer: 1234.5 (of 2000)", "1234.5 or 99",
         "12345", "1,234", "1234.5%"),
    ),
    (
        "numeric", (), "1.5 km",
        ("1500 m", "1.5", "1,5 Kilometer", "1.5 kg", "15 km", "1.5 million", "1-5 km"),
    ),
    ("numeric", (), "35,000원", ("3만 5천원", "₩35000", "35 k", "35천원", "$35,000", "35")),
    (
        {"name": "numeric", "decimal": ","}, (), "1.234",
        ("1234", "1.234,00", "1 234", "1,234", "1.2340"),
    ),
    (
        "date", (), "2025-11-15",
        ("15.11.2025", "Nov 15, 2025", "15 novembre 2025", "2025년 11월 15일",
         "2025-11-15T00:00:00", "11/15/2025", "15/11/2024", "November 2025",
         "2025-11-14 or 2025-11-15"),
    ),
    ("date", (), "14:30", ("2:30 pm", "14 Uhr 30", "오후 2시 30분", "2:30", "1430")),
    (
        "json", (), '{"n": 3, "t": "Ink"}',
        ('{"t": "ink.", "n": "3.0"}', 'So: `{"n": 3, "t": "Ink"}`', '{"n": 3}',
         '{"n": 3, "t": "Ink",}',
         '[{"n": 3, "t": "Ink"}]', '{"r": {"n": 3, "t": "Ink"}}'),
    ),
    ("json", (), "[1, 2, 3]", ("[1, 2, 3.0]", "[3, 2, 1]", "[1, 2]", "1, 2, 3", "[1, 2, 3")),
    (
        {"name": "json", "ordered": False, "repair": True}, (), "[1, 2, 3]",
        ("[3, 2, 1]", "[1, 2]", '[1, 2, 3, 3]'),
    ),
    ("f1", (), "the cat sat", ("Cat sat!", "sat cat", "a cat", "dog")),
    ("set", (), '["Seoul", "Busan"]', ("busan, seoul", "- Seoul\n- Busan", "Seoul", "Daegu")),
    ("list", (), '["Seoul", "Busan"]', ("Seoul, Busan", "Busan, Seoul", "Seoul")),
    ("edit", (), "안 돼요", ("안 돼요", "안되요", "안 돼요.")),
    ("regex", (), "서울|Seoul", ("It is Seoul", "seoul", "서울시")),
)  # fmt: skip


def table() -> str:
    """Give the table in Markdown."""
    lines = ["| scorer | target | equal (1) | partly | not (0) |", "|---|---|---|---|---|"]
    for spec, labels, target, answers in _CASES:
        scorer = make_scorer(spec, labels)
        cells: dict[str, list[str]] = {"equal": [], "partly": [], "not": []}
        for answer in answers:
            score = scorer(answer, Example({"input": _INPUT}, (target,)))
            cell = "equal" if score.value == 1 else "partly" if score.value else "not"
            ill = "" if score.well_formed else " ✗"
            share = f" {score.value:.2f}" if cell == "partly" else ""
            cells[cell].append(_code(answer) + share + ill)
        told = " | ".join(", ".join(found) for found in cells.values())
        lines.append(f"| {_name(spec, labels)} | {_code(target)} | {told} |")
    return "\n".join(lines) + "\n"


def _name(spec: str | dict[str, Any], labels: tuple[str, ...]) -> str:
    if isinstance(spec, dict):
        settings = ", ".join(f"{k}: {str(v).lower()}" for k, v in spec.items() if k != "name")
        return f"`{spec['name']}` `{settings}`"
    return f"`{spec}`" + (f" of {', '.join(labels)}" if labels else "")


def _code(text: str) -> str:
    text = text.replace("|", "\\|").replace("\n", "↵")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def written(page: str) -> str:
    """Give the page with the table as it is now."""
    before, rest = page.split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
