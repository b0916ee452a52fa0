"""A prompt and its model as a model of MLflow: `mlflow models serve` answers as apo measured."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from apo.bridges.quiet import quiet
from apo.calls.call import Call
from apo.concurrency import gather, wait
from apo.environment import prepare_environment
from apo.errors import PromptError
from apo.evaluation.outside import open_caller
from apo.model import Request
from apo.prompts.forms.provenance import Provenance
from apo.prompts.prompt import Prompt
from apo.tracking.environment import tracking_uri

SCHEME = "models:/"
CODE = '''"""Answers with a prompt that apo found; the model's key is taken from the environment."""

import json
from pathlib import Path

from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class Winner(PythonModel):
    """A prompt with the model that it was measured with."""

    def load_context(self, context):
        """Read the prompt."""
        from apo.bridges.served import answers

        text = Path(context.artifacts["prompt"]).read_text(encoding="utf-8")
        self._answers = answers(json.loads(text), context.model_config["model"])

    def predict(self, context, model_input, params=None):
        """Answer each row; its columns are the prompt's variables."""
        return self._answers(model_input)


set_model(Winner())
'''


def log_served(name: str, prompt: Prompt, provenance: Provenance) -> str:
    """Log a prompt with its model, and register it as the next version of a model.

    Args:
        name: models:/NAME.
        prompt: the prompt.
        provenance: names the model that answers; the rest is the version's metadata.

    Returns:
        The address of the version, for `mlflow models serve -m`.

    Raises:
        PromptError: the name is no such address, or the model has no name.
    """
    called = name.removeprefix(SCHEME)
    if not called or set(called) & set("/@:"):
        raise PromptError(f"{name!r} must be models:/NAME, without a version or an alias.")
    if prompt.focus:
        raise PromptError(
            f"This is a program with a prompt for each of the steps {', '.join(prompt.steps)}; a "
            "served model answers with one prompt. Export it as json, and run it with apo."
        )
    if not provenance.model:
        raise PromptError("The run's model is a Python object: only one that has a name is served.")
    prepare_environment()
    os.environ.setdefault("MLFLOW_TRACKING_URI", tracking_uri())
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    if mlflow.MlflowClient().get_prompt(called) is not None:
        raise PromptError(
            f"{called} is a prompt in MLflow's registry, which keeps models under the same names: "
            "give the model another one."
        )
    inputs = Schema([ColSpec("string", field) for field in prompt.variables])
    pyfunc: Any = mlflow.pyfunc
    with quiet(), tempfile.TemporaryDirectory() as folder:
        code, kept = Path(folder) / "winner.py", Path(folder) / "prompt.json"
        code.write_text(CODE, encoding="utf-8")
        kept.write_text(json.dumps(prompt.to_dict(), ensure_ascii=False), encoding="utf-8")
        logged = pyfunc.log_model(
            name=called,
            python_model=str(code),
            artifacts={"prompt": str(kept)},
            model_config={"model": provenance.model},
            signature=ModelSignature(inputs, Schema([ColSpec("string")])),
            pip_requirements=["apo"],
            metadata=provenance.to_dict(),
            registered_model_name=called,
        )
    return f"{SCHEME}{called}/{logged.registered_model_version}"


def answers(values: Mapping[str, Any], model: str) -> Any:
    """A function of rows (a DataFrame or a list of objects) that gives the answers, in order."""
    return partial(_answers, Prompt.from_dict(values), model)


def _answers(prompt: Prompt, model: str, rows: Any) -> list[str]:
    given: Any = rows.to_dict("records") if hasattr(rows, "to_dict") else rows
    return wait(_ask(prompt, model, given))


async def _ask(prompt: Prompt, model: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    async with open_caller([model], None) as (caller, [endpoint]):
        calls = [
            Call.to(
                endpoint,
                Request(prompt.messages({k: str(v) for k, v in row.items()}), prompt.decoding),
            )
            for row in rows
        ]
        caller.charge(calls)
        found = await gather(caller.answer(call) for call in calls)
    return [completion.text for completion in found]
