"""Keys stay out of terminal, journal and files, however a server spells them."""

import asyncio
from base64 import b32encode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from apo import Options, Result, aoptimize, secrecy
from apo.cli.console import notes, say, write_document
from apo.model import Completion, Request
from apo.models.address import Address
from apo.secrecy import is_secret, keep_secret, redact
from apo.storage.folder import find_run
from apo.storage.journal import Journal
from apo.storage.rows import Entry
from apo.testing import FakeModel, FakeOptimizerModel, fake_task

KEY = "sk-proj/7Hq2+wZ9xK4bT1"
SPELT = {
    "plain": KEY,
    "backwards": KEY[::-1],
    "with blanks": " ".join(KEY),
    "with dashes": "-".join(KEY),
    "in capitals": KEY.upper(),
    "in a URL": quote(KEY, safe=""),
    "in hexadecimal": KEY.encode().hex(),
    "backwards with blanks": " ".join(KEY[::-1]),
    "with blanks and dashes": " - ".join(KEY),
    "in a list": "', '".join(KEY),
    "on lines": "\n".join(KEY),
    "in base64": b64encode(KEY.encode()).decode(),
    "in base64 for URLs": urlsafe_b64encode(KEY.encode()).decode(),
    "in base32": b32encode(KEY.encode()).decode(),
    "in escapes of JSON": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "in some escapes of JSON": "".join(f"\\u{ord(c):04X}" if c in "skT/" else c for c in KEY),
    "in escapes of Python": "".join(f"\\x{ord(c):02x}" for c in KEY),
    "in decimal entities": "".join(f"&#{ord(c)};" for c in KEY),
    "in hexadecimal entities": "".join(f"&#x{ord(c):X};" for c in KEY),
    "in a URL, whole": "".join(f"%{ord(c):02X}" for c in KEY),
    "in hexadecimal with blanks": KEY.encode().hex(" "),
    "in hexadecimal with prefixes": ", ".join(f"0x{ord(c):02x}" for c in KEY),
}


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr("apo.secrecy._known", set[str]())
        keep_secret(KEY)
        yield
    # What was made of these secrets alone must not hide the next test's.
    secrecy._hiding.cache_clear()  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    written = StringIO()
    monkeypatch.setattr(notes, "_file", written)  # Its `file` would stay set.
    monkeypatch.setattr(notes, "width", 30)
    return written


@pytest.mark.parametrize("spelt", SPELT.values(), ids=SPELT)
def test_a_key_is_hidden_however_it_is_spelt(spelt: str, terminal: StringIO) -> None:
    assert redact(f"Your key {spelt} is wrong.") == "Your key *** is wrong."
    say(f"Your key {spelt} is wrong.")
    table = Table(box=None)
    table.add_row(Text(f"No: {spelt}"))
    notes.print(table, Panel(Text(f"No: {spelt}")))
    assert spelt[:12] not in terminal.getvalue().replace("\n", "")
    assert terminal.getvalue().count("***") == 3


@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode, b32encode])
def test_a_key_within_what_is_encoded_is_hidden(
    encode: Callable[[bytes], bytes], before: int
) -> None:
    for after in range(5):
        told = encode(b"a" * before + KEY.encode() + b"b" * after).decode()
        shown = redact(f"It is {told}.")
        assert "***" in shown
        assert len(shown) < 25  # What is left of the text around it.


@pytest.mark.parametrize(
    "text",
    [
        "100% of &#39;cards&#39; cost 5\\u20ac, as \\xe9t\\xe9 says: %20.",
        b64encode(b"some other text that is no key at all").decode(),
        f"The first half is {KEY[:11]} and then {KEY[11:]}",  # As docs/security.md says.
    ],
    ids=["escapes", "base64", "halves"],
)
def test_what_is_no_key_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("name", ["OTHER_API_KEY", "MY_TOKEN", "DB_PASSWORD"])
def test_a_variable_that_is_set_or_changed_later_is_known(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("first-secret-value-1", "other-secret-value-2"):
        assert redact(value) == value
        monkeypatch.setenv(name, value)
        assert redact(value) == "***"


@pytest.mark.parametrize("word", ["negative", "not-needed", "ollama", "EMPTY", "correcthorse"])
def test_a_word_is_no_secret_though_somebody_takes_it_for_a_key(word: str) -> None:
    keep_secret(word)
    assert not is_secret(word)
    assert redact(f"It is {word}.") == f"It is {word}."


def test_a_login_in_a_url_is_shown_nowhere_but_kept_in_answers(
    terminal: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    say("task · auto · http://user:PW@host/v1#m")
    assert "PW" not in terminal.getvalue()
    assert "http://***@host" in terminal.getvalue()
    write_document("ftp://bob@example.com is the answer")
    assert capsys.readouterr().out == "ftp://bob@example.com is the answer"


def test_addresses_and_the_environment_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    login = Address(name="m", model="m", url="http://h", key="user:Tr0ub4dor3", scheme="basic")
    Address(name="m", model="m", url="http://h", extra={"X-Gateway": "gateway-secret-value"})
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef")
    told = "Tr0ub4dor3, gateway-secret-value, 0123456789abcdef"
    assert redact(told) == "***, ***, ***"
    assert redact(login.headers["Authorization"]) == "Basic ***"


def test_what_is_kept_is_what_is_returned(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.db") as journal:
        entry = Entry("k", "task", "m", f"note {KEY}", f"billing {KEY}", "", thinking=KEY)
        kept = journal.add(entry)
        assert (kept.reply, kept.thinking) == ("billing ***", "***")
        assert journal.find("k") == kept
        journal.note("lost", "k", {"tokens": 1, "usd": 0.0, "said": f'"{KEY}"'})
        assert next(journal.events()).body["said"] == '"***"'
    with Journal(tmp_path / "journal.db") as again:  # The checksums are of what is kept.
        assert again.find("k") == kept
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.iterdir())


class Echo(FakeModel):
    """Answers, and shows its key after that."""

    async def complete(self, request: Request) -> Completion:
        found = await super().complete(request)
        return found._replace(text=f"{found.text} {KEY}")


def test_an_answer_that_shows_the_key_is_kept_without_it_and_scored_alike_on_resume(
    tmp_path: Path,
) -> None:
    def run(name: str | None = None) -> Result:
        given: dict[str, Any] = {"model": Echo(), "optimizer_model": FakeOptimizerModel()}
        options = Options(track=False)
        return asyncio.run(
            aoptimize(
                fake_task(), "random-search", options=options, home=tmp_path, run=name, **given
            )
        )

    first = run()
    again = run(first.run_id)
    assert (again.best, again.verdict, again.spent) == (first.best, first.verdict, first.spent)
    files = [path for path in find_run("last", tmp_path).path.iterdir() if path.is_file()]
    assert {"journal.db", "test.jsonl", "result.json"} <= {path.name for path in files}
    assert all(KEY.encode() not in path.read_bytes() for path in files)
    assert "***" in (find_run("last", tmp_path).path / "test.jsonl").read_text()
