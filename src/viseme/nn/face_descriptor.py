"""dlib's face descriptor as a torch network: 128 numbers of a face, near for one person and far for two.

Its weights are those that dlib itself reads, so that the descriptors are dlib's, with a gradient to the picture.
Source: dnn_face_recognition_ex.cpp of dlib, a ResNet of 29 convolutions (He et al. 2016, with half the filters).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from viseme.errors import InputError
from viseme.nn.dlib_file import DlibNetwork, read_dlib
from viseme.weights import known, located

PART = "dlib-descriptor"
SIDE = 150
WIDTH = 128
FILTERS = (32, 32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)
"""Of what the stem and each of the 14 residual blocks give."""
HALVING = (4, 8, 11, 14)
"""The blocks, counted from 1, that halve the picture."""


class FaceDescriptor(nn.Module):
    """The network; it never trains, and training mode changes nothing in it.

    dlib's affine layers, what is left of its batch norms, are folded into the convolutions before them.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, FILTERS[0], 7, stride=2)
        self.blocks = nn.Sequential(
            *(_Residual(*pair, halving=block in HALVING) for block, pair in enumerate(pairwise(FILTERS), start=1))
        )
        self.head = nn.Linear(FILTERS[-1], WIDTH, bias=False)
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def forward(self, chips: Tensor) -> Tensor:
        """Descriptors `[N,128]` of aligned faces `[N,3,150,150]`, RGB in [-1, 1], as `face_chips` cuts them.

        The gradient flows to the faces. Raises `InputError` for pictures of another shape.
        """
        if chips.ndim != 4 or chips.shape[1:] != (3, SIDE, SIDE):
            raise InputError(
                f"a face descriptor needs faces [N,3,{SIDE},{SIDE}], not {list(chips.shape)}; cut them out"
            )
        x = (((chips + 1) * 127.5 - self.mean) / 256).contiguous(memory_format=torch.channels_last)
        x = F.max_pool2d(F.relu(self.stem(x)), 3, stride=2)  # [N,32,35,35]
        x = self.blocks(x)  # [N,256,2,2]
        return self.head(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]


class _Residual(nn.Module):
    """Two 3 x 3 convolutions and a shortcut; what is smaller, in channels or pixels, is filled up with zeros."""

    def __init__(self, channels: int, filters: int, halving: bool) -> None:
        super().__init__()
        self.halving = halving
        self.conv_in = nn.Conv2d(channels, filters, 3, stride=2 if halving else 1, padding=0 if halving else 1)
        self.conv_out = nn.Conv2d(filters, filters, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """`[N,C,h,w]` to `[N,filters,h,w]`, or half h and w."""
        branch = self.conv_out(F.relu(self.conv_in(x)))
        shortcut = F.avg_pool2d(x, 2) if self.halving else x
        shape = [max(sides) for sides in zip(branch.shape, shortcut.shape, strict=True)]
        return F.relu(_filled(branch, shape) + _filled(shortcut, shape))


def _filled(x: Tensor, shape: list[int]) -> Tensor:
    """`[N,c,h,w]` with zeros after its last channels, lines and columns up to a shape `[N,C,H,W]`."""
    missing = [size for side in (3, 2, 1) for size in (0, shape[side] - x.shape[side])]
    return F.pad(x, missing) if any(missing) else x


def face_descriptor(
    path: Path | None = None, device: torch.device | str = "cpu", *, instead: str = ""
) -> FaceDescriptor:
    """dlib's face descriptor.

    Args:
        path: `dlib_face_recognition_resnet_model_v1.dat`; where None, the one inside its package.
        device: where it runs.
        instead: how to do without it, for the message where it is not here.

    Raises:
        InputError: the file is missing, damaged, or holds another network.
    """
    place = located(PART, path, instead=instead)
    file = read_dlib(PART, place)
    with torch.device("meta"):  # no weights are drawn only to be written over
        network = FaceDescriptor()
    expected = list(_layers(network))
    found = [(layer.kind, layer.sizes, layer.parameters.numel()) for layer in file.layers]
    if file.side != SIDE or found != expected:
        wrong = next((i for i, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]), len(found))
        raise InputError(f"{place}: holds another network (at layer {wrong}); give {known(PART).file}")
    network.load_state_dict(_state(network, file), assign=True)
    return network.requires_grad_(False).to(device).to(memory_format=torch.channels_last)


def _convolutions(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d]]:
    return ((name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d))


def _layers(network: FaceDescriptor) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Kind, sizes and number of parameters of dlib's layers, in its order."""
    relu, added = ("relu_", (), 0), ("add_prev_", (), 0)

    def convolution(layer: nn.Conv2d) -> Iterator[tuple[str, tuple[int, ...], int]]:
        filters, channels, *kernel = layer.weight.shape
        sizes = (filters, *kernel, *layer.stride, *map(int, layer.padding))
        yield "con_4", sizes, filters * (channels * kernel[0] * kernel[1] + 1)
        yield "affine_", (0,), 2 * filters

    yield from convolution(network.stem)
    yield relu
    yield "max_pool_2", (3, 3, 2, 2, 0, 0), 0
    for block in network.blocks:
        assert isinstance(block, _Residual)
        yield from convolution(block.conv_in)
        yield relu
        yield from convolution(block.conv_out)
        if block.halving:
            yield "avg_pool_2", (2, 2, 2, 2, 0, 0), 0
        yield added
        yield relu
    yield "avg_pool_2", (0, 0, 1, 1, 0, 0), 0
    yield "fc_2", (WIDTH, FILTERS[-1], 1), WIDTH * FILTERS[-1]


def _state(network: FaceDescriptor, file: DlibNetwork) -> dict[str, Tensor]:
    """The network's weights; a convolution w, b before an affine layer g, h becomes g w, g b + h."""

    def of(kind: str) -> list[Tensor]:
        return [layer.parameters for layer in file.layers if layer.kind == kind]

    (head,) = of("fc_2")
    state = {
        "mean": torch.tensor(file.mean).view(1, 3, 1, 1),
        "head.weight": head.view(FILTERS[-1], WIDTH).T.contiguous(),
    }
    for (name, layer), convolution, affine in zip(_convolutions(network), of("con_4"), of("affine_"), strict=True):
        filters = layer.out_channels
        gain, shift = affine.view(2, filters)
        weight, bias = convolution[:-filters].view(layer.weight.shape), convolution[-filters:]
        state[f"{name}.weight"] = weight * gain[:, None, None, None]
        state[f"{name}.bias"] = bias * gain + shift
    return state
