"""Many files at once, by a plan that says size and digest of each: what is here stays, what is missing is fetched."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from viseme.errors import InputError, OutputError
from viseme.files import digest
from viseme.http import QUOTA, Refused
from viseme.progress import Advance, progress
from viseme.remote import KNOWN_BY, Remote, download, partial_of, size_of

MEGABYTE = 10**6
BATCH = 100
"""Files whose links are asked for at once: links may expire, and git-lfs's own client asks for as many."""
LARGEST = 10**15
"""Bytes that no file has."""
LONGEST_PATH = 500
"""Letters of a path below the destination: systems refuse very long ones."""
PATIENCE = 10
"""Files that may fail in a row before the rest is not tried."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a corpus, as its source describes it.

    Attributes:
        path: where it belongs below the destination, with slashes.
        size: in bytes.
        digest: hexadecimal, of the whole file.
        algorithm: of the digest, a key of `viseme.remote.KNOWN_BY`.
        url: gives it; empty where the source must be asked for a link.
    """

    path: str
    size: int
    digest: str
    algorithm: str = "sha256"
    url: str = ""


class Source(Protocol):
    """Where a corpus can be had."""

    def entries(self) -> list[Entry]:
        """All files there. Raises `InputError` where the list cannot be had or is none."""

    def links(self, entries: Sequence[Entry]) -> list[Remote | InputError]:
        """Whence each can be had now, or why it cannot. Raises `InputError` where nothing can."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a plan.

    Attributes:
        files: in the plan.
        size: of all of them, in bytes.
        kept: files that were here before.
        fetched: files that came.
        failed: path and reason of each that was tried and did not come.
        stopped: why the rest was not tried; empty where all were.
    """

    files: int
    size: int
    kept: int
    fetched: int
    failed: tuple[tuple[str, str], ...]
    stopped: str

    @property
    def untried(self) -> int:
        """Files that were not tried."""
        return self.files - self.kept - self.fetched - len(self.failed)


class _Stopped(Exception):
    """The download is called off; what has come is kept."""


def check_plan(entries: Sequence[Entry], source: str) -> None:
    """Raise `InputError`, naming the source, where a plan would write outside its folder, or two files in one place."""
    seen: set[str] = set()
    for entry in entries:
        if not _is_safe(entry.path):
            raise InputError(f"{source}: names {entry.path!r}, which is no path below a folder; use another source")
        if entry.path in seen:
            raise InputError(f"{source}: names {entry.path} twice; use another source")
        seen.add(entry.path)
        if entry.algorithm not in KNOWN_BY or not 0 <= entry.size < LARGEST:
            raise InputError(f"{source}: does not say {entry.path}'s size and digest; use another source")


def fetch(source: Source, entries: Sequence[Entry], dest: Path, jobs: int = 4) -> Fetched:
    """Bring the files below `dest`, `jobs` at a time; files that are here, by size and digest, are left alone.

    One file's failure does not keep the others from coming. The rest is not tried where the server's quota is spent,
    links are refused, or ten files in a row fail. Interrupted, it keeps what has come of each file.

    Raises:
        InputError: the plan is not safe.
        OutputError: the disk has not the room, or `dest` cannot be written.
    """
    check_plan(entries, str(dest))
    stop = threading.Event()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            missing = _missing(entries, dest, pool)
            _check_room(missing, dest)
            size = sum(entry.size for entry in entries)
            came = size - _to_come(missing, dest)
            with progress("fetching", size // MEGABYTE, "MB", came // MEGABYTE) as bar:
                work = _Work(dest, stop, bar)
                fetched, failed, stopped = _all(work, _linked(source, missing), pool, jobs)
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Fetched(len(entries), size, len(entries) - len(missing), fetched, tuple(sorted(failed)), stopped)


@dataclass(frozen=True, slots=True)
class _Work:
    """What each thread does, as long as it is not called off."""

    dest: Path
    stop: threading.Event
    bar: Advance

    def bring(self, entry: Entry, link: Remote | InputError) -> None:
        if isinstance(link, InputError):
            raise link
        target = self.dest / entry.path
        if not target.parent.resolve().is_relative_to(self.dest.resolve()):
            raise OutputError(
                f"{target.parent}: a link there leads out of {self.dest}; remove it, or download elsewhere"
            )
        download(link, target, self._advance, self._pause)

    def _advance(self, count: float) -> None:
        if self.stop.is_set():
            raise _Stopped
        self.bar(count / MEGABYTE)

    def _pause(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise _Stopped


def _all(
    work: _Work, linked: Iterator[tuple[Entry, Remote | InputError]], pool: ThreadPoolExecutor, jobs: int
) -> tuple[int, list[tuple[str, str]], str]:
    """How many files came, which failed and why, and why the rest was not tried."""
    fetched, row, stopped = 0, 0, ""
    failed: list[tuple[str, str]] = []
    running: dict[Future[None], Entry] = {}
    while True:
        try:
            while not stopped and len(running) < jobs and (pair := next(linked, None)):
                running[pool.submit(work.bring, *pair)] = pair[0]
        except InputError as error:
            stopped = str(error)
        if not running:
            return fetched, failed, stopped
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            entry, failure = running.pop(future), future.exception()
            if failure is None:
                fetched, row = fetched + 1, 0
            elif isinstance(failure, InputError):
                failed.append((entry.path, str(failure)))
                row += 1
                stopped = stopped or _hopeless(failure, row)
            else:
                raise failure


def _missing(entries: Sequence[Entry], dest: Path, pool: ThreadPoolExecutor) -> list[Entry]:
    sized = [entry for entry in entries if size_of(dest / entry.path) == entry.size and (dest / entry.path).is_file()]
    if not sized:
        return list(entries)
    here = set()
    with progress("checking what is here", len(sized), "files") as advance:
        for entry, same in zip(sized, pool.map(lambda entry: _is_here(entry, dest), sized), strict=True):
            advance(1)
            here |= {entry.path} if same else set()
    return [entry for entry in entries if entry.path not in here]


def _is_here(entry: Entry, dest: Path) -> bool:
    try:
        return digest(dest / entry.path, entry.algorithm) == entry.digest
    except OSError as error:
        raise OutputError(f"{dest / entry.path}: cannot be read ({error.strerror}); move it away") from error


def _check_room(missing: Sequence[Entry], dest: Path) -> None:
    needed = _to_come(missing, dest)
    folder = dest.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"{dest}: {_gigabytes(needed)} are still to come, and the disk has {_gigabytes(free)} free; make room, "
            "choose another place, or fewer files by --actors and --only"
        )


def _to_come(missing: Sequence[Entry], dest: Path) -> int:
    """Bytes, less what has come of files that broke off."""
    return sum(entry.size - min(size_of(partial_of(dest / entry.path)), entry.size) for entry in missing)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def _linked(source: Source, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Remote | InputError]]:
    for start in range(0, len(entries), BATCH):
        some = entries[start : start + BATCH]
        yield from zip(some, source.links(some), strict=True)


def _hopeless(failure: InputError, row: int) -> str:
    """Why there is no use in trying more; empty where there is."""
    if isinstance(failure, Refused) and failure.code in QUOTA:
        return str(failure)
    return f"{row} files in a row failed" if row >= PATIENCE else ""


def _is_safe(path: str) -> bool:
    """Whether that is a plain path downwards, of names that no system and no program takes for something else."""
    return len(path) <= LONGEST_PATH and path.isprintable() and "\\" not in path and all(map(_is_name, path.split("/")))


def _is_name(part: str) -> bool:
    return part != "" and not part.startswith(".") and not part.endswith(".partial") and len(part.encode()) < 240
