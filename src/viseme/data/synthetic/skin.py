"""The skin of a head at rest: a height field lit by a lamp, over a complexion that is not the same everywhere."""

from __future__ import annotations

import numpy as np

from viseme.data.synthetic.actor import Actor
from viseme.data.synthetic.geometry import brow, eye, head_outline, smooth_curve
from viseme.data.synthetic.paint import Grid, blob, filled, noise, over, softened
from viseme.types import Float32


def _ridge(grid: Grid, points: list[tuple[float, float]], width: float) -> Float32:
    """A line through `points`, softened to `width` face units, height 1."""
    line = smooth_curve(np.array(points), 24)
    normal = np.stack([-np.gradient(line[:, 1]), np.gradient(line[:, 0])], axis=1)
    normal *= 0.5 * width / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    ribbon = np.concatenate([line + normal, (line - normal)[::-1]])
    mask = filled(grid.shape, grid.pixels(ribbon), blur=width * grid.density * 0.6)
    return np.asarray(mask / max(float(mask.max()), 1e-6), dtype=np.float32)


def relief(actor: Actor, grid: Grid) -> Float32:
    """How far the skin stands out of the picture, in face units, float32 `[H,W]`."""
    x, y = grid.axes()
    inside = filled(grid.shape, grid.pixels(head_outline(actor)))
    round_edge = softened(inside, 0.11 * grid.density)
    z = 0.55 * np.sqrt(np.clip(1 - (1 - round_edge) ** 2, 0, 1)) * inside
    z = z + 0.45 * np.sqrt(np.clip(1 - (x / 1.05) ** 2 - ((y - 0.15) / 1.6) ** 2, 0, 1))
    ax = np.abs(x)
    tip, wide, bridge = actor.nose_length, actor.nose_width, actor.nose_bridge
    # Eyes: sockets under a brow ridge, with the ball inside.
    z = z + 0.045 * blob(ax, y, (0.36, -actor.brow_height - 0.01), (0.22, 0.055))
    z = z - 0.085 * blob(ax, y, (0.33, -0.015), (0.15, 0.085)) - 0.05 * blob(ax, y, (0.17, -0.04), (0.05, 0.08))
    z = z + 0.055 * blob(ax, y, (0.355, 0.0), (0.10, 0.062))
    z = z - 0.012 * (0.5 + actor.age) * blob(ax, y, (0.34, 0.125), (0.10, 0.018), 0.1)
    # Nose: a ridge that widens to the tip, wings beside it, and a steep base.
    along = np.clip((y + 0.12) / (tip + 0.02), 0, 1)
    profile = (0.05 + 0.15 * along**1.3) * (0.6 + 0.4 * bridge) / (1 + np.exp((y - tip + 0.045) / 0.022))
    profile = profile / (1 + np.exp(-(y + 0.05) / 0.05))
    z = z + profile * np.exp(-0.5 * (x / (0.055 + 0.045 * along)) ** 2)
    z = z + 0.07 * blob(x, y, (0.0, tip - 0.10), (0.075, 0.065))
    z = z + 0.075 * blob(ax, y, (wide - 0.055, tip - 0.055), (0.048, 0.05))
    # Cheeks, the fold from nose to mouth, the groove above the lip, chin.
    z = z + 0.07 * blob(ax, y, (0.46, 0.40), (0.17, 0.17))
    fold = [(wide + 0.03, tip - 0.08), (0.30, tip + 0.12), (0.37, actor.mouth_y - 0.02)]
    creases = _ridge(grid, fold, 0.05) + _ridge(grid, [(-a, b) for a, b in fold], 0.05)
    z = z - (0.010 + 0.022 * actor.age) * creases
    z = z + 0.055 * blob(x, y, (0.0, actor.mouth_y), (0.24, 0.12))
    z = z - 0.016 * blob(x, y, (0.0, 0.5 * (tip + actor.mouth_y) - 0.02), (0.028, 0.06))
    z = z - 0.035 * blob(x, y, (0.0, actor.mouth_y + 0.20), (0.16, 0.04))
    z = z + 0.055 * blob(x, y, (0.0, actor.chin - 0.13), (0.13, 0.09))
    # Lines that come with years: brow, between the eyes, beside them.
    if actor.age > 0.35:
        strength = 0.008 * (actor.age - 0.2)
        for height in (-0.42, -0.51, -0.60):
            bent = [(-0.36, height + 0.02), (0.0, height), (0.36, height + 0.02)]
            z = z - strength * _ridge(grid, bent, 0.022)
        for side in (-1, 1):
            z = z - strength * _ridge(grid, [(side * 0.05, -0.28), (side * 0.045, -0.12)], 0.02)
            for lift in (-0.05, 0.0, 0.05):
                z = z - strength * _ridge(grid, [(side * 0.55, lift), (side * 0.66, 1.9 * lift)], 0.015)
    return softened(np.asarray(z, dtype=np.float32), 0.008 * grid.density)


def complexion(actor: Actor, grid: Grid, rng: np.random.Generator) -> Float32:
    """Colour of the skin without light, float32 RGB `[H,W,3]`."""
    x, y = grid.axes()
    ax = np.abs(x)
    colour = np.broadcast_to(np.asarray(actor.skin, dtype=np.float32), (*grid.shape, 3)).copy()
    grain = grid.density
    mottle = noise(rng, grid.shape, (0.10 * grain, 0.10 * grain)) + 0.6 * noise(
        rng, grid.shape, (0.02 * grain, 0.02 * grain)
    )
    colour *= (1 + 0.010 * mottle)[..., None]
    red = (actor.skin[0] * 0.98, actor.skin[1] * 0.74, actor.skin[2] * 0.72)
    flush = blob(ax, y, (0.46, 0.38), (0.16, 0.14)) + 0.7 * blob(x, y, (0, actor.nose_length - 0.1), (0.12, 0.09))
    over(colour, red, np.asarray(actor.blush * np.clip(flush, 0, 1), dtype=np.float32))
    shadow = tuple(c * s for c, s in zip(actor.skin, (0.72, 0.62, 0.62), strict=True))
    sockets = 0.5 * blob(ax, y, (0.34, -0.07), (0.15, 0.06)) + 0.35 * blob(ax, y, (0.20, -0.02), (0.05, 0.09))
    sockets = sockets + (0.15 + 0.3 * actor.age) * blob(ax, y, (0.33, 0.10), (0.11, 0.03))
    over(colour, (shadow[0], shadow[1], shadow[2]), np.asarray(np.clip(sockets, 0, 1) * 0.75, dtype=np.float32))
    if actor.stubble > 0:
        beard = filled(grid.shape, grid.pixels(_beard(actor)), blur=0.07 * grain)
        grains = 0.75 + 0.25 * np.clip(noise(rng, grid.shape, (1.6, 1.2)), -1, 1)
        tone = tuple(0.35 * s + 0.65 * h for s, h in zip(actor.skin, actor.brow_colour, strict=True))
        over(colour, (tone[0], tone[1], tone[2]), np.asarray(0.7 * actor.stubble * beard * grains, dtype=np.float32))
    if actor.freckles > 0:
        spots = np.clip(noise(rng, grid.shape, (0.02 * grain, 0.02 * grain)) - 1.3, 0, 1)
        where = np.clip(blob(ax, y, (0.30, 0.34), (0.24, 0.12)) + blob(x, y, (0, 0.25), (0.15, 0.15)), 0, 1)
        over(colour, (150, 92, 60), np.asarray(actor.freckles * 0.8 * spots * where, dtype=np.float32))
    return colour


def _beard(actor: Actor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    low, lip = actor.chin + 0.1, actor.mouth_y - 0.17
    side = [(0.06, lip), (0.30, lip + 0.06), (0.42, actor.mouth_y + 0.02), (actor.cheek - 0.05, 0.35)]
    side += [(actor.cheek + 0.1, 0.5), (actor.jaw, 1.1), (0.3, low)]
    return np.array([*side, *[(-a, b) for a, b in side[::-1]]])


def light_on(actor: Actor, z: Float32, grid: Grid) -> tuple[Float32, Float32]:
    """How brightly a relief is lit (about 1 facing the lamp) and how much it glistens, each float32 `[H,W]`."""
    dy, dx = np.gradient(z * grid.density)
    length = np.sqrt(1 + dx * dx + dy * dy)
    lamp = np.asarray(actor.light) / np.linalg.norm(actor.light)
    facing = (-dx * lamp[0] - dy * lamp[1] + lamp[2]) / length
    wrapped = np.clip((facing + 0.25) / 1.25, 0, None)
    # Hollows see less of the sky.
    hollow = np.clip((softened(z, 0.07 * grid.density) - z) / 0.05, -1, 1)
    light = 0.30 + 0.74 * wrapped - 0.16 * hollow
    half = lamp + np.array([0, 0, 1])
    half = half / np.linalg.norm(half)
    gleam = np.clip((-dx * half[0] - dy * half[1] + half[2]) / length, 0, 1) ** 28
    # Film's shoulder: what is very bright does not burn out.
    light = np.where(light > 0.9, 0.9 + 0.22 * np.tanh((light - 0.9) / 0.22), light)
    return np.asarray(light, dtype=np.float32), np.asarray(gleam, dtype=np.float32)


def lit_skin(actor: Actor, grid: Grid, rng: np.random.Generator) -> Float32:
    """Colour of the head's skin with light, nostrils, lid creases and brows on it, float32 RGB `[H,W,3]`."""
    z = relief(actor, grid)
    light, gleam = light_on(actor, z, grid)
    colour = complexion(actor, grid, rng)
    # Light that enters the skin comes back red, so shadows are warmer than the skin itself.
    warm = np.stack([light**0.85, light**1.06, light**1.12], axis=-1)
    picture = np.asarray(colour * warm + (22 * gleam)[..., None], dtype=np.float32)
    _features(actor, grid, rng, picture)
    return picture


def _features(actor: Actor, grid: Grid, rng: np.random.Generator, picture: Float32) -> None:
    x, y = grid.axes()
    dark = tuple(c * s for c, s in zip(actor.skin, (0.30, 0.20, 0.19), strict=True))
    deep = (dark[0], dark[1], dark[2])
    tip, wide = actor.nose_length, actor.nose_width
    ax = np.abs(x)
    nostril = blob(ax, y, (0.46 * wide, tip - 0.010), (0.030, 0.014), -0.25)
    over(picture, deep, np.asarray(np.clip(1.3 * nostril, 0, 0.9), dtype=np.float32))
    wing = [
        (wide - 0.01, tip - 0.10),
        (wide + 0.015, tip - 0.04),
        (wide - 0.03, tip + 0.005),
        (0.45 * wide, tip + 0.02),
    ]
    under = [(-0.5 * wide, tip + 0.02), (0.0, tip + 0.035), (0.5 * wide, tip + 0.02)]
    crease = _ridge(grid, wing, 0.025) + _ridge(grid, [(-a, b) for a, b in wing], 0.025)
    over(picture, deep, np.asarray(np.clip(0.42 * crease + 0.30 * _ridge(grid, under, 0.035), 0, 1), dtype=np.float32))
    for side in (-1, 1):
        lid = eye(actor, side, 0.0).upper
        fold = lid[2:-1] - (0.0, 0.042) if side > 0 else lid[1:-2] - (0.0, 0.042)
        over(picture, deep, 0.45 * _ridge(grid, [(float(a), float(b)) for a, b in fold[::3]], 0.018))
        _paint_brow(actor, grid, rng, picture, side)


def _paint_brow(actor: Actor, grid: Grid, rng: np.random.Generator, picture: Float32, side: int) -> None:
    line = smooth_curve(brow(actor, side), 24)
    share = np.linspace(0, 1, 24) if side > 0 else np.linspace(1, 0, 24)
    half = 0.5 * actor.brow_thickness * (0.75 + 0.5 * share - 1.1 * share**3 + 0.25 * np.sin(np.pi * share))
    upper = line - np.stack([np.zeros(24), half], axis=1)
    lower = line + np.stack([np.zeros(24), half], axis=1)
    mask = filled(grid.shape, grid.pixels(np.concatenate([upper, lower[::-1]])), blur=0.008 * grid.density)
    hairs = 0.85 + 0.15 * np.clip(noise(rng, grid.shape, (4.0, 1.3)), -1.5, 1)
    over(picture, actor.brow_colour, np.asarray(mask * hairs * 0.92, dtype=np.float32))
