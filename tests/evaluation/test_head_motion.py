from __future__ import annotations

import numpy as np
import pytest

from viseme.evaluation.head_motion import head_motion


@pytest.fixture
def face() -> np.ndarray:
    """Points about the origin, eyes 50 pixels apart."""
    points = np.random.default_rng(0).uniform(-40, 40, (68, 2))
    points[36], points[45] = (-25, -10), (25, -10)
    points[27:48] -= points[27:48].mean(axis=0)
    points *= 50 / np.linalg.norm(points[36] - points[45])
    return points


def turned(face: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([face @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) for a in angles])


def test_a_still_head_does_not_move(face: np.ndarray) -> None:
    moved = head_motion(np.repeat(face[None], 10, axis=0))
    assert moved.roll == pytest.approx(0, abs=1e-9)
    assert moved.shift == pytest.approx(0, abs=1e-9)


def test_roll_is_the_range_of_the_angle(face: np.ndarray) -> None:
    moved = head_motion(turned(face, np.linspace(-6, 4, 101)) + np.array([90, 60]))
    assert moved.roll == pytest.approx(9, rel=1e-6)  # 90 per cent of 10 degrees
    assert moved.shift == pytest.approx(0, abs=1e-6)


def test_shift_is_in_shares_of_the_eye_distance(face: np.ndarray) -> None:
    way = np.linspace(0, 1, 101)[:, None, None] * np.array([3.0, 4.0])
    moved = head_motion(face + way)
    assert moved.shift == pytest.approx(100 * 0.9 * 5 / 50, rel=1e-6)
    assert moved.roll == pytest.approx(0, abs=1e-6)
    assert head_motion(2.5 * (face + way)).shift == pytest.approx(moved.shift, rel=1e-6)


def test_single_bad_frames_do_not_count(face: np.ndarray) -> None:
    points = np.repeat(face[None], 100, axis=0)
    points[50] = turned(face, np.array([30.0]))[0] + 20
    moved = head_motion(points)
    assert moved.roll < 0.5
    assert moved.shift < 1


def test_the_mouth_does_not_count(face: np.ndarray) -> None:
    points = np.repeat(face[None], 30, axis=0)
    points[:, 48:, 1] += 8 * np.sin(np.arange(30))[:, None]
    points[:, :17] += np.random.default_rng(1).normal(size=(30, 17, 2))
    assert head_motion(points).shift == pytest.approx(0, abs=1e-9)


def test_one_frame_or_one_place_has_no_motion(face: np.ndarray) -> None:
    with pytest.raises(ValueError, match="two frames"):
        head_motion(face[None])
    with pytest.raises(ValueError, match="one place"):
        head_motion(np.zeros((5, 68, 2)))
