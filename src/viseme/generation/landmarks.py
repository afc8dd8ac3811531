"""Landmarks that drive a model which takes them: where they come from, and how they are read from a file.

A model with a regressor moves the identity's own points by the sound. Else, or by choice, they come from a file of
points, from a driving video (`viseme.generation.driving`), or, for a clip of a store, from its truth.

Two formats of files, both in pixels of the aligned identity frame (whole numbers at pixel centres), one row a video
frame: `.csv` with 136 numbers a line, `x0,y0,x1,y1,...,x67,y67`, a heading allowed; `.npy` with an array `[T,68,2]`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from viseme.errors import InputError
from viseme.types import Float32, Synthesizer

POINTS = 68
SUFFIXES = (".csv", ".npy")
"""Of files of points; any other file is a driving video."""

Source = Literal["", "sound", "truth", "points", "video"]
"""Where landmarks come from; empty for a model that takes none."""


@runtime_checkable
class MovesLandmarks(Protocol):
    """A synthesizer that can move landmarks by the sound itself, where `has_regressor` says so."""

    @property
    def has_regressor(self) -> bool:
        """Whether it can."""

    def landmarks_from_sound(self, audio: Float32, points: Float32) -> Float32:
        """Landmarks float32 `[T,68,2]` of features `[T,D]` and the identity frame's points `[68,2]`, in its pixels."""


def uses_landmarks(synthesizer: Synthesizer) -> bool:
    """Whether a synthesizer is driven by landmarks, which it says by an attribute `uses_landmarks`."""
    return bool(getattr(synthesizer, "uses_landmarks", False))


def has_regressor(synthesizer: Synthesizer) -> bool:
    """Whether a synthesizer moves landmarks by the sound itself."""
    return isinstance(synthesizer, MovesLandmarks) and synthesizer.has_regressor


def photo_source(synthesizer: Synthesizer, asked: str | os.PathLike[str] | None) -> Source:
    """Where the landmarks for a photo come from.

    Args:
        synthesizer: what is driven.
        asked: `sound`, a file of points, a driving video, or None for the sound where a regressor hears it. The words
            are words as plain strings alone: a file of that name is `./sound` or a `Path`.

    Raises:
        InputError: landmarks that it does not take, needs and is not given, or that cannot be had.
    """
    if not _driven(synthesizer, asked):
        return ""
    if asked is None and not has_regressor(synthesizer):
        if not needs_landmarks(synthesizer):
            return ""
        raise InputError(
            f"{synthesizer.name} is driven by landmarks; give a file of them or a driving video with --landmarks"
        )
    if asked == "truth":
        raise InputError("--landmarks truth: a photo has no true landmarks; give a file of them or a driving video")
    if asked is None or asked == "sound":
        return _sound(synthesizer)
    return "points" if Path(asked).suffix.lower() in SUFFIXES else "video"


def split_source(synthesizer: Synthesizer, asked: str | os.PathLike[str] | None) -> Source:
    """Where the landmarks for clips of a store come from: `sound` or `truth`, as asked.

    Unasked, from the sound where a regressor hears it, else from truth.

    Raises:
        InputError: landmarks that it does not take or that cannot be had, or a file, which would be one clip's alone.
    """
    if not _driven(synthesizer, asked):
        return ""
    if asked == "truth" or (asked is None and not has_regressor(synthesizer)):
        return "truth"
    if asked is None or asked == "sound":
        return _sound(synthesizer)
    raise InputError(f"--landmarks {asked}: every clip of a store needs its own; ask for sound or truth")


def needs_landmarks(synthesizer: Synthesizer) -> bool:
    """Whether it cannot do without them: as its attribute `needs_landmarks` says; without one, if it uses them."""
    return bool(getattr(synthesizer, "needs_landmarks", uses_landmarks(synthesizer)))


def _driven(synthesizer: Synthesizer, asked: str | os.PathLike[str] | None) -> bool:
    """Whether it takes landmarks; it must where they are asked for."""
    if asked is not None and not uses_landmarks(synthesizer):
        raise InputError(f"{asked}: {synthesizer.name} is not driven by landmarks; leave --landmarks out")
    return uses_landmarks(synthesizer)


def _sound(synthesizer: Synthesizer) -> Source:
    if not has_regressor(synthesizer):
        raise InputError(
            f"--landmarks sound: {synthesizer.name} was trained without a regressor; give landmarks another way, "
            "or train with --set regressor.width=256"
        )
    return "sound"


def read_landmarks(path: str | os.PathLike[str], frames: int) -> Float32:
    """The first `frames` frames of a file of landmarks, float32 `[frames,68,2]`.

    Raises:
        InputError: missing, neither `.csv` nor `.npy`, malformed, not finite, or too short.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
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
