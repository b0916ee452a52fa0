"""How data name their pools."""

import unicodedata

from apo.data.split import POOLS

FOLD_NAMES = (
    *("split", "splits", "subset", "partition", "fold", "folds", "set", "pool"),
    *("is_test", "is_train", "in_test", "in_train", "test_set", "is_holdout", "holdout"),
)
"""Names of columns that may say which pool a row is for, whatever their values."""

_SYNONYMS = {
    **dict.fromkeys(("dev", "val", "valid", "eval", "evaluation", "development"), "validation"),
    **dict.fromkeys(("training", "trn"), "train"),
    **dict.fromkeys(("holdout", "hold-out", "hold_out", "heldout", "held-out", "testing"), "test"),
    **dict.fromkeys(("학습", "학습용", "훈련", "훈련용"), "train"),
    **dict.fromkeys(("검증", "검증용"), "validation"),
    **dict.fromkeys(("trainieren", "trainingsdaten", "entraînement", "訓練", "学習"), "train"),
    **dict.fromkeys(("validierung", "検証"), "validation"),
    **dict.fromkeys(("テスト",), "test"),
    **dict.fromkeys(("시험", "시험용", "테스트", "테스트용"), "test"),
}


def pool_named(text: str) -> str | None:
    """The pool that a cell names, in any case of letters and by any usual name, if it names one."""
    said = unicodedata.normalize("NFC", text).strip().lower()
    home = _SYNONYMS.get(said, said)
    return home if home in POOLS else None
