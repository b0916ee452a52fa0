"""Rows of whole chats, as fine-tuning files hold them, as rows of an input and a target."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from apo.data.cells import Row
from apo.errors import DataError
from apo.reading.answers import quote

KEYS = ("messages", "conversations")
"""Columns that hold a chat: OpenAI's and ShareGPT's."""

_ROLES = {"human": "user", "gpt": "assistant", "model": "assistant", "chatgpt": "assistant"}
_INSTEAD = (
    'A task takes rows such as {"input": …, "target": …}: write them so, and what differs from row '
    "to row into the input or a column of its own (--input)."
)
Turn = tuple[str, str]
"""The role and the text of a turn."""


@dataclass
class Chats:
    """Turns chats into rows, and keeps the one system turn.

    Attributes:
        column: where the chats stand.
        system: the system turn that all rows share; None before the first row.
        talks: whether the inputs are conversations, as JSON: some have several turns, in turn.
    """

    column: str
    system: str | None = field(default=None, init=False)
    talks: bool = field(default=False, init=False)

    def rows(self, rows: Iterable[Row]) -> list[Row]:
        """Give rows of "input" and "target": the last answer, and what was said before it.

        Raises:
            DataError: a row is no chat that ends with an answer, or the system turns differ.
        """
        chats, found = list[list[Turn]](), list[Row]()
        for number, row in enumerate(rows, 1):
            where = f"row {number}"
            turns = _turns(row.get(self.column), f"{where}: the column {self.column!r}")
            system = "\n\n".join(text for role, text in turns if role == "system").strip()
            if self.system is None:
                self.system = system
            elif self.system != system:
                raise DataError(
                    f"{where}: the system turn is {quote(system)}, in the rows before it "
                    f"{quote(self.system)}; it becomes the seed prompt, so all rows need the same. "
                    f"{_INSTEAD}"
                )
            said = [turn for turn in turns if turn[0] != "system"]
            roles = [role for role, _ in said]
            if roles[-1:] != ["assistant"] or "user" not in roles[:-1]:
                raise DataError(
                    f"{where}: the turns of {self.column!r} are {', '.join(roles) or 'none'}; a "
                    "user's turn and then the assistant's right answer as the last one are needed. "
                    f"{_INSTEAD}"
                )
            chats.append(said[:-1])
            rest = {name: cell for name, cell in row.items() if name != self.column}
            mine: Row = {"input": None, "target": said[-1][1]}
            found.append({**mine, **{k: cell for k, cell in rest.items() if k not in mine}})
        self.talks = any(len(chat) > 1 for chat in chats) and all(map(_in_turn, chats))
        for row, chat in zip(found, chats, strict=True):
            row["input"] = _written(chat, as_talk=self.talks)
        return found

    def note(self) -> str:
        """Say what became of the chats."""
        system = "its system turn is the seed prompt" if self.system else "there is no system turn"
        return (
            f"The column {self.column!r} holds chats: the assistant's last turn is the target, the "
            f"turns before it are the input, {system}."
        )


def _in_turn(chat: list[Turn]) -> bool:
    """Whether user and assistant speak in turn, the user first and last."""
    roles = [role for role, _ in chat]
    return len(roles) % 2 == 1 and roles == (["user", "assistant"] * len(roles))[: len(roles)]


def _written(chat: list[Turn], *, as_talk: bool) -> str:
    """The turns before the answer as an input: one alone, a conversation, or lines."""
    if as_talk:
        return json.dumps([{"role": role, "content": t} for role, t in chat], ensure_ascii=False)
    return chat[0][1] if len(chat) == 1 else "\n".join(f"{role}: {text}" for role, text in chat)


def chat_column(row: Row) -> str | None:
    """Name the column that holds a chat, if one of the usual ones does."""
    return next((key for key in KEYS if _has_roles(_items(row.get(key)))), None)


def _has_roles(items: list[object]) -> bool:
    said = [isinstance(item, Mapping) and ("role" in item or "from" in item) for item in items]
    return bool(said) and all(said)


def _items(cell: str | None) -> list[object]:
    try:
        value: Any = json.loads(cell or "")
    except (ValueError, RecursionError):
        value = None
    return cast("list[object]", value) if isinstance(value, list) else []


def _turns(cell: str | None, where: str) -> list[Turn]:
    items = _items(cell)
    if not items:
        raise DataError(f"{where} is no list of turns. {_INSTEAD}")
    return [_turn(item, where) for item in items]


def _turn(item: object, where: str) -> Turn:
    turn: Mapping[str, object] = (
        cast("Mapping[str, object]", item) if isinstance(item, Mapping) else dict[str, object]()
    )
    role, text = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
    if isinstance(text, list):  # Parts, of which the texts count where there is nothing else.
        parts = cast("list[object]", text)
        texts = [cast("Any", part).get("text") for part in parts if isinstance(part, Mapping)]
        whole = len(texts) == len(parts) and all(isinstance(part, str) for part in texts)
        text = "".join(map(str, texts)) if whole else None
    if not isinstance(role, str) or not isinstance(text, str):
        raise DataError(
            f"{where} has a turn without a role or without a text (such as a call of a tool): "
            f"{quote(json.dumps(item, ensure_ascii=False))}. {_INSTEAD}"
        )
    role = role.strip().lower()
    role = "system" if role == "developer" else _ROLES.get(role, role)
    return role, text
