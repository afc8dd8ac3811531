"""How the mouth and the vocal tract move: every phoneme pulls on its neighbours (Cohen and Massaro, 1993).

A parameter at time t is the mean of all segments' targets, weighted by dominance, which is largest at a segment's
anchor and dies away on both sides; so lips round before a rounded vowel is heard, and close only where closure
dominates. Mouth and sound come from the same segments at the same instants: their offset is zero by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viseme.data.synthetic.phonemes import SHAPE, Segment

Float64 = NDArray[np.float64]

_REACH = np.array([0.014, 0.045, 0.050, 0.018, 0.012, 0.020])
"""Seconds by which each mouth parameter's dominance is wider than its segment: corners and rounding anticipate most."""
_WIDTH = np.array([0.33, 0.40, 0.40, 0.36, 0.33, 0.40])
_FORMANT_REACH = 0.014


@dataclass(frozen=True, slots=True)
class Mouth:
    """Mouth parameters at N instants, each float64 `[N]`, named as in `phonemes.SHAPE`."""

    opening: Float64
    spread: Float64
    rounding: Float64
    tuck: Float64
    press: Float64
    tongue: Float64

    def at(self, index: int) -> dict[str, float]:
        """All parameters at one instant."""
        return {name: float(getattr(self, name)[index]) for name in SHAPE}


def _dominance(segments: Sequence[Segment], times: Float64, reach: float, width: float) -> Float64:
    """Dominance of each segment at each time before its grip, float64 `[len(segments), len(times)]`."""
    anchors = np.array([segment.anchor for segment in segments])
    sigmas = np.array([width * segment.seconds + reach for segment in segments])
    dominance: Float64 = np.exp(-0.5 * ((times[None, :] - anchors[:, None]) / sigmas[:, None]) ** 2) + 1e-12
    return dominance


def mouth_at(segments: Sequence[Segment], times: Float64, effort: float = 1.0) -> Mouth:
    """Mouth parameters at the given times.

    Args:
        segments: the sentence.
        times: seconds, `[N]`.
        effort: how far the speaker opens, 1 is average.

    Returns:
        Parameters in 0 to about 1 (opening of a stressed /a/ may exceed 1 a little).
    """
    curves: dict[str, Float64] = {}
    for column, name in enumerate(SHAPE):
        grip = np.array([segment.phoneme.grip[column] for segment in segments])
        goal = np.array([segment.phoneme.shape[column] for segment in segments])
        if name == "opening":
            goal = goal * np.array([segment.stress for segment in segments]) * effort
        weight = grip[:, None] * _dominance(segments, times, float(_REACH[column]), float(_WIDTH[column]))
        curves[name] = (weight * goal[:, None]).sum(0) / weight.sum(0)
    curves["opening"] = np.clip(curves["opening"], 0.0, 1.3)
    return Mouth(**curves)


def formants_at(segments: Sequence[Segment], times: Float64, opening: Float64) -> Float64:
    """F1, F2, F3 in Hz at the given times, float64 `[N,3]`, for the tract that the inventory was measured on.

    Lips that narrow lower F1, as they do in any tube.
    """
    grip = np.array([0.15 if s.phoneme.kind in ("silence", "breath") else 1.0 for s in segments])
    goal = np.array([segment.phoneme.formants for segment in segments])
    weight = grip[:, None] * _dominance(segments, times, _FORMANT_REACH, 0.36)
    formants: Float64 = (weight.T @ goal) / weight.sum(0)[:, None]
    formants[:, 0] *= 0.80 + 0.20 * np.clip(opening / 0.35, 0.0, 1.0)
    return formants
