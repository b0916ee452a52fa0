"""Makes problems.jsonl beside it: 400 word problems from 34 shapes, always the same ones.

Run it from anywhere: python tasks/word-problems/generate.py
"""

# ruff: noqa: E501 - a shape reads best on one line
import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

N_PROBLEMS = 400
SEED = 7
# fmt: off
NAMES = [
    "Ada", "Bao", "Carlos", "Dora", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kofi", "Lena", "Mina",
    "Noor", "Olek", "Priya", "Quinn", "Rosa", "Sora", "Tomas", "Uma", "Viktor", "Wanda", "Yusuf", "Zoe",
]
THINGS = ["apples", "marbles", "stickers", "shells", "postcards", "stamps", "buttons", "seeds", "pens", "candles"]
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
# fmt: on
ASIDES = (
    "{n} lives at number {x}.",
    "It is {x} degrees outside.",
    "A song from 19{x} plays on the radio.",
    "{n} has {x} unread messages.",
    "The calendar shows day {x} of the season.",
    "Row {x} of the car park is still empty.",
)


@dataclass(frozen=True)
class Numbers:
    """The numbers of one problem."""

    a: int
    b: int
    c: int = 0
    d: int = 0


@dataclass(frozen=True)
class Shape:
    """A kind of problem.

    Attributes:
        name: what it is about.
        steps: how many calculations lead to the answer.
        text: the problem, with its numbers and {n}, {m} (people) and {t} (things) in braces.
        ranges: from, to and step of each number.
        solve: the answer; a draw for which it is no positive number is thrown away.
    """

    name: str
    steps: int
    text: str
    ranges: Mapping[str, tuple[int, int, int]]
    solve: Callable[[Numbers], Fraction | int | None]


def whole(a: int, b: int) -> int | None:
    """Divide, where that leaves no rest."""
    return a // b if a % b == 0 else None


def cents(value: int) -> Fraction:
    """Give dollars for cents."""
    return Fraction(value, 100)


def r(low: int, high: int, step: int = 1) -> tuple[int, int, int]:
    """Name a range with both ends."""
    return (low, high, step)


# fmt: off
SHAPES = (
    Shape("left", 1, "{n} has {a} {t} and gives {b} of them to {m}. How many {t} does {n} have left?", {"a": r(20, 90), "b": r(3, 19)}, lambda v: v.a - v.b),
    Shape("crates", 2, "{n} fills {a} crates with {b} {t} each. On the way, {c} of the {t} are lost. How many {t} arrive?", {"a": r(3, 14), "b": r(12, 60), "c": r(2, 30)}, lambda v: v.a * v.b - v.c),
    Shape("bill", 2, "A notebook costs ${a} and a bag ${b}. {n} buys {c} notebooks and one bag. How many dollars is that?", {"a": r(2, 9), "b": r(12, 45), "c": r(3, 11)}, lambda v: v.a * v.c + v.b),
    Shape("change", 2, "Tickets cost {a} cents each. {n} buys {b} of them and pays with a ${c} note. How many dollars does {n} get back?", {"a": r(150, 475, 25), "b": r(2, 9), "c": r(20, 50, 10)}, lambda v: v.c - cents(v.a * v.b)),
    Shape("mean of three", 2, "{n} sold {a} {t} on Friday, {b} on Saturday and {c} on Sunday. How many {t} did {n} sell per day on average?", {"a": r(10, 80), "b": r(10, 80), "c": r(10, 80)}, lambda v: whole(v.a + v.b + v.c, 3)),
    Shape("two legs", 3, "A train runs {a} hours at {b} km/h and then {c} hours at {d} km/h. How many kilometres does it cover?", {"a": r(2, 6), "b": r(60, 140, 5), "c": r(2, 5), "d": r(50, 120, 5)}, lambda v: v.a * v.b + v.c * v.d),
    Shape("stops", 3, "A bus leaves at {a}:10 and arrives at {b}:45 on the same day. It stands still for {c} minutes of that. For how many minutes does it move?", {"a": r(10, 14), "b": r(15, 19), "c": r(7, 29)}, lambda v: (v.b - v.a) * 60 + 35 - v.c),
    Shape("fence", 3, "A rectangular meadow is {a} m long and {b} m wide. {n} fences it in, apart from a gate of {c} m. How many metres of fence does {n} need?", {"a": r(30, 90), "b": r(12, 29), "c": r(2, 6)}, lambda v: 2 * (v.a + v.b) - v.c),
    Shape("tiles", 2, "A hall is {a} m long and {b} m wide. Each square metre takes {c} tiles. How many tiles does the floor take?", {"a": r(6, 25), "b": r(4, 15), "c": r(4, 25)}, lambda v: v.a * v.b * v.c),
    Shape("coaches", 2, "{a} people go on a trip in coaches with {b} seats. What is the smallest number of coaches that is enough?", {"a": r(95, 480), "b": r(28, 56, 4)}, lambda v: None if v.a % v.b == 0 else v.a // v.b + 1),
    Shape("left over", 1, "{n} shares {a} {t} among {b} children, as many as possible and the same number to each. How many {t} are left over?", {"a": r(40, 160), "b": r(6, 13)}, lambda v: v.a % v.b),
    Shape("discount", 2, "A coat costs ${a}. In the sale it is {b}% cheaper. How many dollars is it in the sale?", {"a": r(40, 240, 10), "b": r(5, 60, 5)}, lambda v: Fraction(v.a * (100 - v.b), 100)),
    Shape("share of guests", 2, "Of the {a} guests of a hotel, {b}% come by train and the others by car. How many guests come by car?", {"a": r(60, 400, 20), "b": r(10, 85, 5)}, lambda v: v.a - v.a * v.b // 100 if v.a * v.b % 100 == 0 else None),
    Shape("ratio", 2, "Red and blue beads on a chain are in the ratio {a} to {b}. The chain has {c} beads in all. How many are red?", {"a": r(2, 5), "b": r(3, 7), "c": r(35, 240)}, lambda v: None if v.a == v.b or v.c % (v.a + v.b) else v.c // (v.a + v.b) * v.a),
    Shape("ages", 2, "{n} is {a} years older than {m}. In {b} years {m} will be {c}. How old is {n} now?", {"a": r(2, 15), "b": r(3, 12), "c": r(20, 60)}, lambda v: v.c - v.b + v.a),
    Shape("doubling", 2, "A culture starts with {a} cells and doubles every {b} minutes. How many cells are there after {c} minutes?", {"a": r(3, 40), "b": r(15, 30, 5), "c": r(60, 180, 15)}, lambda v: None if v.c % v.b else v.a * 2 ** (v.c // v.b)),
    Shape("machines", 2, "Each of {a} machines makes {b} lids an hour. In how many hours do they make {c} lids together?", {"a": r(3, 9), "b": r(20, 80, 5), "c": r(600, 3600, 60)}, lambda v: whole(v.c, v.a * v.b)),
    Shape("book", 3, "A book has {a} pages. {n} reads one {b}th of it on Monday and {c} pages on Tuesday. How many pages remain?", {"a": r(120, 480, 12), "b": r(4, 6, 2), "c": r(15, 60)}, lambda v: v.a - v.a // v.b - v.c if v.a % v.b == 0 else None),
    Shape("three for two", 3, "A mug costs ${a}. For every three mugs taken, only two are paid. How many dollars do {b} mugs cost?", {"a": r(4, 15), "b": r(6, 24, 3)}, lambda v: v.b // 3 * 2 * v.a),
    Shape("rope", 2, "{n} cuts {a} m of rope into pieces of {b} cm. How many pieces are that?", {"a": r(4, 36), "b": r(15, 75, 5)}, lambda v: whole(v.a * 100, v.b)),
    Shape("jars", 3, "A box with {a} equal jars weighs {b} kg, the empty box {c} kg. How many grams does one jar weigh?", {"a": r(4, 24, 2), "b": r(5, 20), "c": r(1, 3)}, lambda v: whole((v.b - v.c) * 1000, v.a)),
    Shape("overtime", 3, "{n} earns ${a} an hour, and half as much again for every hour above {b} in a week. This week {n} works {c} hours. How many dollars does {n} earn?", {"a": r(12, 30, 2), "b": r(35, 40), "c": r(42, 50)}, lambda v: v.a * v.b + (v.c - v.b) * v.a * 3 // 2),
    Shape("saving", 2, "{n} has ${a} and puts ${b} aside every week. After how many weeks is there exactly enough for a ${c} bicycle?", {"a": r(20, 120, 5), "b": r(5, 25, 5), "c": r(180, 420, 20)}, lambda v: whole(v.c - v.a, v.b)),
    Shape("backwards", 2, "{n} thinks of a number, multiplies it by {a} and adds {b}. The result is {c}. What is the number?", {"a": r(3, 12), "b": r(5, 40), "c": r(50, 300)}, lambda v: whole(v.c - v.b, v.a)),
    Shape("meeting", 2, "{n} and {m} live {a} km apart and start at the same time to ride towards each other, at {b} km/h and {c} km/h. After how many hours do they meet?", {"a": r(40, 240), "b": r(12, 24), "c": r(11, 23)}, lambda v: None if v.b == v.c else whole(v.a, v.b + v.c)),
    Shape("league", 2, "In a league of {a} teams each plays every other one {b} times in a season. How many matches are there in a season?", {"a": r(6, 18), "b": r(2, 4)}, lambda v: v.a * (v.a - 1) // 2 * v.b),
    Shape("lamps", 2, "Lamps stand every {a} m along one side of a straight road of {b} m, one at each end included. How many lamps are there?", {"a": r(15, 40, 5), "b": r(300, 1200, 60)}, lambda v: v.b // v.a + 1 if v.b % v.a == 0 else None),
    Shape("legs", 3, "On a farm there are only hens and goats. {n} counts {a} heads and {b} legs. How many goats are there?", {"a": r(15, 60), "b": r(50, 200, 2)}, lambda v: (v.b - 2 * v.a) // 2 if 2 * v.a < v.b < 4 * v.a else None),
    Shape("recipe", 2, "A soup for {a} people takes {b} g of lentils. How many grams does the same soup take for {c} people?", {"a": r(3, 8), "b": r(150, 900, 30), "c": r(9, 30)}, lambda v: whole(v.b * v.c, v.a)),
    Shape("next test", 3, "The average of {n}'s first {a} tests is {b} points. After one more test it is {c} points. How many points did that test give?", {"a": r(3, 6), "b": r(60, 84), "c": r(66, 88)}, lambda v: v.c * (v.a + 1) - v.a * v.b if v.b < v.c and v.c * (v.a + 1) - v.a * v.b <= 100 else None),
    Shape("leak", 2, "{a} litres a minute flow into an empty tank and {b} litres a minute leak out. After how many minutes does it hold {c} litres?", {"a": r(12, 40), "b": r(2, 11), "c": r(200, 900, 10)}, lambda v: whole(v.c, v.a - v.b)),
    Shape("rent", 2, "A studio costs ${a} a month, and a fee of ${b} is paid once. How many dollars does {n} pay for {c} months?", {"a": r(250, 600, 25), "b": r(100, 400, 50), "c": r(3, 18)}, lambda v: v.a * v.c + v.b),
    Shape("library", 3, "A library has {a} books in. On Monday it lends {b}, on Tuesday {c} come back, and on Wednesday it lends {d}. How many books are in then?", {"a": r(400, 900), "b": r(40, 120), "c": r(15, 80), "d": r(20, 90)}, lambda v: v.a - v.b + v.c - v.d),
    Shape("two prices", 3, "At one stall {a} kg of cherries cost ${b}, at another {c} kg cost ${d}. How many dollars more is a kilogram at the dearer stall?", {"a": r(2, 6), "b": r(8, 48, 2), "c": r(3, 8), "d": r(9, 60, 3)}, lambda v: abs(Fraction(v.b, v.a) - Fraction(v.d, v.c)) if not (2 * v.b % v.a or 2 * v.d % v.c) else None),
)
# fmt: on


def make_problem(shape: Shape, rng: random.Random) -> dict[str, str | int]:
    """Draw the numbers of a shape until it has a positive answer, and write it out."""
    while True:
        numbers = {key: rng.randrange(a, b + 1, s) for key, (a, b, s) in shape.ranges.items()}
        answer = shape.solve(Numbers(**numbers))
        if answer is not None and answer > 0:
            break
    n, m = rng.sample(NAMES, 2)
    text = shape.text
    if rng.random() < 0.4:
        aside = rng.choice(ASIDES).replace("{x}", str(rng.randrange(21, 90)))
        text = _insert(text, aside, last=rng.random() < 0.5)
    in_words = rng.random() < 0.2
    for key, number in numbers.items():
        in_digits = re.search(rf"[$:]{{{key}}}|{{{key}}}[%:t]", text)  # It touches a unit.
        small = in_words and number < len(WORDS) and not in_digits
        text = text.replace(f"{{{key}}}", WORDS[number] if small else str(number))
    text = text.format(n=n, m=m, t=rng.choice(THINGS))
    problem = text[0].upper() + text[1:]
    return {"problem": problem, "answer": _write(answer), "shape": shape.name, "steps": shape.steps}


def _insert(text: str, aside: str, *, last: bool) -> str:
    """Put a sentence that is beside the point in front of the text, or before its question."""
    if not last:
        return f"{aside} {text}"
    start, _, question = text.rpartition(". ")
    return f"{start}. {aside} {question}"


def _write(answer: Fraction | int) -> str:
    value = Fraction(answer)
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.2f}"


def generate() -> str:
    """Give the text of problems.jsonl: all different, shapes mixed."""
    rng = random.Random(SEED)
    rows: dict[object, dict[str, str | int]] = {}
    while len(rows) < N_PROBLEMS:
        row = make_problem(SHAPES[len(rows) % len(SHAPES)], rng)
        rows.setdefault(row["problem"], row)
    mixed = list(rows.values())
    rng.shuffle(mixed)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in mixed)


if __name__ == "__main__":
    Path(__file__).with_name("problems.jsonl").write_text(generate(), encoding="utf-8")
