"""A first seed prompt for a draft, in the language of the data, as a colleague might write it."""

from collections.abc import Sequence

_ENGLISH = {
    "choice": "Read the {inputs} and give its {target}. It is one of: {details}.\n",
    "label_set": "Read the {inputs} and give all {target} that apply, out of: {details}. Answer "
    "with nothing else, in this form: {example}\n",
    "set": "Read the {inputs} and list all {target}. Answer with nothing else, in this form: "
    "{example}\n",
    "multiple_choice": "Read the {inputs} and choose the right option. Answer with its mark alone, "
    "as it stands before the option.\n",
    "numeric": "Read the {inputs} and give the {target} as a number.\n",
    "date": "Read the {inputs} and give the {target}. Answer with nothing else.\n",
    "json": "Read the {inputs} and give the {target} as JSON with these keys: {details}.\n",
    "exact": "Read the {inputs} and give the {target}. Answer with nothing else.\n",
    "f1": "Read the {inputs} and write the {target}.\n",
}
_KOREAN = {
    "choice": "다음 {inputs}{object} 읽고 {target}{of_target} 골라 주세요. 가능한 답: {details}\n",
    "label_set": "다음 {inputs}{object} 읽고 해당하는 {target}{of_target} 모두 골라 주세요. "
    "가능한 답: {details}\n다른 말 없이 다음 형식으로 답해 주세요: {example}\n",
    "set": "다음 {inputs}{object} 읽고 {target}{of_target} 모두 찾아 다른 말 없이 다음 형식으로 "
    "답해 주세요: {example}\n",
    "multiple_choice": "다음 {inputs}{object} 읽고 알맞은 보기를 하나 골라 주세요. 보기 앞의 "
    "기호만 답해 주세요.\n",
    "numeric": "다음 {inputs}{object} 읽고 {target}{of_target} 숫자로 답해 주세요.\n",
    "date": "다음 {inputs}{object} 읽고 {target}만 짧게 답해 주세요.\n",
    "json": "다음 {inputs}{object} 읽고 {target}{of_target} JSON으로 써 주세요. 키: {details}\n",
    "exact": "다음 {inputs}{object} 읽고 {target}만 짧게 답해 주세요.\n",
    "f1": "다음 {inputs}{object} 읽고 {target}{of_target} 작성해 주세요.\n",
}


def spoken(column: str) -> str:
    """What a column is called in a sentence: of a path the last step that says something."""
    *_, before, last = ("", *column.split("."))
    return before if before and last in ("text", "value", "name", "label") else last or column


def seed_prompt(
    scorer: str,
    language: str,
    inputs: Sequence[str],
    target: str,
    details: Sequence[str],
    example: str = "",
) -> str:
    """Write a plain prompt.

    Args:
        scorer: the name of the scorer, which says what kind of answer is wanted.
        language: "ko" gives Korean, everything else English.
        inputs: names of the input fields.
        target: name of the target.
        details: the labels or keys to name.
        example: an answer of several items, for scorers of such.
    """
    texts = _KOREAN if language == "ko" else _ENGLISH
    joined = ", ".join(inputs) if language == "ko" else " and ".join(inputs)
    words = {"inputs": joined, "target": spoken(target), "details": ", ".join(details)}
    words |= {
        "example": example,
        "object": _object_particle(joined),
        "of_target": _object_particle(target),
    }
    text = texts[scorer]
    for name, word in words.items():  # Not str.format: a column's name may hold braces.
        text = text.replace(f"{{{name}}}", word)
    return text


def _object_particle(word: str) -> str:
    """을 after a final consonant, 를 after a vowel, both where the word is not Hangul."""
    last = word[-1:]
    if not "가" <= last <= "힣":
        return "을(를)"
    return "을" if (ord(last) - ord("가")) % 28 else "를"
