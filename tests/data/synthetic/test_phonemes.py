import itertools

import numpy as np
import pytest
from scipy.stats import spearmanr

from viseme.data.synthetic.phonemes import PHONEMES, SHAPE, random_sentence


def test_a_sentence_fills_its_clip_without_gaps_and_is_silent_at_both_ends():
    for seed in range(30):
        seconds = 0.8 + 0.1 * seed
        segments = random_sentence(np.random.default_rng(seed), seconds, rate=1.1)
        assert segments[0].start == 0
        assert segments[-1].end == pytest.approx(seconds)
        assert [s.phoneme.label for s in (segments[0], segments[-1])] == ["SIL", "SIL"]
        assert all(a.end == b.start for a, b in itertools.pairwise(segments))
        assert all(0.03 < s.seconds < 0.6 for s in segments)
        assert all(s.start < s.anchor < s.end for s in segments)


def test_sentences_differ_and_follow_the_seed():
    first, again, other = (
        [s.phoneme.label for s in random_sentence(np.random.default_rng(seed), 2.0)] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_every_sound_is_said_sooner_or_later():
    rng = np.random.default_rng(0)
    said = {s.phoneme.label for _ in range(80) for s in random_sentence(rng, 2.0)}
    assert said == set(PHONEMES)


def test_a_wider_mouth_goes_with_a_higher_first_formant():
    vowels = [p for p in PHONEMES.values() if p.kind == "vowel"]
    opening = SHAPE.index("opening")
    assert spearmanr([p.shape[opening] for p in vowels], [p.formants[0] for p in vowels]).statistic > 0.9
