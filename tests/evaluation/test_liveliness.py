from __future__ import annotations

import numpy as np
import pytest

from viseme.evaluation.liveliness import blink_motion_ratio, head_motion_ratio, spread_outside_mouth

WAVE = np.sin(2 * np.pi * np.arange(40) / 20)
"""Two whole periods; its standard deviation is the root of a half."""


@pytest.fixture
def still() -> np.ndarray:
    """Forty frames of one face, eyes 50 pixels apart, each eye 12 wide and 4 high."""
    points = np.random.default_rng(0).uniform(-40, 40, (68, 2))
    for first, left in ((36, -25), (42, 13)):
        corners = [(0, 0), (4, -2), (8, -2), (12, 0), (8, 2), (4, 2)]
        points[first : first + 6] = np.add(corners, (left, -10))
    return np.repeat(points[None], len(WAVE), axis=0)


def shifted(points: np.ndarray, pixels: float) -> np.ndarray:
    return points + pixels * WAVE[:, None, None] * np.array([0.6, 0.8])


def winking(points: np.ndarray, pixels: float) -> np.ndarray:
    """Upper lids that sink and rise by so many pixels."""
    moved = points.copy()
    moved[:, [37, 38, 43, 44], 1] += pixels * WAVE[:, None]
    return moved


def test_the_spread_is_that_of_a_shift(still: np.ndarray) -> None:
    assert spread_outside_mouth(shifted(still, 3.0)) == pytest.approx(3 * np.sqrt(0.5) / 50)
    assert spread_outside_mouth(2.5 * shifted(still, 3.0)) == pytest.approx(3 * np.sqrt(0.5) / 50)


def test_the_ratio_is_that_of_the_amplitudes(still: np.ndarray) -> None:
    assert head_motion_ratio(shifted(still, 1.0), shifted(still, 4.0)) == pytest.approx(0.25)
    assert head_motion_ratio(still, shifted(still, 4.0)) == pytest.approx(0.0)
    assert blink_motion_ratio(winking(still, 0.5), winking(still, 1.0)) == pytest.approx(0.5)


def test_when_it_moves_does_not_count(still: np.ndarray) -> None:
    assert head_motion_ratio(shifted(still, 2.0)[::-1], shifted(still, 2.0)) == pytest.approx(1.0)


def test_mouth_and_jaw_do_not_count(still: np.ndarray) -> None:
    talking = still.copy()
    talking[:, 48:, 1] += 8 * WAVE[:, None]
    talking[:, :17, 1] += 4 * WAVE[:, None]
    assert head_motion_ratio(talking, shifted(still, 2.0)) == pytest.approx(0.0)
    assert blink_motion_ratio(talking, winking(still, 1.0)) == pytest.approx(0.0)


def test_a_head_that_moves_does_not_blink(still: np.ndarray) -> None:
    assert blink_motion_ratio(shifted(still, 5.0), winking(still, 1.0)) == pytest.approx(0.0, abs=1e-9)


def test_truth_that_stands_still_has_no_ratio(still: np.ndarray) -> None:
    with pytest.raises(ValueError, match="head"):
        head_motion_ratio(shifted(still, 1.0), still)
    with pytest.raises(ValueError, match="eyes"):
        blink_motion_ratio(winking(still, 1.0), still)
