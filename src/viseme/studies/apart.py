"""Several calls at a time, each in a process of its own with its share of the cores, so that none can end another."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Attempt = Callable[[str, Mapping[str, Any], Path], str]
"""Call, arguments and log file give the reason of failure, or nothing."""
_THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True, slots=True)
class _Running:
    process: SpawnProcess
    answer: Connection
    began: float


class Workers:
    """At most `jobs` calls under way; with one job it is made at once, in this process.

    Args:
        attempt: at the top level of a module, so that a new process finds it.
        jobs: 1 or more.
    """

    def __init__(self, attempt: Attempt, jobs: int) -> None:
        self.attempt, self.jobs = attempt, jobs
        self._running: dict[str, _Running] = {}
        self._made: list[tuple[str, str, float]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for running in self._running.values():
            running.process.terminate()
        for running in self._running.values():
            running.process.join()

    @property
    def busy(self) -> bool:
        """Whether there is anything to wait for."""
        return bool(self._running or self._made)

    @property
    def free(self) -> bool:
        """Whether another call may be started."""
        return len(self._running) + len(self._made) < self.jobs

    def start(self, name: str, call: str, arguments: Mapping[str, Any], log: Path) -> None:
        """Begin a call."""
        began = time.monotonic()
        if self.jobs == 1:
            reason = self.attempt(call, arguments, log)
            self._made.append((name, reason, time.monotonic() - began))
            return
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(self.attempt, call, dict(arguments), log, theirs))
        with _threads(max(1, (os.cpu_count() or 1) // self.jobs)):
            process.start()
        theirs.close()
        self._running[name] = _Running(process, ours, began)

    def next(self) -> tuple[str, str, float]:
        """Wait for a call to end: its name, why it failed or nothing, and its seconds."""
        if self._made:
            return self._made.pop()
        ended = wait([running.process.sentinel for running in self._running.values()])
        name = next(name for name, running in self._running.items() if running.process.sentinel in ended)
        running = self._running.pop(name)
        running.process.join()
        reason = f"its process ended with exit code {running.process.exitcode} (out of memory?)"
        with contextlib.suppress(EOFError), running.answer:
            reason = running.answer.recv()
        return name, reason, time.monotonic() - running.began


def _work(attempt: Attempt, call: str, arguments: dict[str, Any], log: Path, answer: Connection) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer.send(attempt(call, arguments, log))


def _end_with_parent() -> None:
    """A study killed outright leaves nobody behind who writes where the next call will."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Processes started meanwhile use so many threads, unless the environment says otherwise."""
    if _THREADS in os.environ:
        yield
        return
    os.environ[_THREADS] = str(count)
    try:
        yield
    finally:
        del os.environ[_THREADS]
