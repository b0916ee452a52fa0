"""The whole path of a Korean user, the tutorial's, from a CSV to a prompt, as it is told."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apo.language.catalogue import use
from tests.e2e.conftest import Done
from tests.e2e.told import ROOT
from tests.test_site import commands

PARTS = {
    "배송": ["{}이 아직 안 왔어요", "{}을 엉뚱한 집에 두고 갔어요", "{} 도착이 늦습니다"],
    "품질": ["{} 마감이 거칠어요", "{} 소재가 튼튼합니다", "{} 한 달 만에 고장 났어요"],
    "가격": ["{} 값이 올랐어요", "{} 할인이 안 됩니다", "{}이 다른 가게보다 비싸요"],
}
THINGS = ["책상", "가방", "화분", "이불", "찻잔", "등불", "연필꽂이"]
THREE_WORDS = re.compile("[A-Za-z]{2,}(?: [A-Za-z]{2,}){2}")
COMMAND = re.compile(r"apo [a-z].*|--[a-z-]+ \S+|\S*/\S*")
HANGUL = re.compile("[가-힣]")
TUTORIAL = ROOT / "docs/ko/튜토리얼.md"
OFFLINE = {"optimize": ["--max-calls", "300", "-o", "opro", "--no-track"],
           "estimate": ["--max-calls", "300"]}  # fmt: skip
"""What stands in the place of a limit in dollars."""


def typed(words: list[str]) -> list[str]:
    """A command of the tutorial, asked of the embedded model."""
    offline = ["embedded" if word.startswith("openai/") else word for word in words]
    if "--max-usd" in offline:
        at = offline.index("--max-usd")
        offline[at : at + 2] = OFFLINE[words[0]]
    return offline


@pytest.fixture
def korean(here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Run a command in a Korean locale, in a folder with a file of Korean reviews."""
    monkeypatch.setenv("APO_LANG", "")
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    monkeypatch.setenv("LANGUAGE", "")
    rows = [(text.format(thing), label) for label, texts in PARTS.items()
            for text in texts for thing in THINGS]  # fmt: skip
    with Path("후기.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("후기", "분류"), *rows])
    yield here
    use("")


def test_the_path_holds_no_english_sentence(
    korean: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ""

    def apo(*arguments: str, code: object = 0) -> Done:
        nonlocal told
        done = korean(*arguments)
        assert done.code in (code, None), done
        told += done.stdout + done.stderr
        return done

    help_ = apo("optimize", "--help").stdout
    assert "사용법: " in help_
    assert " … │" not in help_  # No word is cut off where a line of wide letters ends in a blank.
    assert "옵티마이저를 같은 조건에서 비교합니다" in apo("--help").stdout
    apo("optimze", code=2)
    walked = {tuple(words): typed(words) for words in commands(TUTORIAL) if words[0] != "ui"}
    done = {words[0]: apo(*walked[words]) for words in walked}
    assert {"init", "check", "estimate", "optimize", "show", "report", "export"} < done.keys()
    assert "사용: 호출 " in done["optimize"].stdout
    assert "라벨: " in apo("check", "후기분류").stdout
    assert "신뢰구간" in apo("show", "last").stdout
    apo("runs")
    apo("report", "last", "--out", "report.html")
    page = Path("report.html").read_text("utf-8")
    assert '<html lang="ko">' in page
    told += re.sub(r"<(svg|style).*?</\1>|<title>.*?</title>|<[^>]+>", "\n", page, flags=re.DOTALL)
    apo("show", "없는실행", code=1)
    apo("check", "없는과제", code=1)
    lines = [COMMAND.sub("", line) for line in told.splitlines()]
    assert not [line for line in lines if THREE_WORDS.search(line)]

    # What programs read, and what is kept, is the same in every language.
    document = json.loads(apo("show", "last", "--json").stdout)
    reasons = list(document["refused"]["reasons"])
    words = [document["outcome"], reasons, document["notes"], document["gap"]]
    words += [document["verdict"]["advice"]]
    assert not HANGUL.search(json.dumps(words, ensure_ascii=False))
    monkeypatch.setenv("APO_LANG", "en")
    assert "Spent " in apo("show", "last").stdout
