"""What an input may be beside text: an image, by URL or file, and the turns before it."""

import base64
import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from apo.errors import DataError

LIMIT = 20 * 2**20
"""The largest image that is sent, in bytes: more no provider takes."""
_KINDS = {
    "image/png": (0, b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/gif": (0, b"GIF8"),
    "image/webp": (8, b"WEBP"),
}
"""Kinds of images that providers take, with where the bytes that tell them stand."""
_URLS = ("https://", "http://")


class Image(str):
    """An input that stands for an image; as a text it is what the data say: a URL or a path.

    Attributes:
        path: of the file; None for a URL, which the provider follows and apo does not.
        digest: of what the file held when the task was loaded; "" for a URL.
    """

    __slots__ = ("digest", "path")
    path: Path | None
    digest: str

    def __new__(cls, text: str, path: Path | None = None, digest: str = "") -> "Image":
        """Make one of what the data say; see `image_of`."""
        made = super().__new__(cls, text)
        made.path, made.digest = path, digest
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """For other processes."""
        return Image, (str(self), self.path, self.digest)


def image_of(text: str, folder: Path, where: str) -> Image:
    """Find the image that an input names.

    Args:
        text: a URL, or a path from the folder.
        folder: a file must lie in it, links followed.
        where: opens the messages, such as the row's field.

    Raises:
        DataError: it lies elsewhere, is too long, no image of a kind that models take, or missing.
    """
    from apo.files import read_bytes, require_file  # A prompt alone needs no files.

    named = text.strip()
    if named.lower().startswith(_URLS):
        return Image(named)
    if ":" in named.partition("/")[0]:
        kind = named.partition(":")[0][:20]
        raise DataError(
            f"{where} is {named[:60]!r}, which begins with {kind}:. Give the path of a file in the "
            f"task's folder, or an address that begins with https://."
        )
    path = folder / named
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # A NUL, or links in a circle.
        inside = False
    if not inside:
        raise DataError(
            f"{where} is {named!r:.200}, which is no path inside of the folder {folder}; it was "
            "not read. Put the image into the task's folder."
        )
    try:
        require_file(path, LIMIT)
        data = read_bytes(path, LIMIT)
    except FileNotFoundError:
        raise DataError(f"{where} is {named!r:.200}, and there is no file {path}.") from None
    except OSError as error:
        raise DataError(f"{where} is {named!r:.200}: {error.strerror}.") from None
    if not _kind(data):
        raise DataError(
            f"{where} is {named!r:.200}, which is no image that models take: its bytes are none of "
            "PNG, JPEG, GIF and WebP."
        )
    return Image(named, path, sha256(data).hexdigest()[:16])


def _kind(data: bytes) -> str:
    found = (kind for kind, (at, sign) in _KINDS.items() if data[at:].startswith(sign))
    return next(found, "")


def identity(image: str) -> str:
    """What tells an image from others: what its file held, or its URL."""
    return getattr(image, "digest", "") or str(image)


def address_of(image: str) -> str:
    """An image as a request names it: a URL, or the file as a data: URL.

    Raises:
        DataError: the file is another one than when the task was loaded, or cannot be read; or a
            path that nobody has looked at, such as one that was typed.
    """
    path = getattr(image, "path", None)
    if path is not None:
        return _data_url(path, identity(image))
    if image.lower().startswith(_URLS) or image.startswith("{{"):
        return str(image)
    raise DataError(
        f"The image {image!r:.200} is no address that begins with https://, and no file that was "
        "looked at with a task."
    )


@lru_cache(maxsize=32)
def _data_url(path: Path, digest: str) -> str:
    from apo.files import read_bytes

    try:
        data = read_bytes(path, LIMIT)
    except OSError as error:
        raise DataError(f"The image {path} cannot be read: {error.strerror}.") from None
    if sha256(data).hexdigest()[:16] != digest:
        raise DataError(
            f"The image {path} is another one than when the task was loaded, so that answers to "
            "both would be mixed. Start the run anew."
        )
    return f"data:{_kind(data)};base64,{base64.b64encode(data).decode()}"


def with_parts(text: str, urls: Sequence[str]) -> str | list[dict[str, Any]]:
    """The content of a chat message: a text as it is; with images, a list of parts."""
    if not urls:
        return text
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    return parts + [{"type": "image_url", "image_url": {"url": url}} for url in urls]


def parts_of(content: Any) -> tuple[str, tuple[str, ...]] | None:
    """Read what `with_parts` gives, or what the Responses API has for it; None for other things.

    Returns:
        The text, and the URL of each image.
    """
    if isinstance(content, str):
        return content, ()
    content = [content] if isinstance(content, dict) else content
    if not isinstance(content, list) or not content:
        return None
    texts, urls = list[str](), list[str]()
    for part in cast("list[object]", content):
        fields: dict[str, Any] = cast("dict[str, Any]", part) if isinstance(part, dict) else {}
        shown = fields.get("image_url")
        url: object = cast("Any", shown).get("url") if isinstance(shown, dict) else shown
        text: object = fields.get("text", part)
        if isinstance(url, str):
            urls.append(url)
        elif isinstance(text, str):
            texts.append(text)
        else:
            return None
    return "\n".join(texts), tuple(urls)


def as_responses(content: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """What `with_parts` gives, as the Responses API takes it."""
    if isinstance(content, str):
        return content
    return [
        {"type": "input_text", "text": part["text"]}
        if part["type"] == "text"
        else {"type": "input_image", "image_url": part["image_url"]["url"]}
        for part in content
    ]


Turn = tuple[str, str]
"""The role, user or assistant, and the text of a turn."""


def turns_before(text: str) -> list[Turn]:
    """Read the turns of a conversation that an input holds, as JSON: [{"role", "content"}, …].

    Returns:
        User and assistant in turn, the user first; none for a blank text.

    Raises:
        DataError: it is no such list; the text says which turn.
    """
    if not text.strip():
        return []
    try:
        given: Any = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, list):
        raise DataError(
            f"{text[:60]!r} is no conversation: write its turns as JSON, "
            '[{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}].'
        )
    turns, items = list[Turn](), cast("list[object]", given)
    for number, item in enumerate(items, 1):
        turn: dict[str, Any] = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
        role, said = turn.get("role"), turn.get("content")
        wanted = ("user", "assistant")[len(turns) % 2]
        if role != wanted or not isinstance(said, str):
            raise DataError(
                f"Turn {number} of the conversation must be the {wanted}'s, with text as content; "
                f"it is {json.dumps(item, ensure_ascii=False)[:80]}. What a system turn says "
                "belongs into the prompt."
            )
        turns.append((wanted, said))
    return turns
