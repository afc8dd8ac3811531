import numpy as np
import pytest

from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.details import draw_eye, draw_glasses, draw_mouth
from viseme.data.synthetic.geometry import eye, lip_points, lips
from viseme.data.synthetic.motion import Pose
from viseme.data.synthetic.phonemes import SHAPE
from viseme.data.synthetic.warp import Warp

ACTOR = draw_actor(np.random.default_rng([0, 9]))
REST = dict.fromkeys(SHAPE, 0.0)


def _canvas() -> np.ndarray:
    return np.full((256, 256, 3), 150, dtype=np.uint8)


def _drawn(canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero((canvas != 150).any(axis=2))
    return np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()])


@pytest.mark.parametrize("label", ["opening", "spread", "rounding", "tuck", "press", "tongue"])
def test_a_mouth_is_drawn_where_its_points_are(label: str):
    mouth, warp = {**REST, "opening": 0.3, label: 1.0}, Warp(ACTOR, Pose(roll=0.05), 0.0, 0.0, 256)
    canvas, shape = _canvas(), lips(ACTOR, mouth)
    draw_mouth(canvas, warp, shape, mouth)
    low, high = _drawn(canvas)
    points = warp.place(lip_points(shape))
    assert (np.abs(low - points.min(0)) < 6).all()
    assert np.abs(high - points.max(0))[0] < 6
    assert 0 < high[1] - points[:, 1].max() < 14


def test_the_tip_of_the_tongue_shows_when_raised():
    warp, pictures = Warp(ACTOR, Pose(), 0.0, 0.0, 512), []
    for tongue in (0.0, 1.0):
        mouth = {**REST, "opening": 0.9, "tongue": tongue}
        canvas = np.full((512, 512, 3), 150, dtype=np.uint8)
        draw_mouth(canvas, warp, lips(ACTOR, mouth), mouth)
        pictures.append(canvas.astype(int))
    low, high = pictures[0], pictures[1]
    changed = np.abs(high - low).max(axis=2) > 15
    assert changed.sum() > 50
    assert (high - low)[changed][:, 0].mean() > 20  # pink where it was dark


def test_the_iris_follows_the_gaze():
    def centre(gaze: float) -> float:
        canvas = _canvas()
        draw_eye(canvas, Warp(ACTOR, Pose(), 0.0, 0.0, 256), eye(ACTOR, 1, 0.0), Pose(gaze_x=gaze))
        lids = Warp(ACTOR, Pose(), 0.0, 0.0, 256).place(np.array([eye(ACTOR, 1, 0.0).middle]))[0]
        row = 255.0 - canvas[round(lids[1])].mean(axis=1)
        row[row < 150] = 0.0
        return float((row * np.arange(256)).sum() / row.sum())

    assert centre(0.03) - centre(-0.03) == pytest.approx(0.06 * 256 * ACTOR.scale, rel=0.35)


def test_what_lies_outside_the_picture_is_left_out():
    warp = Warp(ACTOR, Pose(x=5.0), 0.0, 0.0, 256)
    canvas = _canvas()
    draw_mouth(canvas, warp, lips(ACTOR, REST), REST)
    draw_eye(canvas, warp, eye(ACTOR, 1, 0.0), Pose())
    draw_glasses(canvas, warp)
    assert (canvas == 150).all()


def test_glasses_are_drawn_around_the_eyes_and_do_not_hide_them():
    canvas = _canvas()
    warp = Warp(ACTOR, Pose(), 0.0, 0.0, 256)
    draw_glasses(canvas, warp)
    low, high = _drawn(canvas)
    left, right = warp.place(np.array([(-0.5, 0.0), (0.5, 0.0)]))
    assert low[0] < left[0] < right[0] < high[0]
    eyes = warp.place(np.array([(-0.355, 0.0), (0.355, 0.0)])).round().astype(int)
    assert np.abs(canvas[eyes[:, 1], eyes[:, 0]].astype(int) - 150).max() < 15
