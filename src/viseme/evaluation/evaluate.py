"""Score a folder of videos against the true clips of a store, in parallel, every clip accounted for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import joblib
import numpy as np

import viseme
from viseme.data.faces import default_backend
from viseme.data.store import ClipRow, Store
from viseme.errors import InputError, OutputError, StoreError
from viseme.evaluation import features, strips
from viseme.evaluation.features import Features, TruthFeatures
from viseme.evaluation.fidelity import PSNR_CAP
from viseme.evaluation.finished import Finished
from viseme.evaluation.metrics import chosen
from viseme.evaluation.provenance import provenance
from viseme.evaluation.reference import Reference, calibration_of, opened, training_curve
from viseme.evaluation.results import ClipResult, Results, save
from viseme.evaluation.score import CURVE_OF, Sample, score
from viseme.evaluation.summary import cautions, counts, summarise
from viseme.evaluation.videos import Videos, find_videos, first_size, read_candidate
from viseme.files import sha256
from viseme.progress import progress

SHORTEST = 2
"""Frames a clip must have, frame 0 among them."""


def evaluate(
    videos: str | os.PathLike[str],
    reference: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    metrics: Sequence[str] | None = None,
    jobs: int | None = None,
    seed: int = 0,
) -> Results:
    """Score every clip of the split that the videos stand for, and write the results with frame strips beside them.

    Frame 0, the identity frame, is never scored. Clips that cannot be scored are kept with their reason. Stopped and
    started again, it carries on with the clips that are left. The result does not depend on `jobs`.

    Args:
        videos: a folder that `viseme generate` wrote, or any folder of videos called CLIP_ID.mp4.
        reference: a store; truth is its frames at the candidate's size.
        out: the results file, JSON.
        metrics: names from `viseme.evaluation.metrics.METRICS`; all by default.
        jobs: clips at a time, each in a process with one thread; as many as there are processors by default.
        seed: of the resampling behind the intervals.

    Raises:
        InputError: nothing to score, an unknown metric, or frames of a size that the store cannot give.
        StoreError: the reference is no store.
        OutputError: the results cannot be written.
    """
    wanted = chosen(metrics)
    jobs = joblib.cpu_count() if jobs is None else jobs
    if jobs < 1:
        raise InputError(f"{jobs} jobs cannot work; give 1 or more")
    target = _prepared(Path(out))
    store = Store.open(reference)
    found = find_videos(videos, store.clips())
    rows = store.clips(found.split)
    if not rows:
        raise InputError(f"{reference}: has no clips in split {found.split!r}; its splits are {_splits(store)}")
    size = _size(found, rows)
    truth = _reference(store, found.split, size or store.info.size, wanted)
    tasks = [_Task(row, _video(found, row), truth, tuple(wanted), target) for row in rows]
    clips = sorted(_scored(tasks, jobs), key=lambda clip: clip.clip_id)
    results = Results(
        system={**found.system, "size": size},
        reference={
            "store": store.path.resolve().name,
            "fingerprint": store.fingerprint,
            "split": found.split,
            "actors": store.actors(found.split),
            "size": store.info.size,
        },
        provenance={**provenance(seed), "landmarks": default_backend().name},
        counts=counts(clips),
        notes=_notes(found, truth, clips, rows) + cautions(clips, wanted),
        metrics=summarise(clips, wanted, seed),
        clips=clips,
    )
    save(results, target)
    Finished(target).clear()
    return results


@dataclass(frozen=True, slots=True)
class _Task:
    """One clip's work, as a worker gets it; `video` is the file, or why there is none."""

    row: ClipRow
    video: Path | str
    reference: Reference
    metrics: tuple[str, ...]
    out: Path


def _prepared(out: Path) -> Path:
    """The absolute path of the results, its folder made: better now than after an hour's work."""
    if out.is_dir():
        raise OutputError(f"{out}: is a folder; name a file in it, such as {out / 'results.json'}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: its folder cannot be made ({error.strerror}); choose another place") from error
    return out.absolute()


def _splits(store: Store) -> str:
    return ", ".join(sorted({row.split for row in store.clips()})) or "none"


def _size(found: Videos, rows: Sequence[ClipRow]) -> int | None:
    """Pixels of the candidate: what its manifest says, or what its first readable video has."""
    stated = found.system.get("size")
    return stated if isinstance(stated, int) and stated > 0 else first_size(found, [row.clip_id for row in rows])


def _reference(store: Store, split: str, size: int, wanted: Sequence[str]) -> Reference:
    if store.info.size % size:
        raise InputError(
            f"{store.path}: its frames of {store.info.size} pixels give no truth at {size}, the videos' size; "
            f"resize the videos, or prepare a store at {size} or a multiple"
        )
    needed = {CURVE_OF.get(name) for name in wanted}
    with _one_thread():
        return Reference(
            store=store.path.absolute(),
            fingerprint=store.fingerprint,
            split=split,
            size=size,
            curve=training_curve(store) if "opening" in needed else np.zeros(0),
            calibration=calibration_of(store, size, default_backend()) if "identity" in needed else "not asked for",
        )


def _video(found: Videos, row: ClipRow) -> Path | str:
    return found.files.get(row.clip_id) or found.failed.get(row.clip_id, "no video stands for it")


def _scored(tasks: Sequence[_Task], jobs: int) -> Iterator[ClipResult]:
    """The clips as they are done, in any order."""
    with progress("scoring", len(tasks), "clips") as advance, contextlib.ExitStack() as stack:
        results: Iterator[ClipResult]
        if jobs == 1 or len(tasks) == 1:
            results = map(_clip, tasks)
        else:
            stack.enter_context(joblib.parallel_config("loky", inner_max_num_threads=1))
            results = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(map(joblib.delayed(_clip), tasks))
        for result in results:
            advance(1)
            yield result


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """OpenCV on one thread: clips are what runs in parallel."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _clip(task: _Task) -> ClipResult:
    """Score one clip, or say why not."""
    with _one_thread():
        row, video = task.row, task.video
        failed = ClipResult(clip_id=row.clip_id, actor=row.actor, video=None, frames=0, status="failed")
        if isinstance(video, str):
            return replace(failed, reason=video)
        if not video.is_file():
            return replace(failed, reason=f"{video.name}: no such file; generate it again")
        failed = replace(failed, video=Path(os.path.relpath(video, task.out.parent)).as_posix())
        finished = Finished(task.out)
        try:
            key = _key(task, video)
            if before := finished.get(row.clip_id, key):
                return replace(before, video=failed.video)
            clip = _measured(task, video, failed)
        except (InputError, StoreError) as error:
            return replace(failed, reason=str(error))
        except OSError as error:
            return replace(failed, reason=f"{video.name}: cannot be read ({error.strerror}); check the disk")
        finished.put(clip, key)
        return clip


def _key(task: _Task, video: Path) -> str:
    """Everything that a clip's numbers depend on."""
    truth = task.reference
    return repr((viseme.__version__, features.VERSION, truth.fingerprint, truth.size, task.metrics, sha256(video)))


def _measured(task: _Task, video: Path, clip: ClipResult) -> ClipResult:
    row, reference = task.row, task.reference
    if row.frames < SHORTEST:
        raise InputError(f"{row.clip_id}: truth has a single frame, and frame 0 is never scored")
    store = opened(reference.store, reference.fingerprint)
    candidate = read_candidate(video, row.frames, reference.size)
    true = store.frames(row.clip_id, size=reference.size)
    length = min(len(candidate), len(true))
    backend = default_backend()
    sample = Sample(
        candidate=Features(candidate[1:length], backend),
        truth=TruthFeatures(
            true[1:length],
            backend,
            identity=true[0],
            key=(reference.fingerprint, row.clip_id, reference.size),
        ),
        curve=reference.curve,
        calibration=reference.calibration,
    )
    scored = score(sample, task.metrics)
    folder = task.out.with_name(f"{task.out.stem}_strips")
    strip, thumbnail = folder / f"{row.clip_id}.png", folder / f"{row.clip_id}_thumb.png"
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


def _notes(found: Videos, truth: Reference, clips: Sequence[ClipResult], rows: Sequence[ClipRow]) -> list[str]:
    """What the reader must know of these videos and this reference, one line each."""
    lines = []
    if found.fingerprint and found.fingerprint != truth.fingerprint:
        lines.append("The videos were made from another store than the reference; their identity frames may differ.")
    if any("mouth_correlation" in clip.values for clip in clips) and not len(truth.curve):
        lines.append("The reference has no training clips, so that mouth correlation is the raw r.")
    if any(clip.values.get("psnr", 0) >= PSNR_CAP for clip in clips):
        lines.append(f"Frames equal to truth's have no finite PSNR and count {PSNR_CAP:.0f} dB.")
    if found.others:
        few, more = ", ".join(found.others[:5]), len(found.others) - 5
        lines.append(f"Not scored, being no clip of the split: {few}{f' and {more} more' if more > 0 else ''}.")
    scored_of = {row.clip_id: row.frames - 1 for row in rows}
    if odd := sum(clip.status == "scored" and clip.frames < scored_of[clip.clip_id] for clip in clips):
        lines.append(
            f"In {odd} of {len(clips)} clips the video is a frame shorter than truth; the frames it has count."
        )
    return lines
