"""A denoiser that is told how the head is held: what it sees of it, how it learns it, and what a rollout draws."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

import viseme
from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.model import UNetWithCompanions, held, window_signals
from viseme.diffusion.objective import DdpmObjective
from viseme.diffusion.synthesizer import DdpmSynthesizer
from viseme.errors import ConfigError
from viseme.families import build_network, build_objective, build_synthesizer, load_synthesizer
from viseme.types import Batch, Conditioning

from .test_objective import batch, config

POSED = ("model.pose=true", "data.warmup=6", "motion.drop=1.0", "sampling.motion=identity", "sampling.steps=2")


def posed_batch(count: int = 8) -> Batch:
    """Windows whose faces wander: each landmark of the warm-up and the window is the photo's, shifted."""
    rng = torch.Generator().manual_seed(2)
    face = torch.rand((count, 68, 2), generator=rng) - 0.5
    shifts = 0.1 * torch.randn((count, 7, 1, 2), generator=rng)
    points = face[:, None] + shifts
    return replace(
        batch(count),
        audio=torch.rand((count, 7, 16), generator=rng),
        landmarks=points[:, 6:],
        landmarks_before=points[:, :6],
        identity_landmarks=face,
    )


def model(*overrides: str) -> DdpmSynthesizer:
    """One that predicts its residual as zero, as all do before they learn; its prior wanders."""
    made = config(*POSED, "sampling.precision=32-true", *overrides)
    torch.manual_seed(0)
    return built(made)


def built(made: DdpmConfig) -> DdpmSynthesizer:
    found = build_synthesizer(made, build_network(made))
    assert isinstance(found, DdpmSynthesizer)
    return found


def rollout(synthesizer: DdpmSynthesizer, frames: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(0)
    audio = synthesizer.encode(rng.normal(0, 0.1, 640 * frames).astype(np.float32), frames)
    driven = Conditioning(rng.integers(0, 256, (16, 16, 3), np.uint8), audio)
    return np.stack(list(synthesizer.synthesize([driven], torch.Generator().manual_seed(seed))))[:, 0]


def test_the_photo_as_it_is_held_moves_in_the_middle_and_stays_at_sides_and_bottom() -> None:
    photo = torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    still, right = torch.zeros(1, 5), torch.zeros(1, 5)
    right[0, 1] = 2 / 16 / 0.05  # two pixels of 32
    torch.testing.assert_close(held(photo, {"pose": still}), photo, atol=1e-5, rtol=0)
    moved = held(photo, {"pose": right})
    torch.testing.assert_close(moved[..., 4:20, 10:24], photo[..., 4:20, 8:22], atol=1e-4, rtol=0)
    torch.testing.assert_close(moved[..., -1, :], photo[..., -1, :], atol=0.15, rtol=0)
    assert held(photo, {"audio": right}) is photo


def test_it_is_told_the_pose_of_the_frame_that_it_finds() -> None:
    given = posed_batch()
    told = window_signals(config(*POSED), given)["pose"]
    shift = (given.landmarks - given.identity_landmarks[:, None])[:, 0, 0] / 0.05
    torch.testing.assert_close(told[:, 1:3], shift, atol=1e-3, rtol=0)


def test_denoiser_and_prior_learn_and_are_kept() -> None:
    objective = build_objective(config(*POSED, "training.learning_rate=0.003"))
    assert isinstance(objective, DdpmObjective)
    objective.setup(Fabric(accelerator="cpu", devices=1))
    same, rng = posed_batch(), torch.Generator()
    told = [objective.step(same, rng.manual_seed(step % 4)) for step in range(40)]
    assert float(told[-1]["pose"]) < float(told[0]["pose"]) - 0.2
    assert float(told[-1]["loss"]) < 0.8 * float(told[0]["loss"])
    assert "pose" in objective.validate(same, rng.manual_seed(0))
    assert {"model", "prior_model", "prior_optimizer", "prior_schedule"} <= set(objective.state())
    assert isinstance(objective.model, UNetWithCompanions)


def test_a_rollout_moves_the_head_as_far_as_it_is_asked_to() -> None:
    moved, again, other = rollout(model()), rollout(model()), rollout(model(), seed=1)
    assert np.array_equal(moved, again)
    assert not np.array_equal(moved, other)
    assert np.ptp(moved.astype(int), axis=0).max() > 20
    assert np.ptp(rollout(model("sampling.pose=0")).astype(int), axis=0).max() == 0


def test_frames_made_together_are_those_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = rollout(model())
    monkeypatch.setattr("viseme.diffusion.synthesizer.TOGETHER", 1)
    assert np.abs(at_once.astype(int) - rollout(model()).astype(int)).max() <= 1


def test_pose_and_landmarks_may_drive_it_side_by_side() -> None:
    both = build_network(config(*POSED, "model.landmarks=true", "regressor.width=8"))
    assert isinstance(both, UNetWithCompanions)
    assert both.regressor is not None
    assert both.prior is not None


def test_a_run_with_a_pose_is_trained_kept_and_rolled_out(store: Path, tmp_path: Path) -> None:
    small = ["model.base=32", "model.blocks=1", "training.steps=2", "training.batch_size=2"]
    viseme.train("tiny_ddpm", store, tmp_path, overrides=[*POSED, *small, "training.validation_batches=1"])
    found = load_synthesizer(tmp_path)
    assert isinstance(found, DdpmSynthesizer)
    assert found.prior is not None


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (("model.pose=true",), "data.warmup"),
        ((*POSED, "motion.own=0.5", "data.window=2"), "model.pose"),
    ],
)
def test_windows_that_tell_no_pose_are_refused(overrides: tuple[str, ...], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        config(*overrides)
