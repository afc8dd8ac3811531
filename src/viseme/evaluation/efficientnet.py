"""EfficientNet-Lite0: features for a Frechet or kernel distance where nothing can be downloaded.

Its weights, trained on ImageNet, come inside a package. A distance on them is no FID, is never called one, and compares
with no published table.
"""

from __future__ import annotations

from pathlib import Path

import torch
from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.utils.fusion import fuse_conv_bn_eval

from viseme.errors import InputError
from viseme.evaluation.extractor import Extractor
from viseme.weights import known, read_state

PART = "efficientnet-lite0"
SIDE = 224
WIDTH = 1280
_PAIRS = (
    ("_expand_conv", "_bn0"),
    ("_depthwise_conv", "_bn1"),
    ("_project_conv", "_bn2"),
    ("_conv_stem", "_bn0"),
    ("_conv_head", "_bn1"),
)
"""The package's names of convolutions and of the batch norms that follow them."""


class _Pooled(nn.Module):
    """The network without its classifier: mean of its last feature map over the picture."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> Tensor:
        features: Tensor = self.network.extract_features(frames)  # type: ignore[operator]  # [N,1280,7,7]
        return features.mean(dim=(2, 3))


def efficientnet_lite0(path: Path, device: torch.device | str = "cpu") -> Extractor:
    """EfficientNet-Lite0 (Tan and Le, EfficientNet, 2019, in its Lite form of 2020), 1280 numbers a frame.

    Frames are resized to 224 pixels (bilinear, antialiased), then (x - 127) / 128 as it was trained.

    Args:
        path: of its weights; `weights.located("efficientnet-lite0")` finds those of the package.
        device: where it runs.

    Raises:
        InputError: the file is missing, damaged, or holds the weights of another network.
    """
    state = read_state(PART, path)
    network = EfficientNet.from_name(PART)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(f"{path}: holds the weights of another network; give {known(PART).file}") from error
    pooled = _Pooled(_folded(network.eval())).requires_grad_(False).to(memory_format=torch.channels_last).to(device)
    return Extractor(PART, WIDTH, _prepare, pooled, torch.device(device))


def _folded(network: nn.Module) -> nn.Module:
    """The same network with each batch norm folded into the convolution before it: a third less to do."""
    for module in list(network.modules()):
        for conv, norm in _PAIRS:
            if hasattr(module, conv) and hasattr(module, norm):
                setattr(module, conv, fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm)))
                setattr(module, norm, nn.Identity())
    return network


def _prepare(frames: Tensor) -> Tensor:
    large = interpolate(frames, size=(SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
    return (large - 127) / 128
