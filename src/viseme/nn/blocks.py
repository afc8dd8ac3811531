"""FiLM, the residual block that it modulates, and self-attention: the parts of guided-diffusion's U-Net.

Dhariwal and Nichol 2021; the FiLM of further signals beside the timestep's is the paper's section 4.2.2:
x' = z_s Norm(x) + z_b with (z_s, z_b) = MLP(z), here written with z_s = 1 + scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def zeroed(module: ModuleT) -> ModuleT:
    """The module with all its parameters set to zero, so that its branch begins as nothing."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


def group_norm(channels: int) -> nn.GroupNorm:
    """GroupNorm of 32 groups, fewer where the channels do not divide by 32."""
    groups = next(g for g in (32, 16, 8, 4, 2, 1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)


class FiLM(nn.Module):
    """Scale and shift of feature maps `[B,C,H,W]` by an embedding `[B,E]` (Perez et al. 2018)."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, 2 * channels)

    def scale_and_shift(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """`[B,E]` to 1 + scale and shift, each `[B,C]`."""
        scale, shift = self.project(F.silu(embedding)).chunk(2, dim=1)
        return 1 + scale, shift

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """`[B,C,H,W]` and `[B,E]` to `[B,C,H,W]`."""
        return modulated(x, *self.scale_and_shift(embedding))


def modulated(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """scale x + shift, of `[B,C,H,W]` by `[B,C]` each."""
    # Not addcmul, which on the CPU is up to five times slower where it broadcasts.
    return x * scale[:, :, None, None] + shift[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each after GroupNorm and SiLU, the second norm modulated by one FiLM per signal in turn.

    With `film_norm` each FiLM but the first has a GroupNorm of its own before it, with nothing to learn, so that none
    meets a scale that another has left; parameters are the same with and without.
    Where it is given `attend`, its output attends to the embedding named tokens (`viseme.nn.fusion`).
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        width: int,
        signals: Sequence[str],
        dropout: float = 0.0,
        resample: Literal["up", "down"] | None = None,
        film_norm: bool = False,
        attend: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.resample, self.film_norm, self.attend = resample, film_norm, attend
        self.recomputed = False
        """Whether what the backward pass needs is computed again then instead of kept; the gradients are the same."""
        self.norm_in = group_norm(channels)
        self.conv_in = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.norm_out = group_norm(out_channels)
        self.films = nn.ModuleDict({signal: FiLM(width, out_channels) for signal in signals})
        self.dropout = nn.Dropout(dropout)
        self.conv_out = zeroed(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        self.skip = nn.Identity() if channels == out_channels else nn.Conv2d(channels, out_channels, 1)

    def _resampled(self, x: Tensor) -> Tensor:
        if self.resample == "up":
            return F.interpolate(x, scale_factor=2, mode="nearest")
        return F.avg_pool2d(x, 2) if self.resample == "down" else x

    def forward(self, x: Tensor, embeddings: Mapping[str, Tensor]) -> Tensor:
        """`[B,C,H,W]` to `[B,C',H',W']`; `embeddings[signal]` is `[B,E]`."""
        if self.recomputed and torch.is_grad_enabled():
            return checkpoint(self._computed, x, embeddings, use_reentrant=False)
        return self._computed(x, embeddings)

    def _computed(self, x: Tensor, embeddings: Mapping[str, Tensor]) -> Tensor:
        h = self.conv_in(self._resampled(F.silu(self.norm_in(x))))
        h = self.norm_out(h)
        if self.film_norm:
            h = self._normed_between(h, embeddings)
        else:
            h = modulated(h, *self._in_turn(embeddings))
        h = self.conv_out(self.dropout(F.silu(h)))
        h = self.skip(self._resampled(x)) + h
        return h if self.attend is None else self.attend(h, embeddings["tokens"])  # type: ignore[no-any-return]

    def _normed_between(self, h: Tensor, embeddings: Mapping[str, Tensor]) -> Tensor:
        for index, (signal, film) in enumerate(self.films.items()):
            h = film(F.group_norm(h, self.norm_out.num_groups) if index else h, embeddings[signal])
        return h

    def _in_turn(self, embeddings: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """All FiLMs, one after another, as one scale and shift `[B,C]`: s2 (s1 x + b1) + b2, worked out on vectors."""
        (scale, shift), *rest = (
            cast(FiLM, film).scale_and_shift(embeddings[signal]) for signal, film in self.films.items()
        )
        for more, added in rest:
            scale, shift = scale * more, shift * more + added
        return scale, shift


def recompute_activations(network: nn.Module) -> None:
    """Let all residual blocks of a network compute their activations again in the backward pass."""
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            module.recomputed = True


class SelfAttention(nn.Module):
    """Multi-head self-attention over the places of a feature map, with a residual."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = group_norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """`[B,C,H,W]` to `[B,C,H,W]`."""
        batch, channels, height, width = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, 3, self.heads, channels // self.heads, height * width)
        q, k, v = qkv.transpose(-1, -2).unbind(1)  # each [B, heads, HW, C / heads]
        h = F.scaled_dot_product_attention(q, k, v).transpose(-1, -2).reshape(batch, channels, height, width)
        return x + self.out(h)  # type: ignore[no-any-return]
