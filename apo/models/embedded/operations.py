"""Induces which words of word problems stand for which operation."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, product

from apo.models.embedded.arithmetic import Place, calculate, operation_at, places, solve
from apo.models.embedded.rules import OPERATIONS, Rules
from apo.models.embedded.telling import surfaces, telling
from apo.models.embedded.values import numbers

Pair = tuple[str, str]

_MAX_NUMBERS = 5


def learn_operations(examples: Sequence[Pair]) -> Rules:
    """Find the operations that lead to each answer, and tie the words around them to them.

    Where several lead there, they share the credit; a second look gives it to those that the first
    look's cues agree with.
    """
    best, best_right = Rules(work="compute", names=OPERATIONS), -1
    for precedence in (False, True):
        rules = Rules(work="compute", names=OPERATIONS, precedence=precedence)
        for _ in range(2):
            rules = _tie_operations(examples, rules)
        right = sum(solve(rules, text) == answer.strip() for text, answer in examples)
        if right > best_right:
            best, best_right = rules, right
    return best


def _tie_operations(examples: Sequence[Pair], known: Rules) -> Rules:
    tally: dict[str, defaultdict[str, float]] = {op: defaultdict(float) for op in (*OPERATIONS, "")}
    size: defaultdict[str, float] = defaultdict(float)
    for text, answer in examples:
        where, ways = _ways(text, answer.strip(), known.precedence)
        if any(known.cues.values()) and ways:
            guess = [operation_at(known, place) for place in where]
            hits = [sum(map(str.__eq__, guess, ops)) for ops in ways]
            ways = [ops for ops, hit in zip(ways, hits, strict=True) if hit == max(hits)]
        for ops in ways:
            for op, (around, question) in zip(ops, where, strict=True):
                size[op] += 1 / len(ways)
                for part in {*around, *(question if len(where) == 2 else [])}:
                    tally[op][part] += 1 / len(ways)
    cues = telling(tally, size, surfaces(text for text, _ in examples))
    cues.pop("")
    return Rules(work="compute", names=OPERATIONS, cues=cues, precedence=known.precedence)


@lru_cache(maxsize=4096)
def _ways(text: str, answer: str, precedence: bool) -> tuple[list[Place], list[tuple[str, ...]]]:
    """All choices of operations that lead to the answer; "" is that of the number they start from.

    Choices that ignore more numbers than needed are left out, as are texts of over five numbers.
    """
    found = numbers(text)
    if len(found) > _MAX_NUMBERS:
        return [], []
    values = [number.value for number in found]
    for ignored in range(len(found)):
        ways: list[tuple[str, ...]] = []
        for left_out in combinations(range(len(found)), ignored):
            kept = [i for i in range(len(found)) if i not in left_out]
            for chosen in product(OPERATIONS[:-1], repeat=len(kept) - 1):
                ops = dict(zip(kept, ("", *chosen), strict=True))
                way = tuple(ops.get(i, "ignore") for i in range(len(found)))
                value = calculate(values, way, precedence=precedence)
                if value is not None and value == float(answer):
                    ways.append(way)
        if ways:
            return places(text, found), ways
    return [], []
