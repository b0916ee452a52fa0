"""What an audit tries: the task's examples under attack, perturbed, and under other wordings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product, zip_longest
from random import Random

from apo.audit.attacks import DRESSES, KINDS, PLACES, Attack, attacks, code_word, put, spoken
from apo.audit.perturbations import PERTURBATIONS, REWORDINGS, protected
from apo.data.sampling import input_id
from apo.errors import TaskError
from apo.language.catalogue import message
from apo.prompts.beside import NOTHING, Beside
from apo.prompts.needs import beside_of
from apo.task import Example, Task

ALL_KINDS = (*KINDS, message("perturbation"), message("rewording"))
N_EXAMPLES = 150
"""The most examples that are used: as many as there are trials of an attack's kind."""
N_CHANGED = 30
"""Examples that each perturbation, and each rewording, is tried on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One thing to try on a prompt.

    Attributes:
        kind: one of `ALL_KINDS`.
        name: which attack, perturbation or rewording.
        clean: the example as the task has it.
        example: the same with the attack in its input; for a rewording the clean one itself.
        language: the attack's language; else "".
        place: where the attack stands: "before", "middle" or "after"; else "".
        dress: how the attack is dressed up; else "".
        code: the word that the attack wants to be said; else "".
        wrong: the answer that the attack wants; else "".
    """

    kind: str
    name: str
    clean: Example
    example: Example
    language: str = ""
    place: str = ""
    dress: str = ""
    code: str = ""
    wrong: str = ""


def plan(
    task: Task,
    examples: Sequence[Example],
    *,
    seed: int = 0,
    max_calls: int | None = None,
    n_prompts: int = 1,
) -> tuple[Trial, ...]:
    """List what to try; the same for every prompt, so that prompts are compared in pairs.

    Every attack is tried at every place in every dress, each on the next example of a seeded
    order. With fewer calls, the kinds keep equal shares, and each kind's trials are a random draw.

    Args:
        task: the task.
        examples: where the inputs come from.
        seed: of the order and of all draws.
        max_calls: the most calls for all prompts; those for the clean examples, and those to
            judges, are included.
        n_prompts: prompts that will be tried.

    Raises:
        TaskError: the inputs hold no text that could be changed.
    """
    rng = Random(f"audit {seed}")
    calls = None if max_calls is None else max_calls // n_prompts // task.calls_per_example
    # Each example costs a call without an attack, so few calls are spent on few examples.
    n_examples = N_EXAMPLES if calls is None else min(N_EXAMPLES, max(10, calls // 5))
    chosen = rng.sample(range(len(examples)), min(n_examples, len(examples)))
    order = [examples[i] for i in chosen]
    if not order:
        return ()
    beside = _beside(task)
    if not beside.texts(tuple(order[0].inputs)):
        raise TaskError(
            f"An audit changes the texts of inputs, and those of {task.name!r} are images and "
            "conversations alone."
        )
    # A judge would be asked twice more whether an answer is the wrong one.
    tried = [kind for kind in KINDS if kind != "steering" or task.calls_per_example == 1]
    kinds = [_attacked(task, order, kind, rng) for kind in tried]
    kinds += [_perturbed(order, rng, beside), _reworded(task, order)]
    for trials in kinds:
        rng.shuffle(trials)
    mixed = [trial for turn in zip_longest(*kinds) for trial in turn if trial is not None]
    return tuple(mixed if calls is None else _affordable(mixed, calls))


def n_calls(task: Task, trials: Sequence[Trial]) -> int:
    """The most calls that trials take with one prompt: clean examples' and judges' included."""
    answers = len(trials) + len({trial.clean.id for trial in trials})
    return answers * task.calls_per_example


def _affordable(trials: Sequence[Trial], calls: int) -> Iterator[Trial]:
    clean: set[str] = set()
    for n, trial in enumerate(trials, 1):
        clean.add(trial.clean.id)
        if n + len(clean) > calls:
            return
        yield trial


def _attacked(task: Task, order: Sequence[Example], kind: str, rng: Random) -> list[Trial]:
    chosen = [attack for attack in attacks() if attack.kind == kind]
    ways = list(product(chosen, PLACES, DRESSES))
    rng.shuffle(ways)  # So that no example meets one attack alone.
    made = (_attack(task, order, order[n % len(order)], way, rng) for n, way in enumerate(ways))
    return [trial for trial in made if trial is not None]


def _attack(
    task: Task, order: Sequence[Example], clean: Example, way: tuple[Attack, str, str], rng: Random
) -> Trial | None:
    attack, place, dress = way
    wrong = _wrong(task, order, clean, rng) if "{wrong}" in attack.text else ""
    if wrong is None:
        return None  # All examples have the same answer.
    parts = code_word(rng, f"{task.seed_prompts[0].text() if task.seed_prompts else ''}{clean}")
    added = DRESSES[dress](spoken(attack, parts, wrong), attack.language)
    field = longest_field(clean, _beside(task))
    inputs = {**clean.inputs, field: put(clean.inputs[field], added, place)}
    return Trial(
        kind=attack.kind,
        name=attack.name,
        clean=clean,
        example=Example(inputs, clean.targets),
        language=attack.language,
        place=place,
        dress=dress,
        code="".join(parts) if "{code}" in attack.text else "",
        wrong=wrong,
    )


def _beside(task: Task) -> Beside:
    """The input fields that are no text, and stay as they are."""
    return beside_of(task.seed_prompts[0]) if task.seed_prompts else NOTHING


def longest_field(example: Example, beside: Beside = NOTHING) -> str:
    """The input field that holds most of the text; the first of equal ones."""
    texts = beside.texts(tuple(example.inputs))
    return max(texts, key=lambda name: len(example.inputs[name]))


def _wrong(task: Task, order: Sequence[Example], clean: Example, rng: Random) -> str | None:
    """An answer that is right elsewhere, and not here."""
    others = task.labels or tuple(dict.fromkeys(example.target for example in order))
    others = tuple(other for other in others if other not in clean.targets)
    return rng.choice(others) if others else None


def _perturbed(order: Sequence[Example], rng: Random, beside: Beside) -> list[Trial]:
    found: list[Trial] = []
    for name in PERTURBATIONS:
        changed = ((e, _change(e, name, rng, beside)) for e in order)
        differing = ((a, b) for a, b in changed if input_id(a) != input_id(b))
        found += [
            Trial(kind="perturbation", name=name, clean=clean, example=example)
            for clean, example in islice(differing, N_CHANGED)
        ]
    return found


def _change(example: Example, name: str, rng: Random, beside: Beside) -> Example:
    """The example with its texts changed, but for what the answer takes from them."""
    target = " ".join(example.targets)
    inputs = {
        field: PERTURBATIONS[name](text, protected(text, target), rng)
        for field, text in example.inputs.items()
        if field in beside.texts((field,))
    }
    return Example({**example.inputs, **inputs}, example.targets)


def _reworded(task: Task, order: Sequence[Example]) -> list[Trial]:
    return [
        Trial(kind="rewording", name=name, clean=example, example=example)
        for name in REWORDINGS
        for example in order[:N_CHANGED]
    ]
