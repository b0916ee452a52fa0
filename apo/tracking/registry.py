"""A run's seed prompt and its best one, in MLflow's prompt registry."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from apo.model import Decoding
from apo.prompts.prompt import Prompt
from apo.results.outcome import outcome
from apo.tracking.environment import safe_name
from apo.tracking.files import clean

ALIAS = "champion"
MAX_CHARS = 100_000  # Of the messages as JSON in ASCII, which is how the registry counts.
EXPERIMENTS = "_mlflow_experiment_ids"  # Shows the prompt among the experiment's own.
Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Registered:
    """Where the prompts are.

    Attributes:
        name: their name in the registry.
        version: the best prompt's version; "" when it was not registered.
        note: why it was not, or what to mind when it is used from there; mostly "".
        seed: the seed prompt's version; "" when it was not registered.
    """

    name: str
    version: str = ""
    note: str = ""
    seed: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run that lead to the prompts."""
        if not self.version:
            return {"apo.prompt_note": self.note}
        versions = dict.fromkeys(filter(None, (self.seed, self.version)))
        linked = json.dumps([{"name": self.name, "version": version} for version in versions])
        address = f"prompts:/{self.name}/{self.version}"
        note = {"apo.prompt_note": self.note} if self.note else {}
        return {"apo.prompt": address, "mlflow.linkedPrompts": linked, **note}


def register(client: MlflowClient, result: Mapping[str, Any], experiment_id: str) -> Registered:
    """Put the seed prompt in the registry and then the best one, each unless it is there already.

    So the pages can show what the search changed, from one version to the next. The alias
    "champion" is moved to the best prompt only with a favourable outcome.

    Args:
        client: of the store that the run is logged to.
        result: the run's result.
        experiment_id: the run's experiment.
    """
    name = safe_name(f"apo-{result['task']}")
    seed, best = (Prompt.from_dict(result[f"{which}_prompt"]) for which in ("seed", "best"))
    if best.focus:
        return Registered(
            name,
            note=f"The best candidate is not in the prompt registry, whose entries are one prompt "
            f"each: it has one for each of the steps {', '.join(best.steps)}. It is in the run's "
            "artifacts, prompts/best.json.",
        )
    if best.beside:
        return Registered(
            name,
            note="The best prompt is not in the prompt registry, which keeps turns of text: it "
            "shows images or a conversation of its inputs. It is in the run's artifacts, "
            "prompts/best.json.",
        )
    size = _size(best)
    if size > MAX_CHARS:
        return Registered(
            name,
            note=f"The best prompt is not in the prompt registry: it takes {size:,} characters "
            f"there, and {MAX_CHARS:,} are allowed. It is in the run's artifacts, prompts/best.*.",
        )
    _create_prompt(client, name, result["task"], experiment_id)
    before, version = _find(client, name, seed), _find(client, name, best)
    if version:  # No seed prompt comes after it, as the latest version is a best prompt.
        for key, value in _version_tags(result, "best", best).items():
            client.set_prompt_version_tag(name, version, key, value)
    else:
        if not before and seed != best and _size(seed) <= MAX_CHARS:
            before = _create(client, name, result, "seed", seed)
        version = _create(client, name, result, "best", best)
    if outcome(result).favourable:
        client.set_prompt_alias(name, ALIAS, int(version))
    return Registered(name, version, caution(best), before)


def _messages(prompt: Prompt) -> Messages:
    return [{"role": m.role, "content": clean(m.content)} for m in prompt.messages()]


def _size(prompt: Prompt) -> int:
    return len(json.dumps(_messages(prompt)))


def _config(decoding: Decoding) -> dict[str, Any]:
    """How answers are drawn, in MLflow's words; what is left to the provider is left out."""
    options = {key: value for key, value in decoding.to_dict().items() if value is not None}
    stop = [clean(text) for text in options.pop("stop", ())]
    return {**options, **({"stop_sequences": stop} if stop else {})}


def _find(client: MlflowClient, name: str, prompt: Prompt) -> str:
    """The latest version that holds the prompt and its decoding; "" when none does."""
    messages, config = _messages(prompt), _config(prompt.decoding)
    # Versions that earlier apo made have no decoding with them.
    without: list[dict[str, Any]] = [{}] if prompt.decoding == Decoding() else []
    found: list[int] = []
    token: str | None = None
    while True:
        page: Any = client.search_prompt_versions(name, max_results=100, page_token=token)
        found += [
            int(version.version)
            for version in page
            if version.template == messages and (version.model_config or {}) in [config, *without]
        ]
        token = page.token or None
        if token is None:
            return str(max(found)) if found else ""


def _create(
    client: MlflowClient, name: str, result: Mapping[str, Any], which: str, prompt: Prompt
) -> str:
    """Make a version of the seed or the best prompt."""
    made = client.create_prompt_version(
        name,
        _messages(prompt),
        description=f"{result['run_id']}: {which} prompt, validation "
        f"{100 * result['validation'][which]:.1f} %",
        tags=_version_tags(result, which, prompt),
        model_config=_config(prompt.decoding) or None,
    )
    return str(made.version)


def _create_prompt(client: MlflowClient, name: str, task: str, experiment_id: str) -> None:
    """Make the registry's entry unless it is there, and show it with the experiment."""
    known = client.get_prompt(name)
    if known is None:
        text = f"Prompts for the task {clean(task)}, found by apo."
        try:
            client.create_prompt(name, text, {EXPERIMENTS: f",{experiment_id},"})
            return
        except MlflowException:  # Another run may have made it in the meantime.
            known = client.get_prompt(name)
            if known is None:
                raise
    shown = [part for part in known.tags.get(EXPERIMENTS, "").split(",") if part]
    if experiment_id not in shown:
        client.set_prompt_tag(name, EXPERIMENTS, f",{','.join([*shown, experiment_id])},")


def _version_tags(result: Mapping[str, Any], which: str, prompt: Prompt) -> dict[str, str]:
    tags = {key: result[key] for key in ("run_id", "optimizer", "model", "optimizer_model")}
    tags["validation_score"] = round(result["validation"][which], 4)
    verdict = result["verdict"]
    if verdict is not None:
        tags["test_score"] = round(verdict[f"{which}_score"], 4)
    if verdict is not None and which == "best":
        low, high = (round(end, 4) for end in verdict["interval"])
        tags |= {
            "seed_test_score": round(verdict["seed_score"], 4),
            "difference": round(verdict["difference"], 4),
            "difference_interval": f"{low} to {high}",
            "p_value": float(f"{verdict['p_value']:.3g}"),
            "favourable": str(outcome(result).favourable).lower(),
            "outcome": outcome(result).kind,
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
        given = ", ".join(f"{name!r}: …" for name in foreign)
        return (
            f"MLflow's pages list only variables with Latin names, and so lack "
            f"{', '.join(foreign)}. Fill them all the same, by name: "
            f"load_prompt(…).format(**{{{given}}}). For names that the pages list, use Latin "
            "letters, digits and _ in the task's columns and template."
        )
    return ""
