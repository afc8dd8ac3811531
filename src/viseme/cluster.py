"""Tasks over the machines of a Ray cluster, of which one may be lost and another may join while they run.

A worker's work is its files: they lie where all machines see them, written whole or not at all, and equal tasks write
equal bytes. So a task whose machine died is simply begun again elsewhere, and only results come back, each once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from viseme import __version__
from viseme.errors import InputError, OutputError

Task = TypeVar("Task")
Result = TypeVar("Result")

LOG = logging.getLogger("viseme.cluster")
RETRIES = 3
"""How often a task is begun again whose worker or machine died; after that it is taken to be what kills them."""
LOOK = 1.0
"""Seconds after which machines that have joined are looked for, though no task has ended."""


def check() -> None:
    """Raise `InputError` where Ray is not installed."""
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise InputError("engine ray: Ray is not installed; install viseme[ray], or leave --engine out") from error


def unordered(
    function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int | None, shared: Sequence[Path]
) -> Iterator[Result]:
    """The results of `function` over `tasks` as they are done: `viseme.parallel.unordered` by Ray.

    Not by Ray's backend of joblib: that one gives its results all at once, at the end, and knows the size that the
    cluster had at the start.
    """
    import ray

    with _connected(ray):
        machines = _machines(ray)
        if jobs is None and not _processors(machines):
            raise InputError(
                "engine ray: no machine of the cluster has a processor to give; join one with ray start --address=..., "
                "or give --jobs where the cluster grows by itself"
            )
        work = ray.remote(num_cpus=1, max_retries=RETRIES)(_worker(__version__, os.getcwd(), shared))
        todo = iter(tasks)
        running: list[Any] = []
        try:
            while True:
                room = (jobs or max(1, _processors(machines))) - len(running)
                running += [work.remote(ray.cloudpickle.dumps((function, task))) for task in islice(todo, max(0, room))]
                if not running:
                    return
                done, running = ray.wait(running, timeout=LOOK)
                for task in done:
                    yield ray.get(task)
                before, machines = machines, _machines(ray)
                for name in sorted(before.keys() - machines.keys()):
                    LOG.warning("%s has left the cluster; what it had begun is begun again", before[name].host)
        except ray.exceptions.RayTaskError as error:
            raise _said_by(error) from error
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError) as error:
            raise OutputError(
                f"one task's worker died {RETRIES + 1} times (out of memory?); run the same command again with "
                "fewer jobs"
            ) from error
        except ray.exceptions.RayError as error:
            raise OutputError(f"engine ray: {_line(error)}; run the same command again") from error
        finally:
            for task in running:
                ray.cancel(task, force=True)


def _worker(version: str, folder: str, shared: Sequence[Path]) -> Callable[[bytes], Any]:
    """What a worker runs: a closure, which Ray sends as such and not by name, so that it can say what is missing."""

    def work(pickled: bytes) -> Any:
        import pickle

        here = socket.gethostname()
        try:
            import viseme
            from viseme.errors import InputError
        except ImportError as error:
            raise ImportError(f"{here} has no viseme ({error}); install viseme {version} there") from error
        if viseme.__version__ != version:
            raise ImportError(f"{here} has viseme {viseme.__version__}; install viseme {version} there, as it is here")
        with contextlib.suppress(OSError):
            os.chdir(folder)  # so that relative paths mean what they mean here
        for place in shared:
            if not os.path.exists(place):
                raise InputError(
                    f"{place}: not seen by {here}; every machine of a cluster needs the same files, there too"
                )
        # This program's own bytes, as all that Ray carries; unpacked here so that what is missing is said before.
        function, task = pickle.loads(pickled)
        return function(task)

    return work


class _Machine(NamedTuple):
    host: str
    processors: int


def _machines(ray: Any) -> dict[str, _Machine]:
    """Those that are there now, by Ray's name for them."""
    return {
        node["NodeID"]: _Machine(node["NodeManagerHostname"], int(node["Resources"].get("CPU", 0)))
        for node in ray.nodes()
        if node["Alive"]
    }


def _processors(machines: dict[str, _Machine]) -> int:
    return sum(machine.processors for machine in machines.values())


def _said_by(error: Any) -> BaseException:
    """What a task raised; where a worker could not even load it, that in one line."""
    cause: BaseException = error.cause
    return InputError(f"engine ray: {_line(cause)}") if isinstance(cause, ImportError) else cause


@contextlib.contextmanager
def _connected(ray: Any) -> Iterator[None]:
    """Ray at hand; left as it was found."""
    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS", "")
    _check_answers(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report its use to its makers
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, SystemExit) as error:
        why = f"cannot be reached at {address}" if address else "cannot be started"
        raise InputError(f"engine ray: Ray {why} ({_line(error)}); mend that, or leave --engine out") from error
    prints = ray._private.worker
    before, prints._worker_logs_enabled = prints._worker_logs_enabled, False  # on standard output, where results go
    try:
        yield
    finally:
        ray.shutdown()
        prints._worker_logs_enabled = before


def _check_answers(address: str) -> None:
    """Ray itself would try for ten minutes, then end the program."""
    try:
        place = urlsplit(address if "://" in address else f"//{address}")
        if not place.port:
            return
        socket.create_connection((place.hostname, place.port), 20).close()
    except (OSError, ValueError) as error:
        raise InputError(
            f"RAY_ADDRESS {address}: no cluster answers there ({_line(error)}); start one, or unset RAY_ADDRESS"
        ) from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
