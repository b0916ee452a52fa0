"""Tools that a program may offer a model: a search over given documents, and a calculator."""

import ast
import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Sequence

N_FOUND = 3
"""Passages that a search shows."""
MAX_POWER, MAX_DIGITS = 64, 1000
"""Of an exponent, and of a whole number: what is larger is no question for a calculator."""
K1, B = 1.2, 0.75
"""Constants of BM25 (Robertson and Zaragoza, 2009)."""
_TWO: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_ONE: dict[type[ast.unaryop], Callable[[float], float]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def calculate(expression: str) -> str:
    """Work out + - * / // % ** and brackets; says what is wrong where it cannot."""
    written = expression.strip().replace("×", "*").replace("÷", "/").replace("^", "**")
    written = re.sub(r"(?<=\d),(?=\d{3}\b)", "", written)
    try:
        value = _value(ast.parse(written, mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return f"{expression.strip()[:100]!r} cannot be calculated: use numbers and + - * / alone."
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return str(value) if isinstance(value, int) else f"{value:.10g}"


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        number: float = node.value  # type: ignore[assignment]  # its type was looked at
        return number
    if isinstance(node, ast.UnaryOp) and type(node.op) in _ONE:
        return _ONE[type(node.op)](_value(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _TWO:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow) and abs(right) > MAX_POWER:
            raise ValueError("too large")
        found = _TWO[type(node.op)](left, right)
        if isinstance(found, complex) or not math.isfinite(found) or abs(found) > 10**MAX_DIGITS:
            raise ValueError("no real number")
        return found
    raise ValueError("no arithmetic")


class Documents:
    """A search over documents by their words (BM25).

    Args:
        texts: the documents; each is shown whole.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self._words = [Counter(_words(text)) for text in self.texts]
        self._lengths = [sum(words.values()) for words in self._words]
        self._mean = max(1.0, sum(self._lengths) / max(1, len(self._lengths)))
        self._in = Counter(word for words in self._words for word in words)

    def search(self, query: str, n: int = N_FOUND) -> str:
        """Give the documents that fit best, the best first; says where none does."""
        wanted = set(_words(query))
        scores = [self._score(wanted, place) for place in range(len(self.texts))]
        order = sorted(range(len(scores)), key=lambda place: -scores[place])
        found = [self.texts[place] for place in order[:n] if scores[place] > 0]
        return "\n".join(f"- {text}" for text in found) or "Nothing is found for these words."

    def _score(self, wanted: set[str], place: int) -> float:
        words, total = self._words[place], 0.0
        weight = K1 * (1 - B + B * self._lengths[place] / self._mean)
        for word in sorted(wanted & words.keys()):
            rare = math.log(1 + (len(self.texts) - self._in[word] + 0.5) / (self._in[word] + 0.5))
            total += rare * words[word] * (K1 + 1) / (words[word] + weight)
        return total


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
