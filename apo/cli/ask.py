"""What commands that ask models outside of a run have in common: flags, kept answers, a watch."""

import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import typer

from apo.cli import options as o
from apo.cli.values import prices, transport

if TYPE_CHECKING:
    from apo.calls.options import Options
    from apo.storage.journal import Journal

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class AskFlags:
    """The flags of commands that ask models outside of a run, as they were typed."""

    max_usd: o.MaxUsd = None
    concurrency: o.Concurrency = 16
    price: o.Prices = field(default_factory=list[str])
    transport: o.Transport = "aiohttp"
    timeout: o.Timeout = 120.0
    json: o.Json = False

    def options(self, judge_model: str | None = None) -> "Options":
        """The options of the calls.

        Raises:
            SettingsError: a flag cannot be used.
        """
        from apo.calls.options import Options

        return Options(
            max_concurrency=self.concurrency,
            judge_model=judge_model or None,
            transport=transport(self.transport),
            timeout=self.timeout,
            prices=prices(self.price),
        )

    def ask(
        self,
        start: Callable[..., Coroutine[Any, Any, R]],
        title: str,
        *,
        judge_model: str | None = None,
        max_calls: int | None = None,
        fresh: bool = False,
        quiet: bool = False,
        before: "Callable[[Journal], None] | None" = None,
    ) -> "Asked[R]":
        """Ask models, and watch it to its end.

        Args:
            start: begins the work, given `budget`, `options`, `journal` and `progress`.
            title: first line of the view.
            judge_model: who judges; none for the scorer's own.
            max_calls: the most calls.
            fresh: use no kept answers, and keep none.
            quiet: show nothing.
            before: is given the kept answers first.

        Raises:
            ApoError: a flag cannot be used, or what ends the work.
        """
        from apo.calls.budget import Budget
        from apo.calls.progress import Progress
        from apo.cli.live import watch

        progress, options = Progress(), self.options(judge_model)
        budget = Budget(max_calls=max_calls, max_usd=self.max_usd)
        with kept_answers(fresh=fresh) as journal:
            if before is not None:
                before(journal)
            work = start(budget=budget, options=options, journal=journal, progress=progress)
            found = watch(work, progress, title, quiet=quiet)
            caller = progress.caller
            if caller is None:
                return Asked(found)
            return Asked(found, caller.kept_notes(), caller.notes(), caller.meter.overspent)


class Asked(NamedTuple, Generic[R]):
    """What models were asked for.

    Attributes:
        found: what came of it.
        kept: what is to be told of answers that were kept before.
        notes: what is to be told of the calls.
        overspent: what was spent beyond the limits, and why; "" for nothing.
    """

    found: R
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    overspent: str = ""

    def end(self, code: int = 0) -> None:
        """End the command: where it overspent this is said, with 3, else with the code given."""
        from apo.cli.console import say

        if self.overspent:
            say(self.overspent, "bold red")
            raise typer.Exit(3)
        if code:
            raise typer.Exit(code)


def kept_answers(*, fresh: bool = False) -> "Journal":
    """The journal that commands outside of runs share: what one paid costs the others nothing.

    Where the home may only be read, its answers are used, and new ones are not kept; it is said.

    Args:
        fresh: use none of it, and keep nothing.
    """
    from apo.cli.console import home, say
    from apo.storage.journal import Journal

    folder = home()
    path = folder / "evaluations.db"
    if fresh:
        return Journal()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return Journal(path)
    say(f"The answers are not kept, as {folder} cannot be written; --home names another.", "yellow")
    return Journal.copy_of(path) if path.exists() else Journal()
