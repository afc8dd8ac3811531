"""Asking a server by HTTP: what its refusals mean, and when to ask again."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPMessage
from typing import IO, TypeVar

from viseme.errors import InputError

Result = TypeVar("Result")
Pause = Callable[[float], None]
"""Waits so many seconds: `time.sleep`, or something that can be called off."""

TIMEOUT = 30.0
"""Seconds without a byte after which a server counts as silent."""
PAUSES = (1.0, 4.0, 16.0)
"""Seconds before a try is repeated that got nothing; one that got something starts the row anew."""
LONGEST = 60.0
"""Seconds that a server may have us wait."""
BANDWIDTH_LIMIT_EXCEEDED = 509
"""No standard status, but what git-lfs's specification has servers answer."""
QUOTA = frozenset({http.client.TOO_MANY_REQUESTS, BANDWIDTH_LIMIT_EXCEEDED})
"""Statuses that say so much of every further file too."""


class Refused(InputError):
    """The server gives something else than what was asked for, or nothing.

    Attributes:
        code: the HTTP status; 0 where there was none.
        again: whether it may pass: a connection that broke off, a server too busy.
        wait: seconds that the server asks for.
    """

    def __init__(self, line: str, *, code: int = 0, again: bool = False, wait: float = 0.0) -> None:
        super().__init__(line)
        self.code, self.again, self.wait = code, again, wait


def ask(
    name: str,
    url: str,
    advice: str,
    *,
    headers: Mapping[str, str] | None = None,
    private: Mapping[str, str] | None = None,
    data: bytes | None = None,
) -> http.client.HTTPResponse:
    """The answer to a GET, or to a POST of `data`, once its head has come.

    Args:
        name: of what is asked for; begins the message where it fails.
        url: `http` or `https`; redirects to such are followed.
        advice: how else it can be had; ends the message.
        headers: of the request, wherever redirects lead.
        private: headers for this server alone.
        data: what is posted.

    Raises:
        Refused: no such address, no connection, or an answer that is an error.
    """
    if not url.startswith(("http://", "https://")):
        raise Refused(f"{name}: {url!r} is no http address; {advice}")
    plain = {"User-Agent": "viseme", "Accept-Encoding": "identity", **(headers or {})}
    try:
        request = urllib.request.Request(url, data=data, headers=plain)
        for key, value in (private or {}).items():
            request.add_unredirected_header(key, value)
        opener = urllib.request.build_opener(_WithinHttp)
        answer: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(name, url, advice, error) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise Refused(f"{name}: {url} cannot be reached ({reason}); go online, or {advice}") from error
    return answer


class _WithinHttp(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but none to FTP, as urllib would."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.startswith(("http://", "https://")):
            raise urllib.error.HTTPError(newurl, code, f"{msg}, to {newurl}, no http address", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def insist(attempt: Callable[[], Result], came: Callable[[], int], pause: Pause) -> Result:
    """The attempt's result, once it has one; it is given up when it got nothing four times in a row.

    Args:
        attempt: raises `Refused`, of which only that counts which may pass.
        came: bytes that are here, by which a try that got something is told.
        pause: waits between the tries.
    """
    failures = 0
    while True:
        before = came()
        try:
            return attempt()
        except Refused as error:
            if not error.again:
                raise
            failures = 0 if came() > before else failures + 1
            if failures > len(PAUSES):
                raise
            pause(max(PAUSES[max(failures - 1, 0)], error.wait))


def read(
    name: str,
    url: str,
    advice: str,
    *,
    limit: int,
    pause: Pause,
    headers: Mapping[str, str] | None = None,
    data: bytes | None = None,
) -> bytes:
    """A whole document of no more than `limit` bytes, asked for again where that may help.

    Raises:
        Refused: it cannot be had, or is longer.
    """

    def attempt() -> bytes:
        with ask(name, url, advice, headers=headers, data=data) as answer:
            try:
                body = answer.read(limit + 1)
                if len(body) <= limit and answer.length:
                    raise http.client.IncompleteRead(body, answer.length)
            except (OSError, http.client.HTTPException) as error:
                reason = str(error) or type(error).__name__
                raise Refused(
                    f"{name}: {url} broke off ({reason}); try again later, or {advice}", again=True
                ) from error
        if len(body) > limit:
            raise Refused(f"{name}: {url} gives more than {limit} bytes; {advice}")
        return body

    return insist(attempt, lambda: 0, pause)


def one_line(text: object, longest: int = 200) -> str:
    """What a server says, fit for a message: printable, on one line, not endless."""
    line = " ".join(str(text).split())
    return "".join(char for char in line if char.isprintable())[:longest]


def _refused(name: str, url: str, advice: str, error: urllib.error.HTTPError) -> Refused:
    """What an answer that is an error means."""
    quota = error.code in QUOTA or error.code == http.client.FORBIDDEN
    why = ", perhaps since the quota of downloads is spent (on GitHub, that of git LFS)" if quota else ""
    busy = error.code == http.client.TOO_MANY_REQUESTS or error.code >= http.client.INTERNAL_SERVER_ERROR
    return Refused(
        f"{name}: {url} answers {error.code} {one_line(error.reason)}{_said(error)}{why}; try again later, or {advice}",
        code=error.code,
        again=busy and error.code != BANDWIDTH_LIMIT_EXCEEDED,
        wait=_wait(error.headers.get("Retry-After", "")),
    )


def _wait(wanted: str) -> float:
    """The seconds that a `Retry-After` asks for, a number or a date (RFC 9110, 10.2.3); 0 where it says neither."""
    if wanted.isdecimal():
        return min(float(wanted), LONGEST)
    with contextlib.suppress(ValueError, OverflowError):
        left = email.utils.parsedate_to_datetime(wanted).timestamp() - time.time()
        return min(max(left, 0.0), LONGEST)
    return 0.0


def _said(error: urllib.error.HTTPError) -> str:
    """The `message` of an error in JSON, as the APIs of GitHub, GitLab and Zenodo give it."""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError, RecursionError):
        body = json.loads(error.read(10_000))
        if isinstance(body, dict) and isinstance(body.get("message"), str):
            return f" ({one_line(body['message']).rstrip('.')})"
    return ""
