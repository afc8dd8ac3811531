"""The same results by every engine, errors as they were raised, and no worker left behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import pytest

from viseme import parallel
from viseme.errors import ConfigError, InputError, OutputError, VisemeError
from viseme.parallel import unordered

try:
    import ray
except ImportError:
    ray = None


@dataclass(frozen=True)
class Seen:
    """What a task sees where it runs."""

    task: float
    process: int
    threads: str | None
    folder: str


def work(seconds: float) -> Seen:
    if seconds < 0:
        raise InputError(f"{seconds} s: nothing takes less than no time; give 0 or more")
    time.sleep(seconds)
    return Seen(seconds, os.getpid(), os.environ.get("OMP_NUM_THREADS"), os.getcwd())


def end_this_process(_task: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(autouse=True)
def _by_value() -> Iterator[None]:
    """Workers cannot import this module; they get its functions as such."""
    module = sys.modules[__name__]
    picklers = [cloudpickle, *([ray.cloudpickle] if ray else [])]
    for pickler in picklers:
        pickler.register_pickle_by_value(module)
    yield
    for pickler in picklers:
        pickler.unregister_pickle_by_value(module)


@pytest.mark.parametrize(("tasks", "jobs"), [([0.0, 0.01], 1), ([0.0], 8), ([0.0], None), ([], 2)])
def test_one_job_or_one_task_runs_in_this_process(tasks: list[float], jobs: int | None) -> None:
    seen = list(unordered(work, tasks, jobs))
    assert [one.task for one in seen] == tasks
    assert {one.process for one in seen} <= {os.getpid()}


def test_results_come_as_they_are_done_from_workers_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    tasks = [3.0, *(number / 1000 for number in range(9))]
    seen = list(unordered(work, tasks, 2))
    assert sorted(one.task for one in seen) == sorted(tasks)
    assert seen[-1].task == 3.0
    assert {one.threads for one in seen} == {"1"}
    assert len({one.process for one in seen} - {os.getpid()}) == 2


def test_what_a_task_raises_is_raised_here() -> None:
    with pytest.raises(InputError, match=r"^-1\.0 s: nothing takes less"):
        list(unordered(work, [0.0, -1.0, 0.0], 2))


def test_a_worker_that_dies_is_an_error_of_one_line() -> None:
    with pytest.raises(OutputError, match=r"^a worker died .* fewer jobs$"):
        list(unordered(end_this_process, [1, 2], 2))


def test_closed_early_it_leaves_no_worker_at_work() -> None:
    results = unordered(work, [0.0, 60.0, 0.0], 2)
    busy = next(results).process
    begun = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 30
    with pytest.raises(ProcessLookupError):
        os.kill(busy, 0)


@pytest.mark.parametrize(
    ("jobs", "engine", "kind", "message"),
    [(0, "loky", ConfigError, "jobs 0: give 1 or more"), (1, "dask", ConfigError, "engine 'dask': .*loky or ray")],
)
def test_impossible_terms_are_refused_at_once(jobs: int, engine: str, kind: type[VisemeError], message: str) -> None:
    with pytest.raises(kind, match=message):
        unordered(work, [0.0], jobs, engine)


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"install viseme\[ray\], or leave --engine out$"):
        unordered(work, [0.0], 1, "ray")


@pytest.mark.skipif(ray is None, reason="viseme[ray] is not installed")
@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:port"])
def test_a_cluster_that_does_not_answer_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(InputError, match=rf"^RAY_ADDRESS {address}: no cluster answers there .*; start one"):
        next(unordered(work, [0.0, 0.0], 2, "ray"))


def test_a_worker_ends_itself_once_its_parent_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    for parent in (None, os.getppid()):
        monkeypatch.setattr(parallel, "_parent", parent)
        parallel.stop_if_orphaned()
    assert ended == []
    monkeypatch.setattr(parallel, "_parent", os.getpid())
    parallel.stop_if_orphaned()
    assert ended == [1]


@pytest.mark.skipif(ray is None, reason="viseme[ray] is not installed")
def test_ray_gives_the_same_and_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.chdir(tmp_path)
    tasks = [0.0, 0.01, 0.02, 0.03]
    seen = list(unordered(work, tasks, 2, "ray"))
    assert sorted(one.task for one in seen) == tasks
    with pytest.raises(InputError, match=r"^-1\.0 s: nothing takes less than no time; give 0 or more$"):
        list(unordered(work, [30.0, -1.0], 2, "ray"))
    assert {one.folder for one in seen} == {str(tmp_path)}
    assert {one.threads for one in seen} == {"1"}
    assert os.getpid() not in {one.process for one in seen}
    assert not ray.is_initialized()
