"""One function over many tasks at once: on this machine's processors by loky, or on those of a Ray cluster.

A worker uses one thread: tasks are what runs in parallel.
"""

from __future__ import annotations

import contextlib
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from viseme import cluster
from viseme.errors import ConfigError, OutputError

Task = TypeVar("Task")
Result = TypeVar("Result")

LOKY, RAY = "loky", "ray"
_DIED = "a worker died (out of memory?); run the same command again with fewer jobs"
_parent: int | None = None
"""In a worker of loky: the process that started it."""


def unordered(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    jobs: int | None = None,
    engine: str = LOKY,
    shared: Sequence[Path] = (),
) -> Iterator[Result]:
    """The results of `function` over `tasks` as they are done, in any order.

    One job, or a single task, runs in this process. Otherwise function, tasks and results are pickled; no more than
    `jobs` tasks are under way. What a task raises is raised here; then, and where the iterator is closed or the
    program interrupted, the workers stop at once.

    Args:
        function: at the top level of a module, so that workers find it.
        tasks: one call each.
        jobs: workers; as many as there are processors by default, of this machine or of Ray's cluster.
        engine: `loky`, processes here, or `ray`: the cluster that `RAY_ADDRESS` names or that runs on this machine;
            without one, a Ray that lives as long as this work. Machines may join it, and one may be lost: its tasks
            are begun again elsewhere.
        shared: files and folders that every machine of a cluster must see under these names.

    Raises:
        ConfigError: an unknown engine, or less than one job.
        InputError: Ray is not installed, no cluster answers or none has a processor, or one of its machines lacks this
            viseme or what is shared.
        OutputError: a worker died; on a cluster, the same task's again and again.
    """
    check(jobs, engine)
    if jobs == 1 or len(tasks) <= 1:
        return map(function, tasks)
    return cluster.unordered(function, tasks, jobs, shared) if engine == RAY else _by_loky(function, tasks, jobs)


def check(jobs: int | None, engine: str) -> None:
    """Raise what `unordered` would raise for these two, before any work is done."""
    if jobs is not None and jobs < 1:
        raise ConfigError(f"jobs {jobs}: give 1 or more")
    if engine not in (LOKY, RAY):
        raise ConfigError(f"engine {engine!r}: unknown; give {LOKY} or {RAY}")
    if engine == RAY:
        cluster.check()


def stop_if_orphaned() -> None:
    """End this worker if the process that started it is gone; long tasks call it between their steps.

    Nothing happens outside loky's workers: Ray ends the workers of a lost driver by itself.
    """
    if _parent not in (None, os.getppid()):
        os._exit(1)


def _by_loky(function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int | None) -> Iterator[Result]:
    import joblib
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    workers = min(jobs or joblib.cpu_count(), len(tasks))
    with joblib.parallel_config(LOKY, inner_max_num_threads=1):
        parallel = joblib.Parallel(workers, batch_size=1, pre_dispatch="n_jobs", return_as="generator_unordered")
        work = joblib.delayed(_in_worker)
        results: Iterator[Result] = iter(())
        try:
            with _interrupts_held():
                results = parallel(work(function, task, os.getpid()) for task in tasks)
            for result in results:  # noqa: UP028  joblib's iterator would warn when it is closed early
                yield result
        except TerminatedWorkerError as error:
            raise OutputError(_DIED) from error
        except BaseException:
            with warnings.catch_warnings(action="ignore"):
                del results
            get_reusable_executor().shutdown(wait=True, kill_workers=True)
            raise


def _in_worker(function: Callable[[Task], Result], task: Task, parent: int) -> Result:
    global _parent
    if os.getpid() != parent:  # joblib runs a single worker's tasks at home
        _parent = parent
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when its workers stop
    return function(task)


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while workers are started; they inherit that, so that none of them dies with a traceback."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
