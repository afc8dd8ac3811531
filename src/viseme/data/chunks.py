"""A chunk of clips to a shard."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viseme.data.corpora import SourceClip
from viseme.data.faces import default_backend
from viseme.data.manifest import ClipRow
from viseme.data.prepare_clip import Limits, prepare_clip
from viseme.data.shards import shard_path, shard_writer, tensor_name
from viseme.parallel import stop_if_orphaned


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
    face: str = "largest"


def make_shard(job: Job) -> list[ClipRow]:
    """Prepare a chunk and write its shard; the rows."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rows: list[ClipRow] = []
        said: list[dict[str, Any]] = []
        with shard_writer(shard_path(job.store, job.number), said) as shard:
            for clip, split in zip(job.clips, job.splits, strict=True):
                stop_if_orphaned()  # a later run makes this shard
                row, tensors = prepare_clip(
                    clip, job.root, split, job.number, job.size, job.align, job.limits, default_backend(), job.face
                )
                shard.add({tensor_name(row.clip_id, kind): tensor for kind, tensor in tensors.items()})
                rows.append(row)
                said.append(dataclasses.asdict(row))
        return rows
    finally:
        cv2.setNumThreads(threads)
