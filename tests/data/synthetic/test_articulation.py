import numpy as np
import pytest

from viseme.data.synthetic.articulation import formants_at, mouth_at
from viseme.data.synthetic.phonemes import PHONEMES, SHAPE, Segment


def _say(*labels: str, seconds: float = 0.12) -> list[Segment]:
    return [Segment(PHONEMES[label], i * seconds, (i + 1) * seconds) for i, label in enumerate(labels)]


def test_one_sound_alone_reaches_its_targets_exactly():
    segments = _say("AO", "AO", "AO")
    mouth = mouth_at(segments, np.array([0.05, 0.18, 0.3]))
    for name, target in zip(SHAPE, PHONEMES["AO"].shape, strict=True):
        np.testing.assert_allclose(getattr(mouth, name), target)
    np.testing.assert_allclose(formants_at(segments, np.array([0.18]), mouth.opening[1:2])[0], (570, 840, 2410))


@pytest.mark.parametrize("label", ["P", "B", "M"])
def test_lips_close_for_bilabials_between_wide_vowels(label: str):
    segments = _say("AA", label, "AA", seconds=0.1)
    at = segments[1].anchor
    opening = mouth_at(segments, np.array([segments[0].anchor, at - 0.01, at, at + 0.01, segments[2].anchor])).opening
    assert opening[0] > 0.45
    assert opening[-1] > 0.45
    np.testing.assert_array_equal(opening[1:4], 0.0)


def test_visemes_differ_where_they_should():
    def anchor(label: str) -> dict[str, float]:
        segments = _say("AH", label, "AH")
        return mouth_at(segments, np.array([segments[1].anchor])).at(0)

    assert anchor("IY")["spread"] > 0.5 > 0.3 > anchor("UW")["spread"]
    assert anchor("UW")["rounding"] > 0.5 > 0.3 > anchor("IY")["rounding"]
    assert anchor("F")["tuck"] > 0.6 > 0.1 > anchor("S")["tuck"]
    assert anchor("AA")["opening"] > anchor("EH")["opening"] > anchor("IY")["opening"] > anchor("M")["opening"]


def test_lips_round_before_a_rounded_vowel_is_heard():
    before = np.array([0.12 - 0.03])  # within the consonant, before the vowel starts
    assert mouth_at(_say("T", "UW"), before).rounding[0] > 4 * mouth_at(_say("T", "IY"), before).rounding[0] + 0.2


def test_narrow_lips_lower_the_first_formant():
    segments, at = _say("AH", "AH"), np.array([0.1])
    assert formants_at(segments, at, np.array([0.05]))[0, 0] < 0.9 * formants_at(segments, at, np.array([0.6]))[0, 0]
