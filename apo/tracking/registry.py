"""The best prompt of a run, in MLflow's prompt registry."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from apo.prompt import Prompt
from apo.tracking.environment import safe_name
from apo.tracking.files import clean

ALIAS = "champion"
MAX_CHARS = 100_000  # Of the messages as JSON in ASCII, which is how the registry counts.
EXPERIMENTS = "_mlflow_experiment_ids"  # Shows the prompt among the experiment's own.


@dataclass(frozen=True)
class Registered:
    """Where the prompt is.

    Attributes:
        name: its name in the registry.
        version: its version; "" when it was not registered.
        note: why it was not, or what to mind when it is used from there; mostly "".
    """

    name: str
    version: str = ""
    note: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run that lead to the prompt."""
        if not self.version:
            return {"apo.prompt_note": self.note}
        linked = json.dumps([{"name": self.name, "version": self.version}])
        address = f"prompts:/{self.name}/{self.version}"
        note = {"apo.prompt_note": self.note} if self.note else {}
        return {"apo.prompt": address, "mlflow.linkedPrompts": linked, **note}


def register(client: MlflowClient, result: Mapping[str, Any], experiment_id: str) -> Registered:
    """Put the best prompt in the registry, unless it is the latest version there already.

    The alias "champion" is moved to it only with a favourable verdict.

    Args:
        client: of the store that the run is logged to.
        result: the run's result.
        experiment_id: the run's experiment.
    """
    name = safe_name(f"apo-{result['task']}")
    prompt = Prompt.from_dict(result["best_prompt"])
    messages = [{"role": m.role, "content": clean(m.content)} for m in prompt.messages()]
    size = len(json.dumps(messages))
    if size > MAX_CHARS:
        return Registered(
            name,
            note=f"The best prompt is not in the prompt registry: it takes {size:,} characters "
            f"there, and {MAX_CHARS:,} are allowed. It is in the run's artifacts, prompts/best.*.",
        )
    tags = _version_tags(result, prompt)
    _create_prompt(client, name, result["task"], experiment_id)
    latest = _latest(client, name)
    if latest is not None and latest.template == messages:
        version = str(latest.version)
        for key, value in tags.items():
            client.set_prompt_version_tag(name, version, key, value)
    else:
        message = f"{result['run_id']}: validation {result['validation']['best']:.1%}"
        made = client.create_prompt_version(name, messages, description=message, tags=tags)
        version = str(made.version)
    verdict = result["verdict"]
    if verdict is not None and verdict["favourable"]:
        client.set_prompt_alias(name, ALIAS, int(version))
    return Registered(name, version, tags.get("note", ""))


def _create_prompt(client: MlflowClient, name: str, task: str, experiment_id: str) -> None:
    """Make the registry's entry unless it is there, and show it with the experiment."""
    known = client.get_prompt(name)
    if known is None:
        text = f"Prompts for the task {clean(task)}, found by apo."
        client.create_prompt(name, text, {EXPERIMENTS: f",{experiment_id},"})
        return
    shown = [part for part in known.tags.get(EXPERIMENTS, "").split(",") if part]
    if experiment_id not in shown:
        client.set_prompt_tag(name, EXPERIMENTS, f",{','.join([*shown, experiment_id])},")


def _latest(client: MlflowClient, name: str) -> Any:
    try:
        return client.get_prompt_version_by_alias(name, "latest")
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def _version_tags(result: Mapping[str, Any], prompt: Prompt) -> dict[str, str]:
    tags = {key: result[key] for key in ("run_id", "optimizer", "model", "optimizer_model")}
    tags["validation_score"] = round(result["validation"]["best"], 4)
    verdict = result["verdict"]
    if verdict is not None:
        low, high = (round(end, 4) for end in verdict["interval"])
        tags |= {
            "test_score": round(verdict["best_score"], 4),
            "seed_test_score": round(verdict["seed_score"], 4),
            "difference": round(verdict["difference"], 4),
            "difference_interval": f"{low} to {high}",
            "p_value": float(f"{verdict['p_value']:.3g}"),
            "favourable": str(verdict["favourable"]).lower(),
        }
    note = caution(prompt)
    return {k: clean(str(v)) for k, v in tags.items()} | ({"note": note} if note else {})


def caution(prompt: Prompt) -> str:
    """Say where MLflow would fill this prompt otherwise than apo does."""
    whole = prompt.text()
    if prompt.literal_variables or "{%" in whole or "{#" in whole:
        return (
            "Holds {{…}}, {% or {# as literal text, which MLflow would fill or run as a template. "
            "Use the run's artifact prompts/best.messages.json, or apo export."
        )
    foreign = [
        name for name in prompt.variables if not re.fullmatch(r"[A-Za-z_][\w.]*", name, re.A)
    ]
    if foreign:
        names = ", ".join(foreign)
        return f"the registry's pages do not list variables with such names: {names}."
    return ""
