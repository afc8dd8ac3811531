"""Log-mel features, four columns a video frame, and the context that models see around each frame.

Column j of frame t is centred on sample 640 t + 160 j + 80, so that the four cover the frame's 40 ms evenly and an
impulse inside frame t is heard in frame t.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from viseme.types import SAMPLE_RATE, SAMPLES_PER_FRAME, Float32

FFT = 512
WINDOW = 400
HOP = 160
COLUMNS = SAMPLES_PER_FRAME // HOP
"""Mel columns a video frame."""
FLOOR = 1e-5
_CHUNK = 2048
_VERSION = 1  # raised when the same sound would give other numbers


def mel_features(audio: Float32, frames: int, bands: int = 40) -> Float32:
    """Log-mel energies of mono 16 kHz sound, one vector a video frame.

    Power spectra of 25 ms Hann windows every 10 ms are summed by triangular filters even on the mel scale
    (O'Shaughnessy 1987: 2595 log10(1 + f / 700)) from 60 Hz to 7.6 kHz; the logarithm is scaled to about [-1.4, 0.5].

    Args:
        audio: float32 `[S]` at the common loudness; what is missing before frame `frames` counts as silence.
        frames: T, video frames at 25 fps.
        bands: mel bands.

    Returns:
        float32 `[frames, 4 bands]`.
    """
    samples = audio[: frames * SAMPLES_PER_FRAME]
    before = WINDOW // 2 - HOP // 2
    padded = np.zeros(frames * SAMPLES_PER_FRAME + WINDOW, np.float32)
    padded[before : before + len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: frames * COLUMNS]
    filters, taper = _filters(bands), np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    energies = np.empty((frames * COLUMNS, bands), np.float32)
    for start in range(0, len(windows), _CHUNK):
        spectrum = np.fft.rfft(windows[start : start + _CHUNK] * taper, FFT)
        energies[start : start + _CHUNK] = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ filters.T
    features = np.log10(energies + FLOOR) / 3.5
    return np.ascontiguousarray(features.reshape(frames, COLUMNS * bands), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class MelEncoder:
    """The `AudioEncoder` that needs no weights.

    Attributes:
        bands: mel bands of a column; four columns a frame.
    """

    bands: int = 40
    name: str = "mel"

    @property
    def width(self) -> int:
        """4 bands."""
        return COLUMNS * self.bands

    @property
    def fingerprint(self) -> str:
        """Of the number of bands and the version of the definition."""
        return hashlib.sha256(repr((self.name, self.bands, _VERSION)).encode()).hexdigest()

    def __call__(self, audio: Float32, frames: int) -> Float32:
        """`mel_features`."""
        return mel_features(audio, frames, self.bands)


def with_context(features: Float32, context: int, at: NDArray[np.intp] | None = None) -> Float32:
    """Each frame's vector joined by those of `context` frames each side; the ends are repeated.

    `[T,D]` becomes `[T,(2 context + 1) D]`, or, of the frames `at` alone, `[len(at),(2 context + 1) D]`.
    """
    frames = np.arange(len(features)) if at is None else at
    around = frames[:, None] + np.arange(-context, context + 1)
    return np.asarray(features.take(around, axis=0, mode="clip").reshape(len(frames), -1), dtype=np.float32)


@cache
def _filters(bands: int) -> NDArray[np.float32]:
    """Triangles `[bands, FFT / 2 + 1]`, each of unit area."""

    def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(2595 * np.log10(1 + hertz / 700))

    low, high = mel(np.array([60.0, 7600.0]))
    edges = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    frequencies = np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequencies - left) / (centre - left), (right - frequencies) / (right - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles / np.maximum(triangles.sum(axis=1, keepdims=True), 1e-9), dtype=np.float32)
