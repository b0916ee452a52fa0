"""The provider's side of the Batch API: a file of requests goes up, a file of answers comes down.

Through the openai SDK: https://platform.openai.com/docs/guides/batch
"""

import re
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from apo.errors import (
    BadRequestError,
    MalformedReplyError,
    ModelError,
)
from apo.model import Completion
from apo.models.address import Address
from apo.models.batches.results import Batch, read_outcome
from apo.models.body import as_dict, as_list, read_body
from apo.models.failures import failure
from apo.models.sdk import SdkModel

T = TypeVar("T")
MAX_REQUESTS = 50_000
"""The most requests in a batch."""
MAX_BYTES = 190 * 10**6
"""The most bytes of a batch's file; 200 MB are allowed."""
_NAME = re.compile(r"[\w.:/-]{1,200}", re.ASCII)
LOOKED_AT = 1000
"""So many of the account's newest batches are looked through for one of ours."""


class BatchApi(SdkModel):
    """Files and batches of one account.

    Args:
        address: of the model that the batches ask.
        timeout: seconds that the provider may keep silent.
    """

    def __init__(self, address: Address, *, timeout: float) -> None:
        # Azure's files and batches belong to the resource, and not to a deployment.
        url = address.url.partition("/openai/deployments/")[0] + "/openai"
        account = replace(address, url=url) if address.api_version else address
        super().__init__(account, timeout=timeout)
        self._path = "/chat/completions" if address.api_version else "/v1/chat/completions"

    def line(self, key: str, body: dict[str, Any]) -> bytes:
        """Write one request as a line of a batch's file."""
        asked = {"custom_id": key, "method": "POST", "url": self._path, "body": body}
        return orjson.dumps(asked) + b"\n"

    async def upload(self, lines: bytes, token: str) -> str:
        """Bring a file of requests to the provider, and give its id there."""
        named = f"apo-{token}.jsonl", lines
        file = await self._made(
            self._sdk.files.create(file=named, purpose="batch", extra_headers=self._headers)
        )
        return self._text(file, "id")

    async def create(self, file: str, token: str) -> Batch:
        """Start a batch on a file; the token is written on it, so that `find` knows it again."""
        made = self._sdk.batches.create(
            input_file_id=file,
            endpoint=self._path,
            completion_window="24h",
            metadata={"apo": token},
            extra_headers=self._headers,
        )
        return self._batch(await self._made(made))

    async def find(self, token: str) -> Batch | None:
        """Look for a batch with this token among the newest of the account."""

        async def look() -> Any:
            seen = 0
            async for batch in self._sdk.batches.list(limit=100, extra_headers=self._headers):
                if as_dict(_field(batch, "metadata")).get("apo") == token:
                    return batch
                seen += 1
                if seen >= LOOKED_AT:
                    break
            return None

        found = await self._made(look())
        return None if found is None else self._batch(found)

    async def retrieve(self, batch: str) -> Batch:
        """Ask how a batch stands."""
        asked = self._sdk.batches.retrieve(batch, extra_headers=self._headers)
        return self._batch(await self._made(asked))

    async def outcomes(self, batch: Batch) -> dict[str, Completion | ModelError]:
        """Fetch the answers, and what a direct call would have raised in place of one.

        Requests that were not done, as when a batch expires, are left out.
        """
        found: dict[str, Completion | ModelError] = {}
        for file in batch.files:
            content = self._sdk.files.content(file, extra_headers=self._headers)
            data: bytes = (await self._made(content)).content
            for line in data.splitlines():
                key, outcome = read_outcome(self._address, line)
                if outcome is not None:
                    found[key] = outcome
        return found

    @property
    def _sdk(self) -> Any:
        return self._connected()

    @property
    def _headers(self) -> dict[str, Any]:
        import openai

        return {"Authorization": openai.Omit(), **self._address.headers}

    async def _made(self, work: Awaitable[T]) -> T:
        """Wait for the SDK, and make its errors ours; none of these calls is billed by itself."""
        import openai

        problem: ModelError
        try:
            return await work
        except openai.APIStatusError as error:
            problem = self._refused(error.status_code, error.response)
        except (openai.OpenAIError, OSError) as error:
            problem = self._broken(error)
            problem.billed = False
        except (AttributeError, TypeError, ValueError) as error:  # Of a body with another shape.
            problem = self._strange(f"the openai SDK cannot read it: {error!r:.200}")
        # Raised out here: the SDK's error holds the request's headers, and so the key.
        raise problem

    def _refused(self, status: int, response: Any) -> ModelError:
        if status == 405 or (status == 404 and response.request.method == "POST"):
            return BadRequestError(
                f"{self.name}: the server at {self._address.url} answered {status}: it has no "
                "Batch API. Leave --batch out."
            )
        return failure(self._address, status, response.headers, read_body(response.content))

    def _text(self, found: Any, field: str) -> str:
        text = _name(_field(found, field))
        if not text:  # The SDK gives a web page as it is.
            raise self._strange(f"it has no {field}")
        return text

    def _strange(self, why: str) -> MalformedReplyError:
        error = MalformedReplyError(
            f"{self.name}: what {self._address.url} answered is no file and no batch: {why}. "
            "Is the base URL right, and does the server have a Batch API?"
        )
        error.billed = False
        return error

    def _batch(self, found: Any) -> Batch:
        files = [_name(_field(found, name)) for name in ("output_file_id", "error_file_id")]
        errors = as_list(_field(_field(found, "errors"), "data")) or [None]
        answered = _field(_field(found, "request_counts"), "completed")
        return Batch(
            id=self._text(found, "id"),
            status=self._text(found, "status"),
            answered=answered if type(answered) is int and 0 <= answered <= MAX_REQUESTS else 0,
            files=tuple(file for file in files if file),
            error={name: _field(errors[0], name) for name in ("code", "message")},
        )


def _field(found: object, name: str) -> object:
    """A field of what the SDK made of an object; of one that is not as it expects, a dictionary."""
    return as_dict(found).get(name) if isinstance(found, dict) else getattr(found, name, None)


def _name(value: object) -> str:
    """A name that can stand in a URL and on a terminal; "" for anything else."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""
