from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from viseme.evaluation.mouth import (
    correlation,
    fitted,
    least_spread_ratio,
    mean_curve,
    mouth_correlation,
    opening,
    regressed_out,
    spread_each_second,
    spread_ratio,
)

series = arrays(np.float64, 20, elements=st.floats(-5, 5, width=32))


def face(gaps: list[tuple[float, float, float]], eyes: float = 10) -> np.ndarray:
    """Points of which only the eye corners and the inner lips matter."""
    points = np.random.default_rng(0).normal(size=(len(gaps), 68, 2)).astype(np.float32)
    points[:, 36], points[:, 45] = (0, 0), (eyes, 0)
    for frame, three in enumerate(gaps):
        for (up, low), gap in zip(((61, 67), (62, 66), (63, 65)), three, strict=True):
            points[frame, up], points[frame, low] = (up, 20), (up, 20 + gap)
    return points


def test_opening_by_hand() -> None:
    assert opening(face([(1, 2, 3)])) == pytest.approx([0.2])


def test_opening_is_smoothed_over_three_frames() -> None:
    shares = opening(face([(0, 0, 0), (3, 3, 3), (6, 6, 6), (0, 0, 0)]))
    assert shares == pytest.approx([0.15, 0.3, 0.3, 0.3])  # two at the ends: (0 + 3) / 2 and (6 + 0) / 2


def test_opening_knows_no_scale() -> None:
    points = face([(1, 2, 3), (4, 4, 5)])
    assert opening(points * 3.7 + 12) == pytest.approx(opening(points), rel=1e-5)


def test_correlation_of_a_series_with_itself_and_its_reverse() -> None:
    wave = np.sin(np.arange(30))
    assert correlation(wave, 0.2 * wave + 3) == pytest.approx(1)
    assert correlation(wave, -wave) == pytest.approx(-1)


def test_a_constant_opening_counts_zero() -> None:
    wave = np.sin(np.arange(30))
    assert correlation(np.full(30, 0.1), wave) == 0
    assert correlation(wave, np.full(30, 0.1)) == 0
    assert mouth_correlation(np.full(30, 0.1), wave, np.cos(np.arange(30))) == 0


def test_pearson_is_numpy_s() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 40))
    assert correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])


@settings(deadline=None)
@given(series, series)
def test_what_is_left_knows_nothing_of_the_curve(values: np.ndarray, curve: np.ndarray) -> None:
    left = regressed_out(values, curve)
    assert left.sum() == pytest.approx(0, abs=1e-6)
    assert left @ (curve - curve.mean()) == pytest.approx(0, abs=1e-5)


def test_a_candidate_that_only_knows_the_rhythm_scores_nothing() -> None:
    rng = np.random.default_rng(0)
    rhythm = np.sin(np.arange(60) / 4)
    truth = rhythm + 0.3 * rng.normal(size=60)
    assert correlation(2 * rhythm + 1, truth) > 0.8
    assert mouth_correlation(2 * rhythm + 1, truth, rhythm) == 0


def test_regressing_out_leaves_what_follows_the_sound() -> None:
    rng = np.random.default_rng(0)
    rhythm, own = np.sin(np.arange(60) / 4), rng.normal(size=60)
    candidate, truth = 3 * rhythm + own, rhythm + own
    # By hand: partial correlation of two series given a third, here exactly 1.
    assert mouth_correlation(candidate, truth, rhythm) == pytest.approx(1)
    assert correlation(candidate, truth) < 0.95


def test_mean_curve_of_unequal_lengths() -> None:
    assert mean_curve([np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])]) == pytest.approx([2, 3, 5])
    assert mean_curve([]).size == 0


def test_curve_is_cut_or_held() -> None:
    assert fitted(np.array([1.0, 2.0, 3.0]), 2).tolist() == [1, 2]
    assert fitted(np.array([1.0, 2.0]), 4).tolist() == [1, 2, 2, 2]


def test_spread_ratio() -> None:
    wave = np.sin(np.arange(30))
    assert spread_ratio(0.5 * wave + 9, wave) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="does not move"):
        spread_ratio(wave, np.ones(30))


def test_spread_each_second_by_hand() -> None:
    series = np.r_[np.tile([0.0, 2.0], 25), np.zeros(25)]
    spread = spread_each_second(series)
    assert spread.shape == (51,)
    assert spread[0] == pytest.approx(series[:25].std())
    assert spread[-1] == 0
    assert spread_each_second([0.0, 2.0]) == pytest.approx([1])  # shorter than a second: all of it


def test_lips_that_stop_half_way_are_seen() -> None:
    truth = np.sin(np.arange(75) / 2)
    stopping = np.where(np.arange(75) < 40, truth, truth[40])
    assert least_spread_ratio(truth, truth) == 1
    assert least_spread_ratio(0.4 * truth + 2, truth) == pytest.approx(0.4)
    assert least_spread_ratio(stopping, truth) == pytest.approx(0, abs=1e-9)
    assert spread_ratio(stopping, truth) > 0.6  # which the spread over the clip hardly shows


def test_lips_may_rest_where_truth_s_do() -> None:
    truth = np.where(np.arange(75) < 40, np.sin(np.arange(75) / 2), 0.1)
    candidate = np.where(np.arange(75) < 40, truth, 0.3)
    assert least_spread_ratio(candidate, truth) > 0.9
    with pytest.raises(ValueError, match="does not move"):
        least_spread_ratio(candidate, np.ones(75))
