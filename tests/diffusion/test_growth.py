from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from viseme.config import load_config
from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.growth import fitted, growth
from viseme.diffusion.model import as_prediction, build_network, build_process, build_unet
from viseme.diffusion.unet import UNet
from viseme.errors import ModelError
from viseme.families import begin_from
from viseme.files import sha256
from viseme.nn.weights import load_weights, save_model

SMALL = ("model.base=16", "model.blocks=1", "model.multipliers=[1, 2]", "audio.bands=4", "audio.context=0")
EPS = ("diffusion.prediction=eps", "diffusion.residual=false")


def config(*overrides: str) -> DdpmConfig:
    made = load_config("tiny_ddpm", [*SMALL, *overrides])
    assert isinstance(made, DdpmConfig)
    return made


def pair(patch: int, factor: int, *overrides: str) -> tuple[DdpmConfig, DdpmConfig]:
    """A configuration at 16 pixels, and the one that its weights grow into."""
    both = [
        config(f"model.patch={patch * times}", f"data.size={16 * times}", f"diffusion.shift={times}", *overrides)
        for times in (1, factor)
    ]
    return both[0], both[1]


def trained(config: DdpmConfig) -> UNet:
    """A network none of whose weights is zero, which would hide what it is fed."""
    torch.manual_seed(0)
    network = build_unet(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


def larger(network: UNet, small: DdpmConfig, large: DdpmConfig) -> UNet:
    made = build_unet(large).eval()
    load_weights(made, fitted(network.state_dict(), small, growth(small, large, "small"), "small"), "grown")
    return made


def pictures(channels: int, size: int, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn((2, channels, size, size), generator=rng)


def repeated(pictures: Tensor, factor: int) -> Tensor:
    return F.interpolate(pictures, scale_factor=factor, mode="nearest")


@pytest.mark.parametrize(("patch", "factor"), [(1, 2), (2, 2), (1, 4), (1, 3)])
@pytest.mark.parametrize(("overrides", "share"), [((), lambda _: 1), (EPS, lambda factor: 1 / factor)])
def test_the_grown_network_repeats_what_the_small_one_says_of_the_mean(patch, factor, overrides, share) -> None:
    small, large = pair(patch, factor, *overrides)
    network = trained(small)
    x, references = pictures(3, 16 * factor, 1), pictures(6, 16 * factor, 2)
    timesteps, signals = torch.tensor([3, 200]), {"audio": torch.ones(2, 16)}
    said = network(F.avg_pool2d(x, factor), timesteps, F.avg_pool2d(references, factor), signals)
    assert said.std() > 0.05
    made = larger(network, small, large)(x, timesteps, references, signals)
    torch.testing.assert_close(made, share(factor) * repeated(said, factor), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize(
    ("overrides", "detail"), [((), 1), (EPS, 1), (EPS, 2), (("diffusion.zero_terminal_snr=true",), 1)]
)
def test_the_grown_estimate_of_x0_is_the_small_ones_at_every_timestep(
    overrides: tuple[str, ...], detail: int, factor: int
) -> None:
    """Of one noisy frame and its mean, each network in its own process: the same estimate on the mean."""
    small, large = pair(1, factor, *overrides)
    large = large.model_copy(update={"diffusion": large.diffusion.model_copy(update={"detail": detail})})
    network = trained(small)
    grown = larger(network, small, large)
    x0, identity = pictures(3, 16 * factor, 1), pictures(3, 16 * factor, 2)
    eps = pictures(3, 16 * factor, 3)
    signals = {"audio": torch.ones(2, 16)}

    def estimate(config: DdpmConfig, network: UNet, x0: Tensor, eps: Tensor, identity: Tensor) -> Tensor:
        process = build_process(config)
        x_t = process.noised(x0, timesteps, eps)
        output = network(process.seen(x_t, timesteps), timesteps, torch.cat([identity] * 2, dim=1), signals)
        return process.x0(as_prediction(config, output, identity), x_t, timesteps)

    def mean(frames: Tensor) -> Tensor:
        return F.avg_pool2d(frames, factor)

    for step in (0, 60, 120, 200):
        timesteps = torch.full((2,), step)
        said = estimate(small, network, mean(x0), factor * mean(eps), mean(identity))
        made = estimate(large, grown, x0, eps, identity)
        torch.testing.assert_close(mean(made), said, rtol=1e-4, atol=2e-4)


def test_what_is_the_same_patch_serves_as_it_is_at_any_size() -> None:
    small, large = config("data.size=16"), config("data.size=32")
    weights = build_unet(small).state_dict()
    assert growth(small, large, "small") == 1
    assert all(value is weights[name] for name, value in fitted(weights, small, 1, "small").items())


@pytest.mark.parametrize(
    ("small", "large", "says"),
    [
        (("data.size=32",), ("model.patch=4", "data.size=32"), "model.patch=2 at data.size=32, and the run 4 at 32"),
        (("data.size=32",), ("model.patch=4", "data.size=128"), "and the run 4 at 128; multiply both"),
        (("data.size=32",), ("model.patch=3", "data.size=48"), "and the run 3 at 48"),
        (("data.size=64",), ("model.patch=1", "data.size=32"), "and the run 1 at 32"),
        (EPS, ("model.patch=4", "data.size=128", *EPS[1:]), "diffusion.prediction=eps; it cannot be grown with x0"),
        ((), ("model.patch=4", "data.size=128", EPS[1]), "diffusion.residual=True; it cannot be grown with False"),
        (
            ("diffusion.prediction=v", EPS[1]),
            ("diffusion.prediction=v", EPS[1], "model.patch=4", "data.size=128"),
            "predicts v, which cannot be grown; leave model.patch=2",
        ),
        (
            (*EPS, "diffusion.detail=2"),
            (*EPS, "model.patch=4", "data.size=128", "diffusion.detail=2"),
            "diffusion.detail=2, and the run 2; to be grown 2 times it must be 1 before",
        ),
        (EPS, (*EPS, "model.patch=4", "data.size=128", "diffusion.detail=4"), "and the run 4; to be grown 2 times"),
    ],
)
def test_what_cannot_be_grown_is_one_clear_line(small: tuple[str, ...], large: tuple[str, ...], says: str) -> None:
    with pytest.raises(ModelError) as caught:
        growth(config(*small), config(*large), "runs/small")
    line = str(caught.value)
    assert line.startswith("runs/small: ")
    assert says in line
    assert "\n" not in line


def test_weights_that_are_not_their_configurations_are_refused() -> None:
    small = config()
    weights = build_unet(config("model.base=32")).state_dict()
    with pytest.raises(ModelError, match=r"small: weights of another architecture: .* wanted"):
        fitted(weights, small, 2, "small")


def test_a_run_begins_from_a_file_grown_or_as_it_is(tmp_path: Path) -> None:
    small, path = config(), tmp_path / "small.safetensors"
    network = trained(small)
    save_model(path, network, small.model_dump(mode="json"), {}, torch.float16)
    for overrides, factor in ((("data.size=128",), 1), (("data.size=128", "model.patch=4"), 2)):
        large = config(*overrides)
        begun = build_unet(large)
        origin = begin_from(path, large, begun)
        assert (origin.name, origin.sha256, origin.growth) == ("small.safetensors", sha256(path), factor)
        own, before = begun.state_dict(), network.state_dict()
        torch.testing.assert_close(own["middle_in.conv_in.weight"], before["middle_in.conv_in.weight"].half().float())
        assert own["stem.weight"].shape[1] == factor**2 * before["stem.weight"].shape[1]


def test_a_regressor_beside_the_denoiser_is_carried_on_as_it_is(tmp_path: Path) -> None:
    driven = ("model.landmarks=true", "regressor.width=8")
    small, large = config(*driven), config(*driven, "data.size=128", "model.patch=4")
    path, network, begun = tmp_path / "small.safetensors", build_network(small), build_network(large)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    save_model(path, network, small.model_dump(mode="json"), {}, torch.float32)
    assert begin_from(path, large, begun).growth == 2
    own, before = begun.state_dict(), network.state_dict()
    changed = {name for name in own if own[name].shape != before[name].shape or not own[name].equal(before[name])}
    assert changed == {"unet.stem.weight", "unet.head.weight", "unet.head.bias"}


def test_another_architecture_or_family_is_refused_by_name(tmp_path: Path) -> None:
    small, path = config(), tmp_path / "small.safetensors"
    save_model(path, trained(small), small.model_dump(mode="json"), {}, torch.float16)
    for overrides in (("model.base=32",), ("model.base=32", "model.patch=4", "data.size=128")):
        large = config(*overrides)
        with pytest.raises(
            ModelError, match=r"architecture: embed_timestep.0.weight is .*, wanted .* differ"
        ) as caught:
            begin_from(path, large, build_unet(large))
        assert str(caught.value).count("wanted") == 3
        assert "\n" not in str(caught.value)
    gan = load_config("tiny_gan")
    with pytest.raises(ModelError, match="is a ddpm, and a gan cannot begin from it"):
        begin_from(path, gan, torch.nn.Identity())


def test_the_preset_is_the_papers_network_at_twice_the_size_on_the_same_trunk() -> None:
    before, after = load_config("ddpm_64"), load_config("finetune_64_to_128")
    assert isinstance(before, DdpmConfig)
    assert isinstance(after, DdpmConfig)
    assert growth(before, after, "ddpm_64") == 2
    assert after.model == before.model.model_copy(update={"patch": 2})
    assert after.diffusion == before.diffusion.model_copy(update={"shift": 2.0, "detail": 2})
    assert after.data == before.data.model_copy(update={"size": 128})
    assert (after.audio, after.loss, after.motion, after.sampling) == (
        before.audio,
        before.loss,
        before.motion,
        before.sampling,
    )
