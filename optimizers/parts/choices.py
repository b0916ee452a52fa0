"""Settings that take one of a few values."""

from collections.abc import Iterable

from apo import SettingsError


def check_choices(settings: object, **choices: Iterable[str]) -> None:
    """Make sure that settings are among their values; for an optimizer's `__post_init__`.

    Args:
        settings: the dataclass of settings.
        **choices: the values that a setting may have, by its name.

    Raises:
        SettingsError: a setting has another value.
    """
    for name, known in choices.items():
        value = getattr(settings, name)
        if value not in (names := list(known)):
            raise SettingsError(
                f"{type(settings).__name__}.{name} is {value!r}; it is one of {', '.join(names)}."
            )
