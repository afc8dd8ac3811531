"""What a run keeps is copied between two steps and written beside the next ones, one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType


class Writer:
    """One thread that writes. What it could not write is raised by the next call."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._pending: Future[None] | None = None

    def submit(self, write: Callable[[], None]) -> None:
        """Begin to write, once what was begun before is written. Raises what that raised."""
        self.wait()
        self._pending = self._pool.submit(write)

    def wait(self) -> None:
        """Until all is written. Raises what writing raised."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What was begun is finished, whatever happened; an error of its own is raised only where there is no other."""
        self._pool.shutdown()
        if kind is None:
            self.wait()
