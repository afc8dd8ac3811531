from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file

import viseme
from viseme.audio.features import encode_with_context
from viseme.config import load_config
from viseme.config.diffusion import DdpmConfig
from viseme.data.store import ClipRow, Store
from viseme.diffusion.objective import DdpmObjective
from viseme.diffusion.regression import (
    LandmarkRegressor,
    Regression,
    build_regressor,
    moved_by_sound,
    regression_loss,
)
from viseme.errors import ConfigError, InputError
from viseme.families import build_objective, build_synthesizer, count_parameters, count_regressor, load_synthesizer
from viseme.training.checkpoint import load_tree
from viseme.types import Batch

SMALL = (
    "model.base=16",
    "model.blocks=1",
    "model.multipliers=[1, 2]",
    "data.size=16",
    "regressor.width=32",
    "training.precision=32-true",
    "training.warmup_steps=0",
    "training.decay_steps=0",
    "sampling.steps=2",
    "sampling.precision=32-true",
)


def config(*overrides: str) -> DdpmConfig:
    made = load_config("tiny_ddpm_landmarks", [*SMALL, *overrides])
    assert isinstance(made, DdpmConfig)
    return made


def batch(audio: int, count: int = 4) -> Batch:
    rng = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.rand((count, *shape), generator=rng) * 2 - 1

    return Batch(
        identity=drawn(3, 16, 16),
        motion=drawn(3, 16, 16),
        frames=drawn(1, 3, 16, 16),
        audio=drawn(1, audio),
        landmarks=drawn(1, 68, 2),
        mouth=torch.ones(count, 1, 1, 16, 16),
        identity_landmarks=drawn(68, 2),
        landmarks_before=torch.zeros(count, 0, 68, 2),
    )


def ready(*overrides: str) -> DdpmObjective:
    objective = build_objective(config(*overrides))
    assert isinstance(objective, DdpmObjective)
    objective.setup(Fabric(accelerator="cpu", devices=1))
    return objective


def unlike_nothing(regressor: LandmarkRegressor) -> LandmarkRegressor:
    with torch.no_grad():
        for parameter in regressor.parameters():
            parameter.normal_(std=0.1, generator=torch.Generator().manual_seed(parameter.numel()))
    return regressor


def test_it_begins_as_a_face_that_stands_still() -> None:
    identity = np.random.default_rng(0).uniform(0, 64, (68, 2)).astype(np.float32)
    audio = np.random.default_rng(1).normal(size=(7, 20)).astype(np.float32)
    made = moved_by_sound(LandmarkRegressor(20, 16), audio, identity, 64)
    assert (made.shape, made.dtype) == ((7, 68, 2), np.float32)
    np.testing.assert_array_equal(made, np.repeat(identity[None], 7, axis=0))


@pytest.mark.parametrize("frames", [2, 3, 9])
def test_its_answer_is_smoothed_over_three_frames_from_the_identitys_own_points(frames: int) -> None:
    rng, regressor = np.random.default_rng(0), unlike_nothing(LandmarkRegressor(20, 16))
    identity = rng.uniform(0, 64, (68, 2)).astype(np.float32)
    audio = rng.normal(size=(frames, 20)).astype(np.float32)
    made = moved_by_sound(regressor, audio, identity, 64)
    signed = torch.from_numpy(identity / 32 - 1)[None].float()
    with torch.no_grad():
        moved = [regressor(torch.from_numpy(row)[None, None], signed)[0, 0].numpy() * 32 for row in audio]
    assert np.ptp(moved, axis=0).max() > 0.1
    np.testing.assert_array_equal(made[0], identity)
    for t in range(1, frames):
        mean = (moved[t - 1] + moved[t] + moved[min(t + 1, frames - 1)]) / 3
        np.testing.assert_allclose(made[t], identity + mean, atol=1e-4)


def test_the_mouth_weighs_more() -> None:
    target = torch.zeros(1, 1, 68, 2)
    mouth, brow = target.clone(), target.clone()
    mouth[..., 50, :] = 0.1
    brow[..., 20, :] = 0.1
    assert float(regression_loss(mouth, target, 4)) == pytest.approx(4 * float(regression_loss(brow, target, 4)))
    assert float(regression_loss(mouth, target, 1)) == pytest.approx(0.01 / 68)
    everywhere = torch.full_like(target, 0.1)
    assert float(regression_loss(everywhere, target, 4)) == pytest.approx(0.01)


def test_the_denoiser_learns_the_same_with_and_without_it() -> None:
    beside, alone = ready(), ready("regressor.width=0")
    given = batch(800)
    for step in range(2):
        scalars = beside.step(given, torch.Generator().manual_seed(step))
        without = alone.step(given, torch.Generator().manual_seed(step))
        assert scalars.keys() - without.keys() == {"landmark_loss", "landmark_still"}
        for name, value in without.items():
            assert torch.equal(scalars[name], value)
    for name, value in alone.model.state_dict().items():
        assert torch.equal(beside.network.state_dict()[name], value), name
    held_out = beside.validate(given, torch.Generator().manual_seed(0))
    told = {name for name in held_out if not name.startswith("noise_ratio/")}  # of its thirds
    assert told == {"loss", "mse", "lip", "landmark_loss", "landmark_still"}
    assert not held_out["landmark_loss"].requires_grad


def test_it_learns_a_batch_by_heart_whatever_the_denoiser_does() -> None:
    objective, given = ready("regressor.learning_rate=0.01", "training.learning_rate=1e-9"), batch(800)
    losses = [float(objective.step(given, torch.Generator().manual_seed(step))["landmark_loss"]) for step in range(25)]
    still = float(objective.validate(given, torch.Generator())["landmark_still"])
    assert losses[0] == pytest.approx(still)
    assert losses[-1] < 0.2 * still


def test_it_opens_the_mouth_of_an_unseen_actor_with_the_sound_better_than_standing_still(store: Path) -> None:
    settings, opened = config("regressor.width=64", "regressor.learning_rate=0.001"), Store.open(store)

    def clip(row: ClipRow) -> tuple[np.ndarray, np.ndarray]:
        heard = encode_with_context(opened.audio(row.clip_id), row.frames, settings.audio)
        return heard, opened.landmarks(row.clip_id)

    def whole(heard: np.ndarray, points: np.ndarray, at: int) -> Batch:
        signed, nothing = torch.from_numpy(points / np.float32(32) - 1)[None], torch.zeros(1, len(points), 1, 1, 1)
        audio = torch.from_numpy(heard)[None]
        return Batch(nothing[:, 0], nothing[:, 0], nothing, audio, signed, nothing, signed[:, at], signed[:, :0])

    torch.manual_seed(0)
    regressor = build_regressor(settings)
    assert regressor is not None
    learner = Regression(regressor, settings)
    learner.setup(Fabric(accelerator="cpu", devices=1))
    seen, rng = [clip(row) for split in ("train", "val") for row in opened.clips(split)], np.random.default_rng(0)
    for step in range(300):
        heard, points = seen[step % len(seen)]
        learner.step(whole(heard, points, int(rng.integers(len(points)))))

    def opening(points: np.ndarray) -> np.ndarray:
        return points[..., 66, 1] - points[..., 62, 1]

    for heard, points in map(clip, opened.clips("test")):
        made, true = opening(moved_by_sound(regressor, heard, points[0], 64))[1:], opening(points)[1:]
        assert np.corrcoef(made, true)[0, 1] > 0.7
        assert (made - true).std() < 0.75 * true.std()  # what is left where the mouth stands still


def trained(store: Path, run: Path, steps: int, **kwargs: Any) -> Path:
    settings = [*SMALL, f"training.steps={steps}", "training.batch_size=2", "training.rollout_frames=4"]
    viseme.train("tiny_ddpm_landmarks", store, run, overrides=settings, **kwargs)
    return run


def test_it_is_averaged_kept_and_carried_on_with_the_denoiser(store: Path, tmp_path: Path) -> None:
    with torch.random.fork_rng():
        whole = trained(store, tmp_path / "whole", 4)
        cut = trained(store, tmp_path / "cut", 2)
        trained(store, cut, 4, resume=True)
    weights = [load_file(run / "model.safetensors") for run in (whole, cut)]
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        assert torch.equal(weights[1][name], value), name
    head = "regressor.layers.4.weight"
    learned = load_tree(whole / "checkpoints" / "step-000004.safetensors")[0]["objective"]["regressor_model"]
    assert weights[0][head].any()
    assert not torch.equal(weights[0][head], learned["layers.4.weight"])
    model = load_synthesizer(whole)
    assert model.has_regressor  # type: ignore[union-attr]
    assert {name.removeprefix("unet.") for name in weights[0] if name.startswith("unet.")} == set(
        model.network.state_dict()  # type: ignore[union-attr]
    )


def test_a_model_without_one_says_so() -> None:
    without = config("regressor.width=0")
    model = build_synthesizer(without, build_objective(without).model)
    assert not model.has_regressor  # type: ignore[union-attr]
    with pytest.raises(InputError, match="has no regressor that moves landmarks; give them with --landmarks"):
        model.landmarks_from_sound(np.zeros((2, 800), np.float32), np.zeros((68, 2), np.float32))  # type: ignore[union-attr]


def test_it_is_counted_apart() -> None:
    made = config()
    assert count_regressor(config("regressor.width=0")) == count_regressor(load_config("tiny_gan")) == 0
    assert count_parameters(made) == count_parameters(config("regressor.width=0"))
    layers = [(800 + 136 + 1) * 32, 33 * 32, 33 * 136]
    assert count_regressor(made) == sum(layers)
    both = sum(parameter.numel() for parameter in build_objective(made).model.parameters())
    assert both == count_parameters(made) + sum(layers)


def test_nothing_is_moved_where_nothing_is_driven() -> None:
    with pytest.raises(ConfigError, match=r"regressor\.width=32 moves landmarks, and model\.landmarks is false"):
        load_config("tiny_ddpm", ["regressor.width=32"])
