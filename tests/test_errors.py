"""What ends the messages of errors."""

import pytest

from apo.errors import MOST_NAMED, NEAREST, SettingsError, near, require_utf8


def test_few_names_are_all_told() -> None:
    names = [f"run-{i:02}" for i in range(MOST_NAMED)]
    assert near("run-7", names) == f" Did you mean 'run-57'? Known: {', '.join(names)}."


def test_of_many_names_the_nearest_are_told() -> None:
    names = [f"run-{i}" for i in range(1000)]
    told = near("run-777", names)
    assert told.startswith(" Did you mean 'run-777'? Known: run-777, ")
    assert told.endswith(f" and {1000 - NEAREST} more.")
    assert told.count(",") == NEAREST - 1


def test_what_is_no_utf8_is_shown_as_far_as_it_goes() -> None:
    require_utf8("모델 🦙")
    with pytest.raises(SettingsError, match=r"'local/\?\.gguf' holds bytes that are no UTF-8"):
        require_utf8("local/\udcc7.gguf")
