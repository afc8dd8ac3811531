"""What the discriminator is shown of a window: other colours, another place, and how the gradient finds its way back.

Seen so, few windows are many, and it must find what is wrong with made ones instead of remembering the true ones. Both
kinds are changed, and the change is differentiable, so that the generator learns no such change (Zhao et al.,
Differentiable Augmentation for Data-Efficient GAN Training, NeurIPS 2020). Each window is changed as a whole together
with its photo, for their likeness and the motion are what is judged.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from viseme.nn.draws import rand

DRAWS = 5
"""Numbers that a window's change is made of: brightness, saturation, contrast, x and y."""
SHIFT = 1 / 8
"""Largest translation at strength 1, as a share of the picture."""


def draw_looks(count: int, rng: torch.Generator) -> Tensor:
    """What changes each of `count` windows: even on [0, 1), float32 `[count,5]`."""
    return rand((count, DRAWS), rng)


def augmented(
    frames: Tensor, photo: Tensor, landmarks: Tensor, looks: Tensor, strength: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Windows with their photos and landmarks, changed in colour and moved by whole pixels.

    Args:
        frames: `[B,L,3,H,W]` in [-1, 1].
        photo: `[B,3,H,W]`.
        landmarks: `[B,L,68,2]`, xy / size * 2 - 1; they are moved along.
        looks: what `draw_looks` gave, on the CPU.
        strength: 0 changes nothing; at 1 brightness is moved by up to 0.5, saturation multiplied by 0 to 2, contrast by
            0.5 to 1.5, and the picture moved by up to an eighth, 0 filling in.

    Returns:
        The three, changed; the gradient flows to frames and photo.
    """
    pictures = torch.cat([frames, photo[:, None]], dim=1)  # [B, L+1, 3, H, W]
    drawn = (2 * looks - 1) * strength  # each in [-strength, strength)
    colour = drawn[:, :3].to(pictures.device)
    brightness, saturation, contrast = (colour[:, i].view(-1, 1, 1, 1, 1) for i in range(3))
    pictures = pictures + 0.5 * brightness
    grey = pictures.mean(dim=2, keepdim=True)
    pictures = grey + (pictures - grey) * (1 + saturation)
    middle = pictures.mean(dim=(2, 3, 4), keepdim=True)
    pictures = middle + (pictures - middle) * (1 + 0.5 * contrast)
    size = frames.shape[-1]
    shifts = (drawn[:, 3:] * SHIFT * size).round().int()  # [B, (x, y)]
    pictures = torch.stack([_moved(one, x, y) for one, (x, y) in zip(pictures, shifts.tolist(), strict=True)])
    moved = landmarks + (shifts * (2 / size)).to(landmarks)[:, None, None]
    return pictures[:, :-1], pictures[:, -1], moved


def _moved(pictures: Tensor, x: int, y: int) -> Tensor:
    """`[...,H,W]` moved right by x and down by y pixels; negative padding crops."""
    return F.pad(pictures, (x, -x, y, -y))
