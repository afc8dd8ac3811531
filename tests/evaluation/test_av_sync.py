from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import pairwise_distance

from viseme.evaluation.av_sync import BORDERS, av_sync, valid_distances, zero_padded_distances


def speech(length: int, seed: int = 0, width: int = 64) -> np.ndarray:
    """What is said at each time, as embeddings `[length,width]`."""
    return np.random.default_rng(seed).normal(size=(length, width)).astype(np.float32)


def filmed(lag: int, windows: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Lips that show at window i what is heard at i - lag, a little noisy, and the sound."""
    said = speech(windows + 60, seed)
    sound, lips = said[30 : 30 + windows], said[30 - lag : 30 - lag + windows]
    return lips + 0.3 * speech(windows, seed + 1), sound


def plain(lips: np.ndarray, sound: np.ndarray, border: str) -> tuple[int, float, float]:
    """Offset, confidence and least distance, one pair after the other."""
    means = []
    for shift in range(-15, 16):
        found = []
        for i in range(len(lips)):
            inside = 0 <= i + shift < len(sound)
            if inside or border == "zeros":
                other = sound[i + shift] if inside else np.zeros_like(sound[0])
                found.append(float(pairwise_distance(torch.tensor(lips[i])[None], torch.tensor(other)[None])))
        means.append(sum(found) / len(found))
    least = min(means)
    return 15 - means.index(least), sorted(means)[15] - least, least


@pytest.mark.parametrize("border", ["zeros", "valid"])
@pytest.mark.parametrize("windows", [16, 23, 70])
def test_it_agrees_with_loops(border: str, windows: int) -> None:
    lips, sound = filmed(3, windows)
    got = av_sync(BORDERS[border](lips, sound))
    offset, confidence, distance = plain(lips, sound, border)
    assert got.offset == offset
    assert got.confidence == pytest.approx(confidence, abs=1e-4)
    assert got.distance == pytest.approx(distance, abs=1e-4)


@pytest.mark.parametrize("border", ["zeros", "valid"])
@pytest.mark.parametrize("lag", [-15, -9, -1, 0, 1, 6, 15])
def test_a_video_that_lags_has_a_positive_offset(border: str, lag: int) -> None:
    assert av_sync(BORDERS[border](*filmed(lag))).offset == lag


def test_the_offset_falls_where_sound_is_delayed() -> None:
    said = speech(60)
    lips, late = said[20:60], said[14:54]  # late[i] is what should be heard at i - 6
    assert av_sync(valid_distances(lips, late)).offset == -6


def test_perfect_sync_is_near_no_distance() -> None:
    said = speech(40)
    found = av_sync(zero_padded_distances(said, said))
    assert found.offset == 0
    assert found.distance == pytest.approx(0, abs=1e-4)
    assert found.confidence == pytest.approx(float(np.median(found.curve)), abs=1e-4)


def test_the_distances_by_hand() -> None:
    lips, sound = np.zeros((3, 2), np.float32), np.array([[3, 4], [6, 8], [0, 1]], np.float32)
    zeros, valid = zero_padded_distances(lips, sound, 1), valid_distances(lips, sound, 1)
    assert zeros == pytest.approx(np.array([[0, 5, 10], [5, 10, 1], [10, 1, 0]]), abs=1e-5)
    nan = np.nan
    np.testing.assert_allclose(valid, [[nan, 5, 10], [5, 10, 1], [10, 1, nan]], atol=1e-5)
    found = av_sync(valid)  # means 7.5, 16/3 and 5.5
    assert (found.offset, found.distance, found.confidence) == (0, pytest.approx(16 / 3), pytest.approx(0.5 / 3))


def test_zero_padding_draws_strangers_to_the_largest_shifts_and_valid_does_not() -> None:
    zeros, valid = [], []
    for seed in range(20):
        lips, sound = speech(20, 2 * seed), speech(20, 2 * seed + 1)
        zeros.append(abs(av_sync(zero_padded_distances(lips, sound)).offset))
        valid.append(av_sync(valid_distances(lips, sound)))
    assert min(zeros) >= 14
    assert len({found.offset for found in valid}) > 5
    assert max(found.confidence for found in valid) < 2


def test_a_still_video_has_no_confidence() -> None:
    still = np.repeat(speech(1), 30, axis=0)
    assert av_sync(valid_distances(still, still)).confidence == pytest.approx(0, abs=1e-9)
    moving = av_sync(valid_distances(*filmed(0, 30)))
    assert av_sync(valid_distances(still, speech(30, 1))).confidence < 0.1 * moving.confidence


@pytest.mark.parametrize(("windows", "has"), [(15, "20"), (1, "6"), (0, "at most 5")])
@pytest.mark.parametrize("border", ["zeros", "valid"])
def test_a_short_clip_is_refused_with_its_reason(border: str, windows: int, has: str) -> None:
    with pytest.raises(ValueError, match=f"shifts of 15 frames need a clip of 21 frames, here are {has}$"):
        BORDERS[border](speech(windows), speech(windows))


def test_embeddings_of_another_form_are_refused() -> None:
    with pytest.raises(ValueError, match="equal arrays"):
        valid_distances(speech(20), speech(21))
    spoilt = speech(20)
    spoilt[3, 2] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        valid_distances(spoilt, speech(20))
