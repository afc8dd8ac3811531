"""One photo of a face, in whatever format, as the aligned identity frame that a model expects."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from viseme.data.align import apply, clip_transform, scale, warp
from viseme.data.faces import FaceBackend, default_backend, find_faces, resized
from viseme.data.picture import read_picture
from viseme.errors import InputError
from viseme.types import Float32, UInt8

SEARCHED_PIXELS = 2 * 2**20
"""Larger pictures are searched reduced to so many."""
SOFT = 1.5
"""A face enlarged by more than this is worth a note."""
NOSE_TIP = 30
TURNED = 0.3
"""So is one whose nose lies this much nearer to one side of the jaw, as a share of both distances: of GRID's faces,
seen from the front, none goes beyond 0.28, and a head turned by 40 degrees shows about 0.45."""


@dataclass(frozen=True, slots=True)
class Photo:
    """An identity frame.

    Attributes:
        frame: uint8 `[size,size,3]` RGB, aligned as `prepare` aligns clips.
        points: float32 `[68,2]`, the landmarks by which it was aligned, in pixels of `frame`.
        faces: how many the photo shows.
        note: what the user should know, or empty.
    """

    frame: UInt8
    points: Float32
    faces: int
    note: str


def read_photo(path: str | os.PathLike[str], size: int, backend: FaceBackend | None = None) -> Photo:
    """The largest face of a picture, aligned to `size` pixels as the clips of a store are.

    EXIF orientation is applied; transparency lies over mid-gray; gray, palette, 16-bit and CMYK pictures become 8-bit
    RGB; of an animation the first frame serves.

    Raises:
        InputError: missing, not a picture, damaged, over 64 Mpx, under 32 pixels a side, or without a face.
    """
    backend = backend or default_backend()
    picture = read_picture(path)
    factor = min(1.0, (SEARCHED_PIXELS / (picture.shape[0] * picture.shape[1])) ** 0.5)
    searched = resized(picture, factor)
    boxes = find_faces(searched, backend)
    if not boxes:
        raise InputError(
            f"{path}: no face found; give a photo of one face, upright and seen from the front, "
            f"about 80 pixels wide or more"
        )
    points = backend.landmarks(searched, boxes[0])
    matrix = clip_transform(points[None], size)
    if scale(matrix) > 1 and factor < 1:  # a small face in a large picture: all its pixels are needed
        searched, points = picture, np.asarray((points + 0.5) / factor - 0.5, dtype=np.float32)
        matrix = clip_transform(points[None], size)
    notes = []
    if len(boxes) > 1:
        notes.append(f"{len(boxes)} faces found, the largest is used")
    if scale(matrix) > SOFT:
        notes.append(f"the face is small and was enlarged {scale(matrix):.1f} times; it will look soft")
    aligned = np.asarray(apply(matrix, points), dtype=np.float32)
    if abs(_aside(aligned)) > TURNED:
        notes.append("the face is turned aside; models learn faces seen from the front")
    return Photo(warp(searched, matrix, size), aligned, len(boxes), "; ".join(notes))


def _aside(points: Float32) -> float:
    """How much nearer the tip of the nose lies to one side of the jaw than to the other, -1 to 1; 0 from the front."""
    left, right = (float(np.linalg.norm(points[NOSE_TIP] - points[side])) for side in (2, 14))
    return (left - right) / (left + right) if left + right else 0.0
