"""A server's temporary files: one folder, cleaned as it goes, and gone with the server, even one that was killed."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

PREFIX = "viseme-serve-"
LOCK = "lock"
SWEPT_EVERY = 15.0
"""Seconds between two looks at what is too old; also how long a measured size counts."""


class Scratch:
    """A folder under the system's temporary one; a context manager.

    A lock that the kernel drops with the process tells folders in use from those of servers that were killed, which are
    removed when the next one starts.

    Attributes:
        path: the folder.
        files: uploads and results within it; what has not been changed for `keep` seconds is removed.
        jobs: where a job works; each removes its own.
    """

    def __init__(self, keep: float, parent: Path | None = None) -> None:
        self.keep = keep
        self._parent = parent or Path(tempfile.gettempdir())
        self._measured = (-SWEPT_EVERY, 0)
        self._stop = threading.Event()

    def __enter__(self) -> Scratch:
        remove_abandoned(self._parent)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._parent))
        self._lock = open(self.path / LOCK, "w", encoding="ascii")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.files, self.jobs = self.path / "files", self.path / "jobs"
        self.files.mkdir()
        self.jobs.mkdir()
        self._sweeper = threading.Thread(target=self._sweep, daemon=True)
        self._sweeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._sweeper.join()
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()

    def size(self) -> int:
        """Bytes of all files, measured at most every few seconds."""
        when, found = self._measured
        if time.monotonic() - when >= SWEPT_EVERY:
            found = sum(size for _, size, _ in _files(self.path))
            self._measured = (time.monotonic(), found)
        return found

    def remove_old(self) -> None:
        """Remove what has not been changed for `keep` seconds, and folders that this leaves empty."""
        oldest = time.time() - self.keep
        for path, _, changed in _files(self.files):
            if changed < oldest:
                path.unlink(missing_ok=True)
        for folder in sorted((p for p in self.files.rglob("*") if p.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                if folder.stat().st_mtime < oldest:
                    folder.rmdir()

    def _sweep(self) -> None:
        while not self._stop.wait(SWEPT_EVERY):
            self.remove_old()


def remove_abandoned(parent: Path) -> None:
    """Remove the folders of servers that were killed: those whose lock nobody holds."""
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), open(folder / LOCK, encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def _files(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """Each file with its bytes and when it was changed; what goes away meanwhile is passed over."""
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            found = path.lstat()
            if not path.is_dir():
                yield path, found.st_size, found.st_mtime
