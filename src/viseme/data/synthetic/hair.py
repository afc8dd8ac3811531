"""Hair, ears and what is worn on a head at rest, as a picture with coverage that lies over and behind the skin."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from viseme.data.synthetic.actor import Actor
from viseme.data.synthetic.geometry import smooth_curve
from viseme.data.synthetic.paint import Grid, blob, filled, noise, over, softened
from viseme.types import Float32

Float64 = NDArray[np.float64]


def _outer(actor: Actor, rng: np.random.Generator) -> Float64:
    """Outline of the hair from the left ear over the crown to the right ear."""
    thick = {"curly": 0.26, "bob": 0.15, "long": 0.13, "side": 0.13, "fringe": 0.12, "short": 0.085}
    rise = thick.get(actor.hair_style, 0.05) * actor.hair_volume
    wide = actor.cheek + 0.015 + 0.55 * rise
    lean = 0.05 * np.sign(actor.parting) if actor.hair_style == "side" else 0.0
    arc = [
        (-wide, 0.05),
        (-wide - 0.1 * rise, -0.40),
        (-0.73 - 0.7 * rise, -0.80 - 0.3 * rise),
        (-0.42 - 0.3 * rise + lean, actor.crown + 0.06 - 0.8 * rise),
        (0.0 + lean, actor.crown - rise),
        (0.42 + 0.3 * rise + lean, actor.crown + 0.06 - 0.8 * rise),
        (0.73 + 0.7 * rise, -0.80 - 0.3 * rise),
        (wide + 0.1 * rise, -0.40),
        (wide, 0.05),
    ]
    curve = smooth_curve(np.array(arc), 90)
    if actor.hair_style == "curly":
        outward = curve - (0.0, -0.3)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        curls = 0.035 * np.abs(np.sin(np.linspace(0, np.pi * 13, 90) + rng.uniform(0, 3)))
        curve = curve + outward * curls[:, None]
    return curve


def _hairline(actor: Actor) -> Float64:
    """Edge between forehead and hair, from the left ear to the right one."""
    ear, part = actor.cheek - 0.015, actor.parting
    swept = 0.13 * float(np.sign(part))
    # Between the temples: corner at the left, middle, corner at the right.
    fronts = {
        "short": [(-0.46, -0.68), (0.0, -0.72), (0.46, -0.68)],
        "side": [(-0.44, -0.63 - swept), (0.6 * part, -0.74), (0.44, -0.63 + swept)],
        "fringe": [(-0.44, -0.36), (0.0, -0.38), (0.44, -0.36)],
        "curly": [(-0.45, -0.60), (0.0, -0.68), (0.45, -0.60)],
        "bald": [(-0.45, -1.00), (0.0, -1.20), (0.45, -1.00)],
        "receding": [(-0.50, -0.80), (0.0, -0.94), (0.50, -0.80)],
        "bob": [(-0.42, -0.45), (0.3 * part, -0.56), (0.42, -0.45)],
        "long": [(-0.40 + 0.2 * part, -0.66), (0.5 * part, -0.88), (0.40 + 0.2 * part, -0.66)],
        "tied": [(-0.42, -0.72), (0.0, -0.80), (0.42, -0.72)],
    }
    temple = {"bald": 0.77, "receding": 0.72, "fringe": 0.70, "bob": 0.68}.get(actor.hair_style, 0.66)
    side = [(ear, 0.10), (ear - 0.05, -0.20), (temple, -0.45 if actor.hair_style != "long" else -0.34)]
    arc = [*((-x, y) for x, y in side), *fronts[actor.hair_style], *side[::-1]]
    return smooth_curve(np.array(arc), 60)


def _curtains(actor: Actor) -> list[Float64]:
    """Hair that hangs at both sides of the face, as polygons."""
    lengths = {"bob": 1.12, "long": 1.95}
    if actor.hair_style not in lengths:
        return []
    end = lengths[actor.hair_style]
    wide = actor.cheek + 0.015 + 0.08 * actor.hair_volume
    inner = actor.cheek - 0.05
    flare = 0.10 * actor.hair_volume
    outside = smooth_curve(
        np.array([(wide, -0.2), (wide + flare, 0.5), (wide + flare, end * 0.8), (wide - 0.12, end)]), 20
    )
    inside = smooth_curve(
        np.array([(inner - 0.22, end), (inner - 0.06, end * 0.75), (inner + 0.02, 0.45), (inner + 0.01, -0.2)]), 20
    )
    right = np.concatenate([outside, inside])
    return [right, right * (-1, 1)]


def _combed(grid: Grid, rng: np.random.Generator, parting: float, length: float) -> Float32:
    """Strands of `length` face units that fall from a point above the parting, of about unit variance."""
    x, y = grid.axes()
    dx, dy = x - 0.5 * parting, y + 1.75
    radius, angle = np.sqrt(dx * dx + dy * dy), np.arctan2(dx, np.maximum(dy, 1e-3))
    wave = 0.05 * np.sin(3.0 * radius + rng.uniform(0, 6))
    total = np.zeros(grid.shape, dtype=np.float32)
    for fine, weight in ((0.012, 0.8), (0.035, 0.8), (0.12, 0.5)):
        rows, columns = max(4, round(4.5 / length)), round(2 * np.pi / fine)
        grains = noise(rng, (rows * 4, columns), (4, 1))
        at_x = ((angle + wave) / (2 * np.pi) + 0.5) * columns
        at_y = radius / 4.5 * rows * 4 + 6 * np.sin(40 * angle)
        field = cv2.remap(
            grains, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_CUBIC, None, cv2.BORDER_REFLECT
        )
        total += weight * field
    return total


def hair_behind(actor: Actor, grid: Grid, rng: np.random.Generator, picture: Float32) -> Float32:
    """Paint a bun that shows above the crown into `picture` in place; return its coverage, float32 `[H,W]`."""
    if actor.hair_style != "tied":
        return np.zeros(grid.shape, dtype=np.float32)
    turn = np.linspace(0, 2 * np.pi, 40)
    radius = 0.27 * actor.hair_volume**0.5
    bun = np.stack([radius * np.cos(turn), actor.crown - 0.10 + 0.8 * radius * np.sin(turn)], axis=1)
    mask = filled(grid.shape, grid.pixels(bun), blur=0.015 * grid.density)
    over(picture, np.asarray(0.8 * hair_colour(actor, grid, rng), dtype=np.float32), mask)
    return mask


def hair_colour(actor: Actor, grid: Grid, rng: np.random.Generator) -> Float32:
    """Strands in the colour of the hair, lit from above, float32 RGB `[H,W,3]`."""
    x, y = grid.axes()
    shape, unit = grid.shape, grid.density
    if actor.hair_style == "curly":
        strands = noise(rng, shape, (0.05 * unit, 0.05 * unit)) + 0.7 * noise(rng, shape, (0.022 * unit, 0.022 * unit))
    elif actor.hair_style in ("short", "receding", "bald"):
        strands = 0.7 * _combed(grid, rng, actor.parting, 0.12) + 0.6 * noise(rng, shape, (0.03 * unit, 0.03 * unit))
    else:
        strands = _combed(grid, rng, actor.parting, 0.9)
    lamp = actor.light
    shine = blob(x, y, (0.5 * lamp[0], actor.crown + 0.22), (0.62, 0.13))
    shade = 0.80 + 0.28 * np.clip((0.2 - y) / 1.6, 0, 1) + 0.10 * x * np.sign(lamp[0]) * abs(lamp[0])
    tone = np.asarray(shade * (1 + 0.11 * strands) + 0.40 * shine * (1 + 0.25 * strands), dtype=np.float32)
    base = np.asarray(actor.hair, dtype=np.float32)
    return np.asarray(base * tone[..., None] + (14 * shine)[..., None], dtype=np.float32)


def add_hair(actor: Actor, grid: Grid, rng: np.random.Generator, picture: Float32, coverage: Float32) -> Float32:
    """Paint hair into `picture` `[H,W,3]` in place; return the coverage with the hair's added, float32 `[H,W]`."""
    _, y = grid.axes()
    hairline = _hairline(actor)
    cap = np.concatenate([_outer(actor, rng), hairline[::-1]])
    polygons = [grid.pixels(p) for p in (cap, *_curtains(actor))]
    rough = noise(rng, grid.shape, (0.05 * grid.density, 0.02 * grid.density))
    soft = filled(grid.shape, *polygons, blur=0.018 * grid.density)
    dense = np.clip((soft - 0.5 + 0.06 * rough) * 3.5 + 0.5, 0, 1)
    if actor.hair_style in ("bald", "receding"):
        # Cropped close: the scalp shows through, and ever more towards the crown.
        dense = dense * (0.75 if actor.hair_style == "receding" else 0.55 * np.clip((y + 1.1) / 0.5, 0, 1))
    mask: Float32 = np.asarray(dense, dtype=np.float32)
    below = softened(np.roll(mask, round(0.05 * grid.density), axis=0), 0.04 * grid.density)
    over(picture, (24, 16, 14), np.asarray(0.32 * below * coverage, dtype=np.float32))
    over(picture, hair_colour(actor, grid, rng), mask)
    return np.asarray(np.maximum(coverage, mask), dtype=np.float32)


def ears(actor: Actor, grid: Grid, picture: Float32) -> Float32:
    """Paint ears into `picture` in place; return their coverage, float32 `[H,W]`."""
    turn = np.linspace(0, 2 * np.pi, 40)
    coverage = np.zeros(grid.shape, dtype=np.float32)
    for side in (-1, 1):
        rim = np.stack([side * (actor.cheek + 0.015 + 0.085 * np.cos(turn)), 0.12 + 0.22 * np.sin(turn)], axis=1)
        rim[:, 0] += side * 0.03 * (0.12 - rim[:, 1])
        mask = filled(grid.shape, grid.pixels(rim))
        light = 0.86 - 0.14 * side * -np.sign(actor.light[0]) * min(1.0, abs(actor.light[0]) * 2)
        over(picture, (actor.skin[0] * light, actor.skin[1] * light * 0.90, actor.skin[2] * light * 0.88), mask)
        x, y = grid.axes()
        hollow = blob(x, y, (side * (actor.cheek + 0.03), 0.11), (0.03, 0.11), side * -0.12)
        over(
            picture,
            (actor.skin[0] * 0.5, actor.skin[1] * 0.36, actor.skin[2] * 0.34),
            np.asarray(0.75 * hollow * mask, dtype=np.float32),
        )
        coverage = np.maximum(coverage, mask)
    return coverage
