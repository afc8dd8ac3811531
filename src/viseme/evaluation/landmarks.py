"""How far the candidate's facial landmarks lie from truth's: LMD and mouth LMD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viseme.data import align
from viseme.data.faces import EYE_CORNERS, MOUTH
from viseme.types import Float32

STABLE = slice(27, 48)
"""Nose (27-35) and eyes (36-47), which speech hardly moves: head pose is taken out on these."""


@dataclass(frozen=True, slots=True)
class LandmarkDistance:
    """Distances of each frame, `[T]` each, in per cent of truth's outer eye-corner distance in that frame."""

    face: NDArray[np.float64]
    mouth: NDArray[np.float64]


def landmark_distance(landmarks: Float32, truth: Float32) -> LandmarkDistance:
    """LMD over all 68 points and over the mouth's 20, of points `[T,68,2]` in pixels of like frames.

    LMD_t = 100 mean_i |A_t(p_ti) - q_ti| / |q_t36 - q_t45|, where A_t is the similarity transform that brings eyes and
    nose of frame t nearest to truth's, so that what is measured is the face and not where the head went. After Chen et
    al., Lip Movements Generation at a Glance, 2018, there without alignment and in pixels.

    Raises `ValueError` where a frame's points all lie in one place.
    """
    distances = np.empty((len(truth), truth.shape[1]))
    for index, (points, true) in enumerate(zip(landmarks, truth, strict=True)):
        moved = align.apply(align.similarity(points[STABLE], true[STABLE]), points)
        eyes = np.linalg.norm(true[EYE_CORNERS[0]] - true[EYE_CORNERS[1]])
        distances[index] = 100 * np.linalg.norm(moved - true, axis=-1) / eyes
    return LandmarkDistance(face=distances.mean(axis=1), mouth=distances[:, MOUTH].mean(axis=1))
