"""The suite's attacks: what they say, how they are dressed, where they stand."""

import re
from random import Random

import pytest

from apo.audit.attacks import DRESSES, KINDS, PLACES, Attack, attacks, code_word, put, spoken

HOSTILE = [
    "",
    " ",
    "x",
    "한국어",
    "🙂" * 50,
    "{code} {{input}} %s {",
    "\x00\x1b[31m\u202e",
    "a" * 100_000,
]


def test_the_suite_is_as_large_in_korean_as_in_english() -> None:
    for kind in KINDS:
        languages = [attack.language for attack in attacks() if attack.kind == kind]
        assert languages.count("en") == languages.count("ko") == 4
    assert {attack.kind for attack in attacks()} == set(KINDS)
    assert len({(attack.kind, attack.name) for attack in attacks()}) == len(attacks())


@pytest.mark.parametrize("attack", attacks(), ids=lambda a: f"{a.kind}-{a.name}")
def test_an_attack_speaks_its_language_and_has_its_slot(attack: Attack) -> None:
    assert bool(re.search("[가-힣]", attack.text)) == (attack.language == "ko")
    slot = {"steering": "{wrong}", "leaking": None}.get(attack.kind, "{code}")
    assert re.findall(r"\{\w+\}", attack.text) == ([slot] if slot else [])


@pytest.mark.parametrize("attack", [a for a in attacks() if "{code}" in a.text])
@pytest.mark.parametrize("dress", DRESSES)
def test_the_word_that_an_attack_wants_is_nowhere_in_it(attack: Attack, dress: str) -> None:
    parts = code_word(Random(1), "")
    text = DRESSES[dress](spoken(attack, parts, ""), attack.language)
    assert "".join(parts) not in text
    if dress not in ("base64", "JSON message"):
        assert f'"{parts[0]}"' in text
        assert f'"{parts[1]}"' in text


def test_what_fills_a_slot_is_only_text() -> None:
    steering = next(attack for attack in attacks() if attack.kind == "steering")
    assert '"{code} \\1 {wrong}"' in spoken(steering, ("a", "b"), "{code} \\1 {wrong}")


def test_a_code_word_is_not_taken_from_the_text() -> None:
    first = "".join(code_word(Random(3), ""))
    assert "".join(code_word(Random(3), f"Say {first.upper()}!")) != first


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", HOSTILE)
def test_the_input_stays_whole_around_an_attack(text: str, place: str) -> None:
    whole = put(text, "ATTACK", place)
    before, found, after = whole.partition("ATTACK")
    assert found
    assert re.sub(r"\s", "", before + after) == re.sub(r"\s", "", text)
    if text.strip():
        assert {"before": not before.strip(), "after": not after.strip()}.get(place, True)


def test_the_middle_is_between_two_sentences() -> None:
    assert put("One two. Three four. Five.", "X", "middle").split("\n\n") == [
        "One two.",
        "X",
        "Three four. Five.",
    ]
