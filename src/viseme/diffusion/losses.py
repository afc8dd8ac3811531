"""The mouth-weighted loss, and the weight of each timestep in it and in the perceptual terms."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from viseme.diffusion.process import Process


@dataclass(frozen=True)
class DiffusionLoss:
    """The loss that is minimised and the two that are watched, scalars."""

    total: Tensor
    mse: Tensor
    """Unweighted squared error of the prediction."""
    lip: Tensor
    """Squared error inside the mouth box alone (paper, Table 2)."""


def timestep_weight(process: Process, timesteps: Tensor, gamma: float, floor: float) -> Tensor:
    """Min-SNR weighting (Hang et al. 2023), `[B]`: an x0 error weighs clamp(SNR, floor, gamma).

    Errors in eps or v are the x0 error times SNR or SNR + 1, so their weights are divided by that. The floor is ours:
    at 0 the noisiest timesteps, where the lips are decided from the sound alone, would weigh almost nothing. It is for
    x0 and v; of eps it would ask at the noisiest timesteps for an exactness without bound, so eps has none. gamma 0
    weighs all timesteps alike.
    """
    snr = process.snr(timesteps)
    if gamma == 0:
        return snr.new_ones(snr.shape)
    if process.prediction == "eps":
        return snr.clamp(max=gamma) / snr
    weight = snr.clamp(min(floor, gamma), gamma)
    return weight if process.prediction == "x0" else weight / (snr + 1)


def x0_trust(process: Process, timesteps: Tensor) -> Tensor:
    """alpha_bar(t), float32 `[B]`: what the perceptual distances of a sample's x0 estimate are multiplied by.

    The estimate is a picture only where there is little noise; near t = T it is at best the mean of all frames that fit
    the conditioning, as smooth as no frame is, and to make that look sharp would be wrong.
    """
    return torch.from_numpy(process.alpha_bar).float().to(timesteps.device)[timesteps]


def diffusion_loss(
    output: Tensor, target: Tensor, mouth: Tensor, weight: Tensor, *, mouth_weight: float, l1: float, lip: float = 0.0
) -> DiffusionLoss:
    """Squared error (and `l1` times absolute error) weighted `mouth_weight` in the mouth box and 1 elsewhere.

    Args:
        output: prediction `[B,3,H,W]`.
        target: truth `[B,3,H,W]`.
        mouth: `[B,1,H,W]`, 1 in the mouth box.
        weight: `[B]` of each sample's timestep.
        mouth_weight: 1.2 in the paper (section 4.2.2).
        l1: weight of the absolute error.
        lip: weight of an added term, each sample's mean squared error inside its mouth box (Diffused Heads: 0.2); a
            sample without a mouth has none.
    """
    difference = output.float() - target
    squared = difference.square()
    place = 1 + (mouth_weight - 1) * mouth
    error = squared + l1 * difference.abs() if l1 else squared
    of_sample = (error * place).mean(dim=(1, 2, 3))
    if lip:
        inside = (squared * mouth).sum(dim=(1, 2, 3)) / (3 * mouth.sum(dim=(1, 2, 3))).clamp(min=1)
        of_sample = of_sample + lip * inside
    watched = (squared * mouth).sum() / (3 * mouth.sum()).clamp(min=1)
    return DiffusionLoss((of_sample * weight).mean(), squared.mean().detach(), watched.detach())
