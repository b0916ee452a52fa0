"""Drives the stand-alone gepa package: one component, the system prompt."""

from importlib import import_module
from typing import Any

from apo.task import Example
from experiments.benchmarks.peers.cell import Bench, Found, until_over

METHODS = ("gepa",)


class _Logger:
    def log(self, message: str) -> None:
        """Keep quiet."""


class _BestSoFar:
    """A stopper that never stops: it remembers the state, for when the calls run out."""

    def __init__(self) -> None:
        self.state: Any = None

    def __call__(self, state: Any) -> bool:
        self.state = state
        return False


def drive(bench: Bench, method: str) -> tuple[Found, Found]:
    """Optimize with GEPA's defaults; evaluations are cached, as its option allows."""
    gepa: Any = import_module("gepa")
    adapters: Any = import_module("gepa.adapters.default_adapter.default_adapter")

    def row(example: Example) -> dict[str, Any]:
        return {
            "input": bench.shown(example),
            "additional_context": {},
            "answer": example.target,
            "key": bench.key(example),
        }

    def evaluator(data: dict[str, Any], response: str) -> Any:
        example = bench.find(data["key"])
        score = bench.judge(response, example)
        return adapters.EvaluationResult(score.value, bench.feedback(score, example), None)

    def ask(messages: Any) -> str:
        return bench.endpoint.chat(messages, 0.0)

    def reflect(prompt: Any) -> str:
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return bench.endpoint.chat(messages, 1.0, writes=True)

    seed = {"system_prompt": bench.instruction}
    best = _BestSoFar()
    until_over(
        lambda: gepa.optimize(
            seed_candidate=seed,
            trainset=[row(e) for e in bench.task.train],
            valset=[row(e) for e in bench.task.validation],
            adapter=adapters.DefaultAdapter(ask, evaluator=evaluator),
            reflection_lm=reflect,
            max_metric_calls=3 * bench.endpoint.left,
            stop_callbacks=best,
            cache_evaluation=True,
            logger=_Logger(),
            seed=bench.seed,
        )
    )
    state = best.state
    if state is None:
        return _found(bench, bench.instruction), _found(bench, bench.instruction)
    scores = [float(s) for s in state.program_full_scores_val_set]
    top = max(range(len(scores)), key=lambda i: scores[i])
    chosen = str(state.program_candidates[top]["system_prompt"])
    return _found(bench, bench.instruction), _found(bench, chosen, scores[top])


def _found(bench: Bench, instruction: str, validation: float | None = None) -> Found:
    def answer(example: Example) -> str:
        system = {"role": "system", "content": instruction}
        user = {"role": "user", "content": bench.shown(example)}
        return bench.endpoint.chat([system, user], 0.0)

    return Found(answer, instruction, validation)
