"""The perceptual terms: against evaluation's own numbers, by hand, and in both families' training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from skimage import data
from torch import Tensor, nn
from torchvision.models import alexnet

from viseme.config import load_config
from viseme.config.gan import GanLossConfig
from viseme.config.sections import PerceptualLossConfig
from viseme.data.align import resize_points
from viseme.data.faces import default_backend
from viseme.data.track import SCORED_SIZE
from viseme.diffusion.objective import DdpmObjective
from viseme.errors import ConfigError, InputError
from viseme.evaluation.features import describe
from viseme.evaluation.identity import cosine
from viseme.families import build_objective
from viseme.gan.objective import GanObjective
from viseme.nn.face_descriptor import face_descriptor
from viseme.nn.images import to_signed
from viseme.nn.perception import SEEN_SIZE, IdentityDistance, Perception
from viseme.types import Batch

BOTH = PerceptualLossConfig(lpips=0.5, identity=2.0)
TINY = {
    "ddpm": ("model.base=16", "model.blocks=1", "model.multipliers=[1, 2]"),
    "gan": ("model.width=8", "model.max_width=16", "model.hidden=16", "discriminator.width=4", "data.warmup=1"),
}
SMALL = ("audio.bands=4", "audio.context=0", "data.size=32", "training.precision=32-true", "training.warmup_steps=0")


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with random weights of AlexNet under the published name."""
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in alexnet().state_dict().items() if name.startswith("features")}
    rng = torch.Generator().manual_seed(0)
    state = {name: torch.randn(s, generator=rng) * (2 / s[1:].numel()) ** 0.5 for name, s in shapes.items()}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "viseme" / "weights" / "alexnet-owt-7be5be79.pth"
    place.parent.mkdir(parents=True)
    torch.save(state, place)
    return place


@pytest.fixture(scope="module")
def identity() -> IdentityDistance:
    return IdentityDistance(face_descriptor())


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A portrait as uint8 `[64,64,3]`, the same changed, and its landmarks `[68,2]` in pixels."""
    large = np.ascontiguousarray(data.astronaut()[:256, 96:352])
    backend = default_backend()
    points = backend.landmarks(large, backend.detect(large)[0])
    picture = cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA)
    return picture, cv2.GaussianBlur(picture, (0, 0), 1.5), resize_points(points, 256, 64)


def unit(points: np.ndarray, size: int) -> Tensor:
    """Landmarks as batches hold them."""
    return torch.from_numpy(points / np.float32(size) * 2 - 1).float()


def test_identity_is_one_less_the_cosine_that_evaluation_takes(
    identity: IdentityDistance, faces: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    picture, blurred, points = faces
    assert SEEN_SIZE == SCORED_SIZE
    theirs = describe(np.stack([blurred, picture]), np.stack([points, points]), default_backend())
    expected = 1 - float(cosine(theirs[0], theirs[1]))
    found = identity(*to_signed(np.stack([blurred, picture])[:, None]), unit(points, 64)[None])
    assert found.shape == (1,)
    assert expected > 0.01
    assert float(found) == pytest.approx(expected, rel=0.02)


def test_a_face_is_at_no_distance_from_itself_and_descent_brings_it_back(
    identity: IdentityDistance, faces: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    picture, blurred, points = faces
    truth, landmarks = to_signed(picture)[None], unit(points, 64)[None]
    assert float(identity(truth, truth, landmarks)) == pytest.approx(0, abs=1e-6)
    made = to_signed(blurred)[None].requires_grad_()
    optimizer = torch.optim.Adam([made], lr=0.01)
    distances = []
    for _ in range(6):
        optimizer.zero_grad()
        distance = identity(made, truth, landmarks).sum()
        distance.backward()
        optimizer.step()
        distances.append(distance.item())
    assert distances[-1] < 0.6 * distances[0]


def test_a_picture_that_is_large_enough_is_seen_as_it_is(identity: IdentityDistance) -> None:
    rng = torch.Generator().manual_seed(0)
    pair = torch.rand((2, 1, 3, 256, 256), generator=rng) * 2 - 1
    points = torch.rand((1, 68, 2), generator=rng) - 0.5
    small = nn.functional.avg_pool2d(pair.flatten(0, 1), 2).unflatten(0, (2, 1))
    again = nn.functional.interpolate(small.flatten(0, 1), scale_factor=2, mode="bicubic").clamp(-1, 1)
    moved = points + 1 / 256  # a pixel's centre x lies at 2 x + 1/2 among twice as many
    torch.testing.assert_close(
        identity(*small, points), identity(*again.unflatten(0, (2, 1)), moved), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("shape", [(1, 3, 64, 32), (2, 3, 64, 64), (3, 64, 64)])
def test_other_shapes_are_refused(identity: IdentityDistance, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"two square pictures \[N,3,S,S\]"):
        identity(torch.zeros(shape), torch.zeros(1, 3, 64, 64), torch.rand(1, 68, 2))


class Fixed(nn.Module):
    """Distances that are the pictures' first numbers."""

    def forward(self, a: Tensor, b: Tensor, *_landmarks: Tensor) -> Tensor:
        return (a - b)[:, 0, 0, 0]


def test_terms_are_means_of_each_distance_by_its_share() -> None:
    perception = Perception(PerceptualLossConfig())
    perception.weights = {"lpips": 0.5, "identity": 2.0, "detail": 0.0}
    perception.lpips = perception.identity = Fixed()  # type: ignore[assignment]
    made, truth = torch.zeros(2, 3, 32, 32), torch.zeros(2, 3, 32, 32)
    made[:, 0, 0, 0] = torch.tensor([1.0, 3.0])
    share = torch.tensor([1.0, 0.1])
    assert perception.terms(made, truth, made)["lpips"].item() == pytest.approx(2)
    terms = perception.terms(made, truth, made, share)
    assert {name: term.item() for name, term in terms.items()} == pytest.approx({"lpips": 0.65, "identity": 0.65})
    assert float(perception.weighed(terms)) == pytest.approx(0.5 * 0.65 + 2 * 0.65)


def test_without_a_weight_no_network_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    perception = Perception(GanLossConfig())
    assert not perception
    assert perception.lpips is perception.identity is None
    assert perception.terms(*torch.zeros(3, 1, 3, 32, 32)) == {}
    loss = torch.tensor(0.1234567)
    assert torch.equal(loss + perception.weighed({}), loss)
    only = Perception(PerceptualLossConfig(identity=1))  # AlexNet is not here, and not asked for
    assert only
    assert only.lpips is None


def test_weights_that_are_not_here_are_told_with_the_way_on_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"run `viseme weights lpips-alexnet`, or do without: --set loss\.lpips=0$"):
        build_objective(load_config("tiny_ddpm", ["loss.lpips=1"]))
    monkeypatch.setattr("viseme.weights.here", lambda _name: None)
    with pytest.raises(InputError, match=r"pip install .*, or do without: --set loss\.identity=0$"):
        build_objective(load_config("tiny_gan", ["loss.identity=1"]))


@pytest.mark.parametrize("preset", ["tiny_gan", "tiny_ddpm"])
def test_pictures_too_small_for_lpips_are_refused_by_the_configuration(preset: str) -> None:
    with pytest.raises(
        ConfigError, match=r"data\.size=16 is too small for loss\.lpips, which needs 31 pixels"
    ) as error:
        load_config(preset, ["data.size=16", "loss.lpips=0.1"])
    assert "\n" not in str(error.value)
    load_config(preset, ["data.size=16", "loss.identity=0.1"])


def ready(kind: str, *overrides: str) -> DdpmObjective | GanObjective:
    window = "data.window=2" if kind == "gan" else "data.window=1"
    objective = build_objective(load_config(f"tiny_{kind}", [*SMALL, *TINY[kind], window, *overrides]))
    assert isinstance(objective, DdpmObjective | GanObjective)
    objective.setup(Fabric(accelerator="cpu", devices=1))
    return objective


def batch(kind: str, faces: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Batch:
    """Two windows of the portrait at 32 pixels, one of them darker, whose identity frames are blurred and grayish."""
    length, warmup = (2, 1) if kind == "gan" else (1, 0)
    portrait, blurred = nn.functional.avg_pool2d(to_signed(np.stack(faces[:2])), 2)[:, None]
    frames = torch.stack([portrait, 0.5 * portrait - 0.5]).expand(2, length, 3, 32, 32)
    identity = torch.cat([0.6 * blurred, 0.3 * blurred - 0.4])
    return Batch(
        identity=identity,
        motion=identity,
        frames=frames,
        audio=torch.rand((2, warmup + length, 16), generator=torch.Generator().manual_seed(0)),
        landmarks=unit(faces[2], 64).expand(2, length, 68, 2),
        mouth=torch.zeros(2, length, 1, 32, 32),
        identity_landmarks=unit(faces[2], 64).expand(2, 68, 2),
        landmarks_before=unit(faces[2], 64).expand(2, warmup, 68, 2),
    )


@pytest.mark.parametrize("kind", ["ddpm", "gan"])
def test_both_families_train_with_both(
    kind: str, weights: Path, faces: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    given = batch(kind, faces)
    objective, plain = ready(kind, "loss.lpips=0.5", "loss.identity=2"), ready(kind)
    assert objective.state().keys() == plain.state().keys()
    assert objective.model.state_dict().keys() == plain.model.state_dict().keys()
    drawn = torch.get_rng_state()
    for step in range(2):
        scalars = objective.step(given, torch.Generator().manual_seed(step))
        without = plain.step(given, torch.Generator().manual_seed(step))
        assert scalars.keys() == without.keys() | {"lpips", "identity"}
        assert all(bool(value.isfinite()) and not value.requires_grad for value in scalars.values())
        if step == 0:  # the same networks, the same noise
            added = 0.5 * scalars["lpips"] + 2 * scalars["identity"]
            assert added > 1e-4
            whole = "generator" if kind == "gan" else "loss"  # all that is lowered
            torch.testing.assert_close(scalars[whole] - without[whole], added, rtol=1e-3, atol=1e-5)
    assert torch.equal(torch.get_rng_state(), drawn)
    own = dict(plain.model.named_parameters())
    assert any(not torch.equal(value, own[name]) for name, value in objective.model.named_parameters())
    held_out = objective.validate(given, torch.Generator().manual_seed(0))
    assert {"lpips", "identity"} < held_out.keys()
    # random networks at a distance that a true frame has not
    assert held_out["identity"] > 1e-4


@pytest.mark.parametrize("kind", ["ddpm", "gan"])
def test_the_perceptual_terms_alone_train_the_network(
    kind: str, weights: Path, faces: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    objective, given = (
        ready(kind, "loss.lpips=1", "loss.identity=1", "training.learning_rate=0.002"),
        batch(kind, faces),
    )
    optimization, rng = objective.optimization, torch.Generator()
    distances = []
    for _ in range(10):
        made = seen(objective, given, rng.manual_seed(3))
        optimization.step(made["lpips"] + made["identity"])
        distances.append((made["lpips"] + made["identity"]).item())
    assert distances[-1] < 0.9 * distances[0]


def seen(objective: DdpmObjective | GanObjective, given: Batch, rng: torch.Generator) -> dict[str, Tensor]:
    """The terms of one step, with their gradient."""
    if isinstance(objective, GanObjective):
        return objective._seen(given, objective._made(objective._drawn(given, rng, joined=False)).frames)
    return objective._loss(given, rng, train=False)


def test_noisy_timesteps_count_by_alpha_bar(weights: Path, faces: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    objective, given = ready("ddpm", "loss.lpips=1"), batch("ddpm", faces)
    assert isinstance(objective, DdpmObjective)
    whole = objective.validate(given, torch.Generator().manual_seed(1))
    assert objective.perception.lpips is not None
    objective.perception.lpips = Ones()  # type: ignore[assignment]
    timesteps = torch.randint(objective.config.diffusion.steps, (2,), generator=torch.Generator().manual_seed(1))
    alpha_bar = objective.process.alpha_bar[timesteps.numpy()].mean()
    found = objective.validate(given, torch.Generator().manual_seed(1))
    assert float(found["lpips"]) == pytest.approx(alpha_bar, rel=1e-5)
    assert float(found["loss"]) - float(found["lpips"]) == pytest.approx(
        float(whole["loss"]) - float(whole["lpips"]), rel=1e-4
    )


class Ones(nn.Module):
    """A distance of 1."""

    def forward(self, a: Tensor, _b: Tensor) -> Tensor:
        return a.new_ones(len(a))


def test_a_perfect_generator_pays_nothing(weights: Path, faces: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    objective, given = ready("gan", "loss.lpips=1", "loss.identity=1"), batch("gan", faces)
    assert isinstance(objective, GanObjective)
    terms = objective._seen(given, given.frames)
    assert {name: float(term) for name, term in terms.items()} == pytest.approx({"lpips": 0, "identity": 0}, abs=1e-6)
    turned = replace(given, frames=given.frames.flip(0))
    assert all(float(term) > 1e-3 for term in objective._seen(turned, given.frames).values())
