"""How often apo's scorers give the verdict of a person: pairs of an answer and a target.

`python -m experiments.agreement` prints a table by kind and language, and the disagreements among
the pairs with even numbers; `--write` puts the figures into docs/scorers.md. Scorers are mended by
the even pairs alone, and the odd ones only counted, so that their figure says how the scorers do
on pairs that nobody looked at; `--show odd` or `--show all` prints them too. How the pairs were
made stands in experiments/pairs/SOURCE.md.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apo.models.thinking import part
from apo.scorers.registry import Judge, make_scorer
from apo.task import Example

PAIRS = Path(__file__).parent / "pairs" / "pairs.jsonl"
PAGE = Path(__file__).parents[1] / "docs" / "scorers.md"
START, END = "<!-- agreement: start -->\n", "<!-- agreement: end -->\n"
KINDS = ("numeric", "date", "money", "json", "choice", "multiple_choice", "grade")


@dataclass(frozen=True)
class Judged:
    """A pair with both verdicts.

    Attributes:
        pair: the line of the file.
        person: 1 or 0; of a judge's reply the grade, None where it holds none.
        scorer: the same by the scorer; below 1 where it gives a part of the score.
        feedback: what the scorer says.
    """

    pair: dict[str, Any]
    person: float | None
    scorer: float | None
    feedback: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both verdicts are the same; a part of the score is no right answer."""
        if self.pair["kind"] == "grade":
            return self.person == self.scorer
        return (self.scorer == 1) == (self.person == 1)

    @property
    def is_false_right(self) -> bool:
        """Whether a wrong answer scores 1, or a grade is read that the reply does not give."""
        wrong = self.person is None if self.pair["kind"] == "grade" else self.person == 0
        return wrong and not self.agrees


def judged(path: Path = PAIRS) -> list[Judged]:
    """Score all pairs, each with the scorer that `apo init` drafts for its kind of column.

    As in a run, thinking at the start of an answer is no part of it.
    """
    return [_judge(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _judge(pair: dict[str, Any]) -> Judged:
    if pair["kind"] == "grade":
        return _read_grade(pair)
    spec: dict[str, Any] = {"name": "numeric" if pair["kind"] == "money" else pair["kind"]}
    inputs = {"input": "\n".join(f"{k}. {text}" for k, text in pair.get("options", {}).items())}
    if pair["kind"] in ("numeric", "money"):
        spec["decimal"] = pair.get("decimal", ".")
    elif pair["kind"] == "date":
        spec["order"] = pair["order"]
    scorer = make_scorer(spec, pair.get("labels", ()))
    score = scorer(part(pair["answer"]).answer, Example(inputs, (pair["target"],)))
    return Judged(pair, pair["right"], score.value, score.feedback)


def _read_grade(pair: dict[str, Any]) -> Judged:
    lowest, highest = pair["scale"]
    reply = part(pair["text"]).answer
    share = Judge(rubric="How good is it?", lowest=lowest, highest=highest).grade(reply, 0)
    grade = None if share is None else round(lowest + share * (highest - lowest), 6)
    return Judged(pair, pair["grade"], grade)


def table(found: Iterable[Judged]) -> str:
    """Give the figures by kind and language in Markdown."""
    found = list(found)
    lines = [
        "| kind | language | pairs | agree | even | odd | wrong ones that score 1 |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        of_kind = [one for one in found if one.pair["kind"] == kind]
        for language in sorted({one.pair["language"] for one in of_kind}):
            part = [one for one in of_kind if one.pair["language"] == language]
            lines.append(_row(kind, language, part))
        lines.append(_row(f"**{kind}**", "all", of_kind))
    return "\n".join([*lines, _row("**all**", "all", found)]) + "\n"


def summary(found: Iterable[Judged]) -> str:
    """Give the rows of the table that stand for whole kinds."""
    lines = table(found).splitlines(keepends=True)
    return "".join(line for line in lines if "| all |" in line or line.startswith(("| k", "|---")))


def written(page: str, found: Iterable[Judged]) -> str:
    """Give the page with the figures as they are now."""
    before, rest = page.split(START)
    return before + START + summary(found) + END + rest.split(END)[1]


def agreement(found: Iterable[Judged]) -> float:
    """Give the share of pairs on which both agree; 1 where there are none."""
    agrees = [one.agrees for one in found]
    return sum(agrees) / len(agrees) if agrees else 1.0


def half(found: Iterable[Judged], name: str) -> list[Judged]:
    """Give the pairs with even or odd numbers, or all."""
    wanted = {"even": (0,), "odd": (1,), "all": (0, 1), "none": ()}[name]
    return [one for one in found if one.pair["id"] % 2 in wanted]


def _row(kind: str, language: str, found: list[Judged]) -> str:
    shares = [agreement(half(found, name)) for name in ("all", "even", "odd")]
    false = sum(one.is_false_right for one in found)
    told = " | ".join(f"{share:.1%}".replace("%", " %") for share in shares)
    return f"| {kind} | {language} | {len(found)} | {told} | {false} |"


def disagreements(found: Iterable[Judged]) -> Iterator[str]:
    """Yield a line for each pair on which scorer and person differ."""
    for one in found:
        if not one.agrees:
            pair = {k: v for k, v in one.pair.items() if k not in ("id", "kind", "right", "grade")}
            verdict = f"person {one.person}, scorer {one.scorer}"
            told = json.dumps(pair, ensure_ascii=False)
            yield f"{one.pair['kind']} {one.pair['id']}: {verdict}: {told} {one.feedback}"


def main() -> None:
    """Print the table and the disagreements, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", choices=("even", "odd", "all", "none"), default="even")
    parser.add_argument("--write", action="store_true", help=f"write the figures into {PAGE.name}")
    arguments = parser.parse_args()
    found, show = judged(), arguments.show
    if arguments.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    print(table(found))
    print("\n".join(disagreements(half(found, show))))


if __name__ == "__main__":
    main()
