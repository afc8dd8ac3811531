"""Do the eyes blink as a person's do: blinks a second and how long one lasts, from the eye aspect ratio.

A blink is a short dip of that ratio below the level that these eyes had just before, when they were open. Lids also
sink for a while where the gaze does, and that is no blink.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter

from viseme.types import FPS, Float32

CLOSES, OPENS = 0.7, 0.8
"""A blink begins where the ratio falls below the first share of the open level and ends where it is back above the
second. Two thresholds, as landmarks tremble: one would break a blink in two."""
BOUNCE = 3
"""Frames between two dips that are one blink: landmarks jump on half-closed lids, and nobody blinks twice so soon."""
BEFORE, OPEN = 21, 90
"""The open level at a frame is this percentile over so many frames up to it, 0.8 s."""
LONGEST = FPS
"""Frames; eyes shut for longer are shut, not blinking."""

_EYES = ((36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47))


@dataclass(frozen=True, slots=True)
class Blinks:
    """Of one clip.

    Attributes:
        starts: first frame of each blink that begins and ends within the clip, in order.
        lengths: its seconds.
        seconds: of the clip.
    """

    starts: list[int]
    lengths: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Blinks a second."""
        return len(self.starts) / self.seconds

    @property
    def length(self) -> float:
        """Mean seconds a blink. Raises `ValueError` where there is none."""
        if not self.lengths:
            raise ValueError("the candidate or truth does not blink in it")
        return float(np.mean(self.lengths))


def eye_aspect_ratio(landmarks: Float32) -> NDArray[np.float64]:
    """How open the eyes are, `[T]`, mean of both, of points `[T,68,2]`; about 0.3 to 0.4 open, under 0.2 closed.

    EAR = (|p2 - p6| + |p3 - p5|) / (2 |p1 - p4|) over an eye's six points (Soukupova and Cech, Real-Time Eye Blink
    Detection using Facial Landmarks, 2016, equation 1). Free of scale and of rotation in the plane.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    ratios = []
    for p1, p2, p3, p4, p5, p6 in _EYES:
        height = _distance(points, p2, p6) + _distance(points, p3, p5)
        ratios.append(height / (2 * np.maximum(_distance(points, p1, p4), 1e-9)))
    return np.asarray(np.mean(ratios, axis=0))


def blinks(ratio: NDArray[np.float64]) -> Blinks:
    """The blinks in an eye aspect ratio `[T]` at 25 frames a second.

    The open level is the 90th percentile over the 0.8 s up to a frame, mirrored at the clip's beginning. A blink begins
    at the first frame below 0.7 of it and lasts until the ratio exceeds 0.8 of what it was then; dips at most three
    frames apart are one. It counts if it begins after frame 0 and is over within the clip and within a second.
    Soukupova and Cech's threshold is one for all eyes; eyes of other shapes and seen from other angles need others.

    Raises `ValueError` for a clip of less than a second.
    """
    length = len(ratio)
    if length < FPS:
        raise ValueError("blinks need a clip of at least a second")
    level = percentile_filter(ratio, OPEN, size=BEFORE, mode="reflect", origin=BEFORE // 2)
    found: list[tuple[int, int]] = []
    for start, end in _dips(ratio, level):
        if found and start - found[-1][1] <= BOUNCE:
            start = found.pop()[0]
        found.append((start, end))
    whole = [(start, end) for start, end in found if start > 0 and end - start <= LONGEST]
    return Blinks([start for start, _ in whole], [(end - start) / FPS for start, end in whole], length / FPS)


def _dips(ratio: NDArray[np.float64], level: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """First frame of each dip below the level, and the first after it; one that does not end in time is left out."""
    start = None
    for frame, value in enumerate(ratio):
        if start is None:
            start = frame if value < CLOSES * level[frame] else None
        elif value > OPENS * level[start]:
            yield start, frame
            start = None
        elif frame - start >= LONGEST:
            start = None


def _distance(points: NDArray[np.float64], a: int, b: int) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(points[:, a] - points[:, b], axis=-1))
