"""How much two texts are alike, without a model."""

import math
from collections import Counter


def likeness(text: str, other: str) -> float:
    """Cosine of the counts of character trigrams, 0 to 1."""
    a, b = (Counter(t[i : i + 3] for i in range(max(1, len(t) - 2))) for t in (text, other))
    product = sum(count * b[part] for part, count in a.items())
    return product / math.sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values()))
