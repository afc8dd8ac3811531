"""The paper's base model at its full size, on a processor: about 6 GB of memory and a minute of one core."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from viseme.config import load_config
from viseme.diffusion.objective import DdpmObjective
from viseme.families import build_objective, build_synthesizer
from viseme.types import Batch, Conditioning

WIDTH = 5 * 256


@pytest.mark.slow
def test_ddpm_64_takes_a_training_step_and_samples_in_four() -> None:
    config = load_config("ddpm_64", ["training.precision=32-true", "sampling.steps=4"])
    objective, rng = build_objective(config), torch.Generator().manual_seed(0)
    assert isinstance(objective, DdpmObjective)
    assert sum(parameter.numel() for parameter in objective.model.parameters()) == 294_172_419
    objective.setup(Fabric(accelerator="cpu", devices=1))

    def pictures(*shape: int) -> torch.Tensor:
        return torch.rand((1, *shape, 3, 64, 64), generator=rng) * 2 - 1

    batch = Batch(
        identity=pictures(),
        motion=pictures(),
        frames=pictures(1),
        audio=torch.rand((1, 1, WIDTH), generator=rng),
        landmarks=torch.zeros(1, 1, 68, 2),
        mouth=torch.ones(1, 1, 1, 64, 64),
        identity_landmarks=torch.zeros(1, 68, 2),
        landmarks_before=torch.zeros(1, 0, 68, 2),
    )
    head = objective.network.head.weight
    assert not head.any()  # begins as zero, and so does every prediction
    scalars = objective.step(batch, rng)
    assert float(scalars["mse"]) == pytest.approx(1.0, abs=0.05)  # of eps against zero
    assert float(scalars["loss"]) == pytest.approx(1.2 * float(scalars["mse"]), rel=1e-4)
    assert float(scalars["gradient_norm"]) > 0
    assert head.any()

    identity = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    model = build_synthesizer(config, objective.model)
    made = list(model.synthesize([Conditioning(identity, np.zeros((2, WIDTH), np.float32))], rng))
    assert [frame.shape for frame in made] == [(1, 64, 64, 3)]
    assert made[0].std() > 0
