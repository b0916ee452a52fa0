"""DSPy: `dspy.Evaluate`, MIPROv2, COPRO and GEPA around one `dspy.Predict`."""

import os
from importlib import import_module
from typing import Any

from experiments.benchmarks.speed_peers.support import (
    PROMPT,
    WARM_UP,
    arguments,
    examples,
    finish,
    measured,
    text_of,
)

DEPTH = 2
"""Rounds of COPRO; its breadth follows from the budget."""


def metric(
    example: Any, found: Any, trace: Any = None, name: Any = None, path: Any = None
) -> float:
    """1 for the right label."""
    return float(found.label == example.label)


def main() -> None:
    """Do what is asked; the variant "no cache" switches DSPy's cache of answers off."""
    given = arguments()
    result: dict[str, Any] = {}
    os.environ["DSPY_CACHEDIR"] = str(given.folder / "cache")
    dspy: Any = import_module("dspy")
    server = {"api_base": given.url, "api_key": "none", "cache": given.variant != "no cache"}
    dspy.configure(lm=dspy.LM("openai/mock", temperature=0.0, max_tokens=256, **server))
    program = dspy.Predict(dspy.Signature("text -> label", PROMPT))
    data = [
        dspy.Example(text=text, label=label).with_inputs("text")
        for text, label in examples(given.examples)
    ]
    if given.what == "evaluate":
        evaluate = dspy.Evaluate(
            devset=data, metric=metric, num_threads=given.concurrency, display_progress=False
        )
        program(text=text_of(WARM_UP))
        with measured(result):
            result["score"] = evaluate(program).score / 100
    else:
        search = SEARCHES[given.variant]
        import_module("optuna" if given.variant == "miprov2" else "gepa")  # No part of the search.
        with measured(result):
            result["score"] = search(dspy, given, program, data, server) / 100
    finish(result, "dspy", "litellm", "openai", "gepa", "optuna")


def miprov2(dspy: Any, given: Any, program: Any, data: list[Any], server: dict[str, Any]) -> float:
    """MIPROv2 with its light preset, which has a budget of its own: about 800 calls here."""
    optimizer = dspy.MIPROv2(
        metric=metric, auto="light", num_threads=given.concurrency, seed=given.seed
    )
    half = len(data) // 2
    return float(optimizer.compile(program, trainset=data[:half], valset=data[half:]).score)


def copro(dspy: Any, given: Any, program: Any, data: list[Any], server: dict[str, Any]) -> float:
    """COPRO, which measures all it proposes on all that it is given: the half that others do."""
    chosen = data[len(data) // 2 :]
    breadth = max(2, round(given.budget / DEPTH / len(chosen)))
    optimizer = dspy.COPRO(metric=metric, breadth=breadth, depth=DEPTH)
    scoring = {"num_threads": given.concurrency, "display_progress": False}
    best = optimizer.compile(program, trainset=chosen, eval_kwargs=scoring)
    return float(best.candidate_programs[0]["score"])


def gepa(dspy: Any, given: Any, program: Any, data: list[Any], server: dict[str, Any]) -> float:
    """GEPA with the budget in metric calls."""
    optimizer = dspy.GEPA(
        metric=metric,
        max_metric_calls=given.budget,
        num_threads=given.concurrency,
        reflection_lm=dspy.LM("openai/mock", temperature=1.0, max_tokens=4000, **server),
        track_stats=True,
        seed=given.seed,
        log_dir=str(given.folder / "gepa"),
    )
    half = len(data) // 2
    best = optimizer.compile(program, trainset=data[:half], valset=data[half:])
    return 100 * float(max(best.detailed_results.val_aggregate_scores))


SEARCHES = {"miprov2": miprov2, "copro": copro, "gepa": gepa}

if __name__ == "__main__":
    main()
