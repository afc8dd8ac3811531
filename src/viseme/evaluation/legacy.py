"""OFM and F-MSE as the public script of Diffused Heads computes them, to be set beside published tables only.

Neither measures what its name says: `motion.py` holds the metrics to judge by. The script reads every frame of a file,
here as everywhere frame 0 is not scored; all else agrees to the bit.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from viseme.evaluation.motion import FARNEBACK
from viseme.types import UInt8

SIZE = 128
"""Pixels to which the script resizes every frame, bilinear."""


def ofm_legacy(frames: UInt8) -> NDArray[np.float64]:
    """Mean value of a picture of the flow of each pair of frames, `[T-1]` in 0-255.

    The flow's magnitudes are stretched to 0-255 within each pair, cut to whole numbers and coloured by OpenCV's map
    JET, whose channels are averaged. So it is not in pixels, and the stretching takes the amount of motion out: a
    still grey clip scores 42.67 (JET's darkest blue, 128 / 3), a still textured one more, a moving one anything.

    Args:
        frames: uint8 `[T,H,W,3]` RGB.
    """
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in _resized(frames)]
    pictures = np.zeros(max(len(gray) - 1, 0))
    for index, (before, after) in enumerate(pairwise(gray)):
        flow = cv2.calcOpticalFlowFarneback(before, after, np.zeros((SIZE, SIZE, 2), np.float32), *FARNEBACK)
        magnitude, _ = cv2.cartToPolar(flow[..., 0], flow[..., 1])
        stretched = cv2.normalize(magnitude, np.empty_like(magnitude), 0, 255, cv2.NORM_MINMAX)
        pictures[index] = cv2.applyColorMap(stretched.astype(np.uint8), cv2.COLORMAP_JET).mean()
    return pictures


def f_mse_legacy(frames: UInt8) -> NDArray[np.float64]:
    """Mean of the squared differences of each pair of frames taken in uint8, `[T-1]`.

    Both the difference and its square wrap at 256, so that it is the mean of d^2 mod 256: a difference of 16 counts
    nothing. It equals F-MSE only where no value changes by 16 or more.

    Args:
        frames: uint8 `[T,H,W,3]` RGB.
    """
    small = _resized(frames)
    return np.array([np.square(after - before).mean() for before, after in pairwise(small)], dtype=np.float64)


def _resized(frames: UInt8) -> list[UInt8]:
    return [np.asarray(cv2.resize(frame, (SIZE, SIZE)), dtype=np.uint8) for frame in frames]
