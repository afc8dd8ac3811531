"""One loudness for all sound before an encoder hears it, the same at training and at generation.

What is not finite or beyond full scale is mended where sound is read (`viseme.data.audio`).
"""

from __future__ import annotations

import numpy as np

from viseme.types import Float32

LOUDNESS = 0.08
"""Root mean square to which the speech of every clip is brought."""
SILENT = 1e-4
"""A louder half below this is silence, and stays so: a microphone's hiss is not made speech."""
BLOCK = 160
"""Samples over which power is averaged: 10 ms."""


def levelled(audio: Float32) -> Float32:
    """Mono 16 kHz sound float32 `[S]` under one gain, so that a quiet microphone drives the lips like a near one.

    The gain brings the louder half of the 10 ms blocks to a root mean square of 0.08, however many pauses there are.
    Nothing is clipped: peaks may pass 1.
    """
    return audio * np.float32(gain(audio))


def gain(audio: Float32) -> float:
    """The factor of `levelled`; 1 for silence, and for less than a block."""
    whole = audio[: len(audio) // BLOCK * BLOCK].reshape(-1, BLOCK)
    if len(whole) == 0:
        return 1.0
    power = np.mean(whole.astype(np.float64) ** 2, axis=1)
    loud = float(np.sqrt(np.mean(power[power >= np.median(power)])))
    return LOUDNESS / loud if loud > SILENT else 1.0
