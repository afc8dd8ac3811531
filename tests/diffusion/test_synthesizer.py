from dataclasses import replace

import numpy as np
import pytest
import torch

from viseme.config import load_config
from viseme.diffusion.synthesizer import DdpmSynthesizer
from viseme.errors import ConfigError, InputError
from viseme.families import build_network, build_synthesizer
from viseme.types import Conditioning, Synthesizer


def synthesizer(*overrides: str) -> DdpmSynthesizer:
    small = ["model.base=16", "model.blocks=1", "model.multipliers=[1, 2]", "audio.bands=4", "data.size=16"]
    config = load_config("tiny_ddpm", [*small, "sampling.steps=3", "sampling.precision=32-true", *overrides])
    torch.manual_seed(0)
    network = build_network(config)
    for name, parameter in network.named_parameters():  # tokens are few, and looked at in few places
        torch.nn.init.normal_(parameter, std=1.0 if "fusion" in name or ".attend." in name else 0.1)
    made = build_synthesizer(config, network)
    assert isinstance(made, DdpmSynthesizer)
    return made


def conditioning(model: DdpmSynthesizer, frames: int, seed: int = 0) -> Conditioning:
    rng = np.random.default_rng(seed)
    audio = rng.normal(0, 0.1, 640 * frames).astype(np.float32)
    return Conditioning(rng.integers(0, 256, (16, 16, 3), np.uint8), model.encode(audio, frames))


def rollout(model: DdpmSynthesizer, *conditionings: Conditioning, seed: int = 0) -> np.ndarray:
    return np.stack(list(model.synthesize(conditionings, torch.Generator().manual_seed(seed))))


def test_it_yields_every_frame_but_the_first() -> None:
    model = synthesizer()
    assert isinstance(model, Synthesizer)
    frames = rollout(model, conditioning(model, 5), conditioning(model, 3, seed=1))
    assert frames.shape == (4, 2, 16, 16, 3)
    assert frames.dtype == np.uint8


def test_the_same_seed_gives_the_same_frames_and_another_does_not() -> None:
    model = synthesizer()
    driven = conditioning(model, 4)
    assert np.array_equal(rollout(model, driven), rollout(model, driven))
    assert not np.array_equal(rollout(model, driven), rollout(model, driven, seed=1))


def test_frames_of_a_clip_do_not_depend_on_a_shorter_neighbour() -> None:
    """The noise of a batch is drawn at once, so the first clip's is the same alone and in company."""
    model = synthesizer()
    first, second = conditioning(model, 5), conditioning(model, 3, seed=1)
    alone, both = rollout(model, first), rollout(model, first, second)
    assert np.abs(alone[:, 0].astype(int) - both[:, 0].astype(int)).max() <= 1


def test_sound_reaches_the_picture() -> None:
    model = synthesizer()
    driven = conditioning(model, 4)
    assert not np.array_equal(rollout(model, driven), rollout(model, driven.without("audio")))


def test_the_frame_before_reaches_the_picture_unless_told_not_to() -> None:
    for motion, reaches in (("previous", True), ("identity", False)):
        model = synthesizer(f"sampling.motion={motion}")
        driven = conditioning(model, 4)
        louder = driven.audio.copy()
        louder[1] += 50
        changed = rollout(model, Conditioning(driven.identity, louder))
        assert np.array_equal(changed[2], rollout(model, driven)[2]) is not reaches


@pytest.mark.parametrize("noise", ["shared", "fresh"])
def test_frames_made_together_are_those_made_one_by_one(noise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = synthesizer("sampling.motion=identity", f"sampling.noise={noise}")
    driven = conditioning(model, 12), conditioning(model, 9, seed=1)
    at_once = rollout(model, *driven)
    monkeypatch.setattr("viseme.diffusion.synthesizer.TOGETHER", 1)
    assert np.abs(rollout(model, *driven).astype(int) - at_once.astype(int)).max() <= 1


def test_a_landmark_model_without_landmarks_is_one_clear_line() -> None:
    model = synthesizer("model.landmarks=true")
    with pytest.raises(InputError, match="give --landmarks"):
        rollout(model, conditioning(model, 3))


def test_landmarks_reach_the_picture() -> None:
    model = synthesizer("model.landmarks=true")
    driven = conditioning(model, 3)
    points = np.random.default_rng(0).uniform(0, 16, (3, 68, 2)).astype(np.float32)
    made = [rollout(model, Conditioning(driven.identity, driven.audio, p)) for p in (points, points + 3)]
    assert not np.array_equal(*made)


def lurch(frames: int, at: int, *overrides: str) -> list[int]:
    """Which frames change where the sound of frame `at` does; each row of audio drives one frame."""
    model = synthesizer("sampling.motion=previous", *overrides)
    driven = conditioning(model, frames)
    louder = driven.audio.copy()
    louder[at] += 50
    changed = rollout(model, Conditioning(driven.identity, louder)) != rollout(model, driven)
    return (1 + np.flatnonzero(changed.reshape(frames - 1, -1).any(axis=1))).tolist()


@pytest.mark.parametrize("count", [1, 3])
def test_an_anchor_ends_what_a_frame_hands_on(count: int) -> None:
    motion = f"data.motion_frames={count}"
    assert lurch(7, 2, motion)[:3] == [2, 3, 4]
    assert lurch(7, 2, motion, "sampling.anchor_every=3") == [2, 3]
    assert lurch(7, 3, motion, "sampling.anchor_every=3") == [3]
    assert lurch(7, 4, motion, "sampling.anchor_every=3")[:2] == [4, 5]


def test_an_anchor_at_every_frame_is_no_motion_frame_at_all() -> None:
    made = []
    for overrides in (("sampling.motion=previous", "sampling.anchor_every=1"), ("sampling.motion=identity",)):
        model = synthesizer(*overrides)
        made.append(rollout(model, conditioning(model, 5)))
    assert np.abs(made[0].astype(int) - made[1].astype(int)).max() <= 1


def test_motion_frames_are_noised_and_carried_on_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    model = synthesizer("sampling.motion=previous", "motion.noise=0.3", "sampling.motion_noise=0.2")
    seen, denoise = [], model.network.denoise

    def watched(x: torch.Tensor, steps: torch.Tensor, pictures: torch.Tensor, signals: object) -> torch.Tensor:
        seen.append(pictures[:, 3:6].clone())
        return denoise(x, steps, pictures, signals)

    monkeypatch.setattr(model.network, "denoise", watched)
    driven = conditioning(model, 4)
    frames = rollout(model, driven)
    carried = [driven.identity, *frames[:-1, 0]]  # what each frame is made after
    noise = torch.stack(seen[::3])[:, 0] - torch.from_numpy(np.stack(carried)).permute(0, 3, 1, 2) / 127.5 + 1
    assert float(noise.std()) == pytest.approx(0.2, rel=0.05)
    assert np.array_equal(frames, rollout(model, driven))


def test_after_an_anchor_the_sound_makes_the_same_frames_again() -> None:
    model = synthesizer("sampling.motion=previous", "sampling.anchor_every=3", "sampling.noise=shared")
    driven = conditioning(model, 10)
    audio = driven.audio.copy()
    audio[4:7] = audio[7:10] = audio[1:4]
    frames = rollout(model, Conditioning(driven.identity, audio))
    assert np.array_equal(frames[:3], frames[3:6])
    assert np.array_equal(frames[:3], frames[6:])


def test_what_is_given_out_and_carried_on_has_the_colours_of_the_identity_frame() -> None:
    """A network that makes every frame darker and yellower than the one before is held by its anchor."""
    spread = {}
    for anchored in ("false", "true"):
        model = synthesizer("sampling.motion=previous", f"sampling.anchor_colour={anchored}")
        driven = conditioning(model, 6)
        soft = Conditioning((driven.identity // 4 + 96).astype(np.uint8), driven.audio)  # nothing near black or white
        off = rollout(model, soft)[:, 0].mean(axis=(1, 2)) - soft.identity.mean(axis=(0, 1))
        spread[anchored] = np.abs(off).max()
    assert spread["true"] < 0.5 < 5 < spread["false"]


def test_every_motion_frame_reaches_the_picture() -> None:
    """A frame depends on the sound of as many frames before it as there are motion frames, and no more through them."""
    model = synthesizer("sampling.motion=previous", "data.motion_frames=3")
    width = model.network.stem.in_channels
    assert width == synthesizer().network.stem.in_channels + 2 * 3 * model.network.patch**2
    torch.nn.init.zeros_(model.network.stem.weight[:, width // 5 * 3 :])
    driven = conditioning(model, 6)
    louder = driven.audio.copy()
    louder[1] += 50
    changed = rollout(model, Conditioning(driven.identity, louder)) != rollout(model, driven)
    # Blind to the two newest, a frame sees the third before it alone.
    assert list(1 + np.flatnonzero(changed.reshape(5, -1).any(axis=1))) == [1, 4]


def test_more_steps_than_training_had_are_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="choose 1 to 250"):
        synthesizer("sampling.steps=251")


SAMPLERS = [
    ("sampling.sampler=ddpm",),
    ("sampling.sampler=ddpm", "sampling.variance=beta"),
    ("sampling.sampler=ddim",),
    ("sampling.sampler=ddim", "sampling.eta=0.7"),
    ("sampling.sampler=dpmpp_2m",),
]


@pytest.mark.parametrize("overrides", SAMPLERS)
@pytest.mark.parametrize("spacing", ["leading", "quadratic"])
def test_every_sampler_repeats_itself_from_its_seed(overrides: tuple[str, ...], spacing: str) -> None:
    model = synthesizer(*overrides, f"sampling.spacing={spacing}")
    driven = conditioning(model, 3)
    assert np.array_equal(rollout(model, driven), rollout(model, driven))


def test_every_sampler_is_another() -> None:
    made = []
    for overrides in SAMPLERS:
        model = synthesizer(*overrides, "sampling.steps=4")
        made.append(rollout(model, conditioning(model, 3)).tobytes())
    assert len(set(made)) == len(SAMPLERS)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
@pytest.mark.parametrize("prediction", ["x0", "v"])
def test_a_schedule_without_signal_at_its_end_is_sampled(schedule: str, prediction: str) -> None:
    model = synthesizer(
        f"diffusion.schedule={schedule}",
        "diffusion.zero_terminal_snr=true",
        f"diffusion.prediction={prediction}",
        "diffusion.residual=false",
        "sampling.sampler=dpmpp_2m",
    )
    assert model.process.alpha_bar[model.timesteps[0]] == 0
    assert rollout(model, conditioning(model, 3)).std() > 0


def test_an_unclamped_estimate_may_leave_the_range_of_frames_on_its_way() -> None:
    made = []
    for clamp in ("none", "static"):
        model = synthesizer(f"sampling.clamp={clamp}")
        made.append(rollout(model, conditioning(model, 3)))
    assert not np.array_equal(*made)


BOTH = ("model.landmarks=true", "conditioning.drop_audio=0.1", "conditioning.drop_landmarks=0.1")


def driven_by_points(model: DdpmSynthesizer, frames: int = 3, seed: int = 0) -> Conditioning:
    points = np.random.default_rng(seed).uniform(0, 16, (frames, 68, 2)).astype(np.float32)
    return replace(conditioning(model, frames, seed), landmarks=points)


def test_a_guided_step_is_its_branches_combined_by_the_formula() -> None:
    one_step = (*BOTH, "sampling.steps=1", "sampling.clamp=none", "diffusion.residual=false")
    guided = synthesizer(*one_step, "sampling.guidance_audio=1.5", "sampling.guidance_landmarks=0.5")
    driven = driven_by_points(guided, 2)
    found: dict[str, torch.Tensor] = {}

    def kept(name: str, model: DdpmSynthesizer) -> None:
        denoise, rows = model.network.denoise, []

        def spy(x_t, timesteps, pictures, signals):
            rows.append(len(x_t))
            return denoise(x_t, timesteps, pictures, signals)

        model.network.denoise = spy  # type: ignore[method-assign]
        sampler = model.sampler
        model.sampler = lambda *args: found.setdefault(name, sampler(*args))
        rollout(model, driven)
        assert rows == [3 if name == "guided" else 1]

    kept("guided", guided)
    kept("full", synthesizer(*one_step))
    kept("audio", synthesizer(*one_step, "sampling.without=[audio]"))
    kept("landmarks", synthesizer(*one_step, "sampling.without=[landmarks]"))
    full = found["full"]
    expected = full + 0.5 * (full - found["audio"]) - 0.5 * (full - found["landmarks"])
    torch.testing.assert_close(found["guided"], expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(found["guided"], full, atol=1e-3)


@pytest.mark.parametrize("fusion", ["film", "joint", "token"])
def test_a_signal_left_out_drives_nothing_and_the_other_does(fusion: str) -> None:
    for left_out in ("audio", "landmarks"):
        model = synthesizer(*BOTH, f"model.fusion={fusion}", f"sampling.without=[{left_out}]")
        first, second = driven_by_points(model), driven_by_points(model, seed=1)
        audio, points = replace(first, audio=second.audio), replace(first, landmarks=second.landmarks)
        silent, heard = (audio, points) if left_out == "audio" else (points, audio)
        made = rollout(model, first)
        assert np.array_equal(rollout(model, silent), made)
        assert not np.array_equal(rollout(model, heard), made)


def test_landmarks_that_are_not_given_are_landmarks_left_out() -> None:
    model, without = synthesizer(*BOTH), synthesizer(*BOTH, "sampling.without=[landmarks]")
    driven = driven_by_points(model)
    assert (model.uses_landmarks, model.needs_landmarks) == (True, False)
    assert (without.uses_landmarks, without.needs_landmarks) == (False, False)
    assert np.array_equal(rollout(model, driven.without("landmarks")), rollout(without, driven))
    assert not np.array_equal(rollout(model, driven), rollout(without, driven))


def test_a_clip_with_landmarks_may_stand_beside_one_without() -> None:
    model = synthesizer(*BOTH, "sampling.noise=shared", "sampling.guidance_landmarks=2")
    one, other = driven_by_points(model), conditioning(model, 3, seed=1)
    both = rollout(model, one, other)
    assert np.abs(both[:, :1].astype(int) - rollout(model, one).astype(int)).max() <= 1


@pytest.mark.parametrize("motion", ["previous", "identity"])
def test_guided_frames_repeat_themselves_and_differ_from_unguided_ones(motion: str) -> None:
    model = synthesizer(*BOTH, f"sampling.motion={motion}", "sampling.guidance_audio=3")
    driven = driven_by_points(model, 4)
    assert np.array_equal(rollout(model, driven), rollout(model, driven))
    assert not np.array_equal(rollout(model, driven), rollout(synthesizer(*BOTH, f"sampling.motion={motion}"), driven))
