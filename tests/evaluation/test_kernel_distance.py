from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

from viseme.evaluation.kernel_distance import kernel_distance, mmd2


def double_loop(x: np.ndarray, y: np.ndarray) -> float:
    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3)

    def within(z: np.ndarray) -> float:
        pairs = [k(z[i], z[j]) for i in range(len(z)) for j in range(len(z)) if i != j]
        return sum(pairs) / len(pairs)

    across = [k(a, b) for a in x for b in y]
    return within(x) + within(y) - 2 * sum(across) / len(across)


def two_sets(n: int = 14, m: int = 11, width: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, width)).astype(np.float32), rng.normal(0.3, 1.2, size=(m, width)).astype(np.float32)


def test_mmd_is_the_double_loop() -> None:
    x, y = (features.astype(np.float64) for features in two_sets())
    assert mmd2(x, y) == pytest.approx(double_loop(x, y), rel=1e-10)


def test_mmd_by_hand() -> None:
    # One number a sample: k(0,0) = 1, k(1,1) = 8, k(0,1) = 1, so 1 + 8 - 2.
    assert mmd2(np.zeros((2, 1)), np.ones((3, 1))) == pytest.approx(7)


def test_subsets_are_drawn_from_the_generator() -> None:
    x, y = two_sets()
    found = kernel_distance(x, y, np.random.default_rng(5), subsets=4, size=8)
    rng = np.random.default_rng(5)
    each = []
    for _ in range(4):
        a = x[rng.choice(14, 8, replace=False)].astype(np.float64)
        b = y[rng.choice(11, 8, replace=False)].astype(np.float64)
        each.append(double_loop(a, b))
    assert found.mean == pytest.approx(np.mean(each), rel=1e-10)
    assert found.spread == pytest.approx(np.std(each), rel=1e-8)
    assert (found.subsets, found.size) == (4, 8)
    assert found == kernel_distance(x, y, np.random.default_rng(5), subsets=4, size=8)
    assert found != kernel_distance(x, y, np.random.default_rng(6), subsets=4, size=8)


def test_torch_fidelity_gives_the_same_on_whole_sets() -> None:
    x, y = two_sets(13, 13)
    theirs = kid_features_to_metric(
        torch.from_numpy(x.astype(np.float64)),
        torch.from_numpy(y.astype(np.float64)),
        kid_subsets=1,
        kid_subset_size=13,
        verbose=False,
    )
    assert kernel_distance(x, y, np.random.default_rng(0)).mean == pytest.approx(theirs[KEY_METRIC_KID_MEAN], rel=1e-9)


def test_small_sets_are_used_as_far_as_they_go() -> None:
    x, y = two_sets()
    assert (kernel_distance(x, y, np.random.default_rng(0), subsets=3).size) == 11
    whole = kernel_distance(x[:11], y, np.random.default_rng(0))
    assert (whole.subsets, whole.size, whole.spread) == (1, 11, 0.0)
    assert whole.mean == pytest.approx(double_loop(x[:11], y), rel=1e-5)


def test_it_is_unbiased_where_sets_are_alike_and_positive_where_not() -> None:
    rng = np.random.default_rng(1)
    alike = [kernel_distance(*rng.normal(size=(2, 12, 5)), rng).mean for _ in range(2000)]
    assert abs(np.mean(alike)) < 4 * np.std(alike) / np.sqrt(len(alike))
    assert min(alike) < 0
    other = [kernel_distance(rng.normal(size=(12, 5)), rng.normal(1, 1, size=(12, 5)), rng).mean for _ in range(50)]
    assert np.mean(other) > 3 * np.std(alike)


@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        (np.ones((1, 3)), np.ones((5, 3)), "two samples"),
        (np.ones((5, 3)), np.ones((0, 3)), "two samples"),
        (np.ones((5, 3)), np.ones((5, 4)), r"\[N,D\]"),
        (np.ones(5), np.ones((5, 4)), r"\[N,D\]"),
        (np.full((5, 3), np.inf), np.ones((5, 3)), "finite"),
    ],
)
def test_sets_without_a_distance(x: np.ndarray, y: np.ndarray, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        kernel_distance(x, y, np.random.default_rng(0))
