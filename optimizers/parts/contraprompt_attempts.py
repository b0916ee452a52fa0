"""ContraPrompt's attempts: an input is answered again with a word of what was wrong, and pairs of
a worse and a better answer are taken from that.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from apo import Example, Prompt, PromptError, Rollout, Search

LOW = 0.3
"""Score below which a model is only told to think again (§4.1)."""
LEAST_GAIN = 0.02
"""Gain from which two answers are a pair (§4.2)."""
WORDS: Mapping[str, tuple[str, str]] = {
    "again": ("Think more carefully.", "더 신중하게 생각하세요."),
    "form": (
        "A first answer did not have the form that is asked for.",
        "첫 번째 답은 요구된 형식이 아니었습니다.",
    ),
    "part": ("A first answer was only right in part.", "첫 번째 답은 일부만 맞았습니다."),
}
"""What a model is told before it tries again, in English and in Korean; never what is right."""
Attempts = dict[Example, list[Rollout]]
Pair = tuple[Rollout, Rollout]
"""A worse and a better answer to one input."""


def value(rollout: Rollout) -> float:
    """The score of an answer that has one."""
    return rollout.score.value if rollout.score else 0.0


def word(rollout: Rollout) -> str:
    """What is said of an answer that is not right: its kind of error, or nothing of it (§4.1)."""
    if value(rollout) < LOW:
        return "again"
    return "form" if rollout.outcome == "malformed" else "part"


async def attempt(
    search: Search, prompt: Prompt, examples: Sequence[Example], n: int, temperature: float
) -> Attempts:
    """Let the task model answer each example up to n times, until it is right (§4.1)."""
    draw = partial(search.sample, temperature=temperature)
    found = (await draw(prompt, examples)).answered
    attempts: Attempts = {rollout.example: [rollout] for rollout in found}
    korean = search.task.language.split("-")[0] == "ko"

    async def retry(asked: tuple[str, list[Example]]) -> Sequence[Rollout]:
        told = prompt.with_instruction(f"{prompt.instruction}\n\n{WORDS[asked[0]][korean]}")
        try:
            return (await draw(told, asked[1])).answered
        except PromptError:  # The task's own rules have no room for one more line.
            return ()

    for _ in range(n - 1):
        open_now: dict[str, list[Example]] = {}
        for example, (*_, last) in attempts.items():
            if last.outcome != "right":
                open_now.setdefault(word(last), []).append(example)
        for rollouts in await search.map(retry, open_now.items()):
            for rollout in rollouts:
                attempts[rollout.example].append(rollout)
    return attempts


def contrasts(attempts: Attempts) -> list[Pair]:
    """The worst and the best answer of each example where they lie apart, the widest first."""
    pairs = [(min(found, key=value), max(found, key=value)) for found in attempts.values()]
    apart = [pair for pair in pairs if value(pair[1]) - value(pair[0]) >= LEAST_GAIN]
    return sorted(apart, key=lambda pair: value(pair[1]) - value(pair[0]), reverse=True)


def hopeless(attempts: Attempts) -> list[list[Rollout]]:
    """The last answers of examples that no attempt gained on, by their kind of error (§4.4)."""
    groups: dict[str, list[Rollout]] = {}
    for found in attempts.values():
        last = found[-1]
        if last.outcome != "right" and not contrasts({last.example: found}):
            groups.setdefault(last.outcome, []).append(last)
    return list(groups.values())
