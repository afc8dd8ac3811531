"""Against Gaussian data, whose ideal denoiser is known in closed form."""

import math

import pytest
import torch

from viseme.diffusion.samplers import ddim
from viseme.diffusion.schedule import cosine_alpha_bar, spaced_timesteps

ALPHA_BAR = cosine_alpha_bar(250)
MEAN, DEVIATION = 0.3, 0.2


def ideal(x_t: torch.Tensor, timestep: int) -> torch.Tensor:
    """E[x0 | x_t] where x0 is N(MEAN, DEVIATION^2)."""
    signal, noise = math.sqrt(ALPHA_BAR[timestep]), math.sqrt(1 - ALPHA_BAR[timestep])
    gain = signal * DEVIATION**2 / (signal**2 * DEVIATION**2 + noise**2)
    return MEAN + gain * (x_t - signal * MEAN)


def noise(seed: int = 0) -> torch.Tensor:
    return torch.randn((64, 3, 16, 16), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
def test_deterministic_sampling_finds_the_datas_distribution(spacing: str) -> None:
    # as many as leave leading near pure noise too: 250 / 125 begins at 248
    made = ddim(ideal, noise(), ALPHA_BAR, spaced_timesteps(250, 125, spacing), clamp=False)
    assert float(made.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(made.std()) == pytest.approx(DEVIATION, rel=0.06)


def test_ancestral_sampling_finds_it_too() -> None:
    rng = torch.Generator().manual_seed(1)
    made = ddim(
        ideal,
        noise(),
        ALPHA_BAR,
        spaced_timesteps(250, 250, "trailing"),
        eta=1.0,
        clamp=False,
        draw=lambda: torch.randn((64, 3, 16, 16), generator=rng),
    )
    assert float(made.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(made.std()) == pytest.approx(DEVIATION, rel=0.06)


def test_more_steps_come_closer_to_the_exact_map() -> None:
    """The probability flow of Gaussian data is linear: x0 = MEAN + DEVIATION x_T where x_T is pure noise."""
    exact = MEAN + DEVIATION * noise()
    errors = [
        float((ddim(ideal, noise(), ALPHA_BAR, spaced_timesteps(250, n, "trailing"), clamp=False) - exact).abs().mean())
        for n in (5, 25, 125)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_one_step_is_the_estimate_itself() -> None:
    made = ddim(ideal, noise(), ALPHA_BAR, [249], clamp=False)
    torch.testing.assert_close(made, ideal(noise(), 249))


def test_clamping_holds_every_estimate() -> None:
    seen: list[float] = []

    def wild(x_t: torch.Tensor, timestep: int) -> torch.Tensor:
        seen.append(float(x_t.abs().max()))
        return x_t * 100

    made = ddim(wild, noise(), ALPHA_BAR, spaced_timesteps(250, 10, "trailing"), clamp=True)
    assert float(made.abs().max()) <= 1
    assert max(seen) < 100


def test_noise_must_have_a_source() -> None:
    with pytest.raises(ValueError, match="pass draw"):
        ddim(ideal, noise(), ALPHA_BAR, [249, 100], eta=0.5)
