"""The similarity transform: its optimum, its conventions, and that warping neither aliases nor shifts."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from viseme.data import align

small = st.floats(-50, 50, allow_nan=False)


def turned(angle: float, factor: float, shift: tuple[float, float]) -> np.ndarray:
    cos, sin = factor * math.cos(angle), factor * math.sin(angle)
    return np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])


def face(scale: float = 100.0, centre: tuple[float, float] = (180.0, 140.0)) -> np.ndarray:
    """68 points whose anchors have the template's shape, `scale` pixels the side of its square."""
    points = np.random.default_rng(0).uniform(0, 1, (68, 2))
    points[36:42], points[42:48], points[33] = align.TEMPLATE
    return (points - 0.5) * scale + centre


@settings(max_examples=50, deadline=None)
@given(st.floats(-math.pi, math.pi), st.floats(0.05, 20), small, small)
def test_similarity_recovers_any_similarity(angle: float, factor: float, x: float, y: float) -> None:
    points = np.random.default_rng(1).normal(size=(5, 2)) * 10
    matrix = turned(angle, factor, (x, y))
    np.testing.assert_allclose(align.similarity(points, align.apply(matrix, points)), matrix, atol=1e-7)


def test_similarity_agrees_with_scikit_image_on_noisy_points() -> None:
    rng = np.random.default_rng(2)
    src = rng.normal(size=(20, 2)) * 30
    dst = align.apply(turned(0.4, 1.7, (5, -3)), src) + rng.normal(size=(20, 2)) * 4
    expected = SimilarityTransform.from_estimate(src, dst).params[:2]
    np.testing.assert_allclose(align.similarity(src, dst), expected, atol=1e-9)


def test_similarity_never_mirrors() -> None:
    src = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.9, 0.8]])
    matrix = align.similarity(src, src * [-1, 1])
    assert np.linalg.det(matrix[:, :2]) > 0


@pytest.mark.parametrize(
    ("src", "dst"),
    [(np.ones((3, 2)), np.ones((3, 2))), (np.zeros((1, 2)), np.zeros((1, 2))), (np.eye(2), np.ones((3, 2)))],
)
def test_similarity_refuses_points_that_fix_nothing(src: np.ndarray, dst: np.ndarray) -> None:
    with pytest.raises(ValueError, match="similarity"):
        align.similarity(src, dst)


def test_inverse_undoes() -> None:
    matrix = turned(0.3, 0.6, (12, -7))
    points = np.random.default_rng(3).normal(size=(4, 9, 2)) * 40
    np.testing.assert_allclose(align.apply(align.inverse(matrix), align.apply(matrix, points)), points, atol=1e-9)
    assert align.scale(matrix) == pytest.approx(0.6)


def test_clip_transform_puts_the_anchors_on_the_template() -> None:
    landmarks = align.apply(turned(0.2, 1.3, (4, 9)), face())[None].repeat(7, axis=0)
    matrix = align.clip_transform(landmarks, 128)
    np.testing.assert_allclose(align.anchors(align.apply(matrix, landmarks[0])), align.TEMPLATE * 128 - 0.5, atol=1e-9)


def test_clip_transform_ignores_a_few_bad_frames() -> None:
    landmarks = face()[None].repeat(9, axis=0)
    matrix = align.clip_transform(landmarks, 128)
    landmarks[[2, 5]] += 400
    np.testing.assert_allclose(align.clip_transform(landmarks, 128), matrix)


def test_frame_transforms_take_head_motion_out() -> None:
    landmarks = np.stack([face(centre=(180 + 5 * t, 140 - 3 * t)) for t in range(6)])
    matrices = align.frame_transforms(landmarks, 64)
    for matrix, points in zip(matrices, landmarks, strict=True):
        np.testing.assert_allclose(align.anchors(align.apply(matrix, points)), align.TEMPLATE * 64 - 0.5, atol=1e-9)


def test_resize_points_moves_pixel_centres_as_box_averaging_does() -> None:
    # the 2x2 pixels 10, 11 become pixel 5: their common centre 10.5 is 5
    np.testing.assert_allclose(align.resize_points(np.array([[10.5, 0.5]]), 128, 64), [[5.0, 0.0]])


def test_warp_by_identity_is_identity() -> None:
    picture = np.random.default_rng(4).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(align.warp(picture, [[1, 0, 0], [0, 1, 0]], 40), picture)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_warp_by_a_whole_reduction_is_the_box_average(factor: int) -> None:
    picture = np.random.default_rng(5).integers(0, 256, (factor * 24, factor * 24, 3), dtype=np.uint8)
    matrix = np.array([[1, 0, 0.5], [0, 1, 0.5]]) / factor - [[0, 0, 0.5], [0, 0, 0.5]]
    boxes = picture.reshape(24, factor, 24, factor, 3).mean(axis=(1, 3))
    assert np.abs(align.warp(picture, matrix, 24).astype(float) - boxes).max() <= 1


def test_warp_does_not_alias() -> None:
    stripes = np.zeros((300, 300, 3), np.uint8)
    stripes[:, ::2] = 255
    reduced = align.warp(stripes, turned(0.1, 0.21, (3, 3)), 48)
    naive = cv2.warpAffine(stripes, turned(0.1, 0.21, (3, 3)), (48, 48), flags=cv2.INTER_LINEAR)
    inside = slice(8, 40)
    assert reduced[inside, inside].astype(float).std() < 0.2 * naive[inside, inside].astype(float).std()


@pytest.mark.parametrize("factor", [0.17, 0.5, 0.83, 1.0, 2.4])
def test_warp_carries_a_blob_where_apply_carries_its_centre(factor: float) -> None:
    centre, matrix = np.array([151.3, 120.8]), turned(0.15, factor, (0.0, 0.0))
    matrix[:, 2] = [32, 30] - matrix[:, :2] @ centre + [0.3, 0.7]
    y, x = np.mgrid[:300, :300]
    blob = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * (3 / factor) ** 2)) * 255
    warped = align.warp(np.repeat(blob.astype(np.uint8)[..., None], 3, axis=2), matrix, 64)[..., 0].astype(float)
    row, column = np.mgrid[:64, :64]
    found = np.array([(warped * column).sum(), (warped * row).sum()]) / warped.sum()
    np.testing.assert_allclose(found, align.apply(matrix, centre), atol=0.1)


def test_warp_repeats_the_edge_beyond_the_picture() -> None:
    picture = np.full((20, 20, 3), 77, np.uint8)
    assert (align.warp(picture, [[1, 0, 30], [0, 1, 30]], 64) == 77).all()


def test_warp_refuses_absurd_reductions() -> None:
    with pytest.raises(ValueError, match="beyond any photo"):
        align.warp(np.zeros((9, 9, 3), np.uint8), [[1e-5, 0, 0], [0, 1e-5, 0]], 128)
