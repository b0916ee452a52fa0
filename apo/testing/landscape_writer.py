"""The optimizer model of a synthetic landscape: it writes from what a meta-prompt shows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

from apo.model import Completion, Request
from apo.testing.landscape import Landscape
from apo.testing.landscape_words import (
    OPENERS,
    hinted,
    read_lines,
    slot_of,
    write_lines,
)
from apo.usage import Usage

MALFORMED = 0.03
"""How often a reply lacks its tags."""
SEVERAL = 5
"""How many instructions are written where several are asked for in one reply."""
CARE = 0.8
"""How often a thing that is shown is used."""
TRUST = 0.5
"""How often a hint is taken for the mend of a slot that fails."""
DRIFT = 0.3
"""How often something changes that nothing asked to change."""

_EXAMPLE = re.compile(
    r"<input>\n?(?P<input>.*?)\n?</input>\s*(?:<output>\n?(?P<output>.*?)\n?</output>)?"
    r"(?:\s*<answer>\n?(?P<answer>.*?)\n?</answer>)?",
    re.DOTALL,
)
_CANDIDATE = re.compile(
    r'<candidate(?:\s+score="(?P<score>[\d.]+)")?[^>\n]*>\n?(?P<text>.*?)\n?</candidate>',
    re.DOTALL,
)
_COMMENT = re.compile(r"<comment>(.*?)</comment>", re.DOTALL)
_ASKED = re.compile(r"<(\w+)>[^<]{1,40}</\1>")


@dataclass(frozen=True)
class Shown:
    """What a meta-prompt shows.

    Attributes:
        pairs: (input, right output) of its examples.
        failed: slots of the examples that were answered wrongly, one for each.
        candidates: (score, settings) of the instructions, the lowest score first.
        advice: the options that comments name.
        tag: the tag of the reply.
    """

    pairs: tuple[tuple[str, str], ...]
    failed: tuple[str, ...]
    candidates: tuple[tuple[float, Mapping[str, str]], ...]
    advice: Mapping[str, str]
    tag: str


def read_meta_prompt(text: str) -> Shown:
    """Read a meta-prompt by its tags."""
    examples = [m for m in _EXAMPLE.finditer(text) if m["input"].split()]
    candidates = [
        (float(m["score"] or 0), read_lines(m["text"])) for m in _CANDIDATE.finditer(text)
    ]
    asked: list[str] = _ASKED.findall(text)
    return Shown(
        pairs=tuple((m["input"], m["output"]) for m in examples if m["output"]),
        failed=tuple(
            slot_of(m["input"]) for m in examples if m["answer"] and m["answer"] != m["output"]
        ),
        candidates=tuple(sorted(candidates, key=lambda candidate: candidate[0])),
        advice=read_lines("\n".join(_COMMENT.findall(text))),
        tag=next((tag for tag in ("instructions", "instruction") if tag in asked), "")
        or (asked[-1] if asked else "instruction"),
    )


@dataclass
class LandscapeWriter:
    """Writes instructions: what examples hint at, changes where a candidate fails, mixtures.

    It knows no table: only what is shown to it, and chance.

    Attributes:
        landscape: the landscape, for the names of its slots and options.
        calls: how many replies it gave.
    """

    landscape: Landscape
    name: str = "landscape-writer"
    calls: int = 0
    heeds_remarks: ClassVar[bool] = False

    async def complete(self, request: Request) -> Completion:
        """Reply to a meta-prompt; a reply is drawn from the request and its seed."""
        self.calls += 1
        text = request.messages[-1].content
        rng = Random(f"{request.seed} {text}" if request.decoding.temperature else text)
        shown = read_meta_prompt(text)
        reply = self._reply(shown, rng)
        whole = f"<{shown.tag}>\n{reply}\n</{shown.tag}>"
        if rng.random() < MALFORMED:
            whole = reply
        return Completion(text=whole, usage=Usage(input_tokens=len(text) // 4, output_tokens=50))

    async def aclose(self) -> None:
        """Nothing to close."""

    def _reply(self, shown: Shown, rng: Random) -> str:
        if shown.tag == "choice":
            return rng.choice("AB")
        if shown.tag == "instruction":
            return f"{rng.choice(OPENERS)}\n{write_lines(self.settings(shown, rng))}".strip()
        if shown.tag == "instructions":
            one = replace(shown, tag="instruction")
            texts = [self._reply(one, rng) for _ in range(SEVERAL)]
            return "\n".join(f"<instruction>\n{text}\n</instruction>" for text in texts)
        advised = sorted(set(shown.failed)) or list(self.landscape.slots)
        picked = rng.sample(advised, min(2, len(advised)))
        current = [settings for _, settings in shown.candidates] or [dict[str, str]()]
        return write_lines({slot: self._other(slot, current[-1], shown, rng) for slot in picked})

    def settings(self, shown: Shown, rng: Random) -> dict[str, str]:
        """Decide what to set."""
        hints = hinted(shown.pairs)
        if not shown.candidates:
            return {slot: option for slot, option in hints.items() if rng.random() < CARE}
        settings = self._mixed(shown, rng)
        for slot, option in shown.advice.items():
            if rng.random() < CARE:
                settings[slot] = option
        if shown.failed and not shown.advice:
            for slot in {rng.choice(shown.failed) for _ in range(rng.choice((1, 2)))}:
                settings[slot] = self._other(slot, settings, shown, rng)
        elif hints and not shown.failed:
            slot = rng.choice(sorted(hints))
            settings[slot] = hints[slot]
        if rng.random() < DRIFT:
            slot = rng.choice(self.landscape.slots)
            settings[slot] = rng.choice(self.landscape.options)
        return settings

    def _mixed(self, shown: Shown, rng: Random) -> dict[str, str]:
        """Mostly the best candidate, each slot now and then from another one."""
        texts = [settings for _, settings in shown.candidates]
        base = texts[-1] if rng.random() < CARE else rng.choice(texts)
        return {
            slot: (rng.choice(texts) if rng.random() < DRIFT else base).get(slot, "")
            for slot in self.landscape.slots
        }

    def _other(self, slot: str, current: Mapping[str, str], shown: Shown, rng: Random) -> str:
        """Another option for a slot than the current one: a hinted one, or any."""
        hint = hinted(shown.pairs).get(slot, "")
        if hint and hint != current.get(slot) and rng.random() < TRUST:
            return hint
        options = self.landscape.options[1 : 1 + self.landscape.n_options]
        return rng.choice([o for o in options if o != current.get(slot)] or list(options))
