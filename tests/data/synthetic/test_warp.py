import numpy as np
import pytest

from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.geometry import eye, face_points, lips
from viseme.data.synthetic.motion import Pose
from viseme.data.synthetic.paint import Grid
from viseme.data.synthetic.phonemes import SHAPE
from viseme.data.synthetic.warp import Warp

ACTOR = draw_actor(np.random.default_rng(3))
ALL = np.ones(68, dtype=np.bool_)


def _points() -> np.ndarray:
    mouth = lips(ACTOR, dict.fromkeys(SHAPE, 0.0))
    return face_points(ACTOR, mouth, eye(ACTOR, -1, 0.0), eye(ACTOR, 1, 0.0))[0]


def test_at_rest_the_place_is_a_plain_scaling():
    at = Warp(ACTOR, Pose(), 0.0, 0.0, 256).place(np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]))
    np.testing.assert_allclose(at[0], np.array(ACTOR.centre) * 256 - 0.5)
    np.testing.assert_allclose(at[1:] - at[0], 256 * ACTOR.scale * np.eye(2))


@pytest.mark.parametrize(
    "pose",
    [Pose(), Pose(x=0.05, y=-0.03, roll=0.1, zoom=1.05), Pose(yaw=0.16), Pose(yaw=-0.12, pitch=0.12), Pose(brows=0.02)],
)
def test_the_picture_is_warped_by_the_same_map_as_the_points(pose: Pose):
    warp = Warp(ACTOR, pose, drop=0.15, spread=0.04, height=512)
    grid = Grid(-1.35, -1.75, 1.35, 2.1, 140.0)
    x, y = warp.lookup(grid)
    points = _points()
    seen = np.rint(warp.place(points, ALL)).astype(int)
    back = np.stack([x[seen[:, 1], seen[:, 0]], y[seen[:, 1], seen[:, 0]]], axis=1)
    there = warp.place((back + 0.5) / grid.density + (grid.left, grid.top), ALL)
    assert np.abs(there - seen).max() < 1.5  # of 512: below half a pixel of 256 on average


def test_only_skin_follows_the_jaw():
    chin = _points()[[8]]
    still, dropped = (Warp(ACTOR, Pose(), drop, 0.0, 256).place(chin, ALL[:1]) for drop in (0.0, 0.2))
    assert dropped[0, 1] - still[0, 1] == pytest.approx(0.2 * 256 * ACTOR.scale, rel=0.05)
    np.testing.assert_array_equal(Warp(ACTOR, Pose(), 0.2, 0.0, 256).place(chin), still)
