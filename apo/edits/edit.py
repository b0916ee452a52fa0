"""The edits by name: each gives another prompt, from a prompt and what is known of its task."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from apo.edits import changes as to
from apo.edits.facts import Facts
from apo.errors import SettingsError, near
from apo.prompts.prompt import Prompt
from apo.task import Task

ALL = "all"


class Edit(NamedTuple):
    """One technique.

    Attributes:
        technique: what it does, in a few words.
        change: gives the changed prompt, or the same one where it has nothing to do.
        answers: whether it is about the form of the answer, so that of a program it changes the
            last step alone.
    """

    technique: str
    change: to.Change
    answers: bool = False


def _labels(facts: Facts) -> tuple[str, ...]:
    return facts.labels


def _keys(facts: Facts) -> tuple[str, ...]:
    return facts.keys


def _numbers(facts: Facts) -> bool:
    return facts.numbers


def _text(facts: Facts) -> bool:
    return facts.text


BARE = to.first_of(
    (_labels, to.added("bare-label")),
    (_keys, to.added("bare-json")),
    (_numbers, to.added("bare-number")),
    (_text, to.added("bare-text")),
)
SHOWN = to.first_of((_labels, to.added("like-label")), (_keys, to.added("like-json")))
OUT = to.first_of(
    (_labels, to.added("out-label")),
    (lambda facts: facts.nulls, to.added("out-json")),
    (_text, to.added("out-text")),
)

EDITS: dict[str, Edit] = {
    "instruction-first": Edit("the task before the context", to.ordered("instruction", "context")),
    "context-first": Edit("the context before the task", to.ordered("context", "instruction")),
    "in-user-turn": Edit("the prompt in the user's turn", to.by_role("user")),
    "in-system-turn": Edit("the prompt in the system message", to.by_role("system")),
    "demos-in-text": Edit("worked examples within the text", to.demos_in_text),
    "demos-in-turns": Edit("worked examples as turns of the chat", to.demos_in_turns),
    "demos-reversed": Edit("worked examples in the other order", to.demos_reversed),
    "markdown": Edit("parts under Markdown headings", to.headed("markdown")),
    "xml": Edit("parts in XML tags", to.headed("xml")),
    "rule-lines": Edit("a line of dashes between parts", to.parted("\n\n---\n\n")),
    "repeat": Edit("the instruction again after the input", to.repeated),
    "cue": Edit("the first words of the answer are given", to.cued, answers=True),
    "bare-answer": Edit("the answer alone", BARE, answers=True),
    "label-list": Edit("the labels are named", to.names_all(_labels, "labels"), answers=True),
    "key-list": Edit("the keys of the JSON are named", to.names_all(_keys, "keys"), answers=True),
    "output-example": Edit("the form of an answer is shown", SHOWN, answers=True),
    "out": Edit("what to say when there is no answer", OUT, answers=True),
    "conditions": Edit(
        "what to do when several labels fit", to.only(_labels, to.added("conditions")), answers=True
    ),
    "grounding": Edit("nothing but what the input says", to.added("grounding")),
    "steps": Edit("the order of work", to.added("steps")),
    "think": Edit("reasoning first, the answer after a marker", to.added("think"), answers=True),
    "length": Edit("the most words of an answer", to.only(_text, to.added("length")), answers=True),
    "tone": Edit("a plain tone", to.only(_text, to.added("tone")), answers=True),
    "language": Edit("the language of the answer", to.in_language, answers=True),
    "persona": Edit("an expert is asked", to.opened("persona")),
    "eccentric": Edit("an odd frame", to.opened("eccentric")),
    "cold": Edit("the likeliest answer (temperature 0)", to.drawn(0.0)),
    "warm": Edit("answers drawn at temperature 0.7", to.drawn(0.7)),
}
"""All edits, in the order in which they are tried."""


def edit_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names of edits, each once; "all" stands for all of them.

    Raises:
        SettingsError: there is no such edit.
    """
    found: dict[str, None] = {}
    for name in names:
        if name != ALL and name not in EDITS:
            raise SettingsError(f"There is no edit {name!r}.{near(name, [ALL, *EDITS])}")
        found |= dict.fromkeys(EDITS if name == ALL else [name])
    return tuple(found)


def edited(prompt: Prompt, names: Sequence[str], task: Task) -> list[tuple[str, Prompt]]:
    """Change a prompt by each of several edits, one at a time.

    Args:
        prompt: the prompt; of a program each step is changed by itself.
        names: of edits.
        task: whose answers the edits write about; its train split is looked at.

    Returns:
        The edit's name (of a program with the step's: "cue of decide") and the changed prompt;
        edits that have nothing to do are left out.
    """
    facts, found = Facts.of(task), list[tuple[str, Prompt]]()
    last = list(prompt.steps)[-1]
    for name in names:
        technique = EDITS[name]
        for step, before in prompt.steps.items():
            if technique.answers and step != last:
                continue
            after = technique.change(before, facts)
            if after != before:
                label = f"{name} of {step}" if step else name
                found.append((label, prompt.with_steps({step: after})))
    return found
