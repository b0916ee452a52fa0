"""What a person says of proposals: asked once, kept in the journal, told to whoever writes next."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from apo.guards.contract import plain
from apo.prompts.meta_prompts import render
from apo.prompts.prompt import Prompt
from apo.storage.journal import Journal

EDITED = "edited by a person"
"""The operator of a proposal that a person has changed."""
VETOED = "vetoed by a person"
"""Why a proposal was refused that a person has vetoed; its reason follows."""
MOST_TOLD, MOST_CHARS = 8, 600
"""Reasons that a writer is told, the last ones, and characters of the proposals they are about."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a person is asked about.

    Attributes:
        prompt: what was proposed.
        operator: the step of the optimizer that proposed it.
        parent: the prompt that it was made from, or the seed prompt.
        round: number of the round, from 1: what is proposed before anything is asked or measured.
        number: which proposal of the round it is, from 1.
        refusal: says why a prompt could be no candidate; "" where it could.
    """

    prompt: Prompt
    operator: str
    parent: Prompt
    round: int
    number: int
    refusal: Callable[[Prompt], str]


@dataclass(frozen=True, kw_only=True)
class Review:
    """What a person says of a proposal.

    Attributes:
        answer: "accept" lets it be measured, "edit" has another instruction measured in its place,
            "veto" refuses it, and whatever else has its instruction, for this run.
        reason: why; whoever writes prompts is told the reasons of edits and vetoes.
        instruction: the other one; its prompt must be allowed by `Proposal.refusal`.
    """

    answer: Literal["accept", "edit", "veto"]
    reason: str = ""
    instruction: str = ""


Reviewer = Callable[[Proposal], Review]
"""Asks a person. It blocks: the search waits for the answer."""


class Reviews:
    """The reviews of a run.

    Ask where no calls are under way, as optimizers do who propose between their measurements: they
    would have to wait.

    Args:
        journal: where answers are kept, and found again.
        reviewer: asks a person; None asks nobody, and what was vetoed before stays so.
        leave_out: is told the seconds that an answer took, which are no running time.
    """

    def __init__(
        self,
        journal: Journal,
        reviewer: Reviewer | None = None,
        leave_out: Callable[[float], object] = float,
    ) -> None:
        self._journal, self._reviewer, self._leave_out = journal, reviewer, leave_out
        self._known = {
            event.key: Review(
                answer=event.body["answer"],
                reason=event.body["reason"],
                instruction=event.body["instruction"],
            )
            for event in journal.events()
            if event.kind == "review"
        }
        self._vetoed: dict[str, str] = {}
        self._said: list[dict[str, str]] = []
        self._round, self._number = 1, 0

    def close(self) -> None:
        """Ask about nothing more: what follows is no search."""
        self._reviewer = None

    def next_round(self) -> None:
        """A model is asked, or something measured: what is proposed next is another round."""
        self._round, self._number = self._round + bool(self._number), 0

    def about(
        self,
        prompt: Prompt,
        operator: str,
        parent: Prompt,
        refusal: Callable[[Prompt], str],
        *,
        words_stand: bool,
    ) -> Review:
        """What a person says of a proposal; acceptance where nobody is asked.

        Args:
            prompt: what was proposed, and the other attributes of a `Proposal`.
            operator: see there.
            parent: see there.
            refusal: see there.
            words_stand: whether a candidate has its instruction, which a veto then leaves alone.

        Raises:
            Interrupted: the person ended the run instead.
        """
        self._number += 1
        found = self._known.get(prompt.id)
        if found is None:
            if self._reviewer is None:
                return Review(answer="accept")
            begun = time.monotonic()
            found = self._reviewer(
                Proposal(
                    prompt=prompt,
                    operator=operator,
                    parent=parent,
                    round=self._round,
                    number=self._number,
                    refusal=refusal,
                )
            )
            took = time.monotonic() - begun
            self._leave_out(took)
            self._journal.note("review", prompt.id, {**asdict(found), "seconds": took})
            self._known[prompt.id] = found
        if found.answer == "veto":
            self._vetoed[prompt.id] = found.reason
            if not words_stand:
                self._vetoed[words_of(prompt)] = found.reason
        if found.answer != "accept" and found.reason:
            shown = prompt.instruction[:MOST_CHARS]
            self._said.append({"instruction": shown, "reason": found.reason})
        return found

    def veto(self, prompt: Prompt) -> str:
        """Why a prompt that this search came by must not come back; "" where it may."""
        keys = (prompt.id, words_of(prompt)) if self._vetoed else ()
        return next((vetoed(self._vetoed[key]) for key in keys if key in self._vetoed), "")

    def told(self, language: str) -> str:
        """What whoever writes prompts must know of the reasons so far; "" where there is none."""
        if not self._said:
            return ""
        values: dict[str, Any] = {"reviews": self._said[-MOST_TOLD:]}
        return render(__file__, "reviewed", language, {}, **values).strip()


def vetoed(reason: str) -> str:
    """A veto as the reason of a refusal."""
    return f"{VETOED}: {reason.rstrip('.')}" if reason else VETOED


def words_of(prompt: Prompt) -> str:
    """The instructions of a prompt, however they are wrapped."""
    return plain("\n".join(step.instruction for step in prompt.steps.values()))
