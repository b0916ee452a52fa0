"""The optimizer model, asked by meta-prompts and read by tags (`apo.replies`)."""

from collections.abc import Sequence

from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.errors import ModelError
from apo.evaluation.measure import collect
from apo.model import Completion, Decoding, Message, Request
from apo.prompts.meta_prompts import MetaPrompt, unfence
from apo.reading.replies import Reply, read_reply
from apo.search.branches import branch
from apo.search.candidates import Candidates
from apo.search.reply_room import reply_room


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
        found = await self._sample(asked, temperature)
        replies = [self._read(*pair, tag) for pair in zip(asked, found, strict=True)]
        failed = [k for k, reply in enumerate(replies) if reply.reason]
        if failed:
            again = [(asked[k][0], f"{asked[k][1]}:again") for k in failed]
            for k, second in zip(failed, await self._sample(again, temperature), strict=True):
                replies[k] = self._read(asked[k], second, tag)
                if replies[k].reason:
                    (meta, where), said = asked[k], _text(second)
                    self._candidates.refuse(where, said, replies[k].reason, meta.name, meta.parents)
        rows = [replies[i * n : (i + 1) * n] for i in range(len(meta_prompts))]
        return [[reply.text for reply in row if reply.text] for row in rows]

    def _read(
        self, asked: tuple[MetaPrompt, str], found: Completion | ModelError, tag: str
    ) -> Reply:
        """Read a reply; tags in the data, which the meta-prompt escapes, come back as they were."""
        if isinstance(found, ModelError):
            return Reply("", f"the provider refused the request ({type(found).__name__})")
        request = asked[0].text
        reply = read_reply(found.text, tag, request=request, truncated=found.truncated)
        return reply._replace(text=unfence(reply.text, request))

    async def _sample(
        self, asked: Sequence[tuple[MetaPrompt, str]], temperature: float
    ) -> list[Completion | ModelError]:
        decoding, max_chars = Decoding(temperature=temperature), self._candidates.contract.max_chars
        calls = [
            Call.to(
                self._endpoint,
                Request(messages=(Message("user", meta.text),), decoding=decoding),
                place=place,
                note=meta.text,
                room=reply_room(meta, max_chars),
            )
            for meta, place in asked
        ]
        return await collect(self._caller, zip(calls, calls, strict=True), lambda found, _: found)


def _text(found: Completion | ModelError) -> str:
    return "" if isinstance(found, ModelError) else found.text
