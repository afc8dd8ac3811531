"""One video as scores see it: square frames of one size, 25 a second; others are refused, or resampled if asked."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from viseme.data.video import MAX_WHOLE, opened, read_frames, video_stream
from viseme.errors import InputError
from viseme.types import FPS, UInt8

RATE_SLACK = Fraction(1, 20)
"""Frames a second by which a stated rate may differ from 25: containers round their times."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a video is before it is decoded.

    Attributes:
        rate: frames a second as the file states it; None where it does not.
        height, width: of the first frame as it is shown.
    """

    rate: Fraction | None
    height: int
    width: int

    @property
    def square(self) -> bool:
        return self.height == self.width

    @property
    def steady(self) -> bool:
        """Whether it has 25 frames a second, or none that it states."""
        return self.rate is None or abs(self.rate - FPS) <= RATE_SLACK


def look(path: Path) -> Look:
    """Look at a video's header and first frame. Raises `InputError`, naming the file alone, if it cannot be read."""
    with told_by_name(path):
        with opened(path) as container:
            stream = video_stream(container, path)
            rate = stream.average_rate or stream.guessed_rate
        height, width = next(read_frames(path)).shape[:2]
    return Look(Fraction(rate) if rate else None, height, width)


def survey(files: Mapping[str, Path]) -> dict[str, Look]:
    """A look at each video, by clip_id; those that cannot be read are left out, since their own rows will say so."""
    looks = {}
    for clip_id, path in files.items():
        with contextlib.suppress(InputError, OSError):
            looks[clip_id] = look(path)
    return looks


def usual_size(looks: Mapping[str, Look]) -> int | None:
    """Pixels of most of the square videos, the larger size of two that are as frequent; None where none is square."""
    sizes = Counter(seen.height for seen in looks.values() if seen.square)
    return max(sizes, key=lambda size: (sizes[size], size), default=None)


def read(path: Path, size: int, *, resample: bool = False, limit: int | None = None) -> UInt8:
    """The frames of a video, or its first `limit`, uint8 `[T,S,S,3]`.

    Args:
        path: anything that FFmpeg decodes.
        size: pixels a side.
        resample: hold or leave out frames of another rate to give 25 a second, and resize frames of another size by
            area averages or, to enlarge, bicubic.
        limit: frames to stop at.

    Raises:
        InputError: naming the file alone: it cannot be decoded, its frames are not square, have another size or come
            at another rate and `resample` is not set, or are too many to hold.
    """
    seen = look(path)
    if not seen.square:
        raise InputError(
            f"{path.name}: has {seen.width}x{seen.height} pixels, and square frames are scored; crop it to the face"
        )
    if not resample and seen.height != size:
        raise InputError(
            f"{path.name}: has {seen.width}x{seen.height} pixels where {size}x{size} are scored; "
            "resize it, or allow it by --resample"
        )
    if not resample and not seen.steady:
        raise InputError(
            f"{path.name}: has {rate_text(seen)} frames a second where {FPS} are scored; "
            "convert it, or allow it by --resample"
        )
    frames: list[UInt8] = []
    with told_by_name(path):
        for frame in islice(read_frames(path), limit):
            frames.append(at_size(frame, size))
            if len(frames) * frames[0].nbytes > MAX_WHOLE:
                raise InputError(f"{path}: needs more than {MAX_WHOLE >> 30} GiB as frames; cut it into shorter clips")
    return np.stack(frames)


def at_size(frame: UInt8, size: int) -> UInt8:
    """A square frame uint8 `[s,s,3]` at `[S,S,3]`: averaged over areas to reduce, bicubic to enlarge."""
    if len(frame) == size:
        return frame
    way = cv2.INTER_AREA if size < len(frame) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, (size, size), interpolation=way), dtype=np.uint8)


def rate_text(seen: Look) -> str:
    """Its rate with as many decimals as it needs: `30`, `29.97`."""
    return f"{float(seen.rate or 0):.2f}".rstrip("0").rstrip(".")


@contextlib.contextmanager
def told_by_name(path: Path) -> Iterator[None]:
    """Errors name the file alone: results travel, and the machine's folders are no part of them."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
    except StopIteration as error:
        raise InputError(f"{path.name}: not a single frame of it can be decoded; is the file whole?") from error
