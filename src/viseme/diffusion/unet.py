"""The denoiser: guided-diffusion's U-Net, pictures stacked as channels, one FiLM per embedded signal in every block.

With base 192, multipliers 1, 2, 3, 4 and three blocks it has the 294 M parameters of the paper's Table 1; the tiny
preset is the same code with smaller numbers and pixels folded into channels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viseme.nn.blocks import ResidualBlock, SelfAttention, group_norm, zeroed
from viseme.nn.embeddings import embedding_mlp, timestep_embedding
from viseme.nn.fusion import LEVELS_WITH_TOKENS, CrossAttention, FilmFusion


class UNet(nn.Module):
    """Predicts from a noisy frame, its timestep, its reference pictures and its signals.

    Args:
        patch: pixels folded into channels before the first convolution and unfolded after the last.
        base: channels that `multipliers` multiply, one multiplier a resolution.
        blocks: residual blocks a resolution going down; one more going up.
        heads: attention heads.
        attention: resolutions, as indices of `multipliers`, whose residual blocks are each followed by self-attention;
            the middle block always has it.
        dropout: probability inside residual blocks.
        pictures: RGB pictures stacked with the noisy frame (identity and motion frames).
        signals: width of each signal vector by name, in the order in which they modulate.
        listener: what audio passes before it is embedded; it gives vectors of the width that `signals` says.
        film_norm: whether every signal's FiLM has a norm before it (`ResidualBlock`).
        optional: signals that may be absent; in the place of each a learned vector then stands for its embedding.
        fusion: how embedded signals reach the residual blocks. Tokens are attended to after each block of the two
            lowest resolutions, those that resample excepted, and after both blocks of the middle.
    """

    def __init__(
        self,
        *,
        patch: int,
        base: int,
        multipliers: tuple[int, ...],
        blocks: int,
        heads: int,
        dropout: float,
        pictures: int,
        signals: Mapping[str, int],
        attention: tuple[int, ...] = (),
        listener: nn.Module | None = None,
        film_norm: bool = False,
        optional: Collection[str] = (),
        fusion: type[FilmFusion] = FilmFusion,
    ) -> None:
        super().__init__()
        self.patch, self.base = patch, base
        width = 4 * base
        self.embed_timestep = embedding_mlp(base, width)
        self.listener = listener or nn.Identity()
        self.embed = nn.ModuleDict({name: embedding_mlp(size, width) for name, size in signals.items()})
        self.null = nn.ParameterDict({name: nn.Parameter(torch.zeros(width)) for name in optional})
        self.fusion = fusion(tuple(signals), width)
        names = ["timestep", *self.fusion.films]

        def block(channels: int, out: int, **kwargs: Any) -> ResidualBlock:
            return ResidualBlock(channels, out, width, names, dropout, film_norm=film_norm, **kwargs)

        def listen(channels: int, level: int) -> nn.Module | None:
            if self.fusion.token_width and level >= len(multipliers) - LEVELS_WITH_TOKENS:
                return CrossAttention(channels, heads, self.fusion.token_width)
            return None

        def attend(channels: int, level: int) -> nn.Module:
            return SelfAttention(channels, heads) if level in attention else nn.Identity()

        channels = base * multipliers[0]
        self.stem = nn.Conv2d((1 + pictures) * 3 * patch**2, channels, 3, padding=1)
        self.down, self.attend_down = nn.ModuleList(), nn.ModuleList()
        kept = [channels]
        for level, multiplier in enumerate(multipliers):
            for _ in range(blocks):
                self.down.append(block(channels, base * multiplier, attend=listen(base * multiplier, level)))
                channels = base * multiplier
                self.attend_down.append(attend(channels, level))
                kept.append(channels)
            if level < len(multipliers) - 1:
                self.down.append(block(channels, channels, resample="down"))
                self.attend_down.append(nn.Identity())
                kept.append(channels)
        self.middle_in = block(channels, channels, attend=listen(channels, len(multipliers) - 1))
        self.attention = SelfAttention(channels, heads)
        self.middle_out = block(channels, channels, attend=listen(channels, len(multipliers) - 1))
        self.up, self.attend_up = nn.ModuleList(), nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(multipliers))):
            for index in range(blocks + 1):
                inputs, channels = channels + kept.pop(), base * multiplier
                stage = nn.ModuleList([block(inputs, channels, attend=listen(channels, level))])
                self.attend_up.append(attend(channels, level))
                if level > 0 and index == blocks:
                    stage.append(block(channels, channels, resample="up"))
                self.up.append(stage)
        self.norm = group_norm(channels)
        self.head = zeroed(nn.Conv2d(channels, 3 * patch**2, 3, padding=1))

    def embed_signals(
        self, signals: Mapping[str, Tensor], absent: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Embed each signal and fuse them; once a frame suffices, whatever the number of steps.

        Args:
            signals: `[B,size]` each.
            absent: of an optional signal bool `[B]`, true where it is absent and its values count for nothing.

        Returns:
            What the fusion makes of embeddings `[B,4 base]`: those themselves where each signal has FiLMs of its own.
        """
        heard = {name: self.listener(value) if name == "audio" else value for name, value in signals.items()}
        embedded = {name: mlp(heard[name]) for name, mlp in self.embed.items()}
        for name, rows in (absent or {}).items():
            embedded[name] = torch.where(rows[:, None], self.null[name].to(embedded[name].dtype), embedded[name])
        return self.fusion(embedded)  # type: ignore[no-any-return]

    def forward(
        self,
        x_t: Tensor,
        timesteps: Tensor,
        pictures: Tensor,
        signals: Mapping[str, Tensor],
        absent: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """`denoise` with signals as `embed_signals` takes them: one call for training."""
        return self.denoise(x_t, timesteps, pictures, self.embed_signals(signals, absent))

    def denoise(self, x_t: Tensor, timesteps: Tensor, pictures: Tensor, signals: Mapping[str, Tensor]) -> Tensor:
        """Predict.

        Args:
            x_t: noisy frames `[B,3,H,W]`.
            timesteps: `[B]`, 0 the least noisy.
            pictures: reference pictures `[B,3 pictures,H,W]` in [-1, 1].
            signals: as `embed_signals` gives them.

        Returns:
            `[B,3,H,W]`, whatever the parameterisation takes it for.
        """
        embeddings = {"timestep": self.embed_timestep(timestep_embedding(timesteps, self.base)), **signals}
        h = self.stem(F.pixel_unshuffle(torch.cat([x_t, pictures], dim=1), self.patch))
        kept = [h]
        for block, attend in zip(self.down, self.attend_down, strict=True):
            h = attend(block(h, embeddings))
            kept.append(h)
        h = self.middle_out(self.attention(self.middle_in(h, embeddings)), embeddings)
        for stage, attend in zip(self.up, self.attend_up, strict=True):
            block, *resample = cast(nn.ModuleList, stage)
            h = attend(block(torch.cat([h, kept.pop()], dim=1), embeddings))
            for block in resample:
                h = block(h, embeddings)
        return F.pixel_shuffle(self.head(F.silu(self.norm(h))), self.patch)
