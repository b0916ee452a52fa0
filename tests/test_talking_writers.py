"""Optimizers that ask for more than instructions keep their contract where the replies are read.

The suite's own writer replies in <instruction> tags alone, so that reflections, choices and advice
go unread; this one replies in the tags that it is asked for.
"""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apo.model import Request
from apo.optimizers import BY_NAME
from apo.search.search import Optimizer
from apo.testing import OptimizerSuite, fake_task, suite
from apo.testing.fakes import FakeOptimizerModel, draw

CALLS = 150
ASKED = re.compile(r"<(\w+)> (?:and|태그와) </\1>")


class Talking(FakeOptimizerModel):
    """Replies in the tags that it is asked for; one reply in 20 has none."""

    def answer(self, request: Request) -> str:
        """Draw a reply from the request and its seed."""
        text = request.messages[-1].content
        luck = draw(f"{request.seed} {text}")
        tag = (ASKED.findall(text) or ["instruction"])[-1]
        told = {
            "choice": "AB"[luck < 0.5],
            "instruction": f"Answer{'+' * int(6 * luck)} ({luck:.6f})",
        }.get(
            tag,
            f"form: say it{'+' * int(3 * luck)} ({luck:.6f})\nhelpful: 1\nharmful: 2\nadd: +{luck}",
        )
        return told if luck > 0.95 else f"<{tag}>{told}</{tag}>"


SMALL: dict[str, dict[str, Any]] = {
    "ace": {"batch_size": 3, "eval_steps": 3},
    "combee": {"minibatch_size": 6},
    "contraprompt": {"n_examples": 6},
    "espo": {"n_studied": 6, "level": 0.6},
    "fapo": {"n_studied": 6},
    "mo-capo": {"block_size": 3},
    "prefpo": {"n_samples": 3},
    "skillopt": {"batch_size": 5, "n_epochs": 3},
    "vista": {"minibatch_size": 3},
}
"""Settings with which few calls lead through all that they do."""


@pytest.mark.parametrize("name", sorted(SMALL))
def test_the_same_calls_whatever_the_timing_and_none_again_on_resume(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "FakeOptimizerModel", Talking)
    optimizer: Optimizer = replace(BY_NAME[name](), **SMALL[name])
    run, task = OptimizerSuite().run, fake_task(suite.SIZE)
    first = run(tmp_path / "whole", optimizer, CALLS, task=task)
    suite.sound(first, CALLS)
    assert first.result.best.value > first.result.seed.value
    made = [event for event in first.events if event.kind == "candidate"]
    assert len(made) > 4

    other = run(tmp_path / "slow", optimizer, CALLS, task=task, delay_seed=1, max_concurrency=32)
    assert other.result.best == first.result.best
    assert other.requests() == first.requests()

    kept = first.result.spent.calls // 2
    shutil.copytree(tmp_path / "whole", tmp_path / "kept")
    suite.forget(tmp_path / "kept", first.result.run_id, keep=kept)
    again = run(tmp_path / "kept", optimizer, CALLS, task=task, run=first.result.run_id)
    assert again.calls == first.calls - kept
    assert again.result.best == first.result.best
    assert [e[1:3] for e in again.events] == [e[1:3] for e in first.events]
