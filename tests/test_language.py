"""Messages in the user's language: found in the catalogue, whole, and with the right particles."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from string import Formatter
from typing import Any

import pytest

from apo.cli.console import results, tell_pairs
from apo.drafting.as_yaml import dump
from apo.language.catalogue import shape, translated, use, wished
from apo.language.particles import opened, with_particles
from experiments import messages

LACKING, DRIFT = 0.05, 0.02
"""Shares of messages that may lack a translation, and that may be new or gone: others write too."""


@pytest.fixture
def korean(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    monkeypatch.setenv("LANGUAGE", "")  # Which `use` sets for libraries.
    use("ko_KR.UTF-8")
    yield translated
    use("")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("프롬프트을(를)", "프롬프트를"),
        ("모델을(를)", "모델을"),
        ("서울(으)로", "서울로"),
        ("집(으)로", "집으로"),
        ("'값'이(가)", "'값'이"),
        ("3은(는) 5은(는)", "3은 5는"),
        ("12.5 %을(를)", "12.5 %를"),
        ("json과(와) xml과(와)", "json과 xml과"),
        ("'TASK'이(가) book이(가)", "'TASK'가 book이"),
    ],
)
def test_a_particle_fits_the_sound_before_it(written: str, read: str) -> None:
    assert with_particles(opened(written)) == read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Not proven", "입증 안 됨"),
        (
            "With 1 test example no gain can be seen.",
            "테스트 예시 1개로는 어떤 개선도 볼 수 없습니다.",
        ),
        (
            "There is no column 'text'. Give --json or --csv, not both.",
            "'text' 열이 없습니다. --json과 --csv 중 하나만 주세요.",
        ),
        (
            "Favourable: 1.0 % → 2.0 %, +1.0 points on 9 test examples in 3 groups, 95 % interval "
            "+0.1 to +2.0, p = 0.01; 2 won, 0 lost.",
            "개선 입증: 테스트 예시 9개 (그룹 3개)에서 1.0 % → 2.0 %, +1.0포인트, 95 % 신뢰구간 "
            "+0.1~+2.0, p = 0.01. 2건 나아짐, 0건 나빠짐.",
        ),
        (
            "9.0 % on validation, 5.0 % on test (95 % interval 4.0 to 6.0): of the gap of 4 "
            "points, choosing the best of 3 prompts on 8 examples explains hardly any.",
            "검증 9.0 %, 테스트 5.0 % (95 % 구간 4.0~6.0): 차이 4포인트를 예시 8개로 "
            "프롬프트 3개 중 최고를 고른 것으로는 거의 설명할 수 없습니다.",
        ),
        (
            "With 9 test examples a gain under about 40 points may well stay unseen; to see 0.8 "
            "points takes about 22,000.",
            "테스트 예시 9개로는 약 40포인트보다 작은 개선은 드러나지 않을 수 있습니다. "
            "0.8포인트를 보려면 약 22,000개가 필요합니다.",
        ),
        (
            "9.0 % on validation, 5.0 % on test (95 % interval 4.0 to 6.0): of the gap of 4 "
            "points, about 3 are what choosing the best of 3 prompts on 8 examples brings. Of 3 "
            "prompts of which none is better than the seed, the best would look this good on "
            "validation in 16 % of resamples.",
            "검증 9.0 %, 테스트 5.0 % (95 % 구간 4.0~6.0): 차이 4포인트 중 약 3은 예시 8개로 "
            "프롬프트 3개 중 최고를 고른 것에서 옵니다. 초기 프롬프트보다 나은 것이 없는 프롬프트 "
            "3개 중에서도 최고는 재표본 추출의 16 %에서 검증 점수가 이만큼 좋아 보입니다.",
        ),
        (
            "1 of 34 proposals and replies of the optimizer model was refused: the reply has no "
            "<instruction> tags (1).",
            "옵티마이저 모델의 제안과 응답 34개 중 1개가 거부되었습니다: "
            "응답에 <instruction> 태그가 없습니다 (1).",
        ),
        ("low tokens", "적은 토큰"),
        ("There is no column input.", "input 열이 없습니다."),  # No word of apo's, but a name.
        ("There is no column 은(는).", "은(는) 열이 없습니다."),
        ("Nothing here is apo's.", "Nothing here is apo's."),
        (
            "nsmc · auto · embedded · done · 225 calls, 27,537 tokens, $0.0000, 0:01",
            "nsmc · auto · embedded · 완료 · 호출 225회, 27,537토큰, $0.0000, 0:01",
        ),
    ],
)  # fmt: skip
def test_words_of_apo_are_told_in_korean(
    text: str, told: str, korean: Callable[[str], str]
) -> None:
    assert korean(text) == told


def test_no_line_of_wide_letters_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(results, "_width", 20)
    tell_pairs([("확인", "더 작은 개선은 더 드물게 입증됩니다.", "")])
    told = capsys.readouterr().out
    assert "…" not in told
    assert "".join(told.split()) == "확인더작은개선은더드물게입증됩니다."


def test_a_draft_says_in_the_users_language_where_its_keys_are_explained(
    korean: Callable[[str], str],
) -> None:
    head, rest = dump({"name": "a", "scorer": "label_set"}).split("\n", 1)
    assert head == "# `apo init`이 쓴 초안입니다. 키는 docs/tasks.md에서 설명합니다."
    assert rest.startswith("# 정답은 라벨의 집합이며")
    assert rest.endswith("\n{name: a, scorer: label_set}\n")


def test_the_environment_names_the_language() -> None:
    assert wished({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}) == "C"
    assert wished({"APO_LANG": "ko", "LC_ALL": "C"}) == "ko"
    assert wished({"APO_LANG": ""}) == ""
    assert not use("eo_XX.UTF-8")
    assert translated("Not proven") == "Not proven"


@pytest.fixture(scope="module")
def catalogue() -> Any:
    (path,) = messages.catalogues()
    return messages.read(path)


def test_the_catalogue_has_each_message_of_the_code_and_no_other(catalogue: Any) -> None:
    kept, said = {message.id for message in catalogue if message.id}, set(messages.gathered())
    mend = "run python -m experiments.messages, and translate what has an empty msgstr"
    assert len(kept ^ said) <= DRIFT * len(said), (mend, kept ^ said)
    (path,) = messages.catalogues()
    assert path.with_suffix(".mo").read_bytes() == messages.compiled(catalogue), mend


def test_a_translation_has_the_places_of_its_message(catalogue: Any) -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    for message in catalogue:
        if message.id and message.string and "}" not in message.id.replace("}}", ""):
            assert "{" not in message.string.replace("{{", ""), message.string
        elif message.id and message.string:
            assert places(message.string) <= places(message.id), message.string
        assert unicodedata.is_normalized("NFC", message.string), message.string


def test_nearly_all_is_translated(catalogue: Any) -> None:
    lacking = [message.id for message in catalogue if message.id and not message.string]
    assert len(lacking) <= LACKING * len(catalogue), lacking[:20]


def test_an_instance_of_a_message_is_taken_for_no_other(catalogue: Any) -> None:
    made = {m.id: shape(m.id, m.id) for m in catalogue if m.id and "{" in m.id and "%" not in m.id}
    shapes = sorted(filter(None, made.values()), key=lambda one: -one.weight)
    wrong: list[tuple[str, str]] = []
    for text in made:
        names = {n for _, n, _, _ in Formatter().parse(text) if n}
        values = {n: "" if n.rstrip("0123456789") == "s" else f"7{i}" for i, n in enumerate(names)}
        if "" not in names and made[text] is not None:
            told = text.format(**values)
            first = next(one for one in shapes if one.text in told and one.fits(told))
            same = re.sub(r"{\w+}", "", first.told) == re.sub(r"{\w+}", "", text)
            wrong += [] if same else [(text, first.told)]
    assert not wrong
