"""How much a video moves: optical flow magnitude (OFM) and frame-wise mean squared error (F-MSE).

Both depend on the frame size, so each is stated with it and never compared across sizes; both are read beside truth's
own value, since a still video and a noisy one are wrong in opposite directions.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from viseme.types import UInt8

FARNEBACK = (0.5, 7, 5, 15, 5, 1.2, 0)
"""OpenCV's pyr_scale, levels, winsize, iterations, poly_n, poly_sigma, flags; from the Diffused Heads paper."""


def optical_flow(frames: UInt8) -> NDArray[np.float64]:
    """Mean flow magnitude of each pair of consecutive frames, `[T-1]` in pixels of these frames.

    OFM_t = mean over pixels of sqrt(u^2 + v^2), where (u, v) is Farneback's flow (Two-Frame Motion Estimation Based on
    Polynomial Expansion, 2003) on the grey frames t and t + 1. Some public scripts average a min-max-normalised picture
    of the flow instead, which is neither in pixels nor monotonic in motion.

    Args:
        frames: uint8 `[T,H,W,3]` RGB.
    """
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    magnitudes = np.zeros(max(len(gray) - 1, 0))
    for index, (before, after) in enumerate(pairwise(gray)):
        empty = np.zeros((*before.shape, 2), dtype=np.float32)
        flow = cv2.calcOpticalFlowFarneback(before, after, empty, *FARNEBACK)  # [H,W,2]
        magnitudes[index] = np.hypot(flow[..., 0], flow[..., 1]).mean(dtype=np.float64)
    return magnitudes


def frame_mse(frames: UInt8) -> NDArray[np.float64]:
    """Mean squared difference of each pair of consecutive frames, `[T-1]` on 0-255 values over all three channels.

    F-MSE_t = mean((x_{t+1} - x_t)^2). Differences are taken in float: in uint8 they would wrap at 256.

    Args:
        frames: uint8 `[T,H,W,3]` RGB.
    """
    differences = np.diff(frames.astype(np.float32), axis=0)
    return np.asarray(np.square(differences).mean(axis=(1, 2, 3), dtype=np.float64))
