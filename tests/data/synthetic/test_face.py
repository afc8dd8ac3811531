import dataclasses

import numpy as np
import pytest

from viseme.data.faces import default_backend
from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.face import Renderer
from viseme.data.synthetic.motion import Pose
from viseme.data.synthetic.phonemes import PHONEMES, SHAPE

REST = dict.fromkeys(SHAPE, 0.0)


def _mouth(label: str) -> dict[str, float]:
    return {name: max(0.0, value) for name, value in zip(SHAPE, PHONEMES[label].shape, strict=True)}


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(draw_actor(np.random.default_rng([0, 0])), 256)


def _around(points: np.ndarray, pad: float) -> tuple[slice, slice]:
    low, high = np.floor(points.min(0) - pad).astype(int), np.ceil(points.max(0) + pad).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _gray(picture: np.ndarray) -> int:
    """Pixels without much colour, neither dark: of a face only the whites of the eyes."""
    high, low = picture.max(axis=-1).astype(int), picture.min(axis=-1)
    return int(((high > 110) & (high - low < 45)).sum())


@pytest.mark.parametrize("size", [64, 150, 256])
def test_pictures_have_the_size_asked_for_and_hold_all_points(size: int):
    renderer = Renderer(draw_actor(np.random.default_rng([0, 2])), size)
    pose = Pose(x=0.08, yaw=0.16, roll=0.08, zoom=1.04)
    frame, points = renderer.frame(_mouth("AA"), pose), renderer.landmarks(_mouth("AA"), pose)
    assert frame.shape == (size, size, 3)
    assert frame.dtype == np.uint8
    assert points.shape == (68, 2)
    assert points.dtype == np.float32
    assert points.min() > 0
    assert points.max() < size - 1


def test_an_open_mouth_shows_a_dark_cavity_and_white_teeth(renderer: Renderer):
    points = renderer.landmarks(_mouth("AA"), Pose())
    gap = renderer.frame(_mouth("AA"), Pose())[_around(points[60:68], -1)].max(axis=2)
    lips = renderer.frame(REST, Pose())[_around(points[60:68], -1)].max(axis=2)
    assert gap.min() < 0.5 * lips.min() or gap.min() < 60
    assert gap.max() > lips.max() + 20


def test_a_blink_covers_the_white_of_the_eye_and_touches_nothing_else(renderer: Renderer):
    opened, closed = (renderer.frame(REST, Pose(blink=blink)) for blink in (0.0, 1.0))
    points = renderer.landmarks(REST, Pose())
    changed = np.abs(opened.astype(int) - closed).max(axis=2) > 0
    elsewhere = changed.copy()
    for eye in (slice(36, 42), slice(42, 48)):
        place = _around(points[eye], 8)
        assert changed[place].mean() > 0.2
        assert _gray(opened[place]) > 3 * _gray(closed[place]) + 10
        elsewhere[place] = False
    assert not elsewhere.any()


def test_speech_leaves_the_background_alone(renderer: Renderer):
    one, two = (renderer.frame(_mouth(label), Pose()) for label in ("AA", "UW"))
    np.testing.assert_array_equal(one[:60], two[:60])
    assert np.abs(one.astype(int) - two).max() > 60


def test_actors_on_green_stand_before_green():
    actor = dataclasses.replace(
        draw_actor(np.random.default_rng(1)), background="green", background_colour=(52, 168, 72)
    )
    corner = Renderer(actor, 64).frame(REST, Pose())[:8, :8].reshape(-1, 3).mean(0)
    assert corner[1] > 1.8 * max(corner[0], corner[2])


@pytest.mark.parametrize("number", range(5))
def test_dlib_finds_the_face_and_agrees_about_its_points(number: int):
    renderer = Renderer(draw_actor(np.random.default_rng([7, number])), 256)
    backend = default_backend()
    openings = []
    for label, pose in (("M", Pose()), ("AA", Pose(yaw=0.08)), ("UW", Pose(roll=0.05, blink=1.0))):
        frame, truth = renderer.frame(_mouth(label), pose), renderer.landmarks(_mouth(label), pose)
        found = backend.detect(frame)
        assert found, label
        points = backend.landmarks(frame, found[0])
        eyes = np.linalg.norm(truth[36] - truth[45])
        assert np.linalg.norm(points - truth, axis=1).mean() / eyes < 0.06
        openings.append(float((points[66] - points[62])[1] / eyes))
    assert openings[1] > max(openings[0], openings[2]) + 0.08
