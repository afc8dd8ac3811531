"""Where a face lies in a frame: one similarity transform puts eyes and nose on fixed places of a square.

Coordinates follow dlib and OpenCV: (x, y) with integer values at pixel centres, so that a frame of S pixels spans
[-0.5, S - 0.5] and unit coordinate u lies at u * S - 0.5. With that convention averaging a frame down to half its size
and warping straight to that size agree to the pixel.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from viseme.types import Float32, UInt8

Float64 = NDArray[np.float64]

TEMPLATE: Float64 = np.array([[0.365, 0.34], [0.635, 0.34], [0.50, 0.54]])
"""Unit coordinates of the centre of the eye on the left of the picture (points 36-41), of the other eye (42-47) and of
the nose base (33)."""

ALIGNED_BOX = (0.145, 0.14, 0.84, 0.835)
"""Left, top, right, bottom of the detector's box on an aligned frame, in unit coordinates."""


def anchors(landmarks: NDArray[np.floating]) -> Float64:
    """The three points that alignment rests on, float64 `[...,3,2]`, of landmarks `[...,68,2]`."""
    points = np.asarray(landmarks, dtype=np.float64)
    left, right = points[..., 36:42, :].mean(axis=-2), points[..., 42:48, :].mean(axis=-2)
    return np.stack([left, right, points[..., 33, :]], axis=-2)


def template(size: int) -> Float64:
    """`TEMPLATE` in pixels of an aligned frame, float64 `[3,2]`."""
    return TEMPLATE * size - 0.5


def similarity(src: ArrayLike, dst: ArrayLike) -> Float64:
    """The rotation, uniform scale and shift, float64 `[2,3]`, that bring points src `[N,2]` nearest to dst `[N,2]`.

    Least squares after Umeyama 1991 (IEEE PAMI 13(4), equations 39 to 42), reflections excluded. In the plane the
    optimum has a closed form: with centred points as complex numbers a, b it is the factor sum(conj(a) b) / sum(|a|^2).

    Raises:
        ValueError: fewer than two points, different counts, or all src points in one place.
    """
    a, b = np.asarray(src, dtype=np.float64), np.asarray(dst, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != 2 or len(a) < 2:
        raise ValueError(f"similarity needs two equal arrays [N,2] with N >= 2, not {a.shape} and {b.shape}")
    from_mean, to_mean = a.mean(axis=0), b.mean(axis=0)
    a, b = a - from_mean, b - to_mean
    spread = float((a * a).sum())
    if not spread > 0:
        raise ValueError("similarity of points that all lie in one place")
    cos = float((a * b).sum()) / spread
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([linear, to_mean - linear @ from_mean])


def clip_transform(landmarks: NDArray[np.floating], size: int) -> Float64:
    """One transform `[2,3]` for a whole clip, from source pixels to an aligned frame of `size` pixels.

    It rests on the median over time of the three anchors of landmarks `[T,68,2]`, so that head motion stays in the clip
    and single bad frames do not count. One frame's landmarks `[1,68,2]` give that frame's own transform.
    """
    return similarity(np.median(anchors(landmarks), axis=0), template(size))


def frame_transforms(landmarks: NDArray[np.floating], size: int) -> Float64:
    """A transform for each frame, `[T,2,3]`: the older pipelines' way, which takes head motion out of the clip."""
    return np.stack([similarity(points, template(size)) for points in anchors(landmarks)])


def apply(matrix: ArrayLike, points: ArrayLike) -> Float64:
    """Points `[...,2]` under transform `[2,3]`, float64."""
    m = np.asarray(matrix, dtype=np.float64)
    return np.asarray(points, dtype=np.float64) @ m[:, :2].T + m[:, 2]


def inverse(matrix: ArrayLike) -> Float64:
    """The transform `[2,3]` that undoes `matrix`."""
    m = np.asarray(matrix, dtype=np.float64)
    linear = np.linalg.inv(m[:, :2])
    return np.column_stack([linear, -linear @ m[:, 2]])


def scale(matrix: ArrayLike) -> float:
    """By how much a transform `[2,3]` enlarges lengths."""
    m = np.asarray(matrix, dtype=np.float64)
    return math.sqrt(abs(float(np.linalg.det(m[:, :2]))))


def resize_points(points: NDArray[np.floating], src: int, dst: int) -> Float32:
    """Points `[...,2]` in pixels of a frame of `src` pixels, in pixels of the same frame at `dst` pixels."""
    return np.asarray((np.asarray(points, dtype=np.float64) + 0.5) * (dst / src) - 0.5, dtype=np.float32)


def warp(frame: UInt8, matrix: ArrayLike, size: int) -> UInt8:
    """The aligned frame uint8 `[size,size,3]` of a source frame `[H,W,3]` under `matrix` (source to aligned pixels).

    Where the source shrinks, the frame is first drawn k times as large and then averaged in k x k boxes, k being the
    least whole number that makes the first step no reduction: no aliasing. Beyond the picture its edge is repeated.
    """
    m = np.asarray(matrix, dtype=np.float64)
    k = max(1, math.ceil(1 / max(scale(m), 1e-6) - 1e-9))
    if k * size > 8192:
        raise ValueError(f"a reduction by {k} to {size} pixels is beyond any photo of a face")
    enlarged = m * k
    enlarged[:, 2] += (k - 1) / 2
    drawn = cv2.warpAffine(
        frame, enlarged, (k * size, k * size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if k > 1:
        drawn = cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(drawn, dtype=np.uint8)
