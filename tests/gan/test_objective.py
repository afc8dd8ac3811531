from collections.abc import Mapping
from typing import Literal

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


def ready(*overrides: str, precision: Literal["32-true", "bf16-mixed"] = "32-true") -> GanObjective:
    config = load_config("tiny_gan", [*SMALL, *overrides])
    assert isinstance(config, GanConfig)
    objective = build_objective(config)
    assert isinstance(objective, GanObjective)
    objective.setup(Fabric(accelerator="cpu", devices=1, precision=precision))
    return objective


def batch(count: int = 4, audio: int = 4) -> Batch:
    rng = torch.Generator().manual_seed(0)
    return Batch(
        identity=torch.rand((count, 3, 16, 16), generator=rng) * 2 - 1,
        motion=torch.rand((count, 3, 16, 16), generator=rng) * 2 - 1,
        frames=torch.rand((count, 3, 3, 16, 16), generator=rng) * 2 - 1,
        audio=torch.rand((count, audio, 16), generator=rng),
        landmarks=torch.zeros(count, 3, 68, 2),
        mouth=(torch.rand((count, 3, 1, 16, 16), generator=rng) > 0.8).float(),
        identity_landmarks=torch.zeros(count, 68, 2),
        landmarks_before=torch.zeros(count, audio - 3, 68, 2),
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


SWITCHES = (
    "loss.adversary_from=0",
    "loss.kind=hinge",
    "loss.r1=1",
    "discriminator.steps=2",
    "discriminator.spectral_norm=true",
    "discriminator.augment=1",
    "discriminator.mouth=true",
    "model.warp=true",
    "model.noise_memory=0.9",
)


def copied(objective: GanObjective) -> dict[str, dict[str, torch.Tensor]]:
    parts = {name: part.state_dict() for name, part in objective.state().items() if name.endswith("model")}
    return {name: {key: value.clone() for key, value in state.items()} for name, state in parts.items()}


def apart(one: Mapping[str, Mapping[str, torch.Tensor]], other: Mapping[str, Mapping[str, torch.Tensor]]) -> float:
    return max(float((one[part][key] - value).abs().max()) for part in one for key, value in other[part].items())


@pytest.mark.parametrize("switch", ["", *SWITCHES, "training.accumulate=2"])
def test_each_switch_changes_what_is_learned_and_all_stays_finite(switch: str) -> None:
    """By itself; the first and the last change nothing, or no more than rounding."""
    plain, switched = ready("loss.adversary_from=0"), ready("loss.adversary_from=0", *filter(None, [switch]))
    for seed in range(2):
        for objective in (plain, switched):
            scalars = objective.step(batch(), torch.Generator().manual_seed(seed))
            assert all(bool(value.isfinite()) for value in scalars.values())
    weights = copied(switched)
    if switch.split("=")[0] in ("discriminator.spectral_norm", "discriminator.mouth", "model.warp"):
        assert (
            weights["model"].keys() != copied(plain)["model"].keys()
            or (weights["adversary_model"].keys() != copied(plain)["adversary_model"].keys())
            or weights["model"]["head.weight"].shape[0] == 5
        )
        return
    same = switch in ("", "loss.adversary_from=0", "training.accumulate=2")
    assert (apart(weights, copied(plain)) < 1e-4) == same


POSED = (*SWITCHES, "model.pose=true", "data.warmup=6")


def test_with_all_switches_parts_change_no_more_than_rounding() -> None:
    """Noise, looks, power iterations and the penalty are of the step, not of its parts."""
    whole, parts = ready(*POSED), ready(*POSED, "training.accumulate=2")
    for seed in range(3):
        told = [one.step(batch(audio=9), torch.Generator().manual_seed(seed)) for one in (whole, parts)]
        for name, value in told[0].items():
            if name not in ("lip", "snr"):
                torch.testing.assert_close(value, told[1][name], rtol=1e-3, atol=1e-4)
    assert apart(copied(whole), copied(parts)) < 1e-4


def test_with_all_switches_the_same_seed_gives_the_same_weights() -> None:
    one, other = ready(*POSED), ready(*POSED)
    for objective in (one, other):
        objective.step(batch(audio=9), torch.Generator().manual_seed(0))
    assert apart(copied(one), copied(other)) == 0


def test_the_prior_of_the_pose_learns_beside_and_is_pulled_by_nothing_else() -> None:
    """With no pixel term and no adversary, it alone learns; with a loss of its own it falls."""
    fields = ("model.warp=true", "model.pose=true", "data.warmup=6", "loss.pixel=0", "training.learning_rate=0.01")
    objective, given = ready(*fields), batch(audio=9)
    before = copied(objective)["model"]
    told = [float(objective.step(given, torch.Generator().manual_seed(0))["pose"]) for _ in range(20)]
    changed = {name for name, value in copied(objective)["model"].items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("prior.") for name in changed)
    assert told[-1] < told[0]
    assert "pose" in objective.validate(given, torch.Generator())


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_r1_goes_through_fabric_s_backward_and_flattens_the_discriminator(
    precision: Literal["32-true", "bf16-mixed"],
) -> None:
    slope = {}
    for r1 in (0.0, 10.0):
        objective = ready(
            f"loss.r1={max(r1, 1e-9)}",
            "discriminator.learning_rate=0.003",
            "loss.adversary_from=0",
            precision=precision,
        )
        for seed in range(40):
            scalars = objective.step(batch(), torch.Generator().manual_seed(seed))
        slope[r1] = float(scalars["r1"])
    assert 0 < slope[10.0] < 0.2 * slope[0.0]


def test_r1_under_bf16_is_that_of_float32() -> None:
    told = [ready("loss.r1=1", "loss.adversary_from=0", precision=p) for p in ("32-true", "bf16-mixed")]  # type: ignore[arg-type]
    one, other = (float(objective.step(batch(), torch.Generator())["r1"]) for objective in told)
    assert one == pytest.approx(other, rel=0.02)


def test_r1_is_taken_at_one_of_so_many_steps() -> None:
    objective = ready("loss.r1=1", "loss.r1_every=3", "loss.adversary_from=0")
    told = ["r1" in objective.step(batch(), torch.Generator()) for _ in range(7)]
    assert told == [True, False, False, True, False, False, True]


def test_several_steps_of_the_discriminator_share_the_schedule_of_one() -> None:
    fields = ("training.decay_steps=4", "training.steps=4", "loss.adversary_from=0")
    once, twice = ready(*fields), ready(*fields, "discriminator.steps=2")
    for seed in range(3):
        for objective in (once, twice):
            objective.step(batch(), torch.Generator().manual_seed(seed))
    rates = [one.adversary.optimization.optimizer.param_groups[0]["lr"] for one in (once, twice)]
    assert rates[0] == pytest.approx(rates[1])


def test_training_and_validation_tell_the_same_curves() -> None:
    """Those of Figs. 4 to 6: generator, discriminator, pixel loss, SNR; and the balance."""
    objective = ready("loss.adversary_from=0", "loss.adversarial=0.5", "loss.pixel=10", "loss.mouth_weight=1")
    trained = objective.step(batch(), torch.Generator().manual_seed(0))
    validated = objective.validate(batch(), torch.Generator().manual_seed(0))
    curves = {"generator", "discriminator", "pixel", "snr", "adversarial", "real_right", "fake_right"}
    assert curves <= trained.keys() & validated.keys()
    assert {"gradient_norm", "discriminator_gradient_norm"} <= trained.keys()
    for told in (trained, validated):
        assert float(told["generator"]) == pytest.approx(0.5 * float(told["adversarial"]) + 10 * float(told["pixel"]))


def test_a_pretrained_backbone_comes_with_its_weights_and_stays_as_it_is() -> None:
    objective = ready("model.backbone=lite0", "model.identity=vector", "loss.adversary_from=0")
    backbone = objective.network.identity.backbone
    assert backbone is not None
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    objective.network.train()
    objective.step(batch(), torch.Generator())
    torch.testing.assert_close(backbone.state_dict(), before, rtol=0, atol=0)
    other = type(backbone)(backbone.network, 1280, "efficientnet-lite0", (0.5,) * 3, (0.5,) * 3)
    other.take_pretrained()
    torch.testing.assert_close(other.network.state_dict(), {k[8:]: v for k, v in before.items()}, rtol=0, atol=0)


def test_a_tuned_backbone_learns() -> None:
    objective = ready("model.backbone=lite0", "model.backbone_tuned=true", "loss.adversary_from=0")
    torch.nn.init.normal_(objective.network.head.weight, std=0.1)
    before = objective.network.state_dict()["identity.backbone.network._conv_stem.weight"].clone()
    objective.step(batch(), torch.Generator())
    after = objective.network.state_dict()["identity.backbone.network._conv_stem.weight"]
    assert not torch.equal(after, before)
