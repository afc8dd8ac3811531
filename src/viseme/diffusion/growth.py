"""A trained denoiser at a multiple of its resolution: the same trunk between a larger stem and a larger head.

With `patch` k times as large on pictures k times as large, the trunk works at the resolution at which it learned. The
stem then averages each k x k pixels before it does what it did, and the head gives all of them the same answer;
training lets them part. Let N be the small network and P the mean of k x k pixels:

    grown(y, pictures) = f upsample(N(P y, P pictures)),    upsampled by repetition (nearest)

holds but for rounding, with f = 1 where x0 is predicted, and 1/k where eps is: k x k pixels whose mean has the noise
eps share k P eps', and so P eps' = eps / k.

What N sees must also be distributed as it was. P y has 1/k of the noise of y, for which a process shifted k times as
far (`diffusion.shift`) makes up at every timestep, in scale as well as in signal-to-noise ratio (`Process.seen`). So a
grown network that predicts x0 begins with the estimate that the small one would have made, only coarse; with `residual`
it has the identity frame's detail besides. Of one that predicts eps that holds for the mean of each k x k pixels;
within them it sees no noise, which leaves a squared error of (k^2 - 1) / k^2, and as it learns to copy that noise
through the trunk, the trunk forgets what it knew. `diffusion.detail` = k spares it that, and the mean is as it was. v
has no such constant f: it holds x0 and eps in shares that the shift changes, differently at each timestep.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.model import build_network
from viseme.errors import ModelError
from viseme.nn.weights import check_weights


def growth(small: DdpmConfig, large: DdpmConfig, source: str) -> int:
    """How many times larger a run's pictures and patch are than those of the weights it begins from.

    1 where the patch is the same, whatever the size: the network is convolutional, and its weights serve as they are.

    Args:
        small: configuration of the weights.
        large: configuration of the run.
        source: what to call the weights.

    Raises:
        ModelError: size and patch do not grow together, or the weights predict v, or something else than the run.
    """
    if small.model.patch == large.model.patch:
        return 1
    factor, rest = divmod(large.model.patch, small.model.patch)
    if rest or small.data.size * factor != large.data.size:
        raise ModelError(
            f"{source}: has model.patch={small.model.patch} at data.size={small.data.size}, and the run "
            f"{large.model.patch} at {large.data.size}; multiply both by the same number, or leave model.patch"
        )
    for name in ("prediction", "residual"):
        before, after = getattr(small.diffusion, name), getattr(large.diffusion, name)
        if before != after:
            raise ModelError(f"{source}: was trained with diffusion.{name}={before}; it cannot be grown with {after}")
    if small.diffusion.detail > 1 or factor % large.diffusion.detail:
        raise ModelError(
            f"{source}: has diffusion.detail={small.diffusion.detail}, and the run {large.diffusion.detail}; "
            f"to be grown {factor} times it must be 1 before and divide {factor} now"
        )
    if small.diffusion.prediction == "v":
        raise ModelError(f"{source}: predicts v, which cannot be grown; leave model.patch={small.model.patch}")
    return factor


def fitted(weights: Mapping[str, Tensor], small: DdpmConfig, factor: int, source: str) -> dict[str, Tensor]:
    """Weights for a run to begin from: as they are where `growth` gave 1, else grown so many times.

    Args:
        weights: of the network of `small`.
        small: their configuration.
        factor: what `growth` gave.
        source: what to call the weights.

    Raises:
        ModelError: weights to be grown that are not those of their own configuration.
    """
    if factor == 1:
        return dict(weights)
    with torch.device("meta"):
        check_weights(build_network(small), weights, source)
    output = 1 / factor if small.diffusion.prediction == "eps" else 1.0
    return grown(weights, small.model.patch, factor, output, "unet." if small.regressor.width else "")


def grown(
    weights: Mapping[str, Tensor], patch: int, factor: int, output: float = 1.0, prefix: str = ""
) -> dict[str, Tensor]:
    """The weights of a `UNet` of `patch`, for one of `factor * patch`.

    Args:
        weights: its state dict.
        patch: pixels that it folds into channels, a side.
        factor: k above.
        output: f above.
        prefix: of the denoiser's names in the state dict.

    Returns:
        A state dict that shares what has not changed; the stem and the head are float32.
    """
    names = [f"{prefix}{name}" for name in ("stem.weight", "head.weight", "head.bias")]
    stem, head, bias = (weights[name].float() for name in names)
    repeated = (
        _repeated(stem, 1, patch, factor) / factor**2,
        _repeated(head, 0, patch, factor) * output,
        _repeated(bias, 0, patch, factor) * output,
    )
    return {**weights, **dict(zip(names, repeated, strict=True))}


def _repeated(weight: Tensor, dim: int, patch: int, factor: int) -> Tensor:
    """Of the channels that patch x patch pixels were folded into, each pixel's repeated for factor x factor pixels."""
    pixels = weight.reshape(*weight.shape[:dim], -1, patch, patch, *weight.shape[dim + 1 :])
    large = pixels.repeat_interleave(factor, dim + 1).repeat_interleave(factor, dim + 2)
    return large.flatten(dim, dim + 2)
