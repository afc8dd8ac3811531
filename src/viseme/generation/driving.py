"""A driving video: another face's motion, carried over to the face of a photo as 68 points a frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

import numpy as np

from viseme.data.align import similarity
from viseme.data.faces import EYE_CORNERS, FaceBackend, default_backend
from viseme.data.track import track
from viseme.data.video import read_frames
from viseme.errors import InputError
from viseme.progress import progress
from viseme.types import FPS, Float32, UInt8

MISSING = 5
"""Frames by which a driving video may end before the sound; its last points stay for them. Sound codecs pad as much."""
FOUND = 0.9
"""Least share of frames in which the face must be found, as `prepare` asks; between them points are interpolated."""


def driving_landmarks(
    path: str | os.PathLike[str], frames: int, identity: Float32, backend: FaceBackend | None = None
) -> Float32:
    """Points that move as the largest face of a video does, float32 `[frames,68,2]` in pixels of the identity frame.

    The video is read at 25 frames a second, from its first frame on; what it has beyond `frames` is not looked at.

    Args:
        path: any video that FFmpeg reads.
        frames: T of the rollout.
        identity: float32 `[68,2]`, the identity frame's own points.
        backend: finds faces.

    Raises:
        InputError: not a video, shorter than the sound by over 0.2 s, or a face in under nine tenths of its frames.
    """
    with progress("driving face", frames, "frames") as advance:

        def watched() -> Iterator[UInt8]:
            for frame in islice(read_frames(path), frames):
                yield frame
                advance(1)

        followed = track(watched(), backend or default_backend())
    count, share = len(followed.found), float(followed.found.mean())
    if count + MISSING < frames:
        raise InputError(
            f"{path}: lasts {count / FPS:.2f} s, the sound {frames / FPS:.2f} s; give a video as long as the sound"
        )
    if share < FOUND:
        what = "no face found in it" if share == 0 else f"a face in only {share:.0%} of its frames"
        raise InputError(f"{path}: {what}; give a video of one face, upright and seen from the front")
    held = np.minimum(np.arange(frames), count - 1)
    return transferred(followed.landmarks[held], identity)


def transferred(driving: Float32, identity: Float32) -> Float32:
    """The motion of one face, given to another: `identity + s R (driving[t] - driving[0])`, float32 `[T,68,2]`.

    s and R bring the outer eye corners (points 36 and 45) of the driving face's first frame to the identity's distance
    and tilt. Frame 0 is the identity's own points.

    Args:
        driving: float32 `[T,68,2]`, a face through a clip, in pixels of any frame.
        identity: float32 `[68,2]`, a face in pixels of another.
    """
    corners = list(EYE_CORNERS)
    turn = similarity(driving[0, corners], identity[corners])[:, :2]  # s R
    motion = (driving - driving[0]).astype(np.float64) @ turn.T
    return np.asarray(identity + motion, dtype=np.float32)
