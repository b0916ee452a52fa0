"""How many recorded replies of writers are read as a person reads them: by apo, by DSPy, by gepa.

`python -m experiments.reply_parsers` prints the table. The replies, and the reading that a person
gave each, are those of `tests/replies/`. They were asked for in apo's form, so DSPy reads them by
its adapter for tags (`XMLAdapter`), and gepa takes what stands in a fence, or else the whole. What
is not installed is left out, and said: `pip install dspy gepa`.
"""

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from apo.reading.salvage import read_written
from apo.reading.screen import screened

RECORDED = Path(__file__).parents[1] / "tests" / "replies" / "recorded.jsonl.gz"


@dataclass(frozen=True)
class Recorded:
    """A reply with its reading.

    Attributes:
        model: who wrote it.
        language: of the meta-prompt, "en" or "ko".
        meta_prompt: its name.
        tag: the tag that was asked for.
        request: what was sent.
        reply: what came.
        truncated: it was cut at the limit of tokens.
        text: what a person takes; "" for nothing.
        why: why nothing.
        held_out: recorded and read after the rules were made.
    """

    model: str
    language: str
    meta_prompt: str
    tag: str
    request: str
    reply: str
    truncated: bool
    text: str
    why: str
    held_out: bool


def recorded() -> list[Recorded]:
    """The replies of the file, in order."""
    with gzip.open(RECORDED, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    requests: dict[str, Any] = {row["id"]: row for row in rows if row["kind"] == "request"}
    return [_recorded(row, requests[row["request"]]) for row in rows if row["kind"] == "reply"]


def _recorded(row: dict[str, Any], asked: dict[str, Any]) -> Recorded:
    return Recorded(
        model=row["model"],
        language=asked["language"],
        meta_prompt=asked["meta_prompt"],
        tag=asked["tag"],
        request=asked["text"],
        reply=row["reply"],
        truncated=row["truncated"],
        text=row["text"],
        why=row["why"],
        held_out=row["held_out"],
    )


def by_apo(found: Recorded) -> str:
    """What apo takes: read, and for an instruction screened."""
    reply = read_written(found.reply, found.tag, request=found.request, truncated=found.truncated)
    if reply.text and found.tag == "instruction":
        reply = screened(reply, found.request)
    return reply.text


def right(found: Recorded, text: str) -> bool:
    """Whether a text is what a person takes, but for blanks and marks around it."""
    return _bare(text) == _bare(found.text)


def _bare(text: str) -> str:
    return " ".join(text.split()).strip("\"“”' ")


def readers() -> Iterator[tuple[str, Callable[[Recorded], str]]]:
    """The parsers that are installed here, by name."""
    yield "apo", by_apo
    try:
        dspy: Any = import_module("dspy")
        adapter = dspy.XMLAdapter()

        def by_dspy(found: Recorded) -> str:
            # By a name of its own: some tags are words that a signature keeps for itself.
            reply = found.reply.replace(f"{found.tag}>", "written>")
            try:
                return str(adapter.parse(dspy.Signature("request -> written"), reply)["written"])
            except dspy.utils.exceptions.AdapterParseError:
                return ""

        yield f"DSPy {dspy.__version__}", by_dspy
    except ImportError:
        print("DSPy is not installed here, and is left out.", file=sys.stderr)
    try:
        proposal: Any = import_module("gepa.strategies.instruction_proposal")
        extract = proposal.InstructionProposalSignature.output_extractor
        yield "gepa", lambda found: _by_gepa(extract, found)
    except ImportError:
        print("gepa is not installed here, and is left out.", file=sys.stderr)


def _by_gepa(extract: Callable[[str], dict[str, str]], found: Recorded) -> str:
    """What gepa takes, without the tags that its own meta-prompt would not have asked for."""
    return re.sub(rf"</?{found.tag}>", "", extract(found.reply)["new_instruction"]).strip()


def main() -> None:
    """Print a line for each parser, model and language: replies, read right, texts made of none."""
    rows = recorded()
    print("| parser | model | language | replies | hold a text | read right | texts out of none |")
    print("|---|---|---|---|---|---|---|")
    for name, read in readers():
        counts: dict[tuple[str, str], Counter[str]] = {}
        for row in rows:
            text, whole = read(row), "held out" if row.held_out else "all"
            for group in {(row.model, row.language), ("all", "all"), ("all", whole)}:
                found = counts.setdefault(group, Counter())
                found.update(n=1, texts=bool(row.text), right=right(row, text))
                found.update(false=bool(text and not row.text))
        for (model, language), found in sorted(counts.items()):
            share = found["right"] / found["n"]
            print(
                f"| {name} | {model} | {language} | {found['n']} | {found['texts']} | {share:.1%} "
                f"| {found['false']} |"
            )


if __name__ == "__main__":
    main()
