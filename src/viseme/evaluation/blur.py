"""How much truth must be blurred to be as sharp as a system's videos: the sigma of the control *blurred*."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from viseme.data.store import Store
from viseme.errors import InputError
from viseme.evaluation.evenly import evenly
from viseme.evaluation.quality import sharpness
from viseme.evaluation.reading import survey, usual_size
from viseme.evaluation.reference import StoreReference
from viseme.evaluation.results import load
from viseme.evaluation.videos import find_videos, read_candidate
from viseme.types import UInt8

CLIPS = 8
"""At most so many clips, evenly chosen, are compared: every step of the search writes them as videos."""
LEAST = 0.05
"""Pixels of sigma below which a blur leaves every pixel as it is."""

Blur = Callable[[UInt8, float], UInt8]
Series = NDArray[np.float64]


def matching_sigma(shown: Blur, store: Store, like: str | os.PathLike[str], size: int) -> float:
    """The sigma at which blurred truth has the mean sharpness (`quality.sharpness`) of a system's videos.

    The mean is over the scored frames of up to eight clips, evenly chosen from those that both have. One sigma serves
    all clips.

    Args:
        shown: what is seen of a true clip uint8 `[T,S,S,3]` that was blurred by a sigma in pixels and written: its
            frames 1, 2, ..., `[T-1,S,S,3]`. The writer counts, since encoding changes sharpness too.
        store: truth.
        like: a results file with the metric `sharpness`, or a folder of videos of the store's clips.
        size: pixels of the videos, at which truth is blurred.

    Returns:
        Pixels, to two decimals.

    Raises:
        InputError: neither of these, another reference or size, or videos that are no less sharp than truth.
    """
    path = Path(like)
    if not path.exists():
        raise InputError(f"{like}: is neither a sigma nor a results file nor a folder of videos; give one of them")
    theirs = _of_videos(path, store, size) if path.is_dir() else _of_results(path, store, size)
    both = sorted({row.clip_id for row in store.clips()} & set(theirs))
    if not both:
        raise InputError(f"{path.name}: holds the sharpness of no clip of this store; evaluate with that metric")
    chosen = evenly(both, CLIPS)
    clips = [store.frames(clip_id, size=size) for clip_id in chosen]
    target = float(np.mean([theirs[clip_id].mean() for clip_id in chosen]))
    return _solved(lambda s: float(np.mean([sharpness(shown(c, s)).mean() for c in clips])), target, path, size)


def _solved(sharp: Callable[[float], float], target: float, path: Path, size: int) -> float:
    true = sharp(LEAST)
    if target >= true:
        raise InputError(
            f"{path.name}: its videos (sharpness {target:.1f}) are no less sharp than truth ({true:.1f}), "
            "and no blur makes truth sharper; leave this control out"
        )
    low, high = LEAST, 0.5
    while sharp(high) >= target:
        low, high = high, 2 * high
        if high > size / 4:
            raise InputError(f"{path.name}: its videos (sharpness {target:.1f}) show nothing at all; check them")
    return round(float(brentq(lambda sigma: sharp(sigma) - target, low, high, xtol=2e-3)), 2)


def _of_results(path: Path, store: Store, size: int) -> Mapping[str, Series]:
    """Sharpness of the scored frames of each clip that has it."""
    results = load(path)
    if results.reference.get("fingerprint") != store.fingerprint:
        raise InputError(f"{path.name}: was scored against another reference than this store; evaluate against it")
    _check_size(path, results.system.get("size"), size)
    curves = {clip.clip_id: clip.curves.get("sharpness", []) for clip in results.clips}
    return {clip_id: np.array(curve) for clip_id, curve in curves.items() if curve}


def _of_videos(path: Path, store: Store, size: int) -> Mapping[str, Series]:
    found = find_videos(path, StoreReference(store))
    looks = survey(found.files)
    _check_size(path, usual_size(looks), size)
    rows = {row.clip_id: row for row in store.clips(found.split)}
    series: dict[str, Series] = {}
    for clip_id in sorted(set(rows) & set(looks)):
        if looks[clip_id].square and looks[clip_id].height == size:
            frames = read_candidate(found.files[clip_id], rows[clip_id].frames, size)
            series[clip_id] = sharpness(frames[1:])
    return series


def _check_size(path: Path, found: object, size: int) -> None:
    if found != size:
        raise InputError(
            f"{path.name}: its videos have {found or 'no'} pixels a side and the control {size}; give --size {found}"
        )
