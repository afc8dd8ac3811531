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
from torch.nn import functional as F

DETAIL_STD = 0.05
"""How far pixels of a frame in [-1, 1] deviate from the mean of 2 x 2 of them (0.047 on GRID at 128, 0.054 on rendered
faces)."""

Prediction = Literal["eps", "x0", "v"]


@dataclass(frozen=True)
class Process:
    """A noising process of T timesteps.

    Attributes:
        alpha_bar: float64 `[T]`, falling.
        prediction: what the network's output is.
        shift: how many times as much noise to the signal `alpha_bar` has as the schedule it was made from.
        detail: side of the squares of pixels within which a network that predicts eps is spared the noise (`_spared`);
            1 spares it nothing.
    """

    alpha_bar: NDArray[np.float64]
    prediction: Prediction
    shift: float = 1.0
    detail: int = 1

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
            if self.detail > 1:
                x_t = self.noised(x0, timesteps, eps)
                return eps - (x_t - self._spared(x_t, timesteps)) / self._scales(timesteps)[1]
            return eps
        if self.prediction == "x0":
            return x0
        signal, noise = self._scales(timesteps)
        return signal * eps - noise * x0

    def eps(self, output: Tensor, x_t: Tensor, timesteps: Tensor) -> Tensor:
        """The noise that a network's output says is in x_t, float32 `[B,3,H,W]`: (x_t - signal x0) / noise."""
        if self.prediction == "eps":
            return output.float()
        return self.noise_in(x_t, self.x0(output, x_t, timesteps), timesteps)

    def noise_in(self, x_t: Tensor, x0: Tensor, timesteps: Tensor) -> Tensor:
        """The noise that is in x_t if this x0 is, float32 `[B,3,H,W]`: (x_t - signal x0) / noise."""
        signal, noise = self._scales(timesteps)
        return (x_t - signal * x0) / noise

    def x0(self, output: Tensor, x_t: Tensor, timesteps: Tensor) -> Tensor:
        """The estimate of x0 that a network's output stands for, float32 `[B,3,H,W]`."""
        output = output.float()
        if self.prediction == "x0":
            return output
        signal, noise = self._scales(timesteps)
        if self.prediction == "eps":
            return (self._spared(x_t, timesteps) - noise * output) / signal
        return signal * x_t - noise * output

    def _spared(self, x_t: Tensor, timesteps: Tensor) -> Tensor:
        """x_t with the noise within squares of pixels taken out as far as no network is needed for it, `[B,3,H,W]`.

        That by which pixels deviate from the mean of their square is nearly all noise. Eps has it too, and to copy it
        through a trunk that works at the resolution of the squares is what a network must learn first and longest. Here
        it need not: the deviation is multiplied by the Wiener gain of a signal of standard deviation d = `DETAIL_STD`,
        alpha_bar d^2 / (alpha_bar d^2 + 1 - alpha_bar), and the network predicts eps less what that takes out, in units
        of eps. Its error in this is its error in eps. It is the skip connection of EDM (Karras et al. 2022, table 1),
        for the detail alone.
        """
        if self.detail == 1:
            return x_t
        signal, noise = self._scales(timesteps)
        power = (DETAIL_STD * signal) ** 2
        mean = F.interpolate(F.avg_pool2d(x_t, self.detail), scale_factor=self.detail, mode="nearest")
        return mean + power / (power + noise**2) * (x_t - mean)
