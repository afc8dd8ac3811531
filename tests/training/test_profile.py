from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

import viseme
from viseme.config.sections import TrainingConfig
from viseme.nn.optim import Optimization
from viseme.training.profile import PARTS, Clock

SMALL = (
    "training.batch_size=2",
    "training.precision=32-true",
    "model.width=4",
    "model.max_width=8",
    "model.hidden=8",
    "discriminator.width=4",
    "loss.adversary_from=0",
)


def test_time_goes_where_it_was_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def spend(seconds: float) -> None:
        now[0] += seconds

    class Slow(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            spend(2.0)
            return super().forward(x)

    monkeypatch.setattr("viseme.training.profile.time.perf_counter", lambda: now[0])
    fabric, clock, network = Fabric(accelerator="cpu", devices=1), Clock(torch.device("cpu")), Slow(1, 1)
    optimization = Optimization(network, TrainingConfig())
    optimization.setup(fabric)
    optimization.optimizer.register_step_pre_hook(lambda *_: spend(0.5))
    with clock.watching(fabric, [network]):
        loss = optimization.forward(torch.ones(1, 1)).sum()
        spend(7.0)
        loss.register_hook(lambda _: spend(3.0))
        optimization.step(loss)
    assert clock.parts == {"forward": 2.0, "backward": 3.0, "optimizer": 0.5}
    optimization.step(optimization.forward(torch.ones(1, 1)).sum())
    assert sum(clock.parts.values()) == 5.5, "it watches no longer"


def test_a_profile_adds_up_and_leaves_nothing(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng():
        found = viseme.profile("tiny_gan", store, overrides=SMALL)
    assert tuple(found.shares) == PARTS
    assert sum(found.shares.values()) == pytest.approx(1)
    assert min(found.shares.values()) >= 0
    assert found.frames == pytest.approx(2 * 3 / found.seconds)
    assert 0 < found.operations / found.seconds < 2 * found.peak
    assert not found.tried
    assert list(tmp_path.iterdir()) == []
    parts, whole = found.tables()
    assert [row[0] for row in parts[1]] == list(PARTS)
    assert "GFLOP/s" in dict((row[0], row[1]) for row in whole[1])  # noqa: C402


def test_operations_are_those_of_the_layers(store: Path) -> None:
    """Twice the batch takes twice the operations."""
    with torch.random.fork_rng():
        one, two = (
            viseme.profile("tiny_gan", store, overrides=[*SMALL, f"training.batch_size={size}"]).operations
            for size in (1, 2)
        )
    assert two == pytest.approx(2 * one, rel=0.01)
