import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import get_window

from viseme.audio.features import encode, encode_with_context, feature_width
from viseme.audio.loudness import levelled
from viseme.audio.mel import COLUMNS, FFT, FLOOR, HOP, WINDOW, mel_features, with_context
from viseme.config.sections import AudioConfig
from viseme.types import SAMPLES_PER_FRAME


def noise(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, frames * SAMPLES_PER_FRAME).astype(np.float32)


@pytest.mark.parametrize("frames", [1, 9, 74])
@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_an_impulse_in_frame_t_peaks_in_frame_t(frames: int, place: str) -> None:
    t = {"start": 0, "middle": frames // 2, "end": frames - 1}[place]
    audio = np.zeros(frames * SAMPLES_PER_FRAME, np.float32)
    audio[t * SAMPLES_PER_FRAME + SAMPLES_PER_FRAME // 2] = 1.0
    energy = mel_features(audio, frames).sum(axis=1)
    assert int(np.argmax(energy)) == t


def test_an_impulse_is_heard_most_in_its_own_column() -> None:
    audio = np.zeros(5 * SAMPLES_PER_FRAME, np.float32)
    audio[2 * SAMPLES_PER_FRAME + 2 * HOP + HOP // 2] = 1.0
    columns = mel_features(audio, 5).reshape(5 * COLUMNS, -1).sum(axis=1)
    assert int(np.argmax(columns)) == 2 * COLUMNS + 2


def test_a_tone_lands_in_the_band_of_its_frequency() -> None:
    seconds = np.arange(10 * SAMPLES_PER_FRAME) / 16_000
    edges = 700 * (10 ** (np.linspace(*(2595 * np.log10(1 + np.array([60.0, 7600.0]) / 700)), 42) / 2595) - 1)
    for hertz in (300, 1000, 4000):
        loudest = int(mel_features(np.sin(2 * np.pi * hertz * seconds).astype(np.float32), 10)[5, :40].argmax())
        assert edges[loudest] <= hertz <= edges[loudest + 2]


def test_a_column_agrees_with_its_formula_worked_out_alone() -> None:
    audio = noise(6)
    got = mel_features(levelled(audio), 6, bands=40).reshape(24, 40)
    blocks = (audio.reshape(-1, HOP).astype(np.float64) ** 2).mean(axis=1)
    gain = 0.08 / np.sqrt(blocks[blocks >= np.median(blocks)].mean())
    centre = 13 * HOP + HOP // 2
    piece = audio[centre - WINDOW // 2 : centre + WINDOW // 2] * gain * get_window("hann", WINDOW)
    power = np.abs(np.fft.rfft(piece, FFT)) ** 2
    low, high = 2595 * np.log10(1 + np.array([60.0, 7600.0]) / 700)
    edges = 700 * (10 ** (np.linspace(low, high, 42) / 2595) - 1)
    hertz = np.arange(FFT // 2 + 1) * 16_000 / FFT
    for band in (0, 7, 39):
        triangle = np.interp(hertz, edges[band : band + 3], [0, 1, 0], left=0, right=0)
        expected = np.log10(power @ triangle / triangle.sum() + FLOOR) / 3.5
        assert got[13, band] == pytest.approx(expected, abs=1e-3)


@given(st.floats(0.02, 20))
def test_the_loudness_of_the_recording_does_not_matter(gain: float) -> None:
    audio = noise(8)
    levels = [mel_features(levelled(sound), 8) for sound in (audio * np.float32(gain), audio)]
    np.testing.assert_allclose(*levels, atol=2e-3)


def test_silence_stays_silent_and_finite() -> None:
    features = mel_features(np.zeros(3 * SAMPLES_PER_FRAME, np.float32), 3)
    np.testing.assert_allclose(features, np.log10(FLOOR) / 3.5, atol=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 100, SAMPLES_PER_FRAME - 1, 5 * SAMPLES_PER_FRAME + 17])
def test_any_length_gives_the_frames_asked_for(samples: int) -> None:
    features = mel_features(noise(6)[:samples], 4)
    assert features.shape == (4, 160)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_long_sound_equals_its_pieces() -> None:
    audio = np.tile(noise(50), 20)
    whole = mel_features(audio, 1000)
    np.testing.assert_allclose(whole[100:140], whole[600:640], atol=1e-5)  # 1000 frames run in more than one piece


def test_context_joins_neighbours_and_repeats_the_ends() -> None:
    features = np.arange(4, dtype=np.float32)[:, None]
    expected = [[0, 0, 0, 1, 2], [0, 0, 1, 2, 3], [0, 1, 2, 3, 3], [1, 2, 3, 3, 3]]
    np.testing.assert_array_equal(with_context(features, 2), expected)


def test_the_width_said_is_the_width_given() -> None:
    config = AudioConfig(bands=24, context=1)
    assert encode(noise(5), 5, config).shape == (5, 4 * 24)
    assert encode_with_context(noise(5), 5, config).shape == (5, feature_width(config))
