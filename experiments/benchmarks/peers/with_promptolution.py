"""Drives promptolution's optimizers: a reward task whose reward is apo's scorer."""

import random
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from apo.task import Example
from experiments.benchmarks.peers.cell import THREADS, Bench, Found, until_over
from experiments.benchmarks.peers.endpoint import Endpoint

METHODS = ("capo", "evoprompt-ga", "evoprompt-de", "opro")
N_INITIAL = 10
"""Size of the first population: the seed prompt, and what the model induces from samples."""
N_SAMPLES = 20
"""Examples that it sees for this; the library's default is 3, apo's EvoPrompt and CAPO show 20."""


class _Llm:
    """What the library takes as a language model: its interface, over the counting endpoint."""

    tokenizer = None

    def __init__(self, endpoint: Endpoint, temperature: float, *, writes: bool = False) -> None:
        self._endpoint, self._temperature, self._writes = endpoint, temperature, writes
        self._pool = ThreadPoolExecutor(THREADS)

    def get_response(self, prompts: Any, system_prompts: Any = None) -> list[str]:
        """Answer each prompt, under the library's own system message."""
        default = import_module("promptolution.utils.templates").DEFAULT_SYS_PROMPT
        texts = [prompts] if isinstance(prompts, str) else list(prompts)
        given = system_prompts or default
        systems = [given] * len(texts) if isinstance(given, str) else list(given)

        def ask(system: str, text: str) -> str:
            messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
            return self._endpoint.chat(messages, self._temperature, writes=self._writes)

        return list(self._pool.map(ask, systems, texts))

    def set_generation_seed(self, seed: int) -> None:
        """Nothing to do: the endpoint seeds its draws."""


def drive(bench: Bench, method: str) -> tuple[Found, Found]:
    """Optimize with one of `METHODS`."""
    import numpy as np
    import pandas as pd

    predictors: Any = import_module("promptolution.predictors")
    tasks: Any = import_module("promptolution.tasks.reward_tasks")
    prompts: Any = import_module("promptolution.utils.prompt")
    random.seed(bench.seed)
    np.random.seed(bench.seed)
    predictor = predictors.MarkerBasedPredictor(_Llm(bench.endpoint, 0.0))
    predictor._extract_preds = _extract
    examples = {bench.shown(e): e for e in (*bench.task.train, *bench.task.validation)}

    def reward(prediction: str, shown: str) -> float:
        return bench.judge(prediction, examples[shown]).value

    def make(pool: Sequence[Example], **options: Any) -> Any:
        shown = [bench.shown(e) for e in pool]
        frame = pd.DataFrame({"x": shown, "y": [e.target for e in pool], "shown": shown})
        return tasks.RewardTask(
            frame,
            reward,
            y_column="y",
            reward_columns=["shown"],
            task_description=_description(bench),
            seed=bench.seed,
            **options,
        )

    before = _found(bench, predictor, prompts.Prompt(bench.instruction), None)
    optimizer: list[Any] = []

    def search() -> None:
        optimizer.append(_optimizer(bench, method, predictor, make))
        optimizer[0].optimize(n_steps=1000)

    until_over(search)
    if not optimizer:
        return before, before
    if len(optimizer[0].scores):
        scored = zip(optimizer[0].prompts, optimizer[0].scores, strict=False)
        prompt, value = max(scored, key=lambda pair: float(pair[1]))
        return before, _found(bench, predictor, prompt, float(value))
    return before, _found(bench, predictor, *_most_measured(optimizer[0].task, before.text))


def _most_measured(task: Any, text: str) -> tuple[str, float | None]:
    """The best of the prompts with the most answers, for a search that ended in its first step."""
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for (prompt, _, _), value in task.eval_cache.items():
        scores[prompt].append(float(value))
    if not scores:
        return text, None
    best = max(scores, key=lambda prompt: (len(scores[prompt]), sum(scores[prompt])))
    return best, sum(scores[best]) / len(scores[best])


def _optimizer(bench: Bench, method: str, predictor: Any, make: Any) -> Any:
    """An optimizer with the library's defaults, and what it does not default at this budget."""
    creation: Any = import_module("promptolution.utils.prompt_creation")
    meta = _Llm(bench.endpoint, 1.0, writes=True)
    created: list[Any] = []
    if method != "opro":  # apo's OPRO starts from the seed prompt alone too.
        created = creation.create_prompts_from_samples(
            make(bench.task.train),
            meta,
            n_samples=min(N_SAMPLES, len(bench.task.train)),
            task_description=_description(bench),
            n_prompts=N_INITIAL - 1,
        )
    common: dict[str, Any] = {
        "predictor": predictor,
        "meta_llm": meta,
        "initial_prompts": [bench.instruction, *created],
    }
    pool = bench.task.validation
    if method == "capo":
        module: Any = import_module("promptolution.optimizers.capo")
        task = make(pool, n_subsamples=min(30, len(pool)), eval_strategy="sequential_block")
        shots = make(bench.task.train).df[["x", "y"]]
        return module.CAPO(task=task, df_few_shots=shots, **common)
    n = min(len(pool), max(20, bench.endpoint.left // (4 * N_INITIAL)))
    task = make(pool[:n], eval_strategy="full")
    if method == "opro":
        module = import_module("promptolution.optimizers.opro")
        template = import_module("promptolution.utils.templates").OPRO_TEMPLATE_TD
        return module.OPRO(task=task, prompt_template=template, **common)
    if method == "evoprompt-ga":
        module = import_module("promptolution.optimizers.evoprompt_ga")
        return module.EvoPromptGA(task=task, **common)
    module = import_module("promptolution.optimizers.evoprompt_de")
    return module.EvoPromptDE(task=task, **common)


def _description(bench: Bench) -> str:
    labels = f" Classes: {', '.join(bench.task.labels)}." if bench.task.labels else ""
    return f"{bench.task.description}{labels}"


def _extract(outputs: Sequence[str]) -> list[str]:
    """What stands in <final_answer> tags, else the whole; the library's, but it keeps the case."""
    formatting: Any = import_module("promptolution.utils.formatting")
    return list(formatting.extract_from_tag(list(outputs), "<final_answer>", "</final_answer>"))


def _found(bench: Bench, predictor: Any, prompt: Any, validation: float | None) -> Found:
    text = str(prompt)

    def answer(example: Example) -> str:
        answers, _ = predictor.predict([text], [bench.shown(example)])
        return str(answers[0])

    return Found(answer, text, validation)
