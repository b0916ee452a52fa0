"""The points that a run's result adds to its candidates' curves in MLflow."""

import math
from collections.abc import Mapping
from typing import Any

from apo.storage.candidate import Point


def result_points(result: Mapping[str, Any]) -> list[Point]:
    """The points that a run's result adds: verdict, rates on the test split, and spend."""
    spent, verdict = result["spent"], result["verdict"]
    values: dict[str, float | None] = {f"spend/{key}": spent.get(key) for key in _SPENT}
    if verdict is not None:
        low, high = verdict["interval"]
        values |= {f"verdict/{key}": verdict[key] for key in _VERDICT}
        values |= {"verdict/interval_low": low, "verdict/interval_high": high}
        for name in ("seed", "best"):
            counts = verdict[f"{name}_counts"]
            n = sum(counts.get(key, 0) for key in _RATES)  # Cut answers are counted among these.
            rates = [key for key in _RATES if n and key in counts]
            values |= {f"test/{name}_{key}_rate": counts[key] / n for key in rates}
    points = [Point(key, 0, value) for key, value in values.items() if value is not None]
    if spent.get("usd") is not None:
        points.append(Point("spend/usd", spent["calls"], spent["usd"]))
    return [point for point in points if math.isfinite(point.value)]


_SPENT = (
    "calls",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "thinking_tokens",
    "retries",
    "seconds",
)


_VERDICT = ("n", "seed_score", "best_score", "difference", "p_value", "wins", "losses")


_RATES = ("right", "wrong", "malformed", "error", "refused")
