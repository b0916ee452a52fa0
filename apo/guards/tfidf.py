"""Texts as vectors of their letters, so that the cosine of two tells how alike they are.

TF-IDF (Spärck Jones, 1972) of two to four letters within words, the same as scikit-learn's
`TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)`, whose import alone
takes longer than all else that `apo check` does.
"""

from collections.abc import Iterator, Sequence
from typing import Any

SIZES = (2, 3, 4)


def by_letters(texts: Sequence[str]) -> Any:
    """Give a sparse matrix with a row of length 1 for each text (of length 0 without letters).

    Pieces that one text alone has count for its length, and have no column: they make it like no
    other.
    """
    import numpy as np
    from scipy.sparse import csr_array

    ids: dict[str, int] = {}
    of_word: dict[str, list[int]] = {}
    rows: list[Any] = []
    for text in texts:
        words = text.lower().split()
        for word in words:
            if word not in of_word:
                of_word[word] = [ids.setdefault(piece, len(ids)) for piece in pieces(word)]
        found = [piece for word in words for piece in of_word[word]]
        rows.append(np.unique(np.array(found, dtype=np.int64), return_counts=True))
    sizes = [len(found) for found, _ in rows]
    row = np.repeat(np.arange(len(texts)), sizes)
    column = np.concatenate([found for found, _ in rows])
    held_by = np.bincount(column, minlength=len(ids))
    weight = np.log((1 + len(texts)) / (1 + held_by)) + 1
    value = (1 + np.log(np.concatenate([times for _, times in rows]))) * weight[column]
    value /= np.sqrt(np.bincount(row, value**2, len(texts)))[row]
    shared = held_by[column] > 1
    places = (row[shared], column[shared])
    return csr_array((value[shared], places), shape=(len(texts), max(1, len(ids))))


def pieces(word: str) -> Iterator[str]:
    """Runs of letters, with the blanks around the word; a word shorter than a run is one, once."""
    padded = f" {word} "
    for size in SIZES:
        yield from (padded[i : i + size] for i in range(max(1, len(padded) - size + 1)))
        if size >= len(padded):
            return
