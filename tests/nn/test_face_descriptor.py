"""Against dlib itself, on the portrait that every installation has and on pictures of no face."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
import pytest
import torch
from skimage import data

from viseme.data.faces import default_backend
from viseme.errors import InputError
from viseme.nn.face_chip import face_chips
from viseme.nn.face_descriptor import SIDE, FaceDescriptor, face_descriptor
from viseme.nn.images import to_signed
from viseme.weights import located

DLIB = dlib.face_recognition_model_v1(str(located("dlib-descriptor")))


def shape_of(points: np.ndarray) -> dlib.full_object_detection:
    """Landmarks as dlib holds them; their box is not looked at."""
    return dlib.full_object_detection(
        dlib.rectangle(), dlib.points([dlib.point(round(float(x)), round(float(y))) for x, y in points])
    )


@pytest.fixture(scope="module")
def network() -> FaceDescriptor:
    return face_descriptor()


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, np.ndarray]:
    """A portrait `[256,256,3]` and its landmarks."""
    picture = np.ascontiguousarray(data.astronaut()[:256, 96:352])
    backend = default_backend()
    return picture, backend.landmarks(picture, backend.detect(picture)[0])


def test_descriptors_of_chips_are_dlibs(network: FaceDescriptor, face: tuple[np.ndarray, np.ndarray]) -> None:
    picture, points = face
    chip = dlib.get_face_chip(picture, shape_of(points), size=SIDE, padding=0.25)
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    chips = np.stack([chip, chip[::-1], noise, np.zeros_like(chip), np.full_like(chip, 255)])
    expected = np.stack([np.array(DLIB.compute_face_descriptor(np.ascontiguousarray(each))) for each in chips])
    assert np.linalg.norm(expected[0] - expected[1]) > 0.5
    np.testing.assert_allclose(network(to_signed(chips)), expected, rtol=0, atol=1e-5)


def test_from_picture_to_descriptor_it_is_dlibs_too(
    network: FaceDescriptor, face: tuple[np.ndarray, np.ndarray]
) -> None:
    picture, points = face
    found = network(face_chips(to_signed(picture)[None], torch.from_numpy(points)[None]))[0]
    expected = torch.tensor(list(DLIB.compute_face_descriptor(picture, shape_of(points))))
    assert torch.cosine_similarity(found, expected, dim=0) > 0.9999


def test_the_gradient_is_the_slope() -> None:
    rng = torch.Generator().manual_seed(0)
    double = face_descriptor().double()
    chip, toward, way = (torch.rand((1, 3, SIDE, SIDE), generator=rng, dtype=torch.float64) - 0.5 for _ in range(3))
    toward = toward[:, 0, 0, :128]

    def height(x: torch.Tensor) -> torch.Tensor:
        return (double(x) * toward).sum()

    chip.requires_grad_()
    (gradient,) = torch.autograd.grad(height(chip), chip)
    slope = (height(chip.detach() + 1e-7 * way) - height(chip.detach() - 1e-7 * way)) / 2e-7
    assert abs(float(slope)) > 1e-3
    torch.testing.assert_close((gradient * way).sum(), slope, rtol=1e-4, atol=0)


def test_it_does_not_train_and_draws_nothing(network: FaceDescriptor) -> None:
    drawn = torch.get_rng_state()
    again = face_descriptor()
    assert torch.equal(torch.get_rng_state(), drawn)
    chips = torch.linspace(-1, 1, 3 * SIDE * SIDE).view(1, 3, SIDE, SIDE)
    found = network(chips)
    assert not found.requires_grad
    assert torch.equal(again.train()(chips), found)
    assert not any(weights.requires_grad or weights.is_meta for weights in network.parameters())


def test_a_descriptor_does_not_depend_on_its_neighbours(network: FaceDescriptor) -> None:
    chips = torch.rand((3, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0)) * 2 - 1
    torch.testing.assert_close(network(chips)[1:2], network(chips[1:2]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 3, 149, 150), (3, SIDE, SIDE), (1, 1, SIDE, SIDE)])
def test_other_shapes_are_refused(network: FaceDescriptor, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"faces \[N,3,150,150\], not .*; cut them out"):
        network(torch.zeros(shape))


def test_another_network_of_dlib_is_refused(tmp_path: Path) -> None:
    data = located("dlib-descriptor").read_bytes()
    stride = data.index(bytes.fromhex("0120 0107 0107 0102 0102"))  # the stem: 32 filters of 7 x 7, stride 2
    (tmp_path / "stride.dat").write_bytes(data[: stride + 7] + b"\x03" + data[stride + 8 :])
    (tmp_path / "shorter.dat").write_bytes(data[: data.index(b"\x01\x04fc_2")])
    for name in ("stride", "shorter"):
        with pytest.raises(InputError, match=rf"{name}\.dat: holds another network .*; give dlib_face") as error:
            face_descriptor(tmp_path / f"{name}.dat")
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=r"no such file; give dlib_face_recognition_resnet_model_v1\.dat"):
        face_descriptor(tmp_path / "none.dat")
