"""The candidates of a search, each with where it came from; and what was refused, with why."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from apo.errors import NothingWritten
from apo.guards.contract import Contract
from apo.language.catalogue import message
from apo.prompts.prompt import Prompt
from apo.reading.replies import Reply
from apo.search.review import EDITED, Reviews, vetoed, words_of
from apo.storage.journal import Journal
from apo.storage.refusals import counted

ENOUGH = 10
"""Replies after which a writer of whom none could be read is asked no more."""


class Candidates:
    """Keeps what is known in a search, and writes it to the journal.

    Args:
        journal: where candidates and refusals are recorded.
        contract: what a candidate must be.
        seeds: the first candidates, which nobody refuses.
        reviews: what a person says of each; by default nobody is asked.

    Attributes:
        known: all candidates so far, each with the step of the optimizer that wrote it.
        asked: how often the optimizer model was asked by each such step.
        contract: what a candidate must be.
        reviews: what a person says of each.
        newest: the instruction of the newest proposal; "" before the first.
    """

    def __init__(
        self,
        journal: Journal,
        contract: Contract,
        seeds: Iterable[Prompt],
        reviews: Reviews | None = None,
    ) -> None:
        self.known, self.asked = dict[Prompt, str](), Counter[str]()
        self.contract = contract
        self.reviews = reviews or Reviews(journal)
        self._seeds, self._edited = tuple(seeds), dict[Prompt, Prompt]()
        self._words: set[str] = set()
        self.newest = ""
        self._journal = journal
        self._refused: list[tuple[str, str]] = []
        self._n_accepted = 0
        self._replies: Counter[str] = Counter()
        for prompt in self._seeds:
            self._add(prompt, "seed", ())

    def accept(
        self,
        prompts: Iterable[Prompt],
        place: str,
        operator: str,
        parents: Sequence[Prompt],
        *,
        reviewed: bool = True,
    ) -> list[Prompt]:
        """Add the prompts that the contract allows and that are new; record the others' reasons.

        Args:
            prompts: what was proposed.
            place: name of this step in the search.
            operator: name of the step in the optimizer's own words.
            parents: the prompts that the proposals were made from.
            reviewed: whether a person is asked, in a run where one is.
        """
        accepted, parents = list[Prompt](), [self.standing_for(parent) for parent in parents]
        for i, proposed in enumerate(prompts):
            reason = self.refusal(proposed)
            prompt = proposed
            if reviewed and not reason:
                parent = (*parents, *self._seeds, proposed)[0]
                prompt, reason = self._reviewed(proposed, operator, parent)
            if reason:
                self.refuse(f"{place}:{i}", prompt.instruction, reason, operator, parents)
                continue
            self._add(prompt, operator if prompt == proposed else EDITED, parents)
            self._n_accepted += 1
            self.newest = prompt.instruction
            accepted.append(prompt)
        return accepted

    def _reviewed(self, prompt: Prompt, operator: str, parent: Prompt) -> tuple[Prompt, str]:
        """What a person makes of a proposal that is allowed and new, and why it is refused."""
        stand = words_of(prompt) in self._words
        said = self.reviews.about(prompt, operator, parent, self.refusal, words_stand=stand)
        if said.answer == "veto":
            return prompt, vetoed(said.reason)
        if said.answer == "edit":
            edited = prompt.with_instruction(said.instruction)
            reason = self.refusal(edited)
            if not reason or edited in self.known:
                self._edited[prompt] = edited
            return edited, reason
        return prompt, ""

    def refusal(self, prompt: Prompt) -> str:
        """Why a prompt can be no new candidate; "" where it can."""
        if prompt in self.known or prompt in self._edited:
            return message("seen before")
        return self.reviews.veto(prompt) or self.contract.refusal(prompt)

    def standing_for(self, prompt: Prompt) -> Prompt:
        """The candidate that a person put in the place of a prompt; the prompt itself for none."""
        return self._edited.get(prompt, prompt)

    def refuse(
        self, place: str, text: str, reason: str, operator: str, parents: Sequence[Prompt]
    ) -> None:
        """Record a text that became no candidate."""
        self._refused.append((reason, text))
        body = {
            "operator": operator,
            "parents": [parent.id for parent in parents],
            "text": text,
            "reason": reason,
        }
        self._journal.note("refused", place, body)

    def count_replies(
        self, place: str, operator: str, replies: Sequence[Reply], again: int
    ) -> None:
        """Record how replies could be read.

        Args:
            place: name of this step in the search.
            operator: the meta-prompts of the step.
            replies: what was asked for, as it was read in the end.
            again: how many were asked for twice.
        """
        salvaged = [reply for reply in replies if reply.text and reply.salvaged]
        for i, reply in enumerate(salvaged):
            body = {"operator": operator, "how": reply.salvaged, "text": reply.text}
            self._journal.note("salvaged", f"{place}:{i}", body)
        unread = sum(not reply.text for reply in replies)
        counts = {"n": len(replies), "again": again, "salvaged": len(salvaged), "unread": unread}
        self._journal.note("replies", place, counts)
        self._replies.update(counts)

    def check_writer(self, model: str) -> None:
        """End the search, or its stage, where the writer's replies are of no use.

        Raises:
            NothingWritten: none of `ENOUGH` replies or more could be used.
        """
        if self.nothing_written:
            raise NothingWritten(self.advice(model))

    @property
    def nothing_written(self) -> bool:
        """Whether the writer was asked often enough, and no reply could be used."""
        return self._replies["n"] >= ENOUGH and self._replies["unread"] == self._replies["n"]

    def advice(self, model: str) -> str:
        """Say what to do about a writer that writes nothing; "" where it does."""
        if not self.nothing_written:
            return ""
        return (
            f"The search for instructions ended: {model} was asked for {self._replies['n']} texts, "
            "each of them twice, and none of its replies could be used. A larger model writes "
            "better: name one by --optimizer-model; this one can go on answering the examples."
        )

    def refused(self) -> dict[str, Any]:
        """How much was refused so far, of how much, and for what: see `counted`."""
        return counted(self._refused, self._n_accepted, self._replies)

    def _add(self, prompt: Prompt, operator: str, parents: Sequence[Prompt]) -> None:
        self.known[prompt] = operator
        self._words.add(words_of(prompt))
        body = {
            "operator": operator,
            "parents": [parent.id for parent in parents],
            "prompt": prompt.to_dict(),
        }
        self._journal.note("candidate", prompt.id, body)
