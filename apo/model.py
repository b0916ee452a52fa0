"""What a model is to apo: something that completes a chat, one attempt at a time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

from apo.body import Extra
from apo.errors import PromptError, near
from apo.usage import Usage

Role = Literal["system", "user", "assistant"]


class Message(NamedTuple):
    """One turn of a chat. Like all that each call is made of, a tuple: they are many.

    Attributes:
        role: who speaks.
        content: the text.
        images: shown after the text; each a URL, or an `apo.media.Image`.
    """

    role: Role
    content: str
    images: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show images where there are some: what follows from the text stays as it was."""
        shown = f", images={self.images!r}" if self.images else ""
        return f"Message(role={self.role!r}, content={self.content!r}{shown})"


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How tokens are drawn; None leaves the choice to the provider and is not sent.

    Attributes:
        temperature: 0 (the likeliest answer) to 2. Models that refuse the option need None.
        top_p: probability mass to draw from, in (0, 1]. Change this or the temperature, not both.
        frequency_penalty: -2 to 2, against repeating a token often.
        presence_penalty: -2 to 2, against repeating a token at all.
        max_tokens: the longest answer, in tokens.
        stop: texts that end the answer.
        extra: further fields of the request's body, such as reasoning_effort or top_k, sent as
            they are.
    """

    temperature: float | None = 0.0
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    extra: Mapping[str, Any] = Extra()

    def __post_init__(self) -> None:
        ranges = {
            "temperature": (0, 2),
            "top_p": (0, 1),
            "frequency_penalty": (-2, 2),
            "presence_penalty": (-2, 2),
            "max_tokens": (1, float("inf")),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if value is None:
                continue
            whole = name == "max_tokens"
            # type(), as True is an int; and a comparison with NaN is false.
            if type(value) not in ((int,) if whole else (int, float)) or not low <= value <= high:
                kind = "a whole number" if whole else "a number"
                raise PromptError(
                    f"decoding.{name} is {value!r}; it must be {kind} in [{low}, {high}]."
                )
            if not whole:  # 0 and 0.0 are one prompt, and must have one id.
                object.__setattr__(self, name, float(value))
        if type(self.stop) is not tuple or not all(type(text) is str for text in self.stop):
            raise PromptError(f"decoding.stop is {self.stop!r}; it must hold texts: [text, …].")
        if not isinstance(self.extra, Extra):
            object.__setattr__(self, "extra", Extra.of(self.extra))

    def with_extra(self, values: Mapping[str, Any]) -> "Decoding":
        """Add further fields of the body; they win over those that there are.

        Raises:
            PromptError: one cannot be sent beside apo's own.
        """
        return replace(self, extra={**self.extra, **values}) if values else self

    def to_dict(self) -> dict[str, Any]:
        """Give the options that are set, as JSON values (an unset temperature is kept as null)."""
        return dict(self._set)

    @cached_property
    def _set(self) -> dict[str, Any]:
        # Once an object: every call of a prompt asks for it.
        set_ = {k: v for k, v in asdict(self).items() if v not in (None, (), {})}
        if self.extra:
            set_["extra"] = dict(self.extra)
        return {"temperature": self.temperature, **set_}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Decoding":
        """Read what `to_dict` gives.

        Raises:
            PromptError: an unknown option, or a value outside its range.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise PromptError(f"decoding has no option {name!r}.{near(str(name), known)}")
        stop: Any = values.get("stop") or ()
        if hasattr(stop, "__iter__") and not isinstance(stop, str):  # JSON has no tuples.
            stop = tuple(stop)
        extra = values.get("extra")
        options: dict[str, Any] = {**values, "stop": stop, "extra": {} if extra is None else extra}
        return cls(**options)


class Request(NamedTuple):
    """One call: what is asked, how tokens are drawn, and the seed of the draw.

    Attributes:
        messages: the chat.
        decoding: how tokens are drawn.
        seed: of the draw.
        continuation: when there is one, nothing is to be written: the model is asked how likely
            this text is as the answer.
    """

    messages: tuple[Message, ...]
    decoding: Decoding = Decoding()
    seed: int = 0
    continuation: str = ""


def calls_tools(request: Request) -> bool:
    """Whether a request declares tools: a call of one is an answer then."""
    return bool(request.decoding.extra.get("tools"))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a provider's rate limit, as the headers of an answer say.

    Attributes:
        unit: what is limited.
        limit: the most that there is.
        remaining: what was left after the request.
        reset: seconds until all of it is there again.
    """

    unit: Literal["requests", "tokens"]
    limit: float
    remaining: float
    reset: float


class Completion(NamedTuple):
    """What a model returned.

    Attributes:
        text: the answer; may be empty.
        usage: the tokens it took.
        truncated: the answer was cut by max_tokens or the model's own limit, or never begun, as
            the thinking before it has no end.
        logprobs: for a request with a continuation, the log-probability of each of its tokens,
            in nats; the text is empty then. Else those of the answer's, where the request asked
            for them and the server gave them.
        allowances: what is left of the provider's rate limits, where it says.
        thinking: what the model thought before the answer, where that is known; never judged.
        model: the server's own name for what answered; "" where it does not say.
        fingerprint: of the weights, software and settings that answered, as the server states it.
        usd: US dollars that the call cost, as the server states it; 0 where it does not.
    """

    text: str
    usage: Usage = Usage()
    truncated: bool = False
    logprobs: tuple[float, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    thinking: str = ""
    model: str = ""
    fingerprint: str = ""
    usd: float = 0.0

    @property
    def served(self) -> str:
        """What answered, as the server says: its name and, in brackets, its fingerprint."""
        return f"{self.model} [{self.fingerprint}]" if self.fingerprint else self.model


class Model(Protocol):
    """Anything that completes a chat. One call of `complete` is one attempt: retries, limits,
    budget and journal are the framework's. Adapters raise the subclasses of `ModelError`; they
    need not tell thinking from the answer, which is done where a completion enters.
    """

    @property
    def name(self) -> str:
        """The model's full name, such as "openai/gpt-5-mini"; part of a call's identity."""
        ...

    async def complete(self, request: Request) -> Completion:
        """Answer the request; the same request should give the same answer.

        Raises:
            LikelihoodError: the request has a continuation, and the model cannot score one.
            ModelError: the attempt failed; the subclass says whether a retry can help.
        """
        ...

    async def aclose(self) -> None:
        """Close connections. Called once, after the last call."""
        ...
