"""Settings within their ranges."""

from apo.errors import SettingsError

ANY = float("inf")


def check_ranges(settings: object, **ranges: tuple[float, float]) -> None:
    """Make sure that settings are within their ranges; for an optimizer's `__post_init__`.

    Args:
        settings: the dataclass of settings.
        **ranges: lowest and highest value of a setting, both allowed, by the setting's name.

    Raises:
        SettingsError: a value is outside its range, or is not a number (NaN).
    """
    for name, (low, high) in ranges.items():
        value = getattr(settings, name)
        if not low <= value <= high:
            need = f"at least {low:g}" if high == ANY else f"from {low:g} to {high:g}"
            raise SettingsError(
                f"{type(settings).__name__}.{name} is {value!r}; it must be {need}."
            )
