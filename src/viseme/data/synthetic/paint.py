"""Brushes: filled shapes with soft or anti-aliased edges, noise, and blending, on float or 8-bit pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from viseme.types import Float32, UInt8

Float64 = NDArray[np.float64]
Colour = tuple[float, float, float]

_SHIFT = 4
"""Fractional bits of a polygon's corners."""
_INVISIBLE = 1e-3
"""Coverage below which nothing is painted."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A raster over part of the face plane.

    Attributes:
        left, top: face units at the outer edge of the first pixel.
        right, bottom: and of the last.
        density: pixels a face unit.
    """

    left: float
    top: float
    right: float
    bottom: float
    density: float

    @property
    def shape(self) -> tuple[int, int]:
        return round((self.bottom - self.top) * self.density), round((self.right - self.left) * self.density)

    def axes(self) -> tuple[Float32, Float32]:
        """Face units of the pixel centres: x float32 `[1,W]`, y `[H,1]`."""
        height, width = self.shape
        x = self.left + (np.arange(width, dtype=np.float32) + 0.5) / self.density
        y = self.top + (np.arange(height, dtype=np.float32) + 0.5) / self.density
        return x[None, :].astype(np.float32), y[:, None].astype(np.float32)

    def pixels(self, points: Float64) -> Float64:
        """Pixel coordinates of points `[N,2]` in face units."""
        return (points - (self.left, self.top)) * self.density - 0.5


def corners(points: Float64) -> NDArray[np.int32]:
    """Pixel coordinates as OpenCV's fixed-point ones."""
    return np.round(np.asarray(points) * (1 << _SHIFT)).astype(np.int32)


def filled(shape: tuple[int, int], *polygons: Float64, blur: float = 0.0) -> Float32:
    """Coverage in 0 to 1, float32 `[H,W]`, of polygons in pixels; `blur` is the softness of the edge in pixels."""
    mask = np.zeros(shape, dtype=np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [corners(polygon)], 255, lineType=cv2.LINE_AA, shift=_SHIFT)
    return softened(np.asarray(mask, dtype=np.float32) / np.float32(255), blur)


def softened(values: Float32, blur: float) -> Float32:
    """Blur `[H,W]` or `[H,W,3]` by a Gaussian of so many pixels; wide ones are done on a smaller picture."""
    if blur <= 0.1:
        return values
    factor = max(1, int(blur / 3))
    if factor == 1:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), blur, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)
    height, width = values.shape[:2]
    small = cv2.resize(values, (-(-width // factor), -(-height // factor)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), blur / factor, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: tuple[float, float]) -> Float32:
    """Smooth noise of unit variance, float32 `[H,W]`, whose grains measure `cell` = (high, wide) pixels."""
    rows, columns = max(2, round(shape[0] / cell[0])), max(2, round(shape[1] / cell[1]))
    grains = rng.standard_normal((rows, columns)).astype(np.float32)
    field = cv2.resize(grains, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / max(float(field.std()), 1e-6), dtype=np.float32)


def blob(x: Float32, y: Float32, at: tuple[float, float], size: tuple[float, float], tilt: float = 0.0) -> Float32:
    """A Gaussian hill of height 1, float32 `[H,W]`; `size` are its standard deviations along and across `tilt`."""
    dx, dy = x - at[0], y - at[1]
    if tilt == 0.0:
        return np.asarray(np.exp(-0.5 * (dx / size[0]) ** 2) * np.exp(-0.5 * (dy / size[1]) ** 2), dtype=np.float32)
    cos, sin = float(np.cos(tilt)), float(np.sin(tilt))
    along, across = cos * dx + sin * dy, -sin * dx + cos * dy
    return np.asarray(np.exp(-0.5 * ((along / size[0]) ** 2 + (across / size[1]) ** 2)), dtype=np.float32)


def blend(picture: Float32, paint: Float32, alpha: Float32) -> None:
    """The whole of `over`, for pictures so small that looking for what is covered does not pay."""
    change = paint - picture
    change *= alpha[..., None]
    picture += change


def over(picture: Float32, colour: Colour | Float32, alpha: Float32) -> None:
    """Blend a colour, or a picture, into `picture` `[H,W,3]` in place with the given coverage `[H,W]`."""
    rows, columns = (np.flatnonzero(alpha.max(axis=axis) > _INVISIBLE) for axis in (1, 0))
    if not rows.size:
        return
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    paint = np.asarray(colour, dtype=np.float32)
    blend(picture[part], paint[part] if paint.ndim == 3 else paint, alpha[part])


def to_bytes(picture: Float32) -> UInt8:
    """Round and clip to 8 bits."""
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
