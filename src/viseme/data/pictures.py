"""Small pictures of clips: frames of a store with their landmarks, and of rejected clips from their source."""

from __future__ import annotations

import itertools
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viseme.data.inspect import Reject, evenly, spread_over_actors
from viseme.data.manifest import ClipRow
from viseme.data.store import Store
from viseme.data.video import read_frames
from viseme.errors import InputError
from viseme.types import FPS, UInt8

SIDE = 128
"""Pixels: the longer side of a picture at most."""
QUALITY = 75
"""Of the WebP, 1 to 100."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame, or the reason why there is none.

    Attributes:
        webp: the frame as a WebP of at most `SIDE` pixels; empty where there is none.
        points: its landmarks, float64 `[68,2]` in per cent of width and height from the upper left corner, or None.
        reason: why there is no frame, or empty.
    """

    webp: bytes = b""
    points: NDArray[np.float64] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """Frames of one accepted clip, from first to last."""

    clip: ClipRow
    pictures: tuple[Picture, ...]


def strips(store: Store, clips: int, frames: int) -> tuple[Strip, ...]:
    """At most `clips` clips spread over the actors as in a contact sheet, each by at most `frames` frames.

    Raises:
        StoreError: a shard is damaged or cannot be fetched.
    """
    return tuple(
        Strip(row, tuple(picture(store, row, t) for t in evenly(row.frames, frames)))
        for row in spread_over_actors(store.clips(), clips)
    )


def picture(store: Store, row: ClipRow, t: int | None = None) -> Picture:
    """Frame t of an accepted clip, the middle one without t, with its landmarks.

    Raises:
        StoreError: the shard is damaged or cannot be fetched.
    """
    t = row.frames // 2 if t is None else t
    points = (store.landmarks(row.clip_id)[t].astype(np.float64) + 0.5) * (100 / store.info.size)
    return Picture(webp(store.frame(row.clip_id, t)), points)


def source_picture(folder: str | os.PathLike[str], reject: Reject) -> Picture:
    """A rejected clip's frame at one second, or its last where it is shorter, out of the folder it was prepared from.

    A rejected clip's frames are in no store. What the manifest says of its source is not trusted: a path that leads
    out of the folder is not opened.
    """
    source = os.path.normpath(reject.source or "")
    if os.path.isabs(source) or source.split(os.sep)[0] == os.pardir or "\0" in source:
        return Picture(reason="its source lies outside the folder given")
    path = Path(folder, source)
    last: deque[UInt8] = deque(maxlen=1)
    try:
        last.extend(itertools.islice(read_frames(path), FPS + 1))
    except (InputError, OSError) as error:
        if not last:
            return Picture(reason=str(error).removeprefix(f"{path}: ").replace(str(folder), "").replace("\n", " "))
    return Picture(webp(last[0])) if last else Picture(reason="its source has no frame")


def webp(frame: UInt8) -> bytes:
    """A frame `[H,W,3]` RGB as a WebP whose longer side is `SIDE` at most."""
    import cv2

    height, width = frame.shape[:2]
    ratio = SIDE / max(height, width)
    if ratio < 1:
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    _, encoded = cv2.imencode(".webp", frame[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    return encoded.tobytes()
