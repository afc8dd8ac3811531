"""How much noise a denoiser sees in x_t against how much there is: ||eps_hat|| / ||eps||.

The paper suspects that its network says slightly too much, too little for a mean squared error to see, and that a
rollout adds it up into drift (section 5.2.3). Above 1 too much is taken away, below 1 too little. The expected value of
a perfect estimate is below 1 where x_t does not tell the noise, since the best guess is then a mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.model import as_prediction, held, reference_pictures, window_signals
from viseme.diffusion.own_frame import evaluating
from viseme.diffusion.process import Process
from viseme.diffusion.unet import UNet
from viseme.errors import InputError
from viseme.nn.draws import randn
from viseme.types import Batch

THIRDS = ("early", "middle", "late")
"""Of the timesteps, from the least noisy on, where the picture is nearly done, to the noisiest, where it begins."""


@dataclass(frozen=True, slots=True)
class NoiseRatios:
    """||eps_hat|| / ||eps|| over the timesteps.

    Attributes:
        timesteps: int64 `[N]`, as asked for.
        mean: float64 `[N]`, over the samples.
        std: float64 `[N]`, over the samples, 0 of a single one.
    """

    timesteps: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def noise_ratio(eps_hat: Tensor, eps: Tensor) -> Tensor:
    """||eps_hat|| / ||eps|| of each sample, both `[B,3,H,W]`, float32 `[B]`."""
    predicted, true = (x.float().square().sum(dim=(1, 2, 3)).sqrt() for x in (eps_hat, eps))
    return predicted / true


def by_thirds(ratios: Tensor, timesteps: Tensor, steps: int) -> dict[str, Tensor]:
    """Mean ratio of the samples in each third of the timesteps, as scalars to log; a third without samples is left out.

    Args:
        ratios: `[B]`.
        timesteps: `[B]`, 0 the least noisy.
        steps: T.
    """
    third = 3 * timesteps // steps
    found = {f"noise_ratio/{name}": ratios[third == index] for index, name in enumerate(THIRDS)}
    return {name: of_third.mean() for name, of_third in found.items() if len(of_third)}


@torch.no_grad()
def noise_ratios(
    network: UNet,
    config: DdpmConfig,
    process: Process,
    batch: Batch,
    timesteps: Sequence[int],
    rng: torch.Generator,
) -> NoiseRatios:
    """Noise the first frame of each window to each timestep, and compare what the network sees with what was added.

    A sample's noise is the same at every timestep, so that what changes along the curve is the timestep alone.

    Args:
        network: a denoiser; nothing is dropped out of it here, and it is left in the mode it was in.
        config: of the model.
        process: its noising process.
        batch: windows, on the network's device.
        timesteps: from 0 to T - 1, in any order.
        rng: of the noise.

    Raises:
        InputError: a timestep that the process does not have.
    """
    total = len(process.alpha_bar)
    for step in timesteps:
        if not 0 <= step < total:
            raise InputError(f"timestep {step}: the model was trained with {total}; choose 0 to {total - 1}")
    x0, identity = batch.frames[:, 0], batch.identity
    eps = randn(x0.shape, rng).to(x0.device)
    pictures, signals = reference_pictures(config, identity, batch.motion), window_signals(config, batch)
    identity = held(identity, signals)
    ratios = []
    with evaluating(network):
        for step in timesteps:
            steps = torch.full((len(x0),), step, device=x0.device)
            x_t = process.noised(x0, steps, eps)
            predicted = as_prediction(config, network(process.seen(x_t, steps), steps, pictures, signals), identity)
            ratios.append(noise_ratio(process.eps(predicted, x_t, steps), eps).double().cpu().numpy())
    table = np.array(ratios).reshape(len(timesteps), len(x0))
    return NoiseRatios(np.array(timesteps, np.int64), table.mean(axis=1), table.std(axis=1))
