"""The forward process, and the one boundary between what a network predicts and the clean frame x0.

x_t = sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) eps (Ho et al. 2020, equation 4). A network predicts eps, x0 or
v = sqrt(alpha_bar_t) eps - sqrt(1 - alpha_bar_t) x0 (Salimans and Ho 2022); samplers see only x0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Prediction = Literal["eps", "x0", "v"]


@dataclass(frozen=True)
class Process:
    """A noising process of T timesteps.

    Attributes:
        alpha_bar: float64 `[T]`, falling.
        prediction: what the network's output is.
        shift: how many times as much noise to the signal `alpha_bar` has as the schedule it was made from.
    """

    alpha_bar: NDArray[np.float64]
    prediction: Prediction
    shift: float = 1.0

    def _scales(self, timesteps: Tensor) -> tuple[Tensor, Tensor]:
        """sqrt(alpha_bar) and sqrt(1 - alpha_bar), each float32 `[B,1,1,1]`."""
        alpha_bar = torch.from_numpy(self.alpha_bar)
        signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        # Looked up in float32, since some devices have no other.
        return self._at(timesteps, signal)[:, None, None, None], self._at(timesteps, noise)[:, None, None, None]

    @staticmethod
    def _at(timesteps: Tensor, table: Tensor) -> Tensor:
        return table.float().to(timesteps.device)[timesteps]

    def snr(self, timesteps: Tensor) -> Tensor:
        """alpha_bar / (1 - alpha_bar), float32 `[B]`."""
        alpha_bar = torch.from_numpy(self.alpha_bar)
        return self._at(timesteps, alpha_bar / (1 - alpha_bar))

    def noised(self, x0: Tensor, timesteps: Tensor, eps: Tensor) -> Tensor:
        """x_t, `[B,3,H,W]`."""
        signal, noise = self._scales(timesteps)
        return signal * x0 + noise * eps

    def seen(self, x_t: Tensor, timesteps: Tensor) -> Tensor:
        """x_t as the network is given it, `[B,3,H,W]`; x_t itself where nothing is shifted.

        With s the shift, a the alpha_bar before it and a' = a / (a + s^2 (1 - a)) the one after, x_t is multiplied by
        sqrt(a / a'), between 1 and s, which makes it sqrt(a) x0 + s sqrt(1 - a) eps. So the frame is as strong in it as
        it was before the shift, and the mean of s x s pixels is distributed, at every timestep, exactly as x_t of the
        process before the shift on the frame averaged down s times: its noise falls from s sqrt(1 - a) to sqrt(1 - a).
        x_t alone would be too faint for a network that has learned from that process, and by another factor at each
        timestep, which no convolution can know.
        """
        if self.shift == 1:
            return x_t
        alpha_bar = torch.from_numpy(self.alpha_bar)
        scale = self.shift / (1 - alpha_bar + self.shift**2 * alpha_bar).sqrt()
        return self._at(timesteps, scale)[:, None, None, None] * x_t

    def target(self, x0: Tensor, timesteps: Tensor, eps: Tensor) -> Tensor:
        """What the network should have predicted, `[B,3,H,W]`."""
        if self.prediction == "eps":
            return eps
        if self.prediction == "x0":
            return x0
        signal, noise = self._scales(timesteps)
        return signal * eps - noise * x0

    def x0(self, output: Tensor, x_t: Tensor, timesteps: Tensor) -> Tensor:
        """The estimate of x0 that a network's output stands for, float32 `[B,3,H,W]`."""
        output = output.float()
        if self.prediction == "x0":
            return output
        signal, noise = self._scales(timesteps)
        if self.prediction == "eps":
            return (x_t - noise * output) / signal
        return signal * x_t - noise * output
