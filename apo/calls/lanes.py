"""Where the calls of a run wait for their turn: a lane for each model."""

import time
from dataclasses import replace
from datetime import datetime

from apo.calls.adaptive import Steady
from apo.calls.call import Endpoint
from apo.calls.limits import Limits
from apo.calls.traffic import Traffic, traffic_to
from apo.language.catalogue import message

PATIENT = 50_000
"""Calls that may wait at once for a patient endpoint: what one batch of OpenAI's takes."""


class Lanes:
    """The traffic to each model.

    Args:
        limits: how fast each may be asked.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits, self._by_model = limits, dict[str, Traffic]()
        self._patient = Traffic(at_once=Steady(PATIENT))

    def to(self, endpoint: Endpoint) -> Traffic:
        """The traffic to an endpoint's model."""
        if endpoint.patient:
            return self._patient
        name = endpoint.model.name
        if name not in self._by_model:
            most = endpoint.at_once(self._limits.max_concurrency)
            self._by_model[name] = traffic_to(name, replace(self._limits, max_concurrency=most))
        return self._by_model[name]

    def waiting(self) -> str:
        """Say which models calls wait for, as headers say that nothing is left; "" for none."""
        told: list[str] = []
        for model, traffic in self._by_model.items():
            unit, seconds = traffic.whole_in()
            if unit:
                until = datetime.fromtimestamp(time.time() + seconds).astimezone()
                told.append(
                    message(f"{model} says that no {unit} are left until {until:%Y-%m-%d %H:%M}")
                )
        return " · ".join(told)
