"""What is drawn anew in every frame on top of the warped head: the mouth with teeth and tongue, eyes, glasses."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from viseme.data.synthetic.actor import Colour
from viseme.data.synthetic.geometry import Eye, Lips
from viseme.data.synthetic.motion import Pose
from viseme.data.synthetic.paint import blend, corners, filled, softened
from viseme.data.synthetic.warp import Warp
from viseme.types import Float32, UInt8

Float64 = NDArray[np.float64]


class _Patch:
    """A part of the canvas as float, painted on and put back.

    Polygons are given in face units; `soft` in face units too.
    """

    def __init__(self, canvas: UInt8, warp: Warp, outline: Float64, margin: float) -> None:
        placed = warp.place(outline)
        pad = margin * warp.height * warp.actor.scale
        low = np.clip(np.floor(placed.min(0) - pad), 0, warp.height).astype(int)
        high = np.clip(np.ceil(placed.max(0) + pad), 0, warp.height).astype(int)
        self._target = canvas[low[1] : high[1], low[0] : high[0]]
        self._warp, self._origin = warp, low
        self.unit = warp.height * warp.actor.scale * warp.pose.zoom
        self.picture: Float32 = self._target.astype(np.float32)

    @property
    def empty(self) -> bool:
        return self.picture.size == 0

    def reload(self) -> None:
        """Take the canvas as it is now."""
        self.picture = self._target.astype(np.float32)

    def pixels(self, points: Float64) -> Float64:
        return np.asarray(self._warp.place(points) - self._origin)

    def mask(self, polygon: Float64, soft: float = 0.0) -> Float32:
        """Coverage of a polygon over the whole patch."""
        height, width = self.picture.shape[:2]
        return filled((height, width), self.pixels(polygon), blur=soft * self.unit)

    def fill(self, polygon: Float64, colour: Colour, alpha: float = 1.0, soft: float = 0.0) -> None:
        pixels = self.pixels(polygon)
        part, origin = self._around(pixels, 1.0 + 3.0 * soft * self.unit)
        target = self.picture[part]
        if target.size:
            coverage = filled((target.shape[0], target.shape[1]), pixels - origin, blur=soft * self.unit)
            blend(target, np.asarray(colour, dtype=np.float32), alpha * coverage)

    def line(self, points: Float64, colour: Colour, width: float, alpha: float = 1.0, soft: float = 0.0) -> None:
        """A line of `width` face units; thin ones fade instead of vanishing."""
        pixels, wide = self.pixels(points), width * self.unit
        thick = max(1, round(wide))
        part, origin = self._around(pixels, 1.0 + thick + 3.0 * soft * self.unit)
        target = self.picture[part]
        if not target.size:
            return
        mask = np.zeros(target.shape[:2], dtype=np.uint8)
        cv2.polylines(mask, [corners(pixels - origin)], False, 255, thick, cv2.LINE_AA, 4)
        strength = np.asarray(mask, dtype=np.float32) * np.float32(alpha * min(1.0, wide / thick) / 255)
        blend(target, np.asarray(colour, dtype=np.float32), softened(strength, soft * self.unit))

    def _around(self, pixels: Float64, pad: float) -> tuple[tuple[slice, slice], Float64]:
        """The part of the patch that shapes at `pixels` can reach, and where it begins."""
        size = self.picture.shape[1], self.picture.shape[0]
        low = np.clip(np.floor(pixels.min(0) - pad), 0, size).astype(int)
        high = np.clip(np.ceil(pixels.max(0) + pad) + 1, 0, size).astype(int)
        return (slice(low[1], high[1]), slice(low[0], high[0])), low.astype(np.float64)

    def put(self, mask: Float32 | None = None, under: Float32 | None = None) -> None:
        """Write back, through `mask` over the picture `under` where given."""
        result = self.picture
        if mask is not None and under is not None:
            result = under + mask[..., None] * (self.picture - under)
        self._target[...] = np.clip(np.rint(result), 0, 255).astype(np.uint8)


def _scaled(colour: Colour, factor: float, green: float = 1.0, blue: float = 1.0) -> Colour:
    return (
        min(255.0, colour[0] * factor),
        min(255.0, colour[1] * factor * green),
        min(255.0, colour[2] * factor * blue),
    )


def _lower(points: Float64, by: float) -> Float64:
    """Points `[...,2]` moved down the picture."""
    return np.asarray(points + np.array([0.0, by]))


def _between(a: Float64, b: Float64) -> Float64:
    return np.concatenate([a, b[::-1]])


def draw_mouth(canvas: UInt8, warp: Warp, shape: Lips, mouth: Mapping[str, float]) -> None:
    """Lips, and behind them the cavity with teeth and tongue, uint8 `[H,W,3]` in place."""
    actor = warp.actor
    patch = _Patch(canvas, warp, _between(shape.upper_outer, shape.lower_outer), 0.12)
    if patch.empty:
        return
    skin_shadow = _scaled(actor.skin, 0.55, 0.8, 0.8)
    below = shape.lower_outer[8:-8]
    patch.fill(_between(below, _lower(below, 0.045)), skin_shadow, 0.45, 0.03)
    skin = patch.picture.copy()

    inner = _between(shape.upper_inner, shape.lower_inner)
    _draw_cavity(patch, warp, shape, mouth)
    cavity = patch.picture
    opened = patch.mask(inner)
    patch.picture = skin + opened[..., None] * (cavity - skin)

    lamp = 1.0 + 0.08 * (actor.light[1] + 0.6)
    _draw_lip(patch, shape.upper_outer, shape.upper_inner, actor.lip_colour, (0.86, 0.84, 0.80, 0.70, 0.58), lamp)
    _draw_lip(patch, shape.lower_outer, shape.lower_inner, actor.lip_colour, (0.80, 0.98, 1.12, 1.06, 0.84), lamp)
    if mouth["tuck"] > 0.2:
        edge = shape.lower_inner[6:-6]
        patch.fill(
            _between(_lower(edge, -0.03), _lower(edge, 0.012)), _scaled(actor.teeth, 0.86), 0.85 * mouth["tuck"], 0.004
        )
    dark = _scaled(actor.lip_colour, 0.28, 0.6, 0.6)
    patch.line(shape.upper_inner, dark, 0.016, 0.85, 0.004)
    patch.line(shape.lower_inner[4:-4], dark, 0.010, 0.45, 0.004)
    for end in (0, -1):
        corner = np.stack([shape.upper_inner[end], shape.upper_outer[end]])
        patch.line(corner, dark, 0.020, 0.8, 0.007)
    patch.put()


def _draw_cavity(patch: _Patch, warp: Warp, shape: Lips, mouth: Mapping[str, float]) -> None:
    actor = warp.actor
    low, high = float(shape.lower_inner[20, 1]), float(shape.upper_inner[20, 1])
    half = float(shape.upper_inner[-1, 0])
    patch.picture[:] = (46, 14, 16)
    turn = np.linspace(0, 2 * np.pi, 32)
    tip = float(np.clip(mouth["tongue"], 0, 1))
    reach = 0.5 * max(low - high, 0.02)
    centre = low - (0.10 + 0.75 * tip) * reach
    tongue = np.stack([0.62 * half * np.cos(turn), centre + (0.75 * reach + 0.02) * np.sin(turn)], axis=1)
    patch.fill(tongue, (168, 76, 78), 0.55 + 0.4 * tip, 0.015)
    patch.fill(_lower(tongue * (0.6, 1), 0.01), (196, 104, 102), 0.35 + 0.3 * tip, 0.03)

    v = np.linspace(-1, 1, 15)
    wide = min(0.27, 0.92 * half)
    edge = np.stack([wide * v, shape.teeth - 0.016 * v**2], axis=1)
    roof = np.stack([wide * 1.1 * v, np.full(15, high - 0.10)], axis=1)
    lower_edge = np.stack([0.85 * wide * v, np.full(15, low - 0.030 - 0.05 * mouth["spread"]) - 0.012 * v**2], axis=1)
    floor = np.stack([0.85 * wide * v, np.full(15, low + 0.08)], axis=1)
    if low - high > 0.07:
        patch.fill(_between(lower_edge, floor), _scaled(actor.teeth, 0.62), 0.9, 0.006)
    patch.fill(_between(roof, edge), _scaled(actor.teeth, 0.92), 1.0, 0.003)
    for x in (-0.155, -0.105, -0.055, 0.0, 0.055, 0.105, 0.155):
        if abs(x) < wide:
            patch.line(np.array([(x, high - 0.1), (x, shape.teeth - 0.008)]), (150, 128, 116), 0.006, 0.35)
    # Lips shade the teeth, cheeks shade the sides.
    lip = shape.upper_inner
    patch.fill(_between(_lower(lip, -0.1), _lower(lip, 0.022)), (40, 10, 12), 0.60, 0.012)
    for side in (-1, 1):
        corner = np.array(
            [
                (side * half * a, b)
                for a, b in ((0.62, high - 0.2), (1.2, high - 0.2), (1.2, low + 0.2), (0.62, low + 0.2))
            ]
        )
        patch.fill(corner, (40, 12, 14), 0.75, 0.06)


def _draw_lip(
    patch: _Patch, outer: Float64, inner: Float64, colour: Colour, tones: tuple[float, ...], lamp: float
) -> None:
    """One lip in bands from its outer edge to its inner one, run together by a blur."""
    bands = patch.picture.copy()
    under = patch.picture
    patch.picture = bands
    bands[:] = _scaled(colour, tones[0] * lamp)
    for index, tone in enumerate(tones):
        start, stop = index / len(tones), 1.0 if index + 1 == len(tones) else (index + 1) / len(tones)
        a, b = outer + (inner - outer) * start, outer + (inner - outer) * stop
        cv2.fillPoly(bands, [corners(patch.pixels(_between(a, b)))], _scaled(colour, tone * lamp), cv2.LINE_AA, 4)
    bands = softened(bands, 0.010 * patch.unit)
    alpha = patch.mask(_between(outer, inner), 0.006)
    patch.picture = under
    blend(under, bands, 0.94 * alpha)


def draw_eye(canvas: UInt8, warp: Warp, lids: Eye, pose: Pose) -> None:
    """One eye with iris, pupil, a catchlight, lid shadow and lashes, uint8 `[H,W,3]` in place."""
    actor = warp.actor
    patch = _Patch(canvas, warp, _between(lids.upper, lids.lower), 0.05)
    if patch.empty:
        return
    skin = patch.picture.copy()
    lens = _between(lids.upper, lids.lower)
    white = _scaled((214, 205, 200), 1.0)
    patch.picture[:] = white
    turn = np.linspace(0, 2 * np.pi, 28)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    middle = np.array([lids.middle[0] + pose.gaze_x, lids.middle[1] + pose.gaze_y])
    iris = actor.iris_size
    for end in (0, -1):
        patch.fill(lids.upper[end] + circle * (0.05, 0.04), (176, 120, 110), 0.55, 0.02)
    patch.fill(middle + circle * iris, _scaled(actor.iris, 0.42), 1.0, 0.003)
    patch.fill(middle + circle * iris * 0.86, actor.iris, 1.0, 0.006)
    patch.fill(_lower(middle, 0.25 * iris) + circle * iris * 0.55, _scaled(actor.iris, 1.5), 0.6, 0.012)
    patch.fill(middle + circle * iris * 0.46, (12, 10, 10), 1.0, 0.003)
    shine = middle + 0.35 * iris * np.array([1.0 if actor.light[0] > 0 else -1.0, -1.0])
    patch.fill(shine + circle * iris * 0.20, (250, 250, 248), 0.95)
    patch.fill(_between(_lower(lids.upper, -0.05), _lower(lids.upper, 0.022)), (36, 22, 20), 0.55, 0.014)
    patch.put(patch.mask(lens), skin)

    patch.reload()
    dark = _scaled(actor.skin, 0.30, 0.72, 0.70)
    patch.line(lids.lower, _scaled(actor.skin, 0.55, 0.78, 0.76), 0.012, 0.7, 0.003)
    lash = (22.0, 16.0, 14.0)
    patch.line(lids.upper, dark, 0.022, 0.9, 0.003)
    outer = 0 if lids.middle[0] < 0 else -1
    wing = np.stack([lids.upper[outer], lids.upper[outer] + (0.03 * np.sign(lids.middle[0]), -0.012)])
    patch.line(wing, lash, 0.014, 0.3 + 0.5 * actor.lashes, 0.004)
    patch.line(lids.upper, lash, 0.012 + 0.012 * actor.lashes, 0.55 + 0.4 * actor.lashes, 0.002)
    patch.put()


def draw_glasses(canvas: UInt8, warp: Warp) -> None:
    """A thin dark frame, uint8 `[H,W,3]` in place."""
    turn = np.linspace(0, 2 * np.pi, 48)
    box = np.array([(-0.9, -0.3), (0.9, 0.3)])
    patch = _Patch(canvas, warp, box, 0.05)
    if patch.empty:
        return
    power = 0.72
    rim = np.stack(
        [np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power, np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power],
        axis=1,
    )
    colour = (40.0, 32.0, 30.0)
    for side in (-1, 1):
        centre = np.array([side * 0.37, 0.03])
        patch.fill(centre + rim * (0.26, 0.19), (235, 240, 245), 0.05)
        patch.line(centre + rim * (0.26, 0.19), colour, 0.020, 0.85)
        temple = np.array([(side * 0.63, -0.02), (side * (warp.actor.cheek + 0.02), -0.05)])
        patch.line(temple, colour, 0.022, 0.85)
    patch.line(np.array([(-0.11, 0.01), (0.0, -0.015), (0.11, 0.01)]), colour, 0.022, 0.85)
    patch.put()
