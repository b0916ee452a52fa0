"""What is set aside for calls under way: the most that each can take, and what some took beyond."""

from collections import Counter

from apo.calls.costs import Cost


class Reservations:
    """Tokens and dollars that the calls under way can take at most.

    A call that takes more than its bound raises those of its model's calls, of the ones under way
    too.

    Attributes:
        n: calls under way.
        broken: which call was the first that broke its bound; "" while none has.
    """

    def __init__(self) -> None:
        self.n, self.broken = 0, ""
        self._tokens, self._usd = 0, 0.0
        self._by_model: Counter[str] = Counter()
        self._beyond: dict[str, Cost] = {}
        self._proven = set[str]()

    def add(self, bound: Cost, model: str) -> None:
        """Set the bound of one call aside."""
        self._change(bound, model, 1)

    def remove(self, bound: Cost, model: str) -> None:
        """Give back what `add` set aside."""
        self._change(bound, model, -1)

    def _change(self, bound: Cost, model: str, n: int) -> None:
        self.n += n
        self._by_model[model] += n
        self._tokens += n * bound.tokens
        # From 0 anew when nothing is under way, so that rounding does not add up.
        self._usd = self._usd + n * (bound.usd or 0.0) if self.n else 0.0

    def and_one(self, bound: Cost) -> tuple[int, float]:
        """Tokens and dollars that all may take with one more of this bound."""
        tokens, usd = self._tokens + bound.tokens, self._usd + (bound.usd or 0.0)
        for model, more in self._beyond.items():
            tokens += self._by_model[model] * more.tokens
            usd += self._by_model[model] * (more.usd or 0.0)
        return tokens, usd

    def raised(self, bound: Cost, model: str) -> Cost:
        """A bound, and beside it the most that a call of the model has taken beyond its own."""
        more = self._beyond.get(model)
        if more is None:
            return bound
        usd = None if bound.usd is None else bound.usd + (more.usd or 0.0)
        read, written = (a + b for a, b in zip(bound[:2], more[:2], strict=True))
        return Cost(read, written, usd)

    def unproven(self, model: str) -> bool:
        """Whether a model's first call is under way: many at once could break their bounds."""
        return bool(model) and model not in self._proven and self._by_model[model] > 0

    def learn(self, model: str, bound: Cost, took: Cost) -> None:
        """Raise a model's bounds if an answered call of it broke its own."""
        self._proven.add(model)
        old = self._beyond.get(model, Cost(0, 0, 0.0))
        new = Cost(
            max(old.input_tokens, took.input_tokens - bound.input_tokens),
            max(old.output_tokens, took.output_tokens - bound.output_tokens),
            max(old.usd or 0.0, (took.usd or 0.0) - (bound.usd or 0.0)),
        )
        if new != old:
            self._beyond[model] = new
            self.broken = self.broken or (
                f"{model} counted {took.tokens:,} tokens for a call that takes {bound.tokens:,} "
                "at most"
            )
