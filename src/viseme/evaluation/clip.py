"""One clip of an evaluation, from two videos to its row of the results; never an error, but the reason for one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import viseme
from viseme.data.faces import default_backend
from viseme.errors import InputError, StoreError
from viseme.evaluation import features, strips
from viseme.evaluation.features import Features, TruthFeatures
from viseme.evaluation.finished import Finished
from viseme.evaluation.identity import Calibration
from viseme.evaluation.lag import Heard
from viseme.evaluation.results import ClipResult
from viseme.evaluation.score import Sample, score
from viseme.evaluation.truth import TrueClip
from viseme.evaluation.videos import read_candidate
from viseme.files import sha256

SHORTEST = 2
"""Frames a clip must have, frame 0 among them."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What all clips of an evaluation are scored on.

    Attributes:
        fingerprint: of the reference.
        size: pixels a side.
        resample: whether videos of another size or rate are changed rather than refused.
        curve: mean mouth opening of the training clips at frames 1, 2, ...; empty where there are none.
        calibration: the CSIM scale, or why there is none.
        metrics: names.
        out: the results file.
    """

    fingerprint: str
    size: int
    resample: bool
    curve: NDArray[np.float64]
    calibration: Calibration | str
    metrics: tuple[str, ...]
    out: Path


@dataclass(frozen=True, slots=True)
class Task:
    """One clip's work, as a worker gets it; `video` is the file, or why there is none."""

    clip: TrueClip
    video: Path | str
    terms: Terms


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV on one thread: clips are what runs in parallel."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def score_clip(task: Task) -> ClipResult:
    """Score one clip, or say why not."""
    with one_thread():
        true, video, out = task.clip, task.video, task.terms.out
        failed = ClipResult(clip_id=true.clip_id, actor=true.actor, video=None, frames=0, status="failed")
        if isinstance(video, str):
            return replace(failed, reason=video)
        if not video.is_file():
            return replace(failed, reason=f"{video.name}: no such file; make it again, or mend what names it")
        failed = replace(failed, video=Path(os.path.relpath(video, out.parent)).as_posix())
        finished = Finished(out)
        try:
            key = _key(task, video)
            if before := finished.get(true.clip_id, key):
                return replace(before, video=failed.video)
            clip = _measured(task, video, failed)
        except (InputError, StoreError) as error:
            return replace(failed, reason=str(error))
        except OSError as error:
            return replace(failed, reason=f"{video.name}: cannot be read ({error.strerror}); check the disk")
        finished.put(clip, key)
        return clip


def _key(task: Task, video: Path) -> str:
    """Everything that a clip's numbers depend on."""
    terms = task.terms
    return repr((viseme.__version__, features.VERSION, terms.fingerprint, terms.size, terms.metrics, sha256(video)))


def _measured(task: Task, video: Path, clip: ClipResult) -> ClipResult:
    terms = task.terms
    true = task.clip.read(terms.size, terms.resample)
    if len(true) < SHORTEST:
        raise InputError(f"{clip.clip_id}: truth has a single frame, and frame 0 is never scored")
    candidate = read_candidate(video, len(true), terms.size, terms.resample)
    length = min(len(candidate), len(true))
    if length < SHORTEST:
        raise InputError(f"{video.name}: has a single frame, and frame 0 is never scored; give the whole clip")
    backend = default_backend()
    sample = Sample(
        candidate=Features(candidate[1:length], backend),
        truth=TruthFeatures(true[1:length], backend, identity=true[0], key=(*task.clip.key, terms.size)),
        curve=terms.curve,
        calibration=terms.calibration,
        heard=Heard(video, task.clip),
    )
    scored = score(sample, terms.metrics)
    folder = terms.out.with_name(f"{terms.out.stem}_strips")
    strip, thumbnail = folder / f"{clip.clip_id}.png", folder / f"{clip.clip_id}_thumb.png"
    strips.write_png(strip, strips.strip(candidate[1:length], true[1:length]))
    strips.write_png(thumbnail, strips.thumbnail(candidate[1:length]))
    undetected = {"candidate": sample.candidate.undetected, "truth": sample.truth.undetected}
    return replace(
        clip,
        status="scored",
        frames=length - 1,
        values=scored.values,
        truth=scored.truth,
        missing=scored.missing,
        curves=scored.curves,
        undetected={side: count for side, count in undetected.items() if count is not None},
        strip=f"{folder.name}/{strip.name}",
        thumbnail=f"{folder.name}/{thumbnail.name}",
    )
