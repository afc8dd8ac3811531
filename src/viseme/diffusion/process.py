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
    """

    alpha_bar: NDArray[np.float64]
    prediction: Prediction

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

    def target(self, x0: Tensor, timesteps: Tensor, eps: Tensor) -> Tensor:
        """What the network should have predicted, `[B,3,H,W]`."""
        if self.prediction == "eps":
            return eps
        if self.prediction == "x0":
            return x0
        signal, noise = self._scales(timesteps)
        return signal * eps - noise * x0

    def eps(self, output: Tensor, x_t: Tensor, timesteps: Tensor) -> Tensor:
        """The noise that a network's output says is in x_t, float32 `[B,3,H,W]`: (x_t - signal x0) / noise."""
        if self.prediction == "eps":
            return output.float()
        signal, noise = self._scales(timesteps)
        return (x_t - signal * self.x0(output, x_t, timesteps)) / noise

    def x0(self, output: Tensor, x_t: Tensor, timesteps: Tensor) -> Tensor:
        """The estimate of x0 that a network's output stands for, float32 `[B,3,H,W]`."""
        output = output.float()
        if self.prediction == "x0":
            return output
        signal, noise = self._scales(timesteps)
        if self.prediction == "eps":
            return (x_t - noise * output) / signal
        return signal * x_t - noise * output
