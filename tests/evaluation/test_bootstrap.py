from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viseme.evaluation.bootstrap import ENOUGH_ACTORS, interval


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.lists(st.integers(0, 20), min_size=1, max_size=30))
def test_constants_have_no_width(value: float, actors: list[int]) -> None:
    found = interval([value] * len(actors), [str(a) for a in actors], seeded(), resamples=50)
    assert (found.low, found.high) == (pytest.approx(value), pytest.approx(value))
    assert found.mean == pytest.approx(value)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-100, 100), st.integers(0, 14)), min_size=1, max_size=40))
def test_the_interval_holds_the_mean_of_the_clips(clips: list[tuple[float, int]]) -> None:
    values, actors = [v for v, _ in clips], [str(a) for _, a in clips]
    found = interval(values, actors, seeded(), resamples=100)
    assert found.n == len(clips)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found.over == ("actors" if len(set(actors)) >= ENOUGH_ACTORS else "clips")


def test_by_actor() -> None:
    assert interval([1, 2, 6], ["b", "b", "a"], seeded()).by_actor == {"a": 6, "b": 1.5}


def test_equal_seeds_give_equal_intervals() -> None:
    values, actors = seeded(1).normal(size=40), [str(i % 12) for i in range(40)]
    assert interval(values, actors, seeded(5)) == interval(values, actors, seeded(5))
    assert interval(values, actors, seeded(5)) != interval(values, actors, seeded(6))


def test_few_actors_keep_their_number_of_clips() -> None:
    # Two actors far apart: resampling actors would reach 0 and 10, clips within actors can not.
    found = interval([0] * 10 + [10] * 10, ["a"] * 10 + ["b"] * 10, seeded())
    assert (found.low, found.high, found.over) == (5, 5, "clips")


def test_actors_with_one_clip_each_are_drawn_among_one_another() -> None:
    values = seeded(4).normal(size=9)
    found = interval(values, [str(i) for i in range(9)], seeded())
    assert found == replace(interval(values, ["a"] * 9, seeded()), by_actor=found.by_actor)
    assert found.high - found.low > 0.5


def test_many_actors_are_what_is_resampled() -> None:
    # Clips of one actor are equal: however many there are, twelve actors are twelve numbers.
    levels = seeded(2).normal(size=12)
    once = interval(levels, [str(i) for i in range(12)], seeded())
    often = interval(np.repeat(levels, 20), [str(i) for i in range(12) for _ in range(20)], seeded())
    assert often.high - often.low == pytest.approx(once.high - once.low)


def test_width_is_that_of_the_normal_law() -> None:
    values = seeded(3).normal(size=400)
    found = interval(values, ["a"] * 400, seeded())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)


def _covered(actors: int, clips: int, between: float, trials: int) -> float:
    """How often the interval holds the true mean, where actors differ by `between` and clips by 1."""
    rng = seeded(11)
    hits = 0
    for _ in range(trials):
        levels = between * rng.normal(size=actors)
        values = np.repeat(levels, clips) + rng.normal(size=actors * clips)
        truth = 0.0 if actors >= ENOUGH_ACTORS else levels.mean()
        found = interval(values, [str(a) for a in range(actors) for _ in range(clips)], rng, resamples=300)
        hits += found.low <= truth <= found.high
    return hits / trials


def test_coverage_over_actors() -> None:
    assert 0.88 <= _covered(actors=20, clips=4, between=1.0, trials=150) <= 0.99


def test_coverage_over_clips_of_the_same_actors() -> None:
    assert 0.88 <= _covered(actors=3, clips=12, between=5.0, trials=150) <= 0.99


@pytest.mark.parametrize("values", [[], [float("nan")], [1.0, 2.0]])
def test_no_interval_of_nothing(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite value"):
        interval(values, ["a"] if values else [], seeded())
