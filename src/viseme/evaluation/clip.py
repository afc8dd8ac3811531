"""One clip of an evaluation, from two videos to its row of the results; never an error, but the reason for one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import viseme
from viseme.data.faces import default_backend
from viseme.errors import InputError, StoreError
from viseme.evaluation import features, strips
from viseme.evaluation.features import Features, TruthFeatures
from viseme.evaluation.finished import Finished
from viseme.evaluation.identity import Calibration
from viseme.evaluation.lag import Heard
from viseme.evaluation.metrics import METRICS
from viseme.evaluation.networks import Network
from viseme.evaluation.results import ClipResult
from viseme.evaluation.score import Sample, score
from viseme.evaluation.sets import DLIB, FEATURES
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
        networks: whose features the set metrics among them rest on.
        out: the results file.
    """

    fingerprint: str
    size: int
    resample: bool
    curve: NDArray[np.float64]
    calibration: Calibration | str
    metrics: tuple[str, ...]
    networks: tuple[Network, ...]
    out: Path


@dataclass(frozen=True, slots=True)
class Task:
    """One clip's work, as a worker gets it; `video` is the file, or why there is none."""

    clip: TrueClip
    video: Path | str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Outcome:
    """One clip done: its row of the results, and where its features for the set metrics lie, if any were asked for."""

    clip: ClipResult
    features: Path | None = None


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV and PyTorch on one thread: clips are what runs in parallel."""
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])


def score_clip(task: Task) -> Outcome:
    """Score one clip, or say why not."""
    with one_thread():
        true, video, out = task.clip, task.video, task.terms.out
        failed = ClipResult(true.clip_id, true.actor, None, 0, "failed", emotion=true.emotion)
        if isinstance(video, str):
            return Outcome(replace(failed, reason=video))
        if not video.is_file():
            return Outcome(replace(failed, reason=f"{video.name}: no such file; make it again, or mend what names it"))
        failed = replace(failed, video=Path(os.path.relpath(video, out.parent)).as_posix())
        finished = Finished(out)
        try:
            key = _key(task, video)
            place = finished.features(true.clip_id, key) if _sources(task.terms) else None
            before = finished.get(true.clip_id, key)
            if before and (place is None or place.is_file()):
                return Outcome(replace(before, video=failed.video, emotion=true.emotion), place)
            clip, arrays = _measured(task, video, failed)
            if place is not None:
                finished.put_features(place, arrays)
        except (InputError, StoreError) as error:
            return Outcome(replace(failed, reason=str(error)))
        except OSError as error:
            return Outcome(replace(failed, reason=f"{video.name}: cannot be read ({error.strerror}); check the disk"))
        finished.put(clip, key)
        return Outcome(clip, place)


def _key(task: Task, video: Path) -> str:
    """Everything that a clip's numbers depend on."""
    terms = task.terms
    networks = [(network.name, network.sha256) for network in terms.networks]
    own = (viseme.__version__, features.VERSION, terms.fingerprint, terms.size, terms.metrics, networks)
    return repr((*own, sha256(video)))


def _sources(terms: Terms) -> set[str]:
    """The features that the set metrics rest on."""
    return {FEATURES[name] for name in terms.metrics if name in FEATURES}


def _set_features(sample: Sample, terms: Terms) -> dict[str, NDArray[Any]]:
    """Name of the features -> the candidate's `[M,D]`; the name with `_truth` -> truth's."""
    wanted, sides = _sources(terms), {"": sample.candidate, "_truth": sample.truth}
    found: dict[str, NDArray[Any]] = {}
    for suffix, side in sides.items():
        if DLIB in wanted:
            found[f"{DLIB}{suffix}"] = side.descriptors
        found |= {f"{network.name}{suffix}": side.seen_by(network) for network in terms.networks}
    return found


def _measured(task: Task, video: Path, clip: ClipResult) -> tuple[ClipResult, dict[str, NDArray[Any]]]:
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
    scored = score(sample, [name for name in terms.metrics if name in METRICS])
    found = _set_features(sample, terms)
    folder = terms.out.with_name(f"{terms.out.stem}_strips")
    strip, thumbnail = folder / f"{clip.clip_id}.png", folder / f"{clip.clip_id}_thumb.png"
    strips.write_png(strip, strips.strip(candidate[1:length], true[1:length]))
    strips.write_png(thumbnail, strips.thumbnail(candidate[1:length]))
    undetected = {"candidate": sample.candidate.undetected, "truth": sample.truth.undetected}
    row = replace(
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
    return row, found
