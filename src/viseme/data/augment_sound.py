"""Augmentation of the sound of training windows: other vocal tracts, other microphones.

A corpus of a few speakers teaches a model their voices. Stretching the mel bands of a window makes another speaker of
the same words (vocal tract length perturbation, Jaitly and Hinton 2013); a smooth curve added to its logarithm makes
another microphone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from viseme.nn.draws import rand


def augment_sound(audio: Tensor, bands: int, *, tract: float, tilt: float, rng: torch.Generator) -> Tensor:
    """Log-mel features `[B,T,D]`, D a multiple of `bands`, as another speaker and another microphone would give them.

    Args:
        audio: features with or without context; a window's columns all change alike.
        bands: mel bands of a column.
        tract: each window's bands are stretched by a factor drawn evenly from 1 - tract to 1 + tract.
        tilt: a straight line and a parabola over the bands, of heights drawn evenly from -tilt to tilt, are added.
        rng: draws one stretch and one curve a window.

    Returns:
        `[B,T,D]`.
    """
    if tract > 0:
        audio = stretched(audio, bands, 1 + tract * _evenly(len(audio), rng))
    if tilt > 0:
        across = torch.linspace(-1, 1, bands)
        curve = _evenly(len(audio), rng)[:, None] * across + _evenly(len(audio), rng)[:, None] * (2 * across**2 - 1)
        audio = (_columns(audio, bands) + tilt * curve[:, None, None]).flatten(-2)
    return audio


def stretched(audio: Tensor, bands: int, factors: Tensor) -> Tensor:
    """Band k of each column becomes what was at band k times the window's factor `[B]`; the last band is repeated."""
    places = (torch.arange(bands) * factors[:, None]).clamp(0, bands - 1)  # [B, bands]
    lower = places.long().clamp(max=bands - 2)
    share = (places - lower)[:, None, None]
    columns = _columns(audio, bands)
    index = lower[:, None, None].expand_as(columns)
    return torch.lerp(columns.gather(-1, index), columns.gather(-1, index + 1), share).flatten(-2)


def _columns(audio: Tensor, bands: int) -> Tensor:
    """`[B,T,D]` to `[B,T,D / bands,bands]`."""
    return audio.reshape(*audio.shape[:-1], -1, bands)


def _evenly(count: int, rng: torch.Generator) -> Tensor:
    return 2 * rand((count,), rng) - 1
