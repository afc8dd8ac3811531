import numpy as np
import pytest

from viseme.data.faces import MIRROR
from viseme.data.synthetic.actor import Actor, draw_actor
from viseme.data.synthetic.geometry import eye, face_points, head_outline, jaw_line, lip_points, lips
from viseme.data.synthetic.phonemes import SHAPE

REST = dict.fromkeys(SHAPE, 0.0)


@pytest.fixture(params=range(6))
def actor(request: pytest.FixtureRequest) -> Actor:
    return draw_actor(np.random.default_rng([0, request.param]))


def _points(actor: Actor, mouth: dict[str, float], blink: float = 0.0) -> np.ndarray:
    return face_points(actor, lips(actor, mouth), eye(actor, -1, blink), eye(actor, 1, blink))[0]


def test_points_follow_ibug_order(actor: Actor):
    points = _points(actor, {**REST, "opening": 0.5})
    assert points.shape == (68, 2)
    np.testing.assert_allclose(points[36], (-0.5, points[36, 1]))
    np.testing.assert_allclose(points[45], (0.5, points[45, 1]))
    left_to_right = (
        [*range(17)],
        [*range(17, 27)],
        [36, 37, 38, 39, 42, 43, 44, 45],
        [*range(31, 36)],
        [*range(48, 55)],
    )
    for run in (*left_to_right, [60, 61, 62, 63, 64], [59, 58, 57, 56, 55], [67, 66, 65]):
        assert (np.diff(points[run, 0]) > 0).all(), run
    downwards = [19, 37, 41, 29, 30, 33, 51, 62, 66, 57, 8], [27, 28, 29, 30, 33], [0, 1, 2, 3, 4, 5, 6, 7, 8]
    for run in downwards:
        assert (np.diff(points[run, 1]) > 0).all(), run


def test_a_face_at_rest_is_its_own_mirror_image(actor: Actor):
    points = _points(actor, {**REST, "opening": 0.4, "spread": 0.3})
    np.testing.assert_allclose(points[list(MIRROR)] * (-1, 1), points, atol=1e-9)


def test_opening_parts_the_inner_lips_by_the_actor_s_gain(actor: Actor):
    def gap(opening: float) -> float:
        mouth = _points(actor, {**REST, "opening": opening})
        return float(mouth[66, 1] - mouth[62, 1])

    assert gap(0.0) == pytest.approx(0.0, abs=1e-9)
    assert gap(1.0) == pytest.approx(actor.mouth_gain, rel=0.02)
    assert gap(0.2) < gap(0.5) < gap(0.8)


def test_lips_never_cross(actor: Actor):
    rng = np.random.default_rng(0)
    for _ in range(50):
        shape = lips(actor, {**dict(zip(SHAPE, rng.random(6), strict=True))})
        assert (shape.lower_inner[:, 1] >= shape.upper_inner[:, 1] - 1e-9).all()
        assert (shape.upper_inner[4:-4, 1] > shape.upper_outer[4:-4, 1]).all()
        assert (shape.lower_outer[4:-4, 1] > shape.lower_inner[4:-4, 1]).all()


def test_spread_widens_and_rounding_narrows_the_mouth(actor: Actor):
    def width(**mouth: float) -> float:
        points = lip_points(lips(actor, {**REST, **mouth}))
        return float(points[6, 0] - points[0, 0])

    assert width(spread=1.0) > 1.1 * width() > 1.1 * 1.2 * width(rounding=1.0)


def test_a_blink_closes_the_lids(actor: Actor):
    opened, closed = (_points(actor, REST, blink) for blink in (0.0, 1.0))
    height = [float(p[41, 1] - p[37, 1]) for p in (opened, closed)]
    assert 0 <= height[1] < 0.25 * height[0]


def test_the_jaw_line_lies_on_the_outline(actor: Actor):
    outline, jaw = head_outline(actor), jaw_line(actor)
    nearest = np.linalg.norm(outline[None] - jaw[:, None], axis=-1).min(axis=1)
    assert nearest.max() < 0.03
    assert jaw[8, 1] == pytest.approx(actor.chin, abs=0.01)
