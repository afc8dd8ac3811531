"""The network's own estimate of a frame while it learns, so that it meets in training what a rollout will feed it.

It closes the gap between learning on true frames and running on one's own (Bengio et al. 2015, scheduled sampling).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.model import as_prediction, reference_pictures
from viseme.diffusion.process import Process
from viseme.diffusion.samplers import ddim, static_clamp
from viseme.diffusion.schedule import spaced_timesteps


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """In here the network drops nothing out, as in a rollout; after it, it is in the mode it was in."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


@torch.no_grad()
def own_frame(
    forward: Callable[..., Tensor],
    config: DdpmConfig,
    process: Process,
    identity: Tensor,
    motion: Tensor,
    signals: Mapping[str, Tensor],
    noise: Tensor,
) -> Tensor:
    """A frame by `motion.own_steps` steps of DDIM from pure noise, without gradient.

    Timesteps are spaced "trailing" whatever a rollout's are, so that one step too begins at the noisiest.

    Args:
        forward: the network, wrapped or not, called as `UNet.forward`.
        config: of the model.
        process: its noising process.
        identity: `[B,3,H,W]`.
        motion: `[B,3k,H,W]`, the motion frames of the frame to make.
        signals: its signals, `[B,size]` each.
        noise: `[B,3,H,W]` from N(0, 1).

    Returns:
        `[B,3,H,W]` float32 in [-1, 1].
    """
    pictures = reference_pictures(config, identity, motion)

    def estimate(x_t: Tensor, step: int) -> Tensor:
        timesteps = torch.full((len(x_t),), step, device=x_t.device)
        output = forward(process.seen(x_t, timesteps), timesteps, pictures, signals)
        return process.x0(as_prediction(config, output, identity), x_t, timesteps)

    timesteps = spaced_timesteps(config.diffusion.steps, config.motion.own_steps, "trailing")
    return ddim(static_clamp(estimate), noise, process.alpha_bar, timesteps, lambda: noise)
