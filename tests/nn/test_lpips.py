from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch
import torchmetrics.functional.image.lpips as reference
from torch import Tensor, nn
from torchvision.models import alexnet, squeezenet1_1

from viseme.errors import InputError
from viseme.nn.lpips import SMALLEST, Lpips, lpips
from viseme.weights import located


def pictures(height: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Three pairs `[3,3,H,W]` in [-1, 1], the second of each near the first."""
    rng = torch.Generator().manual_seed(seed)
    a = 2 * torch.rand((3, 3, height, width), generator=rng) - 1
    return a, (a + 0.3 * torch.randn(a.shape, generator=rng)).clamp(-1, 1)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Random weights of AlexNet's layers below the classifier, under the names of the published file."""
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in alexnet().state_dict().items() if name.startswith("features")}
    rng = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(shape, generator=rng) * (0.1 if len(shape) == 1 else (2 / shape[1:].numel()) ** 0.5)
        for name, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def backbone(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "alexnet-owt-7be5be79.pth"
    torch.save({**state, "classifier.6.bias": torch.zeros(1000)}, path)
    return path


@pytest.fixture(scope="module")
def network(backbone: Path) -> Lpips:
    return lpips(backbone)


@pytest.fixture
def theirs(state: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch) -> functools.partial[Tensor]:
    """torchmetrics' LPIPS on the same backbone, with the heads inside torchmetrics."""

    def features(*_args: object, **_more: object) -> nn.Sequential:
        with torch.device("meta"):
            whole = alexnet()
        whole.load_state_dict(state, strict=False, assign=True)
        return whole.features

    monkeypatch.setattr(reference, "_get_tv_model_features", features)
    return functools.partial(reference.learned_perceptual_image_patch_similarity, reduction="none")


@pytest.mark.parametrize(("height", "width"), [(SMALLEST, SMALLEST), (64, 64), (50, 95)])
def test_distances_are_torchmetrics(network: Lpips, theirs: functools.partial[Tensor], height: int, width: int) -> None:
    a, b = pictures(height, width)
    expected = theirs(a, b)
    found = network(a, b)
    assert found.shape == (3,)
    assert expected.min() > 0.01  # else anything would agree
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_gradients_are_torchmetrics(network: Lpips, theirs: functools.partial[Tensor]) -> None:
    gradients = []
    for distance in (network, theirs):
        pair = [picture.requires_grad_() for picture in pictures(48, 40)]
        gradients.append(torch.autograd.grad(distance(*pair).sum(), pair))
    for ours, expected in zip(*gradients, strict=True):
        assert expected.abs().max() > 1e-5
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


def test_a_distance_worked_out_by_hand() -> None:
    # A layer that undoes the scaling, so that each pixel is its own features: red and green lie at right angles.
    layer, head = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 1, 1, bias=False)
    network = Lpips(nn.Sequential(layer, nn.ReLU()), nn.ModuleList([head]))
    layer.weight.copy_(torch.diag(network.scale.flatten())[..., None, None])
    layer.bias.copy_(network.shift.flatten())
    head.weight.copy_(torch.tensor([0.5, 0.25, 4.0]).view(1, 3, 1, 1))
    red, green, half = (-torch.ones(1, 3, 32, 32) for _ in range(3))
    red[:, 0] = green[:, 1] = 0.8
    half[:, 1, :16] = half[:, 0, 16:] = 0.2  # green above, red below; how bright does not matter
    assert network(red, green).item() == pytest.approx(0.75, abs=1e-5)
    assert network(red, half).item() == pytest.approx(0.375, abs=1e-5)
    assert network(red, red).item() == 0


def test_a_picture_is_at_no_distance_from_itself_and_the_gradient_is_finite(network: Lpips) -> None:
    a = pictures(40, 40)[0].requires_grad_()
    distance = network(a, a.detach())
    assert distance.tolist() == [0, 0, 0]
    (gradient,) = torch.autograd.grad(distance.sum(), a)
    assert gradient.abs().max() == 0
    # where no channel answers, a length of 0 has no direction
    silent = Lpips(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), nn.ModuleList([nn.Conv2d(4, 1, 1, bias=False)]))
    silent.features[0].bias.fill_(-100)
    distance = silent(a, -a.detach())
    assert distance.tolist() == [0, 0, 0]
    (gradient,) = torch.autograd.grad(distance.sum(), a)
    assert gradient.isfinite().all()


def test_it_does_not_train(network: Lpips) -> None:
    a, b = pictures(40, 40)
    found = network(a, b)
    assert not found.requires_grad
    assert not network.training
    assert not any(weights.requires_grad or weights.is_meta for weights in network.parameters())
    assert torch.equal(network.train()(a, b), found)
    network.eval()
    torch.testing.assert_close(network(b, a), found)


def test_descent_brings_a_picture_nearer(network: Lpips) -> None:
    a, b = pictures(40, 40)
    a.requires_grad_()
    optimizer = torch.optim.Adam([a], lr=0.01)
    distances = []
    for _ in range(8):
        optimizer.zero_grad()
        distance = network(a, b).mean()
        distance.backward()
        optimizer.step()
        distances.append(distance.item())
    assert distances[-1] < 0.8 * distances[0]


@pytest.mark.parametrize("sides", [(SMALLEST - 1, 64), (64, SMALLEST - 1)])
def test_pictures_too_small_are_refused(network: Lpips, sides: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=f"31 x 31 pixels or more, not {sides[0]} x {sides[1]}; enlarge") as error:
        network(*pictures(*sides))
    assert "\n" not in str(error.value)
    with pytest.raises(RuntimeError):  # and AlexNet itself could not see them
        network.features(pictures(*sides)[0])


@pytest.mark.parametrize(
    "shapes", [((1, 3, 40, 40), (2, 3, 40, 40)), ((1, 1, 40, 40), (1, 1, 40, 40)), ((3, 40, 40), (3, 40, 40))]
)
def test_other_shapes_are_refused(network: Lpips, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(InputError, match=r"two pictures \[N,3,H,W\]"):
        network(*(torch.zeros(shape) for shape in shapes))


def test_the_published_file_is_found_in_the_cache(
    backbone: Path, network: Lpips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match="run `viseme weights lpips-alexnet`"):
        lpips()
    place = tmp_path / "viseme" / "weights" / backbone.name
    place.parent.mkdir(parents=True)
    place.symlink_to(backbone)
    drawn = torch.get_rng_state()
    again = lpips()
    assert torch.equal(torch.get_rng_state(), drawn)
    pair = pictures(32, 32)
    assert torch.equal(again(*pair), network(*pair))


@pytest.mark.parametrize("change", ["missing", "unknown", "shape", "integers", "squeezenet", "heads"])
def test_a_backbone_of_another_network_is_refused(state: dict[str, Tensor], tmp_path: Path, change: str) -> None:
    given: dict[str, Tensor] = dict(state)
    if change == "missing":
        del given["features.10.bias"]
    elif change == "unknown":
        given["features.12.bias"] = torch.zeros(3)
    elif change == "shape":
        given["features.0.weight"] = torch.zeros(64, 3, 3, 3)
    elif change == "integers":
        given["features.0.bias"] = torch.zeros(64, dtype=torch.int64)
    elif change == "squeezenet":
        given = squeezenet1_1().state_dict()
    else:
        given = torch.load(located("lpips-heads"), map_location="cpu", weights_only=True)
    torch.save(given, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth: holds .* another network .*; give alexnet-owt") as error:
        lpips(tmp_path / "other.pth")
    assert "\n" not in str(error.value)


def test_heads_of_another_network_or_damaged_are_refused(backbone: Path, tmp_path: Path) -> None:
    for_vgg = located("lpips-heads").with_name("vgg.pth")
    with pytest.raises(InputError, match=r"vgg\.pth: holds .* another network .*; give alex\.pth"):
        lpips(backbone, for_vgg)
    (tmp_path / "alex.pth").write_bytes(located("lpips-heads").read_bytes()[:3000])
    with pytest.raises(InputError, match="is no whole file of plain tensors"):
        lpips(backbone, tmp_path / "alex.pth")
    with pytest.raises(InputError, match=r"no such file; give alex\.pth"):
        lpips(backbone, tmp_path / "none.pth")
