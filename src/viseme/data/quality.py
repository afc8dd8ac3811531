"""How good the recording of a clip is: measures that the manifest keeps, and limits beyond which it is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from viseme.data import align
from viseme.data.faces import BROWS, JAW, NOSE
from viseme.types import Bool, Float32, UInt8

STEADY = np.r_[JAW, BROWS, NOSE]
"""Points whose jitter counts: lips and lids move fast by nature."""
SHARPNESS_SIZE = 128
"""Sharpness is measured on aligned frames of this many pixels, whatever the size of the store."""
SHARPNESS_EVERY = 10
"""Frames from one whose sharpness is measured to the next."""
FULL_SCALE = 0.99
"""Samples whose amplitude reaches this are taken for clipped."""
SILENT = -120.0
"""Level in dBFS of sound that is zero, and the lowest that is told."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of one clip; its share of frames with a face stands beside them, as `ClipRow.found`.

    Attributes:
        faces: most faces seen in one frame.
        face_width: median distance of the jaw's ends (points 0 and 16) in pixels of the source.
        jitter: noise of the landmarks in pixels of the source, as `jitter` defines it.
        sharpness: median over frames of the variance of the Laplacian in the face, as `sharpness` defines it.
        loudness: root mean square of the sound in dBFS; 0 is that of a square wave of full scale.
        clipping: share of the samples at full scale.
    """

    faces: int
    face_width: float
    jitter: float
    sharpness: float
    loudness: float
    clipping: float


@dataclass(frozen=True, slots=True)
class Measure:
    """How a measure is told.

    Attributes:
        name: of the manifest's column.
        unit: px, dBFS, or empty.
        digits: behind the point.
        worst: whether the clip of the `least` or of the `most` is the one to look at.
    """

    name: str
    unit: str
    digits: int
    worst: str


MEASURES = (
    Measure("found", "", 3, "least"),
    Measure("faces", "", 0, "most"),
    Measure("face_width", "px", 1, "least"),
    Measure("jitter", "px", 3, "most"),
    Measure("sharpness", "", 1, "least"),
    Measure("loudness", "dBFS", 1, "least"),
    Measure("clipping", "", 5, "most"),
)
"""In the order of reading."""


def face_width(landmarks: Float32) -> float:
    """Median distance of points 0 and 16 of landmarks `[T,68,2]`, T at least 1, in their pixels."""
    return float(np.median(np.linalg.norm(landmarks[:, 16] - landmarks[:, 0], axis=-1)))


def jitter(landmarks: Float32, found: Bool) -> float:
    """The standard deviation of the noise that landmarks `[T,68,2]` tremble by, in their pixels, a coordinate.

    Second differences d = x[t-1] - 2 x[t] + x[t+1] leave nothing of a steady motion, and white noise of deviation s has
    them of variance 6 s^2; so it is the root of their mean square over 6, the median over the points of jaw, brows and
    nose. Frames beside one without a face do not count; without three in a row it is 0.
    """
    whole = found[:-2] & found[1:-1] & found[2:]
    if not whole.any():
        return 0.0
    points = landmarks[:, STEADY].astype(np.float64)
    second = (points[:-2] - 2 * points[1:-1] + points[2:])[whole]  # [t, points, 2]
    return float(np.median(np.sqrt((second**2).mean(axis=(0, 2)) / 6)))


def sharpness(frame: UInt8, landmarks: NDArray[np.floating]) -> float:
    """Variance of the 3x3 Laplacian of luma (0 to 255) over the face, the hull of its landmarks `[68,2]`.

    Source: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, 2000. The frame is aligned to 128 pixels
    first, so that a face that was too small counts as blurred. It grows with noise as well as with detail.
    """
    matrix = align.clip_transform(landmarks[None], SHARPNESS_SIZE)
    grey = cv2.cvtColor(align.warp(frame, matrix, SHARPNESS_SIZE), cv2.COLOR_RGB2GRAY)
    mask = np.zeros(grey.shape, dtype=np.uint8)
    hull = cv2.convexHull(np.rint(align.apply(matrix, landmarks)).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1)
    return float(cv2.Laplacian(grey, cv2.CV_32F)[mask.astype(bool)].var(dtype=np.float64)) if mask.any() else 0.0


def loudness(audio: Float32) -> float:
    """Root mean square of sound `[S]` in [-1, 1] in dBFS, 20 log10(rms): a sine of full scale has -3.01."""
    power = float(np.mean(np.square(audio, dtype=np.float64))) if len(audio) else 0.0
    return max(SILENT, 10 * math.log10(power)) if power > 0 else SILENT


def clipping(audio: Float32) -> float:
    """Share of samples `[S]` whose amplitude is 0.99 or more. What was clipped and then turned down is not seen."""
    return float(np.mean(np.abs(audio) >= FULL_SCALE)) if len(audio) else 0.0
