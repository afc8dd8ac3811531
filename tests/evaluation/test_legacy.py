from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from viseme.evaluation.legacy import f_mse_legacy, ofm_legacy
from viseme.evaluation.motion import frame_mse, optical_flow


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return cv2.resize(skimage.data.astronaut()[:256, 96:352], (128, 128), interpolation=cv2.INTER_AREA)


def test_a_still_grey_clip_scores_jet_s_darkest_blue() -> None:
    assert ofm_legacy(np.full((3, 64, 64, 3), 90, np.uint8)).tolist() == [128 / 3] * 2


def test_a_still_picture_scores_more(portrait: np.ndarray) -> None:
    assert 42.67 < ofm_legacy(np.stack([portrait, portrait]))[0] < 60


def test_the_picture_of_the_flow_does_not_grow_with_motion(portrait: np.ndarray) -> None:
    shifted = [np.stack([portrait, np.roll(portrait, step, axis=1)]) for step in (1, 2, 4)]
    true, read = ([measure(pair)[0] for pair in shifted] for measure in (optical_flow, ofm_legacy))
    assert true[2] > 2 * true[0]
    assert read[2] < 2 * read[0]


def test_the_picture_is_opencv_s() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    before, after = (cv2.cvtColor(frame[..., ::-1], cv2.COLOR_BGR2GRAY) for frame in frames)
    flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 7, 5, 15, 5, 1.2, 0)
    length = cv2.cartToPolar(flow[..., 0], flow[..., 1])[0]
    picture = cv2.applyColorMap(cv2.normalize(length, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8), cv2.COLORMAP_JET)
    assert ofm_legacy(frames).tolist() == [picture.mean()]


@pytest.mark.parametrize(("difference", "read"), [(3, 9), (15, 225), (16, 0), (20, 144), (39, 241), (255, 1)])
def test_squares_wrap_at_256(difference: int, read: int) -> None:
    frames = np.zeros((3, 128, 128, 3), np.uint8)
    frames[1] = difference  # up, and down again
    assert f_mse_legacy(frames).tolist() == [read, read]
    assert frame_mse(frames).tolist() == [difference**2] * 2


def test_it_reads_too_little_of_larger_motion() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(100, 156, (128, 128, 3))
    read = []
    for spread in (3, 8, 40):
        frames = np.clip([first, first + rng.normal(0, spread, first.shape).round()], 0, 255).astype(np.uint8)
        read.append(f_mse_legacy(frames)[0] / frame_mse(frames)[0])
    assert read[0] == 1
    assert read[0] > read[1] > read[2]
    assert read[2] < 0.1


def test_frames_of_other_sizes_are_resized() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    large = np.stack([cv2.resize(frame, (128, 128)) for frame in frames])
    assert f_mse_legacy(frames).tolist() == f_mse_legacy(large).tolist()
    assert ofm_legacy(frames).tolist() == ofm_legacy(large).tolist()


def test_one_frame_has_nothing_to_compare() -> None:
    assert ofm_legacy(np.zeros((1, 64, 64, 3), np.uint8)).size == 0
    assert f_mse_legacy(np.zeros((1, 64, 64, 3), np.uint8)).size == 0
