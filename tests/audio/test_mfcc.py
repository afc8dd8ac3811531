import numpy as np
import pytest
from python_speech_features import mfcc as published

from viseme.audio.mfcc import mfcc
from viseme.types import SAMPLES_PER_FRAME


def sixteen_bit(samples: int, seed: int = 0) -> np.ndarray:
    """Noise that swells and fades over a tone, int16."""
    rng, t = np.random.default_rng(seed), np.arange(samples)
    sound = rng.normal(0, 3000, samples) * np.sin(t / 5000) ** 2 + 8000 * np.sin(2 * np.pi * 440 * t / 16_000)
    return np.clip(sound, -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("samples", [1, 399, 400, 401, 560, 561, 6400, 47_360, 47_361])
def test_it_agrees_with_python_speech_features(samples: int) -> None:
    sound = sixteen_bit(samples)
    ours = mfcc(sound.astype(np.float32) / np.float32(32768))
    np.testing.assert_allclose(ours, published(sound, 16_000), rtol=1e-9, atol=1e-9)


def test_it_agrees_at_full_scale_and_in_silence() -> None:
    for sound in (np.tile(np.array([-32768, 32767], np.int16), 2000), np.zeros(4000, np.int16)):
        ours = mfcc(sound.astype(np.float32) / np.float32(32768))
        np.testing.assert_allclose(ours, published(sound, 16_000), rtol=1e-9, atol=1e-9)


def test_sound_is_rounded_to_sixteen_bits_and_clipped() -> None:
    whole = sixteen_bit(3200).astype(np.float32)
    np.testing.assert_array_equal(mfcc((whole + np.float32(0.3)) / 32768), mfcc(whole / 32768))
    np.testing.assert_array_equal(
        mfcc(np.full(800, 1.5, np.float32)), mfcc(np.full(800, 32767 / 32768, dtype=np.float32))
    )


@pytest.mark.parametrize("frames", [1, 6, 75])
def test_a_clip_of_whole_frames_lacks_one_column_of_four_a_frame(frames: int) -> None:
    assert mfcc(np.zeros(frames * SAMPLES_PER_FRAME, np.float32)).shape == (4 * frames - 1, 13)


def test_twice_the_sound_raises_the_energy_alone() -> None:
    sound = (sixteen_bit(8000) // 4).astype(np.float32) / 32768
    once, twice = mfcc(sound), mfcc(2 * sound)
    np.testing.assert_allclose(twice[:, 0] - once[:, 0], np.log(4), atol=1e-9)
    np.testing.assert_allclose(twice[:, 1:], once[:, 1:], atol=1e-9)


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros((2, 800)), np.array([0.0, np.nan]), np.array([np.inf])])
def test_no_sound_is_refused(sound: np.ndarray) -> None:
    with pytest.raises(ValueError, match="cepstra need sound"):
        mfcc(sound.astype(np.float32))
