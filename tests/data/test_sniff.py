"""Encodings and delimiters are found out from what stands in a file, under any name."""

from pathlib import Path

import pytest

from apo.data.sniff import find_delimiter, find_encoding
from apo.drafting.draft import draft_task
from apo.drafting.format import Wanted
from apo.drafting.write import write_draft
from apo.errors import DataError
from apo.taskfile.load import load_task

TEXTS = {
    "utf-8": "Größe für Käse",
    "utf-8-sig": "Größe für Käse",
    "utf-16": "배송이 빨라요",
    "utf-16-le": "Size of cheese",
    "utf-16-be": "Size of cheese",
    "utf-32": "Size of cheese",
    "cp949": "배송이 빨라요",
    "cp1252": "naïve café “quoted” – ça coûte 5 €",
    "latin-1": "El niño comió piñas en España",
    "shift_jis": "配送がとても早かったです",
    "euc_jp": "配送がとても早かったです",
    "gb18030": "物流很快，包装也很好，非常满意，下次还会再来购买",
    "cp1251": "очень хорошо, мне понравилось",
    "cp1256": "الضوضاء في الشارع شديدة جدا منذ أسبوع ولا أستطيع النوم",
}
SIGNS = {",": "d.txt", ";": "d.csv", "\t": "d.csv", "|": "d.dat"}


def table(sign: str, text: str = "well, it") -> str:
    kind = ("bug", "ask")
    mark = '"' if sign in text else ""
    rows = [sign.join([f"{mark}{text} said {i}{mark}", kind[i % 2]]) for i in range(60)]
    return "\n".join([sign.join(["text", "kind"]), *rows, ""])


@pytest.mark.parametrize("encoding", TEXTS)
def test_every_text_is_read_as_it_was_written(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(table(";", TEXTS[encoding]).encode(encoding))
    task = load_task(write_draft(draft_task("t", path), tmp_path / "t"))
    assert TEXTS[encoding] in task.train[0].inputs["text"]
    assert task.labels == ("ask", "bug")


@pytest.mark.parametrize("encoding", ["gb18030", "cp1251", "latin-1"])
def test_a_guess_is_called_one(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(table(";", TEXTS[encoding]).encode(encoding))
    assert any("is a guess: look" in line for line in draft_task("t", path).explanations)


def test_a_wrong_encoding_that_was_given_is_told(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(table(",", "für").encode("cp1252"))
    with pytest.raises(DataError, match="to apo init, --encoding cp949"):
        draft_task("t", path, Wanted(encoding="utf-8"))


@pytest.mark.parametrize("sign", SIGNS)
def test_every_delimiter_is_found_under_any_name(sign: str, tmp_path: Path) -> None:
    path = tmp_path / SIGNS[sign]
    path.write_text(table(sign), encoding="utf-8")
    assert find_delimiter(path, "utf-8") == sign
    task = load_task(write_draft(draft_task("t", path), tmp_path / "t"))
    assert task.train[0].inputs["text"].startswith("well, it said")


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a\nb, c\nd\n", None),  # One column, whose texts have commas.
        ("a;b\n1,5;x\n2,5;y\n", ";"),  # Decimal commas are as many as semicolons.
        ('a,b\n"x; y\nz",1\n"u; v",2\n', ","),
        ("", None),
        ("a,b\n1\n", None),
        ('a,b\n"open', None),
    ],
)
def test_only_what_parts_all_records_alike_is_a_delimiter(
    text: str, sign: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "d"
    path.write_text(text, encoding="utf-8")
    assert find_delimiter(path, "utf-8") == sign


def test_a_file_that_is_no_text_has_neither(tmp_path: Path) -> None:
    path = tmp_path / "d"
    path.write_bytes(b"\x89PNG\0\0\x01" * 50)
    assert find_encoding(path) == "utf-8"
    assert find_delimiter(path, "utf-8") is None


def test_what_the_user_says_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(table(";", "für").encode("cp1252"))
    wanted = Wanted(encoding="cp1250", delimiter=";", target="kind")
    draft = draft_task("t", path, wanted)
    assert draft.encoding == "cp1250"
    assert not any("guess" in line for line in draft.explanations)
