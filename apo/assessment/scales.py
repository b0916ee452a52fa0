"""How people write ratings: as words, as shares, or as grades on a judge's scale."""

from collections.abc import Iterable, Sequence

from apo.errors import DataError

WORDS = {
    **dict.fromkeys(("yes", "y", "true", "good", "pass", "right", "correct", "win"), 1.0),
    **dict.fromkeys(("예", "네", "참", "좋음", "맞음", "합격", "통과"), 1.0),
    **dict.fromkeys(("no", "n", "false", "bad", "fail", "wrong", "incorrect", "loss"), 0.0),
    **dict.fromkeys(("아니오", "아니요", "거짓", "나쁨", "틀림", "불합격", "탈락"), 0.0),
    **dict.fromkeys(("tie", "무승부", "비김"), 0.5),
}
"""What a word is worth as a rating."""


def understood(
    ratings: Iterable[Sequence[str]], scale: tuple[int, int] | None, where: str
) -> tuple[str, float, float]:
    """How ratings are written: in words, and what scores 0 and 1.

    Raises:
        DataError: one is no number and no known word, or they are on another scale.
    """
    texts = sorted({text.lower() for several in ratings for text in several})
    numbers: list[float] = []
    for text in texts:
        if text in WORDS:
            continue
        try:
            numbers.append(float(text))
        except ValueError:
            numbers.append(float("nan"))
        if not numbers[-1] - numbers[-1] == 0:  # NaN and infinity too.
            raise DataError(
                f"{where}: the rating {text[:80]!r} is no number, and no word such as yes, no, "
                "예 or 아니오. Write a number, from 0 to 1 or on the judge's scale."
            )
    if not numbers:
        return "yes or no", 0.0, 1.0
    low, high = min(numbers), max(numbers)
    if len(numbers) < len(texts):
        raise DataError(f"{where}: numbers and words are mixed ({', '.join(texts[:5])}); use one.")
    if low >= 0 and high <= 1 and not (scale and low == high == 1 and scale != (0, 1)):
        kind = "0 and 1" if {*numbers} <= {0.0, 1.0} else "shares from 0 to 1"
        return kind, 0.0, 1.0
    if scale and scale[0] <= low and high <= scale[1]:
        return f"{scale[0]} to {scale[1]}, the judge's own scale", *scale
    own = f", or from {scale[0]} to {scale[1]} as the judge's grades" if scale else ""
    raise DataError(
        f"{where}: the ratings go from {low:g} to {high:g}. They must be yes or no, or go from 0 "
        f"to 1{own}."
    )


def share(text: str, low: float, high: float) -> float:
    """A rating as its share of the way from low to high."""
    word = WORDS.get(text.lower())
    return word if word is not None else (float(text) - low) / (high - low)
