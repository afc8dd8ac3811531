"""Samplers as pure functions: from noise to a frame, given a function that estimates x0.

Each takes the estimator, the noise to start from, alpha_bar and the timesteps to visit, noisiest first; further noise
comes from a source that is passed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Estimator = Callable[[Tensor, int], Tensor]
"""x_t `[B,3,H,W]` and a timestep give the estimate of x0, `[B,3,H,W]`."""


def ddim(
    estimate_x0: Estimator,
    noise: Tensor,
    alpha_bar: NDArray[np.float64],
    timesteps: Sequence[int],
    *,
    eta: float = 0.0,
    clamp: bool = True,
    draw: Callable[[], Tensor] | None = None,
) -> Tensor:
    """DDIM (Song et al. 2021, equation 12); eta 0 is deterministic, eta 1 the ancestral variance.

    Args:
        estimate_x0: the model.
        noise: x_T, `[B,3,H,W]` from N(0, 1).
        alpha_bar: `[T]` of the training schedule.
        timesteps: those visited, noisiest first; past the last stands alpha_bar = 1.
        eta: share of the ancestral noise put back at each step.
        clamp: hold the estimate to [-1, 1] before it is used.
        draw: gives noise like `noise`; needed where eta > 0.

    Returns:
        x0, `[B,3,H,W]`.
    """
    if eta > 0 and draw is None:
        raise ValueError("eta > 0 needs a source of noise: pass draw")
    x_t = noise
    for index, timestep in enumerate(timesteps):
        last = index == len(timesteps) - 1
        now, then = float(alpha_bar[timestep]), 1.0 if last else float(alpha_bar[timesteps[index + 1]])
        x0 = estimate_x0(x_t, timestep)
        if clamp:
            x0 = x0.clamp(-1, 1)
        if last:
            return x0
        eps = (x_t - math.sqrt(now) * x0) / math.sqrt(1 - now)
        sigma = eta * math.sqrt((1 - then) / (1 - now) * (1 - now / then))
        x_t = math.sqrt(then) * x0 + math.sqrt(max(1 - then - sigma**2, 0.0)) * eps
        if draw is not None and sigma > 0:
            x_t = x_t + sigma * draw()
    return x_t
