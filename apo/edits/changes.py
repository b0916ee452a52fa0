"""What edits do to a prompt: sentences are added, parts are moved, options are set."""

from collections.abc import Callable
from dataclasses import replace

from apo.edits.facts import Facts
from apo.edits.wording import say
from apo.prompts.layout import Headings, Part, Role
from apo.prompts.prompt import Prompt

Change = Callable[[Prompt, Facts], Prompt]
"""Gives the changed prompt, or the same one where it has nothing to do."""
Kind = Callable[[Facts], object]
"""Whether a task is of a kind."""


def added(name: str) -> Change:
    """Say a sentence, by its name in `wording`, at the end of the instruction."""

    def change(prompt: Prompt, facts: Facts) -> Prompt:
        return _said(prompt, say(name, facts), "{before}\n{sentence}")

    return change


def opened(name: str) -> Change:
    """Say a sentence at the start of the instruction."""

    def change(prompt: Prompt, facts: Facts) -> Prompt:
        return _said(prompt, say(name, facts), "{sentence}\n\n{before}")

    return change


def _said(prompt: Prompt, sentence: str, form: str) -> Prompt:
    before = prompt.instruction.strip()
    if sentence in before:
        return prompt
    return prompt.with_instruction(form.format(before=before, sentence=sentence).strip())


def only(wanted: Kind, change: Change) -> Change:
    """Do it for tasks of one kind."""
    return first_of((wanted, change))


def first_of(*kinds: tuple[Kind, Change]) -> Change:
    """Do what the first fitting kind of task asks for."""

    def change(prompt: Prompt, facts: Facts) -> Prompt:
        for wanted, one in kinds:
            if wanted(facts):
                return one(prompt, facts)
        return prompt

    return change


def names_all(names: Callable[[Facts], tuple[str, ...]], name: str) -> Change:
    """Say the sentence that lists names, unless the instruction has all of them."""

    def change(prompt: Prompt, facts: Facts) -> Prompt:
        said = all(one in prompt.instruction for one in names(facts))
        return prompt if said else added(name)(prompt, facts)

    return change


def cued(prompt: Prompt, facts: Facts) -> Prompt:
    """Give the first words of the answer, where the prompt gives none."""
    words = say("cue-label" if facts.labels else "cue-answer", facts)
    return prompt if prompt.cue else replace(prompt, cue=words)


def in_language(prompt: Prompt, facts: Facts) -> Prompt:
    """Say which language texts are to be in, where there is a sentence for it."""
    known = facts.text and facts.language in ("en", "ko")
    return added("language")(prompt, facts) if known else prompt


def by_role(role: Role) -> Change:
    """Let the prompt be said by the system, or by the user."""
    return lambda prompt, _: replace(prompt, layout=replace(prompt.layout, role=role))


def headed(headings: Headings) -> Change:
    """Mark the parts."""
    return lambda prompt, _: replace(prompt, layout=replace(prompt.layout, headings=headings))


def parted(separator: str) -> Change:
    """Put something between the parts."""
    return lambda prompt, _: replace(prompt, layout=replace(prompt.layout, separator=separator))


def repeated(prompt: Prompt, _: Facts) -> Prompt:
    """Say the instruction again after the input."""
    return replace(prompt, layout=replace(prompt.layout, repeat_instruction=True))


def ordered(first: Part, second: Part) -> Change:
    """Put instruction and context in this order, where there is a context."""

    def change(prompt: Prompt, _: Facts) -> Prompt:
        rest: tuple[Part, ...] = ("demos",) if "demos" in prompt.layout.order else ()
        return _with_order(prompt, first, second, *rest) if prompt.context else prompt

    return change


def demos_in_text(prompt: Prompt, _: Facts) -> Prompt:
    """Write the demos into the text, after all else."""
    if not prompt.demos or "demos" in prompt.layout.order:
        return prompt
    return _with_order(prompt, *prompt.layout.order, "demos")


def demos_in_turns(prompt: Prompt, _: Facts) -> Prompt:
    """Show the demos as turns of the chat."""
    rest: list[Part] = [part for part in prompt.layout.order if part != "demos"]
    return _with_order(prompt, *rest) if prompt.demos else prompt


def demos_reversed(prompt: Prompt, _: Facts) -> Prompt:
    """Show the demos in the other order."""
    return prompt.with_demos(prompt.demos[::-1])


def _with_order(prompt: Prompt, *parts: Part) -> Prompt:
    return replace(prompt, layout=replace(prompt.layout, order=parts))


def drawn(temperature: float) -> Change:
    """Have answers drawn at a temperature, where the prompt does not leave that to the provider."""
    return lambda prompt, _: prompt.at_temperature(temperature)
