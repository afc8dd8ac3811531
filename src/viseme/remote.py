"""Download one file whose size and digest are known, carrying on where an earlier try broke off."""

from __future__ import annotations

import contextlib
import http.client
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from viseme.errors import InputError, OutputError
from viseme.files import digest
from viseme.http import Pause, Refused, ask, insist
from viseme.progress import Advance, progress

CHUNK = 10**6
KNOWN_BY = {"sha256": "SHA-256", "md5": "MD5"}
"""The digests by which files may be known, as people call them."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file elsewhere.

    Attributes:
        name: as people know it.
        url: gives it, by HTTP.
        size: in bytes.
        digest: hexadecimal, of the whole file.
        advice: how else it can be had; ends the message where the download fails.
        algorithm: of the digest, a key of `KNOWN_BY`.
        headers: names and values that the server wants to see.
    """

    name: str
    url: str
    size: int
    digest: str
    advice: str
    algorithm: str = "sha256"
    headers: tuple[tuple[str, str], ...] = ()


def download(remote: Remote, target: Path, advance: Advance | None = None, pause: Pause | None = None) -> None:
    """Bring the file to `target`, or leave what is there if it is that file.

    A connection that breaks off and a server that is busy are tried again. What has come stays in a `.partial` file
    beside it, which gets the name when its digest is right. One download of a file at a time: a second would spoil the
    partial file, and its digest would tell.

    Args:
        remote: what to bring.
        target: where to.
        advance: told the bytes that come, less than none where what had come is fetched anew; a bar of its own
            otherwise. What it raises ends the download, and what has come is kept.
        pause: waits between tries, `time.sleep` otherwise.

    Raises:
        InputError: the server cannot be reached or refuses, the connection breaks, or what came is another file.
        OutputError: `target` cannot be written.
    """
    partial = partial_of(target)
    try:
        if target.is_file() and digest(target, remote.algorithm) == remote.digest:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if partial.is_symlink():  # none of ours; what it leads to is not to be written over
            partial.unlink()
        with _bar(remote, partial) if advance is None else contextlib.nullcontext(advance) as told:
            insist(lambda: _bring(remote, partial, told), lambda: size_of(partial), pause or time.sleep)
        if digest(partial, remote.algorithm) != remote.digest:
            partial.unlink()
            raise InputError(
                f"{remote.name}: {remote.url} gives another file than the one known by its "
                f"{KNOWN_BY[remote.algorithm]}; {remote.advice}"
            )
        os.replace(partial, target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error.strerror}); make room there or choose another place"
        ) from error


def partial_of(target: Path) -> Path:
    """Where a file lies until it is whole."""
    return target.with_name(f"{target.name}.partial")


def size_of(path: Path) -> int:
    """Bytes in a file; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0


@contextlib.contextmanager
def _bar(remote: Remote, partial: Path) -> Iterator[Advance]:
    with progress(f"fetching {remote.name}", remote.size // CHUNK, "MB", size_of(partial) // CHUNK) as advance:
        yield lambda count: advance(count / CHUNK)


def _bring(remote: Remote, partial: Path, advance: Advance) -> None:
    """Append what is missing of the file, asking the server to go on where an earlier download ended."""
    came = size_of(partial)
    if came == remote.size:
        partial.touch()
        return
    done = 0 if came > remote.size else came
    with _opened(remote, partial, done) as answer:
        if answer.status != http.client.PARTIAL_CONTENT:  # a server that cannot go on begins anew
            done = 0
        if not done:
            advance(-min(came, remote.size))
        with open(partial, "ab" if done else "wb") as file:
            for chunk in _chunks(remote, answer, done):
                file.write(chunk)
                done += len(chunk)
                advance(len(chunk))
    if done < remote.size:
        raise _broken_off(remote, done, "the server ended it")


def _opened(remote: Remote, partial: Path, done: int) -> http.client.HTTPResponse:
    headers = {"Range": f"bytes={done}-"} if done else {}
    try:
        return ask(remote.name, remote.url, remote.advice, headers=headers, private=dict(remote.headers))
    except Refused as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        partial.unlink(missing_ok=True)
        raise InputError(
            f"{remote.name}: {remote.url} gives another file than the one known, of {done} bytes instead of "
            f"{remote.size}; {remote.advice}"
        ) from error


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


def _broken_off(remote: Remote, done: int, reason: str) -> Refused:
    return Refused(
        f"{remote.name}: the download broke off after {done} of {remote.size} bytes ({reason}); "
        "run the same command again, it carries on there",
        again=True,
    )
