"""The comparison of first calls goes on from kept answers."""

from argparse import Namespace
from pathlib import Path

import pytest

from apo import Completion, Request, SettingsError
from apo.compare.answers import take_answers
from experiments.benchmarks import first_calls
from experiments.benchmarks.first_calls import end


class Gone:
    """The embedded model, which answers nothing any more."""

    name = "embedded"

    async def complete(self, request: Request) -> Completion:
        raise SettingsError(f"{request.messages[-1].content[:60]} was asked.")

    async def aclose(self) -> None:
        pass


def test_what_was_kept_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "answers.jsonl.xz"
    given = Namespace(
        model="embedded", optimizer_model="", calls=40, rows=5, max_answer=32, keep_answers=kept
    )
    found = end("short-reviews", 1, "distill", given, tmp_path / "first")
    assert take_answers(kept, tmp_path / "second")

    def gone(name: str) -> Gone:
        return Gone()

    monkeypatch.setattr(first_calls, "opened", gone)
    assert end("short-reviews", 1, "distill", given, tmp_path / "second") == found
    with pytest.raises(SettingsError, match="was asked"):
        end("short-reviews", 2, "distill", given, tmp_path / "second")
