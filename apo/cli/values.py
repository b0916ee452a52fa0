"""What flags say, read: limits, pairs, bodies, prices, files."""

from pathlib import Path
from typing import Any

from apo.errors import SettingsError, require_utf8


def budget(
    max_calls: int | None, max_tokens: int | None, max_usd: float | None, max_minutes: float | None
) -> Any:
    """Make a budget; without any limit it is the default one."""
    from apo.calls.budget import Budget
    from apo.run.optimize import DEFAULT_BUDGET

    limits = (max_calls, max_tokens, max_usd, max_minutes)
    if all(limit is None for limit in limits):
        return DEFAULT_BUDGET
    return Budget(
        max_calls=max_calls, max_tokens=max_tokens, max_usd=max_usd, max_minutes=max_minutes
    )


def pairs(flag: str, values: list[str]) -> list[tuple[str, str]]:
    """Read KEY=VALUE options.

    Raises:
        SettingsError: one has no "=", or is no UTF-8.
    """
    for value in values:
        require_utf8(value)
        if "=" not in value:
            raise SettingsError(f"{flag} {value!r} has no '='; write {flag} NAME=VALUE.")
    return [(k.strip(), v) for k, _, v in (value.partition("=") for value in values)]


def body(values: list[str]) -> dict[str, Any]:
    """Read --body options: the value is JSON, or else a text.

    Raises:
        SettingsError: one has no "=", is given twice, is NaN or Infinity, or begins like JSON and
            is none.
    """
    import orjson

    found: dict[str, Any] = {}
    for name, text in pairs("--body", values):
        if name in found:
            raise SettingsError(f"--body {name} is given twice; give it once.")
        try:
            found[name] = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            if text.lstrip().startswith(("{", "[", '"')):
                raise SettingsError(
                    f"--body {name}={text} begins like JSON, and is none: {error}. Write it in "
                    f"""quotes for the shell: --body '{name}={{"key": 1}}'."""
                ) from None
            if text.strip().lstrip("-+").casefold() in ("nan", "infinity", "inf"):
                raise SettingsError(
                    f"--body {name}={text} is no value of JSON. Give a number, or "
                    f"""--body '{name}="{text}"' for the text."""
                ) from None
            found[name] = text
    return found


def prices(values: list[str]) -> dict[str, Any]:
    """Read --price options."""
    from apo.models.prices import parse_price

    return dict(parse_price(value) for value in values)


def transport(name: str) -> Any:
    """Check the name of a transport.

    Raises:
        SettingsError: there is no such transport.
    """
    from apo.errors import near

    if name not in ("aiohttp", "openai"):
        raise SettingsError(f"There is no transport {name!r}.{near(name, ['aiohttp', 'openai'])}")
    return name


def texts(flag: str, values: list[str]) -> dict[str, str]:
    """Read NAME=FILE of a repeatable flag; give what is in the files, by name.

    Raises:
        SettingsError: a file cannot be read.
    """
    return {name: _text(Path(file)) for name, file in pairs(flag, values)}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"Cannot read {path}: {error}.") from error
