"""A histogram as shapes in a box of 100 by 100, to be stretched over the place that a page has for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viseme.report.wording import number

BINS = 24
REACH = 1.0
"""A limit is drawn in where it lies no further from the values than this many times their range."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often each value occurs.

    Attributes:
        bars: path of an SVG, 0 to 100 across and up from 100; the highest bar touches 0.
        low: the left edge, as text.
        high: the right edge, as text.
        limits: where across the limits stand that are near enough to be drawn.
    """

    bars: str
    low: str
    high: str
    limits: tuple[float, ...]


def histogram(
    values: NDArray[np.float64], digits: int, least: float | None = None, most: float | None = None
) -> Histogram | None:
    """Values `[N]`, finite, in bins of equal width; None where all of them are equal.

    Whole numbers (`digits` 0) have a bin each as long as there are no more than `BINS`.
    """
    first, last = low, high = float(values.min()), float(values.max())
    if low == high:
        return None
    bins = BINS
    if digits == 0:
        width = max(1, -(-(round(high - low) + 1) // BINS))
        bins = -(-(round(high - low) + 1) // width)
        low, high = low - 0.5, low - 0.5 + bins * width
    heights, edges = np.histogram(values, bins, (low, high))
    near = [one for one in (least, most) if one is not None and _outside(one, low, high) <= REACH * (high - low)]
    left, right = min([low, *near]), max([high, *near])
    across = 100 * (edges - left) / (right - left)
    tops = 100 - 100 * heights / heights.max()
    bars = [f"M{across[i]:.2f} 100V{tops[i]:.2f}H{across[i + 1]:.2f}V100z" for i in range(bins) if heights[i]]
    limits = tuple(100 * (one - left) / (right - left) for one in near)
    edge = left if left < low else first, right if right > high else last
    return Histogram("".join(bars), number(edge[0], digits), number(edge[1], digits), limits)


def _outside(value: float, low: float, high: float) -> float:
    """How far a value lies outside of a range."""
    return max(low - value, value - high, 0.0)
