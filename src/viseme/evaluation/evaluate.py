"""Score a folder of videos against true clips, in parallel, every clip accounted for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import joblib
import numpy as np

from viseme.data.faces import default_backend
from viseme.errors import InputError, OutputError
from viseme.evaluation.clip import Task, Terms, one_thread, score_clip
from viseme.evaluation.finished import Finished
from viseme.evaluation.metrics import SYNCNET, chosen
from viseme.evaluation.notes import changed, notes, resampled
from viseme.evaluation.provenance import provenance
from viseme.evaluation.reading import Look, rate_text, survey, usual_size
from viseme.evaluation.reference import Reference, open_reference
from viseme.evaluation.results import ClipResult, Results, save
from viseme.evaluation.score import CURVE_OF
from viseme.evaluation.summary import cautions, counts, summarise
from viseme.evaluation.truth import TrueClip
from viseme.evaluation.videos import Videos, find_videos
from viseme.progress import progress
from viseme.types import FPS
from viseme.weights import located


def evaluate(
    videos: str | os.PathLike[str],
    reference: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    metrics: Sequence[str] | None = None,
    jobs: int | None = None,
    seed: int = 0,
    resample: bool = False,
) -> Results:
    """Score every clip that the videos stand for, and write the results with frame strips beside them.

    Frame 0, the identity frame, is never scored. Clips that cannot be scored are kept with their reason. Stopped and
    started again, it carries on with the clips that are left. The result does not depend on `jobs`.

    Args:
        videos: a folder that `viseme generate` wrote, or any folder of videos called CLIP_ID.mp4.
        reference: a store, of which the videos' split is scored; a folder of true videos named as the candidate's; or
            a CSV of pairs, `candidate,reference[,actor]`, with paths relative to it.
        out: the results file, JSON.
        metrics: names from `viseme.evaluation.metrics.METRICS`; all that are `default` where None.
        jobs: clips at a time, each in a process with one thread; as many as there are processors by default.
        seed: of the resampling behind the intervals.
        resample: whether videos that are not of 25 frames a second, or whose size differs from truth's, are changed
            to fit (at the smaller size) and the results say so; otherwise they are refused.

    Raises:
        InputError: nothing to score, an unknown metric, or sizes or rates that do not fit.
        StoreError: a store that cannot be opened.
        OutputError: the results cannot be written.
    """
    wanted = chosen(metrics)
    if SYNCNET.intersection(wanted):
        located("syncnet")  # better missed now than as every clip's reason
    jobs = joblib.cpu_count() if jobs is None else jobs
    if jobs < 1:
        raise InputError(f"{jobs} jobs cannot work; give 1 or more")
    target = _prepared(Path(out))
    truth = open_reference(reference)
    found = find_videos(videos, truth)
    clips = [clip for clip in truth.clips if clip.split == found.split]
    if not clips:
        raise InputError(f"{reference}: has no clips in split {found.split!r}; its splits are {_splits(truth)}")
    ours = survey({clip.clip_id: found.files[clip.clip_id] for clip in clips if clip.clip_id in found.files})
    true = survey(truth.videos)
    if not resample:
        _check_rates(videos, ours)
        _check_rates(reference, true)
    size = truth.size(true, _stated(found) or usual_size(ours), resample)
    terms = _terms(truth, size, resample, wanted, target)
    tasks = [Task(clip, _video(found, clip), terms) for clip in clips]
    rows = sorted(_scored(tasks, jobs), key=lambda row: row.clip_id)
    number = counts(rows)
    changes = {"candidate": changed(ours, rows, size), "truth": changed(true, rows, size)}
    said = [resampled(side, counted, size, number["scored"]) for side, counted in changes.items()]
    readable = bool(ours) or _stated(found) is not None
    results = Results(
        system={**found.system, "size": size if readable else None, "fps": FPS, **_resampled(changes["candidate"])},
        reference={**truth.facts(found.split), **_resampled(changes["truth"])},
        provenance={**provenance(seed), "landmarks": default_backend().name},
        counts=number,
        notes=[*filter(None, said), *notes(found, truth.divided, terms, rows, clips), *cautions(rows, wanted)],
        metrics=summarise(rows, wanted, seed),
        clips=rows,
    )
    save(results, target)
    Finished(target).clear()
    return results


def _prepared(out: Path) -> Path:
    """The absolute path of the results, its folder made: better now than after an hour's work."""
    if out.is_dir():
        raise OutputError(f"{out}: is a folder; name a file in it, such as {out / 'results.json'}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: its folder cannot be made ({error.strerror}); choose another place") from error
    return out.absolute()


def _splits(truth: Reference) -> str:
    return ", ".join(sorted({clip.split for clip in truth.clips})) or "none"


def _check_rates(place: str | os.PathLike[str], looks: Mapping[str, Look]) -> None:
    """Refuse at once what would fail clip by clip: not one video with 25 frames a second."""
    if looks and not any(seen.steady for seen in looks.values()):
        first = next(iter(looks.values()))
        raise InputError(
            f"{place}: no video here has {FPS} frames a second (the first has {rate_text(first)}); "
            "convert them, or give --resample"
        )


def _stated(found: Videos) -> int | None:
    """Pixels of the candidate as its manifest says."""
    stated = found.system.get("size")
    return stated if isinstance(stated, int) and stated > 0 else None


def _terms(truth: Reference, size: int, resample: bool, wanted: Sequence[str], out: Path) -> Terms:
    needed = {CURVE_OF.get(name) for name in wanted}
    with one_thread():
        return Terms(
            fingerprint=truth.fingerprint,
            size=size,
            resample=resample,
            curve=truth.curve() if "opening" in needed else np.zeros(0),
            calibration=truth.calibration(size, default_backend()) if "identity" in needed else "not asked for",
            metrics=tuple(wanted),
            out=out,
        )


def _video(found: Videos, clip: TrueClip) -> Path | str:
    return found.files.get(clip.clip_id) or found.failed.get(clip.clip_id, "no video stands for it")


def _resampled(counts: Mapping[str, int]) -> dict[str, Mapping[str, int]]:
    return {"resampled": counts} if counts else {}


def _scored(tasks: Sequence[Task], jobs: int) -> Iterator[ClipResult]:
    """The clips as they are done, in any order."""
    with progress("scoring", len(tasks), "clips") as advance, contextlib.ExitStack() as stack:
        results: Iterator[ClipResult]
        if jobs == 1 or len(tasks) == 1:
            results = map(score_clip, tasks)
        else:
            stack.enter_context(joblib.parallel_config("loky", inner_max_num_threads=1))
            results = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(
                map(joblib.delayed(score_clip), tasks)
            )
        for result in results:
            advance(1)
            yield result
