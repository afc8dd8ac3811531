"""Several processes of one run on this machine, started as torchrun would start them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.multiprocessing.spawn import ProcessExitedException, start_processes

from viseme.errors import VisemeError
from viseme.training.peers import PeerLost, lost

_GRACE = 60.0
"""Seconds that processes have to end by themselves once one of them has, or was lost."""


def launch(work: Callable[..., Any], arguments: Mapping[str, Any], count: int, last: Callable[[], str]) -> Any:
    """Call `work(**arguments)` in `count` new processes; SIGINT and SIGTERM are passed on to them.

    Args:
        work: a function of a module, since the processes import it; `torchrun`'s variables are set when it is called.
        arguments: whatever can be pickled.
        count: of processes.
        last: what to say of the last checkpoint.

    Returns:
        What the first process returned.

    Raises:
        PeerLost: a process ended without a word; it is named.
        VisemeError, KeyboardInterrupt: as raised in there.
    """
    answers = multiprocessing.get_context("spawn").SimpleQueue()
    settings = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
    }
    start: Any = start_processes
    given = (settings, count, work, dict(arguments), answers)
    started = start(_process, given, nprocs=count, join=False, start_method="spawn")
    with _passing_on(started.processes):
        try:
            while not started.join(grace_period=_GRACE):
                pass
        except ProcessExitedException as error:
            how = error.signal_name or f"exit code {error.exit_code}"
            raise PeerLost(lost(f"process {error.error_index} ({how})", count, last())) from error
    outcomes = dict(answers.get() for _ in range(count))
    raised = [outcome for outcome in outcomes.values() if isinstance(outcome, BaseException)]
    # Whoever lost another is only told of it; what is wrong is what the other says.
    for outcome in sorted(raised, key=lambda outcome: isinstance(outcome, PeerLost)):
        raise outcome
    return outcomes[0]


def _process(
    rank: int,
    settings: Mapping[str, str],
    count: int,
    work: Callable[..., Any],
    arguments: dict[str, Any],
    answers: Any,
) -> None:
    os.setpgrp()  # a terminal's Ctrl-C goes to the parent, which passes it on once
    os.environ.update(settings, RANK=str(rank), LOCAL_RANK=str(rank), GROUP_RANK="0")
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // count))
    try:
        outcome: Any = work(**arguments)
    except (VisemeError, OSError, KeyboardInterrupt) as error:
        outcome = error.with_traceback(None)
    answers.put((rank, outcome))


@contextmanager
def _passing_on(processes: list[Any]) -> Iterator[None]:
    """SIGINT and SIGTERM go to the processes as SIGTERM; they end by themselves."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def pass_on(_number: int, _frame: object) -> None:
        for process in processes:
            if process.is_alive():
                process.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])
