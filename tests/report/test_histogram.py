"""Bars that hold every value, and limits that are drawn in where they are near."""

from __future__ import annotations

import re

import numpy as np
import pytest

from viseme.report.histogram import BINS, histogram


def bars(path: str) -> list[tuple[float, float, float]]:
    """Left, top and right of each."""
    found = re.findall(r"M([\d.]+) 100V([\d.]+)H([\d.]+)V100z", path)
    assert "".join(f"M{a} 100V{b}H{c}V100z" for a, b, c in found) == path
    return [(float(a), float(b), float(c)) for a, b, c in found]


def test_heights_are_counts_and_the_highest_touches_the_top():
    drawn = histogram(np.array([0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 2.0]), 1)
    assert [top for _, top, _ in bars(drawn.bars)] == [0, 75, 50]
    assert bars(drawn.bars)[0][0] == 0
    assert bars(drawn.bars)[-1][2] == 100
    assert (drawn.low, drawn.high, drawn.limits) == ("0.0", "2.0", ())


def test_every_value_lies_in_a_bar():
    values = np.random.default_rng(0).normal(size=500)
    drawn = bars(histogram(values, 3).bars)
    width = (values.max() - values.min()) / BINS
    found = np.bincount(np.minimum((values - values.min()) // width, BINS - 1).astype(int), minlength=BINS)
    assert [100 - top for _, top, _ in drawn] == pytest.approx(100 * found[found > 0] / found.max(), abs=0.01)
    assert [left for left, _, _ in drawn] == pytest.approx(100 / BINS * np.flatnonzero(found), abs=0.01)


def test_whole_numbers_have_a_bar_each():
    drawn = histogram(np.array([1.0, 1.0, 2.0, 4.0]), 0)
    assert bars(drawn.bars) == [(0, 0, 25), (25, 50, 50), (75, 50, 100)]
    assert (drawn.low, drawn.high) == ("1", "4")
    assert len(bars(histogram(np.arange(100.0), 0).bars)) <= BINS


def test_a_near_limit_is_drawn_and_a_far_one_is_not():
    values = np.array([10.0, 20.0])
    near = histogram(values, 1, least=6.0)
    assert (near.limits, near.low, near.high) == ((0.0,), "6.0", "20.0")
    assert bars(near.bars)[0][0] == pytest.approx(100 * 4 / 14, abs=0.01)
    far = histogram(values, 1, least=-100.0, most=1e9)
    assert (far.limits, far.low, far.high) == ((), "10.0", "20.0")
    both = histogram(values, 1, least=5.0, most=25.0)
    assert (both.limits, both.low, both.high) == ((0.0, 100.0), "5.0", "25.0")


def test_equal_values_are_not_drawn():
    assert histogram(np.ones(9), 3, least=0.9) is None
