import numpy as np
import pytest

from viseme.data.synthetic.phonemes import PHONEMES, Segment, random_sentence
from viseme.data.synthetic.voice import Voice, speak

RATE = 16_000


def _sound(label: str, voice: Voice, seconds: float = 0.6) -> np.ndarray:
    """The steady middle of one sound held between two silences."""
    segments = [
        Segment(PHONEMES["SIL"], 0.0, 0.2),
        Segment(PHONEMES[label], 0.2, 0.2 + seconds),
        Segment(PHONEMES["SIL"], 0.2 + seconds, 0.4 + seconds),
    ]
    sound = speak(segments, voice, round((0.4 + seconds) * 25), np.random.default_rng(0))
    return sound[int(0.3 * RATE) : int((0.1 + seconds) * RATE)].astype(np.float64)


def _peak(sound: np.ndarray, low: float, high: float) -> float:
    """Frequency of the strongest smoothed band between two frequencies."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 16_384)) ** 2
    hertz = np.fft.rfftfreq(16_384, 1 / RATE)
    smooth = np.convolve(power, np.hanning(150), "same")
    inside = (hertz >= low) & (hertz <= high)
    return float(hertz[inside][np.argmax(smooth[inside])])


def _centroid(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float((power * np.fft.rfftfreq(len(sound), 1 / RATE)).sum() / power.sum())


STEADY = {"liveliness": 0.0, "jitter": 0.0, "breath": 0.01}


@pytest.mark.parametrize("pitch", [100.0, 200.0])
def test_the_voice_has_the_pitch_asked_for(pitch: float):
    sound = _sound("AA", Voice(pitch, 1.0, **STEADY))
    lags = np.arange(RATE // 300, RATE // 70)
    strength = [
        sound[:-lag] @ sound[lag:] / np.sqrt(sound[:-lag] @ sound[:-lag] * (sound[lag:] @ sound[lag:])) for lag in lags
    ]
    best = int(np.argmax(np.array(strength) > 0.97 * max(strength)))
    best += int(np.argmax(strength[best : best + 10]))
    assert RATE / lags[best] == pytest.approx(pitch, rel=0.02)


@pytest.mark.parametrize("label", ["AA", "AE", "EH", "IY"])
def test_formants_lie_where_the_table_puts_them(label: str):
    sound = _sound(label, Voice(80.0, 1.0, tilt=0.0, **STEADY))
    first, second, _ = PHONEMES[label].formants
    middle = np.sqrt(first * second)
    assert _peak(sound, 180, middle) == pytest.approx(first, abs=90)
    if label != "AA":  # there the skirt of the first covers the second
        assert _peak(np.diff(sound), middle, 1.15 * second) == pytest.approx(second, rel=0.08)


def test_a_shorter_vocal_tract_raises_the_formants():
    low, high = (_peak(_sound("AE", Voice(80.0, tract, **STEADY)), 300, 1100) for tract in (1.1, 0.8))
    assert high / low == pytest.approx(1.1 / 0.8, rel=0.15)


def test_hisses_are_high_and_murmurs_are_low():
    voice = Voice(110.0, 1.0)
    assert _centroid(_sound("S", voice)) > 4800 > 3800 > _centroid(_sound("SH", voice)) > 2000
    assert _centroid(_sound("M", voice)) < 700


def test_open_vowels_are_louder_than_closed_lips_and_the_ends_are_silent():
    segments = random_sentence(np.random.default_rng(4), 2.0)
    sound = speak(segments, Voice(120.0, 1.0), 50, np.random.default_rng(5))
    assert sound.shape == (32_000,)
    assert sound.dtype == np.float32
    assert np.abs(sound).max() <= 0.9

    def level(start: float, end: float) -> float:
        return float(np.sqrt(np.mean(sound[round(start * RATE) : round(end * RATE)] ** 2)))

    assert max(level(0, segments[0].end - 0.03), level(segments[-1].start + 0.05, 2.0)) < 0.002
    assert level(segments[1].start, segments[-2].end) > 0.03
    voice = Voice(110.0, 1.0, **STEADY)
    both = [Segment(PHONEMES[label], 0.2 * i, 0.2 * (i + 1)) for i, label in enumerate(("SIL", "AA", "M", "SIL"))]
    said = speak(both, voice, 20, np.random.default_rng(0))
    assert np.std(said[4160:5440]) > 2 * np.std(said[7360:8640])


def test_the_same_generator_gives_the_same_sound():
    segments = random_sentence(np.random.default_rng(0), 1.0)
    one, two = (speak(segments, Voice(200.0, 0.85), 25, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
