"""From a configuration to features: the one call that training and generation share."""

from __future__ import annotations

from viseme.audio.mel import COLUMNS, mel_features, with_context
from viseme.config.schema import AudioConfig
from viseme.types import Float32


def encode(audio: Float32, frames: int, config: AudioConfig) -> Float32:
    """Features of mono 16 kHz sound `[S]` without context, float32 `[frames,D]`."""
    return mel_features(audio, frames, config.bands)


def encode_with_context(audio: Float32, frames: int, config: AudioConfig) -> Float32:
    """What a model is driven by: float32 `[frames,(2 context + 1) D]`."""
    return with_context(encode(audio, frames, config), config.context)


def feature_width(config: AudioConfig) -> int:
    """(2 context + 1) D."""
    return (2 * config.context + 1) * COLUMNS * config.bands
