import numpy as np
import pytest
import torch
from torch import nn

from viseme.config import load_config
from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.model import build_process
from viseme.diffusion.noise_ratio import by_thirds, noise_ratio, noise_ratios
from viseme.errors import InputError
from viseme.types import Batch


def config(prediction: str) -> DdpmConfig:
    residual = str(prediction == "x0").lower()
    made = load_config("tiny_ddpm", [f"diffusion.prediction={prediction}", f"diffusion.residual={residual}"])
    assert isinstance(made, DdpmConfig)
    return made


def batch(count: int = 4) -> Batch:
    rng = torch.Generator().manual_seed(0)
    frames = torch.rand((count, 1, 3, 8, 8), generator=rng) * 2 - 1
    identity = torch.rand((count, 3, 8, 8), generator=rng)
    audio = torch.zeros(count, 1, 5)
    points, mouth = torch.zeros(count, 1, 68, 2), torch.zeros(count, 1, 1, 8, 8)
    return Batch(identity, identity, frames, audio, points, mouth, points[:, 0], points[:, :0])


class Knowing(nn.Module):
    """Knows the frames, and says the noise in x_t times `gain`."""

    def __init__(self, fields: DdpmConfig, given: Batch, gain: float) -> None:
        super().__init__()
        self.fields, self.given, self.gain = fields, given, gain

    def forward(self, x_t, timesteps, pictures, signals):
        assert not self.training
        process, x0 = build_process(self.fields), self.given.frames[:, 0]
        alpha_bar = torch.from_numpy(process.alpha_bar).float()[timesteps][:, None, None, None]
        eps = self.gain * (x_t - alpha_bar.sqrt() * x0) / (1 - alpha_bar).sqrt()
        said = (x_t - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()  # the x0 that goes with that noise
        target = process.target(said, timesteps, eps)
        return target - self.given.identity if self.fields.diffusion.residual else target


@pytest.mark.parametrize("prediction", ["eps", "x0", "v"])
@pytest.mark.parametrize("gain", [1.0, 1.1])
def test_a_network_that_says_too_much_is_told_by_how_much(prediction: str, gain: float) -> None:
    fields, given, grid = config(prediction), batch(), [240, 0, 100]
    network = Knowing(fields, given, gain).train()
    rng = torch.Generator().manual_seed(1)
    found = noise_ratios(network, fields, build_process(fields), given, grid, rng)  # type: ignore[arg-type]
    assert found.timesteps.tolist() == grid
    np.testing.assert_allclose(found.mean, gain, rtol=1e-3)
    np.testing.assert_allclose(found.std, 0, atol=1e-3)
    assert network.training


def test_mean_and_spread_are_over_the_samples() -> None:
    fields, given = config("eps"), batch(2)

    class Louder(nn.Module):
        def forward(self, x_t, timesteps, pictures, signals):
            return x_t * torch.tensor([0.5, 1.5])[:, None, None, None]

    last = [249]  # where x_t is the noise
    rng = torch.Generator().manual_seed(1)
    found = noise_ratios(Louder(), fields, build_process(fields), given, last, rng)  # type: ignore[arg-type]
    np.testing.assert_allclose([found.mean[0], found.std[0]], [1.0, 0.5], rtol=1e-2)


@pytest.mark.parametrize("timestep", [-1, 250])
def test_a_timestep_that_there_is_not(timestep: int) -> None:
    fields = config("x0")
    with pytest.raises(InputError, match="choose 0 to 249"):
        noise_ratios(nn.Identity(), fields, build_process(fields), batch(), [timestep], torch.Generator())  # type: ignore[arg-type]


def test_the_ratio_is_of_each_samples_norms() -> None:
    eps = torch.randn(3, 3, 4, 4)
    gains = torch.tensor([0.5, 1.0, 2.0])
    torch.testing.assert_close(noise_ratio(-gains[:, None, None, None] * eps, eps), gains)


def test_a_third_without_samples_is_left_out() -> None:
    ratios, timesteps = torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([0, 3, 2, 8])
    found = by_thirds(ratios, timesteps, 9)
    assert {name: float(value) for name, value in found.items()} == {
        "noise_ratio/early": 2.5,
        "noise_ratio/middle": 2.0,
        "noise_ratio/late": 8.0,
    }
    assert set(by_thirds(ratios[:2], timesteps[:2], 9)) == {"noise_ratio/early", "noise_ratio/middle"}
