"""The failure table in words, of bounded length: for people and for the writer of prompts."""

from collections.abc import Iterable, Mapping, Sequence

from apo.failures.counting import SHAPES
from apo.failures.table import FailureTable
from apo.failures.words import Word
from apo.results.constants import MALFORMED, OTHER, UNANSWERED

MAX_CHARS = 3_000
"""Of a page: what comes last is left out."""
MAX_LINES = 10
"""Of a section."""

_KOREAN: Mapping[str, str] = {
    "{n} answers: {told}. Mean score {mean} %.": "답 {n}개: {told}. 평균 점수 {mean} %.",
    "right": "정답",
    "wrong": "오답",
    "malformed": "형식 오류",
    "refused": "거절",
    "error": "채점 불가",
    "Wanted → said instead:": "원한 답 → 대신 나온 답:",
    "{n} {name}": "{name} {n}",
    "{n} of {of}": "{of}개 중 {n}개",
    "Said too often: {told}.": "너무 자주 나온 답: {told}.",
    "{label} (said {n} times, wanted {of} times)": "{label} ({n}번 나옴, {of}번 원함)",
    "Words that the inputs of an answer hold and others seldom do:": (
        "그 답이 맞는 입력에는 있고 다른 입력에는 드문 단어:"
    ),
    "Wrong answers to several inputs:": "여러 입력에 나온 오답:",
    "What was wrong with the answers:": "답에서 잘못된 점:",
    "Errors of form:": "형식 오류:",
    "Words in inputs that fail and hardly in others: {told}.": (
        "틀린 입력에 많고 다른 입력에 드문 단어: {told}."
    ),
    "{word} ({n} of {of})": "{word} ({of}개 중 {n}개)",
    "Inputs that fail have {bad} words at the median, the others {good}.": (
        "틀린 입력의 길이는 중앙값 {bad}단어, 나머지는 {good}단어."
    ),
    "What no right answer holds: {told}.": "정답에는 한 번도 없는 것: {told}.",
    "{what} (in {n} wrong ones)": "{what} (오답 {n}개)",
    "The longest right answer has {longest} words; {n} wrong ones are longer.": (
        "가장 긴 정답은 {longest}단어이고, 오답 {n}개가 그보다 깁니다."
    ),
    "Fails more than the rest: {told}.": "나머지보다 많이 틀림: {told}.",
    "{column} {value} ({n} of {of})": "{column} {value} ({of}개 중 {n}개)",
    "No answer is wrong.": "틀린 답이 없습니다.",
    MALFORMED: "(형식 오류)",
    OTHER: "(다른 답)",
    UNANSWERED: "(답 없음)",
    "line breaks": "줄 바꿈",
    "bold or headings": "굵은 글씨나 제목",
    "a code fence": "코드 블록",
    "braces": "중괄호",
    "a colon": "쌍점",
    "a question": "물음표",
    "nothing": "빈 답",
}


def page(table: FailureTable, language: str = "en") -> str:
    """Tell a table.

    No line holds more of a row than words that several rows share: none can be copied from here
    that the contract of candidates would refuse.

    Args:
        table: the table.
        language: BCP 47 code; Korean is told in Korean, all others in English.

    Returns:
        At most `MAX_CHARS` characters.
    """
    say = _Korean() if language.split("-")[0] == "ko" else _English()
    lines: list[str] = []
    length = 0
    for line in _lines(table, say):
        length += len(line) + 1
        if length > MAX_CHARS:
            break
        lines.append(line)
    return "\n".join(lines)


class _English:
    """Says a sentence with what fills it."""

    def __call__(self, sentence: str, **values: object) -> str:
        return self.form(sentence).format(**values) if values else self.form(sentence)

    def form(self, sentence: str) -> str:
        return sentence


class _Korean(_English):
    def form(self, sentence: str) -> str:
        return _KOREAN.get(sentence, sentence)


def _lines(table: FailureTable, say: _English) -> Iterable[str]:
    counted = ", ".join(
        say("{n} {name}", n=n, name=say(name)) for name, n in table.counts.items() if n
    )
    yield say(
        "{n} answers: {told}. Mean score {mean} %.",
        n=sum(table.counts.values()),
        told=counted,
        mean=round(100 * table.mean),
    )
    if sum(table.counts.values()) == table.counts["right"]:
        yield say("No answer is wrong.")
    confusions = [
        f"- {c.wanted} → {say(c.said)}: {say('{n} of {of}', n=c.n, of=c.of)}"
        for c in table.confusions
    ]
    yield from _section(say("Wanted → said instead:"), confusions)
    often = [
        say("{label} (said {n} times, wanted {of} times)", label=label, n=n, of=of)
        for label, n, of in table.said_too_often
    ]
    yield from _sentence(say, "Said too often: {told}.", often)
    words = [f"- {label}: {_listed(found)}" for label, found in table.label_words.items()]
    title = say("Words that the inputs of an answer hold and others seldom do:")
    yield from _section(title, words, 2 * MAX_LINES)
    yield from _counted(say("Wrong answers to several inputs:"), table.answers)
    yield from _counted(say("What was wrong with the answers:"), table.complaints)
    yield from _counted(say("Errors of form:"), table.form_errors)
    yield from _of_rows(table, say)


def _of_rows(table: FailureTable, say: _English) -> Iterable[str]:
    """What inputs and answers that fail have in common."""
    inputs = [say("{word} ({n} of {of})", word=w.text, n=w.n, of=w.of) for w in table.input_words]
    yield from _sentence(say, "Words in inputs that fail and hardly in others: {told}.", inputs)
    if table.input_length:
        bad, good = table.input_length
        sentence = "Inputs that fail have {bad} words at the median, the others {good}."
        yield say(sentence, bad=bad, good=good)
    held = [(say(name), n) for name, n in table.answer_shapes if name in SHAPES]
    held += [(f'"{word.text}"', word.n) for word in table.answer_words]
    never = [say("{what} (in {n} wrong ones)", what=what, n=n) for what, n in held]
    yield from _sentence(say, "What no right answer holds: {told}.", never)
    if table.longest_right:
        longest, n = table.longest_right
        sentence = "The longest right answer has {longest} words; {n} wrong ones are longer."
        yield say(sentence, longest=longest, n=n)
    groups = [
        say("{column} {value} ({n} of {of})", column=s.column, value=s.value, n=s.n, of=s.of)
        for s in table.slices
    ]
    yield from _sentence(say, "Fails more than the rest: {told}.", groups)


def _listed(words: Iterable[Word]) -> str:
    return ", ".join(word.text for word in words)


def _section(title: str, lines: Sequence[str], most: int = MAX_LINES) -> Iterable[str]:
    if lines:
        yield from ("", title, *lines[:most])


def _counted(title: str, found: Iterable[tuple[str, int]]) -> Iterable[str]:
    yield from _section(title, [f"- {text} ({n})" for text, n in found])


def _sentence(say: _English, sentence: str, told: Sequence[str]) -> Iterable[str]:
    if told:
        yield from ("", say(sentence, told=", ".join(told[:MAX_LINES])))
