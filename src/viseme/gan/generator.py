"""The generator: identity encoder, LSTM over sound and noise, upsampling CNN (paper section 4.1.1).

With `identity: vector` the photo reaches the picture through one embedding, as in the paper. With `identity: skip` the
encoder's feature maps join the upsampling CNN at every resolution, and what it draws is a change of the photo, so that
the detail of the face need not be remembered.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viseme.config.gan import GeneratorConfig
from viseme.nn.blocks import FiLM, group_norm, zeroed

SMALLEST = 4
"""Height and width of the smallest feature maps."""

State = tuple[Tensor, Tensor]


class Identity(NamedTuple):
    """What the encoder keeps of a photo: a vector `[B,hidden]`, its feature maps small to large, the photo itself."""

    vector: Tensor
    maps: list[Tensor]
    photo: Tensor


class IdentityEncoder(nn.Module):
    """Halves the photo down to 4x4, keeping a feature map at each resolution."""

    def __init__(self, widths: list[int], hidden: int) -> None:
        super().__init__()
        largest_first = widths[::-1]
        self.stem = nn.Conv2d(3, largest_first[0], 3, padding=1)
        self.stages = nn.ModuleList(
            nn.Sequential(group_norm(before), nn.SiLU(), nn.Conv2d(before, after, 4, stride=2, padding=1))
            for before, after in itertools.pairwise(largest_first)
        )
        self.vector = nn.Linear(widths[0] * SMALLEST**2, hidden)

    def forward(self, photo: Tensor) -> Identity:
        """`[B,3,H,W]` in [-1, 1]."""
        maps = [self.stem(photo)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return Identity(self.vector(F.silu(maps[-1]).flatten(1)), maps[::-1], photo)


class UpsamplingBlock(nn.Module):
    """Doubles the resolution, joins the photo's feature map there, convolves twice, modulated by the frame's state."""

    def __init__(self, channels: int, skip: int, out: int, hidden: int, upsample: bool) -> None:
        super().__init__()
        self.upsample = upsample
        self.conv_in = nn.Conv2d(channels + skip, out, 3, padding=1)
        self.norm_in, self.film = group_norm(out), FiLM(hidden, out)
        self.conv_out = nn.Conv2d(out, out, 3, padding=1)
        self.norm_out = group_norm(out)

    def forward(self, x: Tensor, skip: Tensor | None, state: Tensor) -> Tensor:
        """`[N,C,h,w]` to `[N,C',2h,2w]`; `state` is `[N,hidden]`."""
        if self.upsample:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        h = self.conv_in(x if skip is None else torch.cat([x, skip], dim=1))
        h = F.silu(self.film(self.norm_in(h), state))
        return h + F.silu(self.norm_out(self.conv_out(h)))


class Generator(nn.Module):
    """From a photo, sound and noise to frames.

    Args:
        config: widths and how identity enters.
        size: height and width of frames, 4 times a power of two.
        audio_width: D, numbers of sound a frame, behind the listener.
        listener: what sound passes first (`viseme.nn.listener`).
    """

    def __init__(self, config: GeneratorConfig, size: int, audio_width: int, listener: nn.Module | None = None) -> None:
        super().__init__()
        self.config = config
        levels = (size // SMALLEST).bit_length()
        widths = [min(config.width * 2**level, config.max_width) for level in reversed(range(levels))]
        hidden = config.hidden
        self.identity = IdentityEncoder(widths, hidden)
        self.listener = listener or nn.Identity()
        self.audio = nn.Sequential(nn.Linear(audio_width, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.lstm = nn.LSTM(2 * hidden + config.noise, hidden, config.layers, batch_first=True)
        self.start = nn.Linear(2 * hidden, widths[0] * SMALLEST**2)
        skips = widths if config.identity == "skip" else [0] * levels
        self.blocks = nn.ModuleList(
            UpsamplingBlock(before, skip, after, 2 * hidden, upsample=level > 0)
            for level, (before, skip, after) in enumerate(zip([widths[0], *widths], skips, widths, strict=False))
        )
        self.head = nn.Conv2d(widths[-1], 3, 3, padding=1)
        if config.identity == "skip":
            zeroed(self.head)

    def listen(
        self, identity: Identity, audio: Tensor, noise: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Run the LSTM: audio `[B,T,D]` and noise `[B,T,Z]` to states `[B,T,2 hidden]` and what to carry on.

        The frame's own sound stands beside the LSTM's output, so that what was just heard needs no memory.
        """
        heard = self.audio(self.listener(audio))
        vector = identity.vector[:, None].expand(-1, audio.shape[1], -1)
        states, carried = self.lstm(torch.cat([vector, heard, noise], dim=-1), state)
        return torch.cat([states, heard], dim=-1), carried

    def draw(self, identity: Identity, states: Tensor) -> Tensor:
        """Frames `[B,L,3,H,W]` in [-1, 1] of states `[B,L,2 hidden]`."""
        batch, length, _ = states.shape

        def each_frame(x: Tensor) -> Tensor:
            return x.repeat_interleave(length, dim=0)

        flat = states.flatten(0, 1)  # [BL, 2 hidden]
        h = self.start(flat).unflatten(1, (-1, SMALLEST, SMALLEST))  # [BL, C, 4, 4]
        for block, skip in zip(self.blocks, identity.maps, strict=True):
            h = block(h, each_frame(skip) if self.config.identity == "skip" else None, flat)
        out = self.head(h).float()
        frames: Tensor = each_frame(identity.photo) + out if self.config.identity == "skip" else out.tanh()
        return frames.reshape(batch, length, *frames.shape[1:])

    def forward(self, photo: Tensor, audio: Tensor, noise: Tensor, length: int) -> Tensor:
        """Hear all of `audio` `[B,W+L,D]` and draw its last `length` frames, `[B,L,3,H,W]`."""
        identity = self.identity(photo)
        states, _ = self.listen(identity, audio, noise)
        return self.draw(identity, states[:, -length:])
