"""What the requests of other frameworks show: examples, tried instructions, notes on the data."""

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from apo.models.embedded.text import mentions

Shown = tuple[str, str, str]
"""An example: the input, the right answer, what the model said; "" where one is not shown."""

_RECORD = re.compile(
    r"^#{1,6} Inputs[ \t]*\n(?P<inputs>.*?)^#{1,6} Generated Outputs[ \t]*\n(?P<outputs>.*?)"
    r"(?:^#{1,6} Feedback[ \t]*\n(?P<feedback>.*?))?(?=^# |^```|\Z)",
    re.MULTILINE | re.DOTALL,
)
_SUBHEADING = re.compile(r"^#{2,6} \S.*\n", re.MULTILINE)
_ROW = re.compile(r"Example\((\{.*?\})\) \(input_keys=(\{[^}]*\})\)", re.DOTALL)
_IN_OUT = re.compile(
    r"^Input:\s(?P<input>(?:(?!^Input:).)+?)\nOutput:\s(?P<output>[^\n]+)",
    re.MULTILINE | re.DOTALL,
)
_FIELD = re.compile(r"(\w[\w ]{0,40}): ")
_RIGHT = re.compile(
    r"(?:correct|right|expected) (?:answer|output|label)(?: is| was)?\s*:?\s*(?P<stated>\S[^\n]*)"
    r"|Expected '(?P<quoted>[^'\n]+)'",
    re.IGNORECASE,
)
_SCORED = re.compile(
    r"^text:\n(?P<text>.*?)\nscore: (?P<score>[\d.]+)\s*?$", re.MULTILINE | re.DOTALL
)
_ATTEMPT = re.compile(
    r"^\[\d+\] «+\s*(?P<kind>Instruction|Prefix|Resulting Score) #(?P<nth>\d+): (?P<text>.*?)»+$",
    re.MULTILINE | re.DOTALL,
)
_PROMPT = re.compile(
    r"^Prompt(?: \d)?: (?P<text>.+?)(?=^Prompt \d: |^\d\. ?(?:[A-Z]|$)|^Return the|\Z)",
    re.MULTILINE | re.DOTALL,
)
_VARIED = re.compile(r"^Input: (?P<text>.+?)\n+Output:\s*\Z", re.MULTILINE | re.DOTALL)
_TASK = re.compile(
    r"(?:for the following task|given these inputs for the following task):\s*(.+?)"
    r"\n(?:1\. |Please |Return it |\n)",
    re.DOTALL,
)
_CLASSES = re.compile(r"\b(?:classes|labels)(?: are)?: ([^.\n]+)", re.IGNORECASE)


def shown_examples(text: str, names: Sequence[str]) -> tuple[Shown, ...]:
    """Find the examples in a request of another framework.

    Known are Markdown records and JSON lists of inputs, generated outputs and feedback, rows as
    Python writes them, "Input: … Output: …", and blocks of "Field: value" lines. The right answer
    is the one that the feedback states or names; without feedback it is the output.

    Args:
        text: the request, or one field of it.
        names: the allowed answers, if they are known.
    """
    kinds: tuple[Callable[[], list[Shown]], ...] = (
        lambda: _markdown(text, names),
        lambda: [r for line in text.splitlines() for r in _json_records(line, names)],
        lambda: _rows(text),
        lambda: [(m["input"].strip(), m["output"].strip(), "") for m in _IN_OUT.finditer(text)],
        lambda: _blocks(text, names),
    )
    for find in kinds:
        if found := [(i.strip(), right, said) for i, right, said in find() if i and right]:
            return tuple(found)
    return ()


def _markdown(text: str, names: Sequence[str]) -> list[Shown]:
    return [
        _judged(
            _SUBHEADING.sub("", m["inputs"]).strip(),
            _SUBHEADING.sub("", m["outputs"]).strip(),
            (m["feedback"] or "").strip(),
            names,
        )
        for m in _RECORD.finditer(text)
    ]


def _json_records(line: str, names: Sequence[str]) -> list[Shown]:
    if not line.startswith("[{"):
        return []
    try:
        rows: list[Any] = json.loads(line)
    except (ValueError, RecursionError):
        return []
    keys = ("Inputs", "Generated Outputs", "Feedback")
    flat = [[_flat(row, key) for key in keys] for row in rows]
    return [_judged(inputs, outputs, feedback, names) for inputs, outputs, feedback in flat]


def _flat(row: Any, key: str) -> str:
    value = cast(dict[str, Any], row).get(key, "") if isinstance(row, dict) else ""
    return joined(cast(dict[str, Any], value)) if isinstance(value, dict) else str(value)


def joined(values: Mapping[str, Any]) -> str:
    """The values of an object's fields, one a line."""
    return "\n".join(map(str, values.values()))


def _judged(inputs: str, said: str, feedback: str, names: Sequence[str]) -> Shown:
    """An example whose right answer the feedback tells: stated, else the one label it names."""
    stated = [m["stated"] or m["quoted"] for m in _RIGHT.finditer(feedback)]
    right = _bare(stated[-1]) if stated else _named(feedback or said, names)
    return inputs, right, "" if right == said else said


def _bare(text: str) -> str:
    """Take quotes off, and the full stop after them; what is inside stays as it is."""
    quoted = re.match(r"\s*(['\"“‘`])(.+?)['\"”’`](?:[.,;]|\s|$)", text)
    return (quoted[2] if quoted and not text.startswith("{") else text).strip().rstrip(".").strip()


def _named(text: str, names: Sequence[str]) -> str:
    named = [name for name in names if mentions(text, name)]
    return named[0] if len(named) == 1 else ""


def _rows(text: str) -> list[Shown]:
    """Rows such as Example({'text': …, 'label': …}) (input_keys={'text'})."""
    found: list[Shown] = []
    for row, keys in _ROW.findall(text):
        try:
            values, inputs = ast.literal_eval(row), ast.literal_eval(keys)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        given = {k: v for k, v in values.items() if k in inputs}
        target = {k: v for k, v in values.items() if k not in inputs}
        found.append((joined(given), joined(target), ""))
    return found


def _blocks(text: str, names: Sequence[str]) -> list[Shown]:
    """Blocks that start with the same "Field: " and end with a line of another one."""
    first = _FIELD.match(text.lstrip())
    last = _FIELD.match(text.rstrip().rpartition("\n")[2])
    if not first or not last or first[1] == last[1]:
        return []
    found: list[Shown] = []
    for block in re.split(rf"^{re.escape(first[0])}", text.strip(), flags=re.MULTILINE)[1:]:
        inputs, mark, output = block.rpartition(f"\n{last[0]}")
        if mark and (not names or output.strip() in names):
            found.append((inputs.strip(), output.strip(), ""))
    return found


def shown_instructions(text: str) -> tuple[tuple[float, str], ...]:
    """Find the tried instructions in a request of another framework, with their scores, or 0."""
    if scored := list(_SCORED.finditer(text)):
        return tuple((float(m["score"]), m["text"].strip()) for m in scored)
    attempts: dict[str, dict[str, str]] = {}
    for match in _ATTEMPT.finditer(text):
        attempts.setdefault(match["nth"], {})[match["kind"]] = _dedented(match["text"])
    if attempts:
        return tuple(
            (_number(said.get("Resulting Score", "")), said.get("Instruction", ""))
            for said in attempts.values()
        )
    found = [*_PROMPT.finditer(_own(text))] or [*_VARIED.finditer(text)]
    return tuple((0.0, match["text"].strip()) for match in found)


def _own(text: str) -> str:
    """A request without the worked example of its method, which has the same headings."""
    return text[max(0, text.rfind("Please follow the instruction step-by-step")) :]


def _dedented(text: str) -> str:
    return re.sub(r"^ {4}", "", text, flags=re.MULTILINE).strip()


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else 0.0


def shown_task(text: str) -> tuple[str, str]:
    """The description of the task in a request of another framework, and its list of labels."""
    task = _TASK.search(_own(text))
    classes = _CLASSES.search(task[1]) if task else None
    return (task[1].strip() if task else "", classes[1] if classes else "")


def contrasted(fields: Mapping[str, str]) -> tuple[Shown, ...]:
    """The example of a request that contrasts a worse run with a better one.

    Args:
        fields: of the request, among them the inputs and the right answer, as JSON objects.
    """
    names = ("program_inputs", "oracle_metadata", "worse_program_outputs")
    objects = [_object(fields.get(name, "")) for name in names]
    inputs, right, said = ("" if o is None else joined(o) for o in objects)
    return ((inputs, right, "" if said == right else said),) if inputs and right else ()


def _object(text: str) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], value) if isinstance(value, dict) else None
