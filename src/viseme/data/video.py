"""Frames of any video at exactly 25 a second: what a viewer sees at time n/25, as RGB, upright, with square pixels.

Decoding is PyAV's (FFmpeg inside the wheel). Frames come from a generator, so that memory does not grow with the video.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from viseme.data.dynamic_range import is_high, to_standard
from viseme.errors import InputError
from viseme.types import FPS, UInt8

MAX_SIDE = 8192
"""Pixels: a wider or higher picture is refused."""
MAX_PIXELS = 64 * 2**20
"""Pixels a picture: more are refused."""
MAX_WHOLE = 4 * 2**30
"""Bytes that `read_video` may return; longer videos are for `read_frames`."""
MAX_GAP = 60.0
"""Seconds between two frames; a longer gap is a broken clock, not a held picture."""
MAX_BACK = 1.0
"""Seconds that a clock may run back from one frame to the next; more is two recordings in one file."""

_LFS = b"version https://git-lfs"  # what a pointer of git-lfs begins with
_ROUNDING = Fraction(1, 2000)  # several containers round their times to a millisecond
_NOMINAL = Fraction(1, FPS)
_STILLS = ("image2", "_pipe")
_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_LINES = 720
# swscale's quick path from YUV to RGB is dark by 1 of 255 on average
_SCALING = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
_DEEP = "gbrp16le"  # of 4:2:0 in 10 bits, swscale's rgb48le has the wrong colours


def read_frames(path: str | os.PathLike[str]) -> Iterator[UInt8]:
    """Yield the frames of a video at exactly 25 a second, whatever its own rate, constant or not.

    The clock starts with the video's first frame. Output n is the source frame shown at time n/25: the last one whose
    presentation time is not later (by more than 0.5 ms, as several containers round to 1 ms); output ends where the
    display of the last frame ends. Display matrices (rotated and mirrored phone videos) are applied, oblong pixels
    made square, and every frame has the size of the first. The tagged colour matrix and range are honoured; without a
    tag the matrix is BT.709 from 720 lines on, BT.601 below, as players assume. High dynamic range (PQ, HLG) is
    tone-mapped. Alpha is dropped; interlaced lines stay as they are. A damaged picture is passed over, the one before
    it staying on; a video cut short gives the whole frames it has.

    Args:
        path: a file that FFmpeg can decode. Still pictures are refused; an animated GIF is a video.

    Yields:
        uint8 `[H,W,3]` RGB, C-contiguous; each array is the caller's own.

    Raises:
        InputError: missing, not a video, no video stream, not a single whole frame, an absurd size, a broken clock.
    """
    with opened(path) as container:
        stream = video_stream(container, path)
        upright = _Upright(stream, path)
        for frame, count in _counted(container, stream, path):
            picture = upright(frame)
            for _ in range(count - 1):
                yield picture.copy()
            yield picture


def read_video(path: str | os.PathLike[str]) -> UInt8:
    """All frames of a short video at 25 a second, as `read_frames` gives them.

    Returns:
        uint8 `[T,H,W,3]` RGB.

    Raises:
        InputError: as `read_frames`, and for what would need more than 4 GiB.
    """
    frames: list[UInt8] = []
    held = 0
    for frame in read_frames(path):
        held += frame.nbytes
        if held > MAX_WHOLE:
            raise InputError(f"{path}: needs more than {MAX_WHOLE >> 30} GiB as frames; cut it into shorter clips")
        frames.append(frame)
    return np.stack(frames)


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[InputContainer]:
    """Open a local media file for decoding; what FFmpeg cannot open is an `InputError` of one line.

    Nothing but local files is ever read: a playlist that points elsewhere is refused by FFmpeg's protocol whitelist.
    """
    source = Path(path)
    if not source.exists():
        raise InputError(f"{path}: no such file; check the path")
    if not source.is_file():
        raise InputError(f"{path}: not a file; give one video or sound file")
    try:
        if source.stat().st_size == 0:
            raise InputError(f"{path}: the file is empty; fetch or copy it again")
        with source.open("rb") as file:
            if file.read(len(_LFS)) == _LFS:
                raise InputError(f"{path}: is a git-lfs pointer, not the media; run `git lfs pull` or viseme download")
        # "file:" keeps a name such as "10:30.mp4" from being taken for a protocol
        container = av.open(
            f"file:{source}", mode="r", options={"protocol_whitelist": "file"}, metadata_errors="replace"
        )
    except (FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be opened as video or sound ({reason}); is the file whole?") from error
    with container:
        yield container


def video_stream(container: InputContainer, path: str | os.PathLike[str]) -> VideoStream:
    """The video stream a player would choose; cover art and still pictures do not count.

    Raises:
        InputError: there is none, or its pictures are absurdly large.
    """
    if any(container.format.name.endswith(still) for still in _STILLS):
        raise InputError(f"{path}: is a picture, not a video; give a video file")
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    best = container.streams.best("video")
    stream = next((s for s in streams if s is best or (best is not None and s.index == best.index)), None)
    stream = stream or next(iter(streams), None)
    if stream is None:
        raise InputError(f"{path}: holds no video stream; give a video file that PyAV can decode")
    if stream.codec_context is None:
        raise InputError(f"{path}: its video has no decoder in this FFmpeg; re-encode it as H.264")
    width, height = stream.codec_context.width, stream.codec_context.height
    _check_size(width, height, path)
    # threads cost more than they give on small pictures
    stream.thread_type = "AUTO" if min(width, height) >= _HD_LINES else "NONE"
    return stream


def timed_frames(
    container: InputContainer, stream: VideoStream, path: str | os.PathLike[str]
) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Decoded frames with their presentation times in seconds of the container's clock, never decreasing.

    A frame without a time follows the one before by the nominal period. One whose time is a little earlier takes the
    place of the one before: MPEG program streams repeat a stamp now and then, and the clock must not slip by that.

    Raises:
        InputError: two frames are more than a minute apart, or the clock runs back by more than a second.
    """
    rate = stream.average_rate or stream.guessed_rate
    period = 1 / Fraction(rate) if rate else _NOMINAL
    last: Fraction | None = None
    for frame in _decoded(container, stream):
        time = frame.pts * frame.time_base if frame.pts is not None and frame.time_base else None
        if time is None:
            time = Fraction(0) if last is None else last + period
        if last is not None:
            check_clock(time - last, path)
            time = max(time, last)
        last = time
        yield time, frame


def check_clock(step: Fraction, path: str | os.PathLike[str]) -> None:
    """Refuse a step between two frames, of pictures or sound, that no recording makes."""
    if step > MAX_GAP or step < -MAX_BACK:
        raise InputError(f"{path}: its clock jumps by {float(step):.0f} s in the middle; re-encode it")


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    with contextlib.suppress(InvalidDataError, EOFError):  # the file ends in the middle of a packet
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except InvalidDataError:  # one damaged packet; the next may be whole
                continue
            yield from (frame for frame in frames if not frame.is_corrupt)


def _counted(
    container: InputContainer, stream: VideoStream, path: str | os.PathLike[str]
) -> Iterator[tuple[VideoFrame, int]]:
    """Each source frame that is shown, with the number of output times n/25 that fall into its display."""
    held: VideoFrame | None = None
    start = last = Fraction(0)
    given = 0
    try:
        for time, frame in timed_frames(container, stream, path):
            if held is None:
                start = time
            else:
                until = _outputs_before(time - start)
                if until > given:
                    yield held, until - given
                    given = until
            held, last = frame, time
    except FFmpegError as error:
        if held is None:
            raise InputError(f"{path}: cannot be decoded ({error.strerror}); re-encode it as H.264") from error
    if held is None:
        raise InputError(f"{path}: not a single frame of it can be decoded; is the file whole?")
    until = max(1, _outputs_before(last - start + _duration(held, stream)))
    if until > given:
        yield held, until - given


def _outputs_before(time: Fraction) -> int:
    """How many n >= 0 have n/25 before `time`, times within the rounding of containers counting as equal."""
    return max(0, math.ceil((time - _ROUNDING) * FPS))


def _duration(frame: VideoFrame, stream: VideoStream) -> Fraction:
    """How long the last frame is shown: what it says itself if plausible, else the stream's period."""
    rate = stream.average_rate or stream.guessed_rate
    period = 1 / Fraction(rate) if rate else _NOMINAL
    own = frame.duration * frame.time_base if frame.duration and frame.time_base else Fraction(0)
    return own if 0 < own <= MAX_GAP else period


class _Upright:
    """Decoded frames to RGB arrays of one size: colour, pixel aspect and orientation in one place."""

    def __init__(self, stream: VideoStream, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._aspect = stream.sample_aspect_ratio
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: VideoFrame) -> UInt8:
        if self._size is None:
            self._size = _square_pixels(frame, self._aspect)
            _check_size(*self._size, self._path)
        width, height = self._size
        high, matrix = is_high(frame), None
        if frame.colorspace == _UNSPECIFIED and not frame.format.is_rgb:
            matrix = Colorspace.ITU709 if frame.height >= _HD_LINES else Colorspace.ITU601
        try:
            rgb = self._reformatter.reformat(
                frame,
                width=width,
                height=height,
                format=_DEEP if high else "rgb24",
                src_colorspace=matrix,
                interpolation=_SCALING,
                threads=1,
            )
        except FFmpegError as error:
            name = frame.format.name
            raise InputError(f"{self._path}: its pixels ({name}) cannot be converted; re-encode as yuv420p") from error
        if high:
            picture = to_standard(np.asarray(rgb.to_ndarray(), dtype=np.uint16), frame)
        else:
            picture = np.asarray(rgb.to_ndarray(), dtype=np.uint8)
        return np.ascontiguousarray(_oriented(picture, frame))


def _square_pixels(frame: VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height in square pixels: the width is stretched by the sample aspect ratio where it is believable."""
    if aspect is None or not Fraction(1, 4) <= aspect <= 4:
        return frame.width, frame.height
    return max(1, round(frame.width * aspect)), frame.height


def _oriented(picture: UInt8, frame: VideoFrame) -> UInt8:
    """Apply a display matrix that turns by quarters or mirrors; x' = a x + c y, y' = b x + d y (y downwards)."""
    side_data: Any = frame.side_data  # a mapping, whatever its stub says
    try:
        matrix = np.frombuffer(bytes(side_data["DISPLAYMATRIX"]), dtype=np.int32)
    except KeyError:
        return picture
    a, b, _, c, d = (int(value) for value in matrix[:5])
    if abs(b) + abs(c) > abs(a) + abs(d):
        picture = picture.transpose(1, 0, 2)
        a, d = c, b
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def _check_size(width: int, height: int, path: str | os.PathLike[str]) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InputError(
            f"{path}: {width}x{height} pixels are too many (at most {MAX_SIDE} a side, "
            f"{MAX_PIXELS >> 20} Mpx); scale it down"
        )
