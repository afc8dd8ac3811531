"""The discriminator: a 3D CNN with a linear head that judges a window of video given its photo and its sound.

How it sees the condition is left open by the paper and chosen here: the identity frame is stacked with every frame as
channels, and the sound of each frame joins the feature maps as channels after the second convolution. Beside it may
stand a second one of the same kind that judges the mouth alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize

from viseme.audio.features import feature_width
from viseme.config.gan import DiscriminatorConfig, GanConfig
from viseme.nn.listener import build_listener
from viseme.nn.window_conv import WindowConv3d


class Discriminator(nn.Module):
    """Logits of windows of L frames, positive where they look real.

    Args:
        config: widths.
        size: height and width of frames.
        audio_width: D, numbers of sound a frame, behind the listener.
        listener: what sound passes first; its own, since it looks for other faults than the generator listens for.
    """

    def __init__(
        self, config: DiscriminatorConfig, size: int, audio_width: int, listener: nn.Module | None = None
    ) -> None:
        super().__init__()
        width, early = config.width, ((3, 4, 4), (1, 2, 2), (1, 1, 1))
        self.listener = listener or nn.Identity()
        self.audio = nn.Sequential(nn.Linear(audio_width, 128), nn.SiLU(), nn.Linear(128, config.audio_width))
        self.early = nn.Sequential(
            WindowConv3d(6, width, *early),
            nn.LeakyReLU(0.2),
            WindowConv3d(width, 2 * width, *early),
            nn.GroupNorm(1, 2 * width),
            nn.LeakyReLU(0.2),
        )
        late: list[nn.Module] = []
        channels, out, side = 2 * width + config.audio_width, 4 * width, size // 4
        while side > 4:
            late += [
                WindowConv3d(channels, out, (4, 4, 4), (2, 2, 2), (2, 1, 1)),
                nn.GroupNorm(1, out),
                nn.LeakyReLU(0.2),
            ]
            channels, out, side = out, min(2 * out, 8 * width), side // 2
        self.late = nn.Sequential(*late)
        self.head = nn.Linear(channels * side**2, 1)

    def forward(self, frames: Tensor, photo: Tensor, audio: Tensor) -> Tensor:
        """Frames `[B,L,3,H,W]`, photo `[B,3,H,W]`, audio `[B,L,D]` to logits `[B]`."""
        pictures = torch.cat([frames, photo[:, None].expand_as(frames)], dim=2)  # [B, L, 6, H, W]
        h = self.early(pictures.transpose(1, 2))  # [B, C, L, H/4, W/4]
        heard = self.audio(self.listener(audio)).transpose(1, 2)[..., None, None].expand(-1, -1, -1, *h.shape[-2:])
        h = self.late(torch.cat([h, heard.to(h.dtype)], dim=1))  # [B, C, L', 4, 4]
        return self.head(F.avg_pool3d(h, (h.shape[2], 1, 1)).flatten(1)).float()[:, 0]  # type: ignore[no-any-return]


class FaceAndMouth(nn.Module):
    """Two discriminators: of whole windows, and of windows cut to the mouth (`viseme.gan.mouth`)."""

    def __init__(self, face: Discriminator, mouth: Discriminator) -> None:
        super().__init__()
        self.face, self.mouth = face, mouth

    def forward(self, frames: Tensor, photo: Tensor, audio: Tensor, mouths: Tensor, mouth: Tensor) -> Tensor:
        """Windows and photos, whole and cut, with their sound to logits `[B,2]`, of the face and of the mouth."""
        return torch.stack([self.face(frames, photo, audio), self.mouth(mouths, mouth, audio)], dim=1)


def build_discriminator(config: GanConfig) -> Discriminator | FaceAndMouth:
    """The discriminator of a configuration, freshly initialised."""

    def of(size: int) -> Discriminator:
        listener, width = build_listener(config.audio, feature_width(config.audio))
        return Discriminator(config.discriminator, size, width, listener)

    whole = of(config.data.size)
    network = FaceAndMouth(whole, of(config.data.size // 2)) if config.discriminator.mouth else whole
    if config.discriminator.spectral_norm:
        limit_layers(network)
    return network


def limit_layers(network: nn.Module) -> None:
    """Divide each linear and convolutional layer by its largest singular value, as `power_iteration` last found it.

    Source: Miyato et al., Spectral Normalization for Generative Adversarial Networks, ICLR 2018.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.Conv3d):
            parametrizations.spectral_norm(layer)
    for _, norm in _limited(network):
        norm.eval()


@torch.no_grad()
def power_iteration(network: nn.Module) -> None:
    """Follow the singular values one iteration further, in all layers that `limit_layers` took in.

    Once a step and not in each forward pass, whose number depends on how a batch is divided.
    """
    for layer, norm in _limited(network):
        norm.train()
        layer.weight  # noqa: B018 (computing it iterates)
        norm.eval()


def _limited(network: nn.Module) -> Iterator[tuple[nn.Module, nn.Module]]:
    """The layers whose weight is computed, each with what computes it."""
    for layer in network.modules():
        if parametrize.is_parametrized(layer, "weight"):
            yield layer, layer.get_submodule("parametrizations")
