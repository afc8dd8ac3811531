"""Are lips and sound in time: AV offset, AV confidence, LSE-C and LSE-D from the embeddings of SyncNet.

Sound is shifted against the video by -15 to 15 frames; where the embeddings lie nearest on average, the two fit. What
lies beyond the ends of a clip is a matter of convention: `zero_padded_distances` is the published one,
`valid_distances` counts only what is there.

LSE-C and LSE-D of a set (Prajwal et al., A Lip Sync Expert Is All You Need for Speech to Lip Generation In the Wild,
2020) are the means over its face tracks, here clips, of each one's confidence and of each one's smallest mean
distance. Both are taken at the clip's own best shift: a video that is a constant half second late scores as well as
one in time, so neither is read without the offset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viseme.types import Float32

Float64 = NDArray[np.float64]

SHIFTS = 15
"""Frames by which sound is shifted to either side at most."""
WINDOW = 5
"""Frames that one embedding sees; a clip has five embeddings fewer than frames."""
EPSILON = 1e-6
"""Added to each difference, as torch's `pairwise_distance` does, on which the published numbers rest."""


@dataclass(frozen=True, slots=True)
class Sync:
    """How well, and with which shift, one clip's lips fit its sound.

    Attributes:
        offset: AV offset in frames of 40 ms, 15 less the index of the smallest mean distance, as published. At +d the
            lips fit the sound of d frames before: the video lags. At -d they are ahead of the sound. (Some papers put
            the sign into words the other way round; the formula is what their numbers rest on.) Where nothing moves
            every shift fits about alike; it means nothing when the confidence is near 0.
        confidence: AV confidence, median less minimum of the mean distances; the clip's part in LSE-C. Higher is
            better.
        distance: minimum of the mean distances; the clip's part in LSE-D. Lower is better.
        curve: float64 `[31]`, mean distance over the windows for sound shifted by -15, ..., 15 frames.
    """

    offset: int
    confidence: float
    distance: float
    curve: Float64


def zero_padded_distances(video: Float32, audio: Float32, shifts: int = SHIFTS) -> Float64:
    """Distances as published, `[W, 2 shifts + 1]`: beyond the ends of a clip the sound's embedding is zero.

    D[i, k] = |v_i - a_{i + k - shifts} + 1e-6|. Zero may lie nearer to v_i than any sound does, which draws the
    minimum of short clips to the largest shifts; of W windows, |s| have no partner at shift s.

    Args:
        video, audio: embeddings `[W,E]`, row i of both at the same time.
        shifts: frames to either side.

    Raises:
        ValueError: arrays of other forms or not finite, or no more windows than shifts.
    """
    return _distances(video, audio, shifts, 0.0)


def valid_distances(video: Float32, audio: Float32, shifts: int = SHIFTS) -> Float64:
    """The same distances, NaN where a window has no sound at that shift.

    Each shift's mean then rests on W - |s| true pairs, at the largest shifts on few where the clip is short.
    """
    return _distances(video, audio, shifts, np.nan)


BORDERS: Mapping[str, Callable[[Float32, Float32], Float64]] = {
    "zeros": zero_padded_distances,
    "valid": valid_distances,
}
"""Name of a convention -> its distances."""


def av_sync(distances: Float64) -> Sync:
    """Score one clip's distances `[W, 2 shifts + 1]`; NaN is no pair.

    With m_k the mean of column k over its pairs: offset = shifts - argmin m, confidence = median m - min m, distance =
    min m (Chung and Zisserman, Out of time, 2016, and the code of its authors). Of equal minima the first counts.
    """
    curve = np.nanmean(distances, axis=0)
    best = int(curve.argmin())
    least = float(curve[best])
    return Sync(
        offset=curve.size // 2 - best,
        confidence=float(np.median(curve)) - least,
        distance=least,
        curve=curve,
    )


def _distances(video: Float32, audio: Float32, shifts: int, beyond: float) -> Float64:
    v, a = np.asarray(video, dtype=np.float64), np.asarray(audio, dtype=np.float64)
    if v.ndim != 2 or v.shape != a.shape:
        raise ValueError(f"lips and sound need equal arrays [W,E], not {v.shape} and {a.shape}")
    windows = len(v)
    if windows <= shifts:
        raise ValueError(
            f"shifts of {shifts} frames need a clip of {shifts + 1 + WINDOW} frames, here are "
            f"{windows + WINDOW if windows else f'at most {WINDOW}'}"
        )
    if not (np.isfinite(v).all() and np.isfinite(a).all()):
        raise ValueError("the embeddings are not finite")
    padded = np.pad(a, ((shifts, shifts), (0, 0)), constant_values=beyond)
    columns = [np.linalg.norm(v - padded[k : k + windows] + EPSILON, axis=1) for k in range(2 * shifts + 1)]
    return np.stack(columns, axis=1)
