"""The losses of the paper (section 4.1.3) and the hinge loss in their place, from logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """L_D = -E[log D(x|c)] - E[log(1 - D(G(z|c)|c))], of logits `[B]`; -log sigma(a) = softplus(-a)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def adversarial_loss(fake: Tensor) -> Tensor:
    """-E[log D(G(z|c)|c)], the generator's non-saturating term, of logits `[B]`."""
    return F.softplus(-fake).mean()


def hinge_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """E[max(0, 1 - a(x))] + E[max(0, 1 + a(G(z)))], of logits `[B]`: past a margin of 1 nothing more is won.

    Source: Lim and Ye, Geometric GAN, 2017.
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_adversarial_loss(fake: Tensor) -> Tensor:
    """-E[a(G(z))], the generator's term of the hinge loss, of logits `[B]`: its pull never fades."""
    return -fake.mean()


@dataclass(frozen=True, slots=True)
class AdversarialLoss:
    """What the networks lower: the discriminator of logits of true and made windows, the generator of made ones."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


ADVERSARIAL = {
    "bce": AdversarialLoss(discriminator_loss, adversarial_loss),
    "hinge": AdversarialLoss(hinge_discriminator_loss, hinge_adversarial_loss),
}
"""By `loss.kind`."""


def squared_gradient(logits: Tensor, frames: Tensor) -> Tensor:
    """E||grad_x D(x)||^2, a scalar, of logits `[B]` or `[B,J]` and the frames `[B,L,3,H,W]` that they were made of.

    R1 is gamma/2 of it over true frames (Mescheder et al. 2018, eq. 9). Its graph is kept, so that it can be lowered.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), frames, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3, 4)).mean()


def pixel_loss(made: Tensor, truth: Tensor, mouth: Tensor, mouth_weight: float) -> Tensor:
    """L1 averaged over T, C, H and W of `[B,L,3,H,W]`, weighted in the mouth box `[B,L,1,H,W]`; 1 is the paper's."""
    return ((made - truth).abs() * (1 + (mouth_weight - 1) * mouth)).mean()


def signal_to_noise(made: Tensor, truth: Tensor) -> Tensor:
    """SNR of made against true frames in dB: 10 log10(sum truth^2 / sum (truth - made)^2), over values in [0, 1]."""
    made, truth = (made + 1) / 2, (truth + 1) / 2
    return 10 * (truth.square().sum() / (truth - made).square().sum().clamp(min=1e-12)).log10()
