"""What became of a batch, and of each of its requests."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apo.errors import (
    BadRequestError,
    ModelError,
    QuotaError,
    RateLimitError,
    TransportError,
)
from apo.model import Completion
from apo.models.address import Address
from apo.models.body import as_dict, as_text, as_word, read_body
from apo.models.failures import failure
from apo.models.replies import read_parsed

_STATUS = re.compile(r"([1-5]\d\d)(?:\.0)?")
"""As a number of either kind, or a text."""
FINAL = ("completed", "failed", "expired", "cancelled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What the provider says of a batch.

    Attributes:
        id: its name there.
        status: "validating", "in_progress", "finalizing", "cancelling", or one of `FINAL`.
        answered: how many of its requests are done.
        files: the ids of its files of answers and of errors, as far as there are any.
        error: code and message of the first thing that is wrong with the whole of it.
    """

    id: str
    status: str
    answered: int = 0
    files: tuple[str, ...] = ()
    error: Mapping[str, Any]


def read_outcome(address: Address, line: bytes) -> tuple[str, Completion | ModelError | None]:
    """Read a line of a batch's files: whose it is, and the answer or a direct call's error.

    A request that was not done, as when the batch expires, has neither.
    """
    result = as_dict(read_body(line))
    key, response = as_text(result.get("custom_id", "")), as_dict(result.get("response"))
    status = _STATUS.fullmatch(as_word(response.get("status_code")))
    if status is None:
        return key, None
    try:
        return key, read_parsed(address, int(status[1]), {}, response.get("body"))
    except ModelError as error:
        return key, error


def refusal(address: Address, batch: Batch) -> ModelError:
    """Say why a whole batch failed."""
    said = address.shown(as_text(batch.error.get("message")) or "(nothing)", 400)
    text = f"{address.name}: the batch {batch.id} failed: {said}"
    if batch.error.get("code") == "token_limit_exceeded":
        return RateLimitError(text)
    known = failure(address, 400, {}, {"error": dict(batch.error)})
    if isinstance(known, QuotaError):
        return known
    hint = " Mend that and run `apo resume`, or start a run without --batch."
    return BadRequestError(text + hint)


def unanswered(name: str, batch: Batch, *, resumed: bool) -> ModelError:
    """Make the error of a request that a batch ended without.

    Args:
        name: of the model.
        batch: how it ended.
        resumed: an earlier process sent it: that it was cancelled has been said.
    """
    if batch.status == "cancelled" and not resumed:
        return BadRequestError(
            f"{name}: the batch {batch.id} was cancelled at the provider. Its answers are kept; "
            "`apo resume` asks for the rest."
        )
    return TransportError(f"{name}: the batch {batch.id} is {batch.status}, without this answer.")
