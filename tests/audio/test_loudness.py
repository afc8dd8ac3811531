import numpy as np
import pytest

from viseme.audio.loudness import LOUDNESS, gain, levelled


def speech(pauses: float = 0.0, level: float = 0.1) -> np.ndarray:
    """Noise at a level, preceded by a share of silence."""
    loud = np.random.default_rng(0).normal(0, level, 32_000)
    return np.concatenate([np.zeros(int(32_000 * pauses)), loud]).astype(np.float32)


@pytest.mark.parametrize("level", [0.002, 0.05, 0.3])
def test_speech_comes_out_equally_loud(level: float) -> None:
    assert float(np.sqrt(np.mean(levelled(speech(level=level)) ** 2))) == pytest.approx(LOUDNESS, rel=0.1)


def test_pauses_do_not_count() -> None:
    assert gain(speech(pauses=0.8)) == pytest.approx(gain(speech()), rel=0.1)


def test_it_is_a_single_factor_and_idempotent() -> None:
    audio = speech(level=0.01)
    once = levelled(audio)
    assert once.dtype == np.float32
    np.testing.assert_array_equal(once, audio * np.float32(gain(audio)))
    np.testing.assert_allclose(levelled(once), once, rtol=1e-5)


@pytest.mark.parametrize("audio", [np.zeros(16_000), np.full(16_000, 5e-5), np.zeros(0), np.full(159, 0.5)])
def test_silence_and_less_than_a_block_stay_as_they_are(audio: np.ndarray) -> None:
    np.testing.assert_array_equal(levelled(audio.astype(np.float32)), audio.astype(np.float32))
