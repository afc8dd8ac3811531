"""Which of two systems is better at what, and where no difference was shown: by paired intervals alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from viseme.errors import InputError
from viseme.evaluation.bootstrap import ENOUGH_CLIPS, Interval
from viseme.evaluation.metrics import Better, gap
from viseme.evaluation.results import MetricResult, paired, paired_gap
from viseme.report.systems import System

SEED = 0
"""Seed of the bootstrap behind every paired interval, so that a report can be made again to the byte."""

DISTANCE: tuple[Better, ...] = ("truth", "zero")
"""Directions whose metrics are compared by the distance to the best value, not by the value."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems by one metric, over the clips that both have.

    Attributes:
        metric: its name; `known` its title, unit, direction and digits.
        difference: interval of the mean of first - second. Of values for metrics where higher or lower is better, of
            distances to the best value where that is truth's or zero, of values for controls that have no better.
        better: the one that is better beyond the interval; None where nothing was shown or the clips are too few.
        rated: whether the metric has a better and a worse at all.
    """

    metric: str
    known: MetricResult
    first: System
    second: System
    difference: Interval
    better: System | None
    rated: bool

    @property
    def distances(self) -> bool:
        """Whether `difference` is of distances to truth's value or zero."""
        return self.known.better in DISTANCE

    def of(self, system: System) -> Interval:
        """The interval as `system` minus the other one."""
        if system is self.first:
            return self.difference
        d = self.difference
        return Interval(-d.mean, -d.high, -d.low, d.n, {actor: -mean for actor, mean in d.by_actor.items()}, d.over)


def compared(first: System, second: System, metric: str) -> Comparison | None:
    """How two systems differ in one metric; None where they share no clip that has it."""
    known = first.results.metrics.get(metric) or second.results.metrics.get(metric)
    if known is None:
        return None
    rng = np.random.default_rng(SEED)
    take = paired_gap if known.better in DISTANCE else paired
    try:
        difference = take(first.results, second.results, metric, rng)
    except InputError:
        return None
    sign = 1 if known.better == "higher" else -1
    better = None
    apart = difference.low > 0 or difference.high < 0
    if known.better != "none" and apart and difference.n >= ENOUGH_CLIPS:
        better = first if sign * difference.mean > 0 else second
    return Comparison(metric, known, first, second, difference, better, known.better != "none")


def best(systems: Sequence[System], metric: str) -> System | None:
    """The best of several systems under test, where its paired interval against the runner-up excludes zero.

    None where fewer than two can be ranked. One driven by truth's landmarks is never best: it was shown the answer.
    """
    ranked: list[tuple[float, int]] = []
    for index, system in enumerate(systems):
        score = _mean_gap(system, metric)
        if score is not None and not system.leaking:
            ranked.append((score, index))
    if len(ranked) < 2:
        return None
    (_, winner), (_, runner_up) = sorted(ranked)[:2]
    comparison = compared(systems[winner], systems[runner_up], metric)
    return systems[winner] if comparison and comparison.better is systems[winner] else None


def _mean_gap(system: System, metric: str) -> float | None:
    """Mean distance from the best value over a system's clips, None where the metric has no best or no clip."""
    known = system.results.metrics.get(metric)
    if known is None:
        return None
    gaps: list[float] = []
    for clip in system.scored.values():
        if metric in clip.values:
            distance = gap(known.better, clip.values[metric], clip.truth.get(metric))
            if distance is not None:
                gaps.append(distance)
    return sum(gaps) / len(gaps) if gaps else None
