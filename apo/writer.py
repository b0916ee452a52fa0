"""The optimizer model, asked by meta-prompts and read by tags."""

from collections.abc import Sequence

from apo.branches import branch
from apo.caller import Caller
from apo.calls import Call, Endpoint
from apo.candidates import Candidates
from apo.errors import ModelError
from apo.measure import collect
from apo.meta_prompts import MetaPrompt, tagged
from apo.model import Completion, Decoding, Message, Request


class Writer:
    """Samples replies of the optimizer model.

    Args:
        caller: makes the calls.
        endpoint: the optimizer model.
        candidates: where replies that cannot be parsed are recorded.
    """

    def __init__(self, caller: Caller, endpoint: Endpoint, candidates: Candidates) -> None:
        self._caller, self._endpoint, self._candidates = caller, endpoint, candidates

    async def generate(
        self, meta_prompts: Sequence[MetaPrompt], n: int, *, tag: str, temperature: float
    ) -> list[list[str]]:
        """Sample n replies to each meta-prompt, and parse them; see `Search.generate`."""
        place = branch.get().step()
        asked = [
            (meta, f"{place}:{i}:{j}") for i, meta in enumerate(meta_prompts) for j in range(n)
        ]
        texts = await self._sample(asked, temperature)
        parsed = [tagged(text, tag) for text in texts]
        failed = [k for k, found in enumerate(parsed) if found is None]
        if failed:
            again = [(asked[k][0], f"{asked[k][1]}:again") for k in failed]
            for k, text in zip(failed, await self._sample(again, temperature), strict=True):
                parsed[k] = tagged(text, tag)
                if parsed[k] is None:
                    meta, where = asked[k]
                    reason = f"the reply has no <{tag}> tags"
                    self._candidates.refuse(where, text, reason, meta.name, meta.parents)
        rows = [parsed[i * n : (i + 1) * n] for i in range(len(meta_prompts))]
        return [[found for found in row if found is not None] for row in rows]

    async def _sample(
        self, asked: Sequence[tuple[MetaPrompt, str]], temperature: float
    ) -> list[str]:
        decoding = Decoding(temperature=temperature)
        calls = [
            Call.to(
                self._endpoint,
                Request(messages=(Message("user", meta.text),), decoding=decoding),
                place=place,
                note=meta.text,
            )
            for meta, place in asked
        ]

        def text(found: Completion | ModelError, _: Call) -> str:
            # A refusal counts as a reply that cannot be parsed.
            return "" if isinstance(found, ModelError) else found.text

        return await collect(self._caller, zip(calls, calls, strict=True), text)
