"""Frames and sound into an MP4 that plays anywhere, as they come, with memory that does not grow with the video."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from fractions import Fraction
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from viseme.errors import InputError, OutputError
from viseme.files import written_aside
from viseme.generation.manifest import CRF
from viseme.generation.provenance import read_provenance, tags
from viseme.types import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME, Float32, UInt8

__all__ = ["CRF", "VideoWriter", "read_provenance"]

SOUND_RATE = 48_000
"""At 16 kHz an AAC packet lasts 64 ms, and decoders that give the last one whole would end over a frame late."""
SOUND_BITS = 96_000
KEYFRAME_EVERY = 2 * FPS

# The rounding of B-frames' averages brightens a clip, and more so towards its end. Macroblock trees read memory that
# nobody wrote (seen with AVX-512, under 64 pixels as at 160), so that equal input gave other bytes.
_STEADY = {"bf": "0", "x264-params": "mbtree=0"}
# swscale's quick paths round towards dark; area averages place chroma in the middle of its four pixels
_TO_YUV = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP | Interpolation.FULL_CHR_H_INT


class VideoWriter:
    """Writes one MP4: H.264 yuv420p at exactly 25 fps, AAC mono, index in front; a context manager.

    Each frame is encoded when it is written, with the 640 samples that are heard during it, so that sound and picture
    end together whatever the length of `audio`: it is cut, or followed by silence. The file appears under its name when
    the block ends well, and not at all when it ends with an exception. Equal input gives equal bytes with one build of
    FFmpeg: no times are written, and one thread encodes.

    Colours are BT.601 in limited range, and tagged so.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: int,
        audio: Float32,
        *,
        metadata: Mapping[str, Any],
        crf: int = CRF,
    ) -> None:
        """Prepare to write; nothing is touched before the block begins.

        Args:
            path: ends in `.mp4`.
            size: height and width in pixels, even.
            audio: float32 `[S]` mono at 16 kHz in [-1, 1]; beyond that it is clipped.
            metadata: the record of `provenance.provenance`, read back by `read_provenance`.
            crf: H.264's constant rate factor.

        Raises:
            InputError: an odd size, which yuv420p does not have.
            ValueError: samples that are not finite or not `[S]`.
        """
        if size < 2 or size % 2:
            raise InputError(f"{path}: H.264 needs an even size, not {size} pixels; use a model of an even size")
        if audio.ndim != 1 or not np.isfinite(audio).all():
            raise ValueError(f"sound must be finite and [S], not {audio.shape}")
        self.path = path
        self.size = size
        self.frames = 0
        """Frames written so far."""
        self._audio = audio
        self._tags = tags(metadata)
        self._crf = crf

    def __enter__(self) -> VideoWriter:
        with contextlib.ExitStack() as stack:
            aside = stack.enter_context(written_aside(self.path))
            stack.enter_context(_explained(self.path))
            # "file:" keeps a name such as "10:30.mp4" from being taken for a protocol
            self._container: OutputContainer = av.open(
                f"file:{aside}", "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
            )
            try:
                self._container.metadata.update(self._tags)
                self._picture = self._add_picture()
                self._sound = self._add_sound()
            except BaseException:
                self._abandon()
                raise
            self._reformatter = VideoReformatter()
            self._resampler = AudioResampler(format="fltp", layout="mono", rate=SOUND_RATE, frame_size=1024)
            self._stack = stack.pop_all()
        return self

    def write(self, frame: UInt8) -> None:
        """Encode the next frame, uint8 `[size,size,3]` RGB, and the sound heard during it."""
        if frame.shape != (self.size, self.size, 3) or frame.dtype != np.uint8:
            raise ValueError(f"frames must be uint8 [{self.size},{self.size},3], not {frame.dtype} {frame.shape}")
        rgb = VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        yuv = self._reformatter.reformat(
            rgb, format="yuv420p", dst_colorspace=Colorspace.ITU601, interpolation=_TO_YUV, threads=1
        )
        yuv.pts, yuv.time_base = self.frames, Fraction(1, FPS)
        self._container.mux(self._picture.encode(yuv))
        start = self.frames * SAMPLES_PER_FRAME
        heard = np.zeros((1, SAMPLES_PER_FRAME), np.float32)
        piece = self._audio[start : start + SAMPLES_PER_FRAME]
        heard[0, : len(piece)] = np.clip(piece, -1, 1)
        samples = AudioFrame.from_ndarray(heard, format="fltp", layout="mono")
        samples.sample_rate, samples.pts, samples.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
        self._encode_sound(samples)
        self.frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if error is not None:
            self._abandon()
            return self._stack.__exit__(kind, error, trace)
        with self._stack:
            try:
                if self.frames == 0:
                    raise OutputError(f"{self.path}: not a single frame was written")
                self._container.mux(self._picture.encode())
                self._encode_sound(None)
                self._container.mux(self._sound.encode())
            except BaseException:
                self._abandon()
                raise
            self._container.close()
        return None

    def _add_picture(self) -> VideoStream:
        options = {"crf": str(self._crf), "preset": "medium", "threads": "1", "g": str(KEYFRAME_EVERY), **_STEADY}
        stream = self._container.add_stream("libx264", rate=FPS, options=options)
        stream.width = stream.height = self.size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = 1
        context.time_base = Fraction(1, FPS)
        context.color_range = ColorRange.MPEG
        context.colorspace = Colorspace.SMPTE170M
        context.color_primaries = ColorPrimaries.SMPTE170M
        context.color_trc = ColorTrc.SMPTE170M
        context.flags |= Flags.bitexact
        return stream

    def _add_sound(self) -> AudioStream:
        # the quick coder: at 48 kHz the default one falls to 17 dB on some voices
        options = {"b": str(SOUND_BITS), "aac_coder": "fast"}
        stream = self._container.add_stream("aac", rate=SOUND_RATE, options=options)
        stream.codec_context.layout = "mono"
        stream.codec_context.format = "fltp"
        stream.codec_context.time_base = Fraction(1, SOUND_RATE)
        stream.codec_context.flags |= Flags.bitexact
        return stream

    def _encode_sound(self, samples: AudioFrame | None) -> None:
        for resampled in self._resampler.resample(samples):
            self._container.mux(self._sound.encode(resampled))

    def _abandon(self) -> None:
        with contextlib.suppress(FFmpegError, OSError):  # the file goes away; only its handle matters
            self._container.close()


@contextlib.contextmanager
def _explained(path: str | os.PathLike[str]) -> Any:
    """What FFmpeg refuses, in one line; a full disk or a missing right is told by `written_aside`."""
    try:
        yield
    except FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise OutputError(f"{path}: cannot be encoded ({error.strerror}); does `viseme doctor` list H.264?") from error
