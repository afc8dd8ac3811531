from dataclasses import replace

import pytest
import torch
from lightning_fabric import Fabric

from viseme.config import load_config
from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.objective import DdpmObjective
from viseme.families import build_objective
from viseme.types import Batch


def config(*overrides: str) -> DdpmConfig:
    small = ["model.base=16", "model.blocks=1", "model.multipliers=[1, 2]", "audio.bands=4", "audio.context=0"]
    made = load_config(
        "tiny_ddpm", [*small, "data.size=16", "training.precision=32-true", "training.warmup_steps=0", *overrides]
    )
    assert isinstance(made, DdpmConfig)
    return made


def batch(count: int = 8) -> Batch:
    rng = torch.Generator().manual_seed(0)

    def pictures(*shape: int) -> torch.Tensor:
        return torch.rand((count, *shape, 3, 16, 16), generator=rng) * 2 - 1

    return Batch(
        identity=pictures(),
        motion=pictures(),
        frames=pictures(1),
        audio=torch.rand((count, 1, 16), generator=rng),
        landmarks=torch.rand((count, 1, 68, 2), generator=torch.Generator().manual_seed(1)) * 2 - 1,
        mouth=(torch.rand((count, 1, 1, 16, 16), generator=rng) > 0.8).float(),
        identity_landmarks=torch.zeros(count, 68, 2),
        landmarks_before=torch.zeros(count, 0, 68, 2),
    )


def ready(*overrides: str) -> DdpmObjective:
    objective = build_objective(config(*overrides))
    assert isinstance(objective, DdpmObjective)
    objective.setup(Fabric(accelerator="cpu", devices=1))
    return objective


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("diffusion.residual=false",),
        ("diffusion.residual=false", "diffusion.prediction=eps"),
        ("model.landmarks=true",),
    ],
)
def test_it_learns_a_batch_by_heart(overrides: tuple[str, ...]) -> None:
    objective, same = ready("training.learning_rate=0.003", *overrides), batch()
    rng = torch.Generator()
    losses = [float(objective.step(same, rng.manual_seed(step % 4))["loss"]) for step in range(60)]
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])


def test_the_same_generator_gives_the_same_step() -> None:
    scalars = [ready().step(batch(), torch.Generator().manual_seed(3)) for _ in range(2)]
    for name, value in scalars[0].items():
        assert torch.equal(value, scalars[1][name])


def test_a_motion_frame_that_is_always_dropped_is_the_identity_frame() -> None:
    objective, given = ready("motion.drop=1.0"), batch()
    assert torch.equal(objective._disturbed(given.motion, given.identity, torch.Generator()), given.identity)


def test_a_motion_frame_that_is_never_touched_is_the_true_one() -> None:
    objective, given = ready("motion.drop=0.0", "motion.noise=0.0"), batch()
    assert torch.equal(objective._disturbed(given.motion, given.identity, torch.Generator()), given.motion)


def test_all_motion_frames_are_dropped_together() -> None:
    objective, given = ready("motion.drop=0.5", "motion.noise=0", "data.motion_frames=3"), batch(64)
    motion = torch.cat([given.motion, given.frames[:, 0], given.motion], dim=1)
    made = objective._disturbed(motion, given.identity, torch.Generator().manual_seed(0))
    kept = (made == motion).flatten(1).all(dim=1)
    assert 16 < int(kept.sum()) < 48
    assert torch.equal(made[~kept], given.identity.repeat(1, 3, 1, 1)[~kept])


def test_grey_motion_frames_teach_nothing_of_hue() -> None:
    given = batch()
    shift = torch.tensor([0.114, 0.0, -0.299])[None, :, None, None]  # another hue of the same luma
    losses = {}
    for grayscale in ("false", "true"):
        for motion in (given.motion, given.motion + shift):
            objective = ready("motion.drop=0", "motion.noise=0", f"motion.grayscale={grayscale}")
            torch.nn.init.normal_(objective.network.head.weight, generator=torch.Generator().manual_seed(0))
            torch.nn.init.normal_(objective.network.stem.weight, generator=torch.Generator().manual_seed(0))
            told = objective.validate(replace(given, motion=motion), torch.Generator().manual_seed(0))
            losses.setdefault(grayscale, []).append(float(told["loss"]))
    assert losses["true"][0] == pytest.approx(losses["true"][1], rel=1e-4)
    assert losses["false"][0] != pytest.approx(losses["false"][1], rel=1e-3)


def test_validation_changes_nothing() -> None:
    objective = ready()
    before = {name: value.clone() for name, value in objective.model.state_dict().items()}
    first = objective.validate(batch(), torch.Generator().manual_seed(0))
    again = objective.validate(batch(), torch.Generator().manual_seed(0))
    assert {name: float(value) for name, value in first.items()} == {n: float(v) for n, v in again.items()}
    torch.testing.assert_close(objective.model.state_dict(), before, rtol=0, atol=0)


DROPPED = ("model.landmarks=true", "conditioning.drop_audio=0.5", "conditioning.drop_landmarks=0.25")


def test_signals_are_dropped_as_often_as_told_and_one_regardless_of_the_other() -> None:
    objective = ready(*DROPPED)
    absent = objective._absent(8000, torch.Generator().manual_seed(0), torch.device("cpu"))
    audio, landmarks = absent["audio"].float(), absent["landmarks"].float()
    assert float(audio.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(landmarks.mean()) == pytest.approx(0.25, abs=0.03)
    assert float((audio * landmarks).mean()) == pytest.approx(0.125, abs=0.02)


def test_nothing_is_drawn_for_signals_that_are_never_dropped() -> None:
    rng = torch.Generator().manual_seed(0)
    before = rng.get_state()
    assert ready()._absent(8, rng, torch.device("cpu")) == {}
    assert torch.equal(rng.get_state(), before)


def test_in_training_alone_the_vector_of_an_absent_signal_is_learned() -> None:
    objective = ready(*DROPPED, "conditioning.drop_landmarks=0")
    before = objective.network.null["audio"].clone()
    with torch.no_grad():
        for block in objective.network.modules():
            if isinstance(block, torch.nn.Conv2d):
                torch.nn.init.normal_(block.weight, std=0.1)  # what begins as zero passes no gradient on
    seen = [objective.validate(batch(), torch.Generator().manual_seed(0))]
    objective.step(batch(), torch.Generator().manual_seed(0))
    assert not torch.equal(objective.network.null["audio"], before)
    with torch.no_grad():
        seen.append(objective.validate(batch(), torch.Generator().manual_seed(0)))
        objective.network.null["audio"].add_(100)
        seen.append(objective.validate(batch(), torch.Generator().manual_seed(0)))
    assert not torch.equal(seen[0]["loss"], seen[1]["loss"])
    assert torch.equal(seen[1]["loss"], seen[2]["loss"])


@pytest.mark.parametrize("fusion", ["film", "joint", "token"])
def test_it_learns_with_every_fusion_and_dropped_signals_by_heart(fusion: str) -> None:
    objective = ready("training.learning_rate=0.003", *DROPPED, f"model.fusion={fusion}")
    rng, same = torch.Generator(), batch()
    losses = [float(objective.step(same, rng.manual_seed(step % 4))["loss"]) for step in range(60)]
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])


def test_the_norm_of_the_predicted_noise_is_told_in_validation_alone() -> None:
    objective, rng = ready(), torch.Generator()
    told = objective.validate(batch(64), rng.manual_seed(0))
    assert {name for name in told if name.startswith("noise_ratio/")} == {
        "noise_ratio/early",
        "noise_ratio/middle",
        "noise_ratio/late",
    }
    # A new network says that the identity frame is x0: all that is wrong with that is taken for noise.
    assert float(told["noise_ratio/early"]) > float(told["noise_ratio/late"]) == pytest.approx(1, abs=0.2)
    assert not any(name.startswith("noise_ratio") for name in objective.step(batch(), rng.manual_seed(0)))


def test_the_lip_term_is_added_to_the_loss() -> None:
    def losses(*overrides: str) -> dict[str, float]:
        plain = ("loss.min_snr=0", "loss.snr_floor=0", "loss.l1=0")
        told = ready(*plain, *overrides).validate(batch(), torch.Generator().manual_seed(0))
        return {name: float(value) for name, value in told.items()}

    without, with_it = losses(), losses("loss.lip=0.2")
    assert with_it["lip"] == without["lip"]
    assert with_it["loss"] - without["loss"] == pytest.approx(0.2 * without["lip"], rel=0.1)
