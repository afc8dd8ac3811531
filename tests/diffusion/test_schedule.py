import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viseme.diffusion.schedule import (
    cosine_alpha_bar,
    linear_alpha_bar,
    shifted,
    spaced_timesteps,
    zero_terminal_snr,
)
from viseme.errors import ConfigError

SPACINGS = ["leading", "trailing", "linspace", "quadratic"]


def test_alpha_bar_is_the_squared_cosine_while_beta_is_under_its_cap() -> None:
    def signal(t: int) -> float:
        return math.cos((t / 250 + 0.008) / 1.008 * math.pi / 2) ** 2

    alpha_bar = cosine_alpha_bar(250)
    for t in (0, 1, 100, 248):
        assert alpha_bar[t] == pytest.approx(signal(t + 1) / signal(0), rel=1e-12)
    assert alpha_bar[249] == pytest.approx(alpha_bar[248] * 0.001, rel=1e-9)  # the cap: beta 0.999
    assert alpha_bar.dtype == np.float64
    assert (np.diff(alpha_bar) < 0).all()


def test_linear_betas_are_ho_and_others_at_a_thousand_timesteps() -> None:
    alpha_bar = linear_alpha_bar(1000)
    betas = 1 - alpha_bar / np.concatenate([[1.0], alpha_bar[:-1]])
    np.testing.assert_allclose(betas, np.linspace(1e-4, 0.02, 1000), rtol=1e-9)
    assert alpha_bar[-1] == pytest.approx(4.036e-5, rel=1e-3)  # what DDPM's own schedule ends on


@pytest.mark.parametrize("steps", [250, 500, 2000])
def test_fewer_linear_timesteps_reach_as_much_noise(steps: int) -> None:
    """log alpha_bar is about the sum of -beta, which does not depend on T."""
    assert math.log(linear_alpha_bar(steps)[-1]) == pytest.approx(math.log(linear_alpha_bar(1000)[-1]), rel=0.05)


@pytest.mark.parametrize("schedule", [cosine_alpha_bar, linear_alpha_bar])
@pytest.mark.parametrize("steps", [1, 2, 10, 1000])
def test_some_signal_is_always_left_and_it_only_falls(schedule, steps: int) -> None:
    alpha_bar = schedule(steps)
    assert alpha_bar.shape == (steps,)
    assert 0 < alpha_bar[-1] <= alpha_bar[0] < 1
    assert (np.diff(alpha_bar) < 0).all()


@pytest.mark.parametrize("schedule", [cosine_alpha_bar, linear_alpha_bar])
def test_zero_terminal_snr_ends_on_nothing_and_begins_as_before(schedule) -> None:
    before = schedule(250)
    after = zero_terminal_snr(before)
    assert after[-1] == 0
    assert after[0] == pytest.approx(before[0], rel=1e-12)
    assert (np.diff(after) < 0).all()
    shift = np.sqrt(before) - np.sqrt(after) * (np.sqrt(before[0]) - np.sqrt(before[-1])) / np.sqrt(before[0])
    np.testing.assert_allclose(shift, np.sqrt(before[-1]), atol=1e-12)  # one shift and one stretch of sqrt(alpha_bar)


@pytest.mark.parametrize("schedule", [cosine_alpha_bar, linear_alpha_bar])
@pytest.mark.parametrize("shift", [0.5, 2.0, 3.0])
def test_a_shift_divides_the_snr_by_its_square(schedule, shift: float) -> None:
    before = schedule(250)
    after = shifted(before, shift)
    np.testing.assert_allclose(after / (1 - after) * shift**2, before / (1 - before), rtol=1e-9)
    assert (np.diff(after) < 0).all()
    assert after.dtype == np.float64


def test_no_shift_changes_no_bit_and_no_signal_stays_none() -> None:
    before = zero_terminal_snr(cosine_alpha_bar(250))
    assert np.array_equal(shifted(before, 1), before)
    assert shifted(before, 2)[-1] == 0


def test_one_timestep_without_signal() -> None:
    assert zero_terminal_snr(cosine_alpha_bar(1)).tolist() == [0]


@pytest.mark.parametrize(
    ("spacing", "first", "last"),
    [("leading", 245, 0), ("trailing", 249, 4), ("linspace", 249, 0), ("quadratic", 249, 0)],
)
def test_fifty_of_two_hundred_and_fifty(spacing: str, first: int, last: int) -> None:
    timesteps = spaced_timesteps(250, 50, spacing)
    assert (timesteps[0], timesteps[-1]) == (first, last)


def test_quadratic_steps_grow_with_the_noise() -> None:
    """Evenly spaced in the square root of t wherever neighbours stay apart by themselves."""
    timesteps = spaced_timesteps(1000, 20, "quadratic")
    np.testing.assert_allclose(np.sqrt(timesteps), np.linspace(0, math.sqrt(999), 20)[::-1], atol=0.2)
    strides = -np.diff(spaced_timesteps(250, 50, "quadratic"))
    assert strides[0] == 10
    assert strides[-1] == 1


@given(st.integers(1, 400), st.data(), st.sampled_from(SPACINGS))
def test_always_as_many_as_asked_for_falling_and_in_range(total: int, data: st.DataObject, spacing: str) -> None:
    steps = data.draw(st.integers(1, total))
    timesteps = spaced_timesteps(total, steps, spacing)
    assert len(timesteps) == steps
    assert all(later < earlier for earlier, later in itertools.pairwise(timesteps))
    assert timesteps[0] <= total - 1
    assert timesteps[-1] >= 0


@pytest.mark.parametrize("spacing", ["trailing", "linspace", "quadratic"])
@pytest.mark.parametrize("steps", [1, 3, 250])
def test_all_but_leading_begin_at_the_noisiest(spacing: str, steps: int) -> None:
    assert spaced_timesteps(250, steps, spacing)[0] == 249


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [0, 251])
def test_more_steps_than_training_had_are_refused(steps: int, spacing: str) -> None:
    with pytest.raises(ConfigError, match="choose 1 to 250"):
        spaced_timesteps(250, steps, spacing)
