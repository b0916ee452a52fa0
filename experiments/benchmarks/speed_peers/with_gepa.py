"""gepa: its default adapter, and `gepa.optimize` with it; both through LiteLLM, as it documents."""

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
)

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # Else it loads a price list.


def rows(n: int, start: int = 0) -> list[dict[str, Any]]:
    """Examples as the adapter wants them; right is an answer that holds `answer`."""
    return [
        {
            "input": text,
            "additional_context": {},
            "answer": f"<final_answer>{label}</final_answer>",
        }
        for text, label in examples(n, start)
    ]


def main() -> None:
    """Do what is asked."""
    given = arguments()
    result: dict[str, Any] = {}
    gepa: Any = import_module("gepa")
    adapters: Any = import_module("gepa.adapters.default_adapter.default_adapter")
    server = {"api_base": given.url, "api_key": "none"}
    adapter = adapters.DefaultAdapter(
        "openai/mock",
        max_litellm_workers=given.concurrency,
        litellm_batch_completion_kwargs={**server, "temperature": 0, "max_tokens": 256},
    )
    candidate = {"system_prompt": PROMPT}
    if given.what == "evaluate":
        data = rows(given.examples)
        adapter.evaluate(rows(1, WARM_UP), candidate)
        with measured(result):
            scores = adapter.evaluate(data, candidate).scores
        result["score"] = sum(scores) / len(scores)
    else:
        import_module("litellm")  # Not a part of the search.
        data = rows(given.examples)
        half = len(data) // 2
        with measured(result):
            found = gepa.optimize(
                seed_candidate=candidate,
                trainset=data[:half],
                valset=data[half:],
                adapter=adapter,
                reflection_lm=import_module("gepa.lm").LM("openai/mock", temperature=1.0, **server),
                max_metric_calls=given.budget,
                seed=given.seed,
                run_dir=str(given.folder / "gepa"),
            )
        result["score"] = max(found.val_aggregate_scores)
    finish(result, "gepa", "litellm", "openai")


if __name__ == "__main__":
    main()
