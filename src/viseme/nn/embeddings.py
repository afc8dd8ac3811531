"""Embeddings of what drives a network: timesteps and signals."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def timestep_embedding(timesteps: Tensor, width: int, longest: float = 10_000.0) -> Tensor:
    """Sinusoids of a timestep (Vaswani et al. 2017), cosines first: `[B]` to float32 `[B,width]`."""
    half = width // 2
    frequencies = torch.exp(
        -math.log(longest) * torch.arange(half, device=timesteps.device, dtype=torch.float32) / half
    )
    angles = timesteps.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def embedding_mlp(width_in: int, width_out: int) -> nn.Sequential:
    """Linear, SiLU, Linear: `[B,width_in]` to `[B,width_out]`."""
    return nn.Sequential(nn.Linear(width_in, width_out), nn.SiLU(), nn.Linear(width_out, width_out))
