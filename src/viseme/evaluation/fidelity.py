"""How close each frame's pixels are to truth's: PSNR and SSIM, and SNR over the clip.

PSNR prefers a frozen face to a moving one that is slightly off, so none of them judges a talking head by itself.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from viseme.types import UInt8

PSNR_CAP = 100.0
"""dB given to equal frames, whose ratio is infinite, and to any beyond."""

SIGMA = 1.5
RADIUS = 5
"""The Gaussian window reaches 5 pixels (3.5 sigma), as in scikit-image."""
C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2


def psnr(frames: UInt8, truth: UInt8) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each frame, `[T]` in dB, at most 100.

    PSNR = 10 log10(255^2 / mean((x - y)^2)) over pixels and channels.

    Args:
        frames, truth: uint8 `[T,H,W,3]`.
    """
    difference = frames.astype(np.float32) - truth.astype(np.float32)
    mse = np.square(difference).mean(axis=(1, 2, 3), dtype=np.float64)
    floor = 255.0**2 / 10 ** (PSNR_CAP / 10)
    return np.asarray(10 * np.log10(255.0**2 / np.maximum(mse, floor)))


def snr(frames: UInt8, truth: UInt8) -> float:
    """Signal-to-noise ratio of a clip in dB, at most 100.

    SNR = 10 log10(sum x^2 / sum((x - y)^2)) of truth x and made y over all pixels, channels and frames, on 0-255
    values. Unlike PSNR it is higher for brighter videos. Raises `ValueError` where truth is black.

    Args:
        frames, truth: uint8 `[T,H,W,3]`.
    """
    x = truth.astype(np.float32)
    signal = float(np.square(x).sum(dtype=np.float64))
    noise = float(np.square(x - frames.astype(np.float32)).sum(dtype=np.float64))
    if signal == 0:
        raise ValueError("truth is black, so that there is no signal")
    return float(10 * np.log10(signal / max(noise, signal / 10 ** (PSNR_CAP / 10))))


def ssim(frames: UInt8, truth: UInt8) -> NDArray[np.float64]:
    """Structural similarity of each frame, `[T]` in [-1, 1], mean over channels and pixels.

    SSIM = (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2)) with moments under a Gaussian window of
    sigma 1.5 (Wang et al., Image Quality Assessment, 2004). Equal to scikit-image's `structural_similarity` with
    `gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=-1, data_range=255`. The five pixels
    next to the border, whose windows are cut, do not count.

    Args:
        frames, truth: uint8 `[T,H,W,3]`, H and W at least 11.
    """
    return np.array([_ssim(frame, true) for frame, true in zip(frames, truth, strict=True)], dtype=np.float64)


def _ssim(frame: UInt8, truth: UInt8) -> float:
    x, y = frame.astype(np.float64), truth.astype(np.float64)
    mx, my = _blur(x), _blur(y)
    vx, vy = _blur(x * x) - mx * mx, _blur(y * y) - my * my
    vxy = _blur(x * y) - mx * my
    similarity = (2 * mx * my + C1) * (2 * vxy + C2) / ((mx * mx + my * my + C1) * (vx + vy + C2))  # [H,W,3]
    return float(similarity[RADIUS:-RADIUS, RADIUS:-RADIUS].mean())


def _blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
    side = 2 * RADIUS + 1
    return np.asarray(cv2.GaussianBlur(image, (side, side), SIGMA, borderType=cv2.BORDER_REFLECT))
