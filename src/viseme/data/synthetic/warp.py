"""Where a point of the resting face goes when jaw, brows and head move, and back again.

Forward: the skin's expression, then a turn of a head of known depth, then a similarity into the picture. The first two
are small smooth shifts, so they are undone by two steps of a fixed point; pictures are warped on a coarse grid by that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from viseme.data.synthetic.actor import Actor
from viseme.data.synthetic.motion import Pose
from viseme.data.synthetic.paint import Grid
from viseme.types import Float32

Float64 = NDArray[np.float64]


def _ramp(values: Float64, low: float, high: float) -> Float64:
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def depth(points: Float64) -> Float64:
    """How far points `[...,2]` of the head stand out of the picture, in face units."""
    x, y = points[..., 0], points[..., 1]
    skull = 0.80 * np.exp(-0.5 * (x / 0.75) ** 2 - 0.5 * ((y - 0.25) / 1.1) ** 2)
    nose: Float64 = 0.16 * np.exp(-0.5 * (x / 0.13) ** 2 - 0.5 * ((y - 0.40) / 0.20) ** 2)
    return skull + nose


@dataclass(frozen=True, slots=True)
class Warp:
    """One frame's map from face units to pixels.

    Attributes:
        actor: whose face.
        pose: of the head.
        drop: how far the jaw is down, face units.
        spread: how far the corners of the mouth are drawn apart, face units.
        height: of the picture in pixels.
    """

    actor: Actor
    pose: Pose
    drop: float
    spread: float
    height: int
    _matrix: Float64 = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matrix", self._similarity())

    def _express(self, points: Float64) -> Float64:
        x, y = points[..., 0], points[..., 1]
        low = _ramp(y, self.actor.nose_length + 0.05, self.actor.mouth_y + 0.22) * (1 - _ramp(y, 1.55, 2.1))
        narrow = 1 - 0.6 * _ramp(np.abs(x), 0.45, 0.95)
        down = self.drop * low * narrow
        down = down - self.pose.brows * np.exp(-0.5 * ((y + self.actor.brow_height + 0.03) / 0.13) ** 2)
        corners = np.exp(-0.5 * ((np.abs(x) - 0.36) / 0.14) ** 2 - 0.5 * ((y - self.actor.mouth_y) / 0.2) ** 2)
        return np.stack([self.spread * np.sign(x) * corners, down], axis=-1)

    def _turn(self, points: Float64) -> Float64:
        stand_out = depth(points)
        across, down = math.sin(self.pose.yaw), math.sin(self.pose.pitch)
        # What turns away grows narrower; the axis lies behind the face, which takes back half of the shift.
        squeeze = np.array([math.cos(self.pose.yaw) - 1, math.cos(self.pose.pitch) - 1])
        shifted: Float64 = (stand_out[..., None] - 0.4) * np.array([across, down]) + points * squeeze
        return shifted

    def _similarity(self) -> Float64:
        """Face units to pixels, float64 `[2,3]`; pixel centres lie at whole numbers."""
        pixels = self.height * self.actor.scale * self.pose.zoom
        cos, sin = np.cos(self.pose.roll) * pixels, np.sin(self.pose.roll) * pixels
        # The head rolls about the neck, not about the eyes.
        neck = np.array([0.0, 1.4])
        linear = np.array([[cos, -sin], [sin, cos]])
        unit = self.height * self.actor.scale
        place = np.array(self.actor.centre) * self.height - 0.5 + np.array([self.pose.x, self.pose.y]) * unit
        return np.concatenate([linear, (place + neck * unit - linear @ neck)[:, None]], axis=1)

    def place(self, points: Float64, skin: NDArray[np.bool_] | None = None) -> Float64:
        """Pixels of points `[N,2]` in face units; `skin` `[N]` says which of them jaw, cheeks and brows carry along."""
        if skin is not None:
            points = points + np.where(skin[:, None], self._express(points), 0.0)
        moved = points + self._turn(points)
        return np.asarray(moved @ self._matrix[:, :2].T + self._matrix[:, 2])

    def lookup(self, grid: Grid, cells: int = 40) -> tuple[Float32, Float32]:
        """For each pixel the pixel of a picture on `grid` that is seen there: x and y, float32 `[height,height]`."""
        edge = (np.arange(cells) + 0.5) * self.height / cells - 0.5
        seen = np.stack(np.meshgrid(edge, edge), axis=-1)
        matrix = self._matrix
        turned = (seen - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        moved = turned
        for _ in range(4):
            moved = turned - self._turn(moved)
        rest = moved
        for _ in range(7):
            rest = moved - self._express(rest)
        coarse = grid.pixels(rest).astype(np.float32)
        whole = (self.height, self.height)
        x, y = (cv2.resize(np.ascontiguousarray(coarse[..., i]), whole, interpolation=cv2.INTER_LINEAR) for i in (0, 1))
        return np.asarray(x, dtype=np.float32), np.asarray(y, dtype=np.float32)
