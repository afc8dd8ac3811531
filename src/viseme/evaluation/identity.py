"""Is it still the same person: CSIM on dlib's face descriptors, on a scale that the training actors set.

Raw cosines of these descriptors all lie near 1, so a raw number says little. The scale makes 1 the mean of pairs of
clips of one actor, and 0 the mean of pairs of actors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viseme.evaluation.quality import ends
from viseme.types import FPS

EVERY = 5
"""Every fifth scored frame is described: a descriptor costs as much as twenty frames' landmarks."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Mean raw cosine of pairs of clips of one actor, and of pairs of actors, among the training actors."""

    same: float
    different: float


def cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of descriptors a `[...,128]` with b `[...,128]`."""
    return np.asarray((a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)))


def calibrate(descriptors: NDArray[np.float64], actors: Sequence[str]) -> Calibration:
    """The scale from one descriptor a clip, `[N,128]`, and whose each is, `[N]`.

    Raises `ValueError`, with the reason, where there is no pair of one actor, none of two, or the two do not differ.
    """
    names = np.array(actors)
    cosines = cosine(descriptors[:, None], descriptors[None])  # [N,N]
    once = np.triu(np.ones_like(cosines, dtype=bool), k=1)
    alike = names[:, None] == names[None]
    if not (once & alike).any():
        raise ValueError("no training actor has two clips")
    if not (once & ~alike).any():
        raise ValueError("there are not two training actors")
    calibration = Calibration(float(cosines[once & alike].mean()), float(cosines[once & ~alike].mean()))
    if calibration.same - calibration.different < 1e-4:
        raise ValueError("dlib's descriptors do not tell the training actors apart")
    return calibration


def csim(
    descriptors: NDArray[np.float64], identity: NDArray[np.float64], calibration: Calibration
) -> NDArray[np.float64]:
    """CSIM of each described frame, `[M]`, of descriptors `[M,128]` with the identity frame's `[128]`.

    CSIM = (cos - different) / (same - different). Not bounded: frames of one clip are more alike than two clips are, so
    that truth itself may pass 1.
    """
    return (cosine(descriptors, identity) - calibration.different) / (calibration.same - calibration.different)


def identity_drift(similarity: NDArray[np.float64]) -> float:
    """CSIM of the last second less the first second's, of its curve `[M]` at every fifth frame.

    A second holds five described frames; shorter clips are halved. A difference, not a ratio, since 0 is no special
    value of CSIM. Raises `ValueError` for fewer than two described frames.
    """
    first, last = ends(similarity, FPS // EVERY)
    return last - first
