from __future__ import annotations

import numpy as np
import pytest

from viseme.evaluation.quality import brightness, ends, relative_drift, sharpness


def gray(values: list[float], side: int = 8) -> np.ndarray:
    return np.repeat(np.array(values, dtype=np.uint8), side * side * 3).reshape(len(values), side, side, 3)


def test_brightness_is_bt601_luma() -> None:
    frames = gray([0, 0, 0])
    for channel in range(3):
        frames[channel, ..., channel] = 200
    assert brightness(frames) == pytest.approx([0.299 * 200, 0.587 * 200, 0.114 * 200], rel=1e-6)


def test_a_flat_frame_has_no_sharpness() -> None:
    assert sharpness(gray([0, 77, 255])).max() < 1e-6


def test_sharpness_of_one_bright_pixel_by_hand() -> None:
    frame = gray([0], side=10)
    frame[0, 5, 5] = 100
    # The Laplacian is -400 there and 100 at its four neighbours: mean 0, mean square (160000 + 4 * 10000) / 100.
    assert sharpness(frame) == pytest.approx([2000], rel=1e-6)


def test_blur_lowers_sharpness() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    smooth = ((noise.astype(int) + np.roll(noise, 1, axis=2)) // 2).astype(np.uint8)
    assert sharpness(smooth)[0] < 0.7 * sharpness(noise)[0]


def test_drift_of_a_brightness_ramp_by_hand() -> None:
    frames = gray([100 + t for t in range(60)])
    # First 25: 100 to 124, mean 112; last 25: 135 to 159, mean 147.
    assert relative_drift(brightness(frames)) == pytest.approx(100 * 35 / 112, rel=1e-5)


def test_short_series_are_halved() -> None:
    assert ends([1, 2, 3, 4, 5]) == (1.5, 4.5)
    assert ends(np.arange(50)) == (12.0, 37.0)
    assert ends(np.arange(49)) == (11.5, 36.5)


def test_no_drift_without_two_frames_or_light() -> None:
    with pytest.raises(ValueError, match="two frames"):
        relative_drift([3.0])
    with pytest.raises(ValueError, match="zero"):
        relative_drift(np.zeros(60))
