"""What a search refused, and for what: counted, so that one that gets nowhere can say why."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

SHOWN = 4
"""Reasons that are told; the rest are summed up."""


def counted(reasons: Iterable[str], n_accepted: int) -> dict[str, Any]:
    """Count what was refused, as JSON values.

    Args:
        reasons: why each proposal or reply was refused.
        n_accepted: proposals that became candidates.

    Returns:
        `n`, how many were refused, `of` how many in all, and `reasons`: how often each, the most
        frequent first.
    """
    kinds = Counter(_kind(reason) for reason in reasons)
    n = kinds.total()
    return {"n": n, "of": n + n_accepted, "reasons": dict(kinds.most_common())}


def told(refused: Mapping[str, Any]) -> str:
    """Say in a sentence how many were refused and for what; "" when none was."""
    if not refused or not refused["n"]:
        return ""
    n, of, reasons = refused["n"], refused["of"], list(refused["reasons"].items())
    parts = [f"{reason} ({times:,})" for reason, times in reasons[:SHOWN]]
    others = sum(times for _, times in reasons[SHOWN:])
    parts += [f"other reasons ({others:,})"] if others else []
    share = f"All {n:,}" if n == of else f"{n:,} of {of:,}"
    return f"{share} proposals and replies of the optimizer model were refused: {'; '.join(parts)}."


def _kind(reason: str) -> str:
    """A reason without what differs from one proposal to the next: figures, texts, names."""
    kept = re.sub(r"\{\{.*?\}\}", "{{…}}", reason.partition(": ")[0])
    return re.sub(r"\d[\d,.]*\d|\d", "…", kept, count=1)
