"""Rollouts of held-out clips while a model trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import viseme
from viseme.config import load_config
from viseme.data.audio import read_audio
from viseme.data.store import Store
from viseme.data.video import opened
from viseme.errors import ModelError
from viseme.evaluation import fidelity
from viseme.generation.provenance import read_provenance
from viseme.types import Conditioning, Float32, UInt8
from viseme.validation import METRICS, Rollouts, by_turns, compared, means, rollouts

SIZE, FRAMES = 32, 12


class Teller:
    """A synthesizer that knows the truth of a store, darkened by a constant."""

    name, size = "teller", SIZE

    def __init__(self, store: Store, darker: int = 0) -> None:
        self.store, self.darker = store, darker
        self.heard: list[int] = []

    def encode(self, audio: Float32, frames: int) -> Float32:
        self.heard.append(len(audio))
        return np.zeros((frames, 1), np.float32)

    def synthesize(self, conditionings: Sequence[Conditioning], rng: torch.Generator) -> Iterator[UInt8]:
        clips = [self.store.frames(given.clip_id, size=SIZE) for given in conditionings]
        for t in range(1, max(given.frames for given in conditionings)):
            shown = np.stack([clip[min(t, len(clip) - 1)] for clip in clips]).astype(int) - self.darker
            yield shown.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def opened_store(store) -> Store:
    return Store.open(store)


@pytest.fixture(scope="module")
def roll(opened_store: Store) -> Rollouts:
    return Rollouts(opened_store, SIZE, clips=2, frames=FRAMES)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_truth_itself_scores_as_truth(roll, opened_store, tmp_path):
    teller = Teller(opened_store)
    found = roll(teller, tmp_path / "v.mp4", seeded())
    assert set(found.scalars) == {"l1", *METRICS}
    assert found.scalars["l1"] == 0
    assert found.scalars["mouth_lmd"] == pytest.approx(0, abs=1e-4)
    assert found.scalars["psnr"] == 100
    for name in ("ssim", "mouth_correlation_raw", "opening_spread"):
        assert found.scalars[name] == pytest.approx(1), name
    assert teller.heard == [FRAMES * 640] * 2
    pictures = found.sheet.reshape(2, 2, SIZE, 8 * SIZE, 3)
    np.testing.assert_array_equal(pictures[:, 0], pictures[:, 1])


def test_scores_are_means_over_clips_of_frames_past_the_first(roll, opened_store, tmp_path):
    found = roll(Teller(opened_store, darker=51), tmp_path / "v.mp4", seeded())
    expected = []
    for row in by_turns(opened_store.clips("val"))[:2]:
        truth = opened_store.frames(row.clip_id, 1, FRAMES, size=SIZE)
        expected.append(np.abs(truth.astype(int) - (truth.astype(int) - 51).clip(0)).mean() / 127.5)
    assert found.scalars["l1"] == pytest.approx(np.mean(expected), rel=1e-6)
    assert found.scalars["psnr"] < fidelity.PSNR_CAP


def test_the_video_shows_all_clips_one_after_another_with_their_sound(roll, opened_store, tmp_path):
    found = roll(Teller(opened_store), tmp_path / "v.mp4", seeded())
    assert found.video.shape == (2 * FRAMES, 2 * SIZE, 2 * SIZE, 3)
    with opened(tmp_path / "v.mp4") as container:
        (stream,) = container.streams.video
        assert (stream.width, stream.height) == (2 * SIZE, 2 * SIZE)
        assert sum(1 for _ in container.decode(stream)) == 2 * FRAMES
    ids = [row.clip_id for row in by_turns(opened_store.clips("val"))[:2]]
    expected = np.concatenate([opened_store.audio(clip_id)[: FRAMES * 640] for clip_id in ids])
    heard = read_audio(tmp_path / "v.mp4")[: len(expected)]
    assert np.corrcoef(heard, expected[: len(heard)])[0, 1] > 0.95
    record = read_provenance(tmp_path / "v.mp4")
    assert (record["clip_id"], record["ai_generated"]) == (", ".join(ids), True)


def test_the_same_model_and_seed_give_the_same_bytes(roll, opened_store, tmp_path):
    made = [roll(Teller(opened_store), tmp_path / name, seeded()) for name in ("a.mp4", "b.mp4")]
    assert made[0].scalars == made[1].scalars
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_frozen_face_has_still_lips(store, opened_store, roll, tmp_path):
    frozen = roll(viseme.load_model("control:frozen", data=store, size=SIZE), tmp_path / "v.mp4", seeded()).scalars
    assert frozen["mouth_correlation_raw"] == 0
    assert frozen["opening_spread"] == pytest.approx(0, abs=1e-9)
    assert frozen["brightness_drift"] == 0


def test_a_synthesizer_that_stops_early_is_named(roll, opened_store, tmp_path):
    class Short(Teller):
        def synthesize(self, conditionings, rng):
            return islice(super().synthesize(conditionings, rng), 3)

    with pytest.raises(ModelError, match="stopped after 3 of 11 frames"):
        roll(Short(opened_store), tmp_path / "v.mp4", seeded())
    assert not list(tmp_path.iterdir())


def test_each_actor_s_first_clip_comes_before_any_second():
    rows = [SimpleNamespace(clip_id=f"{actor}{index}", actor=actor) for actor in "ab" for index in range(3)]
    assert [row.clip_id for row in by_turns([*rows, SimpleNamespace(clip_id="c0", actor="c")])] == [
        *("a0", "b0", "c0"),
        *("a1", "b1"),
        *("a2", "b2"),
    ]


def test_a_clip_without_a_score_does_not_count_in_its_mean():
    assert means([{"l1": 1.0, "ssim": 0.5}, {"l1": 3.0}]) == {"l1": 2.0, "ssim": 0.5}
    assert means([]) == {}


def test_truth_left_made_right_and_their_mouths_below():
    truth, made = (np.full((2, 16, 16, 3), value, np.uint8) for value in (50, 200))
    truth[:, 10:12, 7:9] = 250
    mouth = np.full((2, 68, 2), [7.5, 10.5], np.float32)
    picture = compared(truth, made, mouth)
    assert picture.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(picture[:, :16, :16], truth)
    assert (picture[:, :, 16:] == 200).all()
    bright = np.argwhere(picture[0, 16:, :16, 0] > 200).mean(axis=0)
    np.testing.assert_allclose(bright, [8, 8], atol=1.5)


@pytest.mark.parametrize("corner", [[-40.0, -40.0], [90.0, 90.0]])
def test_a_mouth_near_the_border_is_shown_as_near_as_fits(corner):
    frames = np.random.default_rng(0).integers(0, 255, (2, 17, 17, 3), dtype=np.uint8)
    assert compared(frames, frames, np.full((2, 68, 2), corner, np.float32)).shape == (2, 34, 34, 3)


def test_no_rollouts_where_none_are_wanted_or_no_clip_is_held_out(opened_store, store):
    settings = ["data.size=32", "training.rollout_frames=12"]
    config = load_config("tiny_gan", settings)
    made = rollouts(opened_store, config)
    assert made is not None
    assert len(made.truths) == 2
    assert rollouts(opened_store, load_config("tiny_gan", [*settings, "training.rollout_clips=0"])) is None
    empty = SimpleNamespace(clips=lambda split: [])
    assert rollouts(empty, config) is None
