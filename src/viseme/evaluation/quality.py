"""Brightness and sharpness of each frame, and how far a series drifts from its first second to its last."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from viseme.types import FPS, UInt8

BT601 = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of R, G and B in luma (ITU-R BT.601)."""


def luma(frames: UInt8) -> NDArray[np.float32]:
    """BT.601 luma `[...,H,W]` in 0-255, not rounded, of RGB uint8 `[...,H,W,3]`."""
    return np.asarray(frames.astype(np.float32) @ BT601)


def brightness(frames: UInt8) -> NDArray[np.float64]:
    """Mean luma of each frame, `[T]` in 0-255, of uint8 `[T,H,W,3]`."""
    return np.asarray(luma(frames).mean(axis=(1, 2), dtype=np.float64))


def sharpness(frames: UInt8) -> NDArray[np.float64]:
    """Variance of the 3x3 Laplacian of luma of each frame, `[T]`, of uint8 `[T,H,W,3]`.

    Source: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, 2000. It grows with noise as well as
    with detail, so it is read beside truth's.
    """
    return np.array(
        [cv2.Laplacian(image, cv2.CV_32F).var(dtype=np.float64) for image in luma(frames)], dtype=np.float64
    )


def ends(series: ArrayLike, count: int = FPS) -> tuple[float, float]:
    """Means of the first and of the last `count` numbers of a series; of its halves where it is shorter than both.

    Raises `ValueError` for fewer than two numbers.
    """
    values = np.asarray(series, dtype=np.float64)
    if values.size < 2:
        raise ValueError("a drift needs at least two frames")
    part = min(count, values.size // 2)
    return float(values[:part].mean()), float(values[-part:].mean())


def relative_drift(series: ArrayLike) -> float:
    """Per cent by which the last second's mean exceeds the first's: 100 (last - first) / first.

    Raises `ValueError` for fewer than two numbers, or a first mean of zero.
    """
    first, last = ends(series)
    if first == 0:
        raise ValueError("the first second is zero, so that no relative drift exists")
    return 100 * (last - first) / first
