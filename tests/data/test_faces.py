"""The dlib backend on the one portrait that every installation has, and the point numbering."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from skimage import data

from viseme.data.faces import (
    EYE_CORNERS,
    INNER_LIPS,
    MIRROR,
    MOUTH,
    Box,
    DlibBackend,
    default_backend,
    find_faces,
    overlap,
    resized,
)


@functools.cache
def portrait() -> np.ndarray:
    """A NASA portrait (public domain), the face about 120 pixels wide."""
    return np.ascontiguousarray(data.astronaut()[:256, 96:352])


@functools.cache
def points() -> np.ndarray:
    backend = default_backend()
    return backend.landmarks(portrait(), backend.detect(portrait())[0])


def test_the_portrait_has_one_face_where_it_is() -> None:
    (box,) = default_backend().detect(portrait())
    assert overlap(box, Box(75, 70, 182, 178)) > 0.6


def test_landmarks_are_in_order() -> None:
    assert points().shape == (68, 2)
    assert points().dtype == np.float32
    left, right = (points()[corner] for corner in EYE_CORNERS)
    assert right[0] - left[0] > 40
    assert abs(right[1] - left[1]) < 20
    assert points()[33, 1] > left[1]
    assert points()[MOUTH, 1].min() > points()[33, 1]
    assert points()[8, 1] == points()[:, 1].max()
    for upper, lower in INNER_LIPS:
        assert points()[upper, 1] <= points()[lower, 1]


def test_mirror_is_its_own_inverse_and_fits_a_mirrored_picture() -> None:
    np.testing.assert_array_equal(MIRROR[MIRROR], np.arange(68))
    mirrored = np.ascontiguousarray(portrait()[:, ::-1])
    backend = default_backend()
    found = backend.landmarks(mirrored, backend.detect(mirrored)[0])[MIRROR]
    found[:, 0] = 255 - found[:, 0]
    assert np.linalg.norm(found - points(), axis=1).mean() < 5


def test_a_strided_view_gives_what_a_copy_gives() -> None:
    wide = np.zeros((256, 512, 3), np.uint8)
    view = wide[:, ::2]
    view[...] = portrait()
    assert not view.flags.c_contiguous
    assert default_backend().detect(view) == default_backend().detect(portrait())


def test_descriptors_tell_persons_apart() -> None:
    backend = default_backend()
    one = backend.describe(portrait(), points())
    brighter = np.clip(portrait() * 1.15, 0, 255).astype(np.uint8)
    other = resized(np.ascontiguousarray(portrait()[::-1]), 1.0)
    assert one.shape == (128,)
    assert np.linalg.norm(one - backend.describe(brighter, points())) < 0.3
    assert np.linalg.norm(one - backend.describe(other, points())) > 0.6


def test_descriptors_are_those_of_dlib() -> None:
    import dlib

    from viseme.weights import located

    network = dlib.face_recognition_model_v1(str(located("dlib-descriptor")))
    whole = [dlib.point(int(x), int(y)) for x, y in np.rint(points())]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 256, 256), dlib.points(whole))
    expected = np.array(network.compute_face_descriptor(portrait(), shape))
    np.testing.assert_allclose(default_backend().describe(portrait(), points()), expected, atol=1e-5)


@pytest.mark.parametrize("factor", [0.5, 5.0])
def test_faces_are_found_in_small_and_large_frames_in_their_own_pixels(factor: float) -> None:
    (box,) = find_faces(resized(portrait(), factor), default_backend())
    assert overlap(box.scaled(1 / factor), default_backend().detect(portrait())[0]) > 0.6


def test_no_face_gives_no_box() -> None:
    assert find_faces(np.full((120, 160, 3), 90, np.uint8), default_backend()) == []


def test_the_largest_face_comes_first() -> None:
    picture = np.zeros((256, 512, 3), np.uint8)
    picture[:256, :256] = portrait()
    picture[:192, 300:492] = resized(portrait(), 0.75)
    boxes = default_backend().detect(picture)
    assert len(boxes) == 2
    assert boxes[0].right < 256 < boxes[1].left


def test_the_backend_says_its_name_and_loads_once() -> None:
    assert default_backend().name.startswith("dlib-")
    assert default_backend() is default_backend()
    assert "_detector" not in vars(DlibBackend())


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(Box(0, 0, 2, 2), Box(1, 1, 3, 3)) == pytest.approx(1 / 7)
    assert overlap(Box(0, 0, 2, 2), Box(2, 0, 4, 2)) == 0
