import numpy as np

from viseme.data.synthetic.actor import HAIR_STYLES, draw_actor


def _cast(count: int) -> list:
    return [draw_actor(np.random.default_rng([0, number])) for number in range(count)]


def test_actors_are_distinct_and_follow_the_seed():
    cast = _cast(40)
    assert cast == _cast(40)
    assert len({(a.skin, a.hair, a.voice.pitch) for a in cast}) == 40


def test_a_cast_is_varied():
    cast = _cast(120)
    assert {a.hair_style for a in cast} == set(HAIR_STYLES)
    assert 0.3 < np.mean([a.female for a in cast]) < 0.7
    assert 0.02 < np.mean([a.glasses for a in cast]) < 0.2
    assert 0.2 < np.mean([a.background == "green" for a in cast]) < 0.5
    assert np.ptp([a.skin[0] for a in cast]) > 100
    assert all(0 <= value <= 255 for a in cast for value in (*a.skin, *a.hair, *a.lip_colour, *a.iris))


def test_voices_fit_their_speakers():
    cast = _cast(120)
    women, men = ([a.voice for a in cast if a.female is female] for female in (True, False))
    assert min(v.pitch for v in women) > max(v.pitch for v in men)
    assert max(v.tract for v in women) < min(v.tract for v in men)
