from __future__ import annotations

import numpy as np
import pytest

from viseme.evaluation.identity import Calibration, calibrate, cosine, csim, identity_drift


def at(*degrees: float) -> np.ndarray:
    """Descriptors in one plane, as angles, of any length."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1) * (1 + np.arange(len(degrees)))[:, None]


def test_cosine_is_of_directions() -> None:
    assert cosine(at(0, 60), at(60)[0]) == pytest.approx([0.5, 1])


def test_calibration_by_hand() -> None:
    scale = calibrate(at(0, 60, 90), ["a", "a", "b"])
    assert scale.same == pytest.approx(0.5)
    assert scale.different == pytest.approx((0 + np.cos(np.radians(30))) / 2)


def test_csim_is_one_at_same_and_zero_at_different() -> None:
    scale = Calibration(same=np.cos(np.radians(10)), different=np.cos(np.radians(50)))
    found = csim(at(10, 50, 0), at(0)[0], scale)
    assert found[:2] == pytest.approx([1, 0])
    assert found[2] > 1


@pytest.mark.parametrize(
    ("degrees", "actors", "reason"),
    [
        ((0, 40), ["a", "b"], "no training actor has two clips"),
        ((0, 10), ["a", "a"], "not two training actors"),
        ((0, 90, 0, 90), ["a", "a", "b", "b"], "do not tell"),
    ],
)
def test_no_scale(degrees: tuple[float, ...], actors: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        calibrate(at(*degrees), actors)


def test_identity_drift_takes_a_second_at_each_end() -> None:
    curve = [1.0] * 5 + [0.0] * 5 + [0.6] * 5  # 75 frames, every fifth
    assert identity_drift(np.array(curve)) == pytest.approx(-0.4)
    assert identity_drift(np.array([0.9, 0.1, 0.5])) == pytest.approx(-0.4)
    with pytest.raises(ValueError, match="two"):
        identity_drift(np.array([1.0]))
