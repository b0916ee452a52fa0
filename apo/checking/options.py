"""Looks the options of multiple choice over: whether each row has one right answer, told apart."""

from collections import Counter
from collections.abc import Iterator, Sequence

from apo.checking.finding import Finding, Named, all_examples
from apo.reading.answers import quote
from apo.reading.option_lines import Option
from apo.scorers.choice import Choice
from apo.scorers.multiple_choice import MultipleChoice
from apo.scorers.text import Exact
from apo.task import Example, Task

MAX_ASKED = 500
"""Examples whose other options are tried as answers."""


def option_findings(task: Task, pools: Named) -> Iterator[Finding]:
    """Options that are the same, other options that score, and where the right ones stand."""
    scorer = task.scorer
    examples = [example for _, example in all_examples(pools)]
    if isinstance(scorer, Choice | Exact) and _hold_options(examples[:MAX_ASKED]):
        yield Finding(
            "note",
            "All inputs hold options, and the target is one of them: scorer: multiple_choice takes "
            "an option's text for its letter, and tells the letter with another option's text.",
        )
    if not isinstance(scorer, MultipleChoice):
        return
    twice = [e for e in examples if _same(scorer.options_of(e))]
    if twice:
        option = _same(scorer.options_of(twice[0]))
        yield Finding(
            "warning",
            f"Inputs with the same option twice: {len(twice)} (such as {quote(option)} in "
            f"{quote(' | '.join(twice[0].inputs.values()))}): an answer by its text is not read.",
        )
    wrong = [(e, said) for e in examples[:MAX_ASKED] for said in _others_right(scorer, e)]
    if wrong:
        example, said = wrong[0]
        yield Finding(
            "error",
            f"{len(wrong)} answers with another option score 1 (such as {quote(said)} for "
            f"{quote(example.target)}): mend these options, or mark them A, B, C.",
        )
    sizes = Counter(len(scorer.options_of(example)) for example in examples)
    places = Counter(min(scorer.places(e)) for e in examples if scorer.places(e))
    if not examples or not places:
        return
    counts = " to ".join(map(str, sorted({min(sizes), max(sizes)})))
    place, most = places.most_common(1)[0]
    share = 100 * most / places.total()
    even = 100 * sum(n / size for size, n in sizes.items() if size) / len(examples)
    text = f"Inputs hold {counts} options; option {place + 1} is right in {share:.0f} % of the rows"
    if share > 2 * even:
        yield Finding("warning", f"{text}: who always says it scores that. Shuffle the options.")
    else:
        yield Finding("ok", f"{text}, the most of all.")


def _hold_options(examples: Sequence[Example]) -> bool:
    return bool(examples) and all(map(MultipleChoice().places, examples))


def _same(options: Sequence[Option]) -> str:
    """The first option whose text another one has."""
    counts = Counter(option.key for option in options)
    return next((option.text for option in options if counts[option.key] > 1), "")


def _others_right(scorer: MultipleChoice, example: Example) -> Iterator[str]:
    """Answers that name another option by mark, text or both, and score 1."""
    right = scorer.places(example)
    for place, option in enumerate(scorer.options_of(example)):
        if place not in right:
            for said in (option.mark, option.text, f"{option.mark}. {option.text}"):
                if scorer(said, example).value == 1:
                    yield said
