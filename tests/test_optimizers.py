"""Every exported optimizer meets the shared contract."""

import pytest

from apo import Optimizer
from apo.optimizers import BY_NAME
from apo.testing import OptimizerSuite


class TestOptimizers(OptimizerSuite):
    @pytest.fixture(params=sorted(BY_NAME))
    def optimizer(self, request: pytest.FixtureRequest) -> Optimizer:
        optimizer: Optimizer = BY_NAME[request.param]()
        return optimizer
