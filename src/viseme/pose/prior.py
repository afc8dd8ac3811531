"""Where a head goes next: a small autoregressive mixture of Gaussians over poses, learned beside a generator.

What comes next depends on the last few poses and on the sound, and is not one thing: mostly the head goes on as it did,
and now and then the eyes shut. A mixture density network (Bishop 1994) says both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from viseme.config.sections import HISTORY
from viseme.nn.blocks import zeroed
from viseme.pose.pose import POSE
from viseme.types import Conditioning

HOMEWARD = 0.02
"""Share of its way that a pose goes back towards the photo's in a frame, whatever the network says."""
_COMPONENTS, _WIDTH, _HEARD = 4, 96, 16
_QUICK, _RANGE = 8.0, 6.0  # successive poses differ little: what multiplies differences; and where history is cut off


class PosePrior(nn.Module):
    """The density of the next pose, given the `HISTORY` poses before and the frame's sound.

    A component's mean is the last pose, drawn `HOMEWARD`, plus a change of less than 1, and its width is at most 1; so
    a rollout cannot run away from the photo, however long it is.

    Args:
        audio_width: D, numbers of sound a frame.
    """

    def __init__(self, audio_width: int) -> None:
        super().__init__()
        self.audio = nn.Linear(audio_width, _HEARD)
        self.layers = nn.Sequential(
            nn.Linear(HISTORY * POSE + _HEARD, _WIDTH),
            nn.SiLU(),
            nn.Linear(_WIDTH, _WIDTH),
            nn.SiLU(),
            zeroed(nn.Linear(_WIDTH, _COMPONENTS * (1 + 2 * POSE))),
        )
        # Components begin apart in width, from 0.05 to 0.4 a frame, or none of them would ever become the rare one.
        widths = torch.linspace(math.log(0.05), math.log(0.4), _COMPONENTS)
        self.widths = nn.Parameter(widths[:, None].repeat(1, POSE))

    def forward(self, poses: Tensor, audio: Tensor) -> Tensor:
        """Negative log-likelihood of poses `[B,T,5]`, T above `HISTORY`, with their sound `[B,T,D]`: nats a number."""
        before = poses[:, :-1].unfold(1, HISTORY, 1).mT  # [B, T-K, K, 5]
        logits, mean, log_width = self._next(before, audio[:, HISTORY:])
        off = (poses[:, HISTORY:, None] - mean) * (-log_width).exp()
        density = -0.5 * (off.square() + math.log(2 * math.pi)) - log_width  # [B, T-K, M, 5]
        return -torch.logsumexp(logits.log_softmax(-1) + density.sum(-1), dim=-1).mean() / POSE

    @torch.no_grad()
    def draw(self, audio: Tensor, rng: torch.Generator) -> Tensor:
        """Poses `[B,T,5]` for sound `[B,T,D]`, from the photo's own on; on the audio's device."""
        batch, frames, _ = audio.shape
        white = torch.randn((frames, batch, POSE), generator=rng, device=rng.device).to(audio.device)
        chance = torch.rand((frames, batch, 1), generator=rng, device=rng.device).to(audio.device)
        poses = [audio.new_zeros((batch, POSE), dtype=torch.float32)] * HISTORY
        for t in range(1, frames):
            logits, mean, log_width = self._next(torch.stack(poses[-HISTORY:], dim=1), audio[:, t])
            below = (logits.softmax(-1).cumsum(-1) < chance[t]).sum(-1).clamp(max=_COMPONENTS - 1)  # [B]
            rows = torch.arange(batch, device=audio.device)
            poses.append(mean[rows, below] + log_width[rows, below].exp() * white[t])
        return torch.stack(poses[HISTORY - 1 :], dim=1)

    def _next(self, before: Tensor, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits `[...,M]`, means and logarithms of widths `[...,M,5]`; of poses `[...,K,5]` and sound `[...,D]`."""
        last, changes = before[..., -1, :], before.diff(dim=-2)
        seen = torch.cat([last[..., None, :], _QUICK * changes], dim=-2).clamp(-_RANGE, _RANGE).flatten(-2)
        out = self.layers(torch.cat([seen, self.audio(audio)], dim=-1)).float()
        logits, change, narrower = out.split([_COMPONENTS, _COMPONENTS * POSE, _COMPONENTS * POSE], dim=-1)
        shape = (_COMPONENTS, POSE)
        mean = (1 - HOMEWARD) * last[..., None, :] + change.unflatten(-1, shape).tanh()
        return logits, mean, (self.widths + narrower.unflatten(-1, shape)).clamp(-5, 0)


def rollout_poses(
    draw: Callable[[Tensor, torch.Generator], Tensor],
    conditionings: Sequence[Conditioning],
    device: torch.device,
    rng: torch.Generator,
) -> Tensor:
    """How heads are held in each frame of a rollout, `[B,T,5]`, drawn before all else and for the longest clip.

    Args:
        draw: poses of sound `[B,T,D]`, as `PosePrior.draw`.
        conditionings: of the clips; past a clip's end its last sound goes on.
        device: of the networks.
        rng: the generator.
    """
    times = np.arange(max(c.frames for c in conditionings))
    audio = np.stack([c.audio[times.clip(0, c.frames - 1)] for c in conditionings])
    return draw(torch.from_numpy(audio).to(device), rng)
