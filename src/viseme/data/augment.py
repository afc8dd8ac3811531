"""Augmentation of training windows, one draw a window, the same for all its pictures: mirroring, other backgrounds, a
turn, scale and shift, and colour jitter."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from viseme.data.affine import Affine, moved
from viseme.data.background import Backgrounds
from viseme.data.faces import MIRROR
from viseme.nn.draws import rand
from viseme.nn.images import luma
from viseme.types import Batch


def augment(
    batch: Batch,
    *,
    flip: float,
    colour: float,
    rng: torch.Generator,
    backgrounds: Backgrounds | None = None,
    affine: Affine | None = None,
) -> Batch:
    """Mirror each window with probability `flip`, change its background and place, then jitter its colours by `colour`.

    The identity frame, all motion frames and the window change alike, so that what the model learns is unchanged but
    for who and where: a mirrored or turned face has landmarks that are, too, and a redder face stays red through the
    window. What is left out draws no numbers, so that a seed means the same without it.
    """
    count = len(batch.identity)
    if flip > 0:
        batch = _mirrored(batch, rand((count,), rng) < flip)
    if backgrounds is not None:
        batch = backgrounds(batch, rng)
    if affine is not None:
        batch = moved(batch, affine.draw(count, rng), affine.draw_bends(count, rng))
    if colour > 0:
        jitter = ColourJitter(count, colour, rng)
        motion = batch.motion.reshape(count, -1, 3, *batch.motion.shape[2:])  # [B, k, 3, H, W]
        batch = replace(
            batch,
            identity=jitter(batch.identity),
            motion=jitter(motion).reshape(batch.motion.shape),
            frames=jitter(batch.frames),
        )
    return batch


class ColourJitter:
    """One random change of saturation, contrast, brightness and tint a window, applied to any of its pictures."""

    def __init__(self, count: int, strength: float, rng: torch.Generator) -> None:
        def around(centre: float, width: float, channels: int) -> Tensor:
            return centre + width * (2 * rand((count, channels), rng) - 1)

        self.saturation = around(1.0, 2 * strength, 1)
        self.gain = around(1.0, strength, 1) * around(1.0, strength / 3, 3)
        self.offset = around(0.0, strength, 1) + around(0.0, strength / 3, 3)

    def __call__(self, pictures: Tensor) -> Tensor:
        """`[B,...,3,H,W]` in [-1, 1] to the same."""
        shape = (len(pictures), *(1,) * (pictures.ndim - 4), -1, 1, 1)
        grey = luma(pictures)
        mixed = grey + self.saturation.reshape(shape) * (pictures - grey)
        return (mixed * self.gain.reshape(shape) + self.offset.reshape(shape)).clamp(-1, 1)


def _mirrored(batch: Batch, chosen: Tensor) -> Batch:
    """Windows mirrored left to right where `chosen` `[B]`; landmarks swap sides with the features they mark."""

    def pictures(x: Tensor) -> Tensor:
        return torch.where(chosen.reshape(-1, *(1,) * (x.ndim - 1)), x.flip(-1), x)

    # A pixel's centre x is at (i + 1/2); landmarks at x = i, so the mirror of i is W - 1 - i: -(x + 2 / W) on [-1, 1].
    width = batch.frames.shape[-1]

    def points(x: Tensor) -> Tensor:
        swapped = x[..., torch.as_tensor(MIRROR), :] * torch.tensor([-1.0, 1.0]) - torch.tensor([2 / width, 0.0])
        return torch.where(chosen.reshape(-1, *(1,) * (x.ndim - 1)), swapped, x)

    return replace(
        batch,
        identity=pictures(batch.identity),
        motion=pictures(batch.motion),
        frames=pictures(batch.frames),
        mouth=pictures(batch.mouth),
        landmarks=points(batch.landmarks),
        identity_landmarks=points(batch.identity_landmarks),
        landmarks_before=points(batch.landmarks_before),
    )
