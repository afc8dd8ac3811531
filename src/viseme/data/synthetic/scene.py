"""What stands still behind and below a head: a background, neck, shoulders and clothes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from viseme.data.synthetic.actor import Actor
from viseme.data.synthetic.geometry import smooth_curve
from viseme.data.synthetic.hair import hair_colour
from viseme.data.synthetic.paint import Grid, blob, filled, noise, over, softened
from viseme.types import Float32


def background(actor: Actor, size: int, rng: np.random.Generator) -> Float32:
    """The room behind an actor, out of focus, float32 RGB `[size,size,3]` in 0 to 255."""
    y, x = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
    wall = np.asarray(actor.background_colour, dtype=np.float32)
    spot = np.exp(-((x - rng.uniform(-0.5, 0.5)) ** 2 + (y - rng.uniform(-0.6, 0.2)) ** 2) / 1.6)
    depth = {"green": 0.12, "plain": 0.18, "studio": 0.75}.get(actor.background, 0.35)
    picture = np.asarray(wall * (1 - depth + depth * spot)[..., None], dtype=np.float32)
    if actor.background == "lights":
        picture *= 0.55
        for _ in range(16):
            centre, radius = rng.uniform(0, size, 2), rng.uniform(0.03, 0.09) * size
            turn = np.linspace(0, 2 * np.pi, 40)
            disc = np.stack([centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn)], axis=1)
            lamp = rng.uniform((170, 120, 70), (255, 220, 190))
            mask = filled((size, size), disc, blur=0.008 * size)
            over(picture, (lamp[0], lamp[1], lamp[2]), np.asarray(rng.uniform(0.25, 0.6) * mask, dtype=np.float32))
    if actor.background == "shelves":
        edges = np.linspace(-0.05, 1.05, 5) * size + rng.uniform(-0.05, 0.05) * size
        for top, bottom in pairwise(edges):
            at = -0.05 * size
            while at < size:
                width, tall = rng.uniform(0.025, 0.07) * size, rng.uniform(0.55, 0.9) * (bottom - top)
                book = np.array([(at, bottom), (at + width, bottom), (at + width, bottom - tall), (at, bottom - tall)])
                colour = wall * rng.uniform(0.35, 0.95) + rng.uniform(-25, 25, 3)
                if rng.random() < 0.85:
                    mask = filled((size, size), book)
                    over(picture, (float(colour[0]), float(colour[1]), float(colour[2])), mask)
                at += width * rng.uniform(1.02, 1.3)
        picture = softened(picture, 0.012 * size)
    return picture


def _shoulders(actor: Actor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    broad = 1.45 if actor.female else 1.75
    side = [(0.36, 1.52), (0.55, 1.70), (0.85 * broad, 1.92), (1.05 * broad, 2.25), (1.15 * broad, 3.0)]
    right = smooth_curve(np.array(side), 30)
    return np.concatenate([right, (right * (-1, 1))[::-1]])


def body(actor: Actor, grid: Grid, rng: np.random.Generator) -> tuple[Float32, Float32]:
    """Neck, shoulders and hair that falls behind them: float32 RGB `[H,W,3]` and coverage `[H,W]`."""
    x, y = grid.axes()
    shape, unit = grid.shape, grid.density
    picture = np.zeros((*shape, 3), dtype=np.float32)
    coverage = np.zeros(shape, dtype=np.float32)

    def add(colour: tuple[float, float, float] | Float32, mask: Float32) -> None:
        over(picture, colour, mask)
        np.maximum(coverage, mask, out=coverage)

    if actor.hair_style in ("long", "bob"):
        end = 1.9 if actor.hair_style == "long" else 1.1
        veil = np.array([(-0.85, -0.3), (0.85, -0.3), (0.98, 0.6), (0.86, end), (-0.86, end), (-0.98, 0.6)])
        add(
            np.asarray(0.45 * hair_colour(actor, grid, rng), dtype=np.float32),
            filled(shape, grid.pixels(veil), blur=2.0),
        )

    thick = 0.40 if actor.female else 0.50
    right = smooth_curve(
        np.array([(thick + 0.03, 0.7), (thick, 1.25), (thick + 0.04, 1.55), (0.72, 1.86), (0.80, 2.3)]), 24
    )
    neck = np.concatenate([right, (right * (-1, 1))[::-1]])
    lamp = actor.light[0]
    across = np.clip(1 - (np.abs(x - 0.25 * lamp) / 0.75) ** 2, 0, 1)
    light = 0.52 + 0.36 * across - 0.30 * blob(x, y, (0, actor.chin + 0.02), (0.6, 0.17))
    light = light - 0.06 * blob(np.abs(x), y, (0.14, 1.75), (0.03, 0.12), -0.3)
    skin = np.asarray(actor.skin, dtype=np.float32) * np.stack([light**0.9, light**1.06, light**1.1], axis=-1)
    add(np.asarray(skin, dtype=np.float32), filled(shape, grid.pixels(neck)))

    cloth = noise(rng, shape, (0.5 * unit, 0.12 * unit)) + 0.5 * noise(rng, shape, (2.0, 2.0))
    fold = 0.80 + 0.05 * cloth + 0.22 * np.clip(1 - np.abs(x + 0.3 * lamp) / 1.6, 0, 1)
    fabric = np.asarray(np.asarray(actor.clothes_colour, dtype=np.float32) * fold[..., None], dtype=np.float32)
    garment = filled(shape, grid.pixels(_shoulders(actor)))
    depth = {"tee": 1.86, "shirt": 1.98, "vneck": 2.15, "turtleneck": 1.42}[actor.clothes]
    if actor.clothes == "turtleneck":
        tube = np.array([(-thick - 0.05, depth), (thick + 0.05, depth), (thick + 0.16, 1.75), (-thick - 0.16, 1.75)])
        garment = np.maximum(garment, filled(shape, grid.pixels(tube), blur=1.0))
    else:
        blunt = 0.35 if actor.clothes == "tee" else 0.05
        half = [(blunt, depth), (0.8 * thick, 1.66), (thick + 0.16, 1.40)]
        opening = smooth_curve(np.array([*((-a, b) for a, b in half[::-1]), *half]), 40)
        hole = filled(shape, grid.pixels(opening))
        rim = np.clip(softened(hole, 0.03 * unit) - hole, 0, 1) * 2
        over(
            picture,
            (20, 14, 12),
            np.asarray(0.5 * softened(garment * (1 - hole), 0.03 * unit) * hole, dtype=np.float32),
        )
        garment = garment * (1 - hole)
        fabric = np.asarray(fabric * (1 - 0.35 * np.clip(rim, 0, 1))[..., None], dtype=np.float32)
    if actor.clothes == "shirt":
        collar = np.array([(0.02, 2.02), (thick + 0.02, 1.46), (thick + 0.2, 1.56), (0.42, 2.10)])
        for flap in (collar, collar * (-1, 1)):
            mask = filled(shape, grid.pixels(flap))
            shade = softened(mask, 0.03 * unit)
            fabric = np.asarray(fabric * (1 - 0.3 * shade * (1 - mask) + 0.10 * mask)[..., None], dtype=np.float32)
            garment = np.maximum(garment, mask)
    add(fabric, np.asarray(garment, dtype=np.float32))
    return picture, coverage
