"""Do the lips follow: mouth opening, its correlation with truth once the common rhythm is taken out, and its spread.

Corpora of like sentences share a rhythm: a curve that knows nothing but the frame number correlates with truth. So the
mean opening curve of the training clips is regressed out of both sides before Pearson's r.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viseme.data.faces import EYE_CORNERS, INNER_LIPS
from viseme.types import FPS, Float32

CONSTANT = 1e-6
"""A standard deviation below this share of the eye-corner distance is no movement; r counts 0."""
SPEAKING = 0.5
"""Truth speaks in a second whose spread is at least this share of its whole clip's."""


def opening(landmarks: Float32) -> NDArray[np.float64]:
    """Mouth opening of each frame, `[T]`, in shares of the outer eye-corner distance, of points `[T,68,2]`.

    Mean distance of the inner-lip pairs over the distance 36-45, smoothed by a centred mean of three frames (of two at
    the ends). Free of scale, so that points of any frame size can be compared.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    upper, lower = (list(side) for side in zip(*INNER_LIPS, strict=True))
    gaps = np.linalg.norm(points[:, upper] - points[:, lower], axis=-1).mean(axis=1)
    eyes = np.linalg.norm(points[:, EYE_CORNERS[0]] - points[:, EYE_CORNERS[1]], axis=-1)
    window = np.ones(3)
    # "same" would give three numbers for a shorter series, so the ends are cut by hand.
    share = np.convolve(gaps / eyes, window)[1 : len(points) + 1]
    return np.asarray(share / np.convolve(np.ones(len(points)), window)[1 : len(points) + 1])


def mean_curve(openings: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean by frame index of series of any lengths, as long as the longest; empty for none."""
    length = max((len(series) for series in openings), default=0)
    total, count = np.zeros(length), np.zeros(length)
    for series in openings:
        total[: len(series)] += series
        count[: len(series)] += 1
    return np.asarray(total / count)


def fitted(curve: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """The curve cut to `length`, or held at its last value where it is shorter."""
    return np.pad(curve, (0, max(0, length - len(curve))), mode="edge")[:length]


def regressed_out(series: ArrayLike, curve: ArrayLike) -> NDArray[np.float64]:
    """What is left of a series `[T]` after its least-squares fit by a curve `[T]` and an intercept."""
    y, x = np.asarray(series, dtype=np.float64), np.asarray(curve, dtype=np.float64)
    y, x = y - y.mean(), x - x.mean()
    power = float(x @ x)
    return y if power == 0 else np.asarray(y - (x @ y) / power * x)


def correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Pearson's r of two series `[T]`; 0 where either does not move."""
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.std() < CONSTANT or y.std() < CONSTANT:
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))


def mouth_correlation(candidate: ArrayLike, truth: ArrayLike, curve: ArrayLike) -> float:
    """Pearson's r of two openings `[T]` after the curve `[T]` has been regressed out of both."""
    return correlation(regressed_out(candidate, curve), regressed_out(truth, curve))


def spread_ratio(candidate: ArrayLike, truth: ArrayLike) -> float:
    """Standard deviation of the candidate's opening over truth's. Raises `ValueError` where truth's does not move."""
    spread = float(np.std(np.asarray(truth, dtype=np.float64)))
    if spread < CONSTANT:
        raise ValueError("truth's mouth does not move")
    return float(np.std(np.asarray(candidate, dtype=np.float64))) / spread


def spread_each_second(opening: ArrayLike) -> NDArray[np.float64]:
    """Standard deviation of an opening `[T]` over each 25 frames in a row, `[T-24]`; over all of a shorter series."""
    series = np.asarray(opening, dtype=np.float64)
    seconds = np.lib.stride_tricks.sliding_window_view(series, min(FPS, len(series)))
    return np.asarray(seconds.std(axis=1))


def least_spread_ratio(candidate: ArrayLike, truth: ArrayLike) -> float:
    """The candidate's spread over truth's in the second where it is least, of two openings `[T]`.

    min_s std(c_s) / std(q_s) over the seconds s (25 frames in a row, beginning at any frame) in which truth speaks:
    those with at least half the spread of its whole clip. Lips that stop for a second give about 0, whatever they do
    in the rest; being a least value, it lies somewhat below 1 for good lips too.

    Raises `ValueError` where truth's mouth does not move.
    """
    whole = float(np.std(np.asarray(truth, dtype=np.float64)))
    if whole < CONSTANT:
        raise ValueError("truth's mouth does not move")
    ours, true = spread_each_second(candidate), spread_each_second(truth)
    speaking = true >= min(SPEAKING * whole, true.max())
    return float((ours[speaking] / true[speaking]).min())
