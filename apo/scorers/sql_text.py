"""The SQL query that an answer gives, read as text."""

import re
import sqlite3
from itertools import islice

_MAX_SEMICOLONS = 100
_FENCED = re.compile(r"```[^\S\n]*\w*[^\S\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_QUERY = r"(?:select\b|values\s*\(|with\s+(?:recursive\s+)?[\w\"`\[\]]+\s*(?:\([^()]*\)\s*)?as\b)"
_LINE_START = re.compile(rf"^[ \t]*{_QUERY}", re.IGNORECASE | re.MULTILINE)
_ANYWHERE = re.compile(rf"\b{_QUERY}", re.IGNORECASE)


def query_in(text: str) -> str:
    """Give the query of an answer, or "" when there is none."""
    fenced = [part for part in _FENCED.findall(text) if _ANYWHERE.search(part)]
    if fenced:
        return str(fenced[-1]).strip()
    start = _LINE_START.search(text) or _ANYWHERE.search(text)
    if start is None:
        return ""
    opened, text = text[: start.start()], text[start.start() :].strip()
    if opened.endswith("`"):
        return text.partition("`")[0]
    for end in islice(re.finditer(";", text), _MAX_SEMICOLONS):
        if sqlite3.complete_statement(text[: end.end()]):
            return text[: end.end()]
    return text


_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_INNER = re.compile(r"\([^()]*\)")


def is_ordered(query: str) -> bool:
    """Whether a query gives its rows in an order: ORDER BY outside of all brackets."""
    text, cut = _QUOTED.sub(" ", query), 1
    while cut:
        text, cut = _INNER.subn(" ", text)
    return re.search(r"\border\s+by\b", text, re.IGNORECASE) is not None
