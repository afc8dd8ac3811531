"""Landmarks that drive a model which takes them, read from a file.

Two formats, both in pixels of the aligned identity frame (whole numbers at pixel centres), one row a video frame:
`.csv` with 136 numbers a line, `x0,y0,x1,y1,...,x67,y67`, a heading allowed; `.npy` with an array `[T,68,2]`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from viseme.errors import InputError
from viseme.types import Float32

POINTS = 68


def read_landmarks(path: str | os.PathLike[str], frames: int) -> Float32:
    """The first `frames` frames of a file of landmarks, float32 `[frames,68,2]`.

    Raises:
        InputError: missing, neither `.csv` nor `.npy`, malformed, not finite, or too short.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".csv", ".npy"):
        raise InputError(f"{path}: landmarks are read from .csv (136 numbers a line) or .npy ([T,68,2])")
    try:
        points = np.load(path, allow_pickle=False) if suffix == ".npy" else _read_csv(path)
        points = np.asarray(points, dtype=np.float32)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give a file of landmarks") from error
    except (ValueError, TypeError, EOFError) as error:
        raise InputError(f"{path}: holds no landmarks ({error}); see the documentation for the format") from error
    if points.ndim != 3 or points.shape[1:] != (POINTS, 2):
        raise InputError(f"{path}: holds {list(points.shape)}, expected [T,68,2] (x and y of 68 points a frame)")
    if not np.isfinite(points).all():
        raise InputError(f"{path}: holds numbers that are not finite; every point of every frame is needed")
    if len(points) < frames:
        raise InputError(f"{path}: holds {len(points)} frames, the sound lasts {frames} (25 a second); give as many")
    return np.ascontiguousarray(points[:frames])


def _read_csv(path: str | os.PathLike[str]) -> Float32:
    lines = [line for line in Path(path).read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    rows = []
    for number, line in enumerate(lines):
        try:
            values = [float(value) for value in line.split(",")]
        except ValueError:
            if number == 0:
                continue
            raise ValueError(f"line {number + 1} is not numbers") from None
        if len(values) != 2 * POINTS:
            raise ValueError(f"line {number + 1} has {len(values)} numbers, not {2 * POINTS}")
        rows.append(values)
    return np.array(rows, dtype=np.float32).reshape(len(rows), POINTS, 2)
