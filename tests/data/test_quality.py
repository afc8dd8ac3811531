"""Measures of a recording against truths that are known by construction."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from viseme.data.faces import default_backend, find_faces
from viseme.data.manifest import MEASURED, ClipRow
from viseme.data.quality import MEASURES, clipping, face_width, jitter, loudness, sharpness

RNG = np.random.default_rng(0)
SHAPE = RNG.uniform(40, 160, (68, 2))


def steady(count: int) -> np.ndarray:
    """A face that moves evenly."""
    return (SHAPE + np.arange(count)[:, None, None] * [1.5, -0.5]).astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.3, 2.0])
def test_jitter_is_the_noise_and_not_the_motion(noise: float) -> None:
    points = steady(2000) + RNG.normal(0, noise, (2000, 68, 2))
    assert jitter(points.astype(np.float32), np.ones(2000, bool)) == pytest.approx(noise, rel=0.03, abs=1e-4)


def test_lips_and_lids_may_be_fast() -> None:
    points = steady(100)
    points[::2, 36:] += 10
    assert jitter(points, np.ones(100, bool)) < 1e-3


def test_frames_without_a_face_do_not_count() -> None:
    points, found = steady(60), np.ones(60, bool)
    points[20] += 500
    assert jitter(points, found) > 10
    found[20] = False
    assert jitter(points, found) < 1e-3
    assert jitter(points, np.arange(60) % 3 > 0) == 0.0
    assert jitter(points[:2], found[:2]) == 0.0


def test_the_face_is_as_wide_as_its_jaw() -> None:
    points = np.zeros((5, 68, 2), np.float32)
    points[:, 16] = (30, 40)
    points[4, 16] = (300, 400)
    assert face_width(points) == 50


def test_loudness_of_known_waves() -> None:
    sine = np.sin(2 * np.pi * 100 * np.arange(16_000) / 16_000).astype(np.float32)
    assert loudness(sine) == pytest.approx(-3.0103, abs=1e-3)
    assert loudness(0.1 * sine) == pytest.approx(-23.0103, abs=1e-3)
    assert loudness(np.sign(sine + 1e-6)) == pytest.approx(0, abs=1e-6)
    assert loudness(np.zeros(99, np.float32)) == loudness(np.zeros(0, np.float32)) == -120


def test_clipping_is_the_share_at_full_scale() -> None:
    sine = np.sin(2 * np.pi * 100 * np.arange(16_000) / 16_000).astype(np.float32)
    assert clipping(0.9 * sine) == 0
    assert clipping(np.clip(2 * sine, -1, 1)) == pytest.approx(2 / 3, abs=0.01)  # |sin| over a half: 120 of 180 degrees
    assert clipping(np.zeros(0, np.float32)) == 0


def test_sharpness_falls_with_blur_and_is_blind_to_size_and_to_what_is_around() -> None:
    portrait = np.ascontiguousarray(data.astronaut()[:300, 60:400])
    points = default_backend().landmarks(portrait, find_faces(portrait, default_backend())[0])
    measured = [sharpness(cv2.GaussianBlur(portrait, (0, 0), sigma), points) for sigma in (0.01, 1, 2, 4)]
    assert measured == sorted(measured, reverse=True)
    assert measured[0] > 10 * measured[2] > 0
    doubled = cv2.resize(portrait, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert sharpness(doubled, points * 2 + 0.5) == pytest.approx(measured[0], rel=0.35)
    noisy = RNG.integers(0, 256, portrait.shape, dtype=np.uint8)
    left, top, right, bottom = (round(float(edge)) for edge in (*points.min(0) - 8, *points.max(0) + 8))
    noisy[top:bottom, left:right] = portrait[top:bottom, left:right]
    assert sharpness(noisy, points) == pytest.approx(measured[0], rel=0.02)


def test_every_measure_is_a_column() -> None:
    assert {measure.name for measure in MEASURES} == {"found", *MEASURED}
    assert {measure.worst for measure in MEASURES} == {"least", "most"}
    assert set(MEASURED) < set(ClipRow.__dataclass_fields__)
