"""A person's review of proposals on the terminal, for `apo optimize --review`."""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.text import Text

from apo.cli.console import notes, say
from apo.errors import Interrupted, SettingsError

if TYPE_CHECKING:
    from apo.calls.progress import Progress
    from apo.search.review import Proposal, Review, Reviewer

QUESTION = (
    "a accepts it, e edits it, v vetoes it, r accepts the rest of this round, q stops the run:"
)
WHY = "Why? Whoever writes the next prompts reads it; an empty line says nothing."


def reviewer(progress: "Progress") -> "Reviewer":
    """Who asks at this terminal.

    Raises:
        SettingsError: there is no person to ask, as in a pipe.
    """
    if not (sys.stdin.isatty() and notes.is_terminal):
        raise SettingsError(
            "A run with --review asks a person about each proposal, and nobody can answer where "
            "input and notes are no terminal, as in a pipe. Start it on a terminal, or leave "
            "--review out."
        )
    rest = 0

    def ask(proposal: "Proposal") -> "Review":
        nonlocal rest
        from apo.search.review import Review

        if proposal.round == rest:
            return Review(answer="accept")
        with progress.pausing(), _interruptible():
            found = _asked(proposal)
        if found is None:
            rest = proposal.round
            return Review(answer="accept")
        return found

    return ask


@contextmanager
def _interruptible() -> Generator[None]:
    """Let Ctrl-C and Ctrl-D end a question; the event loop, which waits for it, would not see them.

    Raises:
        Interrupted: they did.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except (KeyboardInterrupt, EOFError):
        raise _stopped() from None
    finally:
        signal.signal(signal.SIGINT, before)
        if hasattr(signal, "siginterrupt"):
            signal.siginterrupt(signal.SIGINT, False)


def _stopped() -> Interrupted:
    return Interrupted("The run was stopped at a proposal; resumed, it asks about that one first.")


def _asked(proposal: "Proposal") -> "Review | None":
    """What the person says; None for acceptance of the rest of the round, too."""
    from apo.search.review import Review

    _show(proposal)
    while True:
        match _typed(QUESTION).lower():
            case "a" | "accept":
                return Review(answer="accept")
            case "r" | "rest":
                return None
            case "q" | "quit":
                raise _stopped()
            case "v" | "veto":
                return Review(answer="veto", reason=_typed(WHY))
            case "e" | "edit":
                text = _edited(proposal)
                if text:
                    return Review(answer="edit", instruction=text, reason=_typed(WHY))
            case _:
                continue


def _show(proposal: "Proposal") -> None:
    from apo.cli.prompts import marked

    place = f"Round {proposal.round}, proposal {proposal.number}, by {proposal.operator}"
    say(f"\n{place}", "bold")
    changes = proposal.parent.diff(proposal.prompt)
    notes.print(Text(changes) if changes else marked(proposal.prompt))


def _edited(proposal: "Proposal") -> str:
    """Another instruction that could be a candidate's; "" where the person left it as it is."""
    import click

    text = proposal.prompt.instruction
    if os.environ.get("VISUAL") or os.environ.get("EDITOR"):
        text = (click.edit(text, extension=".txt") or "").strip()
    else:
        say("Without EDITOR, type the whole instruction in one line; an empty one leaves it.")
        text = _typed("")
    if text in ("", proposal.prompt.instruction.strip()):
        return ""
    refused = proposal.refusal(proposal.prompt.with_instruction(text))
    if refused:
        say(f"That cannot be a candidate: {refused}.", "yellow")
        return ""
    return text


def _typed(question: str) -> str:
    if question:
        say(question)
    return input("> ").strip()
