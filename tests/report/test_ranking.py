from __future__ import annotations

import pytest

from viseme.report.ranking import best, compared
from viseme.report.systems import load_systems


@pytest.fixture
def systems(written):
    """Make systems of the given kinds, in order."""

    def make(*kinds):
        return load_systems({kind["name"]: written(**kind) for kind in kinds})

    return make


def test_a_clear_difference_has_a_winner_whichever_is_named_first(systems):
    good, bad = systems({"name": "good", "follows": 0.7}, {"name": "bad", "follows": 0.4})
    forward, backward = compared(good, bad, "mouth_correlation"), compared(bad, good, "mouth_correlation")
    assert forward.better is good
    assert backward.better is good
    assert forward.difference.mean == pytest.approx(0.3, abs=0.05)
    assert forward.of(bad).mean == -forward.difference.mean
    assert forward.of(bad).low == -forward.difference.high


def test_lower_is_better_where_the_metric_says_so(systems):
    near, far = systems({"name": "near"}, {"name": "far", "shift": {"lmd": 2.0}})
    assert compared(near, far, "lmd").better is near


def test_metrics_whose_best_is_truth_are_compared_by_distance_to_it(systems):
    a, b = systems({"name": "a", "shift": {"ofm": 0.02}}, {"name": "b", "shift": {"ofm": 0.22}})
    found = compared(a, b, "ofm")
    by_hand = [abs(a.scored[key].values["ofm"] - 0.53) - abs(b.scored[key].values["ofm"] - 0.53) for key in a.scored]
    assert found.distances
    assert found.difference.mean == pytest.approx(sum(by_hand) / len(by_hand))
    nearer, farther = systems({"name": "nearer", "shift": {"ofm": 0.2}}, {"name": "farther", "shift": {"ofm": 0.4}})
    assert compared(nearer, farther, "ofm").better is nearer


def test_metrics_whose_best_is_zero_are_compared_by_magnitude(systems):
    up, down = systems(
        {"name": "up", "shift": {"brightness_drift": -1.0}}, {"name": "down", "shift": {"brightness_drift": -4.0}}
    )
    assert compared(up, down, "brightness_drift").better is up


def test_what_chance_explains_is_no_difference(systems):
    a, b = systems({"name": "a"}, {"name": "b"})
    assert compared(a, b, "ssim").better is None


def test_a_control_metric_is_compared_but_never_rated(systems):
    a, b = systems({"name": "a", "shift": {"mean_curve_raw": 0.3}}, {"name": "b"})
    found = compared(a, b, "mean_curve_raw")
    assert not found.rated
    assert found.better is None


def test_systems_without_a_common_clip_or_metric_are_not_compared(systems):
    a, b = systems({"name": "a", "metrics": ["psnr"]}, {"name": "b", "metrics": ["psnr", "ssim"]})
    assert compared(a, b, "ssim") is None
    assert compared(a, b, "lmd") is None


def test_the_best_is_marked_only_beyond_the_runner_up(systems):
    first, second, third = systems(
        {"name": "first", "follows": 0.7}, {"name": "second", "follows": 0.5}, {"name": "third", "follows": 0.3}
    )
    assert best([third, second, first], "mouth_correlation") is first
    twin, other = systems({"name": "twin"}, {"name": "other"})
    assert best([twin, other], "ssim") is None
    assert best([first], "mouth_correlation") is None


def test_a_system_that_saw_truths_landmarks_is_never_best(systems):
    leak, honest, worse = systems(
        {"name": "leak", "follows": 0.9, "system": {"leaking": True}},
        {"name": "honest", "follows": 0.6},
        {"name": "worse", "follows": 0.3},
    )
    assert best([leak, honest, worse], "mouth_correlation") is honest
    assert best([leak, honest], "mouth_correlation") is None


def test_a_few_clips_show_nothing(systems):
    kinds = ({"name": "good", "follows": 0.9}, {"name": "bad", "follows": 0.1})
    few = compared(*systems(*({**kind, "actors": 1, "clips": 5} for kind in kinds)), "mouth_correlation")
    assert few.difference.low > 0
    assert few.better is None
    assert compared(*systems(*({**kind, "actors": 1, "clips": 6} for kind in kinds)), "mouth_correlation").better
