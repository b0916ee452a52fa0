"""promptolution: `ClassificationTask.evaluate`, CAPO, EvoPrompt-GA and OPRO with its `APILLM`."""

import random
from importlib import import_module
from typing import Any

from experiments.benchmarks.speed_peers.support import (
    PROMPT,
    SEEDS,
    WARM_UP,
    arguments,
    examples,
    finish,
    measured,
    text_of,
)

METHODS = {
    "capo": ("capo", "CAPO", "sequential_block"),
    "evoprompt-ga": ("evoprompt_ga", "EvoPromptGA", "subsample"),
    "opro": ("opro", "OPRO", "subsample"),
}
"""Module, class and way to choose the 30 examples of an evaluation, as the library advises."""
MANY_STEPS = 1000
"""The budget ends the search before."""


def main() -> None:
    """Do what is asked."""
    given = arguments()
    result: dict[str, Any] = {}
    pandas: Any = import_module("pandas")
    tasks: Any = import_module("promptolution.tasks.classification_tasks")
    llm = import_module("promptolution.llms.api_llm").APILLM(
        api_url=given.url,
        model_id="mock",
        api_key="none",
        max_concurrent_calls=given.concurrency,
        max_tokens=256,
        call_kwargs={"temperature": 0},
    )
    predictor = import_module("promptolution.predictors").MarkerBasedPredictor(llm)
    frame = pandas.DataFrame(examples(given.examples), columns=["x", "y"])

    def task(strategy: str) -> Any:
        return tasks.ClassificationTask(
            frame,
            task_description="Support tickets, each for one of four teams.",
            eval_strategy=strategy,
            n_subsamples=30,
        )

    if given.what == "evaluate":
        whole = task("full")
        prompt = import_module("promptolution.utils.prompt").Prompt(PROMPT)
        predictor.predict([PROMPT], [text_of(WARM_UP)])
        with measured(result):
            result["score"] = float(whole.evaluate(prompt, predictor).agg_scores[0])
    else:
        module, name, strategy = METHODS[given.variant]
        make = getattr(import_module(f"promptolution.optimizers.{module}"), name)
        random.seed(given.seed)
        import_module("numpy").random.seed(given.seed)
        optimizer = make(
            task=task(strategy),
            initial_prompts=list(SEEDS),
            predictor=predictor,
            meta_llm=llm,
            callbacks=[_stop_at(given.budget, llm)],
        )
        failed = _failures_of(optimizer)
        with measured(result):
            optimizer.optimize(n_steps=MANY_STEPS)
        result["score"] = float(max(optimizer.scores))
        result["failed"] = failed[0] if failed else None
    finish(result, "promptolution", "openai", "numpy")


def _stop_at(budget: int, llm: Any) -> Any:
    """A callback that ends the search after the step in which the calls reach the budget."""
    asked, calls = llm._get_response, 0

    def counted(prompts: Any, *others: Any) -> Any:
        nonlocal calls
        calls += len(prompts)
        return asked(prompts, *others)

    llm._get_response = counted
    base: Any = import_module("promptolution.utils.callbacks").BaseCallback

    def on_step_end(self: Any, optimizer: Any) -> bool:
        return calls < budget

    return type("StopAtBudget", (base,), {"on_step_end": on_step_end})()


def _failures_of(optimizer: Any) -> list[str]:
    """Collects what ends a step: the library logs it, and returns as if all was well."""
    failed: list[str] = []
    step = optimizer._step

    def watched() -> Any:
        try:
            return step()
        except Exception as error:
            failed.append(f"{type(error).__name__}: {error}"[:200])
            raise

    optimizer._step = watched
    return failed


if __name__ == "__main__":
    main()
