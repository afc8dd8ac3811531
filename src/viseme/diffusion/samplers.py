"""Samplers as pure functions: from noise to a frame, given a function that estimates x0.

All are called alike and give x0, `[B,3,H,W]`:

    estimate_x0: the model, from x_t `[B,3,H,W]` and a timestep.
    noise: x_T, `[B,3,H,W]` from N(0, 1).
    alpha_bar: float64 `[T]` of the training schedule.
    timesteps: those visited, noisiest first.
    draw: further noise, like `noise`.

Past the last timestep stands alpha_bar = 1, where each returns its last estimate. None knows what the network predicts;
each steps from x_t and an estimate of x0 alone (`Process.x0`), float32 or wider.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Estimator = Callable[[Tensor, int], Tensor]
"""x_t `[B,3,H,W]` and a timestep give the estimate of x0, `[B,3,H,W]`."""
Draw = Callable[[], Tensor]
"""Gives noise from N(0, 1) in the shape of x_t."""
Sampler = Callable[[Estimator, Tensor, NDArray[np.float64], Sequence[int], Draw], Tensor]
"""Estimator, x_T `[B,3,H,W]`, alpha_bar `[T]`, timesteps and further noise give x0 `[B,3,H,W]`."""


def static_clamp(estimate_x0: Estimator) -> Estimator:
    """The estimator held to [-1, 1], where frames lie; eps then follows from the held estimate."""
    return lambda x_t, timestep: estimate_x0(x_t, timestep).clamp(-1, 1)


def ddpm(
    estimate_x0: Estimator,
    noise: Tensor,
    alpha_bar: NDArray[np.float64],
    timesteps: Sequence[int],
    draw: Draw,
    *,
    variance: Literal["beta", "beta_tilde"] = "beta_tilde",
) -> Tensor:
    """Ancestral sampling (Ho et al. 2020, equations 6 and 7, algorithm 2).

    Where timesteps are left out, beta is that of the step taken: 1 - alpha_bar_now / alpha_bar_next.

    Args:
        draw: called once a step but for the last.
        variance: of the noise put back: beta, best where x0 is spread as N(0, 1), or the posterior's
            beta_tilde = beta (1 - alpha_bar_next) / (1 - alpha_bar_now), best where it is one point.
    """
    x_t = noise
    for timestep, now, then in _steps(alpha_bar, timesteps):
        x0 = estimate_x0(x_t, timestep)
        if then is None:
            return x0
        beta = 1 - now / then
        tilde = beta * (1 - then) / (1 - now)
        mean = (math.sqrt(then) * beta * x0 + math.sqrt(now / then) * (1 - then) * x_t) / (1 - now)
        x_t = mean + math.sqrt(beta if variance == "beta" else tilde) * draw()
    return x_t


def ddim(
    estimate_x0: Estimator,
    noise: Tensor,
    alpha_bar: NDArray[np.float64],
    timesteps: Sequence[int],
    draw: Draw,
    *,
    eta: float = 0.0,
) -> Tensor:
    """DDIM (Song et al. 2021, equations 12 and 16); eta 0 is deterministic, eta 1 is `ddpm` with beta_tilde.

    Args:
        draw: never called where eta is 0.
        eta: share of the ancestral noise put back at each step.
    """
    x_t = noise
    for timestep, now, then in _steps(alpha_bar, timesteps):
        x0 = estimate_x0(x_t, timestep)
        if then is None:
            return x0
        eps = (x_t - math.sqrt(now) * x0) / math.sqrt(1 - now)
        sigma = eta * math.sqrt((1 - then) / (1 - now) * (1 - now / then))
        x_t = math.sqrt(then) * x0 + math.sqrt(max(1 - then - sigma**2, 0.0)) * eps
        if sigma > 0:
            x_t = x_t + sigma * draw()
    return x_t


def dpmpp_2m(
    estimate_x0: Estimator,
    noise: Tensor,
    alpha_bar: NDArray[np.float64],
    timesteps: Sequence[int],
    draw: Draw,
) -> Tensor:
    """DPM-Solver++(2M), multistep and of second order, on estimates of x0 (Lu et al. 2022, algorithm 2).

    With lambda = log(sqrt(alpha_bar) / sqrt(1 - alpha_bar)) and h its growth in a step, the estimate is carried on
    along the line through this one and the one before. The first step has none before it and is DDIM's; so is the
    last, which at alpha_bar = 1 is the estimate itself. It draws no further noise.
    """
    x_t = noise
    before: tuple[Tensor, float] | None = None
    for timestep, now, then in _steps(alpha_bar, timesteps):
        x0 = estimate_x0(x_t, timestep)
        if then is None:
            return x0
        growth = _half_log_snr(then) - _half_log_snr(now)
        ahead = x0
        if before is not None:
            x0_before, growth_before = before
            ahead = x0 + growth / (2 * growth_before) * (x0 - x0_before)
        x_t = math.sqrt((1 - then) / (1 - now)) * x_t - math.sqrt(then) * math.expm1(-growth) * ahead
        before = x0, growth
    return x_t


def _steps(alpha_bar: NDArray[np.float64], timesteps: Sequence[int]) -> Iterator[tuple[int, float, float | None]]:
    """Each timestep with its alpha_bar and the next one's; None past the last."""
    visited = [float(alpha_bar[timestep]) for timestep in timesteps]
    yield from zip(timesteps, visited, [*visited[1:], None], strict=True)


def _half_log_snr(alpha_bar: float) -> float:
    """lambda; minus infinity where no signal is left: h is infinite then, and that step and the next are DDIM's."""
    return 0.5 * math.log(alpha_bar / (1 - alpha_bar)) if alpha_bar > 0 else -math.inf
