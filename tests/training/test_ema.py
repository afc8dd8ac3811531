import pytest
import torch
from torch import nn

from viseme.training.ema import Ema


def scalar(value: float) -> nn.Linear:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, value)
    return network


def test_the_decay_rises_to_what_was_asked_for() -> None:
    network = scalar(0.0)
    ema = Ema(network, decay=0.5)
    expected = 0.0
    nn.init.constant_(network.weight, 1.0)
    for update in range(8):
        ema.update()
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * 1.0
        assert ema.average.weight.item() == pytest.approx(expected, rel=1e-5)


def test_it_leaves_the_network_alone_and_carries_on_from_its_state() -> None:
    network = scalar(1.0)
    ema, other = Ema(network, 0.9), Ema(network, 0.9)
    nn.init.constant_(network.weight, 3.0)
    ema.update()
    assert network.weight.item() == 3.0
    other.load_state_dict(ema.state_dict())
    for each in (ema, other):
        each.update()
    assert torch.equal(ema.average.weight, other.average.weight)


def test_buffers_are_copied() -> None:
    network = nn.BatchNorm1d(2)
    ema = Ema(network, 0.9)
    network(torch.randn(8, 2))
    ema.update()
    assert torch.equal(ema.average.running_mean, network.running_mean)  # type: ignore[arg-type]
