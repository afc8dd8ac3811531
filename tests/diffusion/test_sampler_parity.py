"""Whole loops against diffusers' schedulers: the same schedule, network and noise, each with its own arithmetic.

Where the two differ by intent, a test says so. Ours never puts noise back in the last step (Ho et al. 2020,
algorithm 2); diffusers does where the last timestep is not 0. Ours steps to the timestep visited next; diffusers' DDIM
to t - T // n, which is another one under linspace, so that its DPM-Solver++ of first order, the same equation, stands
in there.
"""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

from viseme.diffusion.process import Prediction, Process
from viseme.diffusion.samplers import Sampler, ddim, ddpm, dpmpp_2m, static_clamp
from viseme.diffusion.schedule import cosine_alpha_bar, linear_alpha_bar, spaced_timesteps, zero_terminal_snr

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers' use of numpy

TOTAL = 100
SHAPE = (2, 3, 8, 8)
NAMES = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}
CASES = [("eps", True), ("x0", True), ("v", True), ("x0", False), ("v", False)]
"""Predictions, clamped or not; eps unclamped, which sqrt(alpha_bar) of 1e-3 divides, on the linear schedule below."""


def network(x_t: torch.Tensor, timestep: int) -> torch.Tensor:
    """What both sides sample from: smooth, not linear, different at each timestep, reaching past [-1, 1]."""
    return 1.3 * torch.tanh(0.8 * x_t + 0.5 * x_t.roll(1, -1) - 0.3 + timestep / TOTAL)


def start() -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))


def ours(
    sampler: Sampler, alpha_bar: np.ndarray, prediction: Prediction, timesteps: list[int], clamp: bool
) -> torch.Tensor:
    process, rng = Process(alpha_bar, prediction), torch.Generator().manual_seed(7)

    def estimate(x_t: torch.Tensor, timestep: int) -> torch.Tensor:
        return process.x0(network(x_t, timestep), x_t, torch.full((len(x_t),), timestep))

    return sampler(
        static_clamp(estimate) if clamp else estimate,
        start(),
        alpha_bar,
        timesteps,
        lambda: torch.randn(SHAPE, generator=rng),
    )


def scheduler(kind: Any, alpha_bar: np.ndarray, prediction: str, **settings: object) -> Any:
    """A scheduler of diffusers over our schedule, in float64 as ours is."""
    made = kind(num_train_timesteps=len(alpha_bar), prediction_type=NAMES[prediction], **settings)
    made.alphas_cumprod = torch.from_numpy(alpha_bar)
    return made


def theirs(made: Any, **each_step: object) -> torch.Tensor:
    """The loop of diffusers' pipelines; the clean estimate of the last step, before noise is put on it."""
    x_t, rng = start(), torch.Generator().manual_seed(7)
    for timestep in made.timesteps.tolist():
        out = made.step(network(x_t, timestep), timestep, x_t, generator=rng, **each_step)
        x_t = out.prev_sample.float()
    return getattr(out, "pred_original_sample", x_t).float()


def same(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("prediction", "clamp"), CASES)
@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize(("variance", "name"), [("beta_tilde", "fixed_small"), ("beta", "fixed_large")])
def test_ddpm(variance: str, name: str, spacing: str, prediction: Prediction, clamp: bool) -> None:
    alpha_bar = cosine_alpha_bar(TOTAL)
    reference = scheduler(
        DDPMScheduler, alpha_bar, prediction, variance_type=name, clip_sample=clamp, timestep_spacing=spacing
    )
    reference.set_timesteps(20)
    timesteps = spaced_timesteps(TOTAL, 20, spacing)
    assert timesteps == reference.timesteps.tolist()
    sampler = partial(ddpm, variance=variance)
    same(ours(sampler, alpha_bar, prediction, timesteps, clamp), theirs(reference))


@pytest.mark.parametrize(("prediction", "clamp"), CASES)
@pytest.mark.parametrize(("spacing", "steps"), [("leading", 30), ("trailing", 20), ("linspace", TOTAL)])
@pytest.mark.parametrize("eta", [0.0, 0.6, 1.0])
def test_ddim(eta: float, spacing: str, steps: int, prediction: Prediction, clamp: bool) -> None:
    alpha_bar = cosine_alpha_bar(TOTAL)
    reference = scheduler(DDIMScheduler, alpha_bar, prediction, clip_sample=clamp, timestep_spacing=spacing)
    reference.set_timesteps(steps)
    timesteps = spaced_timesteps(TOTAL, steps, spacing)
    assert timesteps == reference.timesteps.tolist()
    # eps follows from the clamped estimate, as in guided-diffusion; diffusers does so by choice
    expected = theirs(reference, eta=eta, use_clipped_model_output=clamp)
    same(ours(partial(ddim, eta=eta), alpha_bar, prediction, timesteps, clamp), expected)


def solver(alpha_bar: np.ndarray, prediction: str, clamp: bool, **settings: object) -> Any:
    """DPM-Solver++; with a largest value of 1, its dynamic thresholding is the static clamp."""
    limits = {"thresholding": clamp, "sample_max_value": 1.0}
    return scheduler(DPMSolverMultistepScheduler, alpha_bar, prediction, **limits, **settings)


@pytest.mark.parametrize(("prediction", "clamp"), CASES)
@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("steps", [5, 20])
def test_dpm_solver_on_the_timesteps_of_diffusers(
    steps: int, spacing: str, prediction: Prediction, clamp: bool
) -> None:
    """Under leading and linspace its solver visits others than its DDIM, leaving 0 out; any can be visited."""
    alpha_bar = cosine_alpha_bar(TOTAL)
    reference = solver(alpha_bar, prediction, clamp, timestep_spacing=spacing)
    reference.set_timesteps(steps)
    timesteps = reference.timesteps.tolist()
    if spacing == "trailing":
        assert timesteps == spaced_timesteps(TOTAL, steps, spacing)
    same(ours(dpmpp_2m, alpha_bar, prediction, timesteps, clamp), theirs(reference))


@pytest.mark.parametrize(("prediction", "clamp"), CASES)
@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace", "quadratic"])
@pytest.mark.parametrize(("sampler", "order"), [(ddim, 1), (dpmpp_2m, 2)])
@pytest.mark.parametrize("steps", [7, 20])
def test_the_solver_of_each_order_on_our_timesteps(
    steps: int, sampler: Sampler, order: int, spacing: str, prediction: Prediction, clamp: bool
) -> None:
    """Of first order, the solver is DDIM."""
    alpha_bar, timesteps = cosine_alpha_bar(TOTAL), spaced_timesteps(TOTAL, steps, spacing)
    reference = solver(alpha_bar, prediction, clamp, solver_order=order)
    reference.set_timesteps(timesteps=timesteps)
    same(ours(sampler, alpha_bar, prediction, timesteps, clamp), theirs(reference))


@pytest.mark.parametrize("clamp", [True, False])
def test_eps_on_the_linear_schedule(clamp: bool) -> None:
    alpha_bar, timesteps = linear_alpha_bar(TOTAL), spaced_timesteps(TOTAL, 20, "trailing")
    reference = scheduler(DDIMScheduler, alpha_bar, "eps", clip_sample=clamp, timestep_spacing="trailing")
    reference.set_timesteps(20)
    expected = theirs(reference, use_clipped_model_output=clamp)
    made = ours(ddim, alpha_bar, "eps", timesteps, clamp)
    torch.testing.assert_close(made / made.abs().max(), expected / made.abs().max(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("prediction", ["x0", "v"])
def test_from_where_no_signal_is_left(prediction: Prediction) -> None:
    alpha_bar = zero_terminal_snr(linear_alpha_bar(TOTAL))
    reference = scheduler(DDIMScheduler, alpha_bar, prediction, clip_sample=False, timestep_spacing="trailing")
    reference.set_timesteps(20)
    made = ours(ddim, alpha_bar, prediction, spaced_timesteps(TOTAL, 20, "trailing"), clamp=False)
    same(made, theirs(reference))


@pytest.mark.parametrize("rescaled", [False, True])
@pytest.mark.parametrize("steps", [100, 250, 1000])
def test_the_schedules_are_those_of_diffusers(steps: int, rescaled: bool) -> None:
    """Theirs are in float32, where the last products lose their digits: absolute, not relative."""
    scale = 1000 / steps
    cosine, linear = (
        DDIMScheduler(num_train_timesteps=steps, rescale_betas_zero_snr=rescaled, **settings).alphas_cumprod.numpy()
        for settings in ({"beta_schedule": "squaredcos_cap_v2"}, {"beta_start": 1e-4 * scale, "beta_end": 0.02 * scale})
    )
    for made, reference in ((cosine_alpha_bar(steps), cosine), (linear_alpha_bar(steps), linear)):
        np.testing.assert_allclose(zero_terminal_snr(made) if rescaled else made, reference, atol=1e-6)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
def test_spacings_are_those_of_diffusers_for_every_number_of_steps(spacing: str) -> None:
    """But for linspace to one step, where theirs visits the cleanest; trailing can give it one too many by rounding."""
    reference = DDIMScheduler(num_train_timesteps=250, timestep_spacing=spacing)
    for steps in range(2, 251):
        reference.set_timesteps(steps)
        assert spaced_timesteps(250, steps, spacing) == reference.timesteps.tolist()[:steps]
