"""Against Gaussian data, whose ideal denoiser is known in closed form."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from viseme.diffusion.samplers import Draw, Estimator, Sampler, ddim, ddpm, dpmpp_2m, static_clamp
from viseme.diffusion.schedule import cosine_alpha_bar, spaced_timesteps, zero_terminal_snr

ALPHA_BAR = cosine_alpha_bar(250)
MEAN, DEVIATION = 0.3, 0.2
SHAPE = (64, 3, 16, 16)
DETERMINISTIC: list[Sampler] = [ddim, dpmpp_2m]
ANCESTRAL: list[Sampler] = [
    partial(ddim, eta=1.0), partial(ddpm, variance="beta_tilde"), partial(ddpm, variance="beta"),
]  # fmt: skip


def ideal(x_t: torch.Tensor, timestep: int, alpha_bar: np.ndarray = ALPHA_BAR) -> torch.Tensor:
    """E[x0 | x_t] where x0 is N(MEAN, DEVIATION^2)."""
    signal, noise = math.sqrt(alpha_bar[timestep]), math.sqrt(1 - alpha_bar[timestep])
    gain = signal * DEVIATION**2 / (signal**2 * DEVIATION**2 + noise**2)
    return MEAN + gain * (x_t - signal * MEAN)


def noise(seed: int = 0) -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def source(seed: int = 1) -> Draw:
    rng = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(SHAPE, generator=rng)


def never() -> torch.Tensor:
    raise AssertionError("a deterministic sampler drew noise")


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace", "quadratic"])
@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_deterministic_sampling_finds_the_datas_distribution(sampler: Sampler, spacing: str) -> None:
    # as many as leave leading near pure noise too: 250 / 125 begins at 248
    made = sampler(ideal, noise(), ALPHA_BAR, spaced_timesteps(250, 125, spacing), never)
    assert float(made.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(made.std()) == pytest.approx(DEVIATION, rel=0.06)


@pytest.mark.parametrize("sampler", ANCESTRAL)
def test_ancestral_sampling_finds_it_too(sampler: Sampler) -> None:
    made = sampler(ideal, noise(), ALPHA_BAR, spaced_timesteps(250, 250, "trailing"), source())
    assert float(made.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(made.std()) == pytest.approx(DEVIATION, rel=0.06)


def error(sampler: Sampler, steps: int) -> float:
    """Of the probability flow, linear for Gaussian data: x0 = MEAN + DEVIATION x_T where x_T is pure noise."""
    made = sampler(ideal, noise(), ALPHA_BAR, spaced_timesteps(250, steps, "trailing"), never)
    return float((made - MEAN - DEVIATION * noise()).abs().mean())


@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_more_steps_come_closer_to_the_exact_map(sampler: Sampler) -> None:
    errors = [error(sampler, steps) for steps in (5, 25, 125)]
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("steps", [25, 50, 125])
def test_the_second_order_is_closer_than_the_first_in_as_many_steps(steps: int) -> None:
    assert error(dpmpp_2m, steps) < 0.6 * error(ddim, steps)


@pytest.mark.parametrize("sampler", [*DETERMINISTIC, *ANCESTRAL])
def test_one_step_is_the_estimate_itself(sampler: Sampler) -> None:
    torch.testing.assert_close(sampler(ideal, noise(), ALPHA_BAR, [249], never), ideal(noise(), 249))


def test_two_steps_of_the_solver_are_ddims() -> None:
    """The first has no estimate before it, and the last lands on its estimate."""
    one, other = (sampler(ideal, noise(), ALPHA_BAR, [249, 90], never) for sampler in DETERMINISTIC)
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace", "quadratic"])
def test_ddim_with_all_its_noise_is_ancestral_sampling(spacing: str) -> None:
    """Two derivations of one chain: Song et al. 2021, section 4.1."""
    timesteps = spaced_timesteps(250, 40, spacing)
    torch.testing.assert_close(
        ddim(ideal, noise(), ALPHA_BAR, timesteps, source(), eta=1.0),
        ddpm(ideal, noise(), ALPHA_BAR, timesteps, source(), variance="beta_tilde"),
        atol=1e-5,
        rtol=1e-5,
    )


def test_beta_puts_more_noise_back_than_beta_tilde() -> None:
    """A step from x_t = 0 with estimate 0 is the noise alone, whose variance is known."""
    now, then = ALPHA_BAR[200], ALPHA_BAR[100]
    beta = 1 - now / then
    expected = {"beta": beta, "beta_tilde": beta * (1 - then) / (1 - now)}
    assert expected["beta"] > expected["beta_tilde"]
    for variance, value in expected.items():
        seen: list[torch.Tensor] = []

        def nothing(x_t: torch.Tensor, _: int, seen: list[torch.Tensor] = seen) -> torch.Tensor:
            seen.append(x_t)
            return torch.zeros_like(x_t)

        ddpm(nothing, torch.zeros(SHAPE), ALPHA_BAR, [200, 100], source(), variance=variance)  # type: ignore[arg-type]
        assert float(seen[1].var()) == pytest.approx(value, rel=0.02)


@pytest.mark.parametrize("sampler", [*DETERMINISTIC, *ANCESTRAL])
def test_the_same_noise_gives_the_same_bytes(sampler: Sampler) -> None:
    timesteps = spaced_timesteps(250, 10, "trailing")
    made = [sampler(ideal, noise(), ALPHA_BAR, timesteps, source()) for _ in range(2)]
    assert torch.equal(*made)


@pytest.mark.parametrize("sampler", [*DETERMINISTIC, *ANCESTRAL])
def test_a_schedule_that_leaves_no_signal_is_sampled_from_its_very_end(sampler: Sampler) -> None:
    alpha_bar = zero_terminal_snr(ALPHA_BAR)
    made = sampler(
        partial(ideal, alpha_bar=alpha_bar), noise(), alpha_bar, spaced_timesteps(250, 125, "trailing"), source()
    )
    assert float(made.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(made.std()) == pytest.approx(DEVIATION, rel=0.06)


def test_clamping_holds_every_estimate() -> None:
    seen: list[float] = []

    def wild(x_t: torch.Tensor, timestep: int) -> torch.Tensor:
        seen.append(float(x_t.abs().max()))
        return x_t * 100

    made = ddim(static_clamp(wild), noise(), ALPHA_BAR, spaced_timesteps(250, 10, "trailing"), never)
    assert float(made.abs().max()) <= 1
    assert max(seen) < 100


@pytest.mark.parametrize(
    "calls", [(partial(ddim, eta=0.5), 9), (partial(ddpm, variance="beta"), 9), (ddim, 0), (dpmpp_2m, 0)]
)
def test_the_last_step_draws_no_noise(calls: tuple[Callable[..., torch.Tensor], int]) -> None:
    sampler, expected = calls
    drawn = 0

    def counted() -> torch.Tensor:
        nonlocal drawn
        drawn += 1
        return torch.zeros(SHAPE)

    estimate: Estimator = ideal
    sampler(estimate, noise(), ALPHA_BAR, spaced_timesteps(250, 10, "trailing"), counted)
    assert drawn == expected
