from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from viseme.studies.pareto import Point, front

NUMBERS = st.floats(0.1, 100)
POINTS = st.lists(st.builds(Point, st.text(max_size=3), NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=12)


def point(speed, away):
    return Point(f"{speed}/{away}", speed, -away, away)


def test_the_front_is_what_nobody_beats_in_both():
    points = [point(1, 1), point(2, 2), point(2, 3), point(4, 4), point(3, 5), point(0.5, 1)]
    assert front(points) == [point(4, 4), point(2, 2), point(1, 1)]


def test_equals_stand_together():
    assert front([point(1, 1), point(1, 1)]) == [point(1, 1)] * 2


@given(POINTS)
def test_each_point_off_the_front_is_beaten_by_one_on_it(points):
    best = front(points)
    assert best
    for one in points:
        beaten = any(
            other.speed >= one.speed and other.away <= one.away and (other.speed, other.away) != (one.speed, one.away)
            for other in best
        )
        assert (one in best) != beaten
