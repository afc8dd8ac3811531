"""Following a face: exact where it is, honest where it is not, with few looks of the detector."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from viseme.data import align
from viseme.data.faces import Box, default_backend, overlap
from viseme.data.track import CHOICES, SCORED_SIZE, aligned_box, box_of, scored_landmarks, track

SHAPE = np.random.default_rng(0).uniform(0.2, 0.8, (68, 2))
SHAPE[36:42], SHAPE[42:48], SHAPE[33] = align.TEMPLATE


def placed(box: Box) -> np.ndarray:
    """The landmarks of a face whose detector box is `box`."""
    unit = np.array(align.ALIGNED_BOX)
    side = box.width / (unit[2] - unit[0])
    return ((SHAPE - unit[:2]) * side + [box.left, box.top]).astype(np.float32)


class Squares:
    """A backend to which bright squares are faces; `looks` counts the detector's work."""

    name = "squares"

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, frame: np.ndarray) -> list[Box]:
        self.looks += 1
        _, _, stats, _ = cv2.connectedComponentsWithStats((frame[..., 0] > 127).astype(np.uint8))
        boxes = [Box(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:].tolist() if w > 20]
        return sorted(boxes, key=lambda box: -box.area)

    def landmarks(self, frame: np.ndarray, box: Box) -> np.ndarray:
        looks, boxes = self.looks, self.detect(frame)
        self.looks = looks
        return placed(max(boxes, key=lambda found: overlap(found, box), default=box))

    def describe(self, frame: np.ndarray, points: np.ndarray) -> np.ndarray:
        raise NotImplementedError


def drawn(*faces: tuple[int, int, int]) -> np.ndarray:
    """A frame with squares (left, top, side)."""
    frame = np.zeros((420, 420, 3), np.uint8)
    for left, top, side in faces:
        frame[top : top + side, left : left + side] = 255
    return frame


def centre(landmarks: np.ndarray) -> np.ndarray:
    box = box_of(landmarks)
    return np.array([(box.left + box.right) / 2, (box.top + box.bottom) / 2])


def test_box_of_is_the_box_that_gave_the_landmarks() -> None:
    np.testing.assert_allclose(box_of(placed(Box(40, 60, 160, 180))), (40, 60, 160, 180), atol=1)


def test_a_moving_face_is_followed_with_few_looks() -> None:
    frames = np.stack([drawn((60 + 2 * t, 80 + t, 120)) for t in range(60)])
    backend = Squares()
    followed = track(frames, backend, every=10)
    assert followed.found.all()
    assert followed.faces == 1
    for t, points in enumerate(followed.landmarks):
        np.testing.assert_allclose(centre(points), [120 + 2 * t, 140 + t], atol=1.5)
    assert backend.looks <= 60 / 10 + 2


def test_a_face_that_comes_and_goes_is_found_to_the_frame() -> None:
    there = np.zeros(48, dtype=bool)
    there[7:33] = True
    frames = [drawn((100, 100, 130)) if face else drawn() for face in there]
    np.testing.assert_array_equal(track(frames, Squares()).found, there)


def test_frames_without_a_face_are_interpolated() -> None:
    frames = [drawn() if 10 < t < 20 else drawn((60 + 3 * t, 100, 120)) for t in range(30)]
    followed = track(frames, Squares(), every=1)
    np.testing.assert_allclose(centre(followed.landmarks[15]), [60 + 45 + 60, 160], atol=1.5)


def test_ends_without_a_face_hold_the_nearest_landmarks() -> None:
    followed = track([drawn(), drawn((60, 60, 100)), drawn((90, 60, 100)), drawn()], Squares())
    np.testing.assert_array_equal(followed.landmarks[0], followed.landmarks[1])
    np.testing.assert_array_equal(followed.landmarks[3], followed.landmarks[2])
    assert followed.found.tolist() == [False, True, True, False]


def test_without_any_face_nothing_is_found() -> None:
    followed = track([drawn()] * 12, Squares())
    assert not followed.found.any()
    assert followed.faces == 0
    assert followed.landmarks.shape == (12, 68, 2)


def test_no_frames_give_an_empty_track() -> None:
    assert track([], Squares()).landmarks.shape == (0, 68, 2)


def test_the_face_that_was_largest_at_first_is_kept() -> None:
    frames = [drawn((30, 30, 120), (250, 250, 80 + 2 * t)) for t in range(40)]
    followed = track(frames, Squares())
    assert followed.faces == 2
    np.testing.assert_allclose([centre(points) for points in followed.landmarks], [[90, 90]] * 40, atol=1.5)


def test_a_cut_to_another_place_is_followed_at_once() -> None:
    frames = [drawn((30, 30, 120)) if t < 14 else drawn((250, 260, 110)) for t in range(24)]
    followed = track(frames, Squares())
    assert followed.found.all()
    np.testing.assert_allclose(centre(followed.landmarks[14]), [305, 315], atol=1.5)


def test_a_stream_gives_what_an_array_gives() -> None:
    frames = np.stack([drawn((60 + 3 * t, 100, 120)) for t in range(25)])
    np.testing.assert_array_equal(track(iter(frames), Squares()).landmarks, track(frames, Squares()).landmarks)


def test_dlib_follows_a_real_face() -> None:
    portrait = np.ascontiguousarray(data.astronaut()[:300, 60:400])
    shifts = [3 * np.sin(t / 3) * np.array([2, 1]) for t in range(14)]
    frames = [align.warp(portrait, np.array([[1, 0, x], [0, 1, y]]), 300) for x, y in shifts]
    followed = track(frames, default_backend(), every=5)
    assert followed.found.all()
    moved = followed.landmarks - np.array(shifts)[:, None]
    assert np.abs(moved - moved.mean(axis=0)).mean() < 1.0


@pytest.mark.parametrize("size", [64, 128, 256])
def test_scored_landmarks_are_the_same_face_at_every_size(size: int) -> None:
    frame, points = aligned_portrait(256)
    matrix = np.array([[1, 0, 0.5], [0, 1, 0.5]]) * size / 256 - [[0, 0, 0.5], [0, 0, 0.5]]
    scored = scored_landmarks(align.warp(frame, matrix, size)[None], default_backend())
    assert scored.found.tolist() == [True]
    expected = align.resize_points(points, 256, size)
    assert np.linalg.norm(scored.landmarks[0] - expected, axis=1).mean() < 0.015 * size


def test_scored_landmarks_without_a_detection_come_from_the_aligned_box() -> None:
    blank = np.full((2, 64, 64, 3), 128, np.uint8)
    scored = scored_landmarks(blank, default_backend())
    assert scored.found.tolist() == [False, False]
    x, y = scored.landmarks.reshape(-1, 2).T
    box = aligned_box(64)
    assert box.left - 10 < x.min() < x.max() < box.right + 10
    assert box.top - 10 < y.min() < y.max() < box.bottom + 10
    assert box_of(scored.landmarks[0]).width == pytest.approx(box.width, rel=0.3)


def test_the_aligned_box_is_where_the_detector_sees_an_aligned_face() -> None:
    frame, _ = aligned_portrait(SCORED_SIZE)
    assert overlap(default_backend().detect(frame)[0], aligned_box(SCORED_SIZE)) > 0.6


def aligned_portrait(size: int) -> tuple[np.ndarray, np.ndarray]:
    """The portrait as prepare would align it, and its landmarks there."""
    portrait = np.ascontiguousarray(data.astronaut()[:300, 60:400])
    points = track(portrait[None], default_backend()).landmarks
    matrix = align.clip_transform(points, size)
    return align.warp(portrait, matrix, size), align.apply(matrix, points[0])


def test_the_most_central_face_by_choice() -> None:
    frames = [drawn((20, 20, 150), (190 + t, 180, 70)) for t in range(20)]
    assert list(CHOICES) == ["largest", "central"]
    for face, place in (("largest", [95, 95]), ("central", [225, 215])):
        followed = track(frames, Squares(), face=face)
        assert followed.faces == 2
        np.testing.assert_allclose(centre(followed.landmarks[0]), place, atol=1.5)
        assert followed.found.all()
