"""Numbers of all clips together: how far the candidate's frames lie from truth's as sets, one value a system.

Features of the clips come one clip after another, in one order, whatever order they were computed in: the numbers do
not depend on the workers.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from viseme.evaluation.frechet import Gaussian, frechet_distance
from viseme.evaluation.kernel_distance import kernel_distance
from viseme.evaluation.lag import pooled_lag
from viseme.evaluation.metrics import SET_METRICS
from viseme.evaluation.results import ClipResult, SetResult

Array = NDArray[Any]
Number = tuple[float, float | None, int, Literal["frames", "windows", "clips"]]
"""Value, truth's own or None, how many samples a side, of what."""
Features = Callable[[str, str], tuple[Array, Array]]
"""(clip_id, name of the features) -> the candidate's `[M,D]` and truth's `[M,D]`."""

KERNEL_SAMPLES = 10_000
"""Samples a side, taken evenly, that a kernel distance looks at."""

DLIB = "dlib"
FEATURES: Mapping[str, str] = {
    "frechet_dlib": DLIB,
    "frechet_lite0": "efficientnet-lite0",
    "kernel_lite0": "efficientnet-lite0",
    "fid": "fid-inception",
    "kid": "fid-inception",
    "fvd": "i3d",
}
"""Metric -> the features it is computed on: dlib's descriptors, or those of a network."""
KERNEL = frozenset({"kernel_lite0", "kid"})


@dataclass(slots=True)
class Side:
    """The samples of candidate or truth: their Gaussian, and where a kernel distance is wanted some of themselves."""

    gaussian: Gaussian | None = None
    kept: list[Array] | None = None
    seen: int = 0

    def add(self, samples: Array, step: int) -> None:
        """`[M,D]`, of which every `step`-th of all is kept."""
        if self.gaussian is None:
            self.gaussian = Gaussian.empty(samples.shape[1])
        self.gaussian.update(samples)
        if self.kept is not None:
            self.kept.append(samples[-self.seen % step :: step])
        self.seen += len(samples)


def network_names(metrics: Iterable[str]) -> list[str]:
    """The networks that these metrics need."""
    return list(dict.fromkeys(FEATURES[name] for name in metrics if FEATURES.get(name, DLIB) != DLIB))


def set_results(
    metrics: Sequence[str], clips: Sequence[ClipResult], features: Features, seed: int
) -> tuple[dict[str, SetResult], list[str]]:
    """The set metrics among `metrics` over the scored clips, and a line for each that cannot be had.

    Args:
        metrics: names, in table order.
        clips: in the order in which their features are taken.
        features: of a scored clip; read once for all numbers that rest on them.
        seed: of the subsets of kernel distances.
    """
    scored = [clip for clip in clips if clip.status == "scored"]
    wanted = [name for name in metrics if name in SET_METRICS]
    sides: dict[str, tuple[Side, Side]] = {}
    found: dict[str, SetResult] = {}
    missing: list[str] = []
    for name in wanted if scored else ():
        metric = SET_METRICS[name]
        try:
            if source := FEATURES.get(name):
                if source not in sides:
                    kernel = any(FEATURES.get(other) == source for other in KERNEL.intersection(wanted))
                    sides[source] = _gathered(source, scored, features, kernel)
                value, truth, n, of = _distance(name, *sides[source], seed)
            else:
                value, truth, n, of = _pooled_lag(scored)
        except ValueError as reason:
            missing.append(f"{metric.title} is missing: {reason}.")
            continue
        found[name] = SetResult(metric.title, metric.unit, metric.better, metric.digits, value, truth, n, of)
    return found, missing


def _gathered(source: str, scored: Sequence[ClipResult], features: Features, kernel: bool) -> tuple[Side, Side]:
    pairs = [(clip.clip_id, clip.frames) for clip in scored]
    step = -(-sum(frames for _, frames in pairs) // KERNEL_SAMPLES) or 1
    ours, true = Side(kept=[] if kernel else None), Side(kept=[] if kernel else None)
    for clip_id, _ in pairs:
        for side, samples in zip((ours, true), features(clip_id, source), strict=True):
            side.add(samples, step)
    return ours, true


def _distance(name: str, ours: Side, true: Side, seed: int) -> Number:
    if ours.gaussian is None or true.gaussian is None or min(ours.gaussian.count, true.gaussian.count) < 2:
        raise ValueError("it needs at least two samples on each side")
    of: Literal["frames", "windows"] = "windows" if name == "fvd" else "frames"
    if name not in KERNEL:
        return frechet_distance(ours.gaussian, true.gaussian), None, ours.gaussian.count, of
    samples = [np.concatenate(side.kept or []) for side in (ours, true)]
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return kernel_distance(samples[0], samples[1], rng).mean, None, len(samples[0]), of


def _pooled_lag(scored: Sequence[ClipResult]) -> Number:
    """Over the clips in which both have a lag curve."""
    both = [clip.curves for clip in scored if {"lag", "lag_truth"} <= set(clip.curves)]
    ours, true = ([np.array(curves[side]) for curves in both] for side in ("lag", "lag_truth"))
    return pooled_lag(ours), pooled_lag(true), len(both), "clips"
