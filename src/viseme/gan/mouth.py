"""A second look at the mouth alone: half the picture, around the window's mouth."""

from __future__ import annotations

import torch
from torch import Tensor

from viseme.data.faces import MOUTH


def mouth_crops(frames: Tensor, photo: Tensor, landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """Windows and photos cut to half their height and width.

    One place serves the whole window and its photo, the mean of points 48 to 67 over the frames, so that how the mouth
    moves is kept; near a border the cut is moved inside.

    Args:
        frames: `[B,L,3,S,S]`.
        photo: `[B,3,S,S]`.
        landmarks: `[B,L,68,2]`, xy / S * 2 - 1.

    Returns:
        `[B,L,3,S/2,S/2]` and `[B,3,S/2,S/2]`; the gradient flows to both.
    """
    size, side = frames.shape[-1], frames.shape[-1] // 2
    centres = (landmarks[:, :, MOUTH].mean(dim=(1, 2)) + 1) / 2 * size  # [B, (x, y)]
    corners = (centres - side / 2).round().int().clamp(0, size - side).tolist()
    pictures = torch.cat([frames, photo[:, None]], dim=1)
    cut = torch.stack(
        [one[..., y : y + side, x : x + side] for one, (x, y) in zip(pictures, corners, strict=True)]
    )  # [B, L+1, 3, S/2, S/2]
    return cut[:, :-1], cut[:, -1]
