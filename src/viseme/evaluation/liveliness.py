"""Does anything but the mouth move: the spread over time of brows, nose and eyes, and of how open the eyes are.

A still face with a moving mouth can score well in the mouth and in pixels; these two ratios are what it lacks.
"""

from __future__ import annotations

import numpy as np

from viseme.data.faces import BROWS, EYE_CORNERS, RIGHT_EYE
from viseme.evaluation.blinks import eye_aspect_ratio
from viseme.types import Float32

OUTSIDE = slice(BROWS.start, RIGHT_EYE.stop)
"""Brows, nose and eyes (17-47). The jaw (0-16) is left out: it goes with the mouth."""
STILL = 1e-6
"""A spread below this is no movement."""


def spread_outside_mouth(landmarks: Float32) -> float:
    """How far brows, nose and eyes stray from their mean places, of points `[T,68,2]`, in shares of the eye corners'.

    sqrt(mean_i Var_t(x_ti) + Var_t(y_ti)) over points 17-47, over the mean distance 36-45. Nothing is aligned: the
    motion of the head counts as much as that of the face.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    eyes = np.linalg.norm(points[:, EYE_CORNERS[0]] - points[:, EYE_CORNERS[1]], axis=-1).mean()
    variance = points[:, OUTSIDE].var(axis=0).sum(axis=-1).mean()
    return float(np.sqrt(variance) / max(float(eyes), 1e-9))


def head_motion_ratio(candidate: Float32, truth: Float32) -> float:
    """Spread outside the mouth over truth's, of points `[T,68,2]` each. Raises `ValueError` where truth's is still."""
    return _ratio(spread_outside_mouth(candidate), spread_outside_mouth(truth), "head")


def blink_motion_ratio(candidate: Float32, truth: Float32) -> float:
    """Standard deviation of the eye aspect ratio over truth's, of points `[T,68,2]` each: blinks and sinking lids.

    Raises `ValueError` where truth's is still.
    """
    ours, true = (float(eye_aspect_ratio(points).std()) for points in (candidate, truth))
    return _ratio(ours, true, "eyes")


def _ratio(ours: float, true: float, what: str) -> float:
    if true < STILL:
        raise ValueError(f"truth does not move its {what}")
    return ours / true
