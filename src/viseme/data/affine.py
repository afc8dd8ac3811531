"""Turned, scaled, shifted and bent training windows: the whole window under one transform, landmarks with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from viseme.data.window_pictures import pictures_of, with_pictures
from viseme.nn.draws import rand
from viseme.types import Batch

CELLS = 4
"""Places a side at which a bend is drawn; between them it is smooth."""
TURNS = 3
"""Rounds in which a landmark's place behind a bend is found; each halves what is left, and more."""


@dataclass(frozen=True, slots=True)
class Affine:
    """How far a window may be moved; every draw is even within its range.

    Attributes:
        rotation: degrees either way.
        scale: lengths are multiplied by 1 / (1 + scale) to 1 + scale, even in the logarithm.
        shift: share of the picture either way, in x and in y.
        bend: of a smooth displacement on top, share of the picture either way, in x and in y.
    """

    rotation: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    bend: float = 0.0

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """A transform a window, float32 `[count,2,3]`, of coordinates in which the picture spans [-1, 1]."""
        drawn = 2 * rand((count, 4), rng) - 1
        angle = drawn[:, 0] * math.radians(self.rotation)
        factor = torch.exp(drawn[:, 1] * math.log1p(self.scale))
        cos, sin = factor * angle.cos(), factor * angle.sin()
        shift = 2 * self.shift * drawn[:, 2:]
        rows = [cos, -sin, shift[:, 0], sin, cos, shift[:, 1]]
        return torch.stack(rows, dim=-1).reshape(count, 2, 3)

    def draw_bends(self, count: int, rng: torch.Generator) -> Tensor | None:
        """A smooth displacement a window, float32 `[count,2,CELLS,CELLS]` in those coordinates; None without."""
        return 2 * self.bend * (2 * rand((count, 2, CELLS, CELLS), rng) - 1) if self.bend else None


def moved(batch: Batch, matrices: Tensor, bends: Tensor | None = None) -> Batch:
    """Windows under transforms `[B,2,3]`: pictures and mouth boxes are drawn anew, landmarks follow.

    Pictures are read off bicubically, which keeps more of their sharpness than bilinear reading; past their border
    they go on as they end, as those of a store do. Pictures larger than the mouth boxes are reduced to their size by
    area averaging afterwards, and then keep nearly all of it. A turned mouth box stays a turned box of zeros and ones.

    Args:
        batch: the windows.
        matrices: their transforms.
        bends: what a place is displaced by before it is read off, `[B,2,CELLS,CELLS]`.
    """
    pictures, windows, side = pictures_of(batch), len(batch.frames), batch.mouth.shape[-1]
    linear, shift = matrices[:, :, :2], matrices[:, :, 2]
    back = torch.linalg.inv(linear)
    inverse = torch.cat([back, -(back @ shift[..., None])], dim=-1)

    def places(size: int) -> Tensor:
        """Where the pixels of pictures of this size are read off, `[B,size,size,2]`."""
        plain = F.affine_grid(inverse, [windows, 1, size, size], align_corners=False)
        return plain if bends is None else plain + displaced(bends, plain)

    grid = places(pictures.shape[-1])
    flat = F.grid_sample(pictures.flatten(1, 2), grid, mode="bicubic", padding_mode="border", align_corners=False)
    flat = F.avg_pool2d(flat.clamp(-1, 1), pictures.shape[-1] // side)
    boxes = batch.mouth.flatten(1, 2)
    mouth = F.grid_sample(boxes, places(side), mode="nearest", padding_mode="zeros", align_corners=False)

    # A landmark x lies at 2 x / W - 1, the centre of that pixel at (2 x + 1) / W - 1, where transforms are at home.
    half = 1 / side

    def points(x: Tensor) -> Tensor:
        flat = x.reshape(windows, -1, 2) + half
        source = flat
        for _ in range(TURNS if bends is not None else 0):  # source + displacement there = the landmark
            assert bends is not None
            source = flat - displaced(bends, source[:, :, None])[:, :, 0]
        return (source @ linear.mT + shift[:, None] - half).reshape(x.shape)

    return replace(
        with_pictures(batch, flat.reshape(*pictures.shape[:3], side, side)),
        mouth=mouth.reshape(batch.mouth.shape),
        landmarks=points(batch.landmarks),
        identity_landmarks=points(batch.identity_landmarks),
        landmarks_before=points(batch.landmarks_before),
    )


def displaced(bends: Tensor, places: Tensor) -> Tensor:
    """The displacement at places `[B,h,w,2]` of bends `[B,2,g,g]`, `[B,h,w,2]`; past the border as there."""
    found = F.grid_sample(bends, places, mode="bicubic", padding_mode="border", align_corners=True)
    return found.permute(0, 2, 3, 1)
