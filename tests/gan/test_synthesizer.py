import numpy as np
import pytest
import torch

from viseme.config import load_config
from viseme.errors import ConfigError
from viseme.families import build_network, build_synthesizer
from viseme.gan import synthesizer as module
from viseme.gan.synthesizer import GanSynthesizer
from viseme.nn.identity import Identity
from viseme.types import Conditioning, Synthesizer

PAPERS = ("model.identity=vector", "model.decoder=plain", "model.backbone=lite0", "model.noise_memory=1")

POSED = ("model.warp=true", "model.pose=true", "data.warmup=6")


def synthesizer(*overrides: str) -> GanSynthesizer:
    small = ["model.width=8", "model.max_width=16", "model.hidden=16", "audio.bands=4", "data.size=16"]
    config = load_config("tiny_gan", [*small, "data.warmup=3", "sampling.precision=32-true", *overrides])
    torch.manual_seed(0)
    network = build_network(config)
    for name, parameter in network.named_parameters():
        if "backbone" not in name:
            torch.nn.init.normal_(parameter, std=0.2)
    made = build_synthesizer(config, network)
    assert isinstance(made, GanSynthesizer)
    return made


def conditioning(model: GanSynthesizer, frames: int, seed: int = 0) -> Conditioning:
    rng = np.random.default_rng(seed)
    audio = rng.normal(0, 0.1, 640 * frames).astype(np.float32)
    return Conditioning(rng.integers(0, 256, (16, 16, 3), np.uint8), model.encode(audio, frames))


def rollout(model: GanSynthesizer, *conditionings: Conditioning, seed: int = 0) -> np.ndarray:
    return np.stack(list(model.synthesize(conditionings, torch.Generator().manual_seed(seed))))


@pytest.mark.parametrize("frames", [2, 8, 9, 20])
def test_it_yields_every_frame_but_the_first(frames: int) -> None:
    model = synthesizer()
    assert isinstance(model, Synthesizer)
    assert rollout(model, conditioning(model, frames), conditioning(model, 2, seed=1)).shape == (
        frames - 1,
        2,
        16,
        16,
        3,
    )


@pytest.mark.parametrize("switches", [(), ("model.warp=true", "model.noise_memory=0.9"), POSED, PAPERS])
@pytest.mark.parametrize("chunk", [1, 5, 100])
def test_chunks_of_any_size_leave_no_seam(
    monkeypatch: pytest.MonkeyPatch, switches: tuple[str, ...], chunk: int
) -> None:
    """The LSTM's state and the noise are carried over; a chunk of 100 is the whole rollout at once."""
    model = synthesizer(*switches)
    driven = conditioning(model, 21), conditioning(model, 13, seed=1)
    whole = rollout(model, *driven)
    monkeypatch.setattr(module, "CHUNK", chunk)
    assert np.abs(whole.astype(int) - rollout(model, *driven).astype(int)).max() <= 1


def test_frames_come_before_the_rest_is_heard() -> None:
    """A long clip's first frames cost what a short one's do, in arithmetic and memory."""
    model = synthesizer()
    longest = {}
    for frames in (40, 4000):
        drawn = []
        original = model.network.draw

        def draw(identity: Identity, states: torch.Tensor, pose: None, seen: list[int] = drawn) -> torch.Tensor:
            seen.append(states.shape[1])
            return original(identity, states, pose)  # noqa: B023

        model.network.draw = draw  # type: ignore[method-assign]
        stream = model.synthesize([conditioning(model, frames)], torch.Generator().manual_seed(0))
        for _ in range(9):
            next(stream)
        model.network.draw = original  # type: ignore[method-assign]
        longest[frames] = (sum(drawn), max(drawn))
    assert longest[40] == longest[4000]
    assert longest[40][1] <= module.CHUNK


def test_noise_that_is_one_vector_a_clip_still_differs_by_seed() -> None:
    model = synthesizer("model.noise_memory=1")
    driven = conditioning(model, 6)
    assert not np.array_equal(rollout(model, driven), rollout(model, driven, seed=1))


def test_the_same_seed_gives_the_same_frames_and_another_does_not() -> None:
    model = synthesizer()
    driven = conditioning(model, 6)
    assert np.array_equal(rollout(model, driven), rollout(model, driven))
    assert not np.array_equal(rollout(model, driven), rollout(model, driven, seed=1))


def test_sound_reaches_the_picture() -> None:
    model = synthesizer()
    driven = conditioning(model, 6)
    assert not np.array_equal(rollout(model, driven), rollout(model, driven.without("audio")))


def test_how_far_the_head_goes_can_be_chosen() -> None:
    """Twice the pose is another picture; none is the photo's, whatever is drawn."""
    still = [synthesizer(*POSED, f"sampling.pose={far}") for far in (0, 0, 1)]
    for model in still:
        torch.nn.init.zeros_(model.network.head.weight)
        torch.nn.init.zeros_(model.network.head.bias)
    driven = conditioning(still[0], 9)
    same, again, moved = (rollout(model, driven, seed=seed) for seed, model in enumerate(still))
    assert np.array_equal(same, again)
    assert np.abs(same[:, 0].astype(int) - driven.identity).max() <= 1
    assert np.abs(moved[-1, 0].astype(int) - driven.identity).max() > 20


@pytest.mark.parametrize("preset", ["talk_gan", "talk_ddpm"])
def test_articulation_is_what_the_sound_of_lips_is_multiplied_by(preset: str) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 640 * 5).astype(np.float32)

    def heard(*overrides: str) -> np.ndarray:
        config = load_config(preset, ["model.width=8"] * (preset == "talk_gan") + list(overrides))
        return build_synthesizer(config, build_network(config)).encode(sound, 5)

    once, twice = (heard(f"sampling.articulation={factor}") for factor in (1, 2))
    assert np.abs(once).max() > 0
    assert np.array_equal(twice, 2 * once)
    with pytest.raises(ConfigError, match="says nothing of them"):
        load_config("tiny_gan", ["sampling.articulation=1.5"])
