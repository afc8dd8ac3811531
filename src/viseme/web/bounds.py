"""What every request must keep to before the page sees it: so many bytes, and room left for them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from viseme.web.limits import Limits
from viseme.web.scratch import Scratch

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)

INTERNAL = 500
AROUND = 64 * 1024
"""Bytes that a form needs around its file."""
CLOSED = tuple(
    f"/gradio_api/{name}" for name in ("proxy=", "file=http", "vibe", "process_recording", "run-history", "deep_link")
)
"""What Gradio would do besides: fetch addresses for visitors, keep histories, change the page."""
CALL = "/gradio_api/call/"
NO_JOB = b'event: error\ndata: {"error": "There is no such job, or it is over."}\n\n'
HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
"""Sent with every answer: what was uploaded is never taken for another kind of file."""


class _TooLarge(Exception):
    """A body grew beyond what is taken."""


class Bounds:
    """ASGI middleware that refuses what is too large, by what it announces and by what it proves to be."""

    def __init__(self, app: App, limits: Limits, scratch: Scratch) -> None:
        self._app, self._limits, self._scratch = app, limits, scratch
        self._most = round(limits.upload_mb * 2**20) + AROUND

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read, begun, failed = 0, False, False

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                raise _TooLarge
            return message

        async def guarded(message: Message) -> None:
            nonlocal begun, failed
            if message["type"] == "http.response.start":
                failed = message["status"] == INTERNAL
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            if not failed:
                begun = True
                await send(message)

        refused = self._refusal(scope)
        if refused is None:
            try:
                await self._app(scope, bounded, guarded)
            except _TooLarge:
                refused = self._large()
            except Exception as error:
                log.warning("%s %s: %r", scope["method"], scope["path"], error)
                if begun and scope["method"] == "GET" and scope["path"].startswith(CALL):
                    # Gradio begins to answer before it looks whether there is such a job.
                    await send({"type": "http.response.body", "body": NO_JOB})
            refused = refused or _not_done(scope)
        if not begun:
            await _answer(guarded, *refused)

    def _refusal(self, scope: Message) -> tuple[int, str] | None:
        """Why a request is not served, as its head alone says."""
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self._most:
            return self._large()
        if scope["path"].startswith(CLOSED):
            return 404, "There is nothing here."
        if scope["method"] == "POST" and "/upload" in scope["path"] and self._full():
            return 503, "The server has no room for more uploads right now. Try again in some minutes."
        return None

    def _full(self) -> bool:
        return self._scratch.size() > self._limits.disk_mb * 1e6

    def _large(self) -> tuple[int, str]:
        return 413, f"The file is larger than the {self._limits.upload_mb:g} MB that this server takes."


def _not_done(scope: Message) -> tuple[int, str]:
    """What is said instead of an internal error. A call gets there by fields that Gradio does not understand."""
    if scope["method"] == "POST":
        return 422, "This request does not fit; /gradio_api/openapi.json says what each call takes."
    return INTERNAL, "The server could not do this; its log says why."


async def _answer(send: Send, status: int, text: str) -> None:
    body = text.encode("utf-8")
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
