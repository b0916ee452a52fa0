"""What a prompt asks of a model, and of the form of a file, beyond turns of text."""

from collections.abc import Container

from apo.prompts.beside import Beside
from apo.prompts.prompt import Prompt

NEEDS = ("images", "history", "tools", "logprobs")


def needs_of(prompt: Prompt, elsewhere: Container[str] = ()) -> dict[str, str]:
    """What a prompt needs, of a program any of its steps: each of `NEEDS` with what shows it.

    Args:
        prompt: the prompt.
        elsewhere: names of steps that are left out, as another model answers them.
    """
    found: dict[str, str] = {}
    for step in (step for name, step in prompt.steps.items() if name not in elsewhere):
        extra = step.decoding.extra
        if step.images:
            found["images"] = ", ".join(f"{{{{{name}}}}}" for name in step.images)
        if step.history:
            found["history"] = f"{{{{{step.history}}}}}"
        if extra.get("tools"):
            found["tools"] = ", ".join(tool["function"]["name"] for tool in extra["tools"])
        if extra.get("logprobs"):
            found["logprobs"] = "decoding.extra"
    return found


def beside_of(prompt: Prompt) -> Beside:
    """The input fields that a prompt, of a program any of its steps, shows beside its text."""
    steps = [*prompt.steps.values()]
    images = dict.fromkeys(name for step in steps for name in step.images)
    return Beside(tuple(images), next((step.history for step in steps if step.history), ""))


def as_task_asks(prompt: Prompt, seed: Prompt) -> Prompt:
    """A prompt that was read, with what belongs to its task: tools, and the form of answers.

    Args:
        prompt: as it was read; what it says itself stays.
        seed: the task's.
    """
    *_, last = prompt.steps
    *_, asks = seed.steps
    has, wanted = prompt.steps[last].decoding.extra, seed.steps[asks].decoding.extra
    missing = {k: wanted[k] for k in ("tools", "response_format") if k in wanted and k not in has}
    return prompt.with_steps({last: prompt.steps[last].with_extra(missing)}) if missing else prompt
