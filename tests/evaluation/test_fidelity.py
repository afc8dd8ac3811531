from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from viseme.evaluation.fidelity import PSNR_CAP, psnr, snr, ssim


@pytest.fixture(params=[3, 40, 200])
def pair(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(request.param)
    truth = rng.integers(0, 256, (3, 33, 40, 3))
    noisy = truth + rng.integers(-request.param, request.param + 1, truth.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), truth.astype(np.uint8)


def test_psnr_is_scikit_image_s(pair: tuple[np.ndarray, np.ndarray]) -> None:
    expected = [peak_signal_noise_ratio(true, frame) for frame, true in zip(*pair, strict=True)]
    assert psnr(*pair) == pytest.approx(expected, abs=1e-6)


def test_ssim_is_scikit_image_s(pair: tuple[np.ndarray, np.ndarray]) -> None:
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}
    expected = [
        structural_similarity(true, frame, data_range=255, **settings) for frame, true in zip(*pair, strict=True)
    ]
    assert ssim(*pair) == pytest.approx(expected, abs=1e-6)


def test_psnr_by_hand() -> None:
    black = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    assert psnr(black + np.uint8(51), black) == pytest.approx([20 * np.log10(5)])  # 255 / 51 = 5


def test_snr_by_hand() -> None:
    truth = np.full((2, 4, 4, 3), 200, dtype=np.uint8)
    made = truth.copy()
    made[0] -= 20  # half the values lie off by a tenth: the ratio of energies is 200
    assert snr(made, truth) == pytest.approx(10 * np.log10(200))
    with pytest.raises(ValueError, match="black"):
        snr(truth, np.zeros_like(truth))


def test_snr_is_psnr_less_the_headroom(pair: tuple[np.ndarray, np.ndarray]) -> None:
    frames, truth = (side[:1] for side in pair)
    headroom = 10 * np.log10(255**2 / np.square(truth.astype(float)).mean())
    assert snr(frames, truth) == pytest.approx(psnr(frames, truth)[0] - headroom)


def test_a_video_against_itself(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert psnr(pair[0], pair[0]).tolist() == [PSNR_CAP] * 3
    assert snr(pair[0], pair[0]) == PSNR_CAP
    assert ssim(pair[0], pair[0]) == pytest.approx([1, 1, 1], abs=1e-12)


def test_lengths_must_agree(pair: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="argument"):
        ssim(pair[0], pair[1][:2])
