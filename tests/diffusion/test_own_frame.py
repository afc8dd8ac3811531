"""The network's own frame in training: made as a rollout makes it, without gradient, from the generator alone."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from viseme.config import load_config
from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.model import window_signals
from viseme.diffusion.objective import DdpmObjective
from viseme.diffusion.own_frame import evaluating, own_frame
from viseme.diffusion.synthesizer import DdpmSynthesizer
from viseme.families import build_objective
from viseme.nn.images import to_pixels, to_signed
from viseme.types import Batch, Conditioning

SMALL = (
    "model.base=16",
    "model.blocks=1",
    "model.multipliers=[1, 2]",
    "audio.bands=4",
    "audio.context=0",
    "data.size=16",
    "data.window=2",
    "training.precision=32-true",
    "training.warmup_steps=0",
    "sampling.precision=32-true",
    "motion.drop=0",
    "motion.noise=0",
)


def config(*overrides: str) -> DdpmConfig:
    made = load_config("tiny_ddpm", [*SMALL, *overrides])
    assert isinstance(made, DdpmConfig)
    return made


def ready(*overrides: str) -> DdpmObjective:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        objective = build_objective(config(*overrides))
        assert isinstance(objective, DdpmObjective)
        for parameter in objective.network.parameters():  # what begins as zero would hide what it is fed
            nn.init.normal_(parameter, std=0.1)
    objective.setup(Fabric(accelerator="cpu", devices=1))
    return objective


def batch(count: int = 8, frames: int = 1) -> Batch:
    rng = np.random.default_rng(0)

    def pictures(*shape: int) -> torch.Tensor:
        return to_signed(rng.integers(0, 256, (count, *shape, 16, 16, 3), np.uint8))

    return Batch(
        identity=pictures(),
        motion=pictures(frames).flatten(1, 2),
        frames=pictures(2),
        audio=torch.from_numpy(rng.normal(size=(count, 2, 16)).astype(np.float32)),
        landmarks=torch.from_numpy(rng.uniform(-1, 1, (count, 2, 68, 2)).astype(np.float32)),
        mouth=torch.from_numpy((rng.random((count, 2, 1, 16, 16)) > 0.8).astype(np.float32)),
        identity_landmarks=torch.zeros(count, 68, 2),
        landmarks_before=torch.zeros(count, 0, 68, 2),
    )


def seen(objective: DdpmObjective, given: Batch, monkeypatch: pytest.MonkeyPatch) -> list[tuple[torch.Tensor, ...]]:
    """x_t, timesteps, pictures and sound of every forward pass of one step, and whether it had a gradient."""
    passes: list[tuple[torch.Tensor, ...]] = []

    def watched(forward: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def run(x_t, steps, pictures, signals, *absent):
            passes.append((x_t, steps, pictures, signals["audio"], torch.tensor(torch.is_grad_enabled())))
            return forward(x_t, steps, pictures, signals, *absent)

        return run

    monkeypatch.setattr(objective.optimization, "forward", watched(objective.optimization.forward))
    objective.step(given, torch.Generator().manual_seed(3))
    return passes


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("grayscale", ["false", "true"])
def test_it_is_the_frame_that_a_rollout_makes_first(steps: int, grayscale: str) -> None:
    objective = ready(f"motion.own_steps={steps}", f"sampling.steps={steps}", f"motion.grayscale={grayscale}")
    given = batch(3)
    model = DdpmSynthesizer(objective.network, objective.config)
    drivers = [
        Conditioning(picture, sound[:2].numpy())
        for picture, sound in zip(to_pixels(given.identity), given.audio, strict=True)
    ]
    rolled = next(iter(model.synthesize(drivers, torch.Generator().manual_seed(5))))
    made = own_frame(
        objective.network,
        objective.config,
        objective.process,
        given.identity,
        given.identity,
        {"audio": given.audio[:, 1]},
        torch.randn(given.identity.shape, generator=torch.Generator().manual_seed(5)),
    )
    assert np.abs(to_pixels(made).astype(int) - rolled.astype(int)).max() <= 1
    assert to_pixels(made).std() > 5


def test_a_share_learns_from_its_own_frame_and_the_rest_from_the_true_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given = batch(64)
    (noise, noisiest, first, sound, recorded), (_, _, pictures, later, learned) = seen(
        ready("motion.own=0.5"), given, monkeypatch
    )
    assert not recorded
    assert learned
    assert noisiest.eq(249).all()
    assert abs(float(noise.std()) - 1) < 0.02
    assert torch.equal(first, torch.cat([given.identity, given.motion], dim=1))
    assert torch.equal(sound, given.audio[:, 0])
    assert torch.equal(later, given.audio[:, 1])
    assert torch.equal(pictures[:, :3], given.identity)
    true = (pictures[:, 3:] == given.frames[:, 0]).flatten(1).all(dim=1)
    assert 16 < int(true.sum()) < 48
    assert float(pictures.abs().max()) <= 1


def test_own_frames_follow_the_ones_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    given = batch(4, frames=3)
    passes = seen(ready("motion.own=1", "motion.own_steps=2", "data.motion_frames=3"), given, monkeypatch)
    assert [bool(recorded) for *_, recorded in passes] == [False, False, True]
    pictures = passes[-1][2]
    assert torch.equal(pictures[:, 3:9], given.motion[:, 3:])
    assert not (pictures[:, 9:] == given.frames[:, 0]).flatten(1).all(dim=1).any()


@pytest.mark.parametrize("field", ["frames", "mouth"])
def test_what_is_learned_is_the_second_frame(field: str) -> None:
    def loss(blank: int | None) -> float:
        given = batch()
        values = getattr(given, field).clone()
        if blank is not None:
            values[:, blank] = 0
        changed = replace(given, **{field: values})
        return float(ready("motion.own=1").step(changed, torch.Generator().manual_seed(0))["loss"])

    assert loss(None) == loss(0) != loss(1)


def test_landmarks_drive_the_frame_they_belong_to(monkeypatch: pytest.MonkeyPatch) -> None:
    objective, given = ready("motion.own=1", "model.landmarks=true"), batch()
    driven = [window_signals(objective.config, given, index)["landmarks"] for index in (0, 1)]
    assert torch.equal(torch.stack(driven, dim=1).reshape(given.landmarks.shape), given.landmarks)
    (_, _, first, *_), (_, _, pictures, *_) = seen(objective, given, monkeypatch)
    moved = replace(given, landmarks=given.landmarks * torch.tensor([-1.0, 1.0])[:, None, None])
    again = ready("motion.own=1", "model.landmarks=true")
    (_, _, same, *_), (_, _, other, *_) = seen(again, moved, monkeypatch)
    assert torch.equal(first, same)
    assert not torch.equal(pictures, other), "the first frame's landmarks reach the frame that is made"


def test_validation_is_the_same_with_and_without() -> None:
    told = [ready(f"motion.own={own}").validate(batch(), torch.Generator().manual_seed(0)) for own in (0, 1)]
    assert told[0] == told[1]


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_the_network_drops_nothing_out_while_it_makes_one_and_goes_on_as_before(dropout: float) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout(dropout))
    with evaluating(network):
        assert not network[1].training
    assert network[1].training
    network.eval()
    with pytest.raises(ZeroDivisionError), evaluating(network):
        raise ZeroDivisionError
    assert not network[1].training


def test_the_generator_decides_and_parts_of_a_step_agree() -> None:
    def told(parts: int, seed: int = 0) -> dict[str, torch.Tensor]:
        objective = ready("motion.own=0.5", "motion.own_steps=2", f"training.accumulate={parts}")
        return objective.step(batch(), torch.Generator().manual_seed(seed))

    whole = told(1)
    assert whole == told(1)
    assert whole["loss"] != told(1, seed=1)["loss"]
    for parts in (2, 4):
        divided = told(parts)
        for scalar in ("loss", "mse", "gradient_norm"):
            assert float(divided[scalar]) == pytest.approx(float(whole[scalar]), rel=1e-4)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_every_weight_still_has_a_gradient(precision: str) -> None:
    """Autocast keeps converted weights within a pass; those converted without a gradient must not serve the next."""
    objective = ready("motion.own=1", f"training.precision={precision}")
    objective.step(batch(), torch.Generator().manual_seed(0))
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in objective.network.parameters())
