"""Further fields of a request's body, in the provider's own words; apo's own are refused."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from apo.errors import PromptError
from apo.tools import declared

_OWN = "decoding has it: set decoding.{name}"
_LIMIT = "the budget counts on it: set decoding.max_tokens"
_TOOLS = "it is of an earlier form: declare tools"
RESERVED = {
    "model": "--model names it",
    **dict.fromkeys(("messages", "prompt", "input"), "apo writes the chat"),
    **dict.fromkeys(("stream", "stream_options"), "apo reads whole answers"),
    **dict.fromkeys(("n", "best_of"), "one answer is read, and all would be paid for"),
    **dict.fromkeys(
        ("temperature", "top_p", "frequency_penalty", "presence_penalty", "stop"), _OWN
    ),
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "max_output_tokens"), _LIMIT),
    **dict.fromkeys(("seed", "random_seed"), "it follows from --seed"),
    **dict.fromkeys(("functions", "function_call"), _TOOLS),
    "extra_body": "it is a word of the SDK: give the fields that stand in it themselves",
    "extra_headers": "headers are set in APO_HEADERS",
}
"""Fields of a request that are no extra ones, and why."""
_SECRET = re.compile(r"api[_-]?key|authorization|password|secret", re.IGNORECASE)


class Extra(dict[str, Any]):
    """Further fields of a request's body, as JSON values. Hashable, like all of a prompt: it is
    never changed.
    """

    @classmethod
    def of(cls, values: object) -> "Extra":
        """Check the fields, and put them into one order.

        Raises:
            PromptError: one is apo's own, holds a key, or is no JSON.
        """
        if not isinstance(values, Mapping):
            raise PromptError(
                f"decoding.extra is {values!r:.100}; it must hold fields of the request's body by "
                "name: {reasoning_effort: low}."
            )
        found = cast("Mapping[object, Any]", values)
        for name in found:
            if not isinstance(name, str) or not name.strip():
                raise PromptError(f"decoding.extra: {name!r} is no name of a field.")
            if name in RESERVED:
                reason = RESERVED[name].format(name=name)
                raise PromptError(f"decoding.extra cannot hold {name!r}: {reason}.")
            if _SECRET.search(name):
                raise PromptError(
                    f"decoding.extra cannot hold {name!r}, as it is written down with the prompt: "
                    "keys come from the environment (docs/models.md)."
                )
        try:
            plain = json.loads(json.dumps(dict(found), sort_keys=True, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise PromptError(f"decoding.extra holds what is no JSON value: {error}.") from None
        if "tools" in plain:
            plain["tools"] = declared(plain["tools"])
        return cls(plain)

    def __hash__(self) -> int:  # type: ignore[override]
        """Equal fields have equal hashes."""
        return hash(json.dumps(self, sort_keys=True)) if self else 0
