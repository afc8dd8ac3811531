"""Bending a picture by a flow field: what moves keeps its detail."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def warp(pictures: Tensor, flow: Tensor, filter: str = "bilinear") -> Tensor:
    """Pictures read off at displaced places: out(p) = picture(p + flow(p)) (Jaderberg et al. 2015).

    Args:
        pictures: float `[N,C,H,W]`; past their border they go on as they end.
        flow: float32 `[N,2,H,W]`, (x, y) in pixels; where it is NaN, so are the pictures.
        filter: bilinear or bicubic, which keeps more detail and may overshoot.

    Returns:
        `[N,C,H,W]`; the gradient flows to both.
    """
    height, width = pictures.shape[2:]
    # The middle of pixel x of W lies at (2 x + 1) / W - 1.
    x = (2 * torch.arange(width, device=flow.device) + 1) / width - 1 + flow[:, 0] * (2 / width)  # [N, H, W]
    y = ((2 * torch.arange(height, device=flow.device) + 1) / height - 1)[:, None] + flow[:, 1] * (2 / height)
    grid = torch.stack([x, y], dim=-1)
    lost = grid.isnan().any(dim=-1)[:, None]  # the gradient of grid_sample reads outside the picture there
    read = F.grid_sample(pictures, grid.nan_to_num(), mode=filter, padding_mode="border", align_corners=False)
    return read.masked_fill(lost, torch.nan)
