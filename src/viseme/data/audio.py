"""Sound of any file as mono samples at 16 kHz, on the clock of its pictures.

Sample 640 n is heard when frame n of `video.read_frames` is shown: sound that starts later than the picture is preceded
by silence, sound that starts earlier loses what is heard before the first frame.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError

from viseme.data.video import check_clock, opened, timed_frames, video_stream
from viseme.errors import InputError
from viseme.types import SAMPLE_RATE, SAMPLES_PER_FRAME, Float32

MAX_SECONDS = 4 * 3600
"""Longer sound is refused: it would be one array of about 1 GB."""
LOUDEST = 16.0
"""Float samples above this are no sound in [-1, 1] but, say, 16-bit numbers written as floats."""

_DRIFT = Fraction(1, 20)  # seconds that a frame may lie off the samples before it; more is a gap or an overlap


def read_audio(path: str | os.PathLike[str], longest: float = MAX_SECONDS) -> Float32:
    """The sound of a video or sound file, mono at 16 kHz, in time with the file's pictures if it has any.

    Any container, rate, sample format and channel count: channels are averaged, then libswresample's band-limited
    resampler is used. Gaps in the sound are silence, overlaps are cut. Samples that are not finite become silence and
    peaks beyond full scale are clipped. A damaged packet is a gap. Decoding stops where the sound proves longer than
    `longest` seconds.

    Returns:
        float32 `[S]` in [-1, 1].

    Raises:
        InputError: missing, not a media file, no sound stream, zero samples, nothing finite, values far beyond
            [-1, 1], or longer than `longest`.
    """
    with opened(path) as container:
        _audio_stream(container, path)
        origin = _first_frame(container, path)
    # opened afresh, since a seek to the start is inexact in MPEG program streams
    with opened(path) as container:
        stream = _audio_stream(container, path)
        track = _Track(path, origin, longest)
        try:
            for frame in _decoded(container, stream):
                track.add(frame)
        except FFmpegError as error:
            if not track.samples:
                raise InputError(f"{path}: its sound cannot be decoded ({error.strerror}); re-encode it") from error
        return _checked(track.whole(), path)


def fit_length(audio: Float32, frames: int) -> Float32:
    """The first 640 samples a frame of `audio`, float32 `[640 frames]`; missing ones at the end are zero."""
    wanted = SAMPLES_PER_FRAME * frames
    if len(audio) >= wanted:
        return np.ascontiguousarray(audio[:wanted], dtype=np.float32)
    return np.pad(audio.astype(np.float32, copy=False), (0, wanted - len(audio)))


def _audio_stream(container: InputContainer, path: str | os.PathLike[str]) -> AudioStream:
    stream = container.streams.best("audio") or next(iter(container.streams.audio), None)
    if not isinstance(stream, AudioStream):
        raise InputError(f"{path}: holds no sound; give a file with a sound stream")
    if stream.codec_context is None:
        raise InputError(f"{path}: its sound has no decoder in this FFmpeg; re-encode it as WAV or AAC")
    return stream


def _first_frame(container: InputContainer, path: str | os.PathLike[str]) -> Fraction | None:
    """When the first picture is shown, in seconds of the container's clock; None for sound alone."""
    try:
        stream = video_stream(container, path)
        return next((time for time, _ in timed_frames(container, stream, path)), None)
    except (InputError, FFmpegError):  # sound alone, or pictures that nobody can see: the sound keeps its own clock
        return None


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    with contextlib.suppress(InvalidDataError, EOFError):  # the file ends in the middle of a packet
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except InvalidDataError:  # one damaged packet; the next may be whole
                continue


class _Track:
    """Samples at 16 kHz laid on the clock whose zero is `origin` (or the first sample, where that is None)."""

    def __init__(self, path: str | os.PathLike[str], origin: Fraction | None, longest: float = MAX_SECONDS) -> None:
        self._path = path
        self._longest = longest
        self._origin = origin
        self._resampler: AudioResampler | None = None
        self._format: tuple[str, int, int] | None = None
        self._next: Fraction | None = None  # when the frame after the last one is due
        self._runs: list[tuple[int, list[Float32]]] = []  # first sample's place, and the pieces that follow it

    @property
    def samples(self) -> int:
        """How many are laid so far."""
        return sum(len(piece) for _, pieces in self._runs for piece in pieces)

    def add(self, frame: AudioFrame) -> None:
        """Lay one decoded frame; a change of format or a break of the clock begins a new run."""
        if frame.samples == 0:
            return
        time = frame.pts * frame.time_base if frame.pts is not None and frame.time_base else self._next
        time = Fraction(0) if time is None else time
        kind = (frame.format.name, frame.sample_rate, frame.layout.nb_channels)
        if self._next is None or kind != self._format or abs(time - self._next) > _DRIFT:
            self._begin(time, kind)
        else:
            time = self._next  # small jitter of the stamps: the samples themselves are the better clock
        if time - (self._origin or 0) > self._longest:
            longest = f"{self._longest // 3600:g} h" if self._longest >= 3600 else f"{self._longest:g} s"
            raise InputError(f"{self._path}: its sound is longer than {longest}; cut it into clips")
        self._next = time + Fraction(frame.samples, frame.sample_rate)
        self._lay(frame)

    def whole(self) -> Float32:
        """All runs on one time axis from 0 on; silence between them."""
        self._lay(None)
        runs = [(place, np.concatenate(pieces)) for place, pieces in self._runs if pieces]
        runs = [(place, samples) for place, samples in runs if place + len(samples) > 0]
        total = max((place + len(samples) for place, samples in runs), default=0)
        audio = np.zeros(total, dtype=np.float32)
        for place, samples in runs:
            audio[max(place, 0) : place + len(samples)] = samples[max(-place, 0) :]
        return audio

    def _begin(self, time: Fraction, kind: tuple[str, int, int]) -> None:
        self._lay(None)
        if self._origin is None:
            self._origin = time
        if self._next is not None:
            check_clock(time - self._next, self._path)
        place = round((time - self._origin) * SAMPLE_RATE)
        self._runs.append((place, []))
        self._format = kind
        # the layout is kept, as libswresample's own mix of float channels adds them up beyond full scale
        self._resampler = AudioResampler(format="fltp", rate=SAMPLE_RATE)

    def _lay(self, frame: AudioFrame | None) -> None:
        if self._resampler is None:
            return
        if frame is not None:
            frame.pts = None  # the resampler would otherwise fill or cut by the stamps
        for piece in self._resampler.resample(frame):
            if piece is not None:
                self._runs[-1][1].append(piece.to_ndarray().mean(axis=0, dtype=np.float32))
        if frame is None:
            self._resampler = None


def _checked(audio: Float32, path: str | os.PathLike[str]) -> Float32:
    if len(audio) == 0:
        raise InputError(f"{path}: its sound has no samples while the picture is shown; give a file with sound")
    finite = np.isfinite(audio)
    if not finite.any():
        raise InputError(f"{path}: no sample of its sound is a finite number; write the sound again")
    audio[~finite] = 0.0
    loudest = float(np.abs(audio).max())
    if loudest > LOUDEST:
        raise InputError(f"{path}: samples reach {loudest:.0f}, but sound lies in [-1, 1]; scale it down")
    return np.clip(audio, -1.0, 1.0, out=audio)
