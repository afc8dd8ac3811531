"""All pictures of training windows in one tensor, so that what changes a window changes every one of them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from viseme.types import Batch


def pictures_of(batch: Batch) -> Tensor:
    """Identity frame, k motion frames and L frames of each window, `[B,1+k+L,3,H,W]`."""
    motion = batch.motion.reshape(len(batch.motion), -1, 3, *batch.motion.shape[2:])  # [B, k, 3, H, W]
    return torch.cat([batch.identity[:, None], motion, batch.frames], dim=1)


def with_pictures(batch: Batch, pictures: Tensor) -> Batch:
    """The batch with the pictures that `pictures_of` gave, changed."""
    k = batch.motion.shape[1] // 3
    return replace(
        batch, identity=pictures[:, 0], motion=pictures[:, 1 : 1 + k].flatten(1, 2), frames=pictures[:, 1 + k :]
    )
