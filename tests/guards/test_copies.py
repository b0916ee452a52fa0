"""Rows of the data in an instruction: what is a copy, and what only sounds like one."""

from collections.abc import Iterator
from itertools import product

import pytest

from apo import Example
from apo.guards import copies as module
from apo.guards.copies import COMMON, Copies
from apo.prompts.folding import letters, rough, worth

LONG = (
    "My parcel was left with a neighbour whom I do not know, the courier did not ring, and when I "
    "went to fetch it yesterday nobody was at home, so please send another one."
)
KOREAN = "지난주에 주문한 커피 머신이 아직도 도착하지 않았는데 배송 조회에는 완료라고 나옵니다."
SHORT = "The app froze twice while I was paying for it."
SQL = "SELECT name, salary FROM employees WHERE salary > 4200 AND branch = 'Busan' ORDER BY name"
EXAMPLES = [
    Example({"text": LONG, "channel": "mail"}, ("delivery",)),
    Example({"text": KOREAN, "channel": "chat"}, ("배송",)),
    Example({"text": SHORT, "channel": "mail"}, ("bug in the payment of the mobile app",)),
    Example({"text": "Who earns more than 4200 in Busan?", "channel": "mail"}, (SQL,)),
]
COPIES = Copies(EXAMPLES, ["Sort the mails of a shop."])


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (f"Such as: {LONG}", LONG),
        (f"예: {KOREAN} 이런 글은 배송입니다.", KOREAN),
        (f'"{SHORT}" is a bug.', SHORT),
        (SHORT.upper().replace(" ", "\n * "), SHORT),  # However it is set.
        ("Say delivery when " + LONG[30:110], LONG),  # Some ten words of it.
        ("배송은 " + KOREAN[4:34], KOREAN),
        (LONG.replace("neighbour", "neighbor").replace("yesterday", "last week"), LONG),
        (KOREAN.replace("커피", "쿠키").replace("아직도", "아직"), KOREAN),
        (SHORT.replace("twice", "thrice"), SHORT),
        (f"Write queries like {SQL}.", SQL),  # A long target is a row, too.
    ],
)
def test_copied(text: str, row: str) -> None:
    assert COPIES.find(text) == row


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x", "\x00", "{{text}}", "🙂" * 100, "가" * 5000, "a" * 8000,
        "mail", "chat, mail: delivery, 배송", "bug in the payment of the mobile app",
        "Parcels that were left with a neighbour are delivery; an app that froze is a bug.",
        "주문한 물건이 아직 도착하지 않았으면 배송이라고 답하세요.",
        LONG[:40], KOREAN[:14], SHORT[:24],
        "When the courier did not ring, say delivery.",
        "SELECT name FROM employees",
    ],
)  # fmt: skip
def test_not_copied(text: str) -> None:
    assert COPIES.find(text) == ""


def test_what_stands_in_many_rows_belongs_to_none() -> None:
    opening = "Dear support team, I hope that this message finds you and your family well today. "
    rows = [Example({"text": f"{opening} Case {i}"}, ("a",)) for i in range(COMMON + 1)]
    assert Copies(rows, []).find(f"Skip openings such as: {opening}") == ""
    assert Copies(rows[:COMMON], []).find(f"Skip openings such as: {opening}") != ""


def test_what_the_task_says_itself_may_be_said_again() -> None:
    seed = f"Sort mails. For example: {LONG} That one is delivery."
    copies = Copies(EXAMPLES, [seed, KOREAN])
    assert copies.find(seed) == ""
    assert copies.find(seed.replace("Sort", "Classify").replace("parcel", "packet")) == ""
    assert copies.find(f"{KOREAN}은 배송") == ""
    assert copies.find(f"{seed} {SHORT}") == SHORT


def test_the_memory_is_bounded_and_the_first_rows_come_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_LETTERS", len(letters(LONG)))
    copies = Copies(EXAMPLES, [])
    assert copies.find(LONG) == LONG
    assert copies.find(SHORT) == ""


def words() -> Iterator[str]:
    for parts in product("bdfgklmnprst", "aeiou", "bdfgklmnprst", "aeiou"):
        yield "".join(parts)


def test_thousands_of_rows_are_looked_through_by_their_pieces() -> None:
    known = list(words())
    rows = [
        Example(
            {"text": " ".join(known[(i * 7 + j * (i % 97 + 1)) % 3600] for j in range(30))}, ("",)
        )
        for i in range(2000)
    ]
    copies = Copies(rows, [])
    assert copies.find(" ".join(known[::-3])) == ""
    assert copies.find(f"Like {rows[1234].inputs['text']}, say yes.") == rows[1234].inputs["text"]


def test_folding() -> None:
    assert letters("Ab, c-D 가나!\n3.5") == "abcd가나35"
    assert rough("  Text Number-0! ") == rough("text  number 0")
    assert rough("3 + 5") != rough("3 - 5")
    assert rough("3.5 kg") != rough("35 kg")
    assert rough("좋아요 🙂") != rough("좋아요 🙁")
    assert rough("…!?") == ""
    assert worth("abc") == 3
    assert worth("가나") == 5
