"""Score a folder of videos against true clips, in parallel, every clip accounted for."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from viseme.data.faces import default_backend
from viseme.errors import InputError, OutputError
from viseme.evaluation.clip import Outcome, Task, Terms, one_thread, score_clip
from viseme.evaluation.finished import Finished
from viseme.evaluation.metrics import chosen, parts_needed
from viseme.evaluation.networks import Network, opened
from viseme.evaluation.notes import changed, notes, resampled
from viseme.evaluation.provenance import provenance
from viseme.evaluation.reading import Look, rate_text, survey, usual_size
from viseme.evaluation.reference import Reference, open_reference
from viseme.evaluation.results import Results, save
from viseme.evaluation.score import CURVE_OF
from viseme.evaluation.sets import network_names, set_results
from viseme.evaluation.summary import cautions, counts, summarise
from viseme.evaluation.truth import TrueClip
from viseme.evaluation.videos import Videos, find_videos
from viseme.parallel import LOKY, check, unordered
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
    fvd_backbone: str | os.PathLike[str] | None = None,
    engine: str = LOKY,
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
        fvd_backbone: weights of I3D (`viseme.evaluation.i3d`); with them the default metrics include FVD.
        engine: what runs the jobs (`viseme.parallel`).

    Raises:
        InputError: nothing to score, an unknown metric, or sizes or rates that do not fit.
        ConfigError: less than one job, or an unknown engine.
        StoreError: a store that cannot be opened.
        OutputError: the results cannot be written.
    """
    wanted = chosen(metrics)
    if fvd_backbone is not None and metrics is None:
        wanted.append("fvd")
    networks = _networks(wanted, fvd_backbone)
    for part in parts_needed(wanted):
        # Better missed now than as every clip's reason.
        located(part, instead="leave out of --metrics what rests on it")
    check(jobs, engine)
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
    terms = _terms(truth, size, resample, wanted, networks, target)
    tasks = [Task(clip, _video(found, clip), terms) for clip in clips]
    shared = (target.parent, Path(videos), truth.path)
    outcomes = {outcome.clip.clip_id: outcome for outcome in _scored(tasks, jobs, engine, shared)}
    rows = [outcomes[clip_id].clip for clip_id in sorted(outcomes)]
    sets, lacking = set_results(wanted, rows, functools.partial(_features, outcomes), seed)
    number = counts(rows)
    changes = {"candidate": changed(ours, rows, size), "truth": changed(true, rows, size)}
    said = [resampled(side, counted, size, number["scored"]) for side, counted in changes.items()]
    readable = bool(ours) or _stated(found) is not None
    results = Results(
        system={**found.system, "size": size if readable else None, "fps": FPS, **_resampled(changes["candidate"])},
        reference={**truth.facts(found.split), **_resampled(changes["truth"])},
        provenance={**provenance(seed, terms.networks), "landmarks": default_backend().name},
        counts=number,
        notes=[
            *filter(None, said),
            *notes(found, truth.divided, terms, rows, clips),
            *cautions(rows, wanted),
            *lacking,
        ],
        metrics=summarise(rows, wanted, seed),
        clips=rows,
        sets=sets,
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


def _networks(wanted: Sequence[str], fvd_backbone: str | os.PathLike[str] | None) -> tuple[Network, ...]:
    """Those whose features are wanted; a file that the user names is looked at now rather than clip by clip."""
    if "fvd" in wanted and fvd_backbone is None:
        raise InputError("fvd: needs the weights of I3D; name their file with --fvd-backbone, or leave fvd out")
    paths = {} if fvd_backbone is None else {"i3d": Path(fvd_backbone)}
    found = tuple(opened(name, paths.get(name)) for name in network_names(wanted))
    for network in found:
        if network.name in paths:
            network.check()
    return found


def _features(outcomes: Mapping[str, Outcome], clip_id: str, source: str) -> tuple[NDArray[Any], NDArray[Any]]:
    place = outcomes[clip_id].features
    assert place is not None
    with safe_open(place, framework="numpy") as kept:
        return kept.get_tensor(source), kept.get_tensor(f"{source}_truth")


def _terms(
    truth: Reference, size: int, resample: bool, wanted: Sequence[str], networks: tuple[Network, ...], out: Path
) -> Terms:
    needed = {CURVE_OF.get(name) for name in wanted}
    with one_thread():
        return Terms(
            fingerprint=truth.fingerprint,
            size=size,
            resample=resample,
            curve=truth.curve() if "opening" in needed else np.zeros(0),
            calibration=truth.calibration(size, default_backend()) if "identity" in needed else "not asked for",
            metrics=tuple(wanted),
            networks=networks,
            out=out,
        )


def _video(found: Videos, clip: TrueClip) -> Path | str:
    return found.files.get(clip.clip_id) or found.failed.get(clip.clip_id, "no video stands for it")


def _resampled(counts: Mapping[str, int]) -> dict[str, Mapping[str, int]]:
    return {"resampled": counts} if counts else {}


def _scored(tasks: Sequence[Task], jobs: int | None, engine: str, shared: Sequence[Path]) -> Iterator[Outcome]:
    """The clips as they are done, in any order."""
    with progress("scoring", len(tasks), "clips") as advance:
        for outcome in unordered(score_clip, tasks, jobs, engine, shared):
            advance(1)
            yield outcome
