"""FID's Inception: the network of 2015-12-05, whose pool3 features FID and KID are defined on.

Two conventions of resizing to 299 pixels and scaling are in use, and their numbers differ, so the one used is part of
the name: `pytorch`, pytorch-fid's, and `tensorflow1`, the original's and torch-fidelity's.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch_fidelity.feature_extractor_inceptionv3 import (  # type: ignore[import-untyped]
    FeatureExtractorInceptionV3,
    interpolate_bilinear_2d_like_tensorflow1x,
)

from viseme.errors import InputError
from viseme.evaluation.extractor import Extractor
from viseme.weights import known, read_state

Resizing = Literal["pytorch", "tensorflow1"]

PART = "fid-inception"
SIDE = 299
WIDTH = 2048


def inception(path: Path, resizing: Resizing = "pytorch", device: torch.device | str = "cpu") -> Extractor:
    """FID's Inception, 2048 numbers a frame.

    Args:
        path: `pt_inception-2015-12-05-6726825d.pth`, or other weights in its form.
        resizing: `pytorch`: bilinear, align_corners=False, no antialiasing, then x / 127.5 - 1; `tensorflow1`: bilinear
            with TensorFlow 1's corner convention, then (x - 128) / 128.
        device: where it runs.

    Raises:
        InputError: the file is missing, damaged, or holds the weights of another network.
    """
    state = read_state(PART, path)
    # torch-fidelity unpickles without restriction: it is given the tensors again, in a file that was written here.
    whole = io.BytesIO()
    torch.save(state, whole)
    whole.seek(0)
    try:
        network = FeatureExtractorInceptionV3("fid", [str(WIDTH)], feature_extractor_weights_path=whole)
    except RuntimeError as error:
        raise InputError(f"{path}: holds the weights of another network; give {known(PART).file}") from error
    # Its own forward resizes in one way only; its layers, in order, do not.
    layers = [layer for name, layer in network.named_children() if name != "fc"]
    pooled = nn.Sequential(*layers, nn.Flatten()).eval().requires_grad_(False).to(device)
    return Extractor(f"{PART}/{resizing}", WIDTH, PREPARE[resizing], pooled, torch.device(device))


def _pytorch(frames: Tensor) -> Tensor:
    large = interpolate(frames / 255, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return 2 * large - 1


def _tensorflow1(frames: Tensor) -> Tensor:
    large: Tensor = interpolate_bilinear_2d_like_tensorflow1x(frames, size=(SIDE, SIDE), align_corners=False)
    return (large - 128) / 128


PREPARE: Mapping[Resizing, Callable[[Tensor], Tensor]] = {"pytorch": _pytorch, "tensorflow1": _tensorflow1}
"""From frames in 0-255 to what the network is shown, `[N,3,299,299]` in about [-1,1]."""
