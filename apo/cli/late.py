"""Commands that read their options when these are asked for.

To read those of thirty commands takes as long as to draw the help, and one command runs at a time.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from typer.core import TyperCommand
from typer.main import get_command_from_info
from typer.models import CommandInfo

from apo.cli.speaking import translate_texts
from apo.cli.trust import trusting


def late(command: Callable[..., None], *, asks: bool) -> Callable[[], None]:
    """What stands for a command's function until it is asked for: its name and what it does.

    Args:
        command: the function, whose parameters are the options.
        asks: whether it has `--trust` as well.
    """

    def stand_in() -> None: ...

    stand_in.__name__, stand_in.__doc__ = command.__name__, command.__doc__
    vars(stand_in).update(command=command, asks=asks)
    return stand_in


class LateCommand(TyperCommand):
    """A command made of a `late` function."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Which were made of what stands in; the properties below find them out.
        del self.params
        self._given: dict[str, Any] = vars(vars(self).pop("callback"))

    @cached_property
    def _whole(self) -> Any:
        command: Callable[..., None] = self._given["command"]
        function = trusting(command) if self._given["asks"] else command
        info = CommandInfo(name=self.name, callback=function)
        whole = get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode="rich")
        for option in whole.params:
            translate_texts(option)
        return whole

    @cached_property
    def params(self) -> list[Any]:  # type: ignore[override]
        """The arguments and options."""
        params: list[Any] = self._whole.params
        return params

    @cached_property
    def callback(self) -> Callable[..., Any]:  # type: ignore[override]
        """What runs the command with their values."""
        callback: Callable[..., Any] = self._whole.callback
        return callback

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, in the language of the others."""
        option = super().get_help_option(ctx)
        translate_texts(option)
        return option
