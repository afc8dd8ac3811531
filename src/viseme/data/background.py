"""Other backgrounds behind the faces of training windows: a plain backdrop is keyed out and something else put there.

A model that has only seen one studio's backdrop learns it together with the faces. Where the backdrop is plain, a
screen or a wall, its colour is read off the upper corners of the window itself; where it is not, the window stays.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from viseme.data.faces import JAW
from viseme.data.picture import read_picture
from viseme.data.window_pictures import pictures_of, with_pictures
from viseme.errors import InputError
from viseme.nn.draws import rand
from viseme.nn.images import luma, to_signed
from viseme.types import Batch

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
MOST_PICTURES = 4096
"""Pictures of a folder are held in memory, each 48 KiB at 64 pixels."""

CORNER = 1 / 8
"""Side of the corners that tell the backdrop's colour, as a share of the picture."""
KEYED = 0.08
"""Colours nearer to the backdrop's than this are backdrop; RGB spans [0, 1]."""
SHADED, TINTED, LIT = 0.75, 0.5, 1.1
"""A grey backdrop may be darker by the first factor, one of full colour by the second, both lighter by the third."""
SIDE = 1 / 32
"""Width of the sides that tell whether the backdrop is plain, as a share of the picture."""
EDGE = 1 / 32
"""How far into the foreground an edge reaches, as a share of the picture."""
OPAQUE = 0.7
"""An edge is opaque at this share of the distance of the farthest colour nearby: faces darken towards their rim."""
GREY_PLAIN, TINTED_PLAIN, TINTED_FROM = 0.97, 0.5, 0.4
"""Least share of each upper corner, and of the upper half of each side, that must have the backdrop's colour: of a grey
backdrop, and of one at least as saturated as the third, where the rest is taken for hair."""
FACE_LIKE = 0.1
"""A backdrop whose colour this share of the face has, too, is not keyed."""
LUMA = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
"""BT.601."""
PART = 8
"""Windows that are keyed at a time, so that long ones need no more memory than that."""
GRID = 6
"""Blobs a side of the finest drawn background."""


def read_backgrounds(folder: str | os.PathLike[str], size: int) -> Tensor:
    """All pictures of a folder and of those in it, each cut to its middle square, float32 `[N,3,size,size]` in [-1, 1].

    They come in the order of their names, so that a seed means the same on every machine.

    Raises:
        InputError: no such folder, no picture in it, too many, or one that cannot be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"{folder}: no such folder; set data.backgrounds to a folder of pictures")
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not 0 < len(paths) <= MOST_PICTURES:
        raise InputError(
            f"{folder}: holds {len(paths)} pictures ({', '.join(SUFFIXES)}); give a folder of 1 to {MOST_PICTURES}"
        )
    pictures = np.empty((len(paths), size, size, 3), dtype=np.uint8)
    for path, square in zip(paths, pictures, strict=True):
        picture = read_picture(path)
        side = min(picture.shape[:2])
        top, left = ((length - side) // 2 for length in picture.shape[:2])
        way = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        cv2.resize(picture[top : top + side, left : left + side], (size, size), dst=square, interpolation=way)
    return to_signed(pictures)


@dataclass(frozen=True, slots=True)
class Backgrounds:
    """What is put behind faces, and how often.

    Attributes:
        share: of the windows that get another background, if theirs is plain.
        pictures: float32 `[N,3,H,W]` in [-1, 1] to choose from; plain colours, gradients and blobs are drawn if None.
    """

    share: float
    pictures: Tensor | None = None

    def __call__(self, batch: Batch, rng: torch.Generator) -> Batch:
        """The batch with other backgrounds, the same one in all pictures of a window."""
        count = len(batch.identity)
        drawn, colours = rand((count, 3), rng), rand((count, 3, GRID, GRID), rng)
        chosen = (drawn[:, 0] < self.share).nonzero()[:, 0]
        if len(chosen) == 0:
            return batch
        new = self._drawn(colours[chosen], drawn[chosen, 1:], batch.frames.shape[-1])
        pictures, faces = pictures_of(batch), _faces(batch)
        for part, behind in zip(torch.split(chosen, PART), torch.split(new, PART), strict=True):
            key = Key(pictures[part], faces[part])
            pictures[part[key.plain]] = key.replaced(behind)[key.plain]
        return with_pictures(batch, pictures)

    def _drawn(self, colours: Tensor, which: Tensor, size: int) -> Tensor:
        if self.pictures is None:
            return drawn_backgrounds(colours, which[:, 0], size)
        pictures = self.pictures[(which[:, 0] * len(self.pictures)).long()]
        return torch.where((which[:, 1] < 0.5)[:, None, None, None], pictures.flip(-1), pictures)


def drawn_backgrounds(colours: Tensor, which: Tensor, size: int) -> Tensor:
    """A plain colour, a gradient between the corners, or soft blobs, by thirds of `which` `[n]` in [0, 1).

    Args:
        colours: `[n,3,g,g]` in [0, 1), the colours of the blobs; the first alone fills the plain ones.
        which: what each is to be.
        size: height and width in pixels.

    Returns:
        `[n,3,size,size]` in [-1, 1].
    """
    kinds = [
        F.interpolate(colours[:, :, :cells, :cells], colours.shape[-2:], mode="bilinear", align_corners=True)
        for cells in (1, 2, colours.shape[-1])
    ]
    kind = (which * len(kinds)).long()
    blobs = torch.stack(kinds)[kind, torch.arange(len(colours))]
    return F.interpolate(blobs * 2 - 1, (size, size), mode="bilinear", align_corners=True)


class Key:
    """The mattes of windows with a plain backdrop (chroma keying by colour difference).

    The backdrop's colour runs evenly from the median of the left upper corner to that of the right one, and may be
    darker or lighter by some factor. What has that colour and is reached from the left, right or upper border along a
    straight line of it is backdrop, so that eyes, teeth and clothes of the same colour stay; so does all that lies in
    the face. Next to it lies an edge, whose pixels are opaque by how far from the backdrop their colour is, beside the
    farthest nearby.

    Args:
        pictures: `[n,N,3,H,W]` in [-1, 1], all pictures of n windows.
        faces: bool `[n,N,1,H,W]`, pixels that are face whatever their colour.

    Attributes:
        alpha: opacity of the foreground, `[n,N,1,H,W]` in [0, 1]; 1 all over where the backdrop is not plain.
        plain: whether each window's backdrop is plain, bool `[n]`.
    """

    def __init__(self, pictures: Tensor, faces: Tensor) -> None:
        size = pictures.shape[-1]
        corner, margin, reach = (max(1, round(size * share)) for share in (CORNER, SIDE, EDGE))
        corners = torch.stack(_corners(pictures, corner), dim=1)  # [n, 2, N, 3, corner, corner]
        middles = corners.movedim(3, 2).flatten(3).median(dim=-1).values + 1  # [n, 2, 3]
        saturation = (middles.amax(dim=2) - middles.amin(dim=2)).amin(dim=1) / 2  # [n]
        across = torch.lerp(middles[:, 0, :, None], middles[:, 1, :, None], torch.linspace(0, 1, size))
        self._colour = across[:, None, :, None]  # [n, 1, 3, 1, W]
        darkest = SHADED + (TINTED - SHADED) * saturation
        self._backdrop, self._difference = _nearest(pictures + 1, self._colour, darkest)
        distance = (self._difference * self._difference).sum(dim=2, keepdim=True).sqrt_()

        near = distance < 2 * KEYED
        places = (near[..., : size // 2, :margin], near[..., : size // 2, -margin:], *_corners(near, corner))
        even = torch.stack([place.flatten(2).float().mean(dim=-1) for place in places]).amin(dim=(0, 2))  # [n]
        in_face = (near & faces).flatten(1).sum(dim=1) / faces.flatten(1).sum(dim=1).clamp(min=1)
        least = GREY_PLAIN + (TINTED_PLAIN - GREY_PLAIN) * (saturation / TINTED_FROM).clamp(max=1)
        self.plain = (even >= least) & (in_face <= FACE_LIKE)

        backdrop = _reached(near & ~faces & self.plain.view(-1, 1, 1, 1, 1))
        self._edge = _greatest(backdrop.float(), reach)
        farthest = (OPAQUE * _greatest(distance, reach)).clamp_(min=3 * KEYED)
        clear = ((farthest - distance) / (farthest - 2 * KEYED)).clamp_(0, 1) * self._edge
        self.alpha = 1 - clear.masked_fill_(faces, 0)

    def replaced(self, behind: Tensor) -> Tensor:
        """The foreground `[n,N,3,H,W]` before other backgrounds `[n,3,H,W]`, both in [-1, 1].

        A seen colour is C = alpha F + (1 - alpha) K with K the backdrop's (Porter and Duff 1984), so that alpha F is
        C - (1 - alpha) K, and lies between 0 and alpha: what of the backdrop shines through hair goes with it. What of
        its tint is left in the edge is made grey of the same luma.
        """
        kept = torch.addcmul(self._difference, self.alpha, self._backdrop).clamp_(min=0)
        kept = torch.minimum(kept, 2 * self.alpha)
        tint = self._colour - luma(self._colour)  # [n, 1, 3, 1, W], of no luma
        tint = tint / tint.square().sum(dim=2, keepdim=True).sqrt().clamp(min=0.2)
        along = tint - tint.sum(dim=2, keepdim=True) * LUMA  # what multiplies a colour to its part along the tint
        spill = (kept * along).sum(dim=2, keepdim=True).clamp_(min=0) * self._edge
        kept = kept.addcmul_(spill, tint, value=-1).clamp_(0, 2)
        return kept.addcmul_(1 - self.alpha, behind[:, None] + 1).sub_(1)


def _corners(pictures: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The upper corners of `[...,H,W]`."""
    return pictures[..., :side, :side], pictures[..., :side, -side:]


def _nearest(pictures: Tensor, colour: Tensor, darkest: Tensor) -> tuple[Tensor, Tensor]:
    """`colour` `[n,1,3,1,W]`, darkened or lit to be nearest to each pixel `[n,N,3,H,W]`, and what is missing to it."""
    factor = (pictures * colour).sum(dim=2, keepdim=True) / colour.square().sum(dim=2, keepdim=True).clamp(min=1e-3)
    nearest = factor.clamp_(darkest.view(-1, 1, 1, 1, 1), torch.tensor(LIT)) * colour
    return nearest, pictures - nearest


def _reached(backdrop: Tensor) -> Tensor:
    """Where all is backdrop on the way from the left, the right or the upper border, bool `[n,N,1,H,W]`."""
    size = backdrop.shape[-1]
    column = torch.arange(size, dtype=torch.float32)
    line = column[:, None]
    first = torch.where(backdrop, size, column).amin(dim=-1, keepdim=True)
    last = torch.where(backdrop, -1, column).amax(dim=-1, keepdim=True)
    top = torch.where(backdrop, size, line).amin(dim=-2, keepdim=True)
    return (column < first) | (column > last) | (line < top)


def _greatest(plane: Tensor, reach: int) -> Tensor:
    """The greatest of `[...,H,W]`, none below 0, in the square that reaches so many pixels each way."""
    for dim, padding in ((-1, (reach, reach)), (-2, (0, 0, reach, reach))):
        length, padded = plane.shape[dim], F.pad(plane, padding)
        plane = padded.narrow(dim, 0, length)
        for shift in range(1, 2 * reach + 1):
            plane = torch.maximum(plane, padded.narrow(dim, shift, length))
    return plane


def _faces(batch: Batch) -> Tensor:
    """Bool `[B,1+k+L,1,H,W]`: inside the ellipse round the middle of the jaw's ends, through them and the chin.

    Motion frames have no landmarks; the first frame's serve, which comes right after them.
    """
    size, k = batch.frames.shape[-1], batch.motion.shape[1] // 3
    first = batch.landmarks[:, :1].expand(-1, k, -1, -1)
    points = torch.cat([batch.identity_landmarks[:, None], first, batch.landmarks], dim=1)[:, :, JAW]
    middle = (points[:, :, 0] + points[:, :, 16]) / 2
    across, down = (points[:, :, 16] - points[:, :, 0]) / 2, points[:, :, 8] - middle  # [n, N, (x, y)]
    place = torch.arange(size) / size * 2 - 1
    x, y = (place - middle[..., 0, None])[..., None, :], (place - middle[..., 1, None])[..., None]

    def along(axis: Tensor) -> Tensor:
        axis = axis / axis.square().sum(dim=-1, keepdim=True).clamp(min=1e-6)
        return x * axis[..., 0, None, None] + y * axis[..., 1, None, None]

    return (along(across).square() + along(down).square() <= 1)[:, :, None]
