"""Truth as videos that a report can play: the clips of a reference, encoded as any candidate's are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import viseme
from viseme.errors import InputError
from viseme.evaluation.reference import open_reference
from viseme.evaluation.results import load
from viseme.files import AnyPath
from viseme.generation.manifest import CRF, SystemInfo
from viseme.generation.provenance import provenance
from viseme.generation.writer import VideoWriter
from viseme.report.clips import Film
from viseme.types import FPS

NAME = "truth"


@contextmanager
def true_videos(reference: AnyPath, results: Iterable[AnyPath]) -> Iterator[Film]:
    """What films a true clip at a size, into a folder that is gone when the block ends.

    Args:
        reference: the store, folder of true videos or CSV of pairs that the results were scored against.
        results: the results files.

    Raises:
        InputError: the results are of another reference, or either cannot be read.
        StoreError: a store that cannot be opened.
    """
    truth = open_reference(reference)
    for path in results:
        if load(path).reference.get("fingerprint") != truth.fingerprint:
            raise InputError(f"{reference}: is not what {path} was scored against; give that, or leave --reference out")
    clips = {clip.clip_id: clip for clip in truth.clips}
    with TemporaryDirectory() as folder:

        def film(clip_id: str, size: int) -> Path:
            path = Path(folder) / f"{len(list(Path(folder).iterdir()))}.mp4"
            frames, sound = clips[clip_id].read(size, resample=True), clips[clip_id].audio()
            system = SystemInfo(NAME, NAME, None, viseme.__version__, NAME, None, False, size, FPS, CRF, 0)
            heard = np.zeros(0, np.float32) if sound is None else sound
            with VideoWriter(path, size, heard, metadata=provenance(system, clip_id=clip_id)) as writer:
                for frame in frames:
                    writer.write(frame)
            return path

        yield film
