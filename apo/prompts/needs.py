"""What a prompt asks of a model, and of the form of a file, beyond turns of text."""

from apo.prompts.prompt import Prompt

NEEDS = ("images", "history", "tools", "logprobs")


def needs_of(prompt: Prompt) -> dict[str, str]:
    """What a prompt needs, of a program any of its steps: each of `NEEDS` with what shows it."""
    found: dict[str, str] = {}
    for step in prompt.steps.values():
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
