"""The face that dlib's descriptor is shown, cut out of a picture upright and at one size, with a gradient to it.

Source: get_face_chip_details and extract_image_chip in dlib's image_transforms/interpolation.h.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from viseme.errors import InputError

SIDE = 150
PADDING = 0.25
"""Share of the mean face's box that is added on each side."""
POINTS = (*range(27, 55), *range(60, 65))
"""Those of the 68 that place the face: nose, eyes, upper lip and the inner one's upper half."""
SHAPE = (
    (0.490127, 0.203352), (0.490127, 0.307009), (0.490127, 0.409805), (0.490127, 0.515625),
    (0.36688, 0.587326), (0.426036, 0.609345), (0.490127, 0.628106), (0.554217, 0.609345), (0.613373, 0.587326),
    (0.121737, 0.216423), (0.187122, 0.178758), (0.265825, 0.179852),
    (0.334606, 0.231733), (0.260918, 0.245099), (0.182743, 0.244077),
    (0.645647, 0.231733), (0.714428, 0.179852), (0.793132, 0.178758),
    (0.858516, 0.216423), (0.79751, 0.244077), (0.719335, 0.245099),
    (0.254149, 0.780233), (0.340985, 0.745405), (0.428858, 0.727388), (0.490127, 0.742578),
    (0.551395, 0.727388), (0.639268, 0.745405), (0.726104, 0.780233),
    (0.290379, 0.784792), (0.428096, 0.778746), (0.490127, 0.785343), (0.552157, 0.778746), (0.689874, 0.784792),
)  # fmt: skip
"""Where they lie in the mean face (x, y), as shares of its box."""


def face_chips(pictures: Tensor, landmarks: Tensor) -> Tensor:
    """Faces float `[N,3,150,150]` in [-1, 1], cut out of pictures `[N,3,H,W]` in [-1, 1], black beyond their edges.

    The similarity transform nearest to carrying the mean face onto the landmarks (least squares) says where each pixel
    of a chip lies; it is read there by bilinear interpolation, after halvings where faces are twice a chip's size and
    more.

    Args:
        pictures: the gradient flows to them.
        landmarks: `[N,68,2]` (x, y) in pixels, whole numbers at pixel centres; no gradient flows to them.

    Raises:
        InputError: shapes that do not fit, or landmarks that all lie in one place or are not finite.
    """
    if pictures.ndim != 4 or pictures.shape[1] != 3 or landmarks.shape != (len(pictures), 68, 2):
        raise InputError(
            f"a face chip needs pictures [N,3,H,W] and landmarks [N,68,2], "
            f"not {list(pictures.shape)} and {list(landmarks.shape)}"
        )
    turn, centre = _placed(landmarks.detach())
    scale = turn.norm(dim=1)  # [N], pixels of the picture to one of the chip
    if not bool(((scale > 1e-6) & scale.isfinite()).all()):
        raise InputError("a face has no size: its landmarks lie in one place or are not finite; leave its frame out")
    places = _grid(turn, scale, centre)
    height, width = pictures.shape[2:]
    unit = ((2 * places + 1) / places.new_tensor([width, height]) - 1).to(pictures)

    def drawn(picture: Tensor) -> Tensor:
        # grid_sample gives 0 beyond the edge, and black is -1
        return F.grid_sample(picture + 1, unit, mode="bilinear", align_corners=False) - 1

    chips, possible = drawn(pictures), min(height, width).bit_length() - 1
    for halving in range(1, min(int(scale.max().log2()), possible) + 1):
        pictures = F.avg_pool2d(pictures, 2)
        chips = torch.where((scale >= 2**halving).view(-1, 1, 1, 1), drawn(pictures), chips)
    return chips


def _placed(landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """Scale times cosine and sine of the turn, `[N,2]`, and where the chip's centre (75, 75) lies, `[N,2]`.

    The optimum is Umeyama's (1991) in its closed form in the plane: of centred points a, b it is
    (sum(a_x b_x + a_y b_y), sum(a_x b_y - a_y b_x)) / sum(|a|^2).
    """
    a = (landmarks.new_tensor(SHAPE) + PADDING) / (1 + 2 * PADDING) * SIDE  # [33,2]
    b = landmarks[:, list(POINTS)]  # [N,33,2]
    from_mean, to_mean = a.mean(dim=0), b.mean(dim=1)
    a, b = a - from_mean, b - to_mean[:, None]
    cross = a[:, 0] * b[..., 1] - a[:, 1] * b[..., 0]
    turn = torch.stack([(a * b).sum(dim=2), cross], dim=2).sum(dim=1) / a.square().sum()
    return turn, to_mean + _turned(turn, SIDE / 2 - from_mean[None])


def _turned(turn: Tensor, points: Tensor) -> Tensor:
    """Points `[...,2]` under turns `[...,2]` of scale times cosine and sine."""
    (cos, sin), (x, y) = turn.unbind(-1), points.unbind(-1)
    return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)


def _grid(turn: Tensor, scale: Tensor, centre: Tensor) -> Tensor:
    """Where each pixel of the chips lies in the pictures, `[N,150,150,2]` (x, y) in pixels.

    dlib draws a box of 150 scale pixels around the centre and puts the chip's corner pixels on its own corner pixels,
    so that between neighbours lie (150 scale - 1) / 149 pixels.
    """
    step = turn * ((SIDE * scale - 1) / ((SIDE - 1) * scale))[:, None]
    place = torch.arange(SIDE, device=turn.device) - (SIDE - 1) / 2
    from_centre = torch.stack(torch.meshgrid(place, place, indexing="xy"), dim=-1)  # [150,150,2]
    return centre[:, None, None] + _turned(step[:, None, None], from_centre)
