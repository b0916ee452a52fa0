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


def check_several(settings: object, **choices: Iterable[str]) -> None:
    """Make sure that settings are some of their values, each once; for `__post_init__`.

    Args:
        settings: the dataclass of settings.
        **choices: the values that a setting's tuple may hold, by its name.

    Raises:
        SettingsError: a setting has none of them, another one, or one twice.
    """
    for name, known in choices.items():
        value, names = getattr(settings, name), list(known)
        if not value or len(set(value)) < len(value) or set(value) - set(names):
            raise SettingsError(
                f"{type(settings).__name__}.{name} is {value!r}; it is one or more of "
                f"{', '.join(names)}, each once."
            )
