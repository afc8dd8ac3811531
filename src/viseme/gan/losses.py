"""The losses as the paper prints them (section 4.1.3), from logits."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """L_D = -E[log D(x|c)] - E[log(1 - D(G(z|c)|c))], of logits `[B]`; -log sigma(a) = softplus(-a)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def adversarial_loss(fake: Tensor) -> Tensor:
    """-E[log D(G(z|c)|c)], the generator's non-saturating term, of logits `[B]`."""
    return F.softplus(-fake).mean()


def pixel_loss(made: Tensor, truth: Tensor, mouth: Tensor, mouth_weight: float) -> Tensor:
    """L1 averaged over T, C, H and W of `[B,L,3,H,W]`, weighted in the mouth box `[B,L,1,H,W]`; 1 is the paper's."""
    return ((made - truth).abs() * (1 + (mouth_weight - 1) * mouth)).mean()


def signal_to_noise(made: Tensor, truth: Tensor) -> Tensor:
    """SNR of made against true frames in dB: 10 log10(sum truth^2 / sum (truth - made)^2), over values in [0, 1]."""
    made, truth = (made + 1) / 2, (truth + 1) / 2
    return 10 * (truth.square().sum() / (truth - made).square().sum().clamp(min=1e-12)).log10()
