"""Who is best: the one order of candidates that searches, reports and MLflow share."""

from typing import NamedTuple

from apo.prompts.prompt import Prompt


class Rank(NamedTuple):
    """A candidate's place among those measured on the whole validation split; higher is better.

    Attributes:
        passes: whether it breaks no example that must pass (`apo.must_pass`).
        at_least: its value when answers that nobody could grade count as wrong, in [0, 1]: a
            candidate must not look better by what no judge can make anything of.
        shortness: the length of its text in characters, negative.
        id: the prompt's, so that there are no ties.
    """

    passes: bool
    at_least: float
    shortness: int
    id: str


def rank(prompt: Prompt, at_least: float, *, passes: bool = True) -> Rank:
    """Place a candidate: by what must pass, value, shortness, and then by id."""
    return Rank(passes, at_least, -len(prompt.text()), prompt.id)
