"""Noise schedules in float64, and which of their timesteps a shorter sampling visits."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from viseme.errors import ConfigError

LARGEST_BETA = 0.999
"""Where beta is capped: at 1 nothing of the step before would be left."""


def cosine_alpha_bar(steps: int, offset: float = 0.008) -> NDArray[np.float64]:
    """alpha_bar of the cosine schedule, `[steps]` (Nichol and Dhariwal 2021, equation 17).

    beta_t = 1 - f(t + 1) / f(t) with f(t) = cos^2((t / T + s) / (1 + s) pi / 2), capped; alpha_bar is the running
    product of 1 - beta.
    """
    times = np.arange(steps + 1) / steps
    signal = np.cos((times + offset) / (1 + offset) * math.pi / 2) ** 2
    return _running_product(1 - signal[1:] / signal[:-1])


def linear_alpha_bar(steps: int, first: float = 1e-4, last: float = 0.02) -> NDArray[np.float64]:
    """alpha_bar of the linear schedule, `[steps]` (Ho et al. 2020, section 4).

    Its betas were given for 1000 timesteps; they are multiplied by 1000 / T, so that as much noise is reached whatever
    T is (Dhariwal and Nichol 2021).
    """
    return _running_product(np.linspace(first, last, steps) * (1000 / steps))


def _running_product(betas: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.cumprod(1 - np.minimum(betas, LARGEST_BETA)), dtype=np.float64)


def zero_terminal_snr(alpha_bar: NDArray[np.float64]) -> NDArray[np.float64]:
    """The schedule with no signal left at its last timestep, `[T]` (Lin et al. 2023, algorithm 1).

    sqrt(alpha_bar) is shifted until it ends on 0 and stretched until it begins as before. Without this the network is
    trained with a trace of the frame's brightness at the noisiest timestep, and is given none when it samples.
    """
    signal = np.sqrt(alpha_bar)
    if len(signal) == 1:
        return np.zeros(1)
    signal = (signal - signal[-1]) * (signal[0] / (signal[0] - signal[-1]))
    return np.asarray(signal**2, dtype=np.float64)


def shifted(alpha_bar: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    """The schedule with snr' = snr / shift^2 at every timestep, `[T]`; what has no signal keeps none.

    The mean of s x s pixels has 1/s of their noise and nearly all of their signal, so that a picture s times as large
    needs noise s times as strong to hide as much (Hoogeboom et al. 2023, "simple diffusion", section 2.1).
    """
    if shift == 1:
        return alpha_bar
    return np.asarray(alpha_bar / (alpha_bar + shift**2 * (1 - alpha_bar)), dtype=np.float64)


def _leading(total: int, steps: int) -> list[int]:
    return [index * (total // steps) for index in reversed(range(steps))]


def _trailing(total: int, steps: int) -> list[int]:
    return [round(value) - 1 for value in np.arange(total, 0, -total / steps)[:steps].tolist()]


def _linspace(total: int, steps: int) -> list[int]:
    return [round(value) for value in reversed(_rising(total, steps))]


def _quadratic(total: int, steps: int) -> list[int]:
    rising: list[int] = []
    for value in _rising(total, steps):
        rising.append(max(round(value**2 / max(total - 1, 1)), rising[-1] + 1 if rising else 0))
    return rising[::-1]


def _rising(total: int, steps: int) -> list[float]:
    """From 0 to the noisiest in even strides; the noisiest alone where there is one step."""
    return np.linspace(0, total - 1, steps).tolist() if steps > 1 else [total - 1.0]


_SPACINGS: dict[str, Callable[[int, int], list[int]]] = {
    "leading": _leading,
    "trailing": _trailing,
    "linspace": _linspace,
    "quadratic": _quadratic,
}


def spaced_timesteps(total: int, steps: int, spacing: str) -> list[int]:
    """The `steps` timesteps of `0 .. total - 1` that a sampler visits, noisiest first.

    Always exactly `steps` of them, whether or not `total` divides. The first three are those of Lin et al. (2023),
    table 2:

    - leading: multiples of `total // steps` from 0 (250 to 50: 245, 240, ..., 0);
    - trailing: ends on the noisiest (250 to 50: 249, 244, ..., 4);
    - linspace: both ends (250 to 50: 249, ..., 0);
    - quadratic: both ends, dense where little noise is left (Song et al. 2021, appendix D.2), neighbours that would
      fall together pushed apart (250 to 50: 249, 239, ..., 1, 0). Theirs begins at 0.8 T, where a cosine schedule
      still holds a tenth of the signal's power and pure noise is no fair start.

    Raises:
        ConfigError: fewer than one step, or more than training had.
    """
    if not 1 <= steps <= total:
        raise ConfigError(f"sampling.steps={steps}: the model was trained with {total} timesteps; choose 1 to {total}")
    return _SPACINGS[spacing](total, steps)
