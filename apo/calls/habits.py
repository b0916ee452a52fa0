"""What a run has learnt of its models' servers: told once, kept in its journal, not asked again."""

from collections import defaultdict
from collections.abc import Iterator

from apo.calls.pace import size_of
from apo.errors import SettingsError
from apo.model import Completion, Model, Request
from apo.models.dialect import dialect_of, told
from apo.models.intake import settle
from apo.storage.journal import Journal

THINKING, BOUNDLESS = "thinking", "a limit of its answers"
"""What is learnt beside options: that a model thinks, and that it takes no limit under any name."""
LEARNT, DISTRUSTED, DEARER, LONGER = "learnt", "distrusted", "dearer", "longer"
"""Kinds of events in the journal: an option that a server refuses, a count that cannot be true, a
stated cost above what the price comes to, and an answer longer than was asked for."""
DISBELIEVED, NARROW = "disbelieved", "narrow"
"""Others: a limit in the headers of which nothing is left, and which does not hold; a context that
has no room for as long an answer as is wanted."""
MUCH = 2
"""How many times what was expected a cost, or the length of an answer, must be to be told: counts
differ by a little everywhere."""
SLACK = 16
"""Tokens beside that, for what ends an answer."""


class Habits:
    """The habits of the servers that a run asks.

    Args:
        journal: where they are kept.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: defaultdict[str, list[str]] = defaultdict(list)
        self._found: set[tuple[str, str]] = set()
        self._full: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
        self._dearer = {
            str(body["model"]): (float(body["stated"]), float(body["counted"]))
            for body in journal.told(DEARER)
        }
        for body in journal.told(LEARNT):
            model, option = str(body.get("model")), str(body.get("option"))
            if option in (THINKING, BOUNDLESS):
                self._found.add((model, option))
            else:
                self._known[model].append(option)

    def refused(self, model: Model) -> frozenset[str]:
        """What the model will not be sent now; what an earlier session learnt is known."""
        dialect = dialect_of(model)
        for option in self._known.pop(model.name, ()):
            dialect.learn(option)
        return frozenset(dialect.refused)

    def learn(self, model: Model, option: str, before: frozenset[str]) -> bool:
        """Ask a model without an option that its server has refused.

        Args:
            model: who refused it.
            option: what it refused.
            before: what it was not sent even then.

        Returns:
            False when it was not sent, or cannot be done without.
        """
        dialect = dialect_of(model)
        if option in before:
            return False
        if not dialect.learn(option):
            return False
        self._note(model, option)
        return True

    def thinks(self, model: Model) -> bool:
        """Whether a model is known to think before it answers, by its name or by its answers."""
        return dialect_of(model).thinks or (model.name, THINKING) in self._found

    def learn_thinking(self, model: Model) -> bool:
        """Know from now on that a model thinks; whether that is new."""
        new = not self.thinks(model)
        if new:
            self._found.add((model.name, THINKING))
            self._note(model, THINKING)
        return new

    def boundless(self, model: Model) -> bool:
        """Whether the model's server takes no limit of an answer, under either name."""
        return (model.name, BOUNDLESS) in self._found

    def learn_boundless(self, model: Model) -> None:
        """Ask a model without a limit of its answers from now on."""
        self._found.add((model.name, BOUNDLESS))
        self._note(model, BOUNDLESS)

    def learn_cost(self, model: Model, stated: float, counted: float) -> None:
        """Note a call that cost much more as its server states than by its price, in dollars."""
        if stated > MUCH * counted and model.name not in self._dearer:
            self._dearer[model.name] = stated, counted
            body = {"model": model.name, "stated": stated, "counted": counted}
            self._journal.note(DEARER, model.name, body)

    def require_price(self, model: Model) -> None:
        """Make sure that a limit in dollars holds.

        Raises:
            SettingsError: the model's server states higher costs than its price comes to.
        """
        if model.name in self._dearer:
            stated, counted = self._dearer[model.name]
            raise SettingsError(
                f"{dearer(model.name, stated, counted)} A limit in dollars would not hold: state "
                f"the price, --price '{model.name}=INPUT,OUTPUT' in dollars for a million tokens. "
                "Answers that are paid can be taken over with --reuse."
            )

    def _note(self, model: Model, option: str) -> None:
        body = {"model": model.name, "option": option}
        self._journal.note(LEARNT, f"{model.name} {option}", body)

    def overfills(self, model: Model, request: Request, limit: int) -> bool:
        """Whether so long an answer was refused beside a request that was no longer."""
        size = size_of(request)
        return any(size >= was and limit >= most for was, most in self._full[model.name])

    def learn_full(self, model: Model, request: Request, limit: int) -> None:
        """Know that the model's context has no room for so long an answer beside the request."""
        if not self.overfills(model, request, limit):
            self._full[model.name].add((size_of(request), limit))

    def note_room(self, model: Model, asked: int, fitted: int) -> None:
        """Note that answers are asked for with less room than there should be; in tokens."""
        body = {"model": model.name, "asked": asked, "fitted": fitted}
        self._journal.note(NARROW, model.name, body)

    def disbelieve(self, model: Model, units: frozenset[str]) -> None:
        """Note that headers said that nothing was left, and a call was answered all the same."""
        for unit in sorted(units):
            body = {"model": model.name, "unit": unit}
            self._journal.note(DISBELIEVED, f"{model.name} {unit}", body)

    def settle(self, request: Request, completion: Completion, model: Model) -> Completion:
        """Do what `intake.settle` does; note counts that cannot be true."""
        completion, problem = settle(request, completion, dialect_of(model))
        if problem:
            body = {"model": model.name, "problem": problem}
            self._journal.note(DISTRUSTED, model.name, body)
        asked, usage = request.decoding.max_tokens, completion.usage
        wrote = (usage.output_tokens or 0) - usage.thinking_tokens
        if asked is not None and wrote > MUCH * asked + SLACK:
            found = {"model": model.name, "asked": asked, "wrote": wrote}
            self._journal.note(LONGER, model.name, found)
        return completion


def dearer(model: str, stated: float, counted: float) -> str:
    """Say that a call cost more than its price comes to."""
    return (
        f"The server of {model} states ${stated:.2g} for a call that comes to ${counted:.2g} by "
        "the price that is known here."
    )


def longer_notes(journal: Journal) -> Iterator[str]:
    """Say which servers gave longer answers than they were asked for."""
    for body in journal.told(LONGER):
        yield (
            f"The server of {body['model']} does not keep to the limit of its answers: one has "
            f"{body['wrote']:,} tokens, where {body['asked']:,} at most were asked for."
        )


def habit_notes(journal: Journal) -> Iterator[str]:
    """Say what a run has learnt."""
    for body in journal.told(LEARNT):
        yield told(str(body.get("model")), str(body.get("option")))
    for body in journal.told(DISTRUSTED):
        yield (
            f"{body.get('model')} counts tokens in a way that cannot be true, such as "
            f"{body.get('problem')}. Where it does, a token for every 2 bytes of text is counted."
        )
    for body in journal.told(DEARER):
        told_cost = dearer(str(body["model"]), body["stated"], body["counted"])
        yield f"{told_cost} The dollars above follow the price; state the right one with --price."
    yield from longer_notes(journal)
    for body in journal.told(DISBELIEVED):
        yield (
            f"The headers of {body.get('model')} say that no {body.get('unit')} are left, and it "
            f"answers all the same: what they say of {body.get('unit')} is not believed any more."
        )
    for body in journal.told(NARROW):
        asked, fitted = body.get("asked", 0), body.get("fitted", 0)
        yield (
            f"The context of {body.get('model')} has no room for answers of {asked:,} tokens "
            f"beside its requests: they were asked for with {fitted:,}, or what else fits. Raise "
            "it on the server (vLLM: --max-model-len), or ask for less with --max-answer or "
            "--max-thinking."
        )
