"""Download one file whose size and SHA-256 are known, carrying on where an earlier try broke off."""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from viseme.errors import InputError, OutputError
from viseme.files import sha256
from viseme.progress import progress

CHUNK = 10**6
TIMEOUT = 30.0
"""Seconds without a byte after which a server counts as silent."""
PAUSES = (1.0, 4.0, 16.0)
"""Seconds before a try is repeated that got nothing; one that got something starts the row anew."""
LONGEST = 60.0
"""Seconds that a server may have us wait."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file elsewhere.

    Attributes:
        name: as people know it.
        url: gives it, by HTTP.
        size: in bytes.
        sha256: hexadecimal, of the whole file.
        advice: how else it can be had; ends the message where the download fails.
    """

    name: str
    url: str
    size: int
    sha256: str
    advice: str


class _TryAgain(InputError):
    """What may pass: a connection that broke off, a server too busy."""

    wait = 0.0
    """Seconds that the server asks for."""


def download(remote: Remote, target: Path) -> None:
    """Bring the file to `target`, or leave what is there if it is that file.

    A connection that breaks off and a server that is busy are tried again. What has come stays in a `.partial` file
    beside it, which gets the name when its SHA-256 is right. One download of a file at a time: a second would spoil the
    partial file, and its SHA-256 would tell.

    Raises:
        InputError: the server cannot be reached or refuses, the connection breaks, or what came is another file.
        OutputError: `target` cannot be written.
    """
    partial = target.with_name(f"{target.name}.partial")
    try:
        if target.is_file() and sha256(target) == remote.sha256:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        _insist(remote, partial)
        if sha256(partial) != remote.sha256:
            partial.unlink()
            raise InputError(
                f"{remote.name}: {remote.url} gives another file than the one known by its SHA-256; {remote.advice}"
            )
        os.replace(partial, target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error.strerror}); make room there or choose another place"
        ) from error


def _insist(remote: Remote, partial: Path) -> None:
    """`_bring` until it has everything, gets nothing four times in a row, or meets what will not pass."""
    failures = 0
    while True:
        before = _size(partial)
        try:
            return _bring(remote, partial)
        except _TryAgain as error:
            failures = 0 if _size(partial) > before else failures + 1
            if failures > len(PAUSES):
                raise
            time.sleep(max(PAUSES[max(failures - 1, 0)], error.wait))


def _size(partial: Path) -> int:
    return partial.stat().st_size if partial.exists() else 0


def _bring(remote: Remote, partial: Path) -> None:
    """Append what is missing of the file, asking the server to go on where an earlier download ended."""
    done = _size(partial)
    if done == remote.size:
        return
    done = 0 if done > remote.size else done
    with _opened(remote, partial, done) as answer:
        if answer.status != http.client.PARTIAL_CONTENT:  # a server that cannot go on begins anew
            done = 0
        with (
            open(partial, "ab" if done else "wb") as file,
            progress(f"fetching {remote.name}", remote.size // CHUNK, "MB", done // CHUNK) as advance,
        ):
            for chunk in _chunks(remote, answer, done):
                file.write(chunk)
                done += len(chunk)
                advance(1)
    if done < remote.size:
        raise _broken_off(remote, done, "the server ended it")


def _opened(remote: Remote, partial: Path, done: int) -> http.client.HTTPResponse:
    headers = {"User-Agent": "viseme", "Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    request = urllib.request.Request(remote.url, headers=headers)
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            partial.unlink(missing_ok=True)
            raise InputError(
                f"{remote.name}: {remote.url} gives another file than the one known, of {done} bytes instead of "
                f"{remote.size}; {remote.advice}"
            ) from error
        raise _refused(remote, error) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise InputError(
            f"{remote.name}: {remote.url} cannot be reached ({reason}); go online, or {remote.advice}"
        ) from error
    return answer


def _refused(remote: Remote, error: urllib.error.HTTPError) -> InputError:
    """What an answer that is no file means."""
    quota = error.code in (http.client.FORBIDDEN, http.client.TOO_MANY_REQUESTS)
    why = ", perhaps since the quota of downloads is spent (on GitHub, that of git LFS)" if quota else ""
    busy = error.code == http.client.TOO_MANY_REQUESTS or error.code >= http.client.INTERNAL_SERVER_ERROR
    refusal = (_TryAgain if busy else InputError)(
        f"{remote.name}: {remote.url} answers {error.code} {error.reason}{why}; try again later, or {remote.advice}"
    )
    wanted = error.headers.get("Retry-After", "")
    if isinstance(refusal, _TryAgain) and wanted.isdecimal():
        refusal.wait = min(float(wanted), LONGEST)
    return refusal


def _chunks(remote: Remote, answer: http.client.HTTPResponse, came: int) -> Iterator[bytes]:
    """The body, no further than the file's size: what follows cannot belong to it."""
    while came < remote.size:
        try:
            chunk = answer.read(min(CHUNK, remote.size - came))
        except (OSError, http.client.HTTPException) as error:
            raise _broken_off(remote, came, str(error) or type(error).__name__) from error
        if not chunk:
            return
        came += len(chunk)
        yield chunk


def _broken_off(remote: Remote, done: int, reason: str) -> _TryAgain:
    return _TryAgain(
        f"{remote.name}: the download broke off after {done} of {remote.size} bytes ({reason}); "
        "run the same command again, it carries on there"
    )
