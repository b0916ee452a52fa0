"""What a search refused, and for what: counted, so that one that gets nowhere can say why."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from apo.language.catalogue import message

MAX_EXAMPLE = 200
SHOWN = 4
"""Reasons that are told; the rest are summed up."""


def counted(
    refusals: Iterable[tuple[str, str]], n_accepted: int, replies: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Count what was refused, as JSON values.

    Args:
        refusals: the reason and the text of each proposal or reply that was refused.
        n_accepted: proposals that became candidates.
        replies: how many texts the optimizer model was asked for (`n`), how many of them twice
            (`again`), and how many were `salvaged` from other forms or stayed `unread`.

    Returns:
        `n`, how many were refused, `of` how many in all, `reasons`: how often each, the most
        frequent first, and `example`: the beginning of a text that the first reason holds for;
        and `replies`, where there were any.
    """
    kinds: dict[str, list[tuple[str, str]]] = {}
    for reason, text in refusals:
        kinds.setdefault(_kind(reason), []).append((reason, text))
    often = sorted(kinds.items(), key=lambda item: -len(item[1]))
    # A reason that was always the same is told with its figures and names.
    reasons = {
        found[0][0] if len({reason for reason, _ in found}) == 1 else kind: len(found)
        for kind, found in often
    }
    n = sum(reasons.values())
    example = " ".join(often[0][1][0][1].split())[:MAX_EXAMPLE] if often else ""
    found = {"n": n, "of": n + n_accepted, "reasons": reasons, "example": example}
    return found | ({"replies": dict(replies)} if replies and replies["n"] else {})


def told(refused: Mapping[str, Any]) -> str:
    """Say in a sentence how many were refused and for what; "" when none was."""
    if not refused or not refused["n"]:
        return ""
    n, of, reasons = refused["n"], refused["of"], list(refused["reasons"].items())
    parts = [f"{reason} ({times:,})" for reason, times in reasons[:SHOWN]]
    others = sum(times for _, times in reasons[SHOWN:])
    parts += [f"{message('other reasons')} ({others:,})"] if others else []
    share = message(f"All {n:,}") if n == of > 1 else message(f"{n:,} of {of:,}")
    return (
        f"{share} proposals and replies of the optimizer model {'was' if n == 1 else 'were'} "
        f"refused: {'; '.join(parts)}."
    )


def told_replies(refused: Mapping[str, Any]) -> str:
    """Say how the optimizer model's replies could be read; "" where all were as asked for."""
    replies: Mapping[str, int] = (refused or {}).get("replies") or {}
    if not replies or not (replies["again"] or replies["salvaged"]):
        return ""
    share = (replies["n"] - replies["unread"]) / replies["n"]
    return (
        f"Texts that the optimizer model was asked for: {replies['n']:,}, of which {share:.0%} "
        f"could be used; asked for a second time: {replies['again']:,}; taken from replies in "
        f"another form: {replies['salvaged']:,}; of no use: {replies['unread']:,}."
    )


def _kind(reason: str) -> str:
    """A reason without what differs from one proposal to the next: figures, texts, names."""
    kept = re.sub(r"\{\{.*?\}\}", "{{…}}", reason.partition(": ")[0])
    return re.sub(r"\d[\d,.]*\d|\d", "…", kept, count=1)
