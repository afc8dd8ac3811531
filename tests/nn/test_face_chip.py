"""Against dlib's own chips, and against ramps whose chips are known by hand."""

from __future__ import annotations

import math

import cv2
import dlib
import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from viseme.data.faces import default_backend
from viseme.errors import InputError
from viseme.nn.face_chip import PADDING, POINTS, SHAPE, SIDE, face_chips
from viseme.nn.images import to_signed


@pytest.fixture(scope="module")
def portrait() -> tuple[np.ndarray, np.ndarray]:
    """NASA's public-domain portrait `[256,256,3]` and its landmarks `[68,2]`."""
    picture = np.ascontiguousarray(data.astronaut()[:256, 96:352])
    backend = default_backend()
    return picture, backend.landmarks(picture, backend.detect(picture)[0])


def dlibs(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    parts = dlib.points([dlib.point(round(float(x)), round(float(y))) for x, y in points])
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 9, 9), parts)  # its box is not looked at
    return np.asarray(dlib.get_face_chip(picture, shape, size=SIDE, padding=PADDING))


def ours(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """float `[150,150,3]`, 0 to 255."""
    chips = face_chips(to_signed(picture)[None], torch.from_numpy(np.rint(points)).float()[None])
    return ((chips[0] + 1) * 127.5).permute(1, 2, 0).numpy()


@pytest.mark.parametrize(("turn", "scale"), [(0, 1.0), (25, 1.0), (-90, 1.0), (170, 0.6), (3, 1.5)])
def test_chips_are_dlibs(portrait: tuple[np.ndarray, np.ndarray], turn: float, scale: float) -> None:
    picture, points = portrait
    matrix = cv2.getRotationMatrix2D((128, 128), turn, scale)
    picture, points = cv2.warpAffine(picture, matrix, (256, 256)), points @ matrix[:, :2].T + matrix[:, 2]
    theirs = dlibs(picture, points)
    assert theirs.std() > 30
    below = ours(picture, points) - theirs
    # dlib cuts fractions off
    assert below.min() > -0.01
    assert below.max() < 1.01


def test_faces_much_larger_than_a_chip_are_halved_first(portrait: tuple[np.ndarray, np.ndarray]) -> None:
    picture, points = portrait
    large = cv2.resize(picture, (1024, 1024), interpolation=cv2.INTER_NEAREST)
    theirs = dlibs(large, (points + 0.5) * 4 - 0.5)
    assert np.abs(ours(large, (points + 0.5) * 4 - 0.5) - theirs).mean() < 6  # dlib's pyramid filters otherwise
    # a fine checkerboard is gray from afar
    board = np.indices((1024, 1024)).sum(axis=0) % 2 * 255
    chip = ours(np.repeat(board[..., None], 3, axis=2).astype(np.uint8), (points + 0.5) * 4 - 0.5)
    assert np.abs(chip - 127.5).max() < 1


def placed(scale: float, turn: float, x: float, y: float) -> Tensor:
    """Landmarks `[1,68,2]` that lie as the mean face, so that chip pixel centres map by this similarity transform."""
    points = torch.full((68, 2), 1e4)  # jaw, brows and lower lip must not count
    face = (torch.tensor(SHAPE) + PADDING) / (1 + 2 * PADDING) * SIDE
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    points[list(POINTS)] = torch.stack([cos * face[:, 0] - sin * face[:, 1], sin * face[:, 0] + cos * face[:, 1]], 1)
    return (points + torch.tensor([x, y]))[None]


def ramp(size: int = 400) -> Tensor:
    """A picture whose red is x / size and whose green is y / size."""
    place = torch.arange(size) / size
    return torch.stack([place.expand(size, size), place[:, None].expand(size, size), torch.zeros(size, size)])[None]


def test_a_chip_at_its_own_size_lies_half_a_pixel_further_as_dlibs_does() -> None:
    chip = face_chips(ramp(), placed(1, 0, 20, 30))
    place = torch.arange(SIDE)
    torch.testing.assert_close(chip[0, 0], ((place + 20.5) / 400).expand(SIDE, SIDE), atol=1e-5, rtol=0)
    torch.testing.assert_close(chip[0, 1], ((place + 30.5) / 400)[:, None].expand(SIDE, SIDE), atol=1e-5, rtol=0)


def test_turn_and_scale_are_the_faces() -> None:
    scale, turn = 1.5, 0.4
    chip = face_chips(ramp(), placed(scale, turn, 150, 20))
    step = (SIDE * scale - 1) / (SIDE - 1) / 400
    for channel, (across, down) in enumerate([(math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))]):
        torch.testing.assert_close(
            chip[0, channel].diff(dim=1), torch.full((SIDE, SIDE - 1), across * step), atol=1e-5, rtol=0
        )
        torch.testing.assert_close(
            chip[0, channel].diff(dim=0), torch.full((SIDE - 1, SIDE), down * step), atol=1e-5, rtol=0
        )


def test_beyond_the_picture_it_is_black() -> None:
    chip = face_chips(torch.ones(1, 3, 100, 100), placed(1, 0, -75.0, 0))
    assert chip[0, :, :, :73].eq(-1).all()
    torch.testing.assert_close(chip[0, :, :98, 77:], torch.ones(3, 98, 73))


def test_a_face_beyond_all_measure_is_cut_out_all_the_same() -> None:
    assert face_chips(ramp(50), placed(1e6, 0, 0, 0)).isfinite().all()


def test_a_chip_does_not_depend_on_its_neighbours() -> None:
    rng = torch.Generator().manual_seed(0)
    pictures = torch.rand((3, 3, 800, 800), generator=rng) * 2 - 1
    points = torch.cat([placed(4.5, 0.1, 60, 20), placed(1, 0.2, 90, 50), placed(2.2, -0.1, 40, 90)])
    together = face_chips(pictures, points)
    for i in range(3):
        torch.testing.assert_close(face_chips(pictures[i : i + 1], points[i : i + 1])[0], together[i])


def test_the_gradient_flows_to_where_the_face_is_and_not_to_the_landmarks() -> None:
    picture = torch.zeros(1, 3, 400, 400, requires_grad=True)
    points = placed(1, 0, 100, 120).requires_grad_()
    face_chips(picture, points).sum().backward()
    assert picture.grad is not None
    assert points.grad is None
    torch.testing.assert_close(picture.grad[0, :, 125:265, 105:245], torch.ones(3, 140, 140), atol=1e-3, rtol=0)
    picture.grad[0, :, 119:272, 99:252] = 0
    assert picture.grad.eq(0).all()


@pytest.mark.parametrize("points", [torch.zeros(1, 68, 2), torch.full((1, 68, 2), math.nan), placed(math.inf, 0, 0, 0)])
def test_landmarks_that_are_no_face_are_refused(points: Tensor) -> None:
    with pytest.raises(InputError, match="a face has no size"):
        face_chips(ramp(), points)


@pytest.mark.parametrize("shape", [(2, 68, 2), (1, 51, 2), (1, 68, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"pictures \[N,3,H,W\] and landmarks \[N,68,2\]"):
        face_chips(ramp(), torch.rand(shape))
