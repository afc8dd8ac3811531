"""LPIPS: how different two pictures look, by what a network trained to name objects makes of them.

Source: Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018, in its authors'
version 0.1 with AlexNet. A metric and a training loss alike.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from viseme.config.sections import LPIPS_SMALLEST
from viseme.errors import InputError
from viseme.weights import known, located, read_state

BACKBONE = "lpips-alexnet"
HEADS = "lpips-heads"
LAYERS = 12
"""AlexNet's features up to its fifth ReLU; the pooling and the classifier above are not used."""
CHANNELS = (64, 192, 384, 256, 256)
"""Of what its five ReLUs give."""
SMALLEST = LPIPS_SMALLEST
"""Pixels a side."""
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1], for which AlexNet was trained."""
EPSILON = 1e-8
"""Added to squared lengths, so that the gradient is finite where no channel answers."""


class Lpips(nn.Module):
    """The distance; it never trains, and training mode changes nothing in it.

    d(a, b) = sum_l mean_hw sum_c w_lc (a_lhwc - b_lhwc)^2 (eq. 1, whose w are the roots of these), where a_l and b_l
    are the channels after AlexNet's l-th ReLU, scaled to length 1 at each place.

    Args:
        features: AlexNet's first 12 layers.
        heads: five 1 x 1 convolutions to one channel without bias, the w_l.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, features: nn.Sequential, heads: nn.ModuleList) -> None:
        super().__init__()
        self.features, self.heads = features, heads
        # (x + 1) / 2 is in [0, 1]; AlexNet is shown ((x + 1) / 2 - MEAN) / STD.
        self.register_buffer("shift", 2 * torch.tensor(MEAN).view(1, 3, 1, 1) - 1, persistent=False)
        self.register_buffer("scale", 2 * torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances `[N]` of pictures a and b, float `[N,3,H,W]` in [-1, 1], 0 where they are equal.

        H and W are at least 31. The gradient flows to both. Raises `InputError` for pictures of another shape.
        """
        if a.shape != b.shape or a.ndim != 4 or a.shape[1] != 3:
            raise InputError(f"LPIPS needs two pictures [N,3,H,W], not {list(a.shape)} and {list(b.shape)}")
        if min(a.shape[2:]) < SMALLEST:
            raise InputError(
                f"LPIPS needs pictures of {SMALLEST} x {SMALLEST} pixels or more, "
                f"not {a.shape[2]} x {a.shape[3]}; enlarge them"
            )
        distance = a.new_zeros(len(a))
        for head, ours, theirs in zip(self.heads, self._directions(a), self._directions(b), strict=True):
            weighed: Tensor = head((ours - theirs).square())  # [N,1,h,w]
            distance = distance + weighed.mean(dim=(1, 2, 3))
        return distance

    def _directions(self, pictures: Tensor) -> list[Tensor]:
        """`[N,C,h,w]` after each ReLU, of length 1 over C."""
        found = []
        x = (pictures - self.shift) / self.scale
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                found.append(x * (x.square().sum(dim=1, keepdim=True) + EPSILON).rsqrt())
        return found


def lpips(
    backbone: Path | None = None,
    heads: Path | None = None,
    device: torch.device | str = "cpu",
    *,
    instead: str = "leave lpips out of --metrics",
) -> Lpips:
    """LPIPS version 0.1 with AlexNet.

    Args:
        backbone: `alexnet-owt-7be5be79.pth`, with or without the classifier; where None, the one in the cache.
        heads: `alex.pth`; where None, the one inside torchmetrics.
        device: where it runs.
        instead: how to do without it, for the message where AlexNet is not here.

    Raises:
        InputError: a file is missing, damaged, or holds the weights of another network.
    """
    # Here, for torchvision takes seconds to import.
    from torchvision.models import alexnet  # type: ignore[import-untyped]

    with torch.device("meta"):  # no weights are drawn only to be written over
        features = alexnet(weights=None).features[:LAYERS]
        linear = nn.ModuleList(nn.Conv2d(channels, 1, 1, bias=False) for channels in CHANNELS)
    _fill(linear, "lin{}.model.1.{}", HEADS, located(HEADS, heads))
    _fill(features, "features.{}.{}", BACKBONE, located(BACKBONE, backbone, instead=instead))
    return Lpips(features, linear).to(device)


def _fill(module: nn.Module, pattern: str, part: str, path: Path) -> None:
    """Give a module the weights of a part's file, where `0.weight` is called what the pattern makes of 0 and weight."""
    own = module.state_dict()
    names = {name: pattern.format(*name.split(".")) for name in own}
    state = {str(name): value for name, value in read_state(part, path).items()}
    state = {name: value for name, value in state.items() if not name.startswith("classifier.")}
    wrong = [name for name in state if name not in names.values()]
    wrong += [theirs for name, theirs in names.items() if not _fits(state.get(theirs), own[name])]
    if wrong:
        raise InputError(
            f"{path}: holds the weights of another network ({min(wrong)} is unknown, missing or of another shape); "
            f"give {known(part).file}"
        )
    module.load_state_dict({name: state[theirs].float() for name, theirs in names.items()}, assign=True)


def _fits(value: Tensor | None, own: Tensor) -> bool:
    return value is not None and value.shape == own.shape and value.is_floating_point()
