"""What a search has measured so far, and who is best."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import fsum

from apo.evaluation.evaluation import Evaluation
from apo.evaluation.must_pass import broken
from apo.prompts.prompt import Prompt
from apo.storage.ranking import Rank, rank
from apo.task import Example

PRIOR_SIZE = 10
"""How many examples the mean of all prompts counts for, where one was measured in part."""


@dataclass
class Archive:
    """Everything measured in one run, shared by all stages of its search.

    A prompt that breaks an example which must pass (`apo.must_pass`) is behind all others.

    Attributes:
        seed: the seed prompt, which says what must pass; None where nothing does.
        whole: the evaluations on the whole validation split, by prompt, in order of arrival.
        parts: the scores on single examples from all other measurements, by prompt.
        seen: the examples of these, also those without a score.
        best: the first in rank of `whole`; None before the first.
    """

    seed: Prompt | None = None
    whole: dict[Prompt, Evaluation] = field(default_factory=dict[Prompt, Evaluation])
    parts: dict[Prompt, dict[Example, float]] = field(
        default_factory=dict[Prompt, dict[Example, float]]
    )
    seen: dict[Prompt, set[Example]] = field(default_factory=dict[Prompt, set[Example]])
    best: Evaluation | None = None

    def add(self, evaluation: Evaluation) -> None:
        """Keep an evaluation on the whole validation split."""
        self.whole[evaluation.prompt] = evaluation
        if evaluation.prompt == self.seed:  # What others were worth may hang on it.
            self.best = self.ranked()[0]
        elif self.best is None or self._rank(evaluation) > self._rank(self.best):
            self.best = evaluation

    def add_part(self, evaluation: Evaluation) -> Evaluation:
        """Keep the scores of an evaluation on other examples.

        Returns:
            Of it, what is new: heats of a race hold those before them, and count once.
        """
        self.parts.setdefault(evaluation.prompt, {}).update(
            (r.example, r.score.value) for r in evaluation.scored if r.score
        )
        seen = self.seen.setdefault(evaluation.prompt, set())
        new = tuple(r for r in evaluation.rollouts if r.example not in seen)
        seen |= {r.example for r in new}
        return replace(evaluation, rollouts=new)

    def raced(self, validation: Sequence[Example]) -> int:
        """How many prompts were measured on some of these examples, and never on all."""
        rows = set(validation)
        parted = (p for p, seen in self.seen.items() if not rows.isdisjoint(seen))
        return sum(prompt not in self.whole for prompt in parted)

    def ranked(self) -> list[Evaluation]:
        """The evaluations on the whole validation split, the best first."""
        return sorted(self.whole.values(), key=self._rank, reverse=True)

    def promising(self) -> list[tuple[Prompt, float]]:
        """The prompts measured in part alone, with what may be hoped of them, the best first.

        A mean over few examples is mostly luck, so each is drawn towards the mean of all that
        was measured whole, as if that had been seen on `PRIOR_SIZE` more examples. Equal ones
        stand by size, shortness and id: a resumed run measures them in another order.
        """
        known = [evaluation.mean for evaluation in self.whole.values()]
        prior = fsum(known) / len(known) if known else 0.0
        hopes = {
            prompt: (fsum(scores.values()) + PRIOR_SIZE * prior) / (len(scores) + PRIOR_SIZE)
            for prompt, scores in self.parts.items()
            if scores and prompt not in self.whole
        }
        order = sorted(
            hopes, key=lambda p: (hopes[p], len(self.parts[p]), rank(p, 0)), reverse=True
        )
        return [(prompt, hopes[prompt]) for prompt in order]

    def _rank(self, evaluation: Evaluation) -> Rank:
        seed = self.whole.get(self.seed) if self.seed else None
        passes = seed is None or not broken(seed, evaluation)
        return rank(evaluation.prompt, evaluation.at_least, passes=passes)
