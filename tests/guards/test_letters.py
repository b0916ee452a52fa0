"""How alike texts are by their letters, and which labels their neighbours doubt."""

import pytest

from apo import Example
from apo.guards.labels import label_hints
from apo.guards.tfidf import by_letters, pieces


def test_pieces_are_runs_within_a_word_and_its_blanks() -> None:
    assert [*pieces("abc")] == [" a", "ab", "bc", "c ", " ab", "abc", "bc ", " abc", "abc "]
    assert [*pieces("a")] == [" a", "a ", " a "]


def test_cosines_are_those_of_scikit_learn() -> None:
    texts = ["Where is my refund?", "My refund is late", "A b", "Login fails, a"]
    texts += ["환불이 안 됩니다", "환불 주세요", "", "-"]
    rows = by_letters(texts)
    alike = (rows @ rows.T).toarray()
    found = {(i, j): alike[i, j] for i in range(8) for j in range(i) if alike[i, j] > 0}
    # Written down from TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).
    cosines = {
        (1, 0): 0.551782256,
        (3, 1): 0.0206086381,
        (3, 2): 0.1580349249,
        (5, 4): 0.1251111311,
    }
    assert found == pytest.approx(cosines, abs=1e-9)


def test_a_row_among_others_of_another_label_is_doubted() -> None:
    rows = [Example({"text": f"refund of my money, case {i}"}, ("refund",)) for i in range(20)]
    rows += [Example({"text": f"the login page crashed, case {i}"}, ("bug",)) for i in range(20)]
    odd = Example({"text": "refund of my money, please"}, ("bug",))
    (hint,) = label_hints([*rows, odd])
    assert (hint.example, hint.label, hint.neighbour.target) == (odd, "refund", "refund")
    assert label_hints([Example({"text": ""}, (str(i % 2),)) for i in range(30)]) == []
    assert label_hints([]) == []
