"""From a configuration to features: the one way that training and generation share."""

from __future__ import annotations

from functools import lru_cache

from viseme.audio.encoder import AudioEncoder
from viseme.audio.loudness import levelled
from viseme.audio.mel import MelEncoder, with_context
from viseme.config.sections import AudioConfig
from viseme.types import Float32


@lru_cache(maxsize=2)
def encoder(config: AudioConfig) -> AudioEncoder:
    """The encoder of a configuration; pretrained weights are read once.

    A `learned` encoder hears mel features: what it learns is part of the model (`viseme.nn.listener`).

    Raises:
        InputError: weights that are not here, damaged, or of another network; or a missing library.
    """
    if config.kind == "mel" or config.kind == "learned":
        return MelEncoder(config.bands)
    if config.kind == "lips":
        from viseme.audio.lips import bundled_lips

        return bundled_lips()
    if config.kind == "sda":
        from viseme.audio.checkpoint import WITHOUT
        from viseme.audio.sda import SdaEncoder
        from viseme.weights import located

        return SdaEncoder(located("sda", config.checkpoint or None, instead=WITHOUT))
    from viseme.audio.speech import DEFAULT_CHECKPOINTS, SpeechEncoder

    return SpeechEncoder(config.kind, config.checkpoint or DEFAULT_CHECKPOINTS[config.kind], config.layer)


def encode(audio: Float32, frames: int, config: AudioConfig) -> Float32:
    """Features of mono 16 kHz sound `[S]` at any loudness, without context, float32 `[frames,D]`."""
    return encoder(config)(levelled(audio), frames)


def encode_with_context(audio: Float32, frames: int, config: AudioConfig) -> Float32:
    """What a model is driven by: float32 `[frames,(2 context + 1) D]`."""
    return with_context(encode(audio, frames, config), config.context)


def feature_width(config: AudioConfig) -> int:
    """(2 context + 1) D. Only a speech encoder's checkpoint must be here to know it."""
    if config.kind == "sda":
        from viseme.audio.sda import WIDTH

        return (2 * config.context + 1) * WIDTH
    return (2 * config.context + 1) * encoder(config).width
