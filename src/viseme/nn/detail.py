"""How sharp a picture is, square by square: a distance that blur cannot please and a shift by a pixel hardly hurts."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from viseme.nn.images import luma

SQUARE = 8
"""Pixels a side of the squares in which sharpness is compared."""


def detail_distance(a: Tensor, b: Tensor) -> Tensor:
    """How differently sharp two pictures `[N,3,S,S]` are, square by square: `[N]`, 0 where they are as sharp."""
    ours, theirs = (F.avg_pool2d(_edges(pictures.float()), SQUARE) for pictures in (a, b))
    return (ours - theirs).abs().mean(dim=(1, 2, 3))


def _edges(pictures: Tensor) -> Tensor:
    """|Laplacian| of the luma, `[N,1,S,S]`."""
    p = F.pad(luma(pictures), (1, 1, 1, 1), mode="replicate")
    around = p[..., 1:-1, 2:] + p[..., 1:-1, :-2] + p[..., 2:, 1:-1] + p[..., :-2, 1:-1]
    return (around - 4 * p[..., 1:-1, 1:-1]).abs()
