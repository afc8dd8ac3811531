import itertools
import math

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from viseme.config.sections import TrainingConfig
from viseme.nn.optim import Optimization, Told, learning_rate_factor


def test_the_learning_rate_rises_holds_and_falls() -> None:
    training = TrainingConfig(steps=100, warmup_steps=10, decay_steps=40)
    factors = [learning_rate_factor(step, training) for step in range(100)]
    assert factors[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert set(factors[9:60]) == {1.0}
    assert factors[80] == pytest.approx(0.5 + 0.5 * math.cos(math.pi / 2))
    assert all(later < earlier for earlier, later in itertools.pairwise(factors[60:]))


def test_the_papers_learning_rate_is_constant() -> None:
    assert {learning_rate_factor(step, TrainingConfig(steps=50)) for step in range(50)} == {1.0}


def test_a_step_clips_the_gradient_and_says_its_norm() -> None:
    network = nn.Linear(2, 1, bias=False)
    optimization = Optimization(network, TrainingConfig(learning_rate=0.1, clip_norm=1.0))
    optimization.setup(Fabric(accelerator="cpu", devices=1))
    norm = optimization.step(1000 * optimization.forward(torch.ones(1, 2)).sum())
    assert float(norm) == pytest.approx(1000 * math.sqrt(2), rel=1e-4)
    assert network.weight.grad is not None
    assert float(network.weight.grad.norm()) == pytest.approx(1.0, rel=1e-3)


def test_its_state_carries_on_exactly() -> None:
    def fresh() -> Optimization:
        torch.manual_seed(0)
        made = Optimization(nn.Linear(3, 2), TrainingConfig(learning_rate=0.1, steps=9, decay_steps=6))
        made.setup(Fabric(accelerator="cpu", devices=1))
        return made

    def learn(optimization: Optimization, steps: range) -> None:
        for step in steps:
            x = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
            optimization.step(optimization.forward(x).square().mean())

    whole, first, second = fresh(), fresh(), fresh()
    learn(whole, range(8))
    learn(first, range(5))
    for name, part in second.state().items():
        part.load_state_dict(first.state()[name].state_dict())
    learn(second, range(5, 8))
    torch.testing.assert_close(second.network.state_dict(), whole.network.state_dict(), rtol=0, atol=0)


def test_parts_of_a_batch_step_as_the_batch_does() -> None:
    def learned(parts: int) -> tuple[torch.Tensor, torch.Tensor]:
        torch.manual_seed(0)
        made = Optimization(nn.Linear(3, 2), TrainingConfig(learning_rate=0.1))
        made.setup(Fabric(accelerator="cpu", devices=1))
        x = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
        norm = made.minimise(lambda part: made.forward(part).square().mean(), x.chunk(parts))
        return norm, made.network.weight.detach()

    with torch.random.fork_rng():
        whole = learned(1)
        for parts in (2, 4, 8):
            torch.testing.assert_close(learned(parts), whole)


def test_a_frozen_network_passes_gradients_on_and_takes_none() -> None:
    optimization = Optimization(nn.Linear(3, 1), TrainingConfig())
    optimization.setup(Fabric(accelerator="cpu", devices=1))
    x = torch.ones(1, 3, requires_grad=True)
    with optimization.frozen():
        out = optimization.forward(x)
    out.sum().backward()
    assert torch.equal(x.grad, optimization.network.weight)  # type: ignore[arg-type]
    assert optimization.network.weight.grad is None
    assert optimization.network.weight.requires_grad


def test_means_of_parts_hold_no_graph() -> None:
    told, weight = Told(), torch.ones(1, requires_grad=True)
    for factor in (1.0, 3.0):
        scalars = {"loss": (factor * weight).sum()}
        assert told(scalars) is scalars
    assert told.means() == {"loss": torch.tensor(2.0)}
    assert not told.means()["loss"].requires_grad
