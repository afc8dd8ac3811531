"""The generator: identity encoder, LSTM over sound and noise, upsampling CNN (paper section 4.1.1).

With `identity: vector` the photo reaches the picture through one embedding, as in the paper. With `identity: skip` the
encoder's feature maps join the upsampling CNN at every resolution, and what it draws is a change of the photo, so that
the detail of the face need not be remembered; with `warp` it also draws where each place of the photo moves, and with
`pose` it is told how the head is held.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viseme.config.gan import GeneratorConfig
from viseme.nn.blocks import FiLM, group_norm, zeroed
from viseme.nn.identity import SMALLEST, EmbeddingEncoder, Identity, IdentityEncoder, build_backbone
from viseme.nn.warp import warp
from viseme.pose.pose import POSE, flow_of
from viseme.pose.prior import PosePrior

REACH = 1 / 32
"""Share of the picture by which a 1 of the drawn flow moves it (assumed)."""
HEAD = 2.0
"""What is added to the drawn logits of how much each place goes with the head: at first 88 % (assumed)."""
State = tuple[Tensor, Tensor]


class Made(NamedTuple):
    """Frames `[B,L,3,H,W]`, and where there is a pose, what the prior loses on it."""

    frames: Tensor
    pose_loss: Tensor | None


class UpsamplingBlock(nn.Module):
    """Doubles the resolution, joins the photo's feature map there, convolves twice, modulated by the frame's state.

    Without numbers of state (`hidden` 0) nothing modulates it.
    """

    def __init__(self, channels: int, skip: int, out: int, hidden: int, upsample: bool) -> None:
        super().__init__()
        self.upsample = upsample
        self.conv_in = nn.Conv2d(channels + skip, out, 3, padding=1)
        self.norm_in, self.film = group_norm(out), FiLM(hidden, out) if hidden else None
        self.conv_out = nn.Conv2d(out, out, 3, padding=1)
        self.norm_out = group_norm(out)

    def forward(self, x: Tensor, skip: Tensor | None, state: Tensor) -> Tensor:
        """`[N,C,h,w]` to `[N,C',2h,2w]`; `state` is `[N,hidden]`."""
        if self.upsample:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        h = self.norm_in(self.conv_in(x if skip is None else torch.cat([x, skip], dim=1)))
        h = F.silu(h if self.film is None else self.film(h, state))
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
        backbone = build_backbone(config.backbone, tuned=config.backbone_tuned)
        self.identity: IdentityEncoder | EmbeddingEncoder
        if backbone is not None and config.identity == "vector":
            self.identity = EmbeddingEncoder(backbone, hidden)
        else:
            self.identity = IdentityEncoder(widths, hidden, backbone)
        self.listener = listener or nn.Identity()
        self.audio = nn.Sequential(nn.Linear(audio_width, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.pose = nn.Linear(POSE, hidden) if config.pose else None
        self.prior = PosePrior(audio_width) if config.pose else None
        self.lstm = nn.LSTM(2 * hidden + config.noise, hidden, config.layers, batch_first=True)
        modulated = config.decoder == "film"
        states = 2 * hidden if modulated else hidden
        self.start = nn.Linear(states, widths[0] * SMALLEST**2)
        skips = widths if config.identity == "skip" else [0] * levels
        self.blocks = nn.ModuleList(
            UpsamplingBlock(before, skip, after, states if modulated else 0, upsample=level > 0)
            for level, (before, skip, after) in enumerate(zip([widths[0], *widths], skips, widths, strict=False))
        )
        self.head = nn.Conv2d(widths[-1], 3 + 2 * config.warp + config.pose, 3, padding=1)
        if config.identity == "skip":
            zeroed(self.head)

    def listen(
        self, identity: Identity, audio: Tensor, noise: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Run the LSTM: audio `[B,T,D]` and noise `[B,T,Z]` to states `[B,T,S]` and what to carry on.

        With `decoder: film` the frame's own sound stands beside the LSTM's output (S = 2 hidden), so that what was just
        heard needs no memory; with `plain` there is that output alone (S = hidden).
        """
        heard = self.audio(self.listener(audio))
        vector = identity.vector[:, None].expand(-1, audio.shape[1], -1)
        states, carried = self.lstm(torch.cat([vector, heard, noise], dim=-1), state)
        return torch.cat([states, heard], dim=-1) if self.config.decoder == "film" else states, carried

    def draw(self, identity: Identity, states: Tensor, pose: Tensor | None = None) -> Tensor:
        """Frames `[B,L,3,H,W]` in [-1, 1] of states `[B,L,S]`; a change of the photo may overshoot a little.

        With `pose`, poses `[B,L,5]` (`viseme.pose.pose`) join the LSTM's output and move the photo.
        """
        batch, length, _ = states.shape
        skips = self.config.identity == "skip"

        def each_frame(x: Tensor) -> Tensor:
            return x.repeat_interleave(length, dim=0)

        flat = states.flatten(0, 1)  # [BL, S]
        held = None if pose is None else pose.flatten(0, 1)  # [BL, 5]
        if held is not None and self.pose is not None:
            moved = self.pose(held)
            flat = flat + F.pad(moved, (0, flat.shape[-1] - moved.shape[-1]))
        h = self.start(flat).unflatten(1, (-1, SMALLEST, SMALLEST))  # [BL, C, 4, 4]
        for level, block in enumerate(self.blocks):
            h = block(h, each_frame(identity.maps[level]) if skips else None, flat)
        out = self.head(h).float()
        frames = self._changed(each_frame(identity.photo), out, held) if skips else out.tanh()
        return frames.reshape(batch, length, *frames.shape[1:])

    def _changed(self, photo: Tensor, out: Tensor, pose: Tensor | None) -> Tensor:
        """The photo `[N,3,H,W]`, bent by the flow in channels 3 and 4 where `out` has them, plus channels 0 to 2.

        Channel 5 says how much each place goes with the head, whose pose moves it.
        """
        if out.shape[1] == 3:
            return photo + out
        flow = out[:, 3:5] * (REACH * photo.shape[-1])
        if pose is not None:
            flow = flow + (out[:, 5:] + HEAD).sigmoid() * flow_of(pose, photo.shape[-1])
        return warp(photo.float(), flow, self.config.warp_filter) + out[:, :3]

    def forward(self, photo: Tensor, audio: Tensor, noise: Tensor, length: int, pose: Tensor | None = None) -> Made:
        """Hear all of `audio` `[B,W+L,D]` and draw its last `length` frames, held as `pose` `[B,W+L,5]` says."""
        identity = self.identity(photo)
        states, _ = self.listen(identity, audio, noise)
        if pose is None or self.prior is None:
            return Made(self.draw(identity, states[:, -length:]), None)
        loss = self.prior(pose, self.listener(audio).detach())
        return Made(self.draw(identity, states[:, -length:], pose[:, -length:]), loss)

    def poses(self, audio: Tensor, rng: torch.Generator) -> Tensor:
        """Poses `[B,T,5]` drawn for sound `[B,T,D]`, the photo's own first; for a generator that takes them."""
        assert self.prior is not None
        return self.prior.draw(self.listener(audio), rng)
