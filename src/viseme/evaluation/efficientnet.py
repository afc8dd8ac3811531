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

from viseme.errors import InputError
from viseme.evaluation.extractor import Extractor
from viseme.weights import known, read_state

PART = "efficientnet-lite0"
SIDE = 224
WIDTH = 1280


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
    pooled = _Pooled(network).eval().requires_grad_(False).to(device)
    return Extractor(PART, WIDTH, _prepare, pooled, torch.device(device))


def _prepare(frames: Tensor) -> Tensor:
    large = interpolate(frames, size=(SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
    return (large - 127) / 128
