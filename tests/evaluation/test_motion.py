from __future__ import annotations

import cv2
import numpy as np
import pytest

from viseme.evaluation.motion import frame_mse, optical_flow


def moving_noise(step: int, size: int = 160, frames: int = 5) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(0).random((size, size + 40)), (0, 0), 2.5)
    noise = (255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)
    return np.stack([np.repeat(noise[:, 5 + step * t :][:, :size, None], 3, axis=2) for t in range(frames)])


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_flow_of_moving_texture_is_its_speed(step: int) -> None:
    assert optical_flow(moving_noise(step)) == pytest.approx(np.full(4, step), rel=0.1)


def test_still_video_has_no_flow() -> None:
    assert optical_flow(moving_noise(0)).max() < 0.02  # Farneback's own bias


def test_flow_is_opencv_s_with_the_stated_parameters() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (2, 40, 48, 3), dtype=np.uint8)
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    flow = cv2.calcOpticalFlowFarneback(
        *gray, None, pyr_scale=0.5, levels=7, winsize=5, iterations=15, poly_n=5, poly_sigma=1.2, flags=0
    )
    assert optical_flow(frames) == pytest.approx([np.sqrt((flow**2).sum(-1)).mean()], rel=1e-6)


def test_frame_mse_by_hand() -> None:
    frames = np.zeros((3, 2, 2, 3), dtype=np.uint8)
    frames[1, 0, 0] = (10, 20, 0)  # (100 + 400) / 12 values, there and back again
    assert frame_mse(frames) == pytest.approx([500 / 12, 500 / 12])


def test_frame_mse_does_not_wrap() -> None:
    frames = np.stack([np.zeros((2, 2, 3)), np.full((2, 2, 3), 255)]).astype(np.uint8)
    assert frame_mse(frames).tolist() == [255.0**2]
    assert frame_mse(frames[::-1]).tolist() == [255.0**2]


def test_one_frame_has_no_motion() -> None:
    assert optical_flow(moving_noise(1, frames=1)).size == 0
    assert frame_mse(moving_noise(1, frames=1)).size == 0
