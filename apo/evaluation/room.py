"""How long an answer may be, from what the task's targets and the prompt ask for.

Tokenizers differ: of English a token has 3 to 4 bytes, of Korean 1 to 2.5, of digits and rare signs
1; no text has more tokens than bytes. So a target has room where there is a token for each of its
bytes, whatever model answers (docs/decisions/0028-bounds.md).
"""

import re
from dataclasses import replace
from functools import lru_cache

from apo.programs.chain import Chain
from apo.prompts.prompt import Prompt
from apo.scorers.code import Code
from apo.scorers.function import FunctionScorer
from apo.scorers.judge import Judge
from apo.scorers.registry import (
    SCORERS,
    Bleu,
    ChrF,
    JsonFields,
    JsonSchema,
    MultipleChoice,
    Numeric,
    Reward,
    Rouge,
    SqlRows,
)
from apo.task import Task

SENTENCE, LAYOUT, RECKONING, OPEN = 128, 256, 512, 1024
"""Tokens beside the target: of a sentence around it, of JSON on many lines or another wording of a
text, of a way to a number or an option that nobody asked for, and of reasoning or a free text."""
_ROOM: dict[type[object], int] = {
    **dict.fromkeys((JsonFields, JsonSchema, SqlRows, Rouge, Bleu, ChrF), LAYOUT),
    **dict.fromkeys((Numeric, MultipleChoice), RECKONING),
    **dict.fromkeys((Code, Judge), OPEN),
}
_REASONS = re.compile(
    r"step[ -]by[ -]step|chain[ -]of[ -]thought|\breasoning\b|\bthink(ing)?\b|\bexplain|\bjustif|"
    r"\bwhy\b|show (your|the|all) (work|steps)|work (it|this|through|out)|\bsteps\b|"
    r"단계|생각|이유|근거|설명|풀이|추론",
    re.IGNORECASE,
)
_MARKED = re.compile(r"<(answer|final|result|답|정답)>|####|\\boxed", re.IGNORECASE)


@lru_cache(maxsize=256)
def asks_reasoning(text: str) -> bool:
    """Whether a prompt asks for more than the answer: for reasons, or for a mark before it."""
    return bool(_REASONS.search(text) or _MARKED.search(text))


def target_room(task: Task) -> int:
    """The most tokens of an answer that gives a target alone, and what its scorer lets expect."""
    return task.longest_target + _beside(task.scorer)


def answer_room(task: Task, prompt: Prompt) -> int:
    """The most tokens of an answer, thinking apart.

    Args:
        task: whose targets and scorer say what is answered.
        prompt: what asks; where its decoding states a limit, that one holds.
    """
    if prompt.decoding.max_tokens is not None:
        return prompt.decoding.max_tokens
    longest = max(
        (len(demo.assistant.encode("utf-8", "replace")) for demo in prompt.demos), default=0
    )
    room = _beside(task.scorer)
    if asks_reasoning(prompt.text()):
        room = max(room, OPEN)
    room = max(max(task.longest_target, longest) + room, task.answer_tokens)
    return room if task.program is None or isinstance(task.program, Chain) else max(room, OPEN)


def _beside(scorer: object) -> int:
    """Tokens that a scorer's answers take beside the target."""
    if isinstance(scorer, FunctionScorer):
        return _beside(scorer.function) if type(scorer.function) in SCORERS.values() else OPEN
    if isinstance(scorer, Reward):
        return max(_beside(part.scorer) for part in scorer.parts)
    if type(scorer) not in SCORERS.values():
        return OPEN
    return _ROOM.get(type(scorer), SENTENCE)


def with_max_answer(task: Task, limit: int | None) -> Task:
    """The task with a limit on the answers to its seed prompts, in tokens; None for no other."""
    seeds = tuple(prompt.with_max_tokens(limit) for prompt in task.seed_prompts)
    return task if limit is None else replace(task, seed_prompts=seeds)


def told_room(task: Task) -> str:
    """Say how long an answer to the seed prompt may be, and why."""
    prompt = task.seed_prompts[0]
    room = answer_room(task, prompt)
    if prompt.decoding.max_tokens is not None:
        return f"An answer may take {room:,} tokens, as is stated."
    asked = ", and the prompt asks for reasons or a mark" * asks_reasoning(prompt.text())
    if task.program is not None and not isinstance(task.program, Chain):
        return (
            f"An answer of each call may take {room:,} tokens, as a solver or a program may ask "
            "for more than the target. decoding: {max_tokens: N} in the task, or --max-answer, "
            "sets another."
        )
    return (
        f"An answer may take {room:,} tokens: the longest target has {task.longest_target:,} "
        f"bytes{asked}. decoding: {{max_tokens: N}} in the task, or --max-answer, sets another."
    )
