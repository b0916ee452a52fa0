"""The optimizer model, asked by meta-prompts and read by tags (`apo.reading.replies`)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from apo.calls.call import Call, Endpoint
from apo.calls.caller import Caller
from apo.errors import ModelError, NothingWritten
from apo.evaluation.measure import collect
from apo.model import Completion, Decoding, Message, Request
from apo.prompts.meta_prompts import MetaPrompt, unfence
from apo.reading.replies import Reply
from apo.reading.salvage import closed, read_written
from apo.reading.screen import screened
from apo.search.again import first, second
from apo.search.branches import branch
from apo.search.candidates import Candidates
from apo.search.outputs import naming
from apo.search.reply_room import reply_room


class _Ask(NamedTuple):
    """One ask: what is sent, where in the search, and how the reply was begun for the model."""

    meta: MetaPrompt
    place: str
    tag: str
    messages: tuple[Message, ...]

    @property
    def begun(self) -> str:
        return self.messages[-1].content if self.messages[-1].role == "assistant" else ""

    @property
    def stop(self) -> tuple[str, ...]:
        """What ends the reply: of one that was begun, the closing tag; small models run on."""
        return (f"</{self.tag}>",) if self.begun else ()


class Writer:
    """Samples replies of the optimizer model.

    Args:
        caller: makes the calls.
        endpoint: the optimizer model.
        candidates: where replies that cannot be parsed are recorded.
        outputs: the task's labels, where nothing but the instruction says them.
        language: BCP 47 code of the task.
        overrides: the user's own meta-prompts, by name.

    Attributes:
        small: whether the optimizer model is a small one, whose replies are begun for it.
    """

    def __init__(
        self,
        caller: Caller,
        endpoint: Endpoint,
        candidates: Candidates,
        *,
        outputs: Sequence[str] = (),
        language: str,
        overrides: Mapping[str, str],
    ) -> None:
        self._outputs = tuple(outputs)
        self._caller, self._endpoint, self._candidates = caller, endpoint, candidates
        self._language, self._overrides = language, overrides
        self._unreadable = ""
        self._continues = bool(getattr(endpoint.model, "continues", False))
        self.small = bool(getattr(endpoint.model, "begins", False))
        self._heeds = bool(getattr(endpoint.model, "heeds_remarks", True))

    async def generate(
        self, meta_prompts: Sequence[MetaPrompt], n: int, *, tag: str, temperature: float
    ) -> list[list[str]]:
        """Sample n replies to each meta-prompt, and parse them; see `Search.generate`."""
        self._candidates.check_writer(self._endpoint.model.name)
        place = branch.get().step()
        asked = [
            _Ask(meta, f"{place}:{i}:{j}", tag, first(meta.text, tag, begins=self.small))
            for i, meta in enumerate(meta_prompts)
            for j in range(n)
        ]
        found = await self._sample(asked, temperature)
        replies = [self._read(*pair) for pair in zip(asked, found, strict=True)]
        failed = [k for k, reply in enumerate(replies) if reply.reason]
        n_again = sum(bool(replies[k].fault) for k in failed)
        again = [self._again(asked[k], replies[k]) for k in failed]
        for k, ask, said in zip(failed, again, await self._sample(again, temperature), strict=True):
            replies[k] = self._read(ask, said)
            if replies[k].reason:
                self._candidates.refuse(
                    asked[k].place, _text(said), replies[k].reason, ask.meta.name, ask.meta.parents
                )
        names = ", ".join(sorted({meta.name for meta in meta_prompts}))
        answered = [reply for reply in replies if reply.text or reply.fault]
        self._candidates.count_replies(place, names, answered, n_again)
        self._candidates.asked.update(ask.meta.name for ask in (*asked, *again))
        rows = [replies[i * n : (i + 1) * n] for i in range(len(meta_prompts))]
        return [[reply.text for reply in row if reply.text] for row in rows]

    async def ask(self, request: Request) -> Completion:
        """Draw an answer to a request as it is; see `Search.ask`."""
        call = Call.to(
            self._endpoint, request, place=branch.get().step(), note=request.messages[-1].content
        )
        [found] = await collect(self._caller, [(call, None)], lambda said, _: said)
        if isinstance(found, ModelError):
            raise found
        return found

    @property
    def advice(self) -> str:
        """What to do about a model that writes nothing of use; "" where it does."""
        return self._unreadable or self._candidates.advice(self._endpoint.model.name)

    def unreadable(self, told: str) -> NothingWritten:
        """Make the end of a search, and keep what is said of it; see `Search.unreadable`."""
        self._unreadable = f"The search for instructions ended: {told}"
        return NothingWritten(self._unreadable)

    def _again(self, ask: _Ask, reply: Reply) -> _Ask:
        messages = second(
            ask.meta.text,
            reply.fault if self._heeds else "",
            ask.tag,
            language=self._language,
            overrides=self._overrides,
            continues=self._continues,
        )
        return _Ask(ask.meta, f"{ask.place}:again", ask.tag, messages)

    def _read(self, ask: _Ask, found: Completion | ModelError) -> Reply:
        """Read a reply; tags in the data, which the meta-prompt escapes, come back as they were."""
        if isinstance(found, ModelError):
            return Reply("", f"the provider refused the request ({type(found).__name__})")
        request, tag, text = ask.meta.text, ask.tag, found.text
        if ask.begun and not text.lstrip().startswith(ask.begun.strip()):
            text = ask.begun + text  # Some servers give back what they were given, others do not.
        if ask.begun and not found.truncated:
            text = closed(text, tag)  # Where the closing tag stood, the reply was ended.
        reply = read_written(text, tag, request=request, truncated=found.truncated)
        if reply.text and tag == "instruction":
            reply = naming(screened(reply, request), self._outputs, ask.meta.parents)
        return reply._replace(text=unfence(reply.text, request))

    async def _sample(
        self, asked: Sequence[_Ask], temperature: float
    ) -> list[Completion | ModelError]:
        max_chars = self._candidates.contract.max_chars
        calls = [
            Call.to(
                self._endpoint,
                Request(ask.messages, Decoding(temperature=temperature, stop=ask.stop)),
                place=ask.place,
                note=ask.messages[0].content,
                room=reply_room(ask.meta, max_chars, begun=bool(ask.begun)),
            )
            for ask in asked
        ]
        return await collect(self._caller, zip(calls, calls, strict=True), lambda found, _: found)


def _text(found: Completion | ModelError) -> str:
    return "" if isinstance(found, ModelError) else found.text
