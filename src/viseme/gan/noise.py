"""Noise that remembers: from a vector anew in every frame to one vector a clip, and the same in any chunks."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 8
"""Frames whose noise is drawn at once, whatever is asked for at once."""


def remembered(white: Tensor, memory: float, before: Tensor | None = None) -> Tensor:
    """Gaussian noise whose successive frames correlate: z_t = m z_(t-1) + sqrt(1 - m^2) e_t, z_0 = e_0.

    A stationary autoregressive process of first order: each frame's numbers are standard normal whatever m.

    Args:
        white: e, independent standard normal `[B,T,Z]`.
        memory: m in [0, 1].
        before: the frame before the first, `[B,Z]`; where None, a clip begins.

    Returns:
        z, `[B,T,Z]`; `white` itself where m is 0.
    """
    if memory == 0:
        return white
    fresh, frames = (1 - memory**2) ** 0.5, []
    for e in white.unbind(1):
        before = e if before is None else memory * before + fresh * e
        frames.append(before)
    return torch.stack(frames, dim=1)


class NoiseStream:
    """The noise of a rollout, taken a few frames at a time; how many at a time changes nothing.

    Args:
        batch, frames, width: of the whole rollout, `[B,T,Z]`.
        memory: correlation of successive frames.
        rng: where it comes from.
    """

    def __init__(self, batch: int, frames: int, width: int, memory: float, rng: torch.Generator) -> None:
        self._batch, self._left, self._width = batch, frames, width
        self._memory, self._rng = memory, rng
        self._ready = torch.empty((batch, 0, width), device=rng.device)
        self._last: Tensor | None = None

    def take(self, frames: int) -> Tensor:
        """The next `[B,frames,Z]`, on the generator's device."""
        while self._ready.shape[1] < frames:
            count = min(BLOCK, self._left)
            if not count:
                raise ValueError(f"{frames} frames of noise are asked for, and {self._ready.shape[1]} are left")
            self._left -= count
            white = torch.randn((self._batch, count, self._width), generator=self._rng, device=self._rng.device)
            block = remembered(white, self._memory, self._last)
            self._last = block[:, -1]
            self._ready = torch.cat([self._ready, block], dim=1)
        taken, self._ready = self._ready[:, :frames], self._ready[:, frames:]
        return taken
