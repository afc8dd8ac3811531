"""A denoiser and its process as built from a configuration: what the objective trains and the synthesizer samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viseme.audio.features import feature_width
from viseme.config.diffusion import DdpmConfig
from viseme.config.diffusion_sampling import DiffusionSampling
from viseme.diffusion.motion import grey
from viseme.diffusion.process import Process
from viseme.diffusion.regression import LandmarkRegressor, build_regressor
from viseme.diffusion.samplers import Sampler, ddim, ddpm, dpmpp_2m
from viseme.diffusion.schedule import cosine_alpha_bar, linear_alpha_bar, shifted, zero_terminal_snr
from viseme.diffusion.unet import UNet
from viseme.nn.fusion import FUSIONS
from viseme.nn.listener import build_listener
from viseme.nn.warp import warp
from viseme.pose.pose import POSE, batch_poses, flow_of
from viseme.pose.prior import PosePrior
from viseme.types import Batch

LANDMARK_WIDTH = 68 * 2
_SCHEDULES: dict[str, Callable[[int], NDArray[np.float64]]] = {"cosine": cosine_alpha_bar, "linear": linear_alpha_bar}


def build_unet(config: DdpmConfig) -> UNet:
    """The network of a configuration, freshly initialised: identity and motion frames stacked, signals fused."""
    listener, width = build_listener(config.audio, feature_width(config.audio))
    signals = {"audio": width}
    if config.model.landmarks:
        signals["landmarks"] = LANDMARK_WIDTH
    if config.model.pose:
        signals["pose"] = POSE
    model = config.model
    return UNet(
        patch=model.patch,
        base=model.base,
        multipliers=model.multipliers,
        blocks=model.blocks,
        heads=model.heads,
        attention=model.attention,
        dropout=model.dropout,
        pictures=1 + config.data.motion_frames,
        signals=signals,
        listener=listener,
        film_norm=model.film_norm,
        optional=tuple(config.conditioning.drops),
        fusion=FUSIONS[model.fusion],
    )


def window_signals(config: DdpmConfig, batch: Batch, frame: int = 0) -> dict[str, Tensor]:
    """What drives one frame of each window, `[B,size]` a signal, as the network of `build_unet` takes it."""
    signals = {"audio": batch.audio[:, frame - batch.frames.shape[1]]}
    if config.model.landmarks:
        signals["landmarks"] = batch.landmarks[:, frame].flatten(1)
    if config.model.pose:
        signals["pose"] = batch_poses(batch)[:, frame - batch.frames.shape[1]]
    return signals


class UNetWithCompanions(nn.Module):
    """A denoiser, what moves its landmarks by the sound and what moves its head, as one to average, keep and load."""

    def __init__(self, unet: UNet, regressor: LandmarkRegressor | None, prior: PosePrior | None) -> None:
        super().__init__()
        self.unet, self.regressor, self.prior = unet, regressor, prior


Network = UNet | UNetWithCompanions
"""What generation needs."""


def build_prior(config: DdpmConfig) -> PosePrior | None:
    """What draws the poses of a configuration, freshly initialised; None where `model.pose` is false."""
    return PosePrior(feature_width(config.audio)) if config.model.pose else None


def build_network(config: DdpmConfig) -> Network:
    """The denoiser of a configuration and, where it has them, its regressor and prior, freshly initialised."""
    return joined(build_unet(config), build_regressor(config), build_prior(config))


def joined(unet: UNet, regressor: LandmarkRegressor | None, prior: PosePrior | None) -> Network:
    """One network of all; the denoiser itself where it is alone."""
    return unet if regressor is None and prior is None else UNetWithCompanions(unet, regressor, prior)


def apart(network: Network) -> tuple[UNet, LandmarkRegressor | None, PosePrior | None]:
    """What `joined` put together."""
    return (network, None, None) if isinstance(network, UNet) else (network.unet, network.regressor, network.prior)


def build_process(config: DdpmConfig) -> Process:
    """The noising process of a configuration."""
    diffusion = config.diffusion
    alpha_bar = _SCHEDULES[diffusion.schedule](diffusion.steps)
    if diffusion.zero_terminal_snr:
        alpha_bar = zero_terminal_snr(alpha_bar)
    return Process(shifted(alpha_bar, diffusion.shift), diffusion.prediction, diffusion.shift, diffusion.detail)


def build_sampler(sampling: DiffusionSampling) -> Sampler:
    """The sampler of a configuration, with the settings that are its own."""
    samplers: dict[str, Sampler] = {
        "ddpm": partial(ddpm, variance=sampling.variance),
        "ddim": partial(ddim, eta=sampling.eta),
        "dpmpp_2m": dpmpp_2m,
    }
    return samplers[sampling.sampler]


def held(identity: Tensor, signals: Mapping[str, Tensor]) -> Tensor:
    """Identity frames `[B,3,H,W]` moved as the poses among the signals say; as they are where there are none.

    The flow ebbs away towards the sides and the bottom, where background and shoulders stay (assumed): what it gets
    wrong there, as all else, is the network's to change.
    """
    if "pose" not in signals:
        return identity
    size = identity.shape[-1]
    place = (torch.arange(size, device=identity.device) + 0.5) / size
    sides, bottom = (place.minimum(1 - place) / 0.2).clamp(max=1), ((1 - place) / 0.3).clamp(max=1)
    flow = flow_of(signals["pose"], size) * (bottom[:, None] * sides)
    return warp(identity.float(), flow, "lanczos")


def as_prediction(config: DdpmConfig, output: Tensor, identity: Tensor) -> Tensor:
    """The network's output as its prediction: with `residual`, a change of the identity frame `[B,3,H,W]`, `held`."""
    return output.float() + identity if config.diffusion.residual else output


def reference_pictures(config: DdpmConfig, identity: Tensor, motion: Tensor) -> Tensor:
    """Identity and motion frames stacked as channels, `[B,3,H,W]` and `[B,3k,H,W]` to `[B,3(1+k),H,W]`.

    With `motion.grayscale` the motion frames are grey; the colours are the identity frame's to give.
    """
    return torch.cat([identity, grey(motion) if config.motion.grayscale else motion], dim=1)
