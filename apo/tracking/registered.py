"""Prompts from MLflow's registry as seed prompts, and back there as the next version."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

from apo.environment import prepare_environment
from apo.errors import PromptError
from apo.model import Decoding
from apo.prompts.beside import NOTHING, Beside
from apo.prompts.files import parse_prompt
from apo.prompts.forms.found import Found, decoding_of
from apo.prompts.forms.provenance import Provenance
from apo.prompts.forms.registry import require_held
from apo.prompts.prompt import Prompt
from apo.taskfile.output_schema import response_format
from apo.tracking.environment import public_uri, tracking_uri

SCHEME = "prompts:/"
CHAMPION, PREVIOUS = "champion", "previous"
"""Aliases of the version in use, and of the one before it."""
CONFIG = {
    name: name
    for name in ("temperature", "top_p", "max_tokens", "frequency_penalty", "presence_penalty")
} | {"stop": "stop_sequences", "extra": ""}
"""What MLflow's model config calls the options; further fields stand beside them."""
NOT_SENT = ("provider", "model_name")


class Address(NamedTuple):
    """Which prompt: its name, and a version or an alias; with neither the latest version."""

    name: str
    version: str = ""
    alias: str = ""


def address_of(uri: str) -> Address:
    """Read prompts:/NAME, prompts:/NAME/VERSION or prompts:/NAME@ALIAS.

    Raises:
        PromptError: it is none of these.
    """
    match = re.fullmatch(r"prompts:/+([^/@]+)(?:/(\d+)|@([^/@]+))?", uri)
    if match is None:
        raise PromptError(
            f"{uri!r} must be prompts:/NAME, prompts:/NAME/VERSION or prompts:/NAME@ALIAS."
        )
    return Address(match[1], match[2] or "", match[3] or "")


def registered_prompt(
    uri: str,
    input_fields: Sequence[str],
    template: str | None = None,
    beside: Beside = NOTHING,
) -> tuple[Found, str]:
    """Load a prompt of MLflow's registry, with its model config and response format.

    Args:
        uri: prompts:/NAME, prompts:/NAME/VERSION or prompts:/NAME@ALIAS.
        input_fields: the task's input fields, which must be the prompt's variables.
        template: the user turn where the prompt has none.
        beside: the input fields that the task shows beside the text.

    Returns:
        The prompt, and the address of the version that it was.

    Raises:
        PromptError: there is no such prompt, it has other variables, or MLflow cannot be reached.
    """
    found, pinned = _load(uri)
    prompt = parse_prompt(found.template, input_fields, template, beside)
    decoding, left = _decoding(found.model_config or {}, found.response_format)
    if any(tag.startswith("apo.") for tag in found.tags):  # Its model is told there, by apo itself.
        left = tuple(name for name in left if name != "model_config.model_name")
    return Found(Prompt.from_dict({**prompt.to_dict(), "decoding": decoding}), left), pinned


def _load(uri: str) -> tuple[Any, str]:
    client, where = _client()
    address = address_of(uri)
    from mlflow.exceptions import MlflowException

    try:
        if address.alias:
            found: Any = client.get_prompt_version_by_alias(address.name, address.alias)
        else:
            version = address.version or _latest(client, address.name)
            found = client.get_prompt_version(address.name, version) if version else None
    except MlflowException as error:
        raise PromptError(f"{uri} cannot be loaded from {where}: {error.message}") from error
    if found is None:
        raise PromptError(
            f"There is no prompt {uri} in {where}. MLFLOW_TRACKING_URI says which registry is "
            "looked into."
        )
    return found, f"{SCHEME}{found.name}/{found.version}"


def _client() -> tuple[Any, str]:
    prepare_environment()
    from mlflow import MlflowClient

    uri = tracking_uri()
    return MlflowClient(uri, registry_uri=uri), public_uri(uri)


def _latest(client: Any, name: str) -> str:
    """The highest version of a prompt; "" where there is none."""
    if client.get_prompt(name) is None:
        return ""
    versions: list[int] = []
    token: str | None = None
    while True:
        page = client.search_prompt_versions(name, max_results=100, page_token=token)
        versions += [int(version.version) for version in page]
        token = page.token or None
        if token is None:
            return str(max(versions)) if versions else ""


def _decoding(
    config: Mapping[str, Any], response_format: Mapping[str, Any] | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """How answers are drawn; without a word about it, as apo draws them."""
    options = {k: v for k, v in config.items() if v is not None}
    beside = [f"model_config.{name}" for name in NOT_SENT if options.pop(name, None)]
    for name in ("extra_params", "extra"):  # MLflow's word, and that of versions that apo made.
        options |= options.pop(name, None) or {}
    decoding, left = decoding_of(options, CONFIG, "model_config.")
    if not options:
        decoding = Decoding()
    if response_format:
        decoding = decoding.with_extra({"response_format": _as_sent(dict(response_format))})
    return decoding.to_dict(), (*beside, *left)


def _as_sent(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema as a request names it."""
    if schema.get("type") in ("json_schema", "json_object", "text"):
        return schema
    return response_format(schema)


def register_next(uri: str, prompt: Prompt, provenance: Provenance) -> str:
    """Make a prompt the next version of one in MLflow's registry, or the first.

    Args:
        uri: prompts:/NAME.
        prompt: the prompt; one turn of the user stays a text where the latest version is one.
        provenance: what is known of it; these are the version's tags.

    Returns:
        The address of the version.

    Raises:
        PromptError: a version or alias is named, which is no place for a new one; or MLflow
            refuses it.
    """
    name, version, alias = address_of(uri)
    if version or alias:
        raise PromptError(f"A new version goes to {SCHEME}{name}, without a version or an alias.")
    require_held(prompt, "MLflow's registry", ("tools", "logprobs"))
    client, where = _client()
    from mlflow.exceptions import MlflowException

    messages = [{"role": m.role, "content": m.content} for m in prompt.messages()]
    extra = dict(prompt.decoding.extra)
    schema: Any = extra.pop("response_format", None)
    options = {k: v for k, v in prompt.decoding.to_dict().items() if v and k != "extra"}
    options |= {"temperature": prompt.decoding.temperature}
    config = {CONFIG[k]: list(v) if k == "stop" else v for k, v in options.items() if v is not None}
    config |= {"extra_params": extra} if extra else {}
    config |= {"model_name": provenance.model} if provenance.model else {}
    try:
        last = _latest(client, name)
        before = client.get_prompt_version(name, last).template if last else messages
        if client.get_prompt(name) is None:
            client.create_prompt(name)
        as_text = isinstance(before, str) and [m["role"] for m in messages] == ["user"]
        made: Any = client.create_prompt_version(
            name,
            messages[0]["content"] if as_text else messages,
            description=f"From {provenance.run}" if provenance.run else None,
            tags={f"apo.{k}": _tag(v) for k, v in provenance.to_dict().items()},
            response_format=_schema_of(schema),
            model_config=config or None,
        )
    except MlflowException as error:
        raise PromptError(f"{uri} cannot be written to {where}: {error.message}") from error
    return f"{SCHEME}{name}/{made.version}"


def pinned(uri: str) -> str:
    """The version that an address leads to now, prompts:/NAME/VERSION.

    Raises:
        PromptError: there is none, or MLflow cannot be reached.
    """
    return _load(uri)[1]


def latest_of(name: str, prompt: Prompt) -> str:
    """The address of the latest version of a name where it is this prompt; "" where it is not.

    Raises:
        PromptError: there is no such name, or MLflow cannot be reached.
    """
    found, uri = _load(f"{SCHEME}{name}")
    template: Any = found.template
    kept = [("user", template)] if isinstance(template, str) else [*map(_turn, template)]
    return uri if kept == [(m.role, m.content) for m in prompt.messages()] else ""


def _turn(message: Mapping[str, Any]) -> tuple[str, str]:
    return str(message["role"]), str(message["content"])


def promote(uri: str, alias: str, before: str = "") -> None:
    """Move an alias to a version; "previous" then names the one that had it.

    Args:
        uri: of the version, prompts:/NAME/VERSION.
        alias: such as champion.
        before: the version that had it; by default the one that has it now.

    Raises:
        PromptError: MLflow refuses it.
    """
    address, (client, where) = address_of(uri), _client()
    from mlflow.exceptions import MlflowException

    try:
        with suppress(MlflowException):  # Nobody had it.
            now: Any = client.get_prompt_version_by_alias(address.name, alias)
            version = address_of(before).version if before else now and now.version
            if version:
                client.set_prompt_alias(address.name, PREVIOUS, int(version))
        client.set_prompt_alias(address.name, alias, int(address.version))
    except MlflowException as error:
        raise PromptError(
            f"{alias} cannot be moved to {uri} in {where}: {error.message}"
        ) from error


def _schema_of(response_format: Any) -> dict[str, Any] | None:
    """The JSON schema of a request's response format, as the registry keeps it."""
    if not isinstance(response_format, dict):
        return None
    given = cast("dict[str, Any]", response_format)
    return given.get("json_schema", {}).get("schema") or given


def _tag(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
