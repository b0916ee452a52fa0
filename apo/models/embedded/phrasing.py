"""Writes rules down as an instruction, in English or Korean; `reading.read` reads it back."""

import re
from collections.abc import Mapping
from random import Random

from apo.models.embedded.rules import Kind, Rules

Wordings = Mapping[str, tuple[str, ...]]

ENGLISH: Wordings = {
    "classify": (
        "Classify the text. The answer is one of: {names}.",
        "Read the text and choose one of: {names}.",
        "Decide which one of these labels fits the text: {names}.",
    ),
    "extract": (
        "Extract these fields from the text and answer in JSON with the keys {names}.",
        "Read the text and give a JSON object with the keys {names}.",
    ),
    "compute": (
        "Work out the number that the question asks for.",
        "Solve the word problem: find the numbers and apply an operation to them.",
    ),
    "cues": (
        "These words point to each:",
        "Look for these words:",
        "Typical words are listed here:",
    ),
    "otherwise": (
        "If none of these words appears, answer {otherwise}.",
        "When unsure, answer {otherwise}.",
    ),
    "negation": ("A negation next to a word reverses it.",),
    "precedence": ("Multiply and divide before adding and subtracting.",),
    "upper": ("Write the answer in upper case.",),
    "lower": ("Write the answer in lower case.",),
    "json_key": ('Give the answer as JSON: {"{json_key}": "…"}',),
    "tag": ("Put the answer inside <{tag}> tags.",),
    "marker": ('Give the answer after "{marker}".',),
    "classify form": (
        "Answer with the label only.",
        "Reply with the label alone and nothing else.",
    ),
    "extract form": ("Return only the JSON object.", "Reply with the JSON alone and nothing else."),
    "compute form": ("Answer with the number only.", "Give the number alone, no explanation."),
}
KOREAN: Wordings = {
    "classify": (
        "글을 읽고 다음 중 하나로 분류하세요: {names}.",
        "다음 중 글에 맞는 라벨을 고르세요: {names}.",
        "아래 글이 어디에 속하는지 판단하세요. 가능한 답: {names}.",
    ),
    "extract": (
        "글에서 다음 필드: {names}. 이 값을 찾아 JSON으로 추출하세요.",
        "글을 읽고 다음 키: {names}. 이 키로 JSON 객체를 만드세요.",
    ),
    "compute": (
        "문제를 읽고 묻는 숫자를 계산하세요.",
        "글에 있는 수를 찾아 알맞게 계산해 숫자를 구하세요.",
    ),
    "cues": (
        "각 항목을 가리키는 단어입니다.",
        "다음 단어를 살펴보세요.",
        "자주 나오는 단어입니다.",
    ),
    "otherwise": (
        "이런 단어가 없으면 {otherwise}으로 답하세요.",
        "애매하면 {otherwise}으로 답하세요.",
    ),
    "negation": ("부정어가 곁에 있으면 뜻을 뒤집으세요.",),
    "precedence": ("곱하기와 나누기를 먼저 하세요.",),
    "upper": ("답은 대문자로 쓰세요.",),
    "lower": ("답은 소문자로 쓰세요.",),
    "json_key": ('답은 JSON으로 쓰세요: {"{json_key}": "…"}',),
    "tag": ("답을 <{tag}> 태그 안에 쓰세요.",),
    "marker": ('"{marker}" 다음에 답을 쓰세요.',),
    "classify form": ("라벨만 답하세요.", "설명 없이 라벨만 쓰세요."),
    "extract form": ("JSON만 출력하세요.", "설명 없이 JSON만 쓰세요."),
    "compute form": ("숫자만 답하세요.", "설명 없이 숫자만 쓰세요."),
}
_SLOT = re.compile(r"\{(\w+)\}")
_OPERATION_NAMES = {
    "add": "더하기",
    "subtract": "빼기",
    "multiply": "곱하기",
    "divide": "나누기",
    "ignore": "무시",
}
_KIND_NAMES: Mapping[Kind, tuple[str, str]] = {
    "integer": ("integer", "정수"),
    "date": ("date", "날짜"),
    "name": ("name", "이름"),
    "text": ("text", "글"),
}


def render(rules: Rules, *, korean: bool, rng: Random | None = None) -> str:
    """Write rules down as an instruction.

    Args:
        rules: of the work "classify", "extract" or "compute".
        korean: write Korean instead of English.
        rng: draws the wordings; None takes the first of each.
    """
    wordings = KOREAN if korean else ENGLISH

    slots = {
        "names": ", ".join(rules.names),
        "otherwise": rules.otherwise,
        "json_key": rules.form.json_key,
        "tag": rules.form.tag,
        "marker": rules.form.marker,
    }

    def say(part: str) -> str:
        said = rng.choice(wordings[part]) if rng else wordings[part][0]
        return _SLOT.sub(lambda slot: slots[slot[1]], said)

    bullets = [line for name in rules.names if (line := _bullet(rules, name, korean=korean))]
    stated = {
        "otherwise": bool(rules.otherwise),
        "negation": rules.negation,
        "precedence": rules.precedence,
        rules.form.case: bool(rules.form.case),
        "json_key": bool(rules.form.json_key),
        "tag": bool(rules.form.tag),
        "marker": bool(rules.form.marker),
        f"{rules.work} form": rules.form.bare,
    }
    lines = [say(rules.work), *([say("cues"), *bullets] if bullets else [])]
    end = " ".join(say(part) for part, wanted in stated.items() if wanted)
    return "\n".join([*lines, end] if end else lines)


def _bullet(rules: Rules, name: str, *, korean: bool) -> str:
    cues = ", ".join(rules.cues.get(name, ()))
    if rules.work == "compute":
        head = _OPERATION_NAMES[name] if korean else name
        return f"- {head}: {cues}" if cues else ""
    if rules.work == "classify":
        return f"- {name}: {cues}" if cues else ""
    kind = rules.kinds.get(name, "text")
    about = _KIND_NAMES[kind][korean]
    if kind == "date" and rules.iso_dates:
        about += " YYYY-MM-DD"
    if name in rules.nulls:
        about += " 또는 null" if korean else " or null"
    bad = ", ".join(rules.against.get(name, ()))
    near = f"; {'근처' if korean else 'near'}: {cues}" if cues else ""
    far = f"; {'제외' if korean else 'not near'}: {bad}" if bad else ""
    return f"- {name}: {about}{near}{far}"
