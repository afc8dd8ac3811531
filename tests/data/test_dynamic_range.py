"""Tone mapping: the standards' own figures, and a curve that leaves faces alone."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorTrc

from viseme.data.dynamic_range import PEAK, WHITE, hlg_scene, is_high, pq_light, pq_signal, rolled_off, to_standard


def tagged(trc: int, primaries: int = ColorPrimaries.BT2020) -> av.VideoFrame:
    frame = av.VideoFrame(2, 2, "yuv420p10le")
    frame.color_trc, frame.color_primaries = trc, primaries
    return frame


def test_pq_is_that_of_the_standard() -> None:
    """BT.2408, table 1: 58 % is 203 cd/m2, 75 % is 1000; 100 % is 10,000."""
    light = pq_light(np.array([0.0, 0.5081, 0.5807, 0.7518, 1.0]))
    np.testing.assert_allclose(light, [0, 100, 203, 1000, 10_000], rtol=2e-3)
    np.testing.assert_allclose(pq_signal(light), [0, 0.5081, 0.5807, 0.7518, 1.0], atol=1e-6)


def test_hlg_is_that_of_the_standard() -> None:
    np.testing.assert_allclose(hlg_scene(np.array([0.0, 0.5, 0.75, 1.0])), [0, 1 / 12, 0.2650, 1], atol=1e-4)


def test_the_curve_leaves_faces_and_rolls_highlights_off() -> None:
    light = np.linspace(0, 2 * PEAK, 5000)
    out = rolled_off(light)
    np.testing.assert_allclose(out[light < 85], light[light < 85], rtol=1e-6)
    assert (np.diff(out) > -1e-6).all()
    assert out[light >= PEAK] == pytest.approx(WHITE)
    assert out.max() == pytest.approx(WHITE)


@pytest.mark.parametrize(("trc", "signal"), [(ColorTrc.SMPTE2084, 0.5081), (ColorTrc.ARIB_STD_B67, 0.6250)])
def test_gray_stays_gray_at_the_brightness_it_was(trc: int, signal: float) -> None:
    """100 cd/m2, just over the knee (HLG: 62.5 % is 97 on a display of 1000)."""
    gray = to_standard(np.full((4, 4, 3), round(signal * 65_535), np.uint16), tagged(trc))
    assert np.ptp(gray) <= 1
    assert abs(gray.mean() - 255 * (100 / WHITE) ** (1 / 2.4)) < 3


def test_the_ends_are_black_and_white() -> None:
    for trc in (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67):
        for code, level in ((0, 0), (65_535, 255)):
            assert (to_standard(np.full((2, 2, 3), code, np.uint16), tagged(trc)) == level).all()


def test_primaries_are_turned_unless_they_are_those_of_bt709() -> None:
    codes = np.full((2, 2, 3), (33_000, 26_000, 24_000), np.uint16)
    wide = to_standard(codes, tagged(ColorTrc.SMPTE2084))[0, 0].astype(int)
    plain = to_standard(codes, tagged(ColorTrc.SMPTE2084, ColorPrimaries.BT709))[0, 0].astype(int)
    assert wide[0] - wide[2] > 1.3 * (plain[0] - plain[2])


@pytest.mark.parametrize("trc", [ColorTrc.BT709, ColorTrc.UNSPECIFIED, ColorTrc.BT2020_10])
def test_other_pictures_are_not_of_high_range(trc: int) -> None:
    assert not is_high(tagged(trc))
