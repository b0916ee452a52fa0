"""What an optimizer must do, as tests to subclass; and models that need no network.

Doors: none but this one.
Rests on: calls, errors, model, models, models.embedded, prompts, results, run, search, storage,
task, usage.
"""

from apo.testing.fakes import FakeModel, FakeOptimizerModel, fake_task
from apo.testing.suite import OptimizerSuite

__all__ = ["FakeModel", "FakeOptimizerModel", "OptimizerSuite", "fake_task"]
