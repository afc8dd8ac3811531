"""What a network keeps of a photo: an embedding, and its feature maps from small to large.

The embedding comes from the maps, or from a network trained on ImageNet (the paper's section 4.1: "a pre-trained
ResNet-18 model to generate image embeddings of identity frames").
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viseme.errors import InputError
from viseme.nn.blocks import group_norm
from viseme.nn.lpips import MEAN, STD
from viseme.weights import known, located, read_state

SMALLEST = 4
"""Height and width of the smallest feature maps."""
SEEN_SIZE = 224
"""Pixels a side that a photo is brought to (bilinear) for a backbone, whose training saw such (assumed)."""


class Identity(NamedTuple):
    """What an encoder keeps of a photo: a vector `[B,hidden]`, its feature maps small to large, the photo itself."""

    vector: Tensor
    maps: list[Tensor]
    photo: Tensor


class Backbone(nn.Module):
    """A network trained to name ImageNet's objects, up to the mean of its last feature map.

    Its batch norms always work by ImageNet's statistics, so that what it gives for a photo rests on no other photo of
    the batch; its weights are random until `take_pretrained`.

    Args:
        network: from pictures `[N,3,224,224]` to `[N,width]`.
        width: numbers it gives.
        part: its weights' name among the pretrained parts.
        mean, std: of the pictures in [0, 1] that it was trained on, by channel.
        tuned: whether it learns.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        network: nn.Module,
        width: int,
        part: str,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        *,
        tuned: bool = False,
    ) -> None:
        super().__init__()
        self.network, self.width, self.part = network.requires_grad_(tuned), width, part
        # (x + 1) / 2 is in [0, 1]; the network is shown ((x + 1) / 2 - mean) / std.
        self.register_buffer("shift", 2 * torch.tensor(mean).view(1, 3, 1, 1) - 1, persistent=False)
        self.register_buffer("scale", 2 * torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Training mode changes nothing in it."""
        del mode
        return super().train(False)

    def take_pretrained(self, path: Path | None = None) -> None:
        """Take the published weights, from a file or from where the registry finds them.

        Raises:
            InputError: the file is not here, is damaged, or holds the weights of another network.
        """
        place = located(self.part, path, instead="take one that comes with its package: --set model.backbone=lite0")
        own = self.network.state_dict()
        state = {name: value for name, value in read_state(self.part, place).items() if not _is_classifier(name)}
        # Older files do not count the batches that their statistics were taken over; nothing rests on it.
        state |= {name: own[name] for name in own if name.endswith("num_batches_tracked") and name not in state}
        try:
            self.network.load_state_dict(state)
        except RuntimeError as error:
            raise InputError(f"{place}: holds the weights of another network; give {known(self.part).file}") from error

    def forward(self, photo: Tensor) -> Tensor:
        """`[B,3,H,W]` in [-1, 1] to `[B,width]`."""
        size = (SEEN_SIZE, SEEN_SIZE)
        seen = F.interpolate(photo.float(), size=size, mode="bilinear", align_corners=False, antialias=True)
        return self.network((seen - self.shift) / self.scale)  # type: ignore[no-any-return]


def build_backbone(name: Literal["none", "resnet18", "lite0"], *, tuned: bool = False) -> Backbone | None:
    """The backbone of that name with random weights; None for "none"."""
    return _BACKBONES[name](tuned) if name != "none" else None


class IdentityEncoder(nn.Module):
    """Halves the photo down to 4x4, keeping a feature map at each resolution.

    Args:
        widths: channels of the maps, small to large.
        hidden: numbers of the embedding.
        backbone: what the embedding is taken from; the smallest map where None.
    """

    def __init__(self, widths: list[int], hidden: int, backbone: Backbone | None = None) -> None:
        super().__init__()
        largest_first = widths[::-1]
        self.stem = nn.Conv2d(3, largest_first[0], 3, padding=1)
        self.stages = nn.ModuleList(
            nn.Sequential(group_norm(before), nn.SiLU(), nn.Conv2d(before, after, 4, stride=2, padding=1))
            for before, after in itertools.pairwise(largest_first)
        )
        self.backbone = backbone
        self.vector = nn.Linear(widths[0] * SMALLEST**2 if backbone is None else backbone.width, hidden)

    def forward(self, photo: Tensor) -> Identity:
        """`[B,3,H,W]` in [-1, 1]."""
        maps = [self.stem(photo)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        known = F.silu(maps[-1]).flatten(1) if self.backbone is None else self.backbone(photo)
        return Identity(self.vector(known), maps[::-1], photo)


class EmbeddingEncoder(nn.Module):
    """The embedding of a pretrained backbone, projected (assumed), and no feature maps: the paper's way."""

    def __init__(self, backbone: Backbone, hidden: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.vector = nn.Linear(backbone.width, hidden)

    def forward(self, photo: Tensor) -> Identity:
        """`[B,3,H,W]` in [-1, 1]."""
        return Identity(self.vector(self.backbone(photo)), [], photo)


def _resnet18(tuned: bool) -> Backbone:
    # Here, for torchvision takes seconds to import.
    from torchvision.models import resnet18  # type: ignore[import-untyped]

    network = resnet18(weights=None)
    network.fc = nn.Identity()
    return Backbone(network, 512, "resnet18", MEAN, STD, tuned=tuned)


def _lite0(tuned: bool) -> Backbone:
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]

    network = EfficientNet.from_name("efficientnet-lite0")
    network._fc = nn.Identity()
    # It was trained on (x - 127) / 128 of x in [0, 255].
    return Backbone(network, 1280, "efficientnet-lite0", (127 / 255,) * 3, (128 / 255,) * 3, tuned=tuned)


_BACKBONES = {"resnet18": _resnet18, "lite0": _lite0}


def _is_classifier(name: str) -> bool:
    return name.startswith(("fc.", "_fc."))
