"""The Batch API of the loopback server: files of requests, and files of answers."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from apo.errors import BadRequestError, ModelError
from apo.testing.wire import status_of

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Batches:
    """Files and batches. A batch that is due is answered when somebody asks how it stands.

    Args:
        answer: gives the body of the reply to a request's body.
        check: raises when a request's headers hold the wrong key.

    Attributes:
        seconds: from a batch's creation until it is answered; 0 answers it before the client hears
            of it, and infinity holds it back.
        failing: share of requests, in [0, 1], that fail with 500 the first time that they come.
        expiring: share of requests, in [0, 1], that are left over at the end, the first time.
        refusal: code and message of what is wrong with every batch; None accepts them.
        max_requests: the most that may be in the queue; what is over fails the batch.
        moment: called with "uploaded", "created", "asked" and "fetched" when that has happened,
            before the client hears of it.
        answered: how often each custom_id was answered, and so paid.
        made: all batches, the oldest first.
    """

    def __init__(self, answer: Answer, check: Callable[[dict[str, str]], None]) -> None:
        self.seconds = self.failing = self.expiring = 0.0
        self.refusal: tuple[str, str] | None = None
        self.max_requests = 50_000
        self.moment: Callable[[str], object] = str
        self.answered: Counter[str] = Counter()
        self.made: list[dict[str, Any]] = []
        self._answer, self._check = answer, check
        self._files: list[bytes] = []
        self._came: Counter[str] = Counter()
        self._since: list[float] = []
        self._work: asyncio.Task[None] | None = None

    def route(self, app: web.Application) -> None:
        """Serve below any base URL."""
        for method, path, handle in (
            ("POST", "files", self._upload),
            ("GET", "files/{id}/content", self._fetch),
            ("POST", "batches", self._create),
            ("GET", "batches", self._list),
            ("GET", "batches/{id}", self._retrieve),
            ("POST", "batches/{id}/cancel", self._cancel),
        ):
            app.router.add_route(method, f"/{{base:.*}}/{path}", self._guarded(handle))

    def _guarded(
        self, handle: Callable[[web.Request], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def guarded(request: web.Request) -> web.Response:
            status = 200
            try:
                self._check({str(k).lower(): str(v) for k, v in request.headers.items()})
                found = await handle(request)
            except ModelError as error:
                status, found = _refused(error)
            except (IndexError, KeyError, ValueError):
                status, found = 404, {"error": {"message": "There is nothing of that name."}}
            data = found if isinstance(found, bytes) else orjson.dumps(found)
            return web.Response(body=data, status=status, content_type="application/json")

        return guarded

    async def _upload(self, request: web.Request) -> dict[str, Any]:
        form = await request.post()
        file = form["file"]
        if form["purpose"] != "batch" or not isinstance(file, web.FileField):
            raise BadRequestError("This server takes files for batches alone.")
        name = self._store(file.file.read())
        self.moment("uploaded")
        return {"id": name, "object": "file", "purpose": "batch", "filename": file.filename}

    async def _fetch(self, request: web.Request) -> bytes:
        content = self._files[_number(request)]
        self.moment("fetched")
        return content

    async def _create(self, request: web.Request) -> dict[str, Any]:
        asked = await request.json()
        lines = self._files[int(asked["input_file_id"].rpartition("-")[2])].splitlines()
        requests = [orjson.loads(line) for line in lines]
        batch: dict[str, Any] = {
            **asked,
            "id": f"batch-{len(self.made)}",
            "object": "batch",
            "created_at": int(time.time()),
            "status": "in_progress",
            "request_counts": {"total": len(requests), "completed": 0, "failed": 0},
        }
        queued = sum(
            b["request_counts"]["total"] for b in self.made if b["status"] == "in_progress"
        )
        refusal = self.refusal
        if queued + len(requests) > self.max_requests:
            refusal = ("token_limit_exceeded", "Enqueued token limit reached.")
        if refusal:
            errors = [{"code": refusal[0], "message": refusal[1]}]
            batch |= {"status": "failed", "errors": {"object": "list", "data": errors}}
        self.made.append(batch)
        self._since.append(time.monotonic())
        await self._work_off(len(self.made) - 1)
        self.moment("created")
        return batch

    async def _list(self, request: web.Request) -> dict[str, Any]:
        newest = [batch["id"] for batch in reversed(self.made)]
        start = newest.index(request.query["after"]) + 1 if "after" in request.query else 0
        end = start + int(request.query.get("limit", "20"))
        page = [self.made[int(name.rpartition("-")[2])] for name in newest[start:end]]
        return {"object": "list", "data": page, "has_more": end < len(newest)}

    async def _retrieve(self, request: web.Request) -> dict[str, Any]:
        await self._work_off(_number(request))
        self.moment("asked")
        return self.made[_number(request)]

    async def _cancel(self, request: web.Request) -> dict[str, Any]:
        batch = self.made[_number(request)]
        if batch["status"] == "in_progress":
            batch["status"] = "cancelled"
        return batch

    async def _work_off(self, number: int) -> None:
        """Answer a batch if it is due."""
        batch = self.made[number]
        due = time.monotonic() - self._since[number] >= self.seconds
        if batch["status"] == "in_progress" and due:
            batch["status"] = "finalizing"
            self._work = asyncio.ensure_future(self._complete(batch))
            await asyncio.shield(self._work)  # It goes on when the client has gone.

    async def _complete(self, batch: dict[str, Any]) -> None:
        """Answer all requests of a batch, or as many as it gets done."""
        content = self._files[int(batch["input_file_id"].rpartition("-")[2])]
        results = [await self._result(orjson.loads(line)) for line in content.splitlines()]
        for field, good in (("output_file_id", True), ("error_file_id", False)):
            lines = [orjson.dumps(r) for r in results if _is_good(r) == good]
            if lines:
                batch[field] = self._store(b"\n".join(lines) + b"\n")
        expired = any(result["error"] for result in results)
        batch["request_counts"]["completed"] = sum(map(_is_good, results))
        batch["status"] = "expired" if expired else "completed"

    async def _result(self, line: dict[str, Any]) -> dict[str, Any]:
        key = line["custom_id"]
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:7]) / 2**56
        first = not self._came[key]
        self._came[key] += 1
        result: dict[str, Any] = {"custom_id": key, "response": None, "error": None}
        if first and self.failing <= place < self.failing + self.expiring:
            error = {"code": "batch_expired", "message": "The completion window is over."}
            return {**result, "error": error}
        if first and place < self.failing:
            body: dict[str, Any] = {"error": {"message": "Try again.", "code": "server_error"}}
            return {**result, "response": {"status_code": 500, "body": body}}
        try:
            status, body = 200, await self._answer(line["body"])
            self.answered[key] += 1
        except ModelError as failure:
            status, body = _refused(failure)
        return {**result, "response": {"status_code": status, "body": body}}

    def _store(self, content: bytes) -> str:
        self._files.append(content)
        return f"file-{len(self._files) - 1}"


def _number(request: web.Request) -> int:
    return int(request.match_info["id"].rpartition("-")[2])


def _is_good(result: dict[str, Any]) -> bool:
    return bool(result["response"]) and result["response"]["status_code"] == 200


def _refused(error: ModelError) -> tuple[int, dict[str, Any]]:
    status, code = status_of(error)
    return status, {"error": {"message": f"{error}", "type": "error", "code": code}}
