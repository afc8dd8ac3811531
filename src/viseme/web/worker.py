"""A process that does the heavy work beside the page, so that the page answers at once and a crash ends one job alone.

Tasks are functions of `viseme.web.tasks`. They tell how far they are, can be stopped, and are killed where they do not
heed it; the process is then started anew.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Generator
from multiprocessing.connection import Connection
from typing import Any

from viseme.errors import InputError, VisemeError

HEARTBEAT = 0.25
"""Seconds after which a caller is given None where nothing was told."""
GRACE = 3.0
"""Seconds that a stopped task has to end by itself."""
NICER = 5
"""By how much the work steps back behind the page for the processor."""


class Stopped(Exception):
    """Raised inside a task that is no longer wanted."""


class Broken(Exception):
    """A task ended by a fault that is not the user's: its process died, or it raised what it should not."""


class Worker:
    """One process, started on first use at the latest, doing one task after another."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._context = multiprocessing.get_context("spawn")
        self._process: Any = None
        self._turn = threading.Lock()

    def start(self) -> None:
        """Start the process, if it is not running, so that it is ready when it is needed."""
        if self._process is not None and self._process.is_alive():
            return
        self._line, theirs = self._context.Pipe()
        self._stop = self._context.Event()
        self._process = self._context.Process(target=_work, args=(theirs, self._stop), name=self.name, daemon=True)
        self._process.start()
        theirs.close()

    def run(self, task: str, seconds: float | None = None, **arguments: Any) -> Generator[Any, None, None]:
        """Yield what a task tells as it comes, None while there is nothing new, and in the end what it returns.

        A caller that closes the iterator stops the task.

        Args:
            task: the name of a function in `viseme.web.tasks`.
            seconds: after which the task is ended.
            arguments: of the function; they are pickled.

        Raises:
            InputError: the time is over. Whatever `VisemeError` the task raises is raised here too.
            Broken: the process died, or the task raised something else, which stands on its stderr.
        """
        with self._turn:
            self._give(task, arguments)
            until = None if seconds is None else time.monotonic() + seconds
            ended = False
            try:
                while not ended:
                    if until is not None and time.monotonic() > until:
                        raise InputError(
                            f"this took longer than the {seconds:g} s that the server gives a job; "
                            "give a shorter voice, fewer steps or one model"
                        )
                    if not self._line.poll(HEARTBEAT):
                        yield None
                        continue
                    kind, value = self._received()
                    ended = kind != "told"
                    if kind == "refused":
                        raise value
                    if kind == "broken":
                        raise Broken(value)
                    yield value
            finally:
                if not ended:
                    self._halt()

    def result(self, task: str, seconds: float | None = None, **arguments: Any) -> Any:
        """What a task returns. Raises as `run` does."""
        value = None
        for value in self.run(task, seconds, **arguments):  # noqa: B007
            pass
        return value

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._line.close()
            self._process.kill()
            self._process.join()
            self._process = None

    def _give(self, task: str, arguments: dict[str, Any]) -> None:
        self.start()
        self._stop.clear()
        try:
            self._line.send((task, arguments))
        except OSError:  # it died since its last task
            self.close()
            self.start()
            self._line.send((task, arguments))

    def _received(self) -> tuple[str, Any]:
        try:
            kind, value = self._line.recv()
        except (EOFError, OSError):
            self.close()
            return "broken", f"{self.name}: the process died"
        return kind, value

    def _halt(self) -> None:
        """Stop the task that is running, by force where it does not heed."""
        self._stop.set()
        until = time.monotonic() + GRACE
        while (left := until - time.monotonic()) > 0 and self._line.poll(left):
            if self._received()[0] != "told":
                return
        self.close()


def _work(line: Connection, stop: Any) -> None:
    """Do what is asked, one task after another, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the page ends us
    with contextlib.suppress(OSError):
        os.nice(NICER)
    from viseme.web import tasks

    def tell(value: Any) -> None:
        if stop.is_set():
            raise Stopped
        if value is not None:
            line.send(("told", value))

    with contextlib.suppress(EOFError, OSError):
        while True:
            task, arguments = line.recv()
            try:
                answer = ("returned", getattr(tasks, task)(tell, **arguments))
            except Stopped:
                answer = ("stopped", None)
            except VisemeError as error:
                answer = ("refused", error)
            except Exception as error:
                traceback.print_exc()
                answer = ("broken", f"{task}: {type(error).__name__}")
            line.send(answer)
