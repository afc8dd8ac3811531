"""Pictures of an actor: a resting head warped by jaw, brows and pose, with eyes and mouth drawn anew in each frame."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from viseme.data.synthetic.actor import Actor
from viseme.data.synthetic.details import draw_eye, draw_glasses, draw_mouth
from viseme.data.synthetic.geometry import eye, face_points, head_outline, lips
from viseme.data.synthetic.hair import add_hair, ears, hair_behind
from viseme.data.synthetic.motion import Pose
from viseme.data.synthetic.paint import Grid, blob, filled, over, to_bytes
from viseme.data.synthetic.scene import background, body
from viseme.data.synthetic.skin import lit_skin
from viseme.data.synthetic.warp import Warp
from viseme.types import Float32, UInt8


class Renderer:
    """Draws one actor.

    Args:
        actor: who.
        size: height and width of the pictures in pixels.
    """

    def __init__(self, actor: Actor, size: int) -> None:
        self.actor = actor
        self.size = size
        self._work = size * max(2, -(-256 // size))
        """Pixels a side of the picture that is drawn; it is averaged down to `size`."""
        rng = np.random.default_rng(actor.seed)
        unit = self._work * actor.scale
        self._grid = Grid(-1.35, -1.75, 1.35, 2.1, unit)
        self._head = self._resting_head(rng)
        self._still = self._resting_scene(rng)

    def _resting_head(self, rng: np.random.Generator) -> UInt8:
        """Head and hair, RGBA `[H,W,4]`, colours already multiplied by coverage."""
        actor, grid = self.actor, self._grid
        picture = np.zeros((*grid.shape, 3), dtype=np.float32)
        coverage = hair_behind(actor, grid, rng, picture)
        coverage = np.maximum(coverage, ears(actor, grid, picture))
        skin = filled(grid.shape, grid.pixels(head_outline(actor)), blur=0.8)
        over(picture, lit_skin(actor, grid, rng), skin)
        coverage = np.maximum(coverage, skin)
        coverage = add_hair(actor, grid, rng, picture, coverage)
        x, y = grid.axes()
        shadow = 0.40 * blob(x, y, (-0.1 * actor.light[0], actor.chin - 0.02), (0.24, 0.13)) * (y > 0.6)
        total = coverage + (1 - coverage) * shadow
        return to_bytes(np.concatenate([picture * coverage[..., None], 255 * total[..., None]], axis=2))

    def _resting_scene(self, rng: np.random.Generator) -> UInt8:
        """Background, neck and clothes, RGB `[work,work,3]`."""
        work, unit = self._work, self._grid.density
        left, top = (-c * work / unit for c in self.actor.centre)
        grid = Grid(left, top, left + work / unit, top + work / unit, unit)
        picture = background(self.actor, work, rng)
        painted, coverage = body(self.actor, grid, rng)
        over(picture, painted, coverage)
        return to_bytes(picture)

    def _warp(self, mouth: Mapping[str, float], pose: Pose, height: int) -> Warp:
        shape = lips(self.actor, mouth)
        spread = 0.05 * mouth["spread"] - 0.05 * mouth["rounding"]
        return Warp(self.actor, pose, shape.drop, spread, height)

    def frame(self, mouth: Mapping[str, float], pose: Pose) -> UInt8:
        """One picture, RGB uint8 `[size,size,3]`.

        Args:
            mouth: parameters as `Mouth.at` gives them.
            pose: of head and eyes.
        """
        warp = self._warp(mouth, pose, self._work)
        head = np.asarray(cv2.remap(self._head, *warp.lookup(self._grid), cv2.INTER_LINEAR), dtype=np.uint8)
        through = cv2.cvtColor(255 - head[..., 3], cv2.COLOR_GRAY2RGB)
        behind = cv2.multiply(self._still, through, scale=1 / 255)
        canvas = np.asarray(cv2.add(behind, cv2.cvtColor(head, cv2.COLOR_RGBA2RGB)), dtype=np.uint8)
        shape = lips(self.actor, mouth)
        draw_mouth(canvas, warp, shape, mouth)
        for side in (-1, 1):
            draw_eye(canvas, warp, eye(self.actor, side, pose.blink), pose)
        if self.actor.glasses:
            draw_glasses(canvas, warp)
        small = cv2.resize(canvas, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(small, dtype=np.uint8)

    def landmarks(self, mouth: Mapping[str, float], pose: Pose) -> Float32:
        """The 68 points of that picture, float32 `[68,2]` in pixels."""
        warp = self._warp(mouth, pose, self.size)
        left, right = (eye(self.actor, side, pose.blink) for side in (-1, 1))
        points, on_skin = face_points(self.actor, lips(self.actor, mouth), left, right)
        return warp.place(points, on_skin).astype(np.float32)
