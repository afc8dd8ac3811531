"""Mel-frequency cepstral coefficients as SyncNet was trained on, number for number those of python_speech_features.

They are no clean MFCCs: windows are rectangular, filter edges are rounded down to FFT bins, the first coefficient is
replaced by the log energy, and the scale is that of 16-bit samples. SyncNet expects them so.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from viseme.types import SAMPLE_RATE, Float32

CEPSTRA = 13
WINDOW = 400
HOP = 160
FFT = 512
FILTERS = 26
PRE_EMPHASIS = 0.97
LIFTER = 22
FULL_SCALE = 32768
"""What 1.0 is in 16-bit samples."""

Float64 = NDArray[np.float64]


def mfcc(audio: Float32) -> Float64:
    """13 cepstral coefficients every 10 ms of mono 16 kHz sound, `[M,13]` with M = 1 + ceil((S - 400) / 160).

    Sound is rounded to 16-bit integers, as the published pipeline reads it from WAV. After pre-emphasis
    (y_n = x_n - 0.97 x_{n-1}), power spectra |FFT_512|^2 / 512 of rectangular windows of 25 ms are summed by 26
    triangular filters even on the mel scale from 0 to 8 kHz; the orthonormal DCT-II of their logarithms is liftered by
    1 + 11 sin(pi n / 22), and coefficient 0 gives way to the logarithm of the window's whole power. The last window is
    filled up with zeros; an energy of zero counts as the smallest float64 step.

    The parameters are the defaults of python_speech_features 0.6, with which SyncNet was published.

    Args:
        audio: float32 `[S]` in [-1, 1]; beyond, it is clipped.

    Raises:
        ValueError: no samples, or samples that are not finite.
    """
    if audio.ndim != 1 or not audio.size or not np.isfinite(audio).all():
        raise ValueError("cepstra need sound of one channel, at least one sample, all finite")
    samples = np.clip(np.rint(audio.astype(np.float64) * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    columns = 1 + max(0, math.ceil((len(samples) - WINDOW) / HOP))
    padded = np.zeros((columns - 1) * HOP + WINDOW)
    padded[: len(samples)] = samples
    padded[1 : len(samples)] -= PRE_EMPHASIS * samples[:-1]
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]  # [M,400]
    power = np.abs(np.fft.rfft(windows, FFT)) ** 2 / FFT  # [M,257]
    cepstra = dct(np.log(_above_zero(power @ _filters().T)), type=2, axis=1, norm="ortho")[:, :CEPSTRA]
    cepstra *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(CEPSTRA) / LIFTER)
    cepstra[:, 0] = np.log(_above_zero(power.sum(axis=1)))
    return np.asarray(cepstra, dtype=np.float64)


def _above_zero(energies: Float64) -> Float64:
    return np.where(energies == 0, np.finfo(np.float64).eps, energies)


@cache
def _filters() -> Float64:
    """Triangles `[26,257]` of height 1 between FFT bins."""
    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, FILTERS + 2) / 2595) - 1)
    edges = np.floor((FFT + 1) * hertz / SAMPLE_RATE)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bins = np.arange(FFT // 2 + 1)
    triangles = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre))
    return np.asarray(np.maximum(0.0, triangles), dtype=np.float64)
