"""Inception I3D from a file of plain weights: the features of short clips that FVD is computed on.

The Frechet distance of these features is FVD (Unterthiner et al., Towards Accurate Generative Models of Video, 2018).
Programs differ in the file of weights, the resizing, the choice of clips and their length, and so in the number:
compare within one file, one convention, one count of clips.
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from viseme.errors import InputError
from viseme.types import Float32, UInt8
from viseme.weights import read_plain

NAME = "i3d"
SIDE = 224
WIDTH = 400
"""Classes of Kinetics-400, whose logits are the features."""
SHORTEST = 9
"""Frames: eight-fold stride leaves ceil(T / 8) steps, and the last pooling takes two of them together."""
FVD_FRAMES = 16
EPSILON = 1e-3
"""Of batch normalization, as in the TensorFlow original and in pytorch-i3d. No file of weights says it; the programs
around `i3d_pretrained_400.pt` (VideoGPT's, cd-fvd) take 1e-5, and their features differ from these."""

Axes = tuple[int, int, int]
"""Of time, height and width."""

MIXED: Mapping[str, tuple[int, int, int, int, int, int]] = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
"""Widths of the units b0, b1a, b1b, b2a, b2b, b3b of each Inception block."""
POOLED_BEFORE: Mapping[str, tuple[str, Axes, Axes]] = {
    "Mixed_3b": ("MaxPool3d_3a_3x3", (1, 3, 3), (1, 2, 2)),
    "Mixed_4b": ("MaxPool3d_4a_3x3", (3, 3, 3), (2, 2, 2)),
    "Mixed_5b": ("MaxPool3d_5a_2x2", (2, 2, 2), (2, 2, 2)),
}
"""Block -> the pooling in front of it: name, kernel, stride."""


class Same(nn.Module):
    """TensorFlow's SAME padding with zeros: ceil(size / stride) positions, an odd zero at the end."""

    def __init__(self, kernel: Axes, stride: Axes) -> None:
        super().__init__()
        self.axes = tuple(zip(kernel, stride, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """`[N,C,T,H,W]`, each of the last three axes as long as its kernel needs."""
        zeros: list[int] = []
        for size, (kernel, stride) in zip(x.shape[2:], self.axes, strict=True):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            zeros = [total // 2, total - total // 2, *zeros]
        return pad(x, zeros)


def _unit(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalization, ReLU."""
    unit = nn.Sequential()
    unit.add_module("same", Same((kernel,) * 3, (stride,) * 3))
    unit.add_module("conv3d", nn.Conv3d(inputs, outputs, kernel, stride, bias=False))
    unit.add_module("bn", nn.BatchNorm3d(outputs, eps=EPSILON))
    unit.add_module("relu", nn.ReLU(inplace=True))
    return unit


def _pool(kernel: Axes, stride: Axes) -> nn.Sequential:
    """Maximum; what comes in is never below 0, so that padding with zeros does not change it."""
    return nn.Sequential(Same(kernel, stride), nn.MaxPool3d(kernel, stride))


class InceptionBlock(nn.Module):
    """Four branches side by side, the widths as in `MIXED`."""

    def __init__(self, inputs: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        b0, b1a, b1b, b2a, b2b, b3b = widths
        self.b0 = _unit(inputs, b0)
        self.b1a = _unit(inputs, b1a)
        self.b1b = _unit(b1a, b1b, 3)
        self.b2a = _unit(inputs, b2a)
        self.b2b = _unit(b2a, b2b, 3)
        self.b3a = _pool((3, 3, 3), (1, 1, 1))
        self.b3b = _unit(inputs, b3b)

    def forward(self, x: Tensor) -> Tensor:
        """`[N,C,T,H,W]` to `[N,b0+b1b+b2b+b3b,T,H,W]`."""
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], dim=1)


class I3D(nn.Module):
    """Inception I3D for RGB (Carreira and Zisserman, Quo Vadis, Action Recognition?, 2017, figure 3).

    The state dict has the names and shapes of pytorch-i3d's `rgb_imagenet.pt`. Dropout is left out: it does nothing
    once the network is trained. The last pooling averages over whatever height and width are left, 7 x 7 of 224.
    """

    def __init__(self) -> None:
        super().__init__()
        self.add_module("Conv3d_1a_7x7", _unit(3, 64, 7, 2))
        self.add_module("MaxPool3d_2a_3x3", _pool((1, 3, 3), (1, 2, 2)))
        self.add_module("Conv3d_2b_1x1", _unit(64, 64))
        self.add_module("Conv3d_2c_3x3", _unit(64, 192, 3))
        width = 192
        for name, widths in MIXED.items():
            if name in POOLED_BEFORE:
                pooling, kernel, stride = POOLED_BEFORE[name]
                self.add_module(pooling, _pool(kernel, stride))
            self.add_module(name, InceptionBlock(width, widths))
            width = widths[0] + widths[2] + widths[4] + widths[5]
        self.logits = nn.Sequential()
        self.logits.add_module("conv3d", nn.Conv3d(width, WIDTH, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Logits `[N,400]`, averaged over time, of clips `[N,3,T,H,W]` in [-1,1], T at least 9."""
        for name, layer in self.named_children():
            if name != "logits":
                x = layer(x)  # in the end [N,1024,ceil(T/8),ceil(H/32),ceil(W/32)]
        steps = x.mean(dim=(3, 4), keepdim=True)
        pairs = (steps[:, :, 1:] + steps[:, :, :-1]) / 2
        logits: Tensor = self.logits(pairs)
        return logits.mean(dim=(2, 3, 4))


@dataclass(frozen=True, slots=True)
class VideoExtractor:
    """Features of each clip as a whole.

    Attributes:
        name: of the network.
        width: D, numbers a clip.
        network: gives `[N,D]` of `[N,3,T,224,224]` in [-1,1]; it does not train.
        device: where it runs.
    """

    name: str
    width: int
    network: nn.Module
    device: torch.device

    def __call__(self, clips: UInt8, batch: int = 1) -> Float32:
        """Features float32 `[N,D]` of clips uint8 `[N,T,H,W,3]` RGB; the batch changes memory and speed alone.

        Each frame is resized to 224 x 224 (bilinear, align_corners=False, no antialiasing, a frame that is not square
        is stretched), then x / 127.5 - 1.

        Raises:
            InputError: fewer than 9 frames a clip.
            ValueError: another shape or type.
        """
        if clips.ndim != 5 or clips.shape[-1] != 3 or clips.dtype != np.uint8:
            raise ValueError(f"features need clips uint8 [N,T,H,W,3], not {clips.dtype} {list(clips.shape)}")
        if clips.shape[1] < SHORTEST:
            raise InputError(f"clips of {clips.shape[1]} frames are too short for I3D; give {SHORTEST} or more")
        features = np.empty((len(clips), self.width), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(clips), batch):
                piece = torch.from_numpy(np.ascontiguousarray(clips[start : start + batch])).to(self.device)
                features[start : start + batch] = self.network(_prepare(piece)).cpu().numpy()
        return features

    def one(self, frames: UInt8) -> Float32:
        """Features float32 `[D]` of one video uint8 `[T,H,W,3]`, taken whole. Raises as a call."""
        features: Float32 = self(frames[None])[0]
        return features


def video_extractor(path: Path, device: torch.device | str = "cpu") -> VideoExtractor:
    """I3D, 400 numbers a clip: logits of Kinetics-400, averaged over time.

    Args:
        path: a plain state dict of pytorch-i3d's form: `rgb_imagenet.pt`, `i3d_pretrained_400.pt`. Which weights they
            are is not asked, since no SHA-256 of these files is published: record that of the file beside the number.
        device: where it runs.

    Raises:
        InputError: the file is missing, damaged, a TorchScript program, or holds the weights of another network.
    """
    with torch.device("meta"):  # no weights are drawn that the file replaces
        network = I3D()
    network.to_empty(device="cpu")
    try:
        network.load_state_dict(_state(path))
    except RuntimeError as error:
        raise InputError(f"{path}: holds the weights of another network; {ADVICE}") from error
    for key, value in network.state_dict().items():
        if not bool(value.isfinite().all()):
            raise InputError(f"{path}: {key} is not finite; {ADVICE}")
        if key.endswith("running_var") and bool((value < 0).any()):
            raise InputError(f"{path}: {key}, a variance, is negative; {ADVICE}")
    return VideoExtractor(NAME, WIDTH, network.eval().requires_grad_(False).to(device), torch.device(device))


def windows(frames: UInt8, length: int = FVD_FRAMES) -> UInt8:
    """Windows `[T // length,length,H,W,3]` of a video `[T,H,W,3]`, side by side from its first frame; a view.

    Papers on talking heads report FVD16, of clips of 16 frames (DAWN's tables among them). Windows that do not overlap
    use a video up to a rest of fewer than `length` frames, draw nothing at random, and count no frame twice. A protocol
    that draws one clip a video has fewer samples and thus, for the same videos, a larger distance.

    Raises:
        ValueError: a length below 1.
    """
    if length < 1:
        raise ValueError(f"a window has at least one frame, not {length}")
    count = len(frames) // length
    return frames[: count * length].reshape(count, length, *frames.shape[1:])


ADVICE = "give I3D's plain state dict, rgb_imagenet.pt or i3d_pretrained_400.pt"


def _prepare(clips: Tensor) -> Tensor:
    frames = clips.flatten(0, 1).permute(0, 3, 1, 2).float()  # [NT,3,H,W]
    large = interpolate(frames, size=(SIDE, SIDE), mode="bilinear", align_corners=False) / 127.5 - 1
    return large.view(*clips.shape[:2], 3, SIDE, SIDE).transpose(1, 2)  # [N,3,T,224,224]


def _state(path: Path) -> dict[str, Any]:
    """What the file holds under names; a plain dict, since files of 2018 lack the batch norms' step counters."""
    if zipfile.is_zipfile(path):
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                raise InputError(f"{path}: is TorchScript, a program, which viseme does not run; {ADVICE}")
    state = read_plain(path, ADVICE)
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise InputError(f"{path}: holds no dictionary of tensors; {ADVICE}")
    return dict(state)
