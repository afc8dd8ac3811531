import pytest
import torch
from lightning_fabric import Fabric

from viseme.config import load_config
from viseme.config.gan import GanConfig
from viseme.families import build_objective
from viseme.gan.objective import GanObjective
from viseme.types import Batch

SMALL = (
    "model.width=8",
    "model.max_width=16",
    "model.hidden=16",
    "model.noise=2",
    "discriminator.width=4",
    "audio.bands=4",
    "audio.context=0",
    "data.size=16",
    "data.window=3",
    "data.warmup=1",
    "training.precision=32-true",
    "training.warmup_steps=0",
)


def ready(*overrides: str) -> GanObjective:
    config = load_config("tiny_gan", [*SMALL, *overrides])
    assert isinstance(config, GanConfig)
    objective = build_objective(config)
    assert isinstance(objective, GanObjective)
    objective.setup(Fabric(accelerator="cpu", devices=1))
    return objective


def batch(count: int = 4) -> Batch:
    rng = torch.Generator().manual_seed(0)
    return Batch(
        identity=torch.rand((count, 3, 16, 16), generator=rng) * 2 - 1,
        motion=torch.rand((count, 3, 16, 16), generator=rng) * 2 - 1,
        frames=torch.rand((count, 3, 3, 16, 16), generator=rng) * 2 - 1,
        audio=torch.rand((count, 4, 16), generator=rng),
        landmarks=torch.zeros(count, 3, 68, 2),
        mouth=(torch.rand((count, 3, 1, 16, 16), generator=rng) > 0.8).float(),
        identity_landmarks=torch.zeros(count, 68, 2),
    )


@pytest.mark.parametrize("identity", ["skip", "vector"])
def test_it_learns_a_batch_by_heart(identity: str) -> None:
    objective = ready(f"model.identity={identity}", "training.learning_rate=0.003", "loss.adversarial=0")
    same, rng = batch(), torch.Generator()
    pixels = [float(objective.step(same, rng.manual_seed(0))["pixel"]) for _ in range(60)]
    assert pixels[-1] < 0.75 * pixels[0]


def test_the_adversary_joins_when_told() -> None:
    objective, rng = ready("loss.adversary_from=2"), torch.Generator().manual_seed(0)
    scalars = [objective.step(batch(), rng) for _ in range(3)]
    assert ["discriminator" in step for step in scalars] == [False, False, True]


def test_the_adversary_learns_to_tell_true_from_made() -> None:
    objective = ready("loss.adversary_from=0", "discriminator.learning_rate=0.003", "training.learning_rate=1.0e-9")
    rng, same = torch.Generator(), batch()
    for _ in range(60):
        scalars = objective.step(same, rng.manual_seed(0))
    assert float(scalars["real_right"]) == 1
    assert float(scalars["fake_right"]) == 1
    assert float(scalars["discriminator"]) < 0.5


def test_the_generator_is_pulled_by_the_adversary() -> None:
    """With no pixel term, only what the discriminator says can move it."""
    objective = ready("loss.adversary_from=0", "loss.pixel=0", "training.learning_rate=0.001")
    before = objective.network.head.weight.clone()
    objective.step(batch(), torch.Generator().manual_seed(0))
    assert not torch.equal(objective.network.head.weight, before)


def test_its_state_names_both_networks_and_both_optimizers() -> None:
    names = {"model", "optimizer", "schedule", "adversary_model", "adversary_optimizer", "adversary_schedule"}
    assert set(ready().state()) == names


def test_validation_changes_nothing() -> None:
    objective = ready()
    before = {
        name: {k: v.clone() for k, v in part.state_dict().items()}
        for name, part in objective.state().items()
        if name.endswith("model")
    }
    objective.validate(batch(), torch.Generator().manual_seed(0))
    for name, weights in before.items():
        torch.testing.assert_close(objective.state()[name].state_dict(), weights, rtol=0, atol=0)
