"""Between pictures as stored, uint8 `[...,H,W,3]`, and as networks see them, float32 `[...,3,H,W]` in [-1, 1]."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from viseme.types import UInt8


def to_signed(pictures: UInt8) -> Tensor:
    """uint8 `[...,H,W,3]` to float32 `[...,3,H,W]` in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).movedim(-1, -3).float().div_(127.5).sub_(1.0)


def luma(pictures: Tensor) -> Tensor:
    """BT.601 luma of RGB `[...,3,H,W]`, `[...,1,H,W]`, on the same scale."""
    red, green, blue = (pictures[..., channel : channel + 1, :, :] for channel in range(3))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def to_pixels(pictures: Tensor) -> UInt8:
    """Float `[...,3,H,W]` in [-1, 1] to uint8 `[...,H,W,3]`, rounded; what lies outside is clipped."""
    pixels = pictures.float().add(1.0).mul(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(pixels.movedim(-3, -1).cpu().numpy())
