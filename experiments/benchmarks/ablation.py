"""Does `apo ablate` take out the useless sentences of a prompt, and keep the useful ones?

A hundred seeded prompts. Sentences that say nothing of the task ("Take all the time you need.") are
planted at drawn places among those that the model needs. A case is right when all planted ones are
out and all others are in; where two sentences say the same, one of the two.

Half of the prompts are answered by a simulated model: each row needs some of the sentences, and an
answer is drawn anew, by the whole wording of the prompt, on 0 to 4 % of the rows, so that useless
sentences change answers as well. The other half are prompts of small classifications for the
embedded model, a bag-of-words reader, in English and in Korean; which lines it needs is measured on
all rows, each left out by itself: lines whose loss is small are not taken, as 350 rows would not
show it.

    python experiments/benchmarks/ablation.py            # 100 cases, three minutes on two cores
    python experiments/benchmarks/ablation.py --cases 10
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apo import Example, Model, Prompt, Request, Score, Task, Usage
from apo.assessment.ablate import aablate
from apo.model import Completion
from apo.models.embedded.answer import answer
from apo.statistics import proportion_interval
from apo.testing.fakes import draw
from experiments.benchmarks.recording import record

USELESS: Sequence[str] = (
    "Take all the time you need.",
    "You are doing great work.",
    "Thank you for your help with this.",
    "This is important to our team.",
    "Quality matters to all of us.",
    "We have worked together for a long time.",
    "Please keep the mood friendly.",
    "Imagine a calm office on a Monday.",
    "Good things come to those who care.",
    "The weather is mild today.",
    "Our founders wrote this years ago.",
    "Stay focused, and breathe.",
    "천천히 생각해도 괜찮습니다.",
    "늘 도와주셔서 고맙습니다.",
    "오늘은 날씨가 참 좋네요.",
    "우리 팀에는 소중한 일입니다.",
)
WORDS = ("amber", "basil", "cobalt", "dune", "ember", "fjord", "grove", "harbor", "indigo", "jade")
ROWS, TEST = 350, 200
"""Rows to leave parts out on (train and validation), and rows of the test split."""
MATTERS = 0.08
"""Loss on all rows from which a line for the embedded model is useful; others are not taken."""
LABELS = (
    ("billing", "login", "delivery", "refund", "privacy", "hardware", "travel"),
    ("청구", "로그인", "배송", "환불", "보안", "장비", "출장"),
)
CUES = (
    ("invoice", "password", "parcel", "money", "camera", "laptop", "ticket", "charge", "locked",
     "courier", "return", "consent", "screen", "hotel", "receipt", "account", "tracking", "cancel"),
    ("영수증", "비밀번호", "택배", "금액", "카메라", "노트북", "항공권", "요금", "잠금",
     "기사", "반품", "동의", "화면", "호텔", "명세서", "계정", "운송장", "취소"),
)  # fmt: skip
FILLERS = (
    ("river", "garden", "yellow", "spoon", "window", "music", "winter", "bread", "cloud", "paper"),
    ("강", "정원", "노랑", "숟가락", "창문", "음악", "겨울", "빵", "구름", "종이"),
)


@dataclass(frozen=True)
class Case:
    """A prompt whose useless sentences are known.

    Attributes:
        prompt: the whole prompt.
        useless: what is to go.
        either: sentences of which one is needed, and not both; empty for none.
    """

    kind: str
    task: Task
    model: Model | str
    prompt: Prompt
    useless: frozenset[str]
    either: frozenset[str] = frozenset()


@dataclass
class Needy:
    """A task model that answers a row where its prompt has all that the row needs.

    Attributes:
        needs: by row, the sentences that it needs; of a pair of equals any.
        noise: the share of rows that a wording has answered by chance.
    """

    needs: dict[str, tuple[frozenset[str], ...]]
    noise: float
    name: str = field(default="needy", init=False)

    async def complete(self, request: Request) -> Completion:
        """Answer the last turn with itself, or with "?"."""
        *before, last = [message.content for message in request.messages]
        said = "\n".join(before)
        right = all(any(one in said for one in some) for some in self.needs[last])
        if draw(f"{said} {last}") < self.noise:
            right = draw(f"by chance {said} {last}") < 0.5
        return Completion(text=last if right else "?", usage=Usage(9, 1))

    async def aclose(self) -> None:
        """Nothing to close."""


def same(output: str, example: Example) -> Score:
    """Score 1 for the target, word for word."""
    return Score(float(output == example.target))


def planted(sentences: Sequence[str], useless: Sequence[str], rng: Random) -> list[str]:
    """The sentences with the useless ones at drawn places."""
    found = [*sentences]
    for text in useless:
        found.insert(rng.randrange(len(found) + 1), text)
    return found


def simulated(seed: int) -> Case:
    """A prompt whose every useful sentence is needed by 10 to 40 % of the rows."""
    rng = Random(f"simulated {seed}")
    useful = [
        f"Mind the {word} rule in each answer." for word in rng.sample(WORDS, rng.randint(3, 8))
    ]
    useless = rng.sample(USELESS, rng.randint(2, 6))
    groups = [frozenset({text}) for text in useful]
    either = frozenset[str]()
    if seed % 5 == 0:  # Two sentences that say the same: either will do.
        either = frozenset({useful[0], useful[0].replace("Mind", "Keep to")})
        groups[0], useful = either, [*useful, *(either - {useful[0]})]
    shares = [rng.uniform(0.1, 0.4) for _ in groups]
    names = [f"row {i}" for i in range(ROWS + TEST)]
    needs = {
        name: tuple(g for g, share in zip(groups, shares, strict=True) if rng.random() < share)
        for name in names
    }
    rows = [Example({"input": name}, (name,)) for name in names]
    text = rng.choice((" ", "\n", "\n- ")).join(planted(useful, useless, rng))
    prompt, task = Prompt(text), _split(f"simulated-{seed}", rows)
    return Case(
        "simulated", task, Needy(needs, rng.uniform(0, 0.04)), prompt, frozenset(useless), either
    )


def embedded(seed: int) -> Case:
    """A classification for the embedded model: each label has words, and each line names some."""
    rng = Random(f"embedded {seed}")
    labels = rng.sample(LABELS[seed % 2], rng.randint(3, 6))
    words = rng.sample(CUES[seed % 2], 3 * len(labels))
    cues = {label: words[3 * i : 3 * i + 3] for i, label in enumerate(labels)}
    rows = list[Example]()
    while len(rows) < ROWS + TEST:
        label, other = rng.choice(labels), rng.choice(labels)
        said = [*rng.sample(FILLERS[seed % 2], 4), rng.choice(cues[label])]
        said += [rng.choice(cues[other])] * (rng.random() < 0.1)
        rng.shuffle(said)
        rows.append(Example({"input": f"{' '.join(said)} {len(rows)}"}, (label,)))
    lines = [f"- {label}: {', '.join(cues[label])}" for label in labels]
    form = ("Answer with the label only.", "라벨만 쓰세요.")[seed % 2]
    task = _split(f"embedded-{seed}", rows)
    useful = _mattering(task, [*lines, form])
    useless = rng.sample(USELESS, rng.randint(2, 6))
    prompt = Prompt("\n".join(planted(useful, useless, rng)))
    return Case("embedded", task, "embedded", prompt, frozenset(useless))


def _split(name: str, rows: Sequence[Example]) -> Task:
    third = ROWS * 2 // 3
    return Task(
        name=name,
        scorer=same,
        seed_prompts=(Prompt("Answer."),),
        train=rows[:third],
        validation=rows[third:ROWS],
        test=rows[ROWS:],
    )


def _mattering(task: Task, lines: list[str]) -> list[str]:
    """The lines without any whose loss, alone and on all rows, is small; measured, not supposed."""
    while True:
        whole = _right(task, lines)
        losses = [whole - _right(task, [x for x in lines if x != line]) for line in lines]
        if min(losses) >= MATTERS:
            return lines
        lines = [x for x, loss in zip(lines, losses, strict=True) if loss > min(losses)]


def _right(task: Task, lines: Sequence[str]) -> float:
    prompt, rows = Prompt("\n".join(lines)), [*task.train, *task.validation, *task.test]
    said = (answer(prompt.messages(row.inputs), 0.0, Random(0)) for row in rows)
    return sum(text == row.target for text, row in zip(said, rows, strict=True)) / len(rows)


def right(one: Case, gone: set[str]) -> tuple[int, int]:
    """How many planted sentences stayed, and how many useful ones went."""
    lost = len(gone - one.useless - one.either)
    lost += one.either != frozenset() and len(one.either & gone) != 1
    return len(one.useless - gone), lost


async def tried(one: Case) -> dict[str, Any]:
    """What an ablation makes of a case."""
    found, proof, spent = await aablate(one.task, one.prompt, model=one.model)
    gone = {part.text.removeprefix("- ") if one.kind == "simulated" else part.text
            for part in found.parts if found.findings[part] == "idle"}  # fmt: skip
    kept, lost = right(one, gone)
    return {
        "parts": len(found.parts),
        "useless": len(one.useless),
        "kept": kept,
        "lost": lost,
        "calls": spent.calls - 2 * TEST * (proof is not None),
        "each alone": ROWS * (1 + len(found.parts)),
        "proof": "" if proof is None else proof.decision,
    }


def one_of(number: int) -> dict[str, Any]:
    """Try the case of a number: the first half are simulated."""
    kind = simulated if number % 2 else embedded
    return {"kind": kind.__name__, **asyncio.run(tried(kind(number // 2)))}


def line(kind: str, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A line of the table."""
    good = sum(not one["kept"] and not one["lost"] for one in found)
    low, high = proportion_interval(good, len(found))
    return {
        "prompts": kind,
        "right": f"{good} of {len(found)} ({100 * low:.0f} to {100 * high:.0f} %)",
        "planted": sum(one["useless"] for one in found),
        "planted that stayed": sum(one["kept"] for one in found),
        "others": sum(one["parts"] - one["useless"] for one in found),
        "others that went": sum(one["lost"] for one in found),
        "calls": round(sum(one["calls"] for one in found) / len(found)),
        "each part alone": round(sum(one["each alone"] for one in found) / len(found)),
        "no worse on test": sum(one["proof"] == "no worse" for one in found),
    }


def main() -> None:
    """Try all cases, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=100)
    with Pool() as pool:
        found = pool.map(one_of, range(parser.parse_args().cases), chunksize=2)
    kinds = {
        kind: [one for one in found if one["kind"] == kind] for kind in ("simulated", "embedded")
    }
    rows = [line(kind, some) for kind, some in kinds.items() if some] + [line("all", found)]
    notes = [
        "right: all planted sentences are out and all others are in. calls: mean, without those of "
        f"the test split ({2 * TEST}); each part alone: what leaving out each part on all "
        f"{ROWS} rows takes. no worse on test: proven to lose less than 3 points. Against: 95 %.",
    ]
    record("ablation", "Planted useless sentences: what `apo ablate` takes out", rows, notes=notes)


if __name__ == "__main__":
    main()
