"""How the embedded signals that drive a network come together: a FiLM each, one FiLM for all, or tokens to attend to.

Signals that are stacked one on another can drown each other; these are the ways to choose from. The timestep is no
such signal: it keeps a FiLM of its own in each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viseme.nn.blocks import group_norm, zeroed
from viseme.nn.embeddings import embedding_mlp

TOKENS = 4
"""Of each signal: four of a quarter of its embedding's width."""
LEVELS_WITH_TOKENS = 2
"""Resolutions, the lowest ones, whose residual blocks attend to tokens: there attention has few places to ask from, and
a face's parts are large enough to be asked about."""


class FilmFusion(nn.Module):
    """One FiLM a signal, in turn (the paper's section 4.2.2); nothing to learn here.

    Args:
        signals: their names.
        width: of each embedding.

    Attributes:
        films: whose FiLMs every residual block has, after the timestep's.
        token_width: of the tokens that blocks attend to; 0 where there are none.
    """

    token_width = 0

    def __init__(self, signals: Sequence[str], width: int) -> None:
        super().__init__()
        self.films: tuple[str, ...] = tuple(signals)

    def forward(self, embedded: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Embeddings by signal, `[B,width]` each, to what residual blocks are given beside the timestep's."""
        return dict(embedded)


class JointFusion(FilmFusion):
    """All embeddings concatenated, through one MLP, to one FiLM: two signals leave a block one scale and shift."""

    def __init__(self, signals: Sequence[str], width: int) -> None:
        super().__init__(("joint",), width)
        self.signals = tuple(signals)
        self.mlp = embedding_mlp(len(signals) * width, width)

    def forward(self, embedded: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`[B,width]` a signal to one `[B,width]`, named joint."""
        return {"joint": self.mlp(F.silu(torch.cat([embedded[name] for name in self.signals], dim=1)))}


class TokenFusion(FilmFusion):
    """Each embedding as four tokens of one sequence, which feature maps attend to (`CrossAttention`); no FiLM.

    Signals as tokens of one sequence are Diffusion Mamba's way (Teng et al. 2024). One norm brings the tokens of all
    signals to one scale, and each place of a feature map chooses between them.
    """

    def __init__(self, signals: Sequence[str], width: int) -> None:
        super().__init__((), width)
        self.token_width = width // TOKENS
        self.project = nn.ModuleDict({name: nn.Linear(width, TOKENS * self.token_width) for name in signals})
        self.norm = nn.LayerNorm(self.token_width)

    def forward(self, embedded: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`[B,width]` a signal to `[B,4 signals,width / 4]`, named tokens."""
        tokens = [
            project(F.silu(embedded[name])).unflatten(1, (TOKENS, self.token_width))
            for name, project in self.project.items()
        ]
        return {"tokens": self.norm(torch.cat(tokens, dim=1))}


FUSIONS: dict[str, type[FilmFusion]] = {"film": FilmFusion, "joint": JointFusion, "token": TokenFusion}


class CrossAttention(nn.Module):
    """Multi-head attention of the places of a feature map to tokens, with a residual (Rombach et al. 2022, 3.3).

    Args:
        channels: of the feature map.
        heads: that share them.
        token_width: of the tokens.
    """

    def __init__(self, channels: int, heads: int, token_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = group_norm(channels)
        self.query = nn.Conv2d(channels, channels, 1)
        self.key_value = nn.Linear(token_width, 2 * channels)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """`[B,C,H,W]` and `[B,N,token_width]` to `[B,C,H,W]`."""
        batch, channels, height, width = x.shape
        q = self.query(self.norm(x)).reshape(batch, self.heads, channels // self.heads, height * width)
        kv = self.key_value(tokens).reshape(batch, -1, 2, self.heads, channels // self.heads)
        k, v = kv.permute(2, 0, 3, 1, 4)  # each [B, heads, N, C / heads]
        h = F.scaled_dot_product_attention(q.transpose(-1, -2), k, v)  # [B, heads, HW, C / heads]
        return x + self.out(h.transpose(-1, -2).reshape(batch, channels, height, width))  # type: ignore[no-any-return]
