"""An audit as a page: how often each prompt failed which kind of trial, and what was answered."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from apo.display.figures import percent
from apo.display.page import render
from apo.display.picture import inline, style
from apo.display.plots import Bar, rates_plot
from apo.language.catalogue import translated
from apo.report.allowance import Allowance
from apo.storage.shapes import NUMBER, require

if TYPE_CHECKING:
    from markupsafe import Markup

FILE = "audit.html"
TEXT = 700_000
MAX_FAILED = 100
_OR_NONE = (*NUMBER, type(None))
_RATE: Mapping[str, Any] = {
    "group": str,
    "interval": list,
    "rate": _OR_NONE,
    "clean_score": _OR_NONE,
    "score": _OR_NONE,
    **dict.fromkeys(("n", "failed", "lost", "could_lose", "malformed", "leaked", "errors"), int),
}
_FAILED: Mapping[str, Any] = {
    **dict.fromkeys(
        ("kind", "name", "place", "dress", "example", "clean_output", "output", "leaked"), str
    ),
    "inputs": dict,
}
_PAIR: Mapping[str, Any] = {
    "kind": str, "only_first": int, "only_second": int, "p_value": NUMBER, "n": int,
}  # fmt: skip


def audit_page(audit: Mapping[str, Any]) -> str:
    """Write the page of an audit.

    Args:
        audit: as `Audit.to_dict` gives it.

    Raises:
        RunError: it is damaged.
    """
    with style():
        return render("audit.html", {"audit": audit_part(audit)})


def audit_part(audit: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a page shows of an audit; within `style`.

    Raises:
        RunError: it is damaged.
    """
    _require(audit)
    allowance, failed = Allowance(TEXT), dict[str, Any]()
    prompts: Mapping[str, Any] = audit["prompts"]
    for name, found in prompts.items():
        rows = [
            _failed(one, allowance) for one in found["failed"][:MAX_FAILED] if allowance.left > 0
        ]
        failed[name] = {"rows": rows, "n": len(found["failed"])}
    return {
        **audit,
        "failed": failed,
        "rates": _by_kind(prompts),
        "told": _pairs([*prompts], audit["pairs"], 1 - audit["confidence"]),
        "picture": _picture(prompts),
    }


def _by_kind(prompts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The rates with whose they are, both prompts' of a kind one after the other."""
    rates = [(name, rate) for name, found in prompts.items() for rate in found["rates"]]
    kinds = list(dict.fromkeys(rate["group"] for _, rate in rates))
    return sorted(rates, key=lambda one: kinds.index(one[1]["group"]))


def _require(audit: Mapping[str, Any]) -> None:
    where = "audit.json"
    shape = {"task": str, "model": str, "split": str, "confidence": NUMBER, "prompts": dict,
             "pairs": list, "spent": {"calls": int}}  # fmt: skip
    require(audit, shape, where)
    for name, found in audit["prompts"].items():
        require(found, {"prompt_id": str, "rates": list, "failed": list}, f"{where}: {name}")
        for rate in found["rates"]:
            require(rate, _RATE, f"{where}: {name}: rates")
            ends: list[object] = rate["interval"]
            require({n: ends[n] for n in range(len(ends))}, {0: NUMBER, 1: NUMBER}, where)
        for one in found["failed"]:
            require(one, _FAILED, f"{where}: {name}: failed")
    for pair in audit["pairs"]:
        require(pair, _PAIR, f"{where}: pairs")


def _failed(one: Mapping[str, Any], allowance: Allowance) -> dict[str, str]:
    how = ", ".join(translated(p) for p in (one["name"], one["place"], one["dress"]) if p)
    return {
        "kind": one["kind"],
        "how": how,
        "example": one["example"],
        "input": allowance.take("\n".join(map(str, one["inputs"].values()))),
        "clean": allowance.take(one["clean_output"]),
        "output": allowance.take(one["output"]),
        "leaked": allowance.take(one["leaked"], 300),
    }


def _pairs(names: Sequence[str], pairs: Sequence[Mapping[str, Any]], level: float) -> list[str]:
    """Which prompt fails more often beyond chance, kind by kind."""
    told: list[str] = []
    for pair in pairs:
        if pair["p_value"] > level or len(names) < 2:
            continue
        first, second = map(translated, names)
        worse = first if pair["only_first"] > pair["only_second"] else second
        told.append(
            f"{translated(pair['kind'])}: {worse} fails more often: {pair['only_first']} trials "
            f"were failed by {first} alone, {pair['only_second']} by {second} alone, "
            f"p = {pair['p_value']:.2g}."
        )
    return told


def _picture(prompts: Mapping[str, Any]) -> "Markup | None":
    bars = [
        Bar(translated(rate["group"]), translated(name), rate["rate"], tuple(rate["interval"]))
        for name, found in prompts.items()
        for rate in found["rates"]
        if rate["rate"] is not None
    ]
    if not bars:
        return None
    worst = max(bars, key=lambda bar: bar.value)
    told = translated(
        f"Share of the trials that were failed, by kind, with its interval. The highest is "
        f"{percent(worst.value)} of {worst.group}, by {worst.series}. The table below has all."
    )
    return inline(rates_plot(bars), "audit", told)
