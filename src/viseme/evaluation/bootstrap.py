"""95 % intervals by bootstrap: over actors where there are ten or more, otherwise over clips within each actor.

Clips of one actor resemble each other, so resampling clips alone would claim more than was seen (a cluster bootstrap;
Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, section 3.8). With few actors nothing can be said
about others, and the interval speaks of these actors alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ENOUGH_ACTORS = 10
"""From this many actors on, actors are resampled."""
ENOUGH_CLIPS = 6
"""Below so many clips in common no difference is shown: five fall on one side by chance in one of sixteen cases."""
RESAMPLES = 2000
LEVEL = 95.0
"""Per cent of the resampled means that lie between `low` and `high`."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over clips and its 95 % percentile interval.

    Attributes:
        mean: over all clips.
        low, high: the interval's ends, in the unit of the values.
        n: clips.
        by_actor: each actor's mean.
        over: what was resampled.
    """

    mean: float
    low: float
    high: float
    n: int
    by_actor: dict[str, float]
    over: Literal["actors", "clips"]


def interval(
    values: Sequence[float], actors: Sequence[str], rng: np.random.Generator, resamples: int = RESAMPLES
) -> Interval:
    """The mean of `values` `[N]`, one a clip, with its interval; `actors` `[N]` says whose clip each is.

    Raises `ValueError` for no values, values that are not finite, or lists of different lengths.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or not data.size or len(actors) != data.size or not np.isfinite(data).all():
        raise ValueError("interval needs at least one finite value, and one actor for each")
    groups = {actor: data[[name == actor for name in actors]] for actor in sorted(set(actors))}
    enough = len(groups) >= ENOUGH_ACTORS
    means = _over_actors(list(groups.values()), rng, resamples) if enough else _over_clips(groups, rng, resamples)
    low, high = np.percentile(means, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return Interval(
        mean=float(data.mean()),
        low=float(low),
        high=float(high),
        n=data.size,
        by_actor={actor: float(group.mean()) for actor, group in groups.items()},
        over="actors" if enough else "clips",
    )


def _over_actors(groups: list[NDArray[np.float64]], rng: np.random.Generator, resamples: int) -> NDArray[np.float64]:
    """`[resamples]` means over the clips of actors drawn with replacement."""
    sums = np.array([group.sum() for group in groups])
    sizes = np.array([group.size for group in groups])
    drawn = rng.integers(len(groups), size=(resamples, len(groups)))
    means: NDArray[np.float64] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return means


def _over_clips(
    groups: dict[str, NDArray[np.float64]], rng: np.random.Generator, resamples: int
) -> NDArray[np.float64]:
    """`[resamples]` means over clips drawn with replacement within each actor, each actor keeping its number.

    An actor's only clip says nothing of how clips vary, and drawn from itself alone would narrow the interval to
    nothing: such clips are drawn among one another.
    """
    only = [group for group in groups.values() if group.size == 1]
    strata = [group for group in groups.values() if group.size > 1] + ([np.concatenate(only)] if only else [])
    total = np.zeros(resamples)
    for stratum in strata:
        total += stratum[rng.integers(stratum.size, size=(resamples, stratum.size))].sum(axis=1)
    return total / sum(stratum.size for stratum in strata)
