"""Pictures that stay beside the results: a strip of frames above truth's, and one frame as a thumbnail."""

from __future__ import annotations

import os

import cv2
import numpy as np

from viseme.files import written_aside
from viseme.types import UInt8

COLUMNS = 8


def strip(candidate: UInt8, truth: UInt8, columns: int = COLUMNS) -> UInt8:
    """Evenly spaced frames of the candidate, and below each truth's frame of the same time.

    Args:
        candidate, truth: uint8 `[T,S,S,3]`.

    Returns:
        uint8 `[2 S, n S, 3]`, n being `columns` or T where that is less.
    """
    times = np.unique(np.linspace(0, len(truth) - 1, columns).round().astype(int))
    rows = [np.concatenate(list(frames[times]), axis=1) for frames in (candidate, truth)]
    return np.concatenate(rows, axis=0)


def thumbnail(candidate: UInt8) -> UInt8:
    """The frame in the middle, uint8 `[S,S,3]`."""
    return np.ascontiguousarray(candidate[len(candidate) // 2])


def write_png(path: str | os.PathLike[str], image: UInt8) -> None:
    """Write an RGB image uint8 `[H,W,3]` as PNG, whole or not at all. Raises `OutputError`."""
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    with written_aside(path) as aside:
        aside.write_bytes(data.tobytes())
