"""Motion frames: k pictures stacked as channels, `[B,3k,H,W]` in [-1, 1], oldest first.

A rollout begins with the identity frame in all their places, as training does where a clip has too few frames before
the window, and then takes in each frame that it makes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from viseme.nn.images import luma

_LEAST_DEVIATION = 1e-4
"""Of a channel on [-1, 1], a hundredth of a grey level: a flat picture has no contrast to bring to another's."""


def beginning(identity: Tensor, count: int) -> Tensor:
    """The identity frame `[B,3,H,W]` in the place of all `count` motion frames, `[B,3 count,H,W]`."""
    return identity.repeat(1, count, 1, 1)


def moved_on(motion: Tensor, frame: Tensor) -> Tensor:
    """Motion frames `[B,3k,H,W]` a moment later: the oldest left out, the frame just made `[B,3,H,W]` the newest."""
    return torch.cat([motion[:, 3:], frame], dim=1)


def grey(motion: Tensor) -> Tensor:
    """Each motion frame as its luma (BT.601) in three equal channels, `[B,3k,H,W]` to the same.

    No hue passes from frame to frame then (Stypulkowski et al. 2024, Diffused Heads), and the network keeps its width.
    """
    pictures = motion.reshape(len(motion), -1, 3, *motion.shape[2:])  # [B, k, 3, H, W]
    return luma(pictures).expand_as(pictures).reshape(motion.shape)


def recoloured(frames: Tensor, identity: Tensor) -> Tensor:
    """Frames whose channels have the identity frame's mean and standard deviation, both `[B,3,H,W]`.

    (x - mean) / deviation * deviation' + mean', each over the places of one channel of one picture (Reinhard et al.
    2001, equations 10 and 11, on RGB), held to [-1, 1]: where that cuts off something, the two agree but nearly.
    """
    (deviation, mean), (wanted_deviation, wanted_mean) = (
        torch.std_mean(pictures, dim=(2, 3), correction=0, keepdim=True) for pictures in (frames, identity)
    )
    scaled = (frames - mean) * (wanted_deviation / deviation.clamp(min=_LEAST_DEVIATION))
    return (scaled + wanted_mean).clamp(-1, 1)
