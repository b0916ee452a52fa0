"""MIPROv2's summary of the training data, which grounds its proposals (§3.1)."""

from typing import Any

from apo import Search

MAX_REQUESTS = 10
MAX_COMPLETE = 5


async def summarize(search: Search, module: str, size: int, temperature: float) -> str:
    """Describe the training data part by part, and sum that up.

    Args:
        search: the search that pays.
        module: file of the optimizer, beside which the meta-prompts lie.
        size: examples of a part.
        temperature: of the optimizer model.

    Returns:
        The summary, or all that was said when it cannot be summed up; "" if nothing was said.
    """

    async def ask(tag: str, name: str, **values: Any) -> str:
        """One reply to one meta-prompt; "" when it cannot be read."""
        meta = search.meta_prompt(module, name, **values)
        [texts] = await search.generate([meta], tag=tag, temperature=temperature)
        return texts[0] if texts else ""

    said, complete, train = list[str](), 0, search.task.train
    for start in range(0, len(train), size)[:MAX_REQUESTS]:
        part, before = train[start : start + size], "\n".join(said)
        new = await ask("observations", "miprov2_observe", observations=before, examples=part)
        if new.upper().startswith("COMPLETE"):
            complete += 1
            if complete == MAX_COMPLETE:
                break
        elif new:
            said.append(new)
    whole = "\n".join(said)
    return whole and (await ask("summary", "miprov2_summarize", observations=whole) or whole)
