"""Pictures and sound into one MP4 that every player plays and every decoder reads in step: H.264 and AAC.

AAC begins with an encoder delay, which the container's edit list takes back; decoded by PyAV the sound starts at
sample 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from viseme.types import FPS, SAMPLE_RATE, Float32, UInt8

CRF = 14
"""Quality of the pictures: visually lossless, since these files are a source and not a result."""
_AUDIO_BITS = 96_000
_PIECE = 1024


def write_film(path: Path, frames: Iterable[UInt8], size: int, audio: Float32) -> None:
    """Write a video of 25 frames a second with mono sound at 16 kHz.

    The same input gives the same bytes: one encoder thread, and no time of day in the file.

    Args:
        path: an `.mp4`, written in place.
        frames: uint8 RGB `[size,size,3]` each, encoded as they come.
        size: height and width, even.
        audio: float32 `[640 T]` in [-1, 1].
    """
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FPS)
        video.width = video.height = size
        video.pix_fmt = "yuv420p"
        video.options = {"crf": str(CRF), "preset": "veryfast", "x264-params": "threads=1"}
        video.codec_context.thread_count = 1
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        sound.bit_rate = _AUDIO_BITS
        for number, picture in enumerate(frames):
            image = av.VideoFrame.from_ndarray(picture, format="rgb24")
            image.pts, image.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(image))
        container.mux(video.encode(None))
        for start in range(0, len(audio), _PIECE):
            piece = np.ascontiguousarray(audio[None, start : start + _PIECE], dtype=np.float32)
            block = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
            container.mux(sound.encode(block))
        container.mux(sound.encode(None))
