from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy import linalg

from viseme.errors import InputError
from viseme.evaluation.frechet import Gaussian, frechet_distance, gaussian, read_features


def samples(count: int, width: int, seed: int) -> np.ndarray:
    """Correlated samples with a mean of their own."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, width)) @ rng.normal(size=(width, width)) + 3 * rng.normal(size=width)


def plain(x: np.ndarray, y: np.ndarray) -> float:
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = linalg.sqrtm(a @ b).real
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root))


def test_mean_and_covariance_are_numpy_s() -> None:
    x = samples(50, 7, 0)
    fitted = gaussian(x)
    assert fitted.count == 50
    np.testing.assert_allclose(fitted.mean, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(fitted.covariance, np.cov(x, rowvar=False), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("width", [1, 5, 40])
def test_distance_is_that_of_the_matrix_square_root(width: int) -> None:
    x, y = samples(200, width, 1), samples(150, width, 2)
    if width == 1:
        expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    else:
        expected = plain(x, y)
    assert frechet_distance(gaussian(x), gaussian(y)) == pytest.approx(expected, rel=1e-8)


def test_distance_of_diagonal_covariances_by_hand() -> None:
    # Four corners of a box: variances are 4/3 a^2 and 4/3 b^2, so that the distance is 9 + 4/3 ((2-1)^2 + (5-1)^2).
    corners = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    a, b = gaussian(corners * [2, 5]), gaussian(corners + np.array([3, 0]))
    assert frechet_distance(a, b) == pytest.approx(9 + 4 / 3 * 17, rel=1e-12)


def test_a_scaled_copy_by_hand() -> None:
    x = samples(90, 12, 3)
    a = gaussian(x - x.mean(0))
    assert frechet_distance(a, gaussian(2.5 * (x - x.mean(0)))) == pytest.approx(
        2.25 * np.trace(a.covariance), rel=1e-9
    )


@pytest.mark.parametrize("count", [400, 20, 2])  # more samples than numbers, fewer, and the fewest
def test_a_set_is_at_no_distance_from_itself(count: int) -> None:
    a = gaussian(samples(count, 64, 4))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9 * np.trace(a.covariance))


def test_fewer_samples_than_numbers_keep_accuracy() -> None:
    # Turned by an orthonormal basis, 8 numbers lie in 300, and the distance must not change.
    x, y = samples(30, 8, 5), samples(25, 8, 6)
    basis = np.linalg.qr(np.random.default_rng(7).normal(size=(300, 8)))[0].T
    distance = frechet_distance(gaussian(x @ basis), gaussian(y @ basis))
    assert distance == pytest.approx(plain(x, y), rel=1e-7)


def test_a_shift_alone_is_its_square() -> None:
    x = samples(80, 6, 8)
    assert frechet_distance(gaussian(x), gaussian(x + np.array([3, 4, 0, 0, 0, 0]))) == pytest.approx(25, rel=1e-9)


def test_either_way_round() -> None:
    a, b = gaussian(samples(60, 9, 9)), gaussian(samples(70, 9, 10))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-10)


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_pieces_of_any_size_in_any_order_give_the_same(size: int) -> None:
    x, reference = samples(203, 10, 11) + 1000, gaussian(samples(90, 10, 12))
    shuffled = x[np.random.default_rng(13).permutation(len(x))].astype(np.float32).astype(np.float64)
    pieces = Gaussian.empty(10)
    for start in range(0, len(x), size):
        pieces.update(shuffled[start : start + size])
    whole = gaussian(np.sort(shuffled.view([("", float)] * 10), axis=0).view(float))
    assert pieces.count == 203
    assert frechet_distance(pieces, reference) == pytest.approx(frechet_distance(whole, reference), rel=1e-9)


def test_merged_parts_are_the_whole() -> None:
    x = samples(60, 4, 14)
    parts = [gaussian(x[start:end]) for start, end in pairwise([0, 1, 20, 60])]
    merged = Gaussian.empty(4)
    for part in reversed(parts):
        merged.merge(part)
    merged.merge(Gaussian.empty(4))
    np.testing.assert_allclose(merged.covariance, np.cov(x, rowvar=False), rtol=1e-10)
    assert parts[2].count == 40  # what was merged is left as it was


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_samples(count: int) -> None:
    few = Gaussian.empty(3)
    few.update(np.ones((count, 3), dtype=np.float32))
    with pytest.raises(ValueError, match=f"two samples, not {count}"):
        frechet_distance(few, gaussian(samples(9, 3, 0)))


def test_features_that_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="3 and 4 numbers"):
        frechet_distance(gaussian(samples(9, 3, 0)), gaussian(samples(9, 4, 0)))
    with pytest.raises(ValueError, match="do not go with"):
        Gaussian.empty(3).merge(Gaussian.empty(4))
    with pytest.raises(ValueError, match=r"\[N,3\]"):
        Gaussian.empty(3).update(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"\[N,D\]"):
        gaussian(np.zeros(4))
    with pytest.raises(ValueError, match="finite"):
        Gaussian.empty(1).update(np.array([[np.nan]]))


@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
def test_features_from_a_file(tmp_path: Path, suffix: str) -> None:
    x = samples(5, 3, 0).astype(np.float32)
    path = tmp_path / f"i3d{suffix}"
    np.save(path, x) if suffix == ".npy" else save_file({"features": x}, path)
    assert np.array_equal(read_features(path), x)


BAD = {
    "an object.npy": lambda p: np.save(p, np.array([[{}], [{}]], dtype=object), allow_pickle=True),
    "one number.npy": lambda p: np.save(p, np.ones(())),
    "integers.npy": lambda p: np.save(p, np.ones((4, 2), dtype=int)),
    "one row.npy": lambda p: np.save(p, np.ones((1, 2))),
    "no width.npy": lambda p: np.save(p, np.ones((4, 0))),
    "nan.npy": lambda p: np.save(p, np.full((4, 2), np.nan)),
    "empty.npy": lambda p: p.write_bytes(b""),
    "noise.npy": lambda p: p.write_bytes(b"\x93NUMPY\x01\x00" + bytes(range(256))),
    "torn.npy": lambda p: (np.save(p, np.ones((40, 20))), p.write_bytes(p.read_bytes()[:900])),
    "noise.safetensors": lambda p: p.write_bytes(bytes(range(256))),
    "two.safetensors": lambda p: save_file({"a": np.ones((2, 2)), "b": np.ones((2, 2))}, p),
    "script.pt": lambda p: p.write_bytes(b"PK"),
    "missing.npy": lambda p: None,
    "folder.npy": lambda p: p.mkdir(),
}


@pytest.mark.parametrize("name", BAD)
def test_files_that_are_no_features(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    BAD[name](path)
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as error:
        read_features(path)
    assert "\n" not in str(error.value)
