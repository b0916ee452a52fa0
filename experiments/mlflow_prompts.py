"""`mlflow.genai.optimize_prompts` with an optimizer of apo: within the budget, to a verdict.

    python -m experiments.mlflow_prompts

Offline: a text and a chat prompt, a program that answers with the embedded model, a scorer of
MLflow. Each is stopped once in the middle and gone on with. MLflow traces each call, which takes
a minute or two.
"""

import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import apo
from apo.environment import prepare_environment
from apo.models.embedded import Embedded
from apo.storage.folder import list_runs

CALLS = 150
PROMPTS: dict[str, Any] = {
    "text": "Sort the ticket.\n\n{{ticket}}",
    "chat": [
        {"role": "system", "content": "Sort the ticket."},
        {"role": "user", "content": "{{ticket}}"},
    ],
}


def main() -> int:
    """Optimize both prompts; gives 1 where one has no verdict or overspent."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{Path(folder) / 'mlflow.db'}"
        prepare_environment()
        logging.disable(logging.INFO)
        for name, template in PROMPTS.items():
            home = Path(folder) / name
            _optimize(name, template, home, stop_after=60)
            (run,) = list_runs(home)
            result = _optimize(name, template, home, run=run.id)
            verdict, spent = result.verdict, result.spent.calls
            sys.stdout.write(f"{name}: {spent} of {CALLS} calls. {verdict}\n")
            failed += verdict is None or spent > CALLS
    return 1 if failed else 0


def _optimize(
    name: str, template: Any, home: Path, *, run: str | None = None, stop_after: int = 10**9
) -> Any:
    """Optimize one prompt; None where it was stopped."""
    from mlflow import genai as untyped
    from mlflow.genai.scorers import scorer

    genai: Any = untyped
    prompt: Any = genai.register_prompt(f"sorter-{name}", template)
    uri, model, asked = f"prompts:/sorter-{name}/1", Embedded(), list[str]()

    def predict(ticket: str) -> str:
        asked.append(ticket)
        if len(asked) > stop_after:
            raise SystemExit  # As where somebody ends the program.
        filled: Any = genai.load_prompt(uri).format(ticket=ticket)
        chat: Any = [{"role": "user", "content": filled}] if isinstance(filled, str) else filled
        messages = tuple(apo.Message(turn["role"], turn["content"]) for turn in chat)
        return asyncio.run(model.complete(apo.Request(messages))).text

    def right(outputs: str, expectations: dict[str, str]) -> float:
        return float(expectations["expected_response"] == outputs.strip().lower())

    task = apo.load_task("support-tickets")
    rows = [
        {"inputs": dict(e.inputs), "expectations": {"expected_response": e.target}}
        for e in task.train[:90]
    ]
    optimizer = apo.mlflow_optimizer(
        "opro", optimizer_model="embedded", budget=apo.Budget(max_calls=CALLS), run=run, home=home,
        options=apo.Options(track=False),
    )  # fmt: skip
    try:
        genai.optimize_prompts(
            predict_fn=predict, train_data=rows, prompt_uris=[uri], optimizer=optimizer,
            scorers=[scorer(right)],
        )  # fmt: skip
    except (apo.ApoError, SystemExit) as stop:
        sys.stdout.write(f"{name}: stopped ({type(stop).__name__}) at {prompt.uri}\n")
        return None
    return optimizer.results[f"sorter-{name}"]


if __name__ == "__main__":
    raise SystemExit(main())
