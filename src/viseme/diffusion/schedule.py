"""Noise schedules in float64, and which of their timesteps a shorter sampling visits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from viseme.errors import ConfigError


def cosine_alpha_bar(steps: int, offset: float = 0.008, largest_beta: float = 0.999) -> NDArray[np.float64]:
    """alpha_bar of the cosine schedule, `[steps]` (Nichol and Dhariwal 2021, equation 17).

    beta_t = 1 - f(t + 1) / f(t) with f(t) = cos^2((t / T + s) / (1 + s) pi / 2), capped; alpha_bar is the running
    product of 1 - beta.
    """
    times = np.arange(steps + 1) / steps
    signal = np.cos((times + offset) / (1 + offset) * math.pi / 2) ** 2
    betas = np.minimum(1 - signal[1:] / signal[:-1], largest_beta)
    return np.asarray(np.cumprod(1 - betas), dtype=np.float64)


def spaced_timesteps(total: int, steps: int, spacing: str) -> list[int]:
    """The `steps` timesteps of `0 .. total - 1` that a sampler visits, noisiest first.

    Always exactly `steps` of them, whether or not `total` divides:

    - leading: multiples of `total // steps` from 0 (250 to 50: 245, 240, ..., 0);
    - trailing: ends on the noisiest (250 to 50: 249, 244, ..., 4);
    - linspace: both ends (250 to 50: 249, ..., 0).

    Raises:
        ConfigError: fewer than one step, or more than training had.
    """
    if not 1 <= steps <= total:
        raise ConfigError(f"sampling.steps={steps}: the model was trained with {total} timesteps; choose 1 to {total}")
    if spacing == "leading":
        return [index * (total // steps) for index in reversed(range(steps))]
    if spacing == "trailing":
        return [round(total - index * total / steps) - 1 for index in range(steps)]
    return [round(value) for value in np.linspace(total - 1, 0, steps).tolist()]
