"""The worker with real tasks that are quick or never end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from viseme.errors import InputError
from viseme.web.limits import Limits
from viseme.web.worker import Broken, Worker


@pytest.fixture(scope="module")
def worker():
    made = Worker("test")
    yield made
    made.close()


def test_what_a_task_refuses_is_refused_here(worker: Worker, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        worker.result("crop", photo=str(tmp_path / "none.png"), limits=Limits())


def test_a_task_that_breaks_does_not_end_the_worker(worker: Worker) -> None:
    with pytest.raises(Broken, match="TypeError"):
        worker.result("crop", wrong=1)
    with pytest.raises(InputError):
        worker.result("crop", photo="none.png", limits=Limits())


def test_a_time_that_is_over_ends_the_task(worker: Worker, tmp_path: Path) -> None:
    pipe = tmp_path / "examples"
    pipe.mkdir()
    with pytest.raises(InputError, match="longer than the 0 s"):
        worker.result("examples", 0, folder=pipe)


def test_a_worker_that_dies_is_told_and_started_anew(worker: Worker) -> None:
    worker.start()
    os.kill(worker._process.pid, signal.SIGSTOP)  # so that it cannot be done before it dies
    running = worker.run("models", names=("talk_gan",))
    assert next(running) is None
    os.kill(worker._process.pid, signal.SIGKILL)
    with pytest.raises(Broken, match="died"):
        list(running)
    worker.start()
    assert worker._process.is_alive()
