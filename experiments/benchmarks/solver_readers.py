"""Simulated readers for solvers: each has one weakness that a solver answers, or one that it meets.

A reader goes by the messages that it is sent, and by nothing else. Its docstring is what the table
says of it.
"""

import re

from apo import Example, Request
from apo.taskfile.load import load_task
from apo.testing.fakes import draw
from experiments.benchmarks.trials import ROWS, whole

Rows = tuple[Example, ...]
N = 2 * ROWS


def rows(*pairs: tuple[str, object]) -> Rows:
    """Inputs with their right answers."""
    return tuple(Example({"input": text}, (str(answer),)) for text, answer in pairs)


def question(request: Request) -> str:
    """The input of the example: the first line after its mark."""
    return whole(request).rpartition("Input: ")[2].partition("\n")[0]


def numbers(text: str) -> list[int]:
    """All whole numbers of a text."""
    return [int(found) for found in re.findall(r"\d+", text)]


# Sums of several steps, for chain of thought: each step is a sentence.
STEPS = rows(*((f"Start with {i}. Add {i % 7 + 2}. Add {i % 5 + 3}.", i + i % 7 + i % 5 + 5)
               for i in range(N)))  # fmt: skip
STEP = rows(*((f"Start with {i}. Add {i % 7 + 2}.", i + i % 7 + 2) for i in range(N)))


def hasty(request: Request) -> str:
    """It takes one step, and all of them only when told to think step by step."""
    given = numbers(question(request))
    if "step by step" in whole(request):
        return f"{' + '.join(map(str, given))} = <answer>{sum(given)}</answer>"
    return str(sum(given[:2]))


def cut_short(request: Request) -> str:
    """It takes all steps at once; told to think, it needs more tokens than the prompt allows."""
    given = numbers(question(request))
    if "step by step" not in whole(request):
        return str(sum(given))
    said = f"First there is {given[0]}, then more. <answer>{sum(given)}</answer>"
    return " ".join(said.split()[: request.decoding.max_tokens])


# Words to repeat, for self-consistency: what is drawn may go wrong. Chance takes more rows.
WORDS = rows(*((f"card {i} w{i}", f"w{i}") for i in range(N + ROWS)))


def _drawn(request: Request, chance: float, wrong: str) -> str:
    luck = draw(f"{request.seed} {request.messages}")
    warm = request.decoding.temperature
    return question(request).split()[-1] if not warm or luck < chance else wrong.format(luck)


def noisy(request: Request) -> str:
    """Drawn, it is right three times of five, and wrong in ever other ways."""
    return _drawn(request, 0.6, "x{}")


def steady(request: Request) -> str:
    """It says the same however often it is asked."""
    return _drawn(request, 1.0, "")


def misled(request: Request) -> str:
    """Drawn, it is right once in four times, and else wrong in always the same way."""
    return _drawn(request, 0.25, "x")


# Facts, for generated knowledge.
ASKED = rows(*((f"What is the capital of land {i}?", f"w{i}") for i in range(N)))
TOLD = rows(*((f"The capital of land {i} is w{i}. Which is it?", f"w{i}") for i in range(N)))


def _from_the_talk(request: Request, recalled: str) -> str:
    if "Do not answer yet" in whole(request):
        land = numbers(question(request))[0]
        return f"The capital of land {land} is {recalled}{land}."
    facts = re.findall(r"The capital of land \d+ is (\w+)", request.messages[-1].content)
    return facts[-1] if facts else "?"


def forgetful(request: Request) -> str:
    """It answers from what has been said alone, and recalls facts when asked for them."""
    return _from_the_talk(request, "w")


def inventive(request: Request) -> str:
    """What it recalls is wrong, and it believes it more than the input."""
    return _from_the_talk(request, "x")


# Two sums that make a product, for decomposition.
PARTS = rows(*((f"Multiply {i} + {i % 7 + 2} by {i % 5 + 3} + 4.", (i + i % 7 + 2) * (i % 5 + 7))
               for i in range(N)))  # fmt: skip
ONE_PART = rows(*((f"How much is {i} + {i % 7 + 2}?", i + i % 7 + 2) for i in range(N)))


def by_parts(request: Request) -> str:
    """It works out a part when asked for the parts, and the whole from parts that stand there."""
    given = numbers(question(request))
    sums = [sum(given[at : at + 2]) for at in range(0, len(given), 2)]
    if "smaller questions" in whole(request):
        return "\n".join(f"A part is {part}." for part in sums)
    found = re.findall(r"A part is (\d+)\.", request.messages[-1].content)
    product = int(found[0]) * int(found[1]) if len(found) == 2 else sums[0]
    return f"<answer>{product}</answer>" if "<answer>" in whole(request) else str(product)


def at_the_end(request: Request) -> str:
    """It takes what stands last for what is asked."""
    last = request.messages[-1].content.splitlines()[-1]
    if "smaller questions" in whole(request):
        return f"{last}\nWhat is 1 + 1?"
    return str(sum(numbers(last)))


# Prices that a handbook holds, for ReAct.
def price(room: int) -> int:
    """Of a night."""
    return 200 + 7 * room % 90


HANDBOOK = tuple(f"Room {i} costs {price(i)} a night." for i in range(N))
OLD_HANDBOOK = tuple(f"Room {i} costs {price(i) - 9} a night." for i in range(N))
NIGHTS = rows(*((f"What do {i % 7 + 2} nights in room {i} cost?", (i % 7 + 2) * price(i))
                for i in range(N)))  # fmt: skip
NIGHT = rows(*((f"Room {i} costs {price(i)} a night. What does one night cost?", price(i))
               for i in range(N)))  # fmt: skip


def _guest(request: Request, known: bool) -> str:
    """Look up a price, work out what nights cost, and say it: one action a turn."""
    text, talk = question(request), whole(request)
    if "one night" in text:
        final = str(numbers(text)[1])
        return f"Final: {final}" if "Final:" in talk else final
    nights, room = numbers(text)
    if "search[" not in talk:
        return str(nights * price(room) if known else 0)
    found = re.search(rf"- Room {room} costs (\d+)", talk)
    if not found:
        return f"Action: search[room {room}]"
    worked = re.search(r"Observation: (\d+)", talk)
    return f"Final: {worked[1]}" if worked else f"Action: calculate[{nights} * {found[1]}]"


def stranger(request: Request) -> str:
    """It knows no price and cannot multiply, and uses the tools that it is told of."""
    return _guest(request, known=False)


def trusting(request: Request) -> str:
    """It knows the prices and can multiply, and believes the documents, which are last year's."""
    return _guest(request, known=True)


# Letters to count and reviews to judge, for programs.
REVIEWS = load_task("short-reviews")
_TEXT = " ".join(example.inputs["review"] for example in REVIEWS.train).lower()
_LONG = sorted({*re.findall(r"\b[a-z]{6,}\b", _TEXT)})
LETTERS = rows(*((f"Count e in {word}", word.count("e")) for word in _LONG[:N]))
VERDICTS = rows(*((e.inputs["review"], e.target) for e in [*REVIEWS.train, *REVIEWS.test][:N]))
_RIGHT = {example.inputs["input"]: example.target for example in VERDICTS}
GOOD = ("love", "great", "good", "best", "adore", "recommend", "perfect", "lovely")


def _program(result: str) -> str:
    return f"```python\ndef solution():\n    return {result}\n```"


def no_counter(request: Request) -> str:
    """It cannot count and says two, and writes code when asked."""
    asks, word = "solution()" in whole(request), question(request).split()[-1]
    return _program(f"{word!r}.count('e')") if asks else "2"


def repeater(request: Request) -> str:
    """It can do what is asked, in words and in code."""
    asks, word = "solution()" in whole(request), question(request).split()[-1]
    return _program(repr(word)) if asks else word


def judge(request: Request) -> str:
    """It feels how a review is meant, and in code it can but look for words."""
    text = question(request)
    found = f"any(word in {text.lower()!r} for word in {GOOD!r})"
    asks = "solution()" in whole(request)
    return _program(f"'positive' if {found} else 'negative'") if asks else _RIGHT[text]
