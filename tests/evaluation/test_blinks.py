from __future__ import annotations

import numpy as np
import pytest

from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.articulation import mouth_at
from viseme.data.synthetic.face import Renderer
from viseme.data.synthetic.motion import Pose
from viseme.data.synthetic.phonemes import random_sentence
from viseme.evaluation.blinks import blinks, eye_aspect_ratio


def eyes(length: int, shut: dict[int, float], open_at: float = 0.35, noise: float = 0.01) -> np.ndarray:
    """An eye aspect ratio that is `shut[t]` at some frames."""
    ratio = open_at + noise * np.random.default_rng(0).normal(size=length)
    for frame, value in shut.items():
        ratio[frame] = value
    return ratio


def dip(start: int) -> dict[int, float]:
    """Six frames of a blink: closed at once, opened slowly."""
    return dict(enumerate((0.2, 0.12, 0.13, 0.17, 0.22, 0.26), start))


def test_eye_aspect_ratio_by_hand() -> None:
    points = np.zeros((1, 68, 2), dtype=np.float32)
    for first, height in ((36, 2.0), (42, 4.0)):
        points[0, first : first + 6] = [(0, 0), (3, -height), (7, -height), (10, 0), (7, height), (3, height)]
    # (4 + 4) / (2 * 10) and (8 + 8) / (2 * 10); the mean of both eyes
    assert eye_aspect_ratio(points) == pytest.approx([0.6])
    turned = 3 * points @ np.array([[0.8, -0.6], [0.6, 0.8]]) + (5, -2)
    assert eye_aspect_ratio(turned) == pytest.approx([0.6])


def test_blinks_are_counted_and_timed() -> None:
    found = blinks(eyes(75, dip(20) | dip(50)))
    assert found.starts == [20, 50]
    assert found.lengths == [6 / 25, 6 / 25]
    assert found.rate == pytest.approx(2 / 3)
    assert found.length == pytest.approx(0.24)


@pytest.mark.parametrize("open_at", [0.22, 0.45])
def test_the_threshold_follows_the_eyes(open_at: float) -> None:
    shut = {frame: value * open_at / 0.35 for frame, value in dip(30).items()}
    assert blinks(eyes(75, shut, open_at)).starts == [30]


def test_landmarks_that_jump_on_half_closed_lids_make_no_second_blink() -> None:
    assert blinks(eyes(60, {20: 0.2, 21: 0.27, 22: 0.15, 23: 0.31, 24: 0.3, 25: 0.2})).starts == [20]


def test_lids_that_sink_with_the_gaze_are_no_blink() -> None:
    ratio = eyes(100, {})
    ratio[40:] *= 0.62
    assert blinks(ratio).starts == []


def test_eyes_shut_for_longer_are_no_blink() -> None:
    assert blinks(eyes(120, dict.fromkeys(range(40, 70), 0.1))).starts == []


def test_a_blink_cut_by_the_ends_does_not_count() -> None:
    found = blinks(eyes(60, {0: 0.1, 1: 0.12, 58: 0.2, 59: 0.1}))
    assert found.starts == []
    with pytest.raises(ValueError, match="does not blink"):
        _ = found.length


def test_open_eyes_do_not_blink() -> None:
    found = blinks(eyes(75, {}, noise=0.02))
    assert (found.starts, found.rate) == ([], 0)


def test_a_clip_of_less_than_a_second_says_nothing() -> None:
    with pytest.raises(ValueError, match="at least a second"):
        blinks(np.full(24, 0.3))


@pytest.mark.parametrize("seed", range(4))
def test_blinks_of_rendered_heads_are_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    renderer = Renderer(draw_actor(rng), 64)
    closed = np.zeros(75)
    for start in (12, 44):
        closed[start : start + 6] = (0.6, 1, 0.9, 0.7, 0.5, 0.2)
    nod = np.linspace(-0.05, 0.05, 75)
    poses = [Pose(roll=n, yaw=n, pitch=n, blink=c) for n, c in zip(nod, closed, strict=True)]
    mouth = mouth_at(random_sentence(rng, 3.0), np.arange(75) / 25)
    points = np.stack([renderer.landmarks(mouth.at(i), pose) for i, pose in enumerate(poses)])
    trembling = points + rng.normal(0, 0.05, points.shape)
    assert blinks(eye_aspect_ratio(trembling)).starts == [12, 44]
