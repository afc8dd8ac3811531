"""What moves the 68 landmarks by the sound, for a denoiser that is driven by them, and how it learns.

Sound says how mouth and jaw move, and nothing of the head: what it cannot say is left where the identity frame has it,
on average over the training frames.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viseme.audio.features import feature_width
from viseme.config.diffusion import DdpmConfig
from viseme.data.faces import MOUTH
from viseme.diffusion.companions import Companion
from viseme.nn.blocks import zeroed
from viseme.types import Batch, Float32

POINTS = 68


class LandmarkRegressor(nn.Module):
    """Two hidden layers from a frame's audio features and the identity frame's points to how far each point has moved.

    It begins as a face that stands still.

    Args:
        audio: numbers of a frame's features with their context.
        width: hidden units a layer.
    """

    def __init__(self, audio: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(audio + 2 * POINTS, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            zeroed(nn.Linear(width, 2 * POINTS)),
        )

    def forward(self, audio: Tensor, identity: Tensor) -> Tensor:
        """Features `[B,T,D]` and the identity frame's points `[B,68,2]` to displacements `[B,T,68,2]`.

        Points and displacements count as a model's input does: xy / size * 2 - 1, so that 2 is the whole picture.
        """
        points = identity.flatten(1)[:, None].expand(-1, audio.shape[1], -1)
        moved: Tensor = self.layers(torch.cat([audio, points], dim=-1))  # [B, T, 136]
        return moved.reshape(*audio.shape[:-1], POINTS, 2)


def build_regressor(config: DdpmConfig) -> LandmarkRegressor | None:
    """The regressor of a configuration, freshly initialised; None where `regressor.width` is 0."""
    width = config.regressor.width
    return LandmarkRegressor(feature_width(config.audio), width) if width else None


def regression_loss(predicted: Tensor, target: Tensor, mouth_weight: float) -> Tensor:
    """Mean squared error of displacements `[...,68,2]`, the mouth's points 48-67 weighing `mouth_weight` times as much.

    The square's optimum is the mean of what fits a sound, so that head motion, which does not depend on it, leaves the
    answer unbiased.
    """
    weight = torch.ones(POINTS, device=target.device)
    weight[MOUTH] = mouth_weight
    squared = (predicted.float() - target).square().mean(-1)  # [..., 68]
    return (squared * weight / weight.mean()).mean()


class Regression(Companion):
    """A regressor trained beside the denoiser."""

    name, lowered = "regressor", "landmark_loss"

    def __init__(self, regressor: LandmarkRegressor, config: DdpmConfig) -> None:
        super().__init__(regressor, config, config.regressor.learning_rate)
        self.mouth_weight = config.regressor.mouth_weight

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """`landmark_loss`, and `landmark_still`: the same loss of a face that stands still as in the identity frame."""
        heard = batch.audio[:, -batch.frames.shape[1] :]  # [B, L, D]
        target = batch.landmarks - batch.identity_landmarks[:, None]  # [B, L, 68, 2]
        moved = self.optimization.forward(heard, batch.identity_landmarks)
        return {
            "landmark_loss": regression_loss(moved, target, self.mouth_weight),
            "landmark_still": regression_loss(torch.zeros_like(target), target, self.mouth_weight),
        }


@torch.inference_mode()
def moved_by_sound(regressor: LandmarkRegressor, audio: Float32, identity: Float32, size: int) -> Float32:
    """The landmarks of a rollout, float32 `[T,68,2]` in pixels of frames of `size` pixels.

    Displacements are smoothed over time by a centred mean of 3 frames, the first and the last repeated beyond the ends;
    frame 0 is the identity's own points.

    Args:
        regressor: a trained one.
        audio: float32 `[T,D]`, features with their context.
        identity: float32 `[68,2]`, the identity frame's points in its pixels.
        size: of the frames.
    """
    device = next(regressor.parameters()).device
    points = torch.tensor(identity / np.float32(size) * 2 - 1, device=device)
    moved = regressor(torch.tensor(audio, device=device)[None], points[None])[0].flatten(1)  # [T, 136]
    padded = F.pad(moved.T[None], (1, 1), mode="replicate")
    smooth = F.avg_pool1d(padded, 3, stride=1)[0].T.reshape(-1, POINTS, 2)
    smooth[0] = 0
    return np.asarray(identity + (smooth * (size / 2)).cpu().numpy(), dtype=np.float32)
