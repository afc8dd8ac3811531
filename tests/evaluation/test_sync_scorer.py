from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from viseme.data import align
from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.face import Renderer
from viseme.data.synthetic.make import synthesize_clip
from viseme.errors import InputError, ModelError
from viseme.evaluation.sync_scorer import (
    BANDS,
    REACH,
    SHORTEST,
    SyncScorer,
    agreement,
    bundled_scorer,
    directions,
    grey,
    load_scorer,
    mouth_audio_sync,
    mouths,
)
from viseme.nn.weights import save_model
from viseme.types import SAMPLES_PER_FRAME, Float32, UInt8


@pytest.fixture(scope="module")
def spoken() -> tuple[UInt8, Float32]:
    """Three seconds of a rendered face that no scorer was trained on, aligned at 64 pixels by its true landmarks."""
    clip = synthesize_clip(Renderer(draw_actor(np.random.default_rng(4321)), 160), 3.0, np.random.default_rng(5))
    matrix = align.clip_transform(clip.landmarks, 64)
    return np.stack([align.warp(frame, matrix, 64) for frame in clip.frames]), clip.audio


@pytest.fixture(scope="module")
def untrained() -> SyncScorer:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SyncScorer().eval()


def late(frames: UInt8, audio: Float32, offset: int) -> tuple[UInt8, Float32]:
    """The clip with its picture so many frames later than its sound, cut to what both have."""
    count = len(frames) - abs(offset)
    picture, sound = max(0, -offset), max(0, offset)
    return frames[picture : picture + count], audio[sound * SAMPLES_PER_FRAME : (sound + count) * SAMPLES_PER_FRAME]


@pytest.mark.parametrize("offset", [-10, -3, 0, 4, 10])
def test_a_picture_that_comes_late_has_a_positive_offset(offset: int) -> None:
    code = F.normalize(torch.randn(60, 16, generator=torch.Generator().manual_seed(1)), dim=1)
    start = 15
    seen, heard = code[start - offset : start - offset + 30], code[start : start + 30]  # what is seen now, sounded then
    curve = agreement(seen, heard)
    assert int(curve.argmax()) - REACH == offset
    assert curve.max() == pytest.approx(1)


def test_agreement_is_the_mean_cosine_of_the_pairs_that_overlap() -> None:
    rng = torch.Generator().manual_seed(2)
    seen, heard = (F.normalize(torch.randn(30, 8, generator=rng), dim=1) for _ in range(2))
    by_hand = [
        np.mean([float(seen[t] @ heard[t - k]) for t in range(3, 27) if 3 <= t - k < 27])
        for k in range(-REACH, REACH + 1)
    ]
    assert agreement(seen, heard) == pytest.approx(np.array(by_hand), abs=1e-6)


def test_a_larger_video_shows_the_same_mouth() -> None:
    small = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    assert np.array_equal(mouths(large), mouths(small))
    assert np.array_equal(mouths(small), small[:, 30:60, 17:47])
    assert np.array_equal(mouths(small, 4)[:, 4:-4, 4:-4], mouths(small))


def test_grey_is_luma() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    assert grey(picture).numpy() * 255 == pytest.approx(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), abs=0.51)


def test_clips_do_not_disturb_each_other(untrained: SyncScorer) -> None:
    rng = torch.Generator().manual_seed(3)
    pictures, sounds = torch.rand(2, 30, 30, 30, generator=rng), torch.randn(2, 30, 4 * BANDS, generator=rng)
    with torch.inference_mode():
        torch.testing.assert_close(untrained.see(pictures)[1:], untrained.see(pictures[1:]))
        torch.testing.assert_close(untrained.hear(sounds)[1:], untrained.hear(sounds[1:]))
        assert untrained.see(pictures).norm(dim=-1).numpy() == pytest.approx(1, abs=1e-5)


def test_brightness_and_contrast_do_not_count(untrained: SyncScorer, spoken: tuple[UInt8, Float32]) -> None:
    pictures = grey(mouths(spoken[0]))[None]
    with torch.inference_mode():
        same = (untrained.see(pictures) * untrained.see(0.9 * pictures + 0.1)).sum(-1)
    assert float(same.min()) > 0.99


@pytest.mark.parametrize("offset", [-8, -2, 0, 3, 9])
def test_the_bundled_scorer_finds_shifts(spoken: tuple[UInt8, Float32], offset: int) -> None:
    found = mouth_audio_sync(*late(*spoken, offset))
    assert abs(found.offset - offset) <= 1
    assert found.confidence == pytest.approx(found.agreement.max() - np.median(found.agreement))


def test_what_does_not_move_or_does_not_fit_is_less_sure(spoken: tuple[UInt8, Float32]) -> None:
    frames, audio = spoken
    sure = mouth_audio_sync(frames, audio).confidence
    still = mouth_audio_sync(np.repeat(frames[:1], len(frames), axis=0), audio).confidence
    backwards = mouth_audio_sync(frames, np.ascontiguousarray(audio[::-1])).confidence
    assert still < 0.1 * sure
    assert backwards < 0.7 * sure


def test_black_and_silence_give_numbers(untrained: SyncScorer) -> None:
    black, silence = np.zeros((30, 64, 64, 3), np.uint8), np.zeros(30 * SAMPLES_PER_FRAME, np.float32)
    found = mouth_audio_sync(black, silence, untrained)
    assert np.isfinite(found.agreement).all()
    assert abs(found.confidence) < 1e-3


@pytest.mark.parametrize(
    ("frames", "audio", "says"),
    [
        (np.zeros((30, 64, 48, 3), np.uint8), np.zeros(9, np.float32), "square"),
        (np.zeros((30, 64, 64, 3), np.float32), np.zeros(9, np.float32), "uint8"),
        (np.zeros((SHORTEST - 1, 64, 64, 3), np.uint8), np.zeros(9, np.float32), "26 frames"),
        (np.zeros((30, 64, 64, 3), np.uint8), np.zeros((9, 2), np.float32), "mono"),
        (np.zeros((30, 64, 64, 3), np.uint8), np.full(9, np.nan, np.float32), "finite"),
    ],
)
def test_bad_input(untrained: SyncScorer, frames: np.ndarray, audio: np.ndarray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        mouth_audio_sync(frames, audio, untrained)


def test_not_a_scorer(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        load_scorer(tmp_path / "none.safetensors")
    save_model(tmp_path / "other.safetensors", torch.nn.Linear(2, 2), {}, {}, torch.float16)
    with pytest.raises(ModelError, match="another architecture"):
        load_scorer(tmp_path / "other.safetensors")


def test_a_saved_scorer_is_read_again(tmp_path: Path, untrained: SyncScorer) -> None:
    save_model(tmp_path / "scorer.safetensors", untrained, asdict(untrained.config), {}, torch.float32)
    read = load_scorer(tmp_path / "scorer.safetensors")
    assert not read.training
    sound = torch.zeros(1, 30, 4 * BANDS)
    assert torch.equal(read.hear(sound), untrained.hear(sound))


def test_the_bundled_file_is_small_and_in_order(spoken: tuple[UInt8, Float32]) -> None:
    scorer = bundled_scorer()
    assert not scorer.training
    assert sum(parameter.numel() for parameter in scorer.parameters()) < 1_000_000
    seen, heard = directions(*spoken, scorer)
    assert seen.shape == heard.shape == (len(spoken[0]), scorer.config.directions)
