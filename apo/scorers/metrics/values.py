"""Metrics of texts and numbers: corpus BLEU and correlations."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from apo.errors import TaskError, near
from apo.reading.said_number import number_in
from apo.task import Example


@dataclass(frozen=True, kw_only=True)
class CorpusBLEU:
    """Corpus BLEU (Papineni et al., 2002), by sacrebleu, over 100.

    Attributes:
        tokenize: a tokenizer of sacrebleu, such as "13a", "char" or "zh".
    """

    tokenize: str = "13a"
    by_class: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        from sacrebleu.metrics.bleu import BLEU

        if self.tokenize not in BLEU.TOKENIZERS:
            raise TaskError(
                f"sacrebleu has no tokenizer {self.tokenize!r}."
                f"{near(self.tokenize, list(BLEU.TOKENIZERS))}"
            )

    def __call__(
        self, answers: Sequence[str], examples: Sequence[Example], weights: Sequence[float]
    ) -> float:
        """Give BLEU against all targets of each example."""
        from sacrebleu.metrics.bleu import BLEU

        most = max(len(example.targets) for example in examples)
        references: Any = [  # None where an example has fewer targets than another.
            [e.targets[i] if i < len(e.targets) else None for e in examples] for i in range(most)
        ]
        found = BLEU(tokenize=self.tokenize).corpus_score(list(answers), references)
        return min(1.0, max(0.0, float(found.score) / 100))


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """How well the numbers that are answered follow the targets; what is under 0 counts as 0.

    Answers without a number are left out of the correlation, and lower it by their share.

    Attributes:
        by: "value" for Pearson's r, "rank" for Spearman's ρ.
    """

    by: Literal["value", "rank"] = "value"
    by_class: bool = field(default=False, init=False)

    def __call__(
        self, answers: Sequence[str], examples: Sequence[Example], weights: Sequence[float]
    ) -> float:
        """Give the correlation; 0 when the answers, or the targets, are all the same.

        Raises:
            TaskError: a target holds no number.
        """
        from scipy import stats

        said = [number_in(answer) for answer in answers]
        right = [number_in(example.target) for example in examples]
        if None in right:
            target = examples[right.index(None)].target
            raise TaskError(f"A correlation needs numbers as targets; {target[:80]!r} has none.")
        pairs = [
            (float(a.value), float(b.value)) for a, b in zip(said, right, strict=True) if a and b
        ]
        if len({a for a, _ in pairs}) < 2 or len({b for _, b in pairs}) < 2:
            return 0.0
        xs, ys = zip(*pairs, strict=True)
        by_value = self.by == "value"
        found: Any = stats.pearsonr(xs, ys) if by_value else stats.spearmanr(xs, ys)
        return min(1.0, max(0.0, float(found.statistic) * len(pairs) / len(answers)))
