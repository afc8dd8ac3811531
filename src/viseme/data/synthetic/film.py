"""Pictures and sound into one file: by default an MP4 that every player plays and every decoder reads in step.

AAC begins with an encoder delay, which the container's edit list takes back; decoded by PyAV the sound starts at
sample 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from viseme.types import FPS, SAMPLE_RATE, Float32, UInt8

CRF = 14
"""Quality of the pictures: visually lossless, since these files are a source and not a result."""
# One thread, and no macroblock trees: they read memory that nobody wrote, and one film in some dozens differed.
H264 = {"crf": str(CRF), "preset": "veryfast", "x264-params": "threads=1:mbtree=0"}
_PIECE = 1024


@dataclass(frozen=True, slots=True)
class Pictures:
    """How pictures are encoded.

    Attributes:
        codec: FFmpeg's name of the encoder.
        width: in pixels, even.
        height: in pixels, even.
        rate: pictures a second.
        options: of the encoder.
        bit_rate: bits a second; 0 for an encoder that goes by quality.
    """

    codec: str
    width: int
    height: int
    rate: Fraction = Fraction(FPS)
    options: Mapping[str, str] = field(default_factory=lambda: H264)
    bit_rate: int = 0


@dataclass(frozen=True, slots=True)
class Sound:
    """How sound is encoded, mono: FFmpeg's name of the encoder, samples a second, bits a second (0: its own choice)."""

    codec: str = "aac"
    rate: int = SAMPLE_RATE
    bit_rate: int = 96_000


def write_film(path: Path, frames: Iterable[UInt8], size: int, audio: Float32) -> None:
    """Write a video of 25 frames a second with mono sound at 16 kHz.

    The same input gives the same bytes: one encoder thread, and no time of day in the file.

    Args:
        path: an `.mp4`, written in place.
        frames: uint8 RGB `[size,size,3]` each, encoded as they come.
        size: height and width, even.
        audio: float32 `[640 T]` in [-1, 1].
    """
    write_media(path, "mp4", Pictures("libx264", size, size), frames, Sound(), audio)


def write_media(
    path: Path, container: str, pictures: Pictures | None, frames: Iterable[UInt8], sound: Sound | None, audio: Float32
) -> None:
    """Write a file of pictures, of sound, or of both; the same input gives the same bytes.

    Args:
        path: written in place.
        container: FFmpeg's name of the format.
        pictures: None for sound alone.
        frames: uint8 RGB `[height,width,3]` each, one for each period of `pictures.rate`, encoded as they come.
        sound: None for pictures alone.
        audio: float32 `[S]` in [-1, 1] at 16 kHz, brought to `sound.rate` by libswresample.
    """
    options = {"fflags": "+bitexact"}
    if container in ("mp4", "ipod"):
        options["movflags"] = "+faststart"
    with av.open(str(path), "w", format=container, options=options) as file:
        video = None if pictures is None else _video_stream(file, pictures)
        voice = None if sound is None else _audio_stream(file, sound)
        if pictures is not None and video is not None:
            for number, picture in enumerate(frames):
                image = av.VideoFrame.from_ndarray(picture, format="rgb24")
                image.pts, image.time_base = number, 1 / pictures.rate
                file.mux(video.encode(image))
            file.mux(video.encode(None))
        if voice is not None:
            for start in range(0, len(audio), _PIECE):
                piece = np.ascontiguousarray(audio[None, start : start + _PIECE], dtype=np.float32)
                block = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
                block.sample_rate, block.pts, block.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
                file.mux(voice.encode(block))
            file.mux(voice.encode(None))


def _video_stream(file: OutputContainer, pictures: Pictures) -> VideoStream:
    stream = file.add_stream(pictures.codec, rate=pictures.rate)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = pictures.width, pictures.height
    stream.pix_fmt = "yuv420p"
    stream.options = dict(pictures.options)
    if pictures.bit_rate:
        stream.bit_rate = pictures.bit_rate
    stream.codec_context.thread_count = 1
    return stream


def _audio_stream(file: OutputContainer, sound: Sound) -> AudioStream:
    stream = file.add_stream(sound.codec, rate=sound.rate, layout="mono")
    assert isinstance(stream, AudioStream)
    if sound.bit_rate:
        stream.bit_rate = sound.bit_rate
    return stream
