"""Chunks of clips to shards, in this process or in several."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viseme.data.corpora import SourceClip
from viseme.data.faces import default_backend
from viseme.data.manifest import ClipRow
from viseme.data.prepare_clip import Limits, prepare_clip
from viseme.data.shards import shard_path, shard_writer, tensor_name
from viseme.errors import OutputError


@dataclass(frozen=True, slots=True)
class Job:
    """A chunk of clips that becomes one shard, all that a worker needs to know."""

    number: int
    clips: tuple[SourceClip, ...]
    splits: tuple[str, ...]
    root: Path
    store: Path
    size: int
    align: str
    limits: Limits
    parent: int


def make_shards(todo: Sequence[Job], workers: int) -> Iterator[list[ClipRow]]:
    """The rows of each chunk as it is finished."""
    if not todo:
        return
    if workers == 1 or len(todo) == 1:
        yield from map(_prepare_chunk, todo)
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with parallel_config("loky", inner_max_num_threads=1):
        parallel = Parallel(
            n_jobs=min(workers, len(todo)), batch_size=1, pre_dispatch="n_jobs", return_as="generator_unordered"
        )
        try:
            with _interrupts_held():
                made = parallel(delayed(_prepare_chunk)(job) for job in todo)
            yield from made
        except TerminatedWorkerError as error:
            raise OutputError(
                f"{todo[0].store}: a worker died (out of memory?); run the same command again with fewer jobs"
            ) from error
        except BaseException:
            get_reusable_executor().shutdown(wait=True, kill_workers=True)
            raise


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


def _prepare_chunk(job: Job) -> list[ClipRow]:
    """Prepare a chunk and write its shard; the rows."""
    import cv2

    threads = cv2.getNumThreads()
    if os.getpid() != job.parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when its workers stop
    cv2.setNumThreads(1)
    try:
        rows: list[ClipRow] = []
        said: list[dict[str, Any]] = []
        with shard_writer(shard_path(job.store, job.number), said) as shard:
            for clip, split in zip(job.clips, job.splits, strict=True):
                if job.parent not in (os.getpid(), os.getppid()):
                    os._exit(1)  # the parent was killed; a later run makes this shard
                row, tensors = prepare_clip(
                    clip, job.root, split, job.number, job.size, job.align, job.limits, default_backend()
                )
                shard.add({tensor_name(row.clip_id, kind): tensor for kind, tensor in tensors.items()})
                rows.append(row)
                said.append(dataclasses.asdict(row))
        return rows
    finally:
        cv2.setNumThreads(threads)
