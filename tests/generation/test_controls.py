from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from viseme.data.video import read_video
from viseme.errors import ConfigError, InputError, StoreError
from viseme.generation.controls import ChangesSound, blurred, control, shown
from viseme.generation.generate import generate_split
from viseme.generation.rollout import condition, rollout
from viseme.types import Conditioning, Synthesizer

RNG = torch.Generator()


def conditionings(system, store, clips=("a0", "a1")) -> list[Conditioning]:
    return [
        condition(
            system, store.frame(c, 0, size=system.size), store.audio(c), store.row(c).frames, clip_id=c
        )
        for c in clips
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["frozen", "reencoded", "shifted:3", "shifted:-2", "blurred:1.5"])
def test_controls_are_synthesizers_that_hear_nothing(store, name: str) -> None:
    system = control(f"control:{name}", store, 32)
    assert isinstance(system, Synthesizer)
    assert (system.name, system.size, system.control) == (name, 32, name)
    features = system.encode(store.audio("a0"), 5)
    assert features.shape == (5, 1)
    assert not features.any()


def test_frozen_repeats_the_identity(store) -> None:
    system = control("frozen", store, 32)
    frames = list(rollout(system, conditionings(system, store), RNG))
    assert len(frames) == 7
    for frame in frames:
        np.testing.assert_array_equal(frame, frames[0])


@pytest.mark.parametrize("name", ["reencoded", "shifted:2"])
def test_the_others_replay_the_truth(store, name: str) -> None:
    system = control(name, store, 32)
    frames = np.stack(list(rollout(system, conditionings(system, store), RNG)))
    np.testing.assert_array_equal(frames[:5, 0], store.frames("a0", size=32))
    np.testing.assert_array_equal(frames[:, 1], store.frames("a1", size=32))


def test_a_shift_delays_the_sound_by_whole_frames(store) -> None:
    sound = np.arange(1, 640 * 5 + 1, dtype=np.float32)
    late, early, never = (control(f"shifted:{k}", store, 32) for k in (2, -2, 9))
    assert isinstance(late, ChangesSound)
    assert not isinstance(control("reencoded", store, 32), ChangesSound)
    np.testing.assert_array_equal(late.sound(sound), np.concatenate([np.zeros(1280), sound[:-1280]]))
    np.testing.assert_array_equal(early.sound(sound), np.concatenate([sound[1280:], np.zeros(1280)]))
    assert len(never.sound(sound)) == len(sound)
    assert not never.sound(sound).any()


def test_truth_needs_a_clip(store) -> None:
    system = control("reencoded", store, 32)
    nameless = Conditioning(np.zeros((32, 32, 3), np.uint8), np.zeros((4, 1), np.float32))
    with pytest.raises(InputError, match="a photo and a voice are none"):
        list(system.synthesize([nameless], RNG))


BLURS = ("blurred", "blurred:", "blurred:0", "blurred:-1", "blurred:nan", "blurred:inf", "blurred:33", "blurred:x")


@pytest.mark.parametrize("name", ["", "shifted", "shifted:", "shifted:0", "shifted:x", "shifted:1.5", *BLURS])
def test_unknown_names_are_refused_with_the_known_ones(store, name: str) -> None:
    with pytest.raises(ConfigError, match="there are frozen, reencoded, shifted:K, blurred:SIGMA"):
        control(name, store, 32)


def test_sizes_that_the_store_cannot_give_are_refused(store) -> None:
    for size in (48, 128, 0, -32):
        with pytest.raises(StoreError, match=f"cannot be given at {size}"):
            control("frozen", store, size)


def test_blurred_frames_are_the_true_ones_under_a_gaussian(store) -> None:
    system = control("blurred:2", store, 32)
    frames = np.stack(list(rollout(system, conditionings(system, store), RNG)))
    true = store.frames("a1", size=32).astype(np.float64)
    plain = gaussian_filter(true, sigma=(0, 2, 2, 0), mode="mirror", truncate=4)
    np.testing.assert_array_equal(frames[0, 1], true[0])  # the identity frame
    np.testing.assert_allclose(frames[1:, 1], plain[1:], atol=0.6)
    assert system.name == "blurred:2"


def test_a_blur_keeps_brightness_and_what_is_flat() -> None:
    flat = np.full((2, 16, 16, 3), 93, np.uint8)
    np.testing.assert_array_equal(blurred(flat, 3), flat)
    noise = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    assert blurred(noise, 1).mean() == pytest.approx(noise.mean(), abs=0.5)
    assert blurred(noise, 2).std() < blurred(noise, 1).std() < noise.std()


def test_what_is_shown_is_what_the_control_s_videos_hold(store, tmp_path) -> None:
    generate_split(control("blurred:1.5", store, 32), store, tmp_path, limit=2)
    for clip in ("a0", "a1"):
        np.testing.assert_array_equal(shown(store.frames(clip, size=32), 1.5), read_video(tmp_path / f"{clip}.mp4")[1:])
