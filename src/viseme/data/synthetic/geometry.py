"""Where the parts of a face lie, in face units: outline, brows, eyes, nose, lips, and the 68 points in iBUG's order.

Every function is analytic in the actor and the mouth, so that what is drawn and what is written down as truth are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from viseme.data.synthetic.actor import Actor

Float64 = NDArray[np.float64]

_V = np.linspace(-1.0, 1.0, 41)
"""Where lip curves are sampled: -1 is the corner at the left of the picture, 1 the other."""
_OUTER_AT = {"upper": (-0.62, -0.24, 0.0, 0.24, 0.62), "lower": (0.62, 0.26, 0.0, -0.26, -0.62)}
_INNER_AT = (-0.36, 0.0, 0.36)


def _points(x: Float64, y: Float64) -> Float64:
    return np.stack([x, y], axis=1)


def smooth_curve(knots: Float64, count: int, closed: bool = False) -> Float64:
    """A cubic spline through `knots` `[N,2]`, sampled at `count` points, float64 `[count,2]`."""
    if closed:
        knots = np.concatenate([knots, knots[:1]])
    chord = np.concatenate([[0.0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(knots, axis=0), axis=1)))])
    spline = CubicSpline(chord, knots, bc_type="periodic" if closed else "natural")
    return np.asarray(spline(np.linspace(0.0, chord[-1], count, endpoint=not closed)))


def head_outline(actor: Actor) -> Float64:
    """Outline of the skin of the head from the crown clockwise, closed, float64 `[120,2]`."""
    side = np.array(
        [
            (0.40, actor.crown + 0.07),
            (0.68, actor.crown + 0.32),
            (actor.cheek - 0.02, -0.42),
            (actor.cheek + 0.01, -0.05),
            (actor.cheek - 0.02, 0.32),
            (0.5 * actor.cheek + 0.5 * actor.jaw + 0.005, 0.62),
            (0.93 * actor.jaw, 0.86),
            (0.40 * actor.jaw + 0.60 * actor.chin_width, 0.5 * (0.97 + actor.chin) - 0.04),
            (0.55 * actor.chin_width, actor.chin - 0.035),
        ]
    )
    mirrored = side[::-1] * (-1, 1)
    return smooth_curve(np.concatenate([[(0.0, actor.crown)], side, [(0.0, actor.chin)], mirrored]), 120, closed=True)


def jaw_line(actor: Actor) -> Float64:
    """Points 0 to 16: along the outline from one ear over the chin to the other, evenly spaced, float64 `[17,2]`."""
    outline = head_outline(actor)
    right = outline[: len(outline) // 2 + 1]
    right = right[right[:, 1] >= -0.06]
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(right, axis=0), axis=1))])
    even = np.linspace(0.0, length[-1], 9)
    half = _points(np.interp(even, length, right[:, 0]), np.interp(even, length, right[:, 1]))
    half[-1, 0] = 0.0
    return np.concatenate([half * (-1, 1), half[-2::-1]])


def brow(actor: Actor, side: int) -> Float64:
    """Centre line of one brow from the left of the picture to the right, float64 `[5,2]` = points 17-21 or 22-26."""
    x = np.array([0.135, 0.26, 0.39, 0.52, 0.64]) * (1, 1, 1, actor.brow_length, actor.brow_length)
    lift = np.array([0.25, 0.65, 0.95, 0.95, -0.15]) * actor.brow_arch
    inner_to_outer = _points(x, -actor.brow_height - lift)
    return inner_to_outer if side > 0 else inner_to_outer[::-1] * (-1, 1)


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye: upper and lower lid from left to right, float64 `[21,2]`, and where the iris rests."""

    upper: Float64
    lower: Float64
    middle: tuple[float, float]


def eye(actor: Actor, side: int, blink: float) -> Eye:
    """The eye at the left (`side` -1) or right (1) of the picture; blink 0 is open and 1 closed."""
    v = np.linspace(-1.0, 1.0, 21)
    half = (0.5 - actor.eye_inner) / 2
    x = (0.5 + actor.eye_inner) / 2 + half * v
    # `v` runs from the inner corner to the outer one; the upper lid is highest towards the nose, the lower lid lowest
    # away from it.
    axis = -actor.eye_slant * v
    top = axis - 0.074 * actor.eye_height * np.clip(1 - np.abs(v + 0.10 * (1 - v**2)) ** 2.8, 0, None)
    bottom = axis + 0.050 * actor.eye_height * np.clip(1 - np.abs(v - 0.12 * (1 - v**2)) ** 2.8, 0, None)
    closed = 0.15 * top + 0.85 * bottom
    top = top + (closed - top) * blink
    bottom = bottom + (closed - bottom) * 0.3 * blink
    upper, lower = _points(x, top), _points(x, bottom)
    if side < 0:
        upper, lower = upper[::-1] * (-1, 1), lower[::-1] * (-1, 1)
    return Eye(upper, lower, (side * float(x[10]), -0.012))


def _along(curve: Float64, x: Float64) -> Float64:
    return _points(x, np.interp(x, curve[:, 0], curve[:, 1]))


def eye_points(lids: Eye) -> Float64:
    """Six points of an eye, clockwise from its left corner, float64 `[6,2]`."""
    left, right = lids.upper[0], lids.upper[-1]
    x = left[0] + (right[0] - left[0]) * np.array([0.30, 0.70])
    return np.concatenate([[left], _along(lids.upper, x), [right], _along(lids.lower, x[::-1])])


def nose_points(actor: Actor) -> Float64:
    """Points 27 to 35: down the bridge to the tip, then along the base, float64 `[9,2]`."""
    tip = actor.nose_length - 0.11
    bridge = _points(np.zeros(4), np.linspace(-0.01, tip, 4))
    share = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    base = _points(share * 0.84 * actor.nose_width, actor.nose_length - 0.05 * np.abs(share) ** 1.2 + 0.045)
    return np.concatenate([bridge, base])


@dataclass(frozen=True, slots=True)
class Lips:
    """The mouth at one instant; curves run from the left of the picture to the right, float64 `[41,2]`.

    Attributes:
        upper_outer, upper_inner, lower_inner, lower_outer: the four edges of the two lips.
        teeth: y of the edge of the upper teeth.
        drop: how far the jaw has come down.
        gap: distance between the inner edges at the middle.
    """

    upper_outer: Float64
    upper_inner: Float64
    lower_inner: Float64
    lower_outer: Float64
    teeth: float
    drop: float
    gap: float


def lips(actor: Actor, mouth: Mapping[str, float]) -> Lips:
    """Lips of an actor for mouth parameters as `Mouth.at` gives them."""
    opening, spread, rounding = mouth["opening"], mouth["spread"], mouth["rounding"]
    tuck, press = mouth["tuck"], mouth["press"]
    gap = actor.mouth_gain * opening * (1.0 - 0.35 * tuck)
    gap_up = 0.20 * gap + 0.045 * tuck + 0.030 * spread * min(1.0, opening * 4)
    gap_low = 0.80 * gap - 0.012 * tuck
    half = actor.mouth_width * (1.0 + 0.17 * spread - 0.30 * rounding - 0.06 * opening)
    full = (1.0 - 0.10 * spread + 0.18 * rounding) * (1.0 - 0.38 * press)
    thick_up = actor.lip_upper * full * (1.0 - 0.15 * tuck - 0.10 * opening)
    thick_low = actor.lip_lower * full * (1.0 - 0.40 * tuck - 0.05 * opening)
    y = actor.mouth_y + 0.18 * gap_low
    inside = half * (0.87 - 0.04 * rounding)

    bow = np.clip(1 - _V**2, 0, None) ** 0.8 * (1 - (0.22 - 0.12 * rounding) * np.exp(-((_V / 0.15) ** 2)))
    bowl = np.clip(1 - _V**2, 0, None) ** 0.68
    lens = np.clip(1 - _V**2, 0, None) ** (0.85 - 0.35 * rounding)
    seam = 0.010 * np.cos(np.pi * _V) * (1 - press)
    corner = (0.004 - actor.smile - 0.042 * spread - 0.022 * tuck) * _V**2
    x_out, x_in = half * _V, inside * _V
    up_in = y + corner + seam - gap_up * lens - 0.18 * gap_low * lens
    low_in = y + corner + seam + 0.82 * gap_low * lens
    # The outer edges follow the inner ones, a little less: lips thin as they stretch.
    up_out = y + corner - (gap_up + 0.18 * gap_low) * 0.95 * bowl - thick_up * bow
    low_out = y + corner + 0.82 * gap_low * 0.97 * bowl + thick_low * bowl
    return Lips(
        upper_outer=_points(x_out, up_out),
        upper_inner=_points(x_in, up_in),
        lower_inner=_points(x_in, np.maximum(low_in, up_in)),
        lower_outer=_points(x_out, low_out),
        teeth=actor.mouth_y + 0.026 + 0.02 * min(opening, 1.0) - 0.03 * rounding,
        drop=0.62 * gap_low,
        gap=gap_up + gap_low,
    )


def lip_points(mouth: Lips) -> Float64:
    """Points 48 to 67, float64 `[20,2]`."""
    half = mouth.upper_outer[-1, 0]
    inside = mouth.upper_inner[-1, 0]
    upper = _along(mouth.upper_outer, half * np.array(_OUTER_AT["upper"]))
    lower = _along(mouth.lower_outer, half * np.array(_OUTER_AT["lower"]))
    inner_up = _along(mouth.upper_inner, inside * np.array(_INNER_AT))
    inner_low = _along(mouth.lower_inner, inside * np.array(_INNER_AT[::-1]))
    corners = mouth.upper_outer[[0, -1]]
    inner_corners = mouth.upper_inner[[0, -1]]
    return np.concatenate(
        [corners[:1], upper, corners[1:], lower, inner_corners[:1], inner_up, inner_corners[1:], inner_low]
    )


def face_points(actor: Actor, mouth: Lips, left: Eye, right: Eye) -> tuple[Float64, NDArray[np.bool_]]:
    """The 68 points, float64 `[68,2]`, and which of them lie on skin that jaw and brows move, bool `[68]`."""
    # Annotators follow the upper edge of a brow, but for its ends.
    above = np.array([0.15, -0.4, -0.5, -0.4, 0.15])[:, None] * (0.0, actor.brow_thickness)
    points = np.concatenate(
        [
            jaw_line(actor),
            brow(actor, -1) + above,
            brow(actor, 1) + above,
            nose_points(actor),
            eye_points(left),
            eye_points(right),
            lip_points(mouth),
        ]
    )
    on_skin = np.zeros(68, dtype=np.bool_)
    on_skin[:36] = True
    return points, on_skin
