"""Turned, scaled and shifted training windows: the whole window under one similarity transform, landmarks with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from viseme.data.window_pictures import pictures_of, with_pictures
from viseme.nn.draws import rand
from viseme.types import Batch


@dataclass(frozen=True, slots=True)
class Affine:
    """How far a window may be moved; every draw is even within its range.

    Attributes:
        rotation: degrees either way.
        scale: lengths are multiplied by 1 / (1 + scale) to 1 + scale, even in the logarithm.
        shift: share of the picture either way, in x and in y.
    """

    rotation: float = 0.0
    scale: float = 0.0
    shift: float = 0.0

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """A transform a window, float32 `[count,2,3]`, of coordinates in which the picture spans [-1, 1]."""
        drawn = 2 * rand((count, 4), rng) - 1
        angle = drawn[:, 0] * math.radians(self.rotation)
        factor = torch.exp(drawn[:, 1] * math.log1p(self.scale))
        cos, sin = factor * angle.cos(), factor * angle.sin()
        shift = 2 * self.shift * drawn[:, 2:]
        rows = [cos, -sin, shift[:, 0], sin, cos, shift[:, 1]]
        return torch.stack(rows, dim=-1).reshape(count, 2, 3)


def moved(batch: Batch, matrices: Tensor) -> Batch:
    """Windows under transforms `[B,2,3]`: pictures and mouth boxes are drawn anew, landmarks follow.

    Pictures are read off bicubically, which keeps more of their sharpness than bilinear reading; past their border
    they go on as they end, as those of a store do. A turned mouth box stays a turned box of zeros and ones.
    """
    pictures, windows = pictures_of(batch), len(batch.frames)
    linear, shift = matrices[:, :, :2], matrices[:, :, 2]
    back = torch.linalg.inv(linear)
    inverse = torch.cat([back, -(back @ shift[..., None])], dim=-1)
    grid = F.affine_grid(inverse, [windows, 1, *pictures.shape[-2:]], align_corners=False)
    flat = F.grid_sample(pictures.flatten(1, 2), grid, mode="bicubic", padding_mode="border", align_corners=False)
    mouth = F.grid_sample(batch.mouth.flatten(1, 2), grid, mode="nearest", padding_mode="zeros", align_corners=False)

    # A landmark x lies at 2 x / W - 1, the centre of that pixel at (2 x + 1) / W - 1, where transforms are at home.
    half = 1 / pictures.shape[-1]

    def points(x: Tensor) -> Tensor:
        rest = (1,) * (x.ndim - 3)
        turned = linear.reshape(windows, *rest, 2, 2)
        return (x + half) @ turned.mT + shift.reshape(windows, *rest, 1, 2) - half

    return replace(
        with_pictures(batch, flat.clamp(-1, 1).reshape(pictures.shape)),
        mouth=mouth.reshape(batch.mouth.shape),
        landmarks=points(batch.landmarks),
        identity_landmarks=points(batch.identity_landmarks),
        landmarks_before=points(batch.landmarks_before),
    )
