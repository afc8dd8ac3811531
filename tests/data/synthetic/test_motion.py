import numpy as np

from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.motion import blinks, perform
from viseme.data.synthetic.phonemes import random_sentence

TIMES = (np.arange(500) + 0.5) / 25


def test_eyes_blink_and_open_again():
    closed = blinks(np.random.default_rng(0), TIMES, every=3.0)
    assert closed.min() == 0.0
    assert 0.8 < closed.max() <= 1.0
    starts = np.flatnonzero((closed[1:] > 0) & (closed[:-1] == 0))
    assert 3 <= len(starts) <= 14
    assert np.mean(closed > 0.5) < 0.15


def test_heads_move_smoothly_within_what_a_detector_bears():
    for number in range(8):
        actor = draw_actor(np.random.default_rng([0, number]))
        rng = np.random.default_rng(number)
        poses = perform(actor, random_sentence(rng, 20.0), TIMES, rng)
        track = np.array([(p.x, p.y, p.roll, p.yaw, p.pitch, p.zoom) for p in poses])
        assert np.abs(track[:, :5]).max() < 0.3
        assert np.abs(track[:, 5] - 1).max() < 0.1
        assert np.abs(np.diff(track, axis=0)).max() < 0.04
        assert track.std(axis=0).min() > 0.002


def test_motion_follows_the_generator():
    actor = draw_actor(np.random.default_rng(0))
    segments = random_sentence(np.random.default_rng(0), 2.0)
    one, two, other = (perform(actor, segments, TIMES[:50], np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == two != other
