"""apo's command line with short waits between attempts and, if asked for, a clock that jumps.

    APO_FAULT_CLOCK=7 python experiments/benchmarks/faults/client.py optimize support-tickets

Waits of seconds would only make the fault suite slow; everything else is as users run it.
"""

import os
import random
import time

HOURS = (-24.0, -6.0, -1.0, 0.0, 1.0, 6.0, 24.0)


def jump(seed: str) -> None:
    """Let the wall clock jump hours back and forth; the monotonic one stays as it is."""
    real, hours = time.time, random.Random(seed)
    time.time = lambda: real() + 3600 * hours.choice(HOURS)


def main() -> None:
    """Run apo."""
    clock = os.environ.get("APO_FAULT_CLOCK")
    if clock is not None:
        jump(clock)

    from apo.calls.retry import Retry
    from apo.cli import main as apo

    defaults = Retry.__init__.__kwdefaults__
    assert defaults is not None
    defaults["first_wait"] = 0.02
    apo()


if __name__ == "__main__":
    main()
