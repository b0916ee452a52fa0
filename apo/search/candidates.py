"""The candidates of a search, each with where it came from; and what was refused, with why."""

from collections.abc import Iterable, Sequence
from typing import Any

from apo.guards.contract import Contract
from apo.prompts.prompt import Prompt
from apo.storage.journal import Journal
from apo.storage.refusals import counted


class Candidates:
    """Keeps what is known in a search, and writes it to the journal.

    Args:
        journal: where candidates and refusals are recorded.
        contract: what a candidate must be.
        seeds: the first candidates, which nobody refuses.

    Attributes:
        known: all candidates so far.
        contract: what a candidate must be.
        newest: the instruction of the newest proposal; "" before the first.
    """

    def __init__(self, journal: Journal, contract: Contract, seeds: Iterable[Prompt]) -> None:
        self.known: set[Prompt] = set()
        self.contract = contract
        self.newest = ""
        self._journal = journal
        self._refused: list[tuple[str, str]] = []
        self._n_accepted = 0
        for prompt in seeds:
            self._add(prompt, "seed", ())

    def accept(
        self, prompts: Iterable[Prompt], place: str, operator: str, parents: Sequence[Prompt]
    ) -> list[Prompt]:
        """Add the prompts that the contract allows and that are new; record the others' reasons.

        Args:
            prompts: what was proposed.
            place: name of this step in the search.
            operator: name of the step in the optimizer's own words.
            parents: the prompts that the proposals were made from.
        """
        accepted: list[Prompt] = []
        for i, prompt in enumerate(prompts):
            reason = "seen before" if prompt in self.known else self.contract.refusal(prompt)
            if reason:
                self.refuse(f"{place}:{i}", prompt.instruction, reason, operator, parents)
                continue
            self._add(prompt, operator, parents)
            self._n_accepted += 1
            self.newest = prompt.instruction
            accepted.append(prompt)
        return accepted

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

    def refused(self) -> dict[str, Any]:
        """How much was refused so far, of how much, and for what: see `counted`."""
        return counted(self._refused, self._n_accepted)

    def _add(self, prompt: Prompt, operator: str, parents: Sequence[Prompt]) -> None:
        self.known.add(prompt)
        body = {
            "operator": operator,
            "parents": [parent.id for parent in parents],
            "prompt": prompt.to_dict(),
        }
        self._journal.note("candidate", prompt.id, body)
