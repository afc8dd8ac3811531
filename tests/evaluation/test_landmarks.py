from __future__ import annotations

import numpy as np
import pytest

from viseme.evaluation.landmarks import landmark_distance


@pytest.fixture
def truth() -> np.ndarray:
    points = np.random.default_rng(0).uniform(10, 60, (4, 68, 2)).astype(np.float32)
    points[:, 36], points[:, 45] = (20, 25), (45, 25)  # 25 pixels apart
    return points


def test_nothing_lies_off_in_a_video_against_itself(truth: np.ndarray) -> None:
    distance = landmark_distance(truth, truth)
    assert distance.face.max() < 1e-4
    assert distance.mouth.max() < 1e-4


def test_head_pose_does_not_count(truth: np.ndarray) -> None:
    turned = truth @ (1.3 * np.array([[np.cos(0.4), np.sin(0.4)], [-np.sin(0.4), np.cos(0.4)]])) + (7, -3)
    assert landmark_distance(turned, truth).face.max() < 1e-4


def test_a_shifted_mouth_by_hand(truth: np.ndarray) -> None:
    moved = truth.copy()
    moved[:, 48:68, 1] += 2.5  # a tenth of the eye-corner distance
    distance = landmark_distance(moved, truth)
    assert distance.mouth == pytest.approx(np.full(4, 10.0), rel=1e-4)
    assert distance.face == pytest.approx(np.full(4, 10.0 * 20 / 68), rel=1e-4)


def test_points_in_one_place_have_no_distance(truth: np.ndarray) -> None:
    with pytest.raises(ValueError, match="one place"):
        landmark_distance(np.zeros_like(truth), truth)
