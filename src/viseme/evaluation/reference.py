"""What scoring needs to know of the reference store as a whole: the clips, the mean opening curve, the CSIM scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from viseme.data.faces import FaceBackend
from viseme.data.store import Store
from viseme.evaluation.cache import Arrays, cached
from viseme.evaluation.features import VERSION, Features
from viseme.evaluation.identity import Calibration, calibrate
from viseme.evaluation.mouth import mean_curve, opening

Item = TypeVar("Item")

CALIBRATION_ACTORS = 32
CALIBRATION_CLIPS = 4
"""At most so many training actors, and clips of each, set the CSIM scale."""


@dataclass(frozen=True)
class Reference:
    """Truth for one split at one size.

    Attributes:
        store: the folder.
        fingerprint: of the store's content.
        split: what is scored.
        size: pixels of the candidate.
        curve: mean mouth opening of the training clips at frames 1, 2, ...; empty where there are none.
        calibration: the CSIM scale, or why there is none.
    """

    store: Path
    fingerprint: str
    split: str
    size: int
    curve: NDArray[np.float64]
    calibration: Calibration | str


@lru_cache(maxsize=2)
def opened(store: Path, fingerprint: str) -> Store:
    """The store, opened once a process; `fingerprint` tells a store from one prepared later in the same place."""
    return Store.open(store)


def training_curve(store: Store) -> NDArray[np.float64]:
    """Mean mouth opening by frame index over the training clips, `[T-1]`, from the store's own landmarks.

    Frame 0 is left out as it is when scoring, so that number i belongs to frame i + 1. The landmarks are those that
    `prepare` took from the source at its full size: no detector has to look at every training frame again.
    """
    return mean_curve([opening(store.landmarks(row.clip_id)[1:]) for row in store.clips("train") if row.frames > 1])


def calibration_of(store: Store, size: int, backend: FaceBackend) -> Calibration | str:
    """The CSIM scale from the middle frame of up to four clips of up to 32 training actors, evenly chosen; or why not.

    Kept in the cache, since it costs about a tenth of a second a clip.
    """
    actors = _evenly(store.actors("train"), CALIBRATION_ACTORS)
    clips = [[row for row in store.clips("train") if row.actor == actor] for actor in actors]
    chosen = [row for rows in clips for row in _evenly(rows, CALIBRATION_CLIPS)]
    if not chosen:
        return "the store has no training clips"

    def compute() -> Arrays:
        frames = (store.frame(row.clip_id, row.frames // 2, size=size) for row in chosen)
        return {"descriptors": np.concatenate([Features(frame[None], backend).descriptors for frame in frames])}

    key = (VERSION, backend.name, store.fingerprint, size, CALIBRATION_ACTORS, CALIBRATION_CLIPS)
    descriptors = cached("calibration", key, ("descriptors",), compute)["descriptors"]
    try:
        return calibrate(descriptors, [row.actor for row in chosen])
    except ValueError as reason:
        return str(reason)


def _evenly(items: list[Item], count: int) -> list[Item]:
    """At most `count` of the items, evenly spaced, first and last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(index)] for index in np.linspace(0, len(items) - 1, count)]
