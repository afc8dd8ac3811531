"""What the training clips of a store tell about its others: the mean opening curve, and the CSIM scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viseme.data.faces import FaceBackend
from viseme.data.store import Store
from viseme.evaluation.cache import Arrays, cached
from viseme.evaluation.evenly import evenly
from viseme.evaluation.features import VERSION, Features
from viseme.evaluation.identity import Calibration, calibrate
from viseme.evaluation.mouth import mean_curve, opening
from viseme.evaluation.reading import at_size

CALIBRATION_ACTORS = 32
CALIBRATION_CLIPS = 4
"""At most so many training actors, and clips of each, set the CSIM scale."""


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
    actors = evenly(store.actors("train"), CALIBRATION_ACTORS)
    clips = [[row for row in store.clips("train") if row.actor == actor] for actor in actors]
    chosen = [row for rows in clips for row in evenly(rows, CALIBRATION_CLIPS)]
    if not chosen:
        return "the store has no training clips"

    def compute() -> Arrays:
        frames = (at_size(store.frame(row.clip_id, row.frames // 2), size) for row in chosen)
        return {"descriptors": np.concatenate([Features(frame[None], backend).descriptors for frame in frames])}

    key = (VERSION, backend.name, store.fingerprint, size, CALIBRATION_ACTORS, CALIBRATION_CLIPS)
    descriptors = cached("calibration", key, ("descriptors",), compute)["descriptors"]
    try:
        return calibrate(descriptors, [row.actor for row in chosen])
    except ValueError as reason:
        return str(reason)
