"""Kernel distance of two sets of features: KID where they are FID's Inception's.

Unlike the Frechet distance it is unbiased, so that its expectation does not depend on the number of samples; it may
fall below 0 where the sets are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUBSETS = 100
SUBSET_SIZE = 1000


@dataclass(frozen=True, slots=True)
class KernelDistance:
    """Squared maximum mean discrepancy over random subsets.

    Attributes:
        mean: over the subsets; 0 in expectation where both sets have one distribution.
        spread: standard deviation over the subsets, of the estimate on one subset, not of the mean.
        subsets: how many.
        size: samples a side in each.
    """

    mean: float
    spread: float
    subsets: int
    size: int


def kernel_distance(
    x: NDArray[Any],
    y: NDArray[Any],
    rng: np.random.Generator,
    subsets: int = SUBSETS,
    size: int = SUBSET_SIZE,
) -> KernelDistance:
    """Kernel distance of features `[N,D]` and `[M,D]`, mean over random subsets drawn without replacement.

    Source: Binkowski et al., Demystifying MMD GANs, ICLR 2018, section 4. Sets smaller than `size` are used as far as
    they go; where both are used whole there is nothing to draw, and one subset says all.

    Raises:
        ValueError: not two-dimensional, different D, fewer than two samples on a side, not finite, or no subsets.
    """
    a, b = (np.asarray(features, dtype=np.float64) for features in (x, y))
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"features are [N,D] and [M,D], not {list(a.shape)} and {list(b.shape)}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("features must be finite")
    size = min(size, len(a), len(b))
    if size < 2 or subsets < 1:
        raise ValueError("a kernel distance needs at least two samples on each side, and one subset")
    if size == len(a) == len(b):
        return KernelDistance(mmd2(a, b), 0.0, 1, size)
    found = [
        mmd2(a[rng.choice(len(a), size, replace=False)], b[rng.choice(len(b), size, replace=False)])
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(found)), float(np.std(found)), subsets, size)


def mmd2(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Unbiased squared maximum mean discrepancy of `[N,D]` and `[M,D]`, N and M at least 2.

    mean over i != j of k(x_i, x_j) + mean over i != j of k(y_i, y_j) - 2 mean of k(x_i, y_j), with
    k(x, y) = (x.y / D + 1)^3 (Gretton et al., A Kernel Two-Sample Test, 2012, eq. 3).
    """
    return _within(x) + _within(y) - 2 * float(_kernel(x, y).mean())


def _kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)


def _within(x: NDArray[np.float64]) -> float:
    kernel = _kernel(x, x)
    return float((kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1)))
