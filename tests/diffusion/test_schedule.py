import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viseme.diffusion.schedule import cosine_alpha_bar, spaced_timesteps
from viseme.errors import ConfigError


def test_alpha_bar_is_the_squared_cosine_while_beta_is_under_its_cap() -> None:
    def signal(t: int) -> float:
        return math.cos((t / 250 + 0.008) / 1.008 * math.pi / 2) ** 2

    alpha_bar = cosine_alpha_bar(250)
    for t in (0, 1, 100, 248):
        assert alpha_bar[t] == pytest.approx(signal(t + 1) / signal(0), rel=1e-12)
    assert alpha_bar[249] == pytest.approx(alpha_bar[248] * 0.001, rel=1e-9)  # the cap: beta 0.999
    assert alpha_bar.dtype == np.float64
    assert (np.diff(alpha_bar) < 0).all()


@pytest.mark.parametrize(
    ("spacing", "first", "last"), [("leading", 245, 0), ("trailing", 249, 4), ("linspace", 249, 0)]
)
def test_fifty_of_two_hundred_and_fifty(spacing: str, first: int, last: int) -> None:
    timesteps = spaced_timesteps(250, 50, spacing)
    assert (timesteps[0], timesteps[-1]) == (first, last)


@given(st.integers(1, 250), st.sampled_from(["leading", "trailing", "linspace"]))
def test_always_as_many_as_asked_for_falling_and_in_range(steps: int, spacing: str) -> None:
    timesteps = spaced_timesteps(250, steps, spacing)
    assert len(timesteps) == steps
    assert all(later < earlier for earlier, later in itertools.pairwise(timesteps))
    assert timesteps[0] <= 249
    assert timesteps[-1] >= 0


@pytest.mark.parametrize("steps", [0, 251])
def test_more_steps_than_training_had_are_refused(steps: int) -> None:
    with pytest.raises(ConfigError, match="choose 1 to 250"):
        spaced_timesteps(250, steps, "trailing")
